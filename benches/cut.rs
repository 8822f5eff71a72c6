//! From a revocation on the feed to the closed socket, as the visitors see it: a gate and its
//! visitors in this process, over loopback, each with a certificate of its own.
//!
//! `cargo bench --bench cut`: milliseconds, p50 and p99; the goal is a p99 of 50 ms.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and fails by panicking"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sekisho::door::WireSecret;
use sekisho::door::feed::{
    Acknowledgement, Answer, Change, Event, FeedEnd, IssuerSnapshot, ServerIdentity, Snapshot,
};
use sekisho::gate::{Gate, Limits, Metrics, Settings, StalePolicy};
use sekisho::ground::clock::{self, Timestamp};
use sekisho::pki::issue::Profile;
use sekisho::pki::{SerialNumber, SubjectAlternativeName};
use support::{Holder, root};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Revocations of one certificate each, by which the percentiles are told.
const ROUNDS: usize = 300;

/// Visitors that shake hands at the same time while the connections are made.
const AT_ONCE: usize = 64;

const GOAL: f64 = 50.0;

fn main() {
    println!(
        "{:<48} {:>8} {:>8} {:>8}   goal p99 {GOAL} ms",
        "revoke to cut, ms", "p50", "p99", "last"
    );
    for connections in [1_000, 10_000] {
        if !descriptors(2 * connections + 500) {
            println!("{connections} connections: not enough descriptors (ulimit -Hn)");
            continue;
        }
        Stage::new(connections).measure();
    }
}

struct Stage {
    gate: Runtime,
    visitors: Runtime,
    address: SocketAddr,
    authority: Holder,
    holders: Vec<Holder>,
    events: mpsc::Sender<Arc<Event>>,
    answers: mpsc::Receiver<Answer>,
    closed: mpsc::UnboundedReceiver<Instant>,
    epoch: Arc<AtomicU64>,
}

impl Stage {
    fn new(connections: usize) -> Self {
        let authority = root();
        let names = [SubjectAlternativeName::parse_dns("localhost").unwrap()];
        let server = authority.issue(2, "localhost", &Profile::Server { names: &names });
        let numbers = 3..3 + u64::try_from(connections).unwrap();
        let holders: Vec<Holder> = numbers
            .map(|number| authority.issue(number, &format!("user{number}"), &Profile::Client))
            .collect();

        let gate = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (events, heard) = mpsc::channel(64);
        let (answers, answered) = mpsc::channel(64);
        let limits = Limits {
            connections: 2 * connections,
            handshakes_per_second: 1_000_000,
            handshake_burst: 1_000_000,
            pending_per_address: 1000,
            ..Limits::default()
        };
        let settings = Settings::of_authority(vec!["localhost".to_owned()])
            .with_limits(limits)
            .with_stale_policy(StalePolicy::Serve)
            .with_listen("127.0.0.1:0")
            .unwrap();
        let feed = FeedEnd { events: heard, answers };
        let opened = gate.block_on(Gate::open(settings, Some(feed), &Metrics::default())).unwrap();
        let address = opened.address();
        gate.spawn(opened.serve(std::future::pending()));

        let issuer = IssuerSnapshot {
            certificate: authority.certificate.der().to_vec(),
            standing: holders.iter().map(serial_of).collect(),
            revoked: Vec::new(),
        };
        let floor = Timestamp::from_unix(0);
        let snapshot = Snapshot { epoch: 1, floor, issuers: vec![issuer] };
        let identity = ServerIdentity {
            gate: "gate".to_owned(),
            chain: vec![server.certificate.der().to_vec()],
            key: WireSecret::from(server.key.pkcs8().unwrap()),
        };
        events.blocking_send(Arc::new(Event::Snapshot(snapshot))).unwrap();
        events.blocking_send(Arc::new(Event::ServerIdentity(identity))).unwrap();

        let visitors = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (tell, closed) = mpsc::unbounded_channel();
        let mut stage = Self {
            gate,
            visitors,
            address,
            authority,
            holders,
            events,
            answers: answered,
            closed,
            epoch: Arc::new(AtomicU64::new(1)),
        };
        stage.fill(&tell);
        stage
    }

