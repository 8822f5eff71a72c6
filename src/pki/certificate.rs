//! Reading certificates (RFC 5280 section 4), ours and those of others.

use std::net::IpAddr;

use der::asn1::{AnyRef, ObjectIdentifier};
use der::oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE,
    ID_CE_SUBJECT_ALT_NAME, ID_CE_SUBJECT_KEY_IDENTIFIER, ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH,
};
use der::{Decode, ErrorKind, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::time::Time;

use super::extension::{self, Extension};
use super::name::{self, SubjectAlternativeName};
use super::pem;
use super::serial::SerialNumber;
use super::signed::Signed;
use super::validity;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;

/// Octets of a certificate at most; ours have about 600.
pub const LARGEST_CERTIFICATE: usize = 16 * 1024;

/// Certificates of a chain at most.
pub const LONGEST_CHAIN: usize = 16;

/// A certificate, kept as the bytes it came in. Reading one proves nothing about who issued it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    serial: SerialNumber,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    subject_public_key_info: Vec<u8>,
    extensions: Extensions,
}

/// Why bytes are no certificate, or not the one they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateError {
    /// Larger than a certificate may be.
    TooLarge {
        /// Octets at most.
        limit: usize,
    },
    /// More certificates than a chain may have.
    TooMany {
        /// Certificates at most.
        limit: usize,
    },
    /// Not a DER certificate of version 3 with a legal serial number.
    Malformed,
    /// A PEM text without a certificate in it.
    NoCertificate,
    /// The issuer named in it is not the subject of the supposed issuer.
    OtherIssuer,
    /// The supposed issuer may not sign certificates: it is no CA, or its key usage lacks keyCertSign.
    IssuerIsNoAuthority,
    /// The signature is not that of the issuer's key, or of an algorithm we do not accept.
    BadSignature,
}

