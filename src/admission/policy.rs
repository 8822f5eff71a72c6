//! What a gate holds visitors against.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::chain::{VerifiedChains, finish, has_accepted_key};
use super::revocations::Revocations;
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

/// Whom to trust, what was revoked, and the chains verified so far under these anchors.
pub struct Policy {
    anchors: Arc<TrustAnchors>,
    revocations: Option<Revocations>,
    verified: Arc<VerifiedChains>,
}

impl Policy {
    /// A policy with nothing remembered. Without `revocations` nobody counts as revoked.
    #[must_use]
    pub fn new(anchors: Arc<TrustAnchors>, revocations: Option<Revocations>) -> Self {
        Self { anchors, revocations, verified: Arc::new(VerifiedChains::new()) }
    }

    /// The same anchors and remembered chains with newer revocations on top.
    #[must_use]
    pub fn with_revocations(&self, revocations: Option<Revocations>) -> Self {
        Self {
            anchors: Arc::clone(&self.anchors),
            revocations,
            verified: Arc::clone(&self.verified),
        }
    }

    /// The trust anchors.
    #[must_use]
    pub fn anchors(&self) -> &Arc<TrustAnchors> {
        &self.anchors
    }

    /// The revocations in force, if any are configured.
    #[must_use]
    pub fn revocations(&self) -> Option<&Revocations> {
        self.revocations.as_ref()
    }

    pub(super) fn verified(&self) -> &VerifiedChains {
        &self.verified
    }
}
