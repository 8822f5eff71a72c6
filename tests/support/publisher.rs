//! A publisher in this process, over a CA made by the real binary at a desk.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use sekisho::door::feed::PublishedCrl;
use sekisho::door::figures::{Durations, GateFigures, Openness};
use sekisho::ground::clock::{self, Timestamp};
use sekisho::pki::{Certificate, RevocationList};
use sekisho::publisher::{Gates, Publisher, Settings};
use tokio::sync::{oneshot, watch};

use super::desk::Desk;

/// A publisher that serves until it is dropped.
pub(crate) struct Published {
    /// Where the CRL is.
    pub(crate) address: Option<SocketAddr>,
    /// Where metrics and health are.
    pub(crate) metrics: Option<SocketAddr>,
    crl: watch::Sender<Option<PublishedCrl>>,
    gates: Arc<Gates>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Published {
    pub(crate) fn open(settings: Settings) -> Self {
        Self::with_gates(settings, &[])
    }

    /// One that is told of these gates.
    pub(crate) fn with_gates(settings: Settings, gates: &[&str]) -> Self {
        let crl = watch::Sender::new(None);
        let gates = Arc::new(Gates::new(gates.iter().map(|&gate| gate.to_owned())));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let (lists, known) = (crl.subscribe(), Arc::clone(&gates));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let publisher = Publisher::open(&settings, lists, known).await;
                let publisher = publisher.unwrap_or_else(|refusal| panic!("{refusal}"));
                tell.send((publisher.address(), publisher.metrics_address())).unwrap();
                publisher.serve(async { drop(stopped.await) }).await;
            });
        });
        let (address, metrics) = told.recv().unwrap();
        Self { address, metrics, crl, gates, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn publish(&self, crl: PublishedCrl) {
        self.crl.send_replace(Some(crl));
    }

    /// A gate says of itself that it is so.
    pub(crate) fn gate_is(&self, gate: &str, openness: Openness) {
        let figures = GateFigures {
            openness,
            handshakes: BTreeMap::new(),
            durations: Durations::default(),
            live: 0,
            cuts: BTreeMap::new(),
            feed: None,
            certificate_ends: None,
            upstream_up: true,
            upstream_failures: 0,
        };
        self.gates.hear(gate, figures, clock::monotonic());
    }

    /// The URL of a published document.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address.unwrap())
    }

    /// The URL of a figure.
    pub(crate) fn metrics_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.metrics.unwrap())
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the publisher panicked");
    }
}

/// Signs a CRL at the desk, good for so many days.
pub(crate) fn sign(desk: &Desk, days: &str) -> PublishedCrl {
    desk.ca(&["crl", "--days", days]).success();
    let der = std::fs::read(desk.path("ca/ca.crl")).unwrap();
    let root = Certificate::from_pem(desk.read("ca/ca.crt").as_bytes()).unwrap();
    let list = RevocationList::verify(&der, &root, clock::now()).unwrap();
    let octets = list.number();
    let number = octets.as_bytes().iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
    let (this_update, next_update) = (list.this_update(), list.next_update());
    PublishedCrl { der, number, this_update, next_update, root: root.der().to_vec() }
}

/// The same list, said to be of other times.
pub(crate) fn of_times(mut crl: PublishedCrl, this: i64, next: i64) -> PublishedCrl {
    let now = clock::now().unix();
    crl.this_update = Timestamp::from_unix(now + this);
    crl.next_update = Timestamp::from_unix(now + next);
    crl
}
