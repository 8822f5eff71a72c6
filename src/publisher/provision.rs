//! What the publisher needs and may not get itself, got by the supervisor: the sockets it listens
//! at.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};

use super::settings::{LocalAddress, Settings};
use crate::door::descriptors::{self, Descriptors};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// Mode of a Unix socket: its user and its group may connect.
const SOCKET_MODE: u32 = 0o660;

/// What a publisher is provided with.
pub struct Provision {
    settings: Settings,
    listeners: Listeners,
    /// The file of a Unix socket goes with us.
    _socket: Option<SocketFile>,
}

/// The sockets that a publisher listens at.
#[derive(Debug, Default)]
pub struct Listeners {
    pub(super) public: Option<StdTcpListener>,
    pub(super) watching: Option<LocalListener>,
}

/// A socket for those who watch.
#[derive(Debug)]
pub(super) enum LocalListener {
    Tcp(StdTcpListener),
    Unix(StdUnixListener),
}

/// What comes with a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Handed {
    Public,
    WatchingTcp,
    WatchingUnix,
    /// Nothing: these were all.
    Last,
}

impl Provision {
    /// Listens where the settings say.
    ///
    /// # Errors
    /// Why an address cannot be listened at.
    pub async fn open(settings: Settings) -> Result<Self, Refusal> {
        let public = match settings.listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let (watching, socket) = match &settings.metrics {
            None => (None, None),
            Some(LocalAddress::Tcp(address)) => {
                (Some(LocalListener::Tcp(bind(*address).await?)), None)
            }
            Some(LocalAddress::Unix(path)) => {
                let listener = bind_unix(path).map_err(|error| {
                    let address = format!("unix:{}", Untrusted(&path.to_string_lossy()));
                    Refusal::ListenFailed { address, reason: error.to_string() }
                })?;
                (Some(LocalListener::Unix(listener)), Some(SocketFile(path.clone())))
            }
        };
        Ok(Self { settings, listeners: Listeners { public, watching }, _socket: socket })
    }

    /// The publisher's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the CRL is served: the port that was chosen, when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listeners.public.as_ref()?.local_addr().ok()
    }

    /// Where metrics and health are served, when over TCP.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        match self.listeners.watching.as_ref()? {
            LocalListener::Tcp(listener) => listener.local_addr().ok(),
            LocalListener::Unix(_) => None,
        }
    }

    /// The same sockets once more.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn listeners(&self) -> io::Result<Listeners> {
        let public = self.listeners.public.as_ref().map(StdTcpListener::try_clone).transpose()?;
        public.as_ref().map(descriptors::listen_again).transpose()?;
        let watching = match &self.listeners.watching {
            None => None,
            Some(LocalListener::Tcp(listener)) => {
                descriptors::listen_again(listener)?;
                Some(LocalListener::Tcp(listener.try_clone()?))
            }
            Some(LocalListener::Unix(listener)) => {
                descriptors::listen_again(listener)?;
                Some(LocalListener::Unix(listener.try_clone()?))
            }
        };
        Ok(Listeners { public, watching })
    }

    /// Listens no more. What the publisher holds of the sockets is the publisher's.
    pub fn close(&mut self) {
        self.listeners = Listeners::default();
    }
}

impl Listeners {
    /// Hands them to the publisher's process.
    ///
    /// # Errors
    /// It is gone.
    pub async fn send(self, channel: &Descriptors) -> io::Result<()> {
        if let Some(listener) = self.public {
            channel.send(&Handed::Public, Some(listener.as_fd())).await?;
        }
        match self.watching {
            None => {}
            Some(LocalListener::Tcp(listener)) => {
                channel.send(&Handed::WatchingTcp, Some(listener.as_fd())).await?;
            }
            Some(LocalListener::Unix(listener)) => {
                channel.send(&Handed::WatchingUnix, Some(listener.as_fd())).await?;
            }
        }
        channel.send(&Handed::Last, None).await
    }

    /// Takes them from the supervisor.
    ///
    /// # Errors
    /// It is gone, or sent something else.
    pub(super) async fn receive(channel: &Descriptors) -> io::Result<Self> {
        let mut listeners = Self::default();
        while let Some((handed, descriptor)) = channel.receive().await? {
            match (handed, descriptor) {
                (Handed::Public, Some(socket)) => listeners.public = Some(socket.into()),
                (Handed::WatchingTcp, Some(socket)) => {
                    listeners.watching = Some(LocalListener::Tcp(socket.into()));
                }
                (Handed::WatchingUnix, Some(socket)) => {
                    listeners.watching = Some(LocalListener::Unix(socket.into()));
                }
                (Handed::Last, None) => return Ok(listeners),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Removed when dropped.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever starts next removes what is left.
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn bind(address: SocketAddr) -> Result<StdTcpListener, Refusal> {
    let listener = TcpListener::bind(address).await.and_then(TcpListener::into_std);
    listener.map_err(|error| {
        let address = address.to_string();
        Refusal::ListenFailed { address, reason: error.to_string() }
    })
}

/// Listens at a path. A socket that an earlier process left there, and nobody hears, is removed.
fn bind_unix(path: &Path) -> io::Result<StdUnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let left = std::fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
    if left && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?.into_std()?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}
