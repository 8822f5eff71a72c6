//! What happened, as it is written down: the entries of the chain and the events in them.
//!
//! An entry is DER: version, sequence (1, 2, ...), time (seconds since the epoch), actor, kind,
//! the event's body (DER in an octet string), and the SHA-256 of the entry before. The chain holds
//! no personal data, only salted digests of it; what they digest lies in erasable side tables.

use aws_lc_rs::digest;
use der::asn1::OctetString;
use der::{Decode, Encode, Enumerated, Sequence};

use super::LedgerError;
use crate::ground::clock::Timestamp;

/// SHA-256 of something.
pub type Digest = [u8; 32];

/// Version of the entry's form.
const VERSION: u8 = 1;

/// One entry of the chain, as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Place in the chain, from 1.
    pub sequence: u64,
    /// When it was written.
    pub time: Timestamp,
    /// Who asked for it, such as `uid:1000`.
    pub actor: String,
    /// What happened.
    pub event: Event,
    /// SHA-256 of the entry before; zeros for the first.
    pub previous: Digest,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The vault file is about to become this one.
    VaultChanging(VaultMark),
    /// The vault file is this one.
    VaultChanged(VaultMark),
    /// A vault change that was announced did not happen; the file is still this one.
    VaultKept(VaultMark),
    /// A certificate is about to be signed; its number and serial are used up.
    Intended(Intended),
    /// It was signed.
    Issued(Issued),
    /// It was intended, and a crash left unknown whether it was signed. It counts as revoked.
    Abandoned(Numbered),
    /// A certificate was revoked.
    Revoked(Revoked),
    /// A CRL was signed.
    CrlSigned(CrlSigned),
    /// A certificate's escrowed private key was handed out.
    KeyExported(Numbered),
    /// A certificate's escrowed private key was deleted for good.
    KeyForgotten(Numbered),
    /// A person confirmed the wall clock. Its entry's time is that clock's, even where it is before
    /// the entry before; no other entry's is.
    ClockConfirmed(ClockConfirmed),
    /// A copy of everything begins to be given out, as it is after this entry.
    BackedUp(BackedUp),
    /// That copy lies whole in a file, says who was given it.
    BackupWritten(BackedUp),
    /// This ledger is such a copy, brought back. From here on its history is another than that of the
    /// ledger it was copied from.
    Restored(Restored),
    /// A serial of ours that a restored ledger knows nothing else of is revoked.
    LostRevoked(LostSerial),
    /// What was revoked between the copy and its restoring is known again, or was given up.
    Reconciled(Reconciled),
}

/// Which vault file is meant.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct VaultMark {
    /// Counts the changes of the vault, from 1.
    pub generation: u64,
    /// SHA-256 of the file.
    pub sha256: OctetString,
}

/// What kind of certificate it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub enum Profile {
    /// Self-signed certificate authority.
    Root = 1,
    /// Certificate authority under another.
    Issuing = 2,
    /// TLS server.
    Server = 3,
    /// TLS client.
    Client = 4,
}

/// Where the private key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub enum Custody {
    /// In the vault (a certificate authority's).
    Vault = 1,
    /// Sealed in the ledger's side table, and handed out.
    Escrowed = 2,
    /// Handed out; no copy was kept.
    HandedOut = 3,
    /// Never seen: the holder sent a request.
    Requester = 4,
}

/// What is about to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct Intended {
    /// The number people use: 1, 2, ...
    pub number: u64,
    /// The serial number's octets, as in the certificate.
    pub serial: OctetString,
    /// The number of the issuer's certificate; its own for a root.
    pub issuer: u64,
    /// The kind of certificate.
    pub profile: Profile,
    /// Version of that profile's rules.
    pub profile_version: u8,
    /// notBefore, in seconds since the epoch.
    pub not_before: u64,
    /// notAfter, in seconds since the epoch.
    pub not_after: u64,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_sha256: OctetString,
    /// SHA-256 of the bytes to be signed.
    pub to_be_signed_sha256: OctetString,
    /// Where the private key is.
    pub custody: Custody,
    /// SHA-256 of the salted personal fields in the side table.
    pub holder_sha256: OctetString,
    /// The certificate that this one follows.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub renews: Option<u64>,
    /// The gates it is meant for; all of them when absent.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub audience: Option<String>,
    /// SHA-256 that names the asking, so that asking twice is found.
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    pub request: Option<OctetString>,
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct Issued {
    /// The certificate's number.
    pub number: u64,
    /// SHA-256 of the certificate.
    pub sha256: OctetString,
}

/// A certificate, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct Numbered {
    /// The certificate's number.
    pub number: u64,
}

/// What was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct Revoked {
    /// The certificate's number.
    pub number: u64,
    /// The reason's code (RFC 5280 section 5.3.1).
    pub reason: u8,
    /// Since when the key is known or feared to be lost, in seconds since the epoch.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub invalidity: Option<u64>,
    /// When it was revoked, in seconds since the epoch; with this entry when absent.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub revoked_at: Option<u64>,
}

