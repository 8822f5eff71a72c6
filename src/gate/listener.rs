//! The socket: who is received, and who is turned away unread.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdTcpListener};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::connection::Reception;
use super::limits::{Doorkeeper, Limits};
use super::settings::Listen;
use crate::ground::clock;
use crate::ground::messages::Refusal;

/// How long to wait when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// Listens where the settings say.
pub(super) async fn bind(listen: Listen) -> Result<(StdTcpListener, SocketAddr), Refusal> {
    let bound = match listen {
        Listen::At(address) => TcpListener::bind(address).await,
        Listen::Everywhere { port } => {
            // On Linux one IPv6 socket hears IPv4 as well, unless there is no IPv6.
            match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
                Ok(listener) => Ok(listener),
                Err(_) => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await,
            }
        }
    };
    let address = match listen {
        Listen::At(address) => address,
        Listen::Everywhere { port } => (Ipv4Addr::UNSPECIFIED, port).into(),
    };
    let failed = |error: std::io::Error| Refusal::ListenFailed {
        address: address.to_string(),
        reason: error.to_string(),
    };
    let listener = bound.and_then(TcpListener::into_std).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Takes a socket that somebody listens at for us.
pub(super) fn take_over(listener: StdTcpListener) -> Result<(StdTcpListener, SocketAddr), Refusal> {
    let failed = |error: std::io::Error| Refusal::ListenFailed {
        address: "LISTEN_FDS".to_owned(),
        reason: error.to_string(),
    };
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// A place for each connection that may be open at once.
pub(super) fn places(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(limits.connections))
}

/// Receives visitors for ever.
pub(super) async fn accept(
    listener: &TcpListener,
    reception: &Arc<Reception>,
    places: &Arc<Semaphore>,
) {
    let doorkeeper = Doorkeeper::new(reception.limits);
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Either this one visitor left, or we are out of descriptors for the moment.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        let place = Arc::clone(places).try_acquire_owned();
        let pending = doorkeeper.enter(peer.ip(), clock::monotonic());
        let (Ok(place), Ok(pending)) = (place, pending) else {
            reception.journal.crowded(peer);
            continue;
        };
        set_options(&stream);
        let reception = Arc::clone(reception);
        tokio::spawn(async move {
            reception.receive(stream, peer, pending).await;
            drop(place);
        });
    }
}

/// Answers leave at once; a visitor who vanished without a word is noticed in the end.
fn set_options(stream: &TcpStream) {
    // A socket that refuses them works all the same.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_keepalive(stream, true);
}
