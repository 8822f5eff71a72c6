//! Reading a revocation list. Only a verified, complete list comes out.

use der::asn1::{AnyRef, GeneralizedTime};
use der::oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CERTIFICATE_ISSUER, ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS,
    ID_CE_DELTA_CRL_INDICATOR, ID_CE_INVALIDITY_DATE, ID_CE_ISSUING_DISTRIBUTION_POINT,
};
use der::{Decode, ErrorKind, Reader, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::time::Time;

use super::{Reason, RevokedCertificate};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::pki::certificate::Certificate;
use crate::pki::extension::{self, Extension};
use crate::pki::serial::SerialNumber;
use crate::pki::signed::Signed;
use crate::pki::{algorithm, pem, validity};

/// Octets of a list at most, about two million entries.
pub const LARGEST_REVOCATION_LIST: usize = 128 * 1024 * 1024;

/// How far ahead of our clock an issuer's clock may be, in seconds.
const CLOCK_SKEW: i64 = 300;

/// A complete list, verified to be the issuer's. Holds its entries as they stand in the list, about
/// 40 octets each.
#[derive(Clone, Debug)]
pub struct RevocationList {
    number: SerialNumber,
    this_update: Timestamp,
    next_update: Timestamp,
    entries: Vec<u8>,
}

/// Why bytes are no list we go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationListError {
    /// Larger than a list may be.
    TooLarge {
        /// Octets at most.
        limit: usize,
    },
    /// A PEM text without a list in it.
    Missing,
    /// Not a DER list of version 2 with thisUpdate and nextUpdate, or an entry of it is malformed.
    Malformed,
    /// Of another issuer: another name, or another key of the same name (RFC 5280 section 5.2.1).
    OtherIssuer,
    /// The issuer's key usage lacks cRLSign.
    IssuerMayNotSign,
    /// The signature is not that of the issuer's key, or of an algorithm we do not accept.
    BadSignature,
    /// It has no number, or the number is critical (RFC 5280 section 5.2.3).
    Number,
    /// A delta list, which says only what changed (RFC 5280 section 5.2.4).
    Delta,
    /// It covers only a part of the certificates, or those of other issuers (RFC 5280 section 5.2.5).
    Partial,
    /// It, or an entry, has a critical extension we do not know (RFC 5280 section 5.2).
    UnknownCriticalExtension,
    /// Its thisUpdate lies in the future.
    FromTheFuture {
        /// When it says it was issued.
        this_update: Timestamp,
    },
}

impl RevocationList {
    /// Reads a list in DER or PEM and verifies that `issuer` signed it, that it is complete, and
    /// that we understand all of it. Whether it has expired is for the caller to ask.
    /// The bytes of strangers are parsed no further than the signature before it is verified.
    ///
    /// # Errors
    /// See [`RevocationListError`].
    pub fn verify(
        bytes: &[u8],
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<Self, RevocationListError> {
        use RevocationListError as Error;
        if bytes.len() > LARGEST_REVOCATION_LIST * 2 {
            return Err(Error::TooLarge { limit: LARGEST_REVOCATION_LIST });
        }
        let der = pem::decode_one(bytes, &[pem::REVOCATION_LIST]).ok_or(Error::Missing)?;
        if der.len() > LARGEST_REVOCATION_LIST {
            return Err(Error::TooLarge { limit: LARGEST_REVOCATION_LIST });
        }
        let signed = Signed::from_der(&der)?;
        if issuer_of(&signed)? != issuer.subject_der() {
            return Err(Error::OtherIssuer);
        }
        if !issuer.may_sign_revocation_lists() {
            return Err(Error::IssuerMayNotSign);
        }
        if !signed.is_signed_by(issuer.subject_public_key_info()) {
            return Err(Error::BadSignature);
        }
        let list = read(&signed, issuer)?;
        if list.this_update > now.plus_seconds(CLOCK_SKEW) {
            return Err(Error::FromTheFuture { this_update: list.this_update });
        }
        Ok(list)
    }

    /// The number of the list, an integer under the rules of serial numbers; a later list of the
    /// same issuer has a higher one.
    #[must_use]
    pub fn number(&self) -> SerialNumber {
        self.number
    }

    /// When it was issued.
    #[must_use]
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// By when the next one will be issued.
    #[must_use]
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// Whether the next list should have been there already.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.next_update < now
    }

    /// The entries, in the order of the list.
    pub fn entries(&self) -> impl Iterator<Item = RevokedCertificate> + '_ {
        let mut reader = SliceReader::new(&self.entries).ok();
        // Every entry was read once before this value was made; none fails here.
        std::iter::from_fn(move || read_entry(reader.as_mut()?).ok())
    }
}