/// Which CRL was signed.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CrlSigned {
    /// The number of the issuer's certificate.
    pub issuer: u64,
    /// The CRL's number (RFC 5280 section 5.2.3).
    pub number: u64,
    /// thisUpdate, in seconds since the epoch.
    pub this_update: u64,
    /// nextUpdate, in seconds since the epoch.
    pub next_update: u64,
    /// SHA-256 of the CRL.
    pub sha256: OctetString,
}

/// What a person knew when they confirmed the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct ClockConfirmed {
    /// The newest time of the ledger before, in seconds since the epoch.
    pub newest: u64,
}

/// Which copy is meant.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct BackedUp {
    /// 16 random octets that name the copy.
    pub backup: OctetString,
}

/// Which copy was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct Restored {
    /// What names the copy.
    pub backup: OctetString,
    /// When it was made, in seconds since the epoch.
    pub backed_up: u64,
    /// The next certificate's number: beyond those that may have been given since the copy.
    pub next_number: u64,
    /// The next CRL's number is above this one, for the same reason.
    pub crl_number: u64,
}

/// A serial of which nothing is known but that it is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct LostSerial {
    /// The number of the issuer's certificate.
    pub issuer: u64,
    /// The serial number's octets, as in the certificate.
    pub serial: OctetString,
    /// The reason's code (RFC 5280 section 5.3.1).
    pub reason: u8,
    /// When it was revoked, in seconds since the epoch.
    pub revoked_at: u64,
    /// Since when the key is known or feared to be lost, in seconds since the epoch.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub invalidity: Option<u64>,
}

/// How a restored ledger was reconciled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub struct Reconciled {
    /// The next CRL's number is above this one.
    pub crl_number: u64,
    /// Certificates of the ledger that the list revoked.
    pub revoked: u64,
    /// Serials on the list of which the ledger knew nothing.
    pub lost: u64,
    /// The number of the list that was merged; none when it was given up.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub merged: Option<u64>,
}

/// The entry as it is stored.
#[derive(Sequence)]
struct StoredEntry {
    version: u8,
    sequence: u64,
    time: u64,
    actor: String,
    kind: u8,
    body: OctetString,
    previous: OctetString,
}

impl Entry {
    /// The bytes that are stored and hashed.
    ///
    /// # Errors
    /// A field longer than DER allows; none that this program writes is.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LedgerError> {
        let (kind, body) = self.event.to_parts()?;
        let stored = StoredEntry {
            version: VERSION,
            sequence: self.sequence,
            time: self.time.unix_unsigned(),
            actor: self.actor.clone(),
            kind,
            body: OctetString::new(body)?,
            previous: OctetString::new(self.previous.as_slice())?,
        };
        Ok(stored.to_der()?)
    }

    /// Reads an entry back.
    ///
    /// # Errors
    /// `UnknownVersion`, or `Encoding` for anything that is no entry.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerError> {
        let stored = StoredEntry::from_der(bytes)?;
        if stored.version != VERSION {
            return Err(LedgerError::UnknownVersion { found: stored.version });
        }
        Ok(Self {
            sequence: stored.sequence,
            time: timestamp(stored.time),
            actor: stored.actor,
            event: Event::from_parts(stored.kind, stored.body.as_bytes())?,
            previous: digest_of(&stored.previous)?,
        })
    }
}

impl Event {
    fn to_parts(&self) -> Result<(u8, Vec<u8>), LedgerError> {
        Ok(match self {
            Self::VaultChanging(body) => (1, body.to_der()?),
            Self::VaultChanged(body) => (2, body.to_der()?),
            Self::VaultKept(body) => (3, body.to_der()?),
            Self::Intended(body) => (4, body.to_der()?),
            Self::Issued(body) => (5, body.to_der()?),
            Self::Abandoned(body) => (6, body.to_der()?),
            Self::Revoked(body) => (7, body.to_der()?),
            Self::CrlSigned(body) => (8, body.to_der()?),
            Self::KeyExported(body) => (9, body.to_der()?),
            Self::KeyForgotten(body) => (10, body.to_der()?),
            Self::ClockConfirmed(body) => (11, body.to_der()?),
            Self::BackedUp(body) => (12, body.to_der()?),
            Self::Restored(body) => (13, body.to_der()?),
            Self::LostRevoked(body) => (14, body.to_der()?),
            Self::Reconciled(body) => (15, body.to_der()?),
            Self::BackupWritten(body) => (16, body.to_der()?),
        })
    }

