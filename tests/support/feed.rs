//! A gate in this process, and an authority of a test that feeds it.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use sekisho::door::WireSecret;
use sekisho::door::feed::{
    Acknowledgement, Answer, Change, Event, FeedEnd, Heartbeat, IssuerSnapshot, LiveConnection,
    ServerIdentity, Snapshot,
};
use sekisho::gate::{Gate, Limits, RefusalMode, Settings};
use sekisho::ground::clock::{self, Timestamp};
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::{Certificate, SerialNumber};
use tokio::sync::{mpsc, oneshot};

use crate::support::{
    Figures, Identity, Leaf, PATIENCE, Stage, Tls, Upstream, Visitor, monotonic, read_until,
};

/// What the gate is called.
pub(crate) const NAME: &str = "front";

/// A running gate whose trust, and whose certificate unless it has files, come from the feed.
pub(crate) struct Fed {
    pub(crate) stage: Stage,
    pub(crate) address: SocketAddr,
    figures: Box<Figures>,
    issuer: Certificate,
    events: mpsc::Sender<Arc<Event>>,
    answers: Mutex<mpsc::Receiver<Answer>>,
    epoch: Arc<AtomicU64>,
    beating: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<tokio::task::JoinHandle<()>>,
    runtime: tokio::runtime::Runtime,
}

/// Limits that do not stand in a test's way.
pub(crate) fn wide() -> Limits {
    Limits {
        handshakes_per_second: 1_000_000,
        handshake_burst: 1_000_000,
        pending_per_address: 1000,
        ..Limits::default()
    }
}

impl Fed {
    /// A gate that has heard nothing yet. It refuses with alerts.
    pub(crate) fn silent(
        upstream: Upstream,
        adjust: impl FnOnce(&Stage, Settings) -> Settings,
    ) -> Self {
        let stage = Stage::with_upstream(upstream);
        let settings = Settings::of_authority(vec!["localhost".to_owned()])
            .with_name(NAME)
            .with_refusal(RefusalMode::Strict)
            .with_limits(wide())
            .with_listen("127.0.0.1:0")
            .unwrap()
            .with_upstream(&format!("http://{}", stage.upstream.address), false)
            .unwrap();
        let settings = adjust(&stage, settings);
        let (events, heard) = mpsc::channel(4096);
        let (answers, answered) = mpsc::channel(4096);
        let feed = FeedEnd { events: heard, answers };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let gate = runtime.block_on(Gate::open_here(settings, Some(feed))).unwrap();
        let (address, figures) = (gate.address(), Box::new(gate.figures()));
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = runtime.spawn(gate.serve(async {
            let _ = stopped.await;
        }));
        let issuer =
            Certificate::from_der(&crate::support::certificate(&stage.authority.pem)).unwrap();
        Self {
            stage,
            address,
            figures,
            issuer,
            events,
            answers: Mutex::new(answered),
            epoch: Arc::new(AtomicU64::new(0)),
            beating: Arc::new(AtomicBool::new(true)),
            stop: Some(stop),
            serving: Some(serving),
            runtime,
        }
    }

    /// A gate that serves: it has a certificate, and the ledger has these serials. The authority's
    /// heart beats.
    pub(crate) fn start(
        upstream: Upstream,
        standing: &[u64],
        adjust: impl FnOnce(&Stage, Settings) -> Settings,
    ) -> Self {
        let fed = Self::silent(upstream, adjust);
        fed.snapshot(standing, &[]);
        fed.identity(&Leaf::server());
        fed.beat();
        fed
    }

