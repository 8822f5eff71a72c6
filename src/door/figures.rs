//! What a gate counts and knows of itself, as it tells it every second to whoever shows it.
//!
//! A gate that was captured may say what it likes of itself, and no more than that: it does not say
//! its name, which whoever receives the figures knows; and what it says is bounded on decoding.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::feed::Sequence;
use crate::ground::clock::Timestamp;

/// Octets of a reason at most.
pub const REASON_OCTETS: usize = 64;

/// Reasons at most, of each kind.
pub const REASONS: usize = 64;

/// Where the parts of [`Durations`] end, in microseconds, inclusive. The last has no end.
pub const DURATION_BOUNDS: [u64; 15] = [
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 1_024_000,
    2_048_000, 4_096_000, 8_192_000,
];

/// The figures of one gate since it was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFigures {
    /// Whether new visitors can come in.
    pub openness: Openness,
    /// The beginnings of connections, by how they ended.
    #[serde(deserialize_with = "few")]
    pub handshakes: BTreeMap<(Outcome, Reason), u64>,
    /// How long those took that ended with an admission.
    pub durations: Durations,
    /// Connections of admitted visitors.
    pub live: u64,
    /// Connections that were ended because their holder may no longer come in.
    #[serde(deserialize_with = "few")]
    pub cuts: BTreeMap<Reason, u64>,
    /// What is known of the authority; `None` where the gate trusts files of its own.
    pub feed: Option<FeedFigures>,
    /// When the server certificate ends; `None` while there is none.
    pub certificate_ends: Option<Timestamp>,
    /// Whether the last try to reach the upstream succeeded.
    pub upstream_up: bool,
    /// Connections to the upstream that could not be made.
    pub upstream_failures: u64,
}

/// Whether new visitors can come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Openness {
    /// They can.
    Open,
    /// The server certificate or the trust anchors have not come yet, or the gate is stopping.
    Closed,
    /// The authority is silent, and the policy is to let nobody new in.
    Stale,
}

/// How the beginning of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// With an admission.
    Admitted,
    /// With a visitor who may not come in.
    Refused,
    /// With nobody to judge.
    Failed,
}

impl Outcome {
    /// For machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Why: a word for machines, of `a-z`, `0-9` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Reason(String);

/// The text is no [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReason;

impl Reason {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = NoReason;

    fn try_from(text: String) -> Result<Self, NoReason> {
        let is_word = |octet: u8| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let fits = (1..=REASON_OCTETS).contains(&text.len()) && text.bytes().all(is_word);
        if fits { Ok(Self(text)) } else { Err(NoReason) }
    }
}

impl std::fmt::Display for NoReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no reason")
    }
}

/// How long something took, as a histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Measured", into = "Measured")]
pub struct Durations(Measured);

/// As in [`Durations`], and not yet known to add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// All of them together.
    pub microseconds: u64,
    /// How many there were up to each of [`DURATION_BOUNDS`] and above the one before, then those
    /// above the last.
    pub parts: [u64; DURATION_BOUNDS.len() + 1],
}

/// There are more than can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl Durations {
    /// All of them together, in microseconds.
    #[must_use]
    pub fn microseconds(&self) -> u64 {
        self.0.microseconds
    }

    /// As [`Measured::parts`]. Their sum is a `u64`.
    #[must_use]
    pub fn parts(&self) -> &[u64] {
        &self.0.parts
    }
}

impl TryFrom<Measured> for Durations {
    type Error = TooMany;

    fn try_from(measured: Measured) -> Result<Self, TooMany> {
        let sum = measured.parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
        sum.map(|_| Self(measured)).ok_or(TooMany)
    }
}

impl From<Durations> for Measured {
    fn from(durations: Durations) -> Self {
        durations.0
    }
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too many to be counted")
    }
}

/// What a gate knows of the authority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedFigures {
    /// Whether the authority is silent.
    pub stale: bool,
    /// Its last word; `None` before the first.
    pub last: Option<LastWord>,
}

/// The last that was heard of the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWord {
    /// The sequence of the ledger it brought the gate to.
    pub epoch: Sequence,
    /// When.
    pub at: Timestamp,
}

/// At most [`REASONS`].
fn few<'de, D, K>(deserializer: D) -> Result<BTreeMap<K, u64>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord,
{
    let counts = BTreeMap::deserialize(deserializer)?;
    if counts.len() > REASONS { Err(D::Error::custom("too many")) } else { Ok(counts) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::frame::{self, FrameError};
    use proptest::prelude::*;

    const LIMIT: usize = 1 << 20;

    fn figures() -> GateFigures {
        let reason = |text: &str| Reason::try_from(text.to_owned()).unwrap();
        let measured = Measured { microseconds: 1500, ..Measured::default() };
        GateFigures {
            openness: Openness::Stale,
            handshakes: BTreeMap::from([((Outcome::Refused, reason("revoked")), 3)]),
            durations: Durations::try_from(measured).unwrap(),
            live: 7,
            cuts: BTreeMap::from([(reason("expired"), 1)]),
            feed: Some(FeedFigures {
                stale: true,
                last: Some(LastWord { epoch: 9, at: Timestamp::from_unix(1_694_091_370) }),
            }),
            certificate_ends: None,
            upstream_up: true,
            upstream_failures: 2,
        }
    }

    fn received(figures: &GateFigures) -> Result<GateFigures, FrameError> {
        let sent = frame::encode(figures, LIMIT).unwrap();
        frame::read(&mut sent.as_slice(), LIMIT).map(Option::unwrap)
    }

    #[test]
    fn figures_arrive_as_they_were_sent() {
        assert_eq!(received(&figures()).unwrap(), figures());
    }

    // Catches a captured gate that fills the memory of whoever shows its figures, or writes lines
    // of its own into them.
    #[test]
    fn figures_that_are_too_many_too_long_or_no_words_are_refused() {
        let refused = |figures: GateFigures| {
            assert!(matches!(received(&figures), Err(FrameError::Malformed)), "{figures:?}");
        };
        let numbered = |count: usize| (0..count).map(|number| (Reason(format!("r{number}")), 1));
        let numbered = |count| GateFigures { cuts: numbered(count).collect(), ..figures() };
        assert_eq!(received(&numbered(REASONS)).unwrap().cuts.len(), REASONS);
        refused(numbered(REASONS + 1));

        let long = "x".repeat(REASON_OCTETS + 1);
        for word in ["", "a b", "a\"} 1\nx", "Revoked", "日", "a\0", &long] {
            let handshakes = BTreeMap::from([((Outcome::Failed, Reason(word.to_owned())), 1)]);
            refused(GateFigures { handshakes, ..figures() });
        }
        let mut measured = Measured::default();
        measured.parts[3] = u64::MAX;
        let fits = GateFigures { durations: Durations(measured.clone()), ..figures() };
        assert_eq!(received(&fits).unwrap(), fits);
        measured.parts[15] = 1;
        refused(GateFigures { durations: Durations(measured), ..figures() });
    }

    proptest! {
        #[test]
        fn foreign_octets_never_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = frame::decode::<GateFigures>(&body);
        }
    }
}
