//! The figures of the gates, as they were last told, and shown as OpenMetrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::watching::Obstacle;
use crate::door::figures::{DURATION_BOUNDS, Durations, GateFigures, Openness};
use crate::ground::clock::{self, Timestamp};

/// How long a gate may say nothing before it counts as closed, and its figures as unknown.
const SILENCE: Duration = Duration::from_secs(5);

/// The gates of the configuration, and what each has told last. No name is taken that was not given
/// at the beginning, so that the figures do not grow.
#[derive(Debug)]
pub struct Gates {
    heard: Mutex<BTreeMap<String, Option<Heard>>>,
}

#[derive(Debug)]
struct Heard {
    at: Instant,
    figures: GateFigures,
}

impl Gates {
    /// Gates that have told nothing yet.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self { heard: Mutex::new(names.into_iter().map(|name| (name, None)).collect()) }
    }

    /// A gate has told its figures, or does not run. Those of an unknown name are dropped.
    pub fn hear(&self, gate: &str, figures: Option<GateFigures>, now: Instant) {
        if let Some(heard) = self.lock().get_mut(gate) {
            *heard = figures.map(|figures| Heard { at: now, figures });
        }
    }

    /// Which gates let nobody new in, and why.
    pub(super) fn obstacles(&self, now: Instant) -> Vec<Obstacle> {
        let heard = self.lock();
        let standing = |heard: &Option<Heard>| {
            heard.as_ref().filter(|heard| heard.is_recent(now)).map(|heard| heard.figures.openness)
        };
        let obstacles = heard.iter().filter_map(|(gate, heard)| match standing(heard) {
            Some(Openness::Open) => None,
            None | Some(Openness::Closed) => Some(Obstacle::GateClosed { gate: gate.clone() }),
            Some(Openness::Stale) => Some(Obstacle::FeedStale { gate: gate.clone() }),
        });
        obstacles.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<Heard>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn is_recent(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < SILENCE
    }
}

impl Collector for Gates {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let now = clock::monotonic();
        let heard = self.lock();
        let gates: Vec<(&str, &GateFigures)> = heard
            .iter()
            .filter_map(|(gate, heard)| Some((gate.as_str(), heard.as_ref()?)))
            .filter(|(_, heard)| heard.is_recent(now))
            .map(|(gate, heard)| (gate, &heard.figures))
            .collect();
        for family in &FAMILIES {
            let figures = gates.iter().flat_map(|(gate, figures)| (family.figures)(gate, figures));
            let mut figures = figures.peekable();
            if figures.peek().is_none() {
                // One without figures is not named either.
                continue;
            }
            let mut family =
                encoder.encode_descriptor(family.name, family.help, None, family.kind)?;
            for (labels, figure) in figures {
                figure.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// A metric family (OpenMetrics 1.0 section 4.5).
struct Family {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    figures: for<'a> fn(&'a str, &'a GateFigures) -> Vec<(Labels<'a>, Figure<'a>)>,
}

type Labels<'a> = Vec<(&'static str, &'a str)>;

enum Figure<'a> {
    Counter(u64),
    Gauge(u64),
    Time(Timestamp),
    Histogram(&'a Durations),
}

impl Figure<'_> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Counter(count) => encoder.encode_counter::<NoLabelSet, _, u64>(count, None),
            Self::Gauge(value) => encoder.encode_gauge(value),
            Self::Time(time) => encoder.encode_gauge(&time.unix()),
            Self::Histogram(durations) => {
                let ends = DURATION_BOUNDS.map(seconds).into_iter().chain([f64::INFINITY]);
                let parts = durations.parts().iter().copied();
                let buckets: Vec<(f64, u64)> = ends.zip(parts.clone()).collect();
                let sum = seconds(durations.microseconds());
                encoder.encode_histogram::<NoLabelSet>(sum, parts.sum(), &buckets, None)
            }
        }
    }
}

