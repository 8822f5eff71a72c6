//! The gate's handshakes without its sockets: for a transport other than the listener's, for
//! `benches/handshake.rs`, which measures them in memory, and for `fuzz/`, which meets them there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use rustls::{Error, ServerConnection};
use rustls_pki_types::CertificateDer;

use super::delivery::Delivery;
use super::heads::Heads;
use super::keeper::Keeper;
use super::registry::{NotEntered, Protocol, Registry};
use super::settings::Settings;
use super::state::State;
use super::tls::TlsSettings;
use crate::admission::{Admitted, Refusal};
use crate::ground::clock;
use crate::ground::messages;

/// What a gate's handshakes need, as it stands in its files.
pub struct Handshakes {
    state: State,
    tls: TlsSettings,
    registry: Arc<Registry>,
}

/// No socket, no address.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Handshakes {
    /// Reads the files as [`super::Gate::open`] does. What comes from the authority is missing, and
    /// without it no handshake begins.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn open(settings: &Settings) -> Result<Self, messages::Refusal> {
        let state = State::new(false);
        Keeper::open(settings.clone(), &Delivery::of_all(settings), state.clone(), clock::now())?;
        let registry = Registry::new(usize::MAX, Gauge::default());
        Ok(Self { state, tls: TlsSettings::new(settings.tls12, settings.mode), registry })
    }

    /// The gate's side of one connection, with a verifier and a ticket producer of its own.
    ///
    /// # Errors
    /// rustls refuses the settings.
    pub fn begin(&self) -> Result<ServerConnection, Error> {
        let snapshot = self.state.current().ok_or(Error::HandshakeNotComplete)?;
        let (config, _) = self.tls.for_connection(&snapshot, None)?;
        ServerConnection::new(config)
    }

    /// Judges the visitor of a finished handshake, full or resumed. The connection is among the live
    /// ones for as long as that takes.
    ///
    /// # Errors
    /// Why the visitor may not come in.
    pub fn admit(&self, connection: &ServerConnection) -> Result<Admitted, Refusal> {
        let chain: &[CertificateDer<'static>] = connection.peer_certificates().unwrap_or_default();
        match self.registry.enter(&self.state, chain, NOWHERE, Protocol::Tcp) {
            Ok((admitted, _, _)) => Ok(admitted),
            // Not here, where nobody stays.
            Err(NotEntered::TooMany(admitted)) => Ok(*admitted),
            Err(NotEntered::Refused(refusal)) => Err(refusal),
        }
    }

    /// The requests of an admitted visitor; none while no server certificate is there.
    #[must_use]
    pub fn heads(&self, admitted: &Admitted, address: IpAddr) -> Option<Heads> {
        let server = Arc::clone(&self.state.current()?.server);
        Heads::new(admitted, address, server, true)
    }
}
