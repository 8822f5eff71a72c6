//! A publisher in this process, over a CA made by the real binary at a desk.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use sekisho::door::descriptors::{self, Descriptors};
use sekisho::door::feed::PublishedCrl;
use sekisho::door::figures::{Durations, GateFigures, Openness};
use sekisho::door::frame;
use sekisho::ground::clock::{self, Timestamp};
use sekisho::ground::messages::Refusal;
use sekisho::hardening::{Layer, Terms};
use sekisho::pki::{Certificate, RevocationList};
use sekisho::publisher::Settings;
use sekisho::publisher::process::{self, Begin, FromPublisher, ToPublisher};
use sekisho::publisher::provision::Provision;

use super::desk::Desk;

/// A publisher that serves until it is dropped. The test is its supervisor.
pub(crate) struct Published {
    /// Where the CRL is.
    pub(crate) address: Option<SocketAddr>,
    /// Where metrics and health are.
    pub(crate) metrics: Option<SocketAddr>,
    messages: UnixStream,
    provision: Provision,
    thread: Option<JoinHandle<Result<(), Refusal>>>,
}

impl Published {
    pub(crate) fn open(settings: Settings) -> Self {
        Self::with_gates(settings, &[])
    }

    /// One that is told of these gates.
    pub(crate) fn with_gates(settings: Settings, gates: &[&str]) -> Self {
        Self::begin(settings, gates).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    /// The same, when nothing is in its way.
    pub(crate) fn begin(settings: Settings, gates: &[&str]) -> Result<Self, Refusal> {
        let (messages, theirs) = UnixStream::pair().unwrap();
        let (ours, sockets) = descriptors::pair().unwrap();
        let thread = std::thread::spawn(|| process::run(theirs, sockets));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let provision = runtime.block_on(Provision::open(settings.clone()))?;
        // Its thread is confined, and no more: the process is the test's.
        let accept_missing = BTreeSet::from([Layer::SeparateUids]);
        let terms = Terms { accept_missing, ..Terms::default() };
        let gates = gates.iter().map(|&gate| gate.to_owned()).collect();
        let mut published = Self {
            address: provision.address(),
            metrics: provision.metrics_address(),
            messages,
            provision,
            thread: Some(thread),
        };
        published.tell(&ToPublisher::Begin(Begin { settings, gates, terms }));
        let listeners = published.provision.listeners().unwrap();
        runtime.block_on(async {
            // It may have refused by then, and says so.
            let _ = listeners.send(&Descriptors::new(ours).unwrap()).await;
        });
        match published.hear() {
            Some(FromPublisher::Ready { .. }) => Ok(published),
            Some(FromPublisher::Refused(refusal)) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a message.
    pub(crate) fn tell(&self, message: &ToPublisher) {
        frame::write(&mut &self.messages, message, frame::FEED_LIMIT).unwrap();
    }

    /// What the publisher says next.
    pub(crate) fn hear(&mut self) -> Option<FromPublisher> {
        frame::read(&mut self.messages, process::SAID_LIMIT).unwrap()
    }

    /// Sends octets that may be no message. It may have ended by then.
    pub(crate) fn tell_octets(&mut self, octets: &[u8]) {
        let _ = self.messages.write_all(octets);
    }

    /// The last that the publisher says before it ends, whatever of ours it has left unread.
    pub(crate) fn last_word(&mut self) -> Option<FromPublisher> {
        let mut last = None;
        while let Ok(Some(said)) = frame::read(&mut self.messages, process::SAID_LIMIT) {
            last = Some(said);
        }
        last
    }

    pub(crate) fn publish(&self, crl: PublishedCrl) {
        self.tell(&ToPublisher::Crl(crl));
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
        self.tell(&ToPublisher::Figures { gate: gate.to_owned(), figures: Some(figures) });
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
        // Whoever hears no more ends.
        self.messages.shutdown(Shutdown::Both).unwrap();
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
