//! The gate's handshakes without its sockets: for a transport other than the listener's, and for
//! `benches/handshake.rs`, which measures them in memory.

use rustls::{Error, ServerConnection};
use rustls_pki_types::CertificateDer;

use super::keeper::Keeper;
use super::settings::Settings;
use super::state::State;
use super::tls::TlsSettings;
use crate::admission::{Admitted, Refusal, admit};
use crate::ground::clock;
use crate::ground::messages;

/// What a gate's handshakes need, as it stands in its files.
pub struct Handshakes {
    state: State,
    tls: TlsSettings,
}

impl Handshakes {
    /// Reads the files as [`super::Gate::open`] does. What comes from the authority is missing, and
    /// without it no handshake begins.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub fn open(settings: &Settings) -> Result<Self, messages::Refusal> {
        let state = State::new(false);
        Keeper::open(settings.clone(), state.clone(), clock::now())?;
        Ok(Self { state, tls: TlsSettings::new(settings.tls12, settings.mode) })
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

    /// Judges the visitor of a finished handshake, full or resumed.
    ///
    /// # Errors
    /// Why the visitor may not come in.
    pub fn admit(&self, connection: &ServerConnection) -> Result<Admitted, Refusal> {
        let chain: &[CertificateDer<'static>] = connection.peer_certificates().unwrap_or_default();
        let snapshot = self.state.current().ok_or(Refusal::UnknownIssuer)?;
        admit(chain, clock::now(), snapshot.epoch, &snapshot.policy)
    }
}
