//! The one decision.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use super::chain::{ChainKey, VerifiedChain};
use super::policy::Policy;
use super::revocations::Status;
use crate::ground::clock::Timestamp;
use crate::pki::Certificate;

/// Which state of policy and revocations a decision was made under; grows with every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// A visitor who may come in. Only [`admit`] makes one.
#[derive(Clone)]
pub struct Admitted {
    chain: Arc<VerifiedChain>,
    epoch: Epoch,
    until: Timestamp,
}

impl Admitted {
    /// The certificate shown.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        self.chain.leaf()
    }

    /// The verified chain, as the visitor presented it.
    #[must_use]
    pub fn chain(&self) -> &Arc<VerifiedChain> {
        &self.chain
    }

    /// The epoch of the decision.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The last second the decision may stand without being made again.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.until
    }
}

/// Why a visitor may not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No certificate was shown.
    NoCertificate,
    /// The chain is longer than we look at.
    ChainTooLong {
        /// Certificates in it.
        certificates: usize,
        /// Octets in it.
        octets: usize,
    },
    /// Something in the chain is no certificate.
    Malformed,
    /// A key in the chain is of a kind or size that is not accepted.
    KeyNotAccepted,
    /// No authority of ours signed it.
    UnknownIssuer,
    /// Our authority signed it, but not for use as a client certificate.
    NotForClients,
    /// It is not valid yet.
    NotYetValid {
        /// When it will be.
        from: Timestamp,
    },
    /// It, or the certificate of its issuer, has expired.
    Expired {
        /// The last second it was valid.
        since: Timestamp,
    },
    /// It, or the certificate of its issuer, was revoked.
    Revoked,
    /// No revocation list tells of it.
    StatusUnknown,
    /// Our authority's key signed it, and the authority's ledger has no such certificate.
    NotInLedger,
    /// What is known of revocations is too old to trust: a list without a newer one, or an
    /// authority that has fallen silent.
    StatusStale {
        /// When it became too old.
        since: Timestamp,
    },
}

impl Refusal {
    /// The stable name for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::ChainTooLong { .. } => "chain_too_long",
            Self::Malformed => "malformed_certificate",
            Self::KeyNotAccepted => "key_not_accepted",
            Self::UnknownIssuer => "unknown_issuer",
            Self::NotForClients => "not_for_clients",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::Expired { .. } => "expired",
            Self::Revoked => "revoked",
            Self::StatusUnknown => "status_unknown",
            Self::NotInLedger => "not_in_ledger",
            Self::StatusStale { .. } => "status_stale",
        }
    }
}

/// Judges a chain as presented, leaf first. The caller has seen proof that the visitor holds the
/// leaf's key: a CertificateVerify, or a resumed session that began with one.
///
/// # Errors
/// Why the visitor may not come in. Whether our authority signed is decided before anything is
/// told of validity or status.
pub fn admit(
    chain: &[CertificateDer<'_>],
    now: Timestamp,
    epoch: Epoch,
    policy: &Policy,
) -> Result<Admitted, Refusal> {
    let now = policy.not_before_floor(now);
    let key = ChainKey::of(chain, policy.anchors())?;
    let chain = match policy.verified().get(&key) {
        Some(remembered) => remembered,
        None => {
            let verified = Arc::new(VerifiedChain::verify(key, chain, now, policy.anchors())?);
            policy.verified().remember(Arc::clone(&verified));
            verified
        }
    };
    judge(chain, now, epoch, policy)
}

/// Judges someone again who was admitted with this chain. Its signatures are not verified a second
/// time while the trust anchors are the same, so that many can be judged at once.
///
/// # Errors
/// Why the visitor may not stay.
pub fn admit_again(
    chain: &Arc<VerifiedChain>,
    now: Timestamp,
    epoch: Epoch,
    policy: &Policy,
) -> Result<Admitted, Refusal> {
    if ChainKey::of(chain.presented(), policy.anchors())? != *chain.key() {
        return admit(chain.presented(), now, epoch, policy);
    }
    judge(Arc::clone(chain), policy.not_before_floor(now), epoch, policy)
}

/// Whether the holder of a chain verified earlier would be admitted now; `false` when the chain is
/// no longer remembered, so that it is verified again.
#[must_use]
pub fn would_admit(key: &ChainKey, now: Timestamp, policy: &Policy) -> bool {
    let now = policy.not_before_floor(now);
    policy.verified().get(key).is_some_and(|chain| judge(chain, now, Epoch(0), policy).is_ok())
}

fn judge(
    chain: Arc<VerifiedChain>,
    now: Timestamp,
    epoch: Epoch,
    policy: &Policy,
) -> Result<Admitted, Refusal> {
    if now < chain.not_before() {
        return Err(Refusal::NotYetValid { from: chain.not_before() });
    }
    if now > chain.not_after() {
        return Err(Refusal::Expired { since: chain.not_after() });
    }
    match policy.source().status(chain.path(), now) {
        Status::Good { until } => {
            let until = until.map_or(chain.not_after(), |until| until.min(chain.not_after()));
            Ok(Admitted { chain, epoch, until })
        }
        Status::Revoked => Err(Refusal::Revoked),
        Status::Unlisted => Err(Refusal::StatusUnknown),
        Status::NotInLedger => Err(Refusal::NotInLedger),
        Status::Stale { since } => Err(Refusal::StatusStale { since }),
    }
}
