//! What the authority's ledger says of the certificates it issued.

use std::collections::HashMap;
use std::sync::Arc;

use super::chain::CertificateId;
use super::revocations::{Status, issuer_id};
use super::serial_index::SerialIndex;
use crate::ground::clock::Timestamp;
use crate::pki::{Certificate, SerialNumber};

/// Serials whose standing may have changed before the packed sets are made anew: so many, and one
/// for each [`CHANGED_SHARE`] packed ones. Measured with 10^6 certificates: a change takes 5 to 20 us,
/// and one in 17,000 some 100 ms (`benches/revocation.rs`).
const CHANGED: usize = 1024;
const CHANGED_SHARE: usize = 64;

/// The standing of every certificate of our authorities, about 22 octets each. A certificate that is
/// not in the ledger is refused: one that a stolen copy of the key signed cannot be.
#[derive(Clone)]
pub struct LedgerStatus {
    issuers: Vec<Arc<Issuer>>,
    floor: Timestamp,
    silent_since: Option<Timestamp>,
}

/// No authority has this certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownIssuer;

/// One authority: packed sets, and what has changed since they were packed.
#[derive(Clone)]
struct Issuer {
    /// SHA-256 of its certificate, which the ledger knows it by.
    certificate: [u8; 32],
    /// What a path knows it by.
    id: [u8; 32],
    packed: Arc<Packed>,
    changed: HashMap<SerialNumber, Standing>,
}

struct Packed {
    standing: SerialIndex,
    revoked: SerialIndex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Good,
    /// For ever.
    Revoked,
}

impl LedgerStatus {
    /// A ledger without an authority. No time before `floor` counts.
    #[must_use]
    pub fn new(floor: Timestamp) -> Self {
        Self { issuers: Vec::new(), floor, silent_since: None }
    }

    /// Adds an authority with the serials of its certificates that stand, and of those revoked. A
    /// serial in both is revoked.
    #[must_use]
    pub fn with_issuer(
        mut self,
        certificate: &Certificate,
        standing: impl Iterator<Item = SerialNumber>,
        revoked: impl Iterator<Item = SerialNumber>,
    ) -> Self {
        let packed =
            Packed { standing: SerialIndex::new(standing), revoked: SerialIndex::new(revoked) };
        self.issuers.push(Arc::new(Issuer {
            certificate: certificate.sha256(),
            id: issuer_id(certificate),
            packed: Arc::new(packed),
            changed: HashMap::new(),
        }));
        self
    }

    /// The ledger after the authority with this certificate (SHA-256) has issued certificates.
    ///
    /// # Errors
    /// There is no such authority.
    pub fn issued(
        &self,
        issuer: &[u8; 32],
        serials: &[SerialNumber],
    ) -> Result<Self, UnknownIssuer> {
        self.changed(issuer, serials, Standing::Good)
    }

    /// The ledger after these certificates were revoked; they need not have been known.
    ///
    /// # Errors
    /// There is no such authority.
    pub fn revoked(
        &self,
        issuer: &[u8; 32],
        serials: &[SerialNumber],
    ) -> Result<Self, UnknownIssuer> {
        self.changed(issuer, serials, Standing::Revoked)
    }

    /// The certificates with these serials, as paths know them.
    ///
    /// # Errors
    /// There is no such authority.
    pub fn identify(
        &self,
        issuer: &[u8; 32],
        serials: &[SerialNumber],
    ) -> Result<Vec<CertificateId>, UnknownIssuer> {
        let issuer = self.issuer_by_certificate(issuer)?.id;
        Ok(serials.iter().map(|serial| CertificateId { issuer, serial: *serial }).collect())
    }

