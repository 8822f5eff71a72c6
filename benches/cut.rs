//! From a revocation on the feed to the closed socket, as the visitors see it: a gate in this
//! process, its visitors in another, over loopback, each with a certificate of its own. A visitor
//! tells of the end through a pipe, which is part of the time.
//!
//! `cargo bench --bench cut`: milliseconds, p50 and p99; the goal is a p99 of 50 ms.
//! `cargo bench --bench cut -- 1000`: so many cut at once and nothing else, for a profiler.

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

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sekisho::door::WireSecret;
use sekisho::door::feed::{
    Acknowledgement, Answer, Change, Event, FeedEnd, IssuerSnapshot, ServerIdentity, Snapshot,
};
use sekisho::gate::{Gate, Limits, Settings, StalePolicy};
use sekisho::ground::clock::{self, Timestamp};
use sekisho::hardening;
use sekisho::pki::issue::Profile;
use sekisho::pki::{SerialNumber, SubjectAlternativeName};
use support::{Holder, root};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsConnector;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Revocations of one certificate each, by which the percentiles are told.
const ROUNDS: usize = 300;

/// Visitors that shake hands at the same time while the connections are made.
const AT_ONCE: usize = 64;

const GOAL: f64 = 50.0;

/// What makes this program the visitors, and the orders they know.
const VISITORS: &str = "--visitors";
const LOAD: &str = "load";
const CALM: &str = "calm";

fn main() {
    assert!(hardening::raise_descriptor_limit().is_ok());
    if std::env::args().any(|argument| argument == VISITORS) {
        return visitors();
    }
    println!(
        "{:<48} {:>8} {:>8} {:>8}   goal p99 {GOAL} ms",
        "revoke to cut, ms", "p50", "p99", "last"
    );
    let only = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    if let Some(connections) = only {
        return Stage::new(connections).measure_all();
    }
    for connections in [1_000, 10_000] {
        Stage::new(connections).measure();
        Stage::new(connections).measure_all();
    }
}

struct Stage {
    gate: Runtime,
    visitors: Child,
    orders: ChildStdin,
    authority: Holder,
    holders: Vec<Holder>,
    events: mpsc::Sender<Arc<Event>>,
    answers: mpsc::Receiver<Answer>,
    closed: std::sync::mpsc::Receiver<Instant>,
    epoch: u64,
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
        let opened = gate.block_on(Gate::open_here(settings, Some(feed))).unwrap();
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

        let mut visitors = Command::new(std::env::current_exe().unwrap())
            .arg(VISITORS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ends = visitors.stdout.take().unwrap();
        let (tell, closed) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(read @ 1..) = ends.read(&mut octets) {
                let now = clock::monotonic();
                (0..read).for_each(|_| tell.send(now).unwrap());
            }
        });
        let mut orders = visitors.stdin.take().unwrap();
        writeln!(orders, "{address} {}", BASE64.encode(authority.certificate.der())).unwrap();
        let mut stage = Self {
            gate,
            visitors,
            orders,
            authority,
            holders,
            events,
            answers: answered,
            closed,
            epoch: 1,
        };
        stage.fill();
        stage
    }

    /// Lets everybody in.
    fn fill(&mut self) {
        for holder in &self.holders {
            let key = holder.key.pkcs8().unwrap();
            let certificate = BASE64.encode(holder.certificate.der());
            writeln!(self.orders, "{certificate} {}", BASE64.encode(key.expose())).unwrap();
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

    /// One after the other, at rest and beside handshakes.
    fn measure(mut self) {
        let connections = self.holders.len();
        let one = self.rounds();
        print(&format!("one of {connections}"), one);

        writeln!(self.orders, "{LOAD}").unwrap();
        let loaded = self.rounds();
        print(&format!("one of {connections}, handshakes without pause"), loaded);
        writeln!(self.orders, "{CALM}").unwrap();
        self.end();
    }

    /// Everybody in one revocation.
    fn measure_all(mut self) {
        let all = std::mem::take(&mut self.holders);
        let (begun, acknowledged) = self.revoke(&all);
        let times = all.iter().map(|_| self.closed.recv().unwrap() - begun).collect();
        print(&format!("all {} at once", all.len()), times);
        println!(
            "{:<48} {:>26.1}   cut {}, left {}",
            "  as the gate acknowledges it",
            acknowledged.microseconds as f64 / 1000.0,
            acknowledged.cut,
            acknowledged.left
        );
        self.end();
    }

    fn end(mut self) {
        drop(self.orders);
        self.visitors.kill().unwrap();
        self.visitors.wait().unwrap();
        self.gate.shutdown_background();
    }

    /// Revokes one after the other.
    fn rounds(&mut self) -> Vec<Duration> {
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let holder = self.holders.remove(0);
            let (begun, acknowledged) = self.revoke(&[holder]);
            assert_eq!((acknowledged.cut, acknowledged.left), (1, 0));
            times.push(self.closed.recv().unwrap() - begun);
        }
        times
    }

    fn revoke(&mut self, holders: &[Holder]) -> (Instant, Acknowledgement) {
        self.epoch += 1;
        let change = Change {
            epoch: self.epoch,
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
}

/// The visitors' process: a line for each, and an octet back when it is over.
fn visitors() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut lines = std::io::stdin().lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let (address, authority) = first.split_once(' ').unwrap();
    let address: SocketAddr = address.parse().unwrap();
    let authority = CertificateDer::from(BASE64.decode(authority.as_bytes()).unwrap());
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let loaded = Arc::new(AtomicBool::new(false));
    let mut last = None;
    for line in lines {
        match line.as_str() {
            LOAD => {
                loaded.store(true, Ordering::Relaxed);
                for _ in 0..AT_ONCE / 4 {
                    let (loaded, connector) = (Arc::clone(&loaded), last.clone().unwrap());
                    runtime.spawn(async move {
                        while loaded.load(Ordering::Relaxed) {
                            drop(shake_hands(&connector, address).await);
                        }
                    });
                }
            }
            CALM => loaded.store(false, Ordering::Relaxed),
            visitor => {
                let connector = TlsConnector::from(config(&authority, visitor));
                last = Some(connector.clone());
                let places = Arc::clone(&places);
                runtime.spawn(async move {
                    let place = places.acquire_owned().await.unwrap();
                    let mut stream = shake_hands(&connector, address).await;
                    drop((place, connector));
                    let mut octets = [0; 1024];
                    // The tickets come first; what they hold does not matter here.
                    while let Ok(1..) = stream.read(&mut octets).await {}
                    std::io::stdout().write_all(b".").unwrap();
                    std::io::stdout().flush().unwrap();
                });
            }
        }
    }
}

fn config(authority: &CertificateDer<'static>, visitor: &str) -> Arc<ClientConfig> {
    let (certificate, key) = visitor.split_once(' ').unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let chain = vec![CertificateDer::from(BASE64.decode(certificate.as_bytes()).unwrap())];
    let key = PrivateKeyDer::try_from(BASE64.decode(key.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    config.resumption = Resumption::disabled();
    Arc::new(config)
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

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    let met = if at(99) <= GOAL { "met" } else { "NOT MET" };
    println!("{what:<48} {:>8.2} {:>8.2} {:>8.2}   {met}", at(50), at(99), at(100));
}
