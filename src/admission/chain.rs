//! Chains: what one must be, its verification, and the memory of those that passed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter};

use super::admit::Refusal;
use super::policy::TrustAnchors;
use super::revocations::issuer_id;
use crate::ground::clock::Timestamp;
use crate::pki::{Certificate, KeyAlgorithm, SerialNumber};

/// Certificates in a chain, the leaf included.
const MOST_CERTIFICATES: usize = 4;

/// Octets of a whole chain.
const MOST_OCTETS: usize = 16 * 1024;

/// Chains remembered in each of two generations.
const REMEMBERED: usize = 4096;

/// What a remembered chain is looked up by: a digest of its purpose, the set of anchors and every
/// octet presented. Whoever trusts another set of anchors looks under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainKey([u8; 32]);

impl ChainKey {
    /// The key of a chain under a set of anchors, for client authentication.
    ///
    /// # Errors
    /// No certificate at all, or more than we look at (4 certificates, 16 KiB).
    pub fn of(chain: &[CertificateDer<'_>], anchors: &TrustAnchors) -> Result<Self, Refusal> {
        if chain.is_empty() {
            return Err(Refusal::NoCertificate);
        }
        let octets = chain.iter().map(|certificate| certificate.len()).sum();
        if chain.len() > MOST_CERTIFICATES || octets > MOST_OCTETS {
            return Err(Refusal::ChainTooLong { certificates: chain.len(), octets });
        }
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"sekisho client chain 1");
        context.update(anchors.identity());
        for certificate in chain {
            context.update(&u64::try_from(certificate.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(certificate);
        }
        Ok(Self(finish(context)))
    }

    /// A key read back from where [`ChainKey::as_bytes`] was kept.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A certificate, by who issued it and the number it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateId {
    /// A digest of the issuer's name and key.
    pub issuer: [u8; 32],
    /// The serial number.
    pub serial: SerialNumber,
}

/// A chain whose signatures lead to one of our anchors and whose leaf is a client's. Nothing here
/// says that it is valid today or not revoked.
pub struct VerifiedChain {
    key: ChainKey,
    presented: Vec<CertificateDer<'static>>,
    leaf: Certificate,
    path: Vec<CertificateId>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl VerifiedChain {
    /// Verifies the signatures, constraints and purposes of a chain.
    ///
    /// # Errors
    /// Malformed, a key that is not accepted, no path to an anchor, or not for clients.
    pub(super) fn verify(
        key: ChainKey,
        presented: &[CertificateDer<'_>],
        now: Timestamp,
        anchors: &TrustAnchors,
    ) -> Result<Self, Refusal> {
        let certificates = presented
            .iter()
            .map(|der| Certificate::from_der(der).map_err(|_| Refusal::Malformed))
            .collect::<Result<Vec<_>, _>>()?;
        // Before any signature: verifying with a giant key is work for us and none for them.
        if certificates.iter().any(|certificate| !has_accepted_key(certificate)) {
            return Err(Refusal::KeyNotAccepted);
        }
        let (Some(leaf), Some((leaf_der, intermediates))) =
            (certificates.first(), presented.split_first())
        else {
            return Err(Refusal::NoCertificate);
        };
        let end_entity = EndEntityCert::try_from(leaf_der).map_err(|_| Refusal::Malformed)?;
        let verified = end_entity
            .verify_for_usage(
                SIGNATURES,
                anchors.anchors(),
                intermediates,
                within_validity(leaf, now),
                AnyPurpose,
                None,
                None,
            )
            .map_err(|error| refusal_of(&error))?;

        let mut issuers = Vec::with_capacity(MOST_CERTIFICATES);
        for intermediate in verified.intermediate_certificates() {
            let der = intermediate.der();
            issuers.push(Certificate::from_der(&der).map_err(|_| Refusal::Malformed)?);
        }
        let anchor = anchors.certificate_of(verified.anchor()).ok_or(Refusal::UnknownIssuer)?;
        let for_clients = leaf.states_purposes() && leaf.allows_client_auth();
        if !for_clients || !leaf.may_sign_handshakes() {
            return Err(Refusal::NotForClients);
        }
        // An intermediate may leave its purposes open; one that names some must name ours.
        if !issuers.iter().all(Certificate::allows_client_auth) {
            return Err(Refusal::NotForClients);
        }

        let chain: Vec<&Certificate> =
            std::iter::once(leaf).chain(&issuers).chain(std::iter::once(anchor)).collect();
        let path = chain
            .iter()
            .zip(chain.iter().skip(1))
            .map(|(subject, issuer)| CertificateId {
                issuer: issuer_id(issuer),
                serial: subject.serial(),
            })
            .collect();
        let not_before = chain.iter().map(|c| c.not_before()).max().unwrap_or(now);
        let not_after = chain.iter().map(|c| c.not_after()).min().unwrap_or(now);
        Ok(Self {
            key,
            presented: presented.iter().map(|der| der.clone().into_owned()).collect(),
            leaf: leaf.clone(),
            path,
            not_before,
            not_after,
        })
    }

    /// What it is looked up by.
    #[must_use]
    pub fn key(&self) -> &ChainKey {
        &self.key
    }

    /// The chain as it was presented, leaf first.
    #[must_use]
    pub fn presented(&self) -> &[CertificateDer<'static>] {
        &self.presented
    }

    /// The visitor's own certificate.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The latest notBefore of the path, the anchor's included.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The earliest notAfter of the path, the anchor's included.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certificates from the leaf up to the one that the anchor issued.
    #[must_use]
    pub fn path(&self) -> &[CertificateId] {
        &self.path
    }
}

/// Chains verified so far. Two generations: when the younger is full it becomes the older, and the
/// older is forgotten, so that memory is bounded and a busy visitor's chain stays.
pub(super) struct VerifiedChains {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    younger: HashMap<ChainKey, Arc<VerifiedChain>>,
    older: HashMap<ChainKey, Arc<VerifiedChain>>,
}

impl VerifiedChains {
    pub(super) fn new() -> Self {
        Self { generations: Mutex::new(Generations::default()) }
    }

    pub(super) fn get(&self, key: &ChainKey) -> Option<Arc<VerifiedChain>> {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chain) = generations.younger.get(key) {
            return Some(Arc::clone(chain));
        }
        let chain = generations.older.remove(key)?;
        generations.insert(Arc::clone(&chain));
        Some(chain)
    }

    pub(super) fn remember(&self, chain: Arc<VerifiedChain>) {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner).insert(chain);
    }
}

impl Generations {
    fn insert(&mut self, chain: Arc<VerifiedChain>) {
        if self.younger.len() >= REMEMBERED {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(*chain.key(), chain);
    }
}

/// Purposes are judged by us, after the signatures: before them, only holders of our authority's
/// certificates may learn why they are refused.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// The time to verify signatures at: now, or where the leaf's validity is nearest to now. Whether
/// it is valid today is judged after the signatures, and again each time.
fn within_validity(leaf: &Certificate, now: Timestamp) -> UnixTime {
    let time = now.min(leaf.not_after()).max(leaf.not_before());
    UnixTime::since_unix_epoch(Duration::from_secs(time.unix_unsigned()))
}

/// Whether the key is of a kind and size in our table: RSA of 2048 to 4096 bits, P-256, P-384, Ed25519.
pub fn has_accepted_key(certificate: &Certificate) -> bool {
    KeyAlgorithm::of_subject_public_key_info(certificate.subject_public_key_info()).is_some()
}

fn refusal_of(error: &webpki::Error) -> Refusal {
    match error {
        webpki::Error::BadDer
        | webpki::Error::BadDerTime
        | webpki::Error::TrailingData(_)
        | webpki::Error::UnsupportedCertVersion
        | webpki::Error::UnsupportedCriticalExtension => Refusal::Malformed,
        webpki::Error::CaUsedAsEndEntity => Refusal::NotForClients,
        _ => Refusal::UnknownIssuer,
    }
}

pub(super) fn finish(context: digest::Context) -> [u8; 32] {
    let mut octets = [0; 32];
    octets.copy_from_slice(context.finish().as_ref());
    octets
}

/// The signatures accepted in chains: those of the key kinds in `pki::algorithm`, with the hashes
/// foreign authorities commonly use. SHA-1 is in none of them.
static SIGNATURES: &[&dyn SignatureVerificationAlgorithm] = &[
    webpki::aws_lc_rs::ECDSA_P256_SHA256,
    webpki::aws_lc_rs::ECDSA_P256_SHA384,
    webpki::aws_lc_rs::ECDSA_P384_SHA256,
    webpki::aws_lc_rs::ECDSA_P384_SHA384,
    webpki::aws_lc_rs::ED25519,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
    webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
];
