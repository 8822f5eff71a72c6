//! The live connections, found by the certificates their holders were admitted with, and the cut.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{oneshot, watch};

use super::state::Snapshot;
use crate::admission::{Admitted, CertificateId, Refusal, VerifiedChain};
use crate::door::feed::LiveConnection;
use crate::ground::clock::Timestamp;

/// The live connections of a gate.
pub(super) struct Registry {
    book: Mutex<Book>,
    per_certificate: usize,
    live: Gauge,
}

#[derive(Default)]
struct Book {
    next: u64,
    connections: HashMap<u64, Arc<Connection>>,
    /// Each connection under its leaf and under every issuer's certificate of its path.
    by_certificate: BTreeSet<(CertificateId, u64)>,
}

struct Connection {
    chain: Arc<VerifiedChain>,
    peer: SocketAddr,
    since: Timestamp,
    course: Mutex<Course>,
}

struct Course {
    protocol: Protocol,
    /// Taken once the connection has been told to end.
    cut: Option<oneshot::Sender<Cut>>,
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    WebSocket,
    Tcp,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http/1.1",
            Self::Http2 => "h2",
            Self::WebSocket => "websocket",
            Self::Tcp => "tcp",
        }
    }
}

/// The holder of a certificate has as many connections as one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// That a connection is to end. Whoever gets it keeps it until its socket is closed.
pub(super) struct Cut {
    pub(super) refusal: Refusal,
    _closing: Option<watch::Receiver<()>>,
}

impl Cut {
    /// A connection that ends by itself.
    pub(super) fn own(refusal: Refusal) -> Self {
        Self { refusal, _closing: None }
    }
}

/// Connections on their way to being closed.
pub(super) struct Closing {
    /// How many.
    pub(super) cut: u64,
    sockets: watch::Sender<()>,
}

impl Closing {
    /// Waits until the last socket is closed, within a bound; how many are open even then.
    pub(super) async fn finish(self, bound: Duration) -> u64 {
        let _ = tokio::time::timeout(bound, self.sockets.closed()).await;
        count(self.sockets.receiver_count())
    }
}

/// A connection's entry; dropped when the connection has ended.
pub(super) struct Live {
    registry: Arc<Registry>,
    number: u64,
    connection: Arc<Connection>,
}

impl Live {
    /// What is spoken from here on.
    pub(super) fn speaks(&self, protocol: Protocol) {
        self.connection.course().protocol = protocol;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut book = self.registry.book();
        book.connections.remove(&self.number);
        for certificate in self.connection.chain.path() {
            book.by_certificate.remove(&(*certificate, self.number));
        }
        drop(book);
        self.registry.live.dec();
    }
}

impl Registry {
    /// So many connections at most for one certificate; how many there are is told to `live`.
    pub(super) fn new(per_certificate: usize, live: Gauge) -> Arc<Self> {
        Arc::new(Self { book: Mutex::default(), per_certificate, live })
    }

    /// Enters a connection. Whoever does so reads what is in force afterwards, and judges again if
    /// it is not what the visitor was admitted under: a revocation either finds the entry here, or
    /// is seen there.
    pub(super) fn register(
        self: &Arc<Self>,
        admitted: &Admitted,
        peer: SocketAddr,
        protocol: Protocol,
        now: Timestamp,
    ) -> Result<(Live, oneshot::Receiver<Cut>), TooMany> {
        let (cut, notice) = oneshot::channel();
        let connection = Arc::new(Connection {
            chain: Arc::clone(admitted.chain()),
            peer,
            since: now,
            course: Mutex::new(Course { protocol, cut: Some(cut) }),
        });
        let path = connection.chain.path();
        let mut book = self.book();
        let held = path.first().map_or(0, |leaf| book.of(*leaf).count());
        if held >= self.per_certificate {
            return Err(TooMany);
        }
        let number = book.next;
        book.next = number.saturating_add(1);
        book.by_certificate.extend(path.iter().map(|certificate| (*certificate, number)));
        book.connections.insert(number, Arc::clone(&connection));
        drop(book);
        self.live.inc();
        Ok((Live { registry: Arc::clone(self), number, connection }, notice))
    }

    /// Cuts the connections that stand on these certificates, and wakes no other.
    pub(super) fn cut(&self, certificates: &[CertificateId], refusal: Refusal) -> Closing {
        let book = self.book();
        let concerned: Vec<Arc<Connection>> = certificates
            .iter()
            .flat_map(|certificate| book.of(*certificate))
            .filter_map(|number| book.connections.get(&number).map(Arc::clone))
            .collect();
        drop(book);
        end(concerned.iter().map(|connection| (connection, refusal)))
    }

    /// Judges every connection by what is in force now, and cuts those that may not stay.
    pub(super) fn judge_all(&self, now_in_force: &Snapshot) -> Closing {
        let all: Vec<Arc<Connection>> = self.book().connections.values().map(Arc::clone).collect();
        end(all.iter().filter_map(|connection| {
            let refusal = now_in_force.judge_again(&connection.chain).err()?;
            Some((connection, refusal))
        }))
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        count(self.book().connections.len())
    }

    /// As many of them as are wanted, the oldest first.
    pub(super) fn list(&self, most: usize) -> Vec<LiveConnection> {
        let mut all: Vec<(u64, Arc<Connection>)> = self
            .book()
            .connections
            .iter()
            .map(|(number, connection)| (*number, Arc::clone(connection)))
            .collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        all.truncate(most);
        all.iter().map(|(_, connection)| connection.shown()).collect()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn of(&self, certificate: CertificateId) -> impl Iterator<Item = u64> {
        let range = (certificate, 0)..=(certificate, u64::MAX);
        self.by_certificate.range(range).map(|(_, number)| *number)
    }
}

impl Connection {
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self) -> LiveConnection {
        let leaf = self.chain.leaf();
        LiveConnection {
            serial: leaf.serial(),
            name: leaf.common_name().map(|name| name.to_string()).unwrap_or_default(),
            peer: SocketAddr::new(self.peer.ip().to_canonical(), self.peer.port()).to_string(),
            since: self.since,
            protocol: self.course().protocol.name().to_owned(),
        }
    }
}

/// Tells each connection to end, once.
fn end<'a>(connections: impl Iterator<Item = (&'a Arc<Connection>, Refusal)>) -> Closing {
    let sockets = watch::Sender::new(());
    let mut cut = 0_u64;
    for (connection, refusal) in connections {
        let Some(notice) = connection.course().cut.take() else { continue };
        let closing = Some(sockets.subscribe());
        // One that has just ended by itself hears nothing any more.
        if notice.send(Cut { refusal, _closing: closing }).is_ok() {
            cut = cut.saturating_add(1);
        }
    }
    Closing { cut, sockets }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
