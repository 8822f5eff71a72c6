//! What is known of one certificate: the sum of the events about it, and the personal fields that
//! lie beside the chain.

use der::asn1::OctetString;
use der::{Decode, Encode, Enumerated, Sequence};

use super::LedgerError;
use super::entry::{
    Custody, Digest, Entry, Event, Intended, Profile, Revoked, digest_of, sha256, timestamp,
};
use crate::ground::clock::Timestamp;

/// How far a certificate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub enum State {
    /// About to be signed, or being signed now.
    Intended = 1,
    /// Signed.
    Issued = 2,
    /// Intended before a crash; counts as revoked.
    Abandoned = 3,
    /// Revoked.
    Revoked = 4,
}

/// When and why a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct RevocationMark {
    /// When, in seconds since the epoch.
    pub time: u64,
    /// The reason's code (RFC 5280 section 5.3.1).
    pub reason: u8,
    /// Since when the key is known or feared to be lost, in seconds since the epoch.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub invalidity: Option<u64>,
}

/// One certificate: what was intended, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct Record {
    version: u8,
    intended: Intended,
    state: State,
    key_forgotten: bool,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    sha256: Option<OctetString>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    revocation: Option<RevocationMark>,
}

/// Version of the record's form.
const VERSION: u8 = 1;

/// The reason of an abandoned certificate on the CRL: cessationOfOperation.
const ABANDONED_REASON: u8 = 5;

impl Record {
    /// The record after one more event, or the refusal of an event that cannot follow.
    pub(super) fn after(current: Option<Self>, entry: &Entry) -> Result<Self, LedgerError> {
        let time = entry.time.unix_unsigned();
        match (current, &entry.event) {
            (None, Event::Intended(intended)) => Ok(Self {
                version: VERSION,
                intended: intended.clone(),
                state: State::Intended,
                key_forgotten: false,
                sha256: None,
                revocation: None,
            }),
            (Some(record), Event::Issued(issued)) if record.state == State::Intended => {
                Ok(Self { state: State::Issued, sha256: Some(issued.sha256.clone()), ..record })
            }
            (Some(record), Event::Abandoned(_)) if record.state == State::Intended => {
                let mark = RevocationMark { time, reason: ABANDONED_REASON, invalidity: None };
                Ok(Self { state: State::Abandoned, revocation: Some(mark), ..record })
            }
            (Some(record), Event::Revoked(revoked)) if record.state == State::Issued => {
                let Revoked { reason, invalidity, revoked_at, .. } = *revoked;
                let time = revoked_at.unwrap_or(time);
                let mark = RevocationMark { time, reason, invalidity };
                Ok(Self { state: State::Revoked, revocation: Some(mark), ..record })
            }
            (Some(record), Event::KeyForgotten(_)) if record.escrowed() => {
                Ok(Self { key_forgotten: true, ..record })
            }
            (Some(record), Event::KeyExported(_)) if record.escrowed() => Ok(record),
            _ => Err(LedgerError::OutOfOrder { sequence: entry.sequence }),
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, LedgerError> {
        Ok(self.to_der()?)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerError> {
        let record = Self::from_der(bytes)?;
        if record.version != VERSION {
            return Err(LedgerError::UnknownVersion { found: record.version });
        }
        Ok(record)
    }

    /// The number people use.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.intended.number
    }

    /// The serial number's octets.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        self.intended.serial.as_bytes()
    }

    /// The number of the issuer's certificate.
    #[must_use]
    pub fn issuer(&self) -> u64 {
        self.intended.issuer
    }

    /// The kind of certificate.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.intended.profile
    }

    /// Where the private key is, as it was when the certificate was issued.
    #[must_use]
    pub fn custody(&self) -> Custody {
        self.intended.custody
    }

    /// Whether the private key still lies sealed in the side table.
    #[must_use]
    pub fn escrowed(&self) -> bool {
        let signed = matches!(self.state, State::Issued | State::Revoked);
        signed && self.intended.custody == Custody::Escrowed && !self.key_forgotten
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// When and why it was revoked, or abandoned.
    #[must_use]
    pub fn revocation(&self) -> Option<RevocationMark> {
        self.revocation
    }

    /// notBefore.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        timestamp(self.intended.not_before)
    }

    /// notAfter.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        timestamp(self.intended.not_after)
    }

    /// The certificate this one follows.
    #[must_use]
    pub fn renews(&self) -> Option<u64> {
        self.intended.renews
    }

    /// SHA-256 of the signed certificate; none before it is signed.
    #[must_use]
    pub fn certificate_sha256(&self) -> Option<Digest> {
        self.sha256.as_ref().and_then(|octets| digest_of(octets).ok())
    }

    /// SHA-256 of the salted personal fields.
    pub(super) fn holder_sha256(&self) -> &[u8] {
        self.intended.holder_sha256.as_bytes()
    }
}

/// The personal fields of a certificate. They lie in an erasable side table; the chain holds only
/// their salted digest.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct Holder {
    version: u8,
    salt: OctetString,
    /// The whole subject, as text.
    pub subject: String,
    /// The common name.
    pub common_name: String,
    /// The subject alternative names, separated by commas.
    pub alternative_names: String,
    /// Who holds it, in the administrator's words.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub person: Option<String>,
    /// On which device it is.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub device: Option<String>,
    /// Where the asking came from, such as `request.csv line 3`.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub source: Option<String>,
}

impl Holder {
    /// Personal fields under a fresh salt.
    ///
    /// # Errors
    /// The random number generator failed.
    pub fn new(
        subject: String,
        common_name: String,
        alternative_names: String,
    ) -> Result<Self, LedgerError> {
        let mut salt = [0_u8; 16];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| LedgerError::Random)?;
        Ok(Self {
            version: VERSION,
            salt: OctetString::new(salt.as_slice())?,
            subject,
            common_name,
            alternative_names,
            person: None,
            device: None,
            source: None,
        })
    }

    /// The digest that the chain holds.
    ///
    /// # Errors
    /// A field longer than DER allows.
    pub fn sha256(&self) -> Result<Digest, LedgerError> {
        Ok(sha256(&self.to_der()?))
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, LedgerError> {
        Ok(self.to_der()?)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerError> {
        let holder = Self::from_der(bytes)?;
        if holder.version != VERSION {
            return Err(LedgerError::UnknownVersion { found: holder.version });
        }
        Ok(holder)
    }
}