    /// This ledger with every revocation that `earlier` knew and it does not, and how many those
    /// were: none, unless the ledger lost some. What was revoked stays revoked.
    #[must_use]
    pub fn keeping_revocations_of(mut self, earlier: &Self) -> (Self, usize) {
        let mut kept = 0_usize;
        for before in &earlier.issuers {
            let Some(issuer) =
                self.issuers.iter_mut().find(|one| one.certificate == before.certificate)
            else {
                // Nobody is verified to an authority that is gone; should it come back, it finds
                // its revocations.
                self.issuers.push(Arc::clone(before));
                continue;
            };
            let lost: Vec<SerialNumber> = before
                .revoked()
                .filter(|serial| issuer.standing(*serial) != Some(Standing::Revoked))
                .collect();
            if !lost.is_empty() {
                kept = kept.saturating_add(lost.len());
                *issuer = Arc::new(issuer.changed(&lost, Standing::Revoked));
            }
        }
        (self, kept)
    }

    /// This ledger with another floor. The authority lowers it only once somebody has confirmed its
    /// clock.
    #[must_use]
    pub fn with_floor(&self, floor: Timestamp) -> Self {
        Self { floor, ..self.clone() }
    }

    /// This ledger, whose authority has been silent since then, or speaks again.
    #[must_use]
    pub fn silent_since(&self, since: Option<Timestamp>) -> Self {
        Self { silent_since: since, ..self.clone() }
    }

    /// No time before this one counts.
    #[must_use]
    pub fn floor(&self) -> Timestamp {
        self.floor
    }

    /// The status of a whole path.
    pub(super) fn status(&self, path: &[CertificateId]) -> Status {
        for step in path {
            // An authority's certificate may have been renewed, with its name and key.
            let issuers = self.issuers.iter().filter(|issuer| issuer.id == step.issuer);
            match issuers.filter_map(|issuer| issuer.standing(step.serial)).max() {
                Some(Standing::Good) => {}
                Some(Standing::Revoked) => return Status::Revoked,
                None => return Status::NotInLedger,
            }
        }
        match self.silent_since {
            Some(since) => Status::Stale { since },
            None => Status::Good { until: None },
        }
    }

    fn changed(
        &self,
        certificate: &[u8; 32],
        serials: &[SerialNumber],
        to: Standing,
    ) -> Result<Self, UnknownIssuer> {
        self.issuer_by_certificate(certificate)?;
        let mut next = self.clone();
        for issuer in next.issuers.iter_mut().filter(|issuer| issuer.certificate == *certificate) {
            *issuer = Arc::new(issuer.changed(serials, to));
        }
        Ok(next)
    }

    fn issuer_by_certificate(&self, certificate: &[u8; 32]) -> Result<&Issuer, UnknownIssuer> {
        let found = self.issuers.iter().find(|issuer| issuer.certificate == *certificate);
        found.map(Arc::as_ref).ok_or(UnknownIssuer)
    }
}

impl Issuer {
    fn standing(&self, serial: SerialNumber) -> Option<Standing> {
        if let Some(changed) = self.changed.get(&serial) {
            return Some(*changed);
        }
        if self.packed.revoked.contains(serial) {
            return Some(Standing::Revoked);
        }
        self.packed.standing.contains(serial).then_some(Standing::Good)
    }

    fn revoked(&self) -> impl Iterator<Item = SerialNumber> {
        self.packed.revoked.iter().chain(self.changed_to(Standing::Revoked))
    }

    fn changed_to(&self, wanted: Standing) -> impl Iterator<Item = SerialNumber> {
        self.changed.iter().filter(move |(_, to)| **to == wanted).map(|(serial, _)| *serial)
    }

    fn changed(&self, serials: &[SerialNumber], to: Standing) -> Self {
        let mut next = self.clone();
        for serial in serials {
            if next.standing(*serial) != Some(Standing::Revoked) {
                next.changed.insert(*serial, to);
            }
        }
        let packed = next.packed.standing.len().saturating_add(next.packed.revoked.len());
        if next.changed.len() > CHANGED.saturating_add(packed / CHANGED_SHARE) {
            next.pack();
        }
        next
    }

    fn pack(&mut self) {
        let (good, revoked) =
            (self.changed_to(Standing::Good), || self.changed_to(Standing::Revoked));
        let packed = Packed {
            standing: self.packed.standing.changed(good, revoked()),
            revoked: self.packed.revoked.changed(revoked(), std::iter::empty()),
        };
        self.packed = Arc::new(packed);
        self.changed = HashMap::new();
    }
}