const FAMILIES: [Family; 10] = [
    Family {
        name: "sekisho_gate_handshakes",
        help: "Connections by how their beginning ended.",
        kind: MetricType::Counter,
        figures: |gate, figures| {
            let labels =
                |outcome, reason| vec![("gate", gate), ("outcome", outcome), ("reason", reason)];
            let counts = figures.handshakes.iter();
            let counts = counts.map(|((outcome, reason), count)| {
                (labels(outcome.name(), reason.as_str()), Figure::Counter(*count))
            });
            counts.collect()
        },
    },
    Family {
        name: "sekisho_gate_handshake_duration_seconds",
        help: "From the accepted connection to the admitted visitor.",
        kind: MetricType::Histogram,
        figures: |gate, figures| one(gate, Some(Figure::Histogram(&figures.durations))),
    },
    Family {
        name: "sekisho_gate_live_connections",
        help: "Connections of admitted visitors.",
        kind: MetricType::Gauge,
        figures: |gate, figures| one(gate, Some(Figure::Gauge(figures.live))),
    },
    Family {
        name: "sekisho_gate_cuts",
        help: "Connections ended because their holder may no longer come in.",
        kind: MetricType::Counter,
        figures: |gate, figures| {
            let cuts = figures.cuts.iter().map(|(reason, count)| {
                (vec![("gate", gate), ("reason", reason.as_str())], Figure::Counter(*count))
            });
            cuts.collect()
        },
    },
    Family {
        name: "sekisho_gate_feed_epoch",
        help: "The sequence of the ledger that is in force.",
        kind: MetricType::Gauge,
        figures: |gate, figures| {
            let last = figures.feed.and_then(|feed| feed.last);
            one(gate, last.map(|last| Figure::Gauge(last.epoch)))
        },
    },
    Family {
        name: "sekisho_gate_feed_last_event_timestamp_seconds",
        help: "When the authority was last heard.",
        kind: MetricType::Gauge,
        figures: |gate, figures| {
            let last = figures.feed.and_then(|feed| feed.last);
            one(gate, last.map(|last| Figure::Time(last.at)))
        },
    },
    Family {
        name: "sekisho_gate_feed_stale",
        help: "1 while the authority is silent.",
        kind: MetricType::Gauge,
        figures: |gate, figures| {
            one(gate, figures.feed.map(|feed| Figure::Gauge(feed.stale.into())))
        },
    },
    Family {
        name: "sekisho_gate_server_certificate_not_after_timestamp_seconds",
        help: "When the server certificate ends.",
        kind: MetricType::Gauge,
        figures: |gate, figures| one(gate, figures.certificate_ends.map(Figure::Time)),
    },
    Family {
        name: "sekisho_gate_upstream_up",
        help: "1 while the upstream can be reached.",
        kind: MetricType::Gauge,
        figures: |gate, figures| one(gate, Some(Figure::Gauge(figures.upstream_up.into()))),
    },
    Family {
        name: "sekisho_gate_upstream_failures",
        help: "Connections to the upstream that could not be made.",
        kind: MetricType::Counter,
        figures: |gate, figures| one(gate, Some(Figure::Counter(figures.upstream_failures))),
    },
];

/// The figure of a gate, where there is one.
fn one<'a>(gate: &'a str, figure: Option<Figure<'a>>) -> Vec<(Labels<'a>, Figure<'a>)> {
    figure.map(|figure| (vec![("gate", gate)], figure)).into_iter().collect()
}