/// What the extensions say that we act on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extensions {
    is_authority: bool,
    path_length: Option<u8>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<Vec<ObjectIdentifier>>,
    has_subject_alternative_name: bool,
    subject_alternative_names: Vec<SubjectAlternativeName>,
    wildcard_parents: Vec<String>,
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads one certificate in DER, and nothing after it.
    ///
    /// # Errors
    /// [`CertificateError::TooLarge`] or [`CertificateError::Malformed`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > LARGEST_CERTIFICATE {
            return Err(CertificateError::TooLarge { limit: LARGEST_CERTIFICATE });
        }
        read(bytes).map_err(|_: der::Error| CertificateError::Malformed)
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// # Errors
    /// As for a chain.
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        Self::chain_from_pem(text)?.into_iter().next().ok_or(CertificateError::NoCertificate)
    }

    /// Reads every certificate of a PEM text, in order; other blocks are skipped. At most 16.
    ///
    /// # Errors
    /// None in it, too many, or one of them too large or malformed.
    pub fn chain_from_pem(text: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let mut chain = Vec::new();
        for block in pem::blocks(text).filter(|block| block.label == pem::CERTIFICATE) {
            if chain.len() == LONGEST_CHAIN {
                return Err(CertificateError::TooMany { limit: LONGEST_CHAIN });
            }
            chain.push(Self::from_der(&block.decode().ok_or(CertificateError::Malformed)?)?);
        }
        if chain.is_empty() { Err(CertificateError::NoCertificate) } else { Ok(chain) }
    }

    /// The certificate's bytes.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        // Encoding fails only beyond the address space, and a certificate has 16 KiB at most.
        pem::encode(pem::CERTIFICATE, &self.der).unwrap_or_default()
    }

    /// The serial number.
    #[must_use]
    pub fn serial(&self) -> SerialNumber {
        self.serial
    }

    /// The issuer's name in DER, as it stands.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }

    /// The subject's name in DER, as it stands.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        &self.subject
    }

    /// The subject as `C=JP, O=orca, CN=受付1`, safe to print.
    #[must_use]
    pub fn subject_text(&self) -> String {
        name::text_of_der(&self.subject)
    }

    /// The subject's common name as it stands; print it through `Untrusted`.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        name::common_name_of_der(&self.subject)
    }

    /// The first second it is valid.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second it is valid (RFC 5280 section 4.1.2.5: inclusive).
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The public key, as a DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }

    /// Whether its basic constraints make it a CA.
    #[must_use]
    pub fn is_certificate_authority(&self) -> bool {
        self.extensions.is_authority
    }

    /// How many CAs may stand between it and a leaf, if that is bounded.
    #[must_use]
    pub fn path_length(&self) -> Option<u8> {
        self.extensions.path_length
    }

    /// Whether issuer and subject are one name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it is a CA whose key usage, if stated, has keyCertSign.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        self.is_certificate_authority() && self.key_usage_has(KeyUsage::key_cert_sign)
    }

    /// Whether its key usage, if stated, has cRLSign (RFC 5280 section 6.3.3 f).
    #[must_use]
    pub fn may_sign_revocation_lists(&self) -> bool {
        self.key_usage_has(KeyUsage::crl_sign)
    }

    /// Whether its key usage, if stated, has digitalSignature, which TLS handshakes need.
    #[must_use]
    pub fn may_sign_handshakes(&self) -> bool {
        self.key_usage_has(KeyUsage::digital_signature)
    }

    /// Whether it states what it may be used for at all (extended key usage).
    #[must_use]
    pub fn states_purposes(&self) -> bool {
        self.extensions.extended_key_usage.is_some()
    }

    /// Whether it may identify a TLS client: the extended key usage, if stated, has clientAuth.
    #[must_use]
    pub fn allows_client_auth(&self) -> bool {
        self.allows_purpose(ID_KP_CLIENT_AUTH)
    }

    /// Whether it may identify a TLS server: the extended key usage, if stated, has serverAuth.
    #[must_use]
    pub fn allows_server_auth(&self) -> bool {
        self.allows_purpose(ID_KP_SERVER_AUTH)
    }

    /// Its host names and addresses. Names of other kinds are left out.
    #[must_use]
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        &self.extensions.subject_alternative_names
    }

    /// The domains, in lower case, that it has a wildcard for: `example.com` for `*.example.com`
    /// (RFC 9525 section 6.3). We issue none; others do.
    #[must_use]
    pub fn wildcard_parents(&self) -> &[String] {
        &self.extensions.wildcard_parents
    }

    /// Whether it has an alternative name of any kind.
    #[must_use]
    pub fn has_subject_alternative_name(&self) -> bool {
        self.extensions.has_subject_alternative_name
    }

    /// Its key identifier, if stated.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.subject_key_identifier.as_deref()
    }

    /// The identifier of its issuer's key, if stated.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.extensions.authority_key_identifier.as_deref()
    }

    /// The SHA-256 of its bytes, for people and tools to compare.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.der)
    }

    /// Checks that the holder of another certificate issued this one: the names match octet by
    /// octet, the issuer may sign certificates, and the signature is its key's. Says nothing
    /// about validity in time, path lengths or revocation.
    ///
    /// # Errors
    /// [`CertificateError::OtherIssuer`], [`CertificateError::IssuerIsNoAuthority`] or
    /// [`CertificateError::BadSignature`].
    pub fn verify_signed_by(&self, issuer: &Self) -> Result<(), CertificateError> {
        if self.issuer != issuer.subject {
            return Err(CertificateError::OtherIssuer);
        }
        if !issuer.may_sign_certificates() {
            return Err(CertificateError::IssuerIsNoAuthority);
        }
        match Signed::from_der(&self.der) {
            Ok(signed) if signed.is_signed_by(&issuer.subject_public_key_info) => Ok(()),
            _ => Err(CertificateError::BadSignature),
        }
    }

    /// Whether its signature is of an algorithm we verify: ECDSA, RSA or Ed25519, with SHA-256 or a
    /// longer hash. It is not verified here.
    #[must_use]
    pub fn has_accepted_signature_algorithm(&self) -> bool {
        Signed::from_der(&self.der).is_ok_and(|signed| signed.has_accepted_algorithm())
    }

    fn key_usage_has(&self, usage: fn(&KeyUsage) -> bool) -> bool {
        self.extensions.key_usage.as_ref().is_none_or(usage)
    }

    fn allows_purpose(&self, purpose: ObjectIdentifier) -> bool {
        self.extensions.extended_key_usage.as_ref().is_none_or(|list| list.contains(&purpose))
    }
}