impl From<der::Error> for RevocationListError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

impl From<RevocationListError> for Refusal {
    fn from(error: RevocationListError) -> Self {
        use RevocationListError as Error;
        match error {
            Error::TooLarge { limit } => Self::RevocationListTooLarge { limit: limit.to_string() },
            Error::Missing => Self::RevocationListMissing {},
            Error::Malformed => Self::RevocationListMalformed {},
            Error::OtherIssuer | Error::BadSignature | Error::IssuerMayNotSign => {
                Self::RevocationListOtherIssuer {}
            }
            Error::Number | Error::Delta | Error::Partial | Error::UnknownCriticalExtension => {
                Self::RevocationListIncomplete {}
            }
            Error::FromTheFuture { this_update } => {
                Self::RevocationListFromTheFuture { this_update: this_update.local() }
            }
        }
    }
}

/// The issuer's name, before anything else is believed.
fn issuer_of<'a>(signed: &Signed<'a>) -> der::Result<&'a [u8]> {
    let body: AnyRef<'a> = AnyRef::from_der(signed.to_be_signed)?;
    body.tag().assert_eq(Tag::Sequence)?;
    let mut body = SliceReader::new(body.value())?;
    if body.decode::<u8>()? != 1 || algorithm::read_identifier(&mut body)? != signed.algorithm {
        return Err(ErrorKind::Failed.into());
    }
    body.tlv_bytes()
}

fn read(signed: &Signed<'_>, issuer: &Certificate) -> Result<RevocationList, RevocationListError> {
    let mut reader = SliceReader::new(signed.to_be_signed)?;
    let list = reader.sequence(|body| {
        for _version_algorithm_issuer in 0..3 {
            body.tlv_bytes()?;
        }
        let this_update = validity::decode(Time::decode(body)?);
        let next_update = validity::decode(Time::decode(body)?);
        let mut entries: &[u8] = &[];
        if !body.is_finished() && Tag::peek(body)? == Tag::Sequence {
            entries = body.decode::<AnyRef<'_>>()?.value();
        }
        let number = read_extensions(&extension::read_tagged(body, TagNumber(0))?, issuer)?;
        let mut all = SliceReader::new(entries)?;
        while !all.is_finished() {
            read_entry(&mut all)?;
        }
        let entries = entries.to_vec();
        Ok::<_, RevocationListError>(RevocationList { number, this_update, next_update, entries })
    })?;
    reader.finish()?;
    Ok(list)
}

/// Judges the extensions of the list; its number.
fn read_extensions(
    extensions: &[Extension<'_>],
    issuer: &Certificate,
) -> Result<SerialNumber, RevocationListError> {
    use RevocationListError as Error;
    let mut number = None;
    for extension in extensions {
        match extension.id {
            ID_CE_CRL_NUMBER if extension.critical => return Err(Error::Number),
            ID_CE_CRL_NUMBER => {
                let integer: AnyRef<'_> = extension.decode()?;
                integer.tag().assert_eq(Tag::Integer)?;
                let value = SerialNumber::from_der_integer(integer.value());
                number = Some(value.map_err(|_| Error::Malformed)?);
            }
            ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                let identifier: AuthorityKeyIdentifier = extension.decode()?;
                let stated = identifier.key_identifier;
                if let (Some(stated), Some(key)) = (stated, issuer.subject_key_identifier())
                    && stated.as_bytes() != key
                {
                    return Err(Error::OtherIssuer);
                }
            }
            ID_CE_DELTA_CRL_INDICATOR => return Err(Error::Delta),
            ID_CE_ISSUING_DISTRIBUTION_POINT => {
                let scope: IssuingDistributionPoint = extension.decode()?;
                // A distribution point may be one of several among which the certificates are divided.
                let is_partial = scope.distribution_point.is_some()
                    || scope.only_contains_ca_certs
                    || scope.only_contains_attribute_certs
                    || scope.only_some_reasons.is_some()
                    || scope.indirect_crl;
                if is_partial {
                    return Err(Error::Partial);
                }
            }
            _ if extension.critical => return Err(Error::UnknownCriticalExtension),
            _ => {}
        }
    }
    number.ok_or(Error::Number)
}

