//! The certificate authority that signs now, and the chain above it.

use crate::ground::messages::Refusal;
use crate::ledger::{Profile, Reader, Record, State};
use crate::pki::Certificate;

/// A certificate authority that can sign: its certificate, its number, and those above it.
pub struct Issuer {
    number: u64,
    certificate: Certificate,
    /// The certificates above it, the nearest first, the root last; empty for a root.
    above: Vec<Certificate>,
}

/// Authorities above one another at most.
const HIGHEST: usize = 4;

impl Issuer {
    /// The newest certificate authority of the ledger.
    ///
    /// # Errors
    /// `NoCertificateAuthority` when there is none.
    pub fn newest(reader: &Reader<'_>) -> Result<Self, Refusal> {
        let newest = authorities(reader)?.pop();
        let number = newest.ok_or(Refusal::NoCertificateAuthority {})?.number();
        let (certificate, mut parent) = load(reader, number)?;
        let mut above = Vec::new();
        let mut child = number;
        while parent != child && above.len() < HIGHEST {
            let (certificate, grandparent) = load(reader, parent)?;
            above.push(certificate);
            child = parent;
            parent = grandparent;
        }
        Ok(Self { number, certificate, above })
    }

    /// The number of its certificate.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The root: itself, or the last above it.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.above.last().unwrap_or(&self.certificate)
    }

    /// A certificate of this issuer, followed by the intermediate ones, without the root.
    #[must_use]
    pub fn chain_of(&self, leaf: &Certificate) -> Vec<Certificate> {
        let mut chain = vec![leaf.clone()];
        if let Some((_, between)) = self.above.split_last() {
            chain.push(self.certificate.clone());
            chain.extend(between.iter().cloned());
        }
        chain
    }
}

/// The certificate authorities of the ledger, the newest last.
///
/// # Errors
/// The ledger could not be read.
pub fn authorities(reader: &Reader<'_>) -> Result<Vec<Record>, Refusal> {
    // They are made before anything else: their numbers are the lowest.
    let mut records = reader.records(1, HIGHEST)?;
    records.retain(|record| {
        let authority = matches!(record.profile(), Profile::Root | Profile::Issuing);
        authority && record.state() == State::Issued
    });
    Ok(records)
}

/// A certificate authority's certificate, and the number of its issuer.
fn load(reader: &Reader<'_>, number: u64) -> Result<(Certificate, u64), Refusal> {
    let record = reader.record(number)?.ok_or(Refusal::NoCertificateAuthority {})?;
    let der = reader.certificate(&record)?.ok_or(Refusal::NoCertificateAuthority {})?;
    let certificate = Certificate::from_der(&der)
        .map_err(|_| Refusal::LedgerDamaged { reason: format!("certificate {number}") })?;
    Ok((certificate, record.issuer()))
}