fn seconds(microseconds: u64) -> f64 {
    Duration::from_micros(microseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::figures::{FeedFigures, LastWord, Measured, Outcome, Reason};
    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    fn figures() -> GateFigures {
        let reason = |text: &str| Reason::try_from(text.to_owned()).unwrap();
        let mut measured = Measured { microseconds: 2_500_000, ..Measured::default() };
        measured.parts[0] = 2;
        measured.parts[15] = 1;
        GateFigures {
            openness: Openness::Open,
            handshakes: BTreeMap::from([((Outcome::Refused, reason("revoked")), 3)]),
            durations: Durations::try_from(measured).unwrap(),
            live: 7,
            cuts: BTreeMap::from([(reason("expired"), 1)]),
            feed: Some(FeedFigures {
                stale: true,
                last: Some(LastWord { epoch: u64::MAX, at: Timestamp::from_unix(12) }),
            }),
            certificate_ends: Some(Timestamp::from_unix(99)),
            upstream_up: true,
            upstream_failures: 2,
        }
    }

    fn shown(gates: Gates) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(gates));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        text
    }

    // Catches a name in the configuration that ends its label early: the lines after it are forged.
    #[test]
    fn every_figure_is_a_line_under_the_name_of_its_gate_and_no_other() {
        let names = ["front", "a\"} 1\nsekisho_crl_number 0\\"];
        let gates = Gates::new(names.map(str::to_owned));
        gates.hear("front", Some(figures()), clock::monotonic());
        let without = GateFigures { feed: None, certificate_ends: None, ..figures() };
        gates.hear(names[1], Some(without), clock::monotonic());
        gates.hear("foreign", Some(figures()), clock::monotonic());
        let text = shown(gates);
        for line in [
            "# HELP sekisho_gate_handshakes Connections by how their beginning ended.",
            "# TYPE sekisho_gate_handshakes counter",
            "sekisho_gate_handshakes_total{gate=\"front\",outcome=\"refused\",reason=\"revoked\"} 3",
            "# TYPE sekisho_gate_handshake_duration_seconds histogram",
            "sekisho_gate_handshake_duration_seconds_sum{gate=\"front\"} 2.5",
            "sekisho_gate_handshake_duration_seconds_count{gate=\"front\"} 3",
            "sekisho_gate_handshake_duration_seconds_bucket{le=\"0.0005\",gate=\"front\"} 2",
            "sekisho_gate_handshake_duration_seconds_bucket{le=\"8.192\",gate=\"front\"} 2",
            "sekisho_gate_handshake_duration_seconds_bucket{le=\"+Inf\",gate=\"front\"} 3",
            "sekisho_gate_live_connections{gate=\"front\"} 7",
            "sekisho_gate_cuts_total{gate=\"front\",reason=\"expired\"} 1",
            "sekisho_gate_feed_epoch{gate=\"front\"} 18446744073709551615",
            "sekisho_gate_feed_last_event_timestamp_seconds{gate=\"front\"} 12",
            "sekisho_gate_feed_stale{gate=\"front\"} 1",
            "sekisho_gate_server_certificate_not_after_timestamp_seconds{gate=\"front\"} 99",
            "sekisho_gate_upstream_up{gate=\"front\"} 1",
            "sekisho_gate_upstream_failures_total{gate=\"front\"} 2",
            "sekisho_gate_live_connections{gate=\"a\\\"} 1\\nsekisho_crl_number 0\\\\\"} 7",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} in\n{text}");
        }
        let begins = |line: &str| line.starts_with('#') || line.starts_with("sekisho_gate_");
        assert!(text.lines().all(begins) && !text.contains("foreign"), "{text}");
        assert_eq!(text.matches("# TYPE").count(), FAMILIES.len());
        assert_eq!(text.matches("sekisho_gate_feed_stale{").count(), 1, "one gate has no feed");
    }

    // Catches a gate that died, and whose last word goes on being shown as the truth.
    #[test]
    fn a_gate_that_says_nothing_is_closed_and_its_figures_are_unknown() {
        let gates = Gates::new(["front".to_owned(), "back".to_owned()]);
        let closed = |gate: &str| Obstacle::GateClosed { gate: gate.to_owned() };
        let now = clock::monotonic();
        assert_eq!(gates.obstacles(now), [closed("back"), closed("front")]);
        gates.hear("front", Some(figures()), now);
        let silent = GateFigures { openness: Openness::Stale, ..figures() };
        gates.hear("back", Some(silent), now);
        let stale = Obstacle::FeedStale { gate: "back".to_owned() };
        assert_eq!(gates.obstacles(now + SILENCE - Duration::from_millis(1)), [stale]);
        assert_eq!(gates.obstacles(now + SILENCE), [closed("back"), closed("front")]);
        gates.hear("front", None, now);
        assert_eq!(gates.obstacles(now).last(), Some(&closed("front")), "it does not run");
        let Some(earlier) = now.checked_sub(SILENCE) else { return };
        gates.hear("back", Some(figures()), earlier);
        assert!(!shown(gates).contains("back"));
    }
}
