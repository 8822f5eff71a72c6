//! For those who watch over the service: its metrics (OpenMetrics 1.0), whether it lives, and
//! whether it is ready.

use std::fmt;
use std::sync::Arc;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::watch;

use super::gates::Gates;
use super::publication::{Publication, note};
use super::server::{Answer, Answers, Question};
use crate::ground::clock::{self, Timestamp};

/// What keeps the service from being ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A gate does not accept connections.
    GateClosed {
        /// Its name in the configuration.
        gate: String,
    },
    /// A gate lets nobody new in because the authority is silent.
    FeedStale {
        /// Its name in the configuration.
        gate: String,
    },
    /// No CRL was ever published.
    NoCrl,
    /// The published CRL is past its next update.
    CrlExpired,
    /// The newest CRL could not be written into the folder.
    FilesBehind,
}

/// For machines: one word, then the gate's name.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GateClosed { gate } => write!(f, "gate-closed {gate}"),
            Self::FeedStale { gate } => write!(f, "feed-stale {gate}"),
            Self::NoCrl => f.write_str("no-crl"),
            Self::CrlExpired => f.write_str("crl-expired"),
            Self::FilesBehind => f.write_str("files-behind"),
        }
    }
}

/// The figures of the publisher.
#[derive(Clone, Default)]
pub(super) struct Figures {
    requests: Family<Asked, Counter>,
    number: Gauge,
    age: Gauge,
    left: Gauge,
    root_ends: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    path: &'static str,
    status: u16,
}

impl Figures {
    /// Registers them in a registry without a prefix.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let figures = Self::default();
        let requests = figures.requests.clone();
        registry.register("sekisho_publisher_requests", "Answers to those who fetch", requests);
        let number = figures.number.clone();
        registry.register("sekisho_crl_number", "Number of the published CRL", number);
        let age = figures.age.clone();
        registry.register("sekisho_crl_age_seconds", "Since its thisUpdate", age);
        let left = figures.left.clone();
        let help = "Until its nextUpdate; negative once it has expired";
        registry.register("sekisho_crl_left_seconds", help, left);
        let ends = figures.root_ends.clone();
        let help = "When the certificate of the CA ends";
        registry.register("sekisho_ca_certificate_not_after_timestamp_seconds", help, ends);
        figures
    }

    /// Counts an answer. Foreign paths are one path, so that nobody makes the figures grow.
    pub(super) fn asked(&self, path: Option<&'static str>, status: StatusCode) {
        let asked = Asked { path: path.unwrap_or("other"), status: status.as_u16() };
        self.requests.get_or_create(&asked).inc();
    }

    fn show(&self, publication: &Publication, now: Timestamp) {
        self.number.set(i64::try_from(publication.number).unwrap_or(i64::MAX));
        self.age.set(now.unix() - publication.this_update.unix());
        self.left.set(publication.next_update.unix() - now.unix());
        self.root_ends.set(publication.root_ends.map_or(0, Timestamp::unix));
    }
}

/// What is asked by those who watch.
pub(super) struct Watching {
    pub(super) current: watch::Receiver<Option<Arc<Publication>>>,
    /// Whether there is to be a CRL at all.
    pub(super) publishes: bool,
    pub(super) files_behind: watch::Receiver<bool>,
    pub(super) gates: Arc<Gates>,
    pub(super) registry: Registry,
    pub(super) figures: Figures,
}

impl Watching {
    pub(super) fn answers(self) -> Arc<Answers> {
        Arc::new(move |question: &Question| {
            if !matches!(*question.method(), Method::GET | Method::HEAD) {
                return note(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            }
            match question.uri().path() {
                "/metrics" => self.metrics(clock::now()),
                "/healthz" => note(StatusCode::OK, "alive\n"),
                "/readyz" => self.readiness(clock::now()),
                _ => note(StatusCode::NOT_FOUND, "not found\n"),
            }
        })
    }

    fn metrics(&self, now: Timestamp) -> Answer {
        if let Some(publication) = self.current.borrow().as_deref() {
            self.figures.show(publication, now);
        }
        let mut text = String::new();
        if text::encode(&mut text, &self.registry).is_err() {
            return note(StatusCode::INTERNAL_SERVER_ERROR, "the figures cannot be written\n");
        }
        let mut answer = note(StatusCode::OK, text);
        let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        answer
    }

    fn readiness(&self, now: Timestamp) -> Answer {
        let mut obstacles = self.gates.obstacles(clock::monotonic());
        match self.current.borrow().as_deref() {
            _ if !self.publishes => {}
            None => obstacles.push(Obstacle::NoCrl),
            Some(publication) if publication.next_update < now => {
                obstacles.push(Obstacle::CrlExpired);
            }
            Some(_) => {}
        }
        if *self.files_behind.borrow() {
            obstacles.push(Obstacle::FilesBehind);
        }
        if obstacles.is_empty() {
            return note(StatusCode::OK, "ready\n");
        }
        let lines: String = obstacles.iter().map(|obstacle| format!("{obstacle}\n")).collect();
        note(StatusCode::SERVICE_UNAVAILABLE, lines)
    }
}
