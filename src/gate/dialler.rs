//! Connections to the upstream for a gate that may make none: it asks, the supervisor connects.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use serde::{Deserialize, Serialize};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tower_service::Service;

use super::upstream::Upstream;
use crate::door::descriptors::Descriptors;

/// How long the upstream may take to accept a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How often a silent connection is asked whether the upstream still lives.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Connections to the upstream that are being made at once; the others wait.
const UNDER_WAY: usize = 256;

/// From the supervisor to a gate, with a descriptor unless something was refused.
#[derive(Debug, Serialize, Deserialize)]
pub enum Handed {
    /// The socket the gate listens at: the first message.
    Listener,
    /// A connection to the upstream.
    Connection {
        /// As it was asked.
        ask: u64,
        /// Why there is none.
        refused: Option<String>,
    },
}

/// From a gate to the supervisor: asks for a connection to the upstream.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dial {
    /// Comes back with the connection.
    pub ask: u64,
}

/// The gate's side. Clones share everything.
#[derive(Clone)]
pub struct Dialler(mpsc::Sender<oneshot::Sender<io::Result<OwnedFd>>>);

impl Dialler {
    /// Asks over this channel, on a task of its own, which ends when the supervisor is gone or sends
    /// what is no message: without it there is no upstream.
    #[must_use]
    pub fn over(channel: Descriptors) -> (Self, JoinHandle<()>) {
        let (asks, asked) = mpsc::channel(UNDER_WAY);
        (Self(asks), tokio::spawn(pass_on(channel, asked)))
    }

    /// A connection to the upstream.
    pub(super) async fn dial(&self) -> io::Result<OwnedFd> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Carries asks to the supervisor, and connections to those who asked for them, until the supervisor is
/// gone.
async fn pass_on(
    channel: Descriptors,
    mut asked: mpsc::Receiver<oneshot::Sender<io::Result<OwnedFd>>>,
) {
    let mut waiting: HashMap<u64, oneshot::Sender<io::Result<OwnedFd>>> = HashMap::new();
    let mut next = 0_u64;
    loop {
        tokio::select! {
            // No more than the supervisor has places for: else each would wait for the other to read.
            Some(answer) = asked.recv(), if waiting.len() < UNDER_WAY => {
                if answer.is_closed() {
                    continue;
                }
                next += 1;
                waiting.insert(next, answer);
                if channel.send(&Dial { ask: next }, None).await.is_err() {
                    return;
                }
            }
            handed = channel.receive::<Handed>() => {
                let Ok(Some((Handed::Connection { ask, refused }, descriptor))) = handed else {
                    return;
                };
                let connection = match (refused, descriptor) {
                    (None, Some(descriptor)) => Ok(descriptor),
                    (refused, _) => Err(io::Error::other(refused.unwrap_or_default())),
                };
                if let Some(answer) = waiting.remove(&ask) {
                    // Whoever asked may have gone.
                    let _ = answer.send(connection);
                }
            }
        }
    }
}

/// The supervisor's side: the one upstream that a gate may be connected to.
pub(super) enum Road {
    /// The address as `http://host:port`, whatever is spoken there.
    Tcp(Uri),
    /// The path of a socket.
    Unix(std::path::PathBuf),
    /// The gate has its upstream within itself.
    Nowhere,
}

impl Road {
    /// The way to an upstream; `None` when it has no possible address.
    pub(super) fn to(upstream: &Upstream) -> Option<Self> {
        Some(match upstream {
            Upstream::Greeting => Self::Nowhere,
            Upstream::Server(server) => Self::Tcp(server.address()?),
            Upstream::Socket(path) => Self::Unix(path.clone()),
        })
    }

