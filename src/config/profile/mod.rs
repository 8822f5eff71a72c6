//! How a configuration stands against a guideline that others published: a table of requirements,
//! each with its source, and for each whether it is met, and what to change where it is not.

mod ipa_high;

use super::Config;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Text;

/// A guideline.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// The high-security type of the TLS guideline of IPA and CRYPTREC, as the guideline for medical
    /// information systems asks for it.
    IpaHigh,
}

/// Where a requirement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// IPA and CRYPTREC, TLS暗号設定ガイドライン (CRYPTREC GL-3001) 3.0.1, high-security type.
    Ipa,
    /// MHLW, 医療情報システムの安全管理に関するガイドライン 6.0, volume on operation, chapter 13.
    Mhlw,
    /// IETF, RFC 9325 (BCP 195).
    Bcp195,
    /// None of them; what this program adds, since it keeps the others from being met in name only.
    Sekisho,
}

/// One requirement, and how the configuration stands against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its stable name.
    pub id: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// What is required.
    pub requirement: Text,
    /// How it stands.
    pub outcome: Outcome,
}

/// How a configuration stands against a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As required.
    Met,
    /// Not as required; what to change, at least one sentence.
    NotMet(Vec<Text>),
    /// There is nothing in the configuration that it speaks of.
    NotApplicable,
}

impl Profile {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IpaHigh => "ipa-high",
        }
    }

    /// Holds a checked configuration, and the files it names, against every requirement, in the order
    /// of the table.
    #[must_use]
    pub fn judge(self, config: &Config, now: Timestamp) -> Vec<Judged> {
        match self {
            Self::IpaHigh => ipa_high::judge(config, now),
        }
    }
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ipa, Self::Mhlw, Self::Bcp195, Self::Sekisho];

    /// A word for a table.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Ipa => "IPA",
            Self::Mhlw => "MHLW",
            Self::Bcp195 => "BCP 195",
            Self::Sekisho => "Sekisho",
        }
    }

    /// The document and its edition.
    #[must_use]
    pub fn document(self) -> Text {
        match self {
            Self::Ipa => Text::SourceIpa {},
            Self::Mhlw => Text::SourceMhlw {},
            Self::Bcp195 => Text::SourceBcp195 {},
            Self::Sekisho => Text::SourceSekisho {},
        }
    }
}