    /// Lets everybody in; each tells when its socket was closed.
    fn fill(&mut self, tell: &mpsc::UnboundedSender<Instant>) {
        let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
        let inside: Vec<_> = self
            .holders
            .iter()
            .map(|holder| {
                let connector = TlsConnector::from(self.config(holder));
                let (places, tell, address) = (Arc::clone(&places), tell.clone(), self.address);
                self.visitors.spawn(async move {
                    let place = places.acquire_owned().await.unwrap();
                    let mut stream = shake_hands(&connector, address).await;
                    drop(place);
                    tokio::spawn(async move {
                        let mut octets = [0; 1024];
                        // The tickets come first; what they hold does not matter here.
                        while let Ok(1..) = stream.read(&mut octets).await {}
                        let _ = tell.send(clock::monotonic());
                    });
                })
            })
            .collect();
        for one in inside {
            self.visitors.block_on(one).unwrap();
        }
        let wanted = self.holders.len();
        loop {
            self.send(Event::ListConnections { ask: 1 });
            if self.answer(|answer| match answer {
                Answer::Connections { connections, .. } => Some(connections.len() == wanted),
                _ => None,
            }) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn measure(mut self) {
        let connections = self.holders.len();
        let one = self.rounds();
        print(&format!("one of {connections}"), one);

        let over = Arc::new(AtomicBool::new(false));
        let connector = TlsConnector::from(self.config(&self.holders[connections - 1]));
        for _ in 0..AT_ONCE / 4 {
            let (over, connector, address) = (Arc::clone(&over), connector.clone(), self.address);
            self.visitors.spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    drop(shake_hands(&connector, address).await);
                }
            });
        }
        let loaded = self.rounds();
        over.store(true, Ordering::Relaxed);
        print(&format!("one of {connections}, handshakes without pause"), loaded);
        // Those handshakes must not count below.
        std::thread::sleep(Duration::from_millis(500));

        let left = std::mem::take(&mut self.holders);
        let (begun, acknowledged) = self.revoke(&left);
        let all = left.iter().map(|_| self.closed.blocking_recv().unwrap() - begun).collect();
        print(&format!("all {} at once", left.len()), all);
        println!(
            "{:<48} {:>26.1}   cut {}, left {}",
            "  as the gate acknowledges it",
            acknowledged.microseconds as f64 / 1000.0,
            acknowledged.cut,
            acknowledged.left
        );
        self.visitors.shutdown_background();
        self.gate.shutdown_background();
    }

    /// Revokes one after the other.
    fn rounds(&mut self) -> Vec<Duration> {
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let holder = self.holders.remove(0);
            let (begun, acknowledged) = self.revoke(&[holder]);
            assert_eq!((acknowledged.cut, acknowledged.left), (1, 0));
            times.push(self.closed.blocking_recv().unwrap() - begun);
        }
        times
    }

    fn revoke(&mut self, holders: &[Holder]) -> (Instant, Acknowledgement) {
        let change = Change {
            epoch: self.epoch.fetch_add(1, Ordering::Relaxed) + 1,
            issuer: self.authority.certificate.sha256(),
            serials: holders.iter().map(serial_of).collect(),
        };
        let begun = clock::monotonic();
        self.send(Event::Revoked(change));
        let acknowledged = self.answer(|answer| match answer {
            Answer::Acknowledged(acknowledged) => Some(acknowledged),
            _ => None,
        });
        (begun, acknowledged)
    }

    fn send(&self, event: Event) {
        self.events.blocking_send(Arc::new(event)).unwrap();
    }

    fn answer<T>(&mut self, mut wanted: impl FnMut(Answer) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.answers.blocking_recv().unwrap()) {
                return found;
            }
        }
    }

    fn config(&self, holder: &Holder) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.certificate.der())).unwrap();
        let chain = vec![CertificateDer::from(holder.certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(holder.key.pkcs8().unwrap().expose().to_vec()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }
}

/// A connection behind its handshake. What TLS needs to go on is dropped: only the end is awaited.
async fn shake_hands(connector: &TlsConnector, address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = "localhost".try_into().unwrap();
    connector.connect(name, stream).await.unwrap().into_inner().0
}

fn serial_of(holder: &Holder) -> SerialNumber {
    holder.certificate.serial()
}

/// Whether this process may open so many files.
fn descriptors(wanted: usize) -> bool {
    let wanted = u64::try_from(wanted).unwrap();
    let held = rustix::process::getrlimit(Resource::Nofile);
    let maximum = held.maximum.map(|maximum| maximum.max(wanted));
    let raised = Rlimit { current: Some(wanted), maximum };
    held.current.is_some_and(|current| current >= wanted)
        || rustix::process::setrlimit(Resource::Nofile, raised).is_ok()
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    let met = if at(99) <= GOAL { "met" } else { "NOT MET" };
    println!("{what:<48} {:>8.2} {:>8.2} {:>8.2}   {met}", at(50), at(99), at(100));
}
