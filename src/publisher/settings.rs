//! Where the CRL is published, and where metrics and health are asked for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// What is published. `Default` publishes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub(super) listen: Option<SocketAddr>,
    pub(super) folder: Option<PathBuf>,
    pub(super) metrics: Option<LocalAddress>,
}

/// An address for those who watch over the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalAddress {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// What the path of a Unix socket begins with.
const UNIX: &str = "unix:";

impl Settings {
    /// Serves the CRL and the CA's certificate over plain HTTP at this address.
    #[must_use]
    pub fn with_listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Writes `crl.pem`, `ca.crl` and `ca.crt` into this folder.
    #[must_use]
    pub fn with_folder(mut self, folder: PathBuf) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Serves metrics and health at this address.
    #[must_use]
    pub fn with_metrics(mut self, address: LocalAddress) -> Self {
        self.metrics = Some(address);
        self
    }

    /// Where the CRL is served.
    #[must_use]
    pub fn listen(&self) -> Option<SocketAddr> {
        self.listen
    }

    /// Where the documents are written to.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Where metrics and health are served.
    #[must_use]
    pub fn metrics(&self) -> Option<&LocalAddress> {
        self.metrics.as_ref()
    }
}

impl LocalAddress {
    /// `127.0.0.1:9090`, or `unix:metrics.sock`, whose path lies under `folder` unless it begins with
    /// `/`. A TCP address that others can reach is refused unless `elsewhere`.
    ///
    /// # Errors
    /// Neither of the two, or an address that others can reach.
    pub fn parse(text: &str, folder: &Path, elsewhere: bool) -> Result<Self, Refusal> {
        let shown = || Untrusted(text).to_string();
        let invalid = || Refusal::MetricsAddressInvalid { address: shown() };
        if let Some(path) = text.strip_prefix(UNIX) {
            return if path.is_empty() {
                Err(invalid())
            } else {
                Ok(Self::Unix(folder.join(path)))
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| invalid())?;
        if !elsewhere && !address.ip().to_canonical().is_loopback() {
            return Err(Refusal::MetricsForOthers { address: shown() });
        }
        Ok(Self::Tcp(address))
    }

    /// The TCP address, when it is one.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The path, when it is that of a Unix socket.
    #[must_use]
    pub fn unix(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }
}