    fn from_parts(kind: u8, body: &[u8]) -> Result<Self, LedgerError> {
        Ok(match kind {
            1 => Self::VaultChanging(VaultMark::from_der(body)?),
            2 => Self::VaultChanged(VaultMark::from_der(body)?),
            3 => Self::VaultKept(VaultMark::from_der(body)?),
            4 => Self::Intended(Intended::from_der(body)?),
            5 => Self::Issued(Issued::from_der(body)?),
            6 => Self::Abandoned(Numbered::from_der(body)?),
            7 => Self::Revoked(Revoked::from_der(body)?),
            8 => Self::CrlSigned(CrlSigned::from_der(body)?),
            9 => Self::KeyExported(Numbered::from_der(body)?),
            10 => Self::KeyForgotten(Numbered::from_der(body)?),
            11 => Self::ClockConfirmed(ClockConfirmed::from_der(body)?),
            12 => Self::BackedUp(BackedUp::from_der(body)?),
            13 => Self::Restored(Restored::from_der(body)?),
            14 => Self::LostRevoked(LostSerial::from_der(body)?),
            15 => Self::Reconciled(Reconciled::from_der(body)?),
            16 => Self::BackupWritten(BackedUp::from_der(body)?),
            found => return Err(LedgerError::UnknownEvent { found }),
        })
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// An octet string as the digest it must be.
pub(super) fn digest_of(octets: &OctetString) -> Result<Digest, LedgerError> {
    octets.as_bytes().try_into().map_err(|_| LedgerError::Encoding)
}

/// A stored number of seconds as a time.
pub(super) fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn octets(bytes: &[u8]) -> OctetString {
        OctetString::new(bytes).unwrap()
    }

    fn events() -> impl Strategy<Value = Event> {
        let mark = (any::<u64>(), any::<[u8; 32]>())
            .prop_map(|(generation, sha)| VaultMark { generation, sha256: octets(&sha) });
        let intended = (
            any::<u64>(),
            any::<[u8; 20]>(),
            any::<[u64; 3]>(),
            any::<[u8; 32]>(),
            proptest::option::of(any::<u64>()),
            proptest::option::of(".{0,40}"),
        )
            .prop_map(|(number, serial, times, sha, renews, audience)| Intended {
                number,
                serial: octets(&serial),
                issuer: times[0],
                profile: Profile::Client,
                profile_version: 1,
                not_before: times[1],
                not_after: times[2],
                key_sha256: octets(&sha),
                to_be_signed_sha256: octets(&sha),
                custody: Custody::HandedOut,
                holder_sha256: octets(&sha),
                renews,
                audience,
                request: renews.map(|_| octets(&sha)),
            });
        prop_oneof![
            mark.clone().prop_map(Event::VaultChanging),
            mark.clone().prop_map(Event::VaultChanged),
            mark.prop_map(Event::VaultKept),
            intended.prop_map(Event::Intended),
            any::<u64>().prop_map(|number| Event::Abandoned(Numbered { number })),
            any::<u64>().prop_map(|number| Event::KeyForgotten(Numbered { number })),
            any::<u64>().prop_map(|newest| Event::ClockConfirmed(ClockConfirmed { newest })),
            (any::<u64>(), any::<u8>(), any::<[Option<u64>; 2]>()).prop_map(
                |(number, reason, [invalidity, revoked_at])| Event::Revoked(Revoked {
                    number,
                    reason,
                    invalidity,
                    revoked_at
                })
            ),
            any::<[u8; 16]>()
                .prop_map(|backup| Event::BackedUp(BackedUp { backup: octets(&backup) })),
            any::<[u8; 16]>()
                .prop_map(|backup| Event::BackupWritten(BackedUp { backup: octets(&backup) })),
            (any::<[u8; 16]>(), any::<[u64; 3]>()).prop_map(|(backup, numbers)| {
                Event::Restored(Restored {
                    backup: octets(&backup),
                    backed_up: numbers[0],
                    next_number: numbers[1],
                    crl_number: numbers[2],
                })
            }),
            (any::<[u8; 13]>(), any::<[u64; 2]>(), any::<Option<u64>>()).prop_map(
                |(serial, numbers, invalidity)| Event::LostRevoked(LostSerial {
                    issuer: numbers[0],
                    serial: octets(&serial),
                    reason: 1,
                    revoked_at: numbers[1],
                    invalidity
                })
            ),
            (any::<[u64; 3]>(), any::<Option<u64>>()).prop_map(|(numbers, merged)| {
                Event::Reconciled(Reconciled {
                    crl_number: numbers[0],
                    revoked: numbers[1],
                    lost: numbers[2],
                    merged,
                })
            }),
        ]
    }

    proptest! {
        #[test]
        fn an_entry_reads_back_as_it_was_written(
            event in events(), sequence in any::<u64>(), actor in ".{0,30}", previous in any::<[u8; 32]>()
        ) {
            let time = Timestamp::from_unix(1_700_000_000);
            let entry = Entry { sequence, time, actor, event, previous };
            let bytes = entry.to_bytes().unwrap();
            prop_assert_eq!(Entry::from_bytes(&bytes).unwrap(), entry);
        }

        #[test]
        fn foreign_bytes_are_an_error_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Entry::from_bytes(&bytes);
        }
    }
}