fn read_entry(reader: &mut SliceReader<'_>) -> Result<RevokedCertificate, RevocationListError> {
    reader.sequence(|entry| {
        let serial: AnyRef<'_> = entry.decode()?;
        serial.tag().assert_eq(Tag::Integer)?;
        let serial = SerialNumber::from_der_integer(serial.value())
            .map_err(|_| RevocationListError::Malformed)?;
        let revoked_at = validity::decode(Time::decode(entry)?);
        let mut read = RevokedCertificate {
            serial,
            revoked_at,
            reason: Reason::Unspecified,
            invalid_since: None,
        };
        if entry.is_finished() {
            return Ok(read);
        }
        for extension in extension::read(entry.tlv_bytes()?)? {
            match extension.id {
                ID_CE_CRL_REASONS => read.reason = read_reason(&extension)?,
                ID_CE_INVALIDITY_DATE => {
                    let time: GeneralizedTime = extension.decode()?;
                    read.invalid_since = Some(validity::decode(Time::GeneralTime(time)));
                }
                // The entry is of another CA (RFC 5280 section 5.3.3), critical or not.
                ID_CE_CERTIFICATE_ISSUER => return Err(RevocationListError::Partial),
                _ if extension.critical => {
                    return Err(RevocationListError::UnknownCriticalExtension);
                }
                _ => {}
            }
        }
        Ok(read)
    })
}