impl From<CertificateError> for Refusal {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::TooLarge { limit } => {
                Self::CertificateTooLarge { limit: limit.to_string() }
            }
            CertificateError::TooMany { limit } => {
                Self::CertificatesTooMany { limit: limit.to_string() }
            }
            CertificateError::Malformed => Self::CertificateMalformed {},
            CertificateError::NoCertificate => Self::CertificateMissing {},
            CertificateError::OtherIssuer => Self::CertificateOtherIssuer {},
            CertificateError::IssuerIsNoAuthority => Self::CertificateIssuerIsNoAuthority {},
            CertificateError::BadSignature => Self::CertificateBadSignature {},
        }
    }
}

/// The SHA-256 of some bytes.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// The host names and addresses among general names; those that are no legal ones are left out.
pub(super) fn names_among(names: &[GeneralName]) -> Vec<SubjectAlternativeName> {
    let name = |name: &GeneralName| match name {
        GeneralName::DnsName(host) => SubjectAlternativeName::parse_dns(host.as_str()).ok(),
        GeneralName::IpAddress(octets) => address(octets.as_bytes()),
        _ => None,
    };
    names.iter().filter_map(name).collect()
}

fn wildcard_parent(name: &GeneralName) -> Option<String> {
    let GeneralName::DnsName(host) = name else { return None };
    match SubjectAlternativeName::parse_dns(host.as_str().strip_prefix("*.")?) {
        Ok(SubjectAlternativeName::Dns(parent)) => Some(parent),
        _ => None,
    }
}

fn address(octets: &[u8]) -> Option<SubjectAlternativeName> {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.ok().map(SubjectAlternativeName::Address)
}

fn read(bytes: &[u8]) -> der::Result<Certificate> {
    let signed = Signed::from_der(bytes)?;
    let mut reader = SliceReader::new(signed.to_be_signed)?;
    let certificate = reader.sequence(|body| {
        let version = body.context_specific::<u8>(TagNumber(0), TagMode::Explicit)?;
        if version != Some(2) {
            return Err(malformed());
        }
        let serial: AnyRef<'_> = body.decode()?;
        serial.tag().assert_eq(Tag::Integer)?;
        let serial = SerialNumber::from_der_integer(serial.value()).map_err(|_| malformed())?;
        // RFC 5280 section 4.1.1.2: the algorithm inside the signature is the one outside.
        if super::algorithm::read_identifier(body)? != signed.algorithm {
            return Err(malformed());
        }
        let issuer = name(body)?;
        let (not_before, not_after) = body
            .sequence(|times| Ok::<_, der::Error>((Time::decode(times)?, Time::decode(times)?)))?;
        let subject = name(body)?;
        let subject_public_key_info = body.tlv_bytes()?;
        SubjectPublicKeyInfoRef::from_der(subject_public_key_info)?;
        skip_unique_identifiers(body)?;
        Ok(Certificate {
            der: bytes.to_vec(),
            serial,
            issuer,
            subject,
            not_before: validity::decode(not_before),
            not_after: validity::decode(not_after),
            subject_public_key_info: subject_public_key_info.to_vec(),
            extensions: read_extensions(body)?,
        })
    })?;
    reader.finish()?;
    Ok(certificate)
}

/// A name as it stands; what is in it is judged by whoever reads it.
fn name(body: &mut SliceReader<'_>) -> der::Result<Vec<u8>> {
    Tag::peek(body)?.assert_eq(Tag::Sequence)?;
    Ok(body.tlv_bytes()?.to_vec())
}

/// issuerUniqueID and subjectUniqueID (RFC 5280 section 4.1.2.8), which nobody uses.
fn skip_unique_identifiers(body: &mut SliceReader<'_>) -> der::Result<()> {
    for number in [1, 2] {
        let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(number) };
        if !body.is_finished() && Tag::peek(body)? == tag {
            body.tlv_bytes()?;
        }
    }
    Ok(())
}

fn read_extensions(body: &mut SliceReader<'_>) -> der::Result<Extensions> {
    let mut found = Extensions::default();
    for extension in extension::read_tagged(body, TagNumber(3))? {
        found.take(&extension)?;
    }
    Ok(found)
}

