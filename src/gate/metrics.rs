//! What a gate counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::door::figures::{
    DURATION_BOUNDS, Durations, FeedFigures, GateFigures, LastWord, Measured, Openness, Outcome,
    Reason,
};
use crate::ground::clock::Timestamp;

/// The figures of one gate. Those of every visit are counted without a lock.
#[derive(Clone, Default)]
pub(super) struct GateMetrics(Arc<Kept>);

#[derive(Default)]
struct Kept {
    full: AtomicU64,
    resumed: AtomicU64,
    microseconds: AtomicU64,
    durations: [AtomicU64; DURATION_BOUNDS.len() + 1],
    live: Gauge,
    upstream_up: Gauge,
    upstream_failures: Counter,
    told: Mutex<Told>,
}

/// What is counted or changes seldom.
#[derive(Default)]
struct Told {
    ended: BTreeMap<(Outcome, &'static str), u64>,
    cuts: BTreeMap<&'static str, u64>,
    feed: Option<FeedFigures>,
    certificate_ends: Option<Timestamp>,
}

impl GateMetrics {
    /// All of them as they are now.
    pub(super) fn figures(&self, openness: Openness) -> GateFigures {
        let kept = &*self.0;
        let mut handshakes: BTreeMap<_, _> = [("full", &kept.full), ("resumed", &kept.resumed)]
            .into_iter()
            .filter_map(|(reason, count)| Some(((Outcome::Admitted, word(reason)?), get(count))))
            .collect();
        let told = self.told();
        let ended = told.ended.iter();
        handshakes
            .extend(ended.filter_map(|((outcome, reason), count)| {
                Some(((*outcome, word(reason)?), *count))
            }));
        let cuts = told.cuts.iter().filter_map(|(reason, count)| Some((word(reason)?, *count)));
        let measured = Measured {
            microseconds: get(&kept.microseconds),
            parts: kept.durations.each_ref().map(get),
        };
        GateFigures {
            openness,
            handshakes,
            durations: Durations::try_from(measured).unwrap_or_default(),
            live: u64::try_from(kept.live.get()).unwrap_or(0),
            cuts: cuts.collect(),
            feed: told.feed,
            certificate_ends: told.certificate_ends,
            upstream_up: kept.upstream_up.get() != 0,
            upstream_failures: kept.upstream_failures.get(),
        }
    }

    pub(super) fn live(&self) -> Gauge {
        self.0.live.clone()
    }

    pub(super) fn upstream_up(&self) -> Gauge {
        self.0.upstream_up.clone()
    }

    pub(super) fn upstream_failures(&self) -> Counter {
        self.0.upstream_failures.clone()
    }

    pub(super) fn admitted(&self, resumed: bool, took: Duration) {
        let kept = &*self.0;
        if resumed { &kept.resumed } else { &kept.full }.fetch_add(1, Ordering::Relaxed);
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        kept.microseconds.fetch_add(took, Ordering::Relaxed);
        let part = DURATION_BOUNDS.partition_point(|bound| *bound < took);
        if let Some(part) = kept.durations.get(part) {
            part.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A visitor who may not come in.
    pub(super) fn refused(&self, reason: &'static str) {
        self.ended(Outcome::Refused, reason);
    }

    /// A connection on which nobody came to be judged.
    pub(super) fn failed(&self, reason: &'static str) {
        self.ended(Outcome::Failed, reason);
    }

    pub(super) fn cut(&self, reason: &'static str) {
        *self.told().cuts.entry(reason).or_default() += 1;
    }

    pub(super) fn heard(&self, epoch: u64, now: Timestamp) {
        let last = Some(LastWord { epoch, at: now });
        self.told().feed.get_or_insert_default().last = last;
    }

    pub(super) fn is_stale(&self) -> bool {
        self.told().feed.is_some_and(|feed| feed.stale)
    }

    pub(super) fn stale(&self, stale: bool) {
        self.told().feed.get_or_insert_default().stale = stale;
    }

    pub(super) fn certificate_ends(&self, ends: Timestamp) {
        self.told().certificate_ends = Some(ends);
    }

    fn ended(&self, outcome: Outcome, reason: &'static str) {
        *self.told().ended.entry((outcome, reason)).or_default() += 1;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Every reason of ours is one.
fn word(reason: &str) -> Option<Reason> {
    Reason::try_from(reason.to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches a bound that is off by one: a histogram that says `le` and counts less.
    #[test]
    fn what_is_counted_is_told_and_a_duration_counts_up_to_its_bound() {
        let metrics = GateMetrics::default();
        for (microseconds, resumed) in [(0, true), (500, false), (501, false), (9_000_000, false)] {
            metrics.admitted(resumed, Duration::from_micros(microseconds));
        }
        metrics.refused("revoked");
        metrics.refused("revoked");
        metrics.failed("tls");
        metrics.cut("expired");
        metrics.live().set(3);
        metrics.upstream_failures().inc();
        let figures = metrics.figures(Openness::Open);
        let parts = figures.durations.parts();
        assert_eq!((parts[0], parts[1], parts[15], parts.iter().sum()), (2, 1, 1, 4_u64));
        assert_eq!(figures.durations.microseconds(), 9_001_001);
        let counts = figures.handshakes.iter();
        let counts = counts.map(|((outcome, reason), count)| (*outcome, reason.as_str(), *count));
        let expected = [
            (Outcome::Admitted, "full", 3),
            (Outcome::Admitted, "resumed", 1),
            (Outcome::Refused, "revoked", 2),
            (Outcome::Failed, "tls", 1),
        ];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
        assert_eq!(figures.cuts.values().collect::<Vec<_>>(), [&1]);
        assert_eq!((figures.live, figures.upstream_up, figures.upstream_failures), (3, false, 1));
        assert_eq!((figures.feed, figures.certificate_ends), (None, None));
        metrics.stale(true);
        metrics.heard(8, Timestamp::from_unix(5));
        let feed = metrics.figures(Openness::Stale).feed.unwrap();
        assert_eq!((feed.stale, feed.last.unwrap().epoch), (true, 8));
    }
}