fn read_reason(extension: &Extension<'_>) -> Result<Reason, RevocationListError> {
    let code: AnyRef<'_> = extension.decode()?;
    code.tag().assert_eq(Tag::Enumerated)?;
    match code.value() {
        [code] => Reason::of_code(*code).filter(|reason| *reason != Reason::RemoveFromCrl),
        _ => None,
    }
    .ok_or(RevocationListError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::issue::{Profile, issuer_key_identifier};
    use crate::pki::specimen::{Holder, now, root};
    use der::Encode;
    use proptest::prelude::*;

    fn tlv(tag: Tag, parts: &[&[u8]]) -> Vec<u8> {
        AnyRef::new(tag, &parts.concat()).unwrap().to_der().unwrap()
    }

    fn number(critical: bool) -> Vec<u8> {
        extension::encode(ID_CE_CRL_NUMBER, critical, &7_u8).unwrap()
    }

    fn one_entry(extensions: &[u8]) -> Vec<u8> {
        let time = validity::encode(now()).unwrap().to_der().unwrap();
        tlv(Tag::Sequence, &[&[2, 1, 5], &time, extensions])
    }

    /// A list signed by `ca` with these entries and extensions, right or wrong.
    fn list(ca: &Holder, entries: &[u8], extensions: &[&[u8]]) -> Vec<u8> {
        use crate::pki::key::Signer;
        let algorithm = ca.key.algorithm().signature_identifier().unwrap().to_der().unwrap();
        let time = |time| validity::encode(time).unwrap().to_der().unwrap();
        let extensions = tlv(Tag::Sequence, extensions);
        let number = TagNumber(0);
        let parts: [&[u8]; 7] = [
            &[2, 1, 1],
            &algorithm,
            ca.certificate.subject_der(),
            &time(now()),
            &time(now().plus_days(1)),
            entries,
            &tlv(Tag::ContextSpecific { constructed: true, number }, &[&extensions]),
        ];
        crate::pki::signed::sign(&tlv(Tag::Sequence, &parts), &ca.key).unwrap()
    }

    fn refused(ca: &Holder, bytes: &[u8]) -> RevocationListError {
        RevocationList::verify(bytes, &ca.certificate, now()).unwrap_err()
    }

    // rustls-webpki takes all of these for full lists (x509-limbo, PKITS).
    #[test]
    fn lists_that_say_less_than_they_seem_are_refused_by_name() {
        use RevocationListError as Error;
        let ca = root("orca CA");
        let scope = |bytes: &[u8]| {
            let scope = AnyRef::new(Tag::Sequence, bytes).unwrap();
            extension::encode(ID_CE_ISSUING_DISTRIBUTION_POINT, true, &scope).unwrap()
        };
        let good = number(false);
        let verdict = |extensions: &[&[u8]]| {
            let bytes = list(&ca, &[], extensions);
            RevocationList::verify(&bytes, &ca.certificate, now()).map(|_| ())
        };
        assert_eq!(verdict(&[&good]), Ok(()));
        assert_eq!(verdict(&[&number(true)]), Err(Error::Number));
        assert_eq!(verdict(&[&scope(&[0x81, 1, 0xFF])]), Err(Error::Number));
        let delta = extension::encode(ID_CE_DELTA_CRL_INDICATOR, true, &6_u8).unwrap();
        assert_eq!(verdict(&[&good, &delta]), Err(Error::Delta));
        assert_eq!(verdict(&[&good, &scope(&[0x81, 1, 0xFF])]), Ok(()), "user certificates only");
        for partial in [[0x82, 1, 0xFF], [0x84, 1, 0xFF], [0x85, 1, 0xFF]] {
            assert_eq!(verdict(&[&good, &scope(&partial)]), Err(Error::Partial));
        }
        let unknown = der::asn1::ObjectIdentifier::new_unwrap("1.2.3.4");
        let unknown = |critical| extension::encode(unknown, critical, &1_u8).unwrap();
        assert_eq!(verdict(&[&good, &unknown(true)]), Err(Error::UnknownCriticalExtension));
        assert_eq!(verdict(&[&good, &unknown(false)]), Ok(()));
        let other = issuer_key_identifier(&root("orca CA").certificate).unwrap();
        let other = extension::encode(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &other).unwrap();
        assert_eq!(verdict(&[&good, &other]), Err(Error::OtherIssuer));
    }

    #[test]
    fn entries_that_mean_something_else_are_refused_by_name() {
        use RevocationListError as Error;
        let ca = root("orca CA");
        let verdict = |extension: &[u8]| {
            let entry = one_entry(&tlv(Tag::Sequence, &[extension]));
            let bytes = list(&ca, &tlv(Tag::Sequence, &[&entry]), &[&number(false)]);
            RevocationList::verify(&bytes, &ca.certificate, now())
                .map(|list| list.entries().next().unwrap().reason)
        };
        let reason = |code: u8| {
            let code = [code];
            let code = AnyRef::new(Tag::Enumerated, &code).unwrap();
            extension::encode(ID_CE_CRL_REASONS, false, &code).unwrap()
        };
        assert_eq!(verdict(&reason(1)), Ok(Reason::KeyCompromise));
        assert_eq!(verdict(&reason(7)), Err(Error::Malformed));
        assert_eq!(verdict(&reason(8)), Err(Error::Malformed));
        // certificateIssuer: the serial number is of another CA's certificate (RFC 5280 section 5.3.3).
        for critical in [true, false] {
            let issuer = extension::encode(ID_CE_CERTIFICATE_ISSUER, critical, &1_u8).unwrap();
            assert_eq!(verdict(&issuer), Err(Error::Partial));
        }
        let unknown = der::asn1::ObjectIdentifier::new_unwrap("2.5.29.99");
        let unknown = extension::encode(unknown, true, &1_u8).unwrap();
        assert_eq!(verdict(&unknown), Err(Error::UnknownCriticalExtension));
    }

    #[test]
    fn only_the_issuer_speaks_for_its_certificates() {
        use RevocationListError as Error;
        let ca = root("orca CA");
        let bytes = list(&ca, &[], &[&number(false)]);
        assert_eq!(refused(&root("orca CA"), &bytes), Error::BadSignature);
        assert_eq!(refused(&root("other CA"), &bytes), Error::OtherIssuer);
        let client = ca.issue(2, "user1", &Profile::Client);
        let by_client = list(&client, &[], &[&number(false)]);
        assert_eq!(refused(&client, &by_client), Error::IssuerMayNotSign);
        assert_eq!(refused(&ca, ca.certificate.pem().as_bytes()), Error::Missing);
        assert_eq!(refused(&ca, b"\x30\x00"), Error::Malformed);
    }

    #[test]
    fn a_list_from_the_future_is_refused_beyond_five_minutes() {
        let ca = root("orca CA");
        let bytes = list(&ca, &[], &[&number(false)]);
        let at =
            |seconds| RevocationList::verify(&bytes, &ca.certificate, now().plus_seconds(seconds));
        assert!(at(-300).is_ok());
        let refused = at(-301).unwrap_err();
        assert_eq!(refused, RevocationListError::FromTheFuture { this_update: now() });
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let ca = root("orca CA");
        let entries = tlv(Tag::Sequence, &[&one_entry(&[])]);
        let good = list(&ca, &entries, &[&number(false)]);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(RevocationList::verify(&bytes, &ca.certificate, now()).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn no_signed_bytes_make_the_reader_panic(
            entries in proptest::collection::vec(any::<u8>(), 0..80),
            extensions in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let ca = root("orca CA");
            let entries = tlv(Tag::Sequence, &[&entries]);
            let bytes = list(&ca, &entries, &[&number(false), &extensions]);
            if let Ok(list) = RevocationList::verify(&bytes, &ca.certificate, now()) {
                let _ = list.entries().count();
            }
        }
    }
}