impl Extensions {
    fn take(&mut self, extension: &Extension<'_>) -> der::Result<()> {
        match extension.id {
            ID_CE_BASIC_CONSTRAINTS => {
                let constraints: BasicConstraints = extension.decode()?;
                self.is_authority = constraints.ca;
                self.path_length = constraints.path_len_constraint;
            }
            ID_CE_KEY_USAGE => self.key_usage = Some(extension.decode()?),
            ID_CE_EXT_KEY_USAGE => {
                self.extended_key_usage = Some(extension.decode::<ExtendedKeyUsage>()?.0);
            }
            ID_CE_SUBJECT_ALT_NAME => {
                let SubjectAltName(names) = extension.decode()?;
                self.has_subject_alternative_name = !names.is_empty();
                self.subject_alternative_names = names_among(&names);
                self.wildcard_parents = names.iter().filter_map(wildcard_parent).collect();
            }
            ID_CE_SUBJECT_KEY_IDENTIFIER => {
                let SubjectKeyIdentifier(identifier) = extension.decode()?;
                self.subject_key_identifier = Some(identifier.into_bytes().into());
            }
            ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                let identifier: AuthorityKeyIdentifier = extension.decode()?;
                self.authority_key_identifier =
                    identifier.key_identifier.map(|octets| octets.into_bytes().into());
            }
            _ => {}
        }
        Ok(())
    }
}

fn malformed() -> der::Error {
    ErrorKind::Failed.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::issue::Profile;
    use crate::pki::specimen::root;
    use proptest::prelude::*;

    // I26: a foreign CA under our CA's name.
    #[test]
    fn a_name_alone_proves_nothing() {
        let ours = root("orca CA");
        let foreign = root("orca CA");
        let forged = foreign.issue(2, "user1", &Profile::Client).certificate;
        assert_eq!(forged.issuer_der(), ours.certificate.subject_der());
        let verdict = forged.verify_signed_by(&ours.certificate);
        assert_eq!(verdict, Err(CertificateError::BadSignature));
        let other = root("other CA");
        let verdict = forged.verify_signed_by(&other.certificate);
        assert_eq!(verdict, Err(CertificateError::OtherIssuer));
        let leaf = foreign.issue(3, "orca CA", &Profile::Client).certificate;
        let verdict = forged.verify_signed_by(&leaf);
        assert_eq!(verdict, Err(CertificateError::IssuerIsNoAuthority));
    }

    #[test]
    fn a_chain_is_bounded() {
        let pem = root("orca CA").certificate.pem();
        let read = |times: usize| Certificate::chain_from_pem(pem.repeat(times).as_bytes());
        assert_eq!(read(16).unwrap().len(), 16);
        assert_eq!(read(17), Err(CertificateError::TooMany { limit: 16 }));
        assert_eq!(read(0), Err(CertificateError::NoCertificate));
        let large = CertificateError::TooLarge { limit: LARGEST_CERTIFICATE };
        assert_eq!(Certificate::from_der(&vec![0; LARGEST_CERTIFICATE + 1]), Err(large));
    }

    // I11: the shapes that made other readers panic before any signature was checked.
    #[test]
    fn empty_sequences_and_bit_strings_are_malformed_not_fatal() {
        let shapes: [&[u8]; 7] = [
            b"",
            b"\x30",
            b"\x30\x00",
            b"\x30\x02\x30\x00",
            b"\x30\x07\x30\x00\x30\x00\x03\x01\x00",
            b"\x30\x06\x30\x00\x30\x00\x03\x00",
            b"\x30\x84\xff\xff\xff\xff",
        ];
        for shape in shapes {
            assert_eq!(Certificate::from_der(shape), Err(CertificateError::Malformed));
        }
        let mut longer = root("orca CA").certificate.der().to_vec();
        longer.push(0);
        assert_eq!(Certificate::from_der(&longer), Err(CertificateError::Malformed));
    }

    // RFC 5280 section 4.1.1.2: the algorithm outside the signature is not protected by it.
    #[test]
    fn a_changed_algorithm_outside_the_signature_is_malformed() {
        let mut bytes = root("orca CA").certificate.der().to_vec();
        let sha256 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
        let outside = bytes.windows(8).rposition(|window| window == sha256).unwrap();
        bytes[outside + 7] = 3;
        assert_eq!(Certificate::from_der(&bytes), Err(CertificateError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Certificate::from_der(&bytes).is_err());
        }
    }

    #[test]
    fn every_flipped_bit_is_refused_or_breaks_the_signature() {
        let ca = root("orca CA");
        let leaf = ca.issue(2, "user1", &Profile::Client).certificate;
        for bit in 0..leaf.der().len() * 8 {
            let mut bytes = leaf.der().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verdict = Certificate::from_der(&bytes)
                .and_then(|certificate| certificate.verify_signed_by(&ca.certificate));
            assert!(verdict.is_err(), "bit {bit}");
        }
    }
}
