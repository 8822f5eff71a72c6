//! The way to the upstream: one connector over TCP, Unix sockets and TLS, which knows whether the
//! upstream can be reached.

use std::io;
use std::net::TcpStream as StdTcpStream;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::client::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::dialler::{CONNECT, Dialler};
use super::greeting;
use super::health::Health;
use super::upstream::Upstream;

/// How often an upstream that is down is tried.
const RETRY: Duration = Duration::from_secs(3);

/// How long nothing may be heard of an upstream before it is tried without need.
const SILENCE: Duration = Duration::from_secs(30);

/// Makes connections to one upstream. Clones share everything.
#[derive(Clone)]
pub(super) struct Connector(Arc<Way>);

struct Way {
    road: Road,
    tls: RwLock<Option<Arc<ClientConfig>>>,
    health: Arc<Health>,
}

enum Road {
    /// To a server, and the name its certificate must have.
    Server {
        dialler: Dialler,
        name: Option<ServerName<'static>>,
    },
    Unix(Dialler),
    Greeting,
}

impl Connector {
    /// To an upstream: over TLS if there are settings for it.
    pub(super) fn new(
        upstream: &Upstream,
        dialler: Dialler,
        tls: Option<Arc<ClientConfig>>,
        health: Health,
    ) -> Self {
        let road = match upstream {
            Upstream::Greeting => Road::Greeting,
            Upstream::Socket(_) => Road::Unix(dialler),
            Upstream::Server(server) => Road::Server { dialler, name: server.name() },
        };
        Self(Arc::new(Way { road, tls: RwLock::new(tls), health: Arc::new(health) }))
    }

    /// What is known of the upstream.
    pub(super) fn health(&self) -> Arc<Health> {
        Arc::clone(&self.0.health)
    }

    /// Other TLS settings, for connections to come.
    pub(super) fn replace_tls(&self, tls: Option<Arc<ClientConfig>>) {
        *self.0.tls.write().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    /// Connects, and remembers whether that worked.
    pub(super) async fn connect(&self) -> io::Result<Stream> {
        let too_slow = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
        let connected = match tokio::time::timeout(CONNECT, self.open()).await {
            Ok(connected) => connected,
            Err(_) => Err(too_slow()),
        };
        match &connected {
            Ok(_) => self.0.health.heard(),
            Err(error) => self.0.health.failed(error),
        }
        connected
    }

    /// Tries the upstream while it is down, and when nothing has been heard of it for long, so
    /// that its health is known without any visitor.
    pub(super) async fn keep_trying(&self) {
        loop {
            let due = !self.0.health.is_up() || self.0.health.silence() >= SILENCE;
            if due && let Ok(mut stream) = self.connect().await {
                let _ = tokio::time::timeout(CONNECT, stream.shutdown()).await;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn open(&self) -> io::Result<Stream> {
        let (dialler, name) = match &self.0.road {
            Road::Greeting => return Ok(Stream(Box::new(greeting::connect()))),
            Road::Unix(dialler) => {
                let stream = StdUnixStream::from(dialler.dial().await?);
                return Ok(Stream(Box::new(UnixStream::from_std(stream)?)));
            }
            Road::Server { dialler, name } => (dialler, name),
        };
        let stream = TcpStream::from_std(StdTcpStream::from(dialler.dial().await?))?;
        let tls = self.0.tls.read().unwrap_or_else(PoisonError::into_inner).clone();
        match (tls, name) {
            (None, _) => Ok(Stream(Box::new(stream))),
            (Some(tls), Some(name)) => {
                let stream = TlsConnector::from(tls).connect(name.clone(), stream).await?;
                Ok(Stream(Box::new(stream)))
            }
            // Never in clear text what was to be encrypted.
            (Some(_), None) => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

/// As hyper asks for connections. The address it names means nothing: there is one upstream.
impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect().await.map(TokioIo::new) })
    }
}

/// A connection to the upstream, over whatever it runs.
pub(super) struct Stream(Box<dyn Wire>);

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, octets)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
