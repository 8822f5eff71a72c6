//! Reading certificate requests (PKCS#10, RFC 2986).
//!
//! What a request asks for is information for people. The profile and the command decide what is
//! issued; only the public key is taken over.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::oid::db::rfc5280::ID_CE_SUBJECT_ALT_NAME;
use der::{Decode, Encode, ErrorKind, Reader, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::SubjectAltName;

use super::algorithm::KeyAlgorithm;
use super::certificate::names_among;
use super::name::{self, SubjectAlternativeName};
use super::signed::Signed;
use super::{extension, pem};
use crate::ground::messages::Refusal;

/// Octets of a request at most, in PEM or DER.
pub const LARGEST_REQUEST: usize = 32 * 1024;

/// extensionRequest (RFC 2985 section 5.4.2).
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// A request whose sender has shown to hold the private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    subject_public_key_info: Vec<u8>,
    algorithm: KeyAlgorithm,
    subject: Vec<u8>,
    requested_names: Vec<SubjectAlternativeName>,
}

/// Why bytes are no request we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// Larger than a request may be.
    TooLarge {
        /// Octets at most.
        limit: usize,
    },
    /// No PKCS#10 request in PEM or DER.
    Malformed,
    /// The public key is of no algorithm in the table: another curve, another RSA size.
    UnsupportedKey,
    /// The signature is not that of the key in it: the sender may not hold the private key.
    NoProofOfPossession,
}

impl CertificateRequest {
    /// Reads a request in PEM or DER and verifies that the holder of its key signed it.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn read(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > LARGEST_REQUEST {
            return Err(RequestError::TooLarge { limit: LARGEST_REQUEST });
        }
        let der = pem::decode_one(bytes, &[pem::REQUEST, pem::NEW_REQUEST])
            .ok_or(RequestError::Malformed)?;
        let signed = Signed::from_der(&der)?;
        let (subject, subject_public_key_info, requested_names) = read_body(signed.to_be_signed)?;
        let algorithm = KeyAlgorithm::of_subject_public_key_info(&subject_public_key_info)
            .ok_or(RequestError::UnsupportedKey)?;
        if !signed.is_signed_by(&subject_public_key_info) {
            return Err(RequestError::NoProofOfPossession);
        }
        Ok(Self { subject_public_key_info, algorithm, subject, requested_names })
    }

    /// The public key, as a DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }

    /// The key's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The subject it asks for, safe to print. Information only.
    #[must_use]
    pub fn requested_subject_text(&self) -> String {
        name::text_of_der(&self.subject)
    }

    /// The common name it asks for, as it stands. Information only.
    #[must_use]
    pub fn requested_common_name(&self) -> Option<String> {
        name::common_name_of_der(&self.subject)
    }

    /// The host names and addresses it asks for; wildcards and other kinds are left out. Information only.
    #[must_use]
    pub fn requested_names(&self) -> &[SubjectAlternativeName] {
        &self.requested_names
    }
}

impl From<der::Error> for RequestError {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::TooLarge { limit } => Self::RequestTooLarge { limit: limit.to_string() },
            RequestError::Malformed => Self::RequestMalformed {},
            RequestError::UnsupportedKey => Self::IssuePublicKey {},
            RequestError::NoProofOfPossession => Self::RequestNoProofOfPossession {},
        }
    }
}

/// `CertificationRequestInfo`: subject, public key, and the names in an extension request.
type Body = (Vec<u8>, Vec<u8>, Vec<SubjectAlternativeName>);

fn read_body(bytes: &[u8]) -> der::Result<Body> {
    let mut reader = SliceReader::new(bytes)?;
    let body = reader.sequence(|body| {
        if body.decode::<u8>()? != 0 {
            return Err(der::Error::from(ErrorKind::Failed));
        }
        let subject = body.tlv_bytes()?.to_vec();
        let subject_public_key_info = body.tlv_bytes()?.to_vec();
        let mut names = Vec::new();
        // Some tools leave the empty attributes out.
        if !body.is_finished() {
            let attributes: AnyRef<'_> = body.decode()?;
            let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
            attributes.tag().assert_eq(tag)?;
            let mut attributes = SliceReader::new(attributes.value())?;
            while !attributes.is_finished() {
                names.extend(names_in(&attributes.decode()?)?);
            }
        }
        Ok((subject, subject_public_key_info, names))
    })?;
    reader.finish()?;
    Ok(body)
}

fn names_in(attribute: &Attribute) -> der::Result<Vec<SubjectAlternativeName>> {
    let mut names = Vec::new();
    if attribute.oid != EXTENSION_REQUEST {
        return Ok(names);
    }
    for value in attribute.values.iter() {
        for extension in extension::read(&value.to_der()?)? {
            if extension.id == ID_CE_SUBJECT_ALT_NAME {
                let SubjectAltName(requested) = Decode::from_der(extension.value.as_bytes())?;
                names.extend(names_among(&requested));
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519, SanType};

    fn request(names: &[&str]) -> rcgen::CertificateSigningRequest {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "push-exchanger");
        let san = |name: &&str| SanType::DnsName((*name).try_into().unwrap());
        params.subject_alt_names = names.iter().map(san).collect();
        params.serialize_request(&key).unwrap()
    }

    #[test]
    fn a_request_gives_its_key_and_what_it_would_like() {
        // I13: a wildcard must not slip in as a name.
        let made = request(&["api.example.jp", "*.example.jp"]);
        for bytes in [made.der().as_ref(), made.pem().unwrap().as_bytes()] {
            let read = CertificateRequest::read(bytes).unwrap();
            assert_eq!(read.algorithm(), KeyAlgorithm::Ed25519);
            assert_eq!(read.requested_common_name().as_deref(), Some("push-exchanger"));
            assert_eq!(read.requested_subject_text(), "CN=push-exchanger");
            let name = SubjectAlternativeName::parse_dns("api.example.jp").unwrap();
            assert_eq!(read.requested_names(), [name]);
        }
    }

    #[test]
    fn a_request_that_its_key_did_not_sign_is_refused() {
        let mut bytes = request(&[]).der().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(CertificateRequest::read(&bytes), Err(RequestError::NoProofOfPossession));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let good = request(&["a.example"]).der().to_vec();
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(CertificateRequest::read(&bytes).is_err(), "bit {bit}");
        }
        let large = vec![0; LARGEST_REQUEST + 1];
        let refused = RequestError::TooLarge { limit: LARGEST_REQUEST };
        assert_eq!(CertificateRequest::read(&large), Err(refused));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(CertificateRequest::read(&bytes).is_err());
        }
    }
}
