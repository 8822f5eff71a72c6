//! What the issuers have revoked, as their revocation lists say.

use std::sync::Arc;

use super::chain::CertificateId;
use super::serial_index::SerialIndex;
use crate::ground::clock::Timestamp;
use crate::pki::{Certificate, RevocationList};

/// The revocation lists in force: at most one for each issuer.
#[derive(Clone)]
pub struct Revocations {
    lists: Vec<Arc<IssuerList>>,
    grace_days: i64,
}

struct IssuerList {
    issuer: [u8; 32],
    until: Timestamp,
    revoked: SerialIndex,
}

/// What is known of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Good {
        /// When the first list that vouches for the path stops doing so, grace included; none when
        /// what is known has no end.
        until: Option<Timestamp>,
    },
    Revoked,
    /// No list tells of it.
    Unlisted,
    /// The ledger has no such certificate.
    NotInLedger,
    Stale {
        since: Timestamp,
    },
}

impl Revocations {
    /// No list yet. A list counts for `grace_days` days after its next update was due.
    #[must_use]
    pub fn new(grace_days: i64) -> Self {
        Self { lists: Vec::new(), grace_days }
    }

    /// Adds the verified list of an issuer, or replaces the one held for it.
    #[must_use]
    pub fn with(mut self, issuer: &Certificate, list: &RevocationList) -> Self {
        let issuer = issuer_id(issuer);
        let revoked = SerialIndex::new(list.entries().map(|entry| entry.serial));
        self.lists.retain(|held| held.issuer != issuer);
        self.lists.push(Arc::new(IssuerList { issuer, until: list.next_update(), revoked }));
        self
    }

    /// The status of a whole path. A certificate whose issuer has no list here is unknown.
    pub(super) fn status(&self, path: &[CertificateId], now: Timestamp) -> Status {
        let mut earliest: Option<Timestamp> = None;
        for step in path {
            let Some(list) = self.lists.iter().find(|list| list.issuer == step.issuer) else {
                return Status::Unlisted;
            };
            if list.revoked.contains(step.serial) {
                return Status::Revoked;
            }
            let until = list.until.plus_days(self.grace_days);
            earliest = Some(earliest.map_or(until, |earliest| earliest.min(until)));
        }
        match earliest {
            Some(until) if now > until => Status::Stale { since: until },
            Some(until) => Status::Good { until: Some(until) },
            None => Status::Unlisted,
        }
    }
}

/// An issuer by its name and its key together: a name alone proves nothing.
pub(super) fn issuer_id(issuer: &Certificate) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(issuer.subject_der());
    context.update(issuer.subject_public_key_info());
    super::chain::finish(context)
}
