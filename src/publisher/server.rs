//! HTTP for strangers: one request a connection, and everything about it is bounded.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::provision::LocalListener;

/// A request; its body is never read.
pub(super) type Question = Request<Incoming>;

/// What is answered, whole.
pub(super) type Answer = Response<Full<Bytes>>;

/// Makes an answer of a question.
pub(super) type Answers = dyn Fn(&Question) -> Answer + Send + Sync;

/// How long to wait when the system has no room for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// Octets of a request's headers.
const HEADER_OCTETS: usize = 8 * 1024;

/// Octets held of what a stranger sends, more than the headers they may be.
const BUFFER_OCTETS: usize = 2 * HEADER_OCTETS;

/// From the first octet of a connection to the last header.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// How much is served at a time.
pub(super) struct Bounds {
    connections: usize,
    connections_of_an_address: u32,
    /// From the first octet to the last of the answer.
    time: Duration,
}

impl Bounds {
    /// 256 connections, 32 of one address, 60 s each: a CRL of a million entries over a slow line.
    pub(super) fn for_strangers() -> Self {
        let time = Duration::from_secs(60);
        Self { connections: 256, connections_of_an_address: 32, time }
    }

    /// 32 connections, 10 s each.
    pub(super) fn for_watchers() -> Self {
        let time = Duration::from_secs(10);
        Self { connections: 32, connections_of_an_address: 32, time }
    }
}

/// A listener and what it answers.
pub(super) struct Server {
    listener: Listener,
    answers: Arc<Answers>,
    time: Duration,
    connections: u32,
    places: Arc<Places>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Server {
    /// For whoever comes to this socket.
    pub(super) fn at(
        listener: LocalListener,
        bounds: Bounds,
        answers: Arc<Answers>,
    ) -> io::Result<Self> {
        let listener = match listener {
            LocalListener::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            LocalListener::Unix(listener) => Listener::Unix(UnixListener::from_std(listener)?),
        };
        let places = Places {
            all: Arc::new(Semaphore::new(bounds.connections)),
            each: bounds.connections_of_an_address,
            addresses: Mutex::default(),
        };
        let connections = u32::try_from(bounds.connections).unwrap_or(u32::MAX);
        let places = Arc::new(places);
        Ok(Self { listener, answers, time: bounds.time, connections, places })
    }

    /// Serves for ever.
    pub(super) async fn accept(&self) {
        loop {
            let accepted = match &self.listener {
                Listener::Tcp(listener) => listener.accept().await.map(|(stream, peer)| {
                    let stream: Box<dyn Stream> = Box::new(stream);
                    (stream, Some(peer.ip().to_canonical()))
                }),
                Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                    let stream: Box<dyn Stream> = Box::new(stream);
                    (stream, None)
                }),
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "publisher: accept failed");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            // Whoever finds no place is dropped unread.
            let Some(place) = Places::take(&self.places, peer) else { continue };
            let (answers, time) = (Arc::clone(&self.answers), self.time);
            tokio::spawn(async move {
                serve(stream, &*answers, time).await;
                drop(place);
            });
        }
    }

    /// Listens no more, and waits for the answers under way.
    pub(super) async fn drain(self) {
        drop(self.listener);
        // An error would mean that the places are closed; they never are.
        let _ = self.places.all.acquire_many(self.connections).await;
    }
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn serve(stream: Box<dyn Stream>, answers: &Answers, time: Duration) {
    let service = service_fn(|question: Question| {
        let answer = answers(&question);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .keep_alive(false)
        .max_header_size(HEADER_OCTETS)
        .max_buf_size(BUFFER_OCTETS)
        .serve_connection(TokioIo::new(stream), service);
    // How a connection ended is the stranger's affair.
    let _ = timeout(time, connection).await;
}

/// Connections open at once, in all and of each address.
struct Places {
    all: Arc<Semaphore>,
    each: u32,
    addresses: Mutex<HashMap<IpAddr, u32>>,
}

/// Given back when dropped.
struct Place {
    places: Arc<Places>,
    address: Option<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    fn take(places: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let permit = Arc::clone(&places.all).try_acquire_owned().ok()?;
        if let Some(address) = address {
            let mut addresses = places.addresses.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = addresses.entry(address).or_default();
            if *taken >= places.each {
                return None;
            }
            *taken += 1;
        }
        Some(Place { places: Arc::clone(places), address, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut addresses = self.places.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = addresses.get_mut(&address) {
            *taken = taken.saturating_sub(1);
            if *taken == 0 {
                addresses.remove(&address);
            }
        }
    }
}
