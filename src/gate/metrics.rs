//! The figures of gates.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::ground::clock::Timestamp;

/// The figures of all gates of a process, each by the gate's name. They are registered once: a name
/// that comes twice is no OpenMetrics. Times are seconds since 1970, so that whoever reads them
/// tells how long ago they were.
#[derive(Clone)]
pub struct Metrics {
    handshakes: Family<Outcome, Counter>,
    duration: Family<ByGate, Histogram, fn() -> Histogram>,
    live: Family<ByGate, Gauge>,
    cuts: Family<Cause, Counter>,
    feed_epoch: Family<ByGate, Gauge>,
    feed_heard: Family<ByGate, Gauge>,
    feed_stale: Family<ByGate, Gauge>,
    certificate_ends: Family<ByGate, Gauge>,
    upstream_up: Family<ByGate, Gauge>,
    upstream_failures: Family<ByGate, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            handshakes: Family::default(),
            duration: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.0005, 2.0, 15))
            }),
            live: Family::default(),
            cuts: Family::default(),
            feed_epoch: Family::default(),
            feed_heard: Family::default(),
            feed_stale: Family::default(),
            certificate_ends: Family::default(),
            upstream_up: Family::default(),
            upstream_failures: Family::default(),
        }
    }
}

impl Metrics {
    /// Figures that a registry without a prefix shows.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("sekisho_gate");
        registry.register(
            "handshakes",
            "Connections by how their beginning ended",
            metrics.handshakes.clone(),
        );
        registry.register(
            "handshake_duration_seconds",
            "From the accepted connection to the admitted visitor",
            metrics.duration.clone(),
        );
        registry.register(
            "live_connections",
            "Connections of admitted visitors",
            metrics.live.clone(),
        );
        registry.register(
            "cuts",
            "Connections ended because their holder may no longer come in",
            metrics.cuts.clone(),
        );
        registry.register(
            "feed_epoch",
            "The sequence of the ledger that is in force",
            metrics.feed_epoch.clone(),
        );
        registry.register(
            "feed_last_event_timestamp_seconds",
            "When the authority was last heard",
            metrics.feed_heard.clone(),
        );
        registry.register(
            "feed_stale",
            "1 while the authority is silent",
            metrics.feed_stale.clone(),
        );
        registry.register(
            "server_certificate_not_after_timestamp_seconds",
            "When the server certificate ends",
            metrics.certificate_ends.clone(),
        );
        registry.register(
            "upstream_up",
            "1 while the upstream can be reached",
            metrics.upstream_up.clone(),
        );
        registry.register(
            "upstream_failures",
            "Connections to the upstream that could not be made",
            metrics.upstream_failures.clone(),
        );
        metrics
    }

    /// Those of one gate.
    pub(super) fn of_gate(&self, name: &str) -> GateMetrics {
        let gate = ByGate { gate: name.to_owned() };
        let outcome = |outcome, reason| Outcome { gate: name.to_owned(), outcome, reason };
        GateMetrics {
            full: self.handshakes.get_or_create_owned(&outcome("admitted", "full")),
            resumed: self.handshakes.get_or_create_owned(&outcome("admitted", "resumed")),
            duration: self.duration.get_or_create_owned(&gate),
            live: self.live.get_or_create_owned(&gate),
            upstream_up: self.upstream_up.get_or_create_owned(&gate),
            upstream_failures: self.upstream_failures.get_or_create_owned(&gate),
            feed_epoch: self.feed_epoch.clone(),
            feed_heard: self.feed_heard.clone(),
            feed_stale: self.feed_stale.clone(),
            certificate_ends: self.certificate_ends.clone(),
            handshakes: self.handshakes.clone(),
            cuts: self.cuts.clone(),
            gate,
        }
    }
}

/// The figures of one gate. Those of every visit are at hand, the others are looked up.
#[derive(Clone)]
pub(super) struct GateMetrics {
    full: Counter,
    resumed: Counter,
    duration: Histogram,
    live: Gauge,
    upstream_up: Gauge,
    upstream_failures: Counter,
    handshakes: Family<Outcome, Counter>,
    cuts: Family<Cause, Counter>,
    feed_epoch: Family<ByGate, Gauge>,
    feed_heard: Family<ByGate, Gauge>,
    feed_stale: Family<ByGate, Gauge>,
    certificate_ends: Family<ByGate, Gauge>,
    gate: ByGate,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ByGate {
    gate: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    gate: String,
    outcome: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cause {
    gate: String,
    reason: &'static str,
}

impl GateMetrics {
    pub(super) fn live(&self) -> Gauge {
        self.live.clone()
    }

    pub(super) fn upstream_up(&self) -> Gauge {
        self.upstream_up.clone()
    }

    pub(super) fn upstream_failures(&self) -> Counter {
        self.upstream_failures.clone()
    }

    pub(super) fn admitted(&self, resumed: bool, took: Duration) {
        if resumed { &self.resumed } else { &self.full }.inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// A visitor who may not come in.
    pub(super) fn refused(&self, reason: &'static str) {
        self.ended("refused", reason);
    }

    /// A connection on which nobody came to be judged.
    pub(super) fn failed(&self, reason: &'static str) {
        self.ended("failed", reason);
    }

    pub(super) fn cut(&self, reason: &'static str) {
        let gate = self.gate.gate.clone();
        self.cuts.get_or_create(&Cause { gate, reason }).inc();
    }

    pub(super) fn heard(&self, epoch: u64, now: Timestamp) {
        let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
        self.feed_epoch.get_or_create(&self.gate).set(epoch);
        self.feed_heard.get_or_create(&self.gate).set(now.unix());
    }

    pub(super) fn is_stale(&self) -> bool {
        self.feed_stale.get_or_create(&self.gate).get() != 0
    }

    pub(super) fn stale(&self, stale: bool) {
        self.feed_stale.get_or_create(&self.gate).set(stale.into());
    }

    pub(super) fn certificate_ends(&self, ends: Timestamp) {
        self.certificate_ends.get_or_create(&self.gate).set(ends.unix());
    }

    fn ended(&self, outcome: &'static str, reason: &'static str) {
        let gate = self.gate.gate.clone();
        self.handshakes.get_or_create(&Outcome { gate, outcome, reason }).inc();
    }
}