    async fn connect(&self, mut connector: HttpConnector) -> io::Result<OwnedFd> {
        match self {
            Self::Nowhere => Err(io::ErrorKind::Unsupported.into()),
            Self::Unix(path) => UnixStream::connect(path).await?.into_std().map(OwnedFd::from),
            Self::Tcp(address) => {
                let connected = connector.call(address.clone()).await;
                let stream = connected.map_err(io::Error::other)?.into_inner();
                stream.into_std().map(OwnedFd::from)
            }
        }
    }
}

/// Connects to the upstream whenever the gate asks, until the gate is gone.
///
/// # Errors
/// What came was no asking: the gate has gone wrong.
pub(super) async fn answer(channel: &Arc<Descriptors>, road: &Arc<Road>) -> io::Result<()> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_keepalive(Some(KEEP_ALIVE));
    let places = Arc::new(Semaphore::new(UNDER_WAY));
    while let Some((Dial { ask }, descriptor)) = channel.receive().await? {
        if descriptor.is_some() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // The semaphore is never closed.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        let (channel, road, connector) = (Arc::clone(channel), Arc::clone(road), connector.clone());
        tokio::spawn(async move {
            let too_slow = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
            let connected = match tokio::time::timeout(CONNECT, road.connect(connector)).await {
                Ok(connected) => connected,
                Err(_) => Err(too_slow()),
            };
            let refused = connected.as_ref().err().map(super::health::first_cause);
            let handed = Handed::Connection { ask, refused };
            // A gate that is gone needs no connection.
            let _ = channel.send(&handed, connected.as_ref().ok().map(AsFd::as_fd)).await;
            drop(place);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use rustix::net::{AddressFamily, SocketType};

    use super::*;
    use crate::door::descriptors;

    /// Nothing here takes longer.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A gate's side, and a supervisor's that answers it, over a channel that holds few messages.
    fn ends(road: Road) -> (Dialler, JoinHandle<()>, JoinHandle<io::Result<()>>) {
        let (near, far) = descriptors::pair().unwrap();
        for end in [&near, &far] {
            rustix::net::sockopt::set_socket_send_buffer_size(end, 0).unwrap();
        }
        let (near, far) = (Descriptors::new(near).unwrap(), Descriptors::new(far).unwrap());
        let (near, road) = (Arc::new(near), Arc::new(road));
        let (dialler, asking) = Dialler::over(far);
        (dialler, asking, tokio::spawn(async move { answer(&near, &road).await }))
    }

    // Catches two ends that both wait for the other to read: with more asks under way than the channel
    // holds, nobody would get a connection any more.
    #[tokio::test]
    async fn however_many_ask_at_once_each_is_answered() {
        let listener = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        // It receives nobody at first, so that all that may be under way is.
        rustix::net::listen(&listener, 0).unwrap();
        let listener = TcpListener::from(listener);
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (dialler, ..) = ends(Road::Tcp(address.parse().unwrap()));
        let asks: Vec<_> = (0..UNDER_WAY * 2)
            .map(|_| {
                let dialler = dialler.clone();
                tokio::spawn(async move { dialler.dial().await.map(drop) })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        rustix::net::listen(&listener, 4096).unwrap();
        std::thread::spawn(move || while listener.accept().is_ok() {});
        let mut connected = 0;
        let answered = tokio::time::timeout(PATIENCE, async {
            for ask in asks {
                // One that came too late for a slow machine is an answer, too.
                connected += usize::from(ask.await.unwrap().is_ok());
            }
        });
        answered.await.expect("both ends wait for the other");
        assert!(connected > 0);
    }

    // Catches visitors who are gone and still keep places, or take the way to the upstream with them.
    #[tokio::test]
    async fn who_gives_up_waiting_takes_nothing_from_those_who_come_later() {
        let (dialler, ..) = ends(Road::Unix("/nowhere/at/all".into()));
        for asked in 0..UNDER_WAY * 4 {
            tokio::select! {
                biased;
                _ = dialler.dial() => {}
                // Half of them go before it was asked for them, half after that.
                () = async {
                    for _ in 0..asked % 2 {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
        }
        let refused = tokio::time::timeout(PATIENCE, dialler.dial()).await.expect("no place");
        assert_eq!(
            refused.unwrap_err().kind(),
            io::ErrorKind::Other,
            "not the supervisor's answer"
        );
    }

    // Catches a captured gate that hands its supervisor sockets whose closing takes as long as it likes.
    #[tokio::test]
    async fn an_ask_with_a_descriptor_is_none() {
        let (near, far) = descriptors::pair().unwrap();
        let (near, far) = (Descriptors::new(near).unwrap(), Descriptors::new(far).unwrap());
        let (near, road) = (Arc::new(near), Arc::new(Road::Nowhere));
        let file = std::fs::File::open("/dev/null").unwrap();
        far.send(&Dial { ask: 1 }, Some(file.as_fd())).await.unwrap();
        let answered = tokio::time::timeout(PATIENCE, answer(&near, &road)).await.unwrap();
        assert_eq!(answered.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
