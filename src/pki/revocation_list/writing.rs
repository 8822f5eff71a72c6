//! Writing a revocation list: prepared first, signed once.

use der::asn1::{AnyRef, GeneralizedTime};
use der::oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS, ID_CE_INVALIDITY_DATE,
};
use der::{Decode, Encode, Sequence, Tag};
use x509_cert::time::Time;

use super::{Reason, RevokedCertificate};
use crate::ground::clock::Timestamp;
use crate::pki::algorithm::KeyAlgorithm;
use crate::pki::certificate::Certificate;
use crate::pki::extension;
use crate::pki::issue::issuer_key_identifier;
use crate::pki::key::Signer;
use crate::pki::serial::SerialNumber;
use crate::pki::signed::{self, SigningFailure};
use crate::pki::{pem, validity};

/// The exact bytes of a list before its signature. Signing consumes them.
#[derive(Debug)]
pub struct RevocationListToBeSigned {
    bytes: Vec<u8>,
    issuer_key: Vec<u8>,
}

/// Why a list is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationListWriteError {
    /// The issuer's key usage lacks cRLSign.
    IssuerMayNotSign,
    /// The issuer's key is of an algorithm we do not sign with.
    IssuerAlgorithm,
    /// nextUpdate is not after thisUpdate.
    NextUpdateNotLater,
    /// One serial number stands in it twice.
    Twice {
        /// Which.
        serial: SerialNumber,
    },
    /// The reason removeFromCRL, which only delta lists have.
    RemoveFromCrl {
        /// Of which certificate.
        serial: SerialNumber,
    },
    /// The signer holds another key than the issuer's certificate.
    OtherKey,
    /// The signer could not sign, or its signature does not verify.
    Signing,
    /// The list could not be written in DER.
    Encoding,
}

impl RevocationListToBeSigned {
    /// Prepares a version 2 list: number, the issuer's key identifier, and the entries in the order
    /// of their serial numbers. `number` must be higher than that of every list before.
    /// Linear but for the sorting: a million entries take about a second, and 45 octets each.
    ///
    /// # Errors
    /// See [`RevocationListWriteError`].
    pub fn build(
        issuer: &Certificate,
        number: u64,
        this_update: Timestamp,
        next_update: Timestamp,
        entries: impl IntoIterator<Item = RevokedCertificate>,
    ) -> Result<Self, RevocationListWriteError> {
        use RevocationListWriteError as Error;
        if !issuer.may_sign_revocation_lists() {
            return Err(Error::IssuerMayNotSign);
        }
        let issuer_key = issuer.subject_public_key_info();
        let algorithm =
            KeyAlgorithm::of_subject_public_key_info(issuer_key).ok_or(Error::IssuerAlgorithm)?;
        if next_update <= this_update {
            return Err(Error::NextUpdateNotLater);
        }
        let mut entries: Vec<RevokedCertificate> = entries.into_iter().collect();
        entries.sort_unstable_by_key(|entry| entry.serial);
        for (entry, next) in entries.iter().zip(entries.iter().skip(1)) {
            if entry.serial == next.serial {
                return Err(Error::Twice { serial: entry.serial });
            }
        }
        if let Some(entry) = entries.iter().find(|entry| entry.reason == Reason::RemoveFromCrl) {
            return Err(Error::RemoveFromCrl { serial: entry.serial });
        }
        let encode = || {
            let extensions = [
                extension::encode(
                    ID_CE_AUTHORITY_KEY_IDENTIFIER,
                    false,
                    &issuer_key_identifier(issuer)?,
                )?,
                extension::encode(ID_CE_CRL_NUMBER, false, &number)?,
            ]
            .concat();
            let extensions = AnyRef::new(Tag::Sequence, &extensions)?.to_der()?;
            let revoked = encode_entries(&entries)?;
            ToBeSigned {
                version: 1,
                signature: algorithm.signature_identifier()?,
                issuer: AnyRef::from_der(issuer.subject_der())?,
                this_update: validity::encode(this_update)?,
                next_update: validity::encode(next_update)?,
                // RFC 5280 section 5.1.2.6: an empty list has no revokedCertificates at all.
                revoked: match revoked.as_slice() {
                    [] => None,
                    revoked => Some(AnyRef::new(Tag::Sequence, revoked)?),
                },
                extensions: AnyRef::from_der(&extensions)?,
            }
            .to_der()
        };
        let bytes = encode().map_err(|_: der::Error| Error::Encoding)?;
        Ok(Self { bytes, issuer_key: issuer_key.to_vec() })
    }

    /// The bytes that will be signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Signs with the issuer's key; the list in DER.
    ///
    /// # Errors
    /// [`RevocationListWriteError::OtherKey`] or [`RevocationListWriteError::Signing`].
    pub fn sign(self, signer: &dyn Signer) -> Result<Vec<u8>, RevocationListWriteError> {
        if signer.subject_public_key_info() != self.issuer_key {
            return Err(RevocationListWriteError::OtherKey);
        }
        signed::sign(&self.bytes, signer)
            .map_err(|_: SigningFailure| RevocationListWriteError::Signing)
    }
}

/// A list in DER as PEM (`X509 CRL`); empty only if it were larger than the address space.
#[must_use]
pub fn pem_of(der: &[u8]) -> String {
    pem::encode(pem::REVOCATION_LIST, der).unwrap_or_default()
}

