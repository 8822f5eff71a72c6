//! A last look before the real key touches a certificate: it is signed with a throwaway key, read
//! back by the reader that visitors' certificates meet, and held against what was asked for. What
//! the writer and the reader disagree on is refused here.

use crate::ground::messages::Refusal;
use crate::pki::issue::{Template, ToBeSigned};
use crate::pki::{Certificate, KeyAlgorithm, PrivateKey, SubjectAlternativeName};

use super::request::Purpose;

/// A throwaway key of the issuer's algorithm.
pub(super) struct Linter(PrivateKey);

impl Linter {
    /// A linter for what this algorithm will sign.
    pub(super) fn new(algorithm: KeyAlgorithm) -> Result<Self, Refusal> {
        let key = PrivateKey::generate(algorithm).map_err(|_| Refusal::CryptographyFailed {})?;
        Ok(Self(key))
    }

    fn read_back(&self, to_be_signed: &ToBeSigned) -> Result<Certificate, Refusal> {
        Ok(to_be_signed.sign_for_lint(&self.0)?)
    }
}

/// Checks a leaf.
pub(super) fn check_leaf(
    linter: &Linter,
    to_be_signed: &ToBeSigned,
    template: &Template<'_>,
    purpose: &Purpose,
    issuer: &Certificate,
) -> Result<(), Refusal> {
    let certificate = linter.read_back(to_be_signed)?;
    let (server, names) = match purpose {
        Purpose::Server(names) => (true, names.as_slice()),
        Purpose::Client => (false, [].as_slice()),
    };
    let found: Vec<&SubjectAlternativeName> =
        certificate.subject_alternative_names().iter().collect();
    let subject = template.subject.to_der()?;
    require(certificate.serial() == template.serial, "serial number")?;
    require(certificate.issuer_der() == issuer.subject_der(), "issuer")?;
    require(certificate.subject_der() == subject.as_slice(), "subject")?;
    require(certificate.not_before() == template.not_before, "notBefore")?;
    require(certificate.not_after() == template.not_after, "notAfter")?;
    require(certificate.not_after() <= issuer.not_after(), "notAfter beyond the issuer's")?;
    require(
        certificate.subject_public_key_info() == template.subject_public_key_info,
        "public key",
    )?;
    require(!certificate.is_certificate_authority(), "basicConstraints")?;
    require(!certificate.may_sign_certificates(), "keyUsage")?;
    require(!certificate.may_sign_revocation_lists(), "keyUsage")?;
    require(certificate.allows_server_auth() == server, "extKeyUsage")?;
    require(certificate.allows_client_auth() != server, "extKeyUsage")?;
    require(names.len() == found.len(), "subjectAltName")?;
    require(names.iter().all(|name| found.contains(&name)), "subjectAltName")?;
    require(certificate.has_subject_alternative_name(), "subjectAltName")?;
    require(
        certificate.authority_key_identifier() == issuer.subject_key_identifier(),
        "authorityKeyIdentifier",
    )
}

/// Checks a certificate authority.
pub(super) fn check_root(linter: &Linter, to_be_signed: &ToBeSigned) -> Result<(), Refusal> {
    let certificate = linter.read_back(to_be_signed)?;
    require(certificate.is_certificate_authority(), "basicConstraints")?;
    require(certificate.may_sign_certificates(), "keyUsage")?;
    require(certificate.may_sign_revocation_lists(), "keyUsage")?;
    require(certificate.issuer_der() == certificate.subject_der(), "issuer")
}

fn require(holds: bool, field: &str) -> Result<(), Refusal> {
    if holds {
        return Ok(());
    }
    Err(Refusal::LintFailed { field: field.to_owned() })
}
