//! What a gate holds visitors against.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::chain::{CertificateId, VerifiedChains, finish, has_accepted_key};
use super::ledger_status::LedgerStatus;
use super::revocations::{Revocations, Status};
use crate::ground::clock::Timestamp;
use crate::pki::Certificate;

/// The certificates of the authorities we trust, checked.
pub struct TrustAnchors {
    certificates: Vec<Certificate>,
    anchors: Vec<TrustAnchor<'static>>,
    identity: [u8; 32],
}

/// Why certificates cannot serve as trust anchors. Each names the position in the file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustAnchorError {
    /// There is none.
    Empty,
    /// It is no certificate authority's (basicConstraints, keyUsage).
    NotAnAuthority {
        /// Its position.
        position: usize,
    },
    /// Its structure or key is not one we accept.
    Unsupported {
        /// Its position.
        position: usize,
    },
}

impl TrustAnchors {
    /// Checks certificates for use as trust anchors.
    ///
    /// # Errors
    /// None given, or one that is not an authority's.
    pub fn new(certificates: Vec<Certificate>) -> Result<Self, TrustAnchorError> {
        if certificates.is_empty() {
            return Err(TrustAnchorError::Empty);
        }
        let mut anchors = Vec::with_capacity(certificates.len());
        let mut digests = Vec::with_capacity(certificates.len());
        for (position, certificate) in (1..).zip(&certificates) {
            if !certificate.is_certificate_authority() || !certificate.may_sign_certificates() {
                return Err(TrustAnchorError::NotAnAuthority { position });
            }
            if !has_accepted_key(certificate) {
                return Err(TrustAnchorError::Unsupported { position });
            }
            let der = CertificateDer::from(certificate.der());
            let anchor = webpki::anchor_from_trusted_cert(&der)
                .map_err(|_| TrustAnchorError::Unsupported { position })?
                .to_owned();
            anchors.push(anchor);
            digests.push(certificate.sha256());
        }
        // The order in the file is no part of what is trusted.
        digests.sort_unstable();
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for digest in &digests {
            context.update(digest);
        }
        let identity = finish(context);
        Ok(Self { certificates, anchors, identity })
    }

    /// The certificates, as given.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// A digest of the set: two sets that trust the same certificates have the same.
    #[must_use]
    pub fn identity(&self) -> &[u8; 32] {
        &self.identity
    }

    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// The certificate behind an anchor that a path ended at.
    pub(super) fn certificate_of(&self, anchor: &TrustAnchor<'_>) -> Option<&Certificate> {
        let position = self.anchors.iter().position(|held| held == anchor)?;
        self.certificates.get(position)
    }
}

/// What tells of the standing of certificates.
#[derive(Clone)]
pub enum StatusSource {
    /// Nothing does, and nobody counts as revoked.
    Nothing,
    /// The revocation lists of their issuers.
    Lists(Revocations),
    /// The ledger of the authority that issued them.
    Ledger(LedgerStatus),
}

impl StatusSource {
    pub(super) fn status(&self, path: &[CertificateId], now: Timestamp) -> Status {
        match self {
            Self::Nothing => Status::Good { until: None },
            Self::Lists(lists) => lists.status(path, now),
            Self::Ledger(ledger) => ledger.status(path),
        }
    }
}

/// Whom to trust, what tells of revocations, and the chains verified so far under these anchors.
pub struct Policy {
    anchors: Arc<TrustAnchors>,
    source: StatusSource,
    verified: Arc<VerifiedChains>,
}

impl Policy {
    /// A policy with nothing remembered.
    #[must_use]
    pub fn new(anchors: Arc<TrustAnchors>, source: StatusSource) -> Self {
        Self { anchors, source, verified: Arc::new(VerifiedChains::new()) }
    }

    /// The same anchors and remembered chains with newer status on top.
    #[must_use]
    pub fn with_source(&self, source: StatusSource) -> Self {
        Self { anchors: Arc::clone(&self.anchors), source, verified: Arc::clone(&self.verified) }
    }

    /// The trust anchors.
    #[must_use]
    pub fn anchors(&self) -> &Arc<TrustAnchors> {
        &self.anchors
    }

    /// What tells of the standing of certificates.
    #[must_use]
    pub fn source(&self) -> &StatusSource {
        &self.source
    }

    /// The time that counts: the ledger knows that it is at least this late, whatever the clock says.
    pub(super) fn not_before_floor(&self, now: Timestamp) -> Timestamp {
        match &self.source {
            StatusSource::Ledger(ledger) => now.max(ledger.floor()),
            StatusSource::Nothing | StatusSource::Lists(_) => now,
        }
    }

    pub(super) fn verified(&self) -> &VerifiedChains {
        &self.verified
    }
}