/// `TBSCertList` (RFC 5280 section 5.1).
#[derive(Sequence)]
struct ToBeSigned<'a> {
    version: u8,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    this_update: Time,
    next_update: Time,
    revoked: Option<AnyRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    extensions: AnyRef<'a>,
}

/// One element of `revokedCertificates`.
#[derive(Sequence)]
struct Entry<'a> {
    serial: AnyRef<'a>,
    revoked_at: Time,
    extensions: Option<AnyRef<'a>>,
}

/// The entries one after the other, in one buffer.
fn encode_entries(entries: &[RevokedCertificate]) -> der::Result<Vec<u8>> {
    let reasons: Vec<(Reason, Vec<u8>)> = Reason::ALL
        .into_iter()
        .map(|reason| Ok((reason, encode_reason(reason)?)))
        .collect::<der::Result<_>>()?;
    let mut buffer = Vec::with_capacity(entries.len() * 50);
    for entry in entries {
        let reason = reasons.iter().find(|(reason, _)| *reason == entry.reason);
        let reason = reason.map_or(&[][..], |(_, extension)| extension);
        let with_date;
        let extensions = match entry.invalid_since {
            None => reason,
            Some(since) => {
                let since = GeneralizedTime::from_unix_duration(std::time::Duration::from_secs(
                    since.unix_unsigned(),
                ))?;
                with_date =
                    [reason, &extension::encode(ID_CE_INVALIDITY_DATE, false, &since)?].concat();
                &with_date
            }
        };
        let extensions = match extensions {
            [] => None,
            some => Some(AnyRef::new(Tag::Sequence, some)?),
        };
        Entry {
            serial: AnyRef::new(Tag::Integer, entry.serial.as_bytes())?,
            revoked_at: validity::encode(entry.revoked_at)?,
            extensions,
        }
        .encode(&mut buffer)?;
    }
    Ok(buffer)
}

/// The reasonCode extension; nothing for `unspecified`, which RFC 5280 section 5.3.1 wants left out.
fn encode_reason(reason: Reason) -> der::Result<Vec<u8>> {
    if reason == Reason::Unspecified {
        return Ok(Vec::new());
    }
    let code = [reason.code()];
    extension::encode(ID_CE_CRL_REASONS, false, &AnyRef::new(Tag::Enumerated, &code)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::issue::Profile;
    use crate::pki::revocation_list::RevocationList;
    use crate::pki::specimen::{Holder, now, root};

    fn revoked(number: u64) -> RevokedCertificate {
        RevokedCertificate {
            serial: SerialNumber::new(number, [7; 12]),
            revoked_at: now().plus_seconds(-5),
            reason: Reason::KeyCompromise,
            invalid_since: None,
        }
    }

    fn build(
        ca: &Holder,
        entries: impl IntoIterator<Item = RevokedCertificate>,
    ) -> Result<RevocationListToBeSigned, RevocationListWriteError> {
        let until = now().plus_days(7);
        RevocationListToBeSigned::build(&ca.certificate, 9, now(), until, entries)
    }

    #[test]
    fn what_goes_into_a_list_comes_out_again() {
        let ca = root("orca CA");
        let entries: Vec<_> = Reason::ALL
            .into_iter()
            .filter(|reason| *reason != Reason::RemoveFromCrl)
            .zip(1..)
            .map(|(reason, number)| RevokedCertificate {
                reason,
                invalid_since: (number % 2 == 0).then(|| now().plus_days(-3)),
                ..revoked(number)
            })
            .collect();
        let reversed = entries.iter().rev().copied();
        let der = build(&ca, reversed).unwrap().sign(&ca.key).unwrap();
        for bytes in [der.clone(), pem_of(&der).into_bytes()] {
            let list = RevocationList::verify(&bytes, &ca.certificate, now()).unwrap();
            assert_eq!(list.number().as_bytes(), [9]);
            assert_eq!((list.this_update(), list.next_update()), (now(), now().plus_days(7)));
            assert_eq!(list.entries().collect::<Vec<_>>(), entries);
        }
    }

    #[test]
    fn an_empty_list_is_a_list() {
        let ca = root("orca CA");
        let der = build(&ca, []).unwrap().sign(&ca.key).unwrap();
        let list = RevocationList::verify(&der, &ca.certificate, now()).unwrap();
        assert_eq!(list.entries().count(), 0);
        assert!(!list.is_expired(now().plus_days(7)));
        assert!(list.is_expired(now().plus_days(7).plus_seconds(1)));
    }

    #[test]
    fn faulty_lists_are_not_written() {
        use RevocationListWriteError as Error;
        let ca = root("orca CA");
        let twice = revoked(1);
        let refused = build(&ca, [twice, revoked(2), twice]).unwrap_err();
        assert_eq!(refused, Error::Twice { serial: twice.serial });
        let remove = RevokedCertificate { reason: Reason::RemoveFromCrl, ..twice };
        let refused = build(&ca, [remove]).unwrap_err();
        assert_eq!(refused, Error::RemoveFromCrl { serial: twice.serial });
        let client = ca.issue(2, "user1", &Profile::Client);
        assert_eq!(build(&client, []).unwrap_err(), Error::IssuerMayNotSign);
        let other = root("orca CA");
        assert_eq!(build(&ca, []).unwrap().sign(&other.key).unwrap_err(), Error::OtherKey);
        let same_time =
            RevocationListToBeSigned::build(&ca.certificate, 1, now(), now(), [revoked(1)]);
        assert_eq!(same_time.unwrap_err(), Error::NextUpdateNotLater);
    }
}