    /// Sends a heartbeat now and every second, until [`Fed::fall_silent`].
    pub(crate) fn beat(&self) {
        let (events, epoch, beating) =
            (self.events.clone(), Arc::clone(&self.epoch), Arc::clone(&self.beating));
        beating.store(true, Ordering::SeqCst);
        std::thread::spawn(move || {
            while beating.load(Ordering::SeqCst) {
                let heartbeat = Heartbeat {
                    epoch: epoch.load(Ordering::SeqCst),
                    floor: Timestamp::from_unix(0),
                    unsealed: true,
                };
                if events.blocking_send(Arc::new(Event::Heartbeat(heartbeat))).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
    }

    /// The heart stops.
    pub(crate) fn fall_silent(&self) {
        self.beating.store(false, Ordering::SeqCst);
    }

    pub(crate) fn send(&self, event: Event) {
        self.events.blocking_send(Arc::new(event)).unwrap();
    }

    fn next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn snapshot(&self, standing: &[u64], revoked: &[u64]) {
        let issuer = IssuerSnapshot {
            certificate: self.issuer.der().to_vec(),
            standing: standing.iter().copied().map(serial).collect(),
            revoked: revoked.iter().copied().map(serial).collect(),
        };
        self.send(Event::Snapshot(Snapshot {
            epoch: self.next_epoch(),
            floor: Timestamp::from_unix(0),
            issuers: vec![issuer],
        }));
    }

    /// A server certificate from the authority.
    pub(crate) fn identity(&self, leaf: &Leaf) {
        let identity = self.stage.authority.issue(leaf);
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        self.send(Event::ServerIdentity(ServerIdentity {
            gate: NAME.to_owned(),
            chain: vec![crate::support::certificate(&identity.certificate).to_vec()],
            key: WireSecret::from(SecretBytes::copy_of(key.secret_der())),
        }));
    }

    fn change(&self, serials: &[u64]) -> Change {
        Change {
            epoch: self.next_epoch(),
            issuer: self.issuer.sha256(),
            serials: serials.iter().copied().map(serial).collect(),
        }
    }

    pub(crate) fn issued(&self, serials: &[u64]) {
        self.send(Event::Issued(self.change(serials)));
    }

    /// Revokes without waiting; the epoch that will be acknowledged.
    pub(crate) fn begin_revoking(&self, serials: &[u64]) -> u64 {
        let change = self.change(serials);
        let epoch = change.epoch;
        self.send(Event::Revoked(change));
        epoch
    }

    /// Revokes, and waits for the gate's word.
    pub(crate) fn revoke(&self, serials: &[u64]) -> Acknowledgement {
        let epoch = self.begin_revoking(serials);
        self.answer(|answer| match answer {
            Answer::Acknowledged(one) if one.epoch == epoch => Some(one),
            _ => None,
        })
    }

    /// The live connections, as the gate tells them.
    pub(crate) fn connections(&self) -> Vec<LiveConnection> {
        let asked = self.next_epoch();
        self.send(Event::ListConnections { ask: asked });
        self.answer(|answer| match answer {
            Answer::Connections { ask, gate, connections } if ask == asked => {
                assert_eq!(gate, NAME);
                Some(connections)
            }
            _ => None,
        })
    }

    /// The first answer that is wanted, in order; the others are dropped.
    pub(crate) fn answer<T>(&self, mut wanted: impl FnMut(Answer) -> Option<T>) -> T {
        let deadline = monotonic() + PATIENCE;
        let mut answers = self.answers.lock().unwrap();
        loop {
            assert!(monotonic() < deadline, "no answer");
            match answers.try_recv() {
                Ok(answer) => {
                    if let Some(found) = wanted(answer) {
                        return found;
                    }
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Somebody with a new certificate of the stage's CA.
    pub(crate) fn visitor(&self, serial: u64) -> Visitor {
        self.visitor_with(&self.stage.authority.issue(&Leaf::client("user", serial)))
    }

    pub(crate) fn visitor_with(&self, identity: &Identity) -> Visitor {
        Visitor::of(&self.stage.authority.pem, self.address, identity, &rustls::version::TLS13)
    }

    /// A connection on which an answer has begun.
    pub(crate) fn open(&self, serial: u64, (request, until): (&str, &str)) -> Tls {
        let mut stream = self.visitor(serial).connect();
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        read_until(&mut stream, until);
        stream
    }

    /// The metrics, as they are read.
    pub(crate) fn metrics(&self) -> String {
        let gates = sekisho::publisher::Gates::new([NAME.to_owned()]);
        gates.hear(NAME, Some((self.figures)()), clock::monotonic());
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register_collector(Box::new(gates));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.fall_silent();
        let _ = self.stop.take().unwrap().send(());
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _ = self.runtime.block_on(serving);
    }
}

/// The serial number that is this number.
pub(crate) fn serial(number: u64) -> SerialNumber {
    let octets = number.to_be_bytes();
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(7);
    let start = if octets[zeros] >= 0x80 { zeros - 1 } else { zeros };
    SerialNumber::from_der_integer(&octets[start..]).unwrap()
}

pub(crate) fn now() -> Timestamp {
    clock::now()
}
