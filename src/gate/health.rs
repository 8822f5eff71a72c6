//! Whether the upstream can be reached, as the last tries have shown.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use super::metrics::GateMetrics;
use crate::ground::clock;
use crate::ground::untrusted::Untrusted;

/// What is known of an upstream.
#[derive(Debug)]
pub(super) struct Health {
    standing: Mutex<Standing>,
    /// When something was last heard, in milliseconds after `since`.
    heard: AtomicU64,
    since: Instant,
    up: Gauge,
    /// Connections that could not be made.
    failures: Counter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not tried yet.
    Unknown,
    Up,
    Down,
}

impl Health {
    /// Of an upstream that has not been tried, told to its gate's figures.
    pub(super) fn new(metrics: &GateMetrics) -> Self {
        Self {
            standing: Mutex::new(Standing::Unknown),
            heard: AtomicU64::new(0),
            since: clock::monotonic(),
            up: metrics.upstream_up(),
            failures: metrics.upstream_failures(),
        }
    }

    /// Whether the last try to reach the upstream succeeded.
    pub(super) fn is_up(&self) -> bool {
        self.standing() == Standing::Up
    }

    /// How long nothing has been heard of the upstream.
    pub(super) fn silence(&self) -> Duration {
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        self.age().saturating_sub(heard)
    }

    /// The upstream took a connection, or answered.
    pub(super) fn heard(&self) {
        let now = u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
        if self.becomes(Standing::Up) == Standing::Down {
            tracing::info!(failures = self.failures.get(), "the upstream can be reached again");
        }
    }

    /// The upstream took no connection.
    pub(super) fn failed(&self, error: &io::Error) {
        self.failures.inc();
        if self.becomes(Standing::Down) != Standing::Down {
            let reason = first_cause(error);
            tracing::warn!(reason = %Untrusted(&reason), "the upstream cannot be reached");
        }
    }

    fn age(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.since)
    }

    fn becomes(&self, standing: Standing) -> Standing {
        self.up.set(i64::from(standing == Standing::Up));
        let mut current = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, standing)
    }

    fn standing(&self) -> Standing {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What went wrong at the bottom of it, such as `Connection refused (os error 111)`.
pub(super) fn first_cause(error: &io::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
