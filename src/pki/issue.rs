//! Certificates of ours (RFC 5280 section 4): prepared first, signed once.
//!
//! Written with the types of `der` and `x509-cert`, not with `rcgen`: the issuer's name must stand in
//! each certificate octet by octet as it stands in the issuer's own, also when that is an imported
//! one, and `rcgen` writes it anew from its own model; the to-be-signed bytes are wanted by
//! themselves, to be recorded before they are signed; and `rcgen` neither writes a subject key
//! identifier into leaves without calling them CA:FALSE nor a list of a million revocations in a second.
//!
//! A client certificate names its holder in the common name. Its alternative name repeats the whole
//! subject as a `directoryName`: a free name like 受付1 is neither a host name nor a mail address, a
//! URN needs a registered namespace (RFC 8141 section 5; pkilint refuses URIs without a host too), and
//! a user principal name would be taken for a Windows account.

use der::asn1::{AnyRef, Ia5String, OctetString};
use der::oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE,
    ID_CE_SUBJECT_ALT_NAME, ID_CE_SUBJECT_KEY_IDENTIFIER, ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH,
};
use der::{Decode, Encode, Sequence, Tag};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages,
    SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::time::Time;

use super::algorithm::KeyAlgorithm;
use super::certificate::{Certificate, sha256};
use super::extension;
use super::key::{Signer, key_identifier};
use super::name::{DistinguishedName, SubjectAlternativeName};
use super::serial::SerialNumber;
use super::signed::{self, SigningFailure};
use super::validity;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;

/// Host names and addresses of one server certificate at most.
pub const MOST_SERVER_NAMES: usize = 100;

/// What every certificate says.
#[derive(Clone, Copy, Debug)]
pub struct Template<'a> {
    /// Its serial number, never used before by this issuer.
    pub serial: SerialNumber,
    /// Whom it is for.
    pub subject: &'a DistinguishedName,
    /// The first second it is valid.
    pub not_before: Timestamp,
    /// The last second it is valid.
    pub not_after: Timestamp,
    /// The holder's public key, as a DER SubjectPublicKeyInfo of an algorithm in the table.
    pub subject_public_key_info: &'a [u8],
}

/// What a certificate that another CA certificate issues is for.
#[derive(Clone, Copy, Debug)]
pub enum Profile<'a> {
    /// A CA that issues leaves only (path length 0).
    IssuingAuthority,
    /// A TLS server of these names; at least one.
    Server {
        /// The names it is reached by.
        names: &'a [SubjectAlternativeName],
    },
    /// A TLS client.
    Client,
}

/// The exact bytes of a certificate before its signature. Signing consumes them.
#[derive(Debug)]
pub struct ToBeSigned {
    bytes: Vec<u8>,
    issuer_key: Vec<u8>,
    algorithm: KeyAlgorithm,
}

/// Why a certificate is not issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueError {
    /// It would end before it begins.
    EndsBeforeItBegins,
    /// It would begin before its issuer's certificate does.
    BeginsBeforeIssuer {
        /// When the issuer begins.
        issuer_not_before: Timestamp,
    },
    /// It would end after its issuer's certificate does.
    OutlivesIssuer {
        /// The last possible end.
        issuer_not_after: Timestamp,
    },
    /// The public key is not well formed, or of no algorithm in the table.
    PublicKey,
    /// The issuer is no CA, or may not sign certificates, or issues leaves only and this is none.
    IssuerMayNotSign,
    /// The issuer's key is of an algorithm we do not sign with.
    IssuerAlgorithm,
    /// A server certificate without a name, or with more than a hundred.
    ServerNames {
        /// How many there are.
        names: usize,
    },
    /// The signer holds another key than the issuer's certificate, or, for linting, the same.
    WrongKey,
    /// The signer could not sign, or its signature does not verify.
    Signing,
    /// The certificate could not be written in DER.
    Encoding,
}

impl ToBeSigned {
    /// Prepares a root CA: issued by itself, any number of CAs below it.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub fn root(template: &Template<'_>) -> Result<Self, IssueError> {
        let algorithm = KeyAlgorithm::of_subject_public_key_info(template.subject_public_key_info)
            .ok_or(IssueError::PublicKey)?;
        let name = template.subject.to_der().map_err(|_| IssueError::Encoding)?;
        let extensions = |_: &[u8]| authority_extensions(None);
        Self::build(template, algorithm, &name, template.subject_public_key_info, extensions)
    }

    /// Prepares a certificate that `issuer` will sign. It may not outlive its issuer, at either end.
    ///
    /// # Errors
    /// See [`IssueError`].
    pub fn issued_by(
        template: &Template<'_>,
        profile: &Profile<'_>,
        issuer: &Certificate,
    ) -> Result<Self, IssueError> {
        let algorithm = KeyAlgorithm::of_subject_public_key_info(issuer.subject_public_key_info())
            .ok_or(IssueError::IssuerAlgorithm)?;
        let key = KeyAlgorithm::of_subject_public_key_info(template.subject_public_key_info)
            .ok_or(IssueError::PublicKey)?;
        let is_leaf = !matches!(profile, Profile::IssuingAuthority);
        if !issuer.may_sign_certificates() || (!is_leaf && issuer.path_length() == Some(0)) {
            return Err(IssueError::IssuerMayNotSign);
        }
        if template.not_before < issuer.not_before() {
            return Err(IssueError::BeginsBeforeIssuer { issuer_not_before: issuer.not_before() });
        }
        if template.not_after > issuer.not_after() {
            return Err(IssueError::OutlivesIssuer { issuer_not_after: issuer.not_after() });
        }
        if let Profile::Server { names } = profile
            && !(1..=MOST_SERVER_NAMES).contains(&names.len())
        {
            return Err(IssueError::ServerNames { names: names.len() });
        }
        let extensions = |subject: &[u8]| {
            let identifier = issuer_key_identifier(issuer)?;
            let mut list =
                vec![extension::encode(ID_CE_AUTHORITY_KEY_IDENTIFIER, false, &identifier)?];
            list.extend(match profile {
                Profile::IssuingAuthority => authority_extensions(Some(0))?,
                Profile::Server { names } => server_extensions(key, names)?,
                Profile::Client => client_extensions(subject)?,
            });
            Ok(list)
        };
        Self::build(
            template,
            algorithm,
            issuer.subject_der(),
            issuer.subject_public_key_info(),
            extensions,
        )
    }

    /// The bytes that will be signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Their SHA-256.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.bytes)
    }

    /// Signs with the issuer's key, and checks that signature.
    ///
    /// # Errors
    /// [`IssueError::WrongKey`] or [`IssueError::Signing`].
    pub fn sign(self, signer: &dyn Signer) -> Result<Certificate, IssueError> {
        if signer.subject_public_key_info() != self.issuer_key {
            return Err(IssueError::WrongKey);
        }
        read(signed::sign(&self.bytes, signer))
    }

    /// The certificate under the signature of a throwaway key, for linters to read before the real
    /// key touches it. Refuses the real key: its signature would make the certificate exist.
    ///
    /// # Errors
    /// [`IssueError::WrongKey`] or [`IssueError::Signing`].
    pub fn sign_for_lint(&self, throwaway: &dyn Signer) -> Result<Certificate, IssueError> {
        let is_real = throwaway.subject_public_key_info() == self.issuer_key;
        if is_real || throwaway.algorithm() != self.algorithm {
            return Err(IssueError::WrongKey);
        }
        read(signed::sign_with_throwaway(&self.bytes, throwaway))
    }

    fn build(
        template: &Template<'_>,
        algorithm: KeyAlgorithm,
        issuer_name: &[u8],
        issuer_key: &[u8],
        profile_extensions: impl FnOnce(&[u8]) -> der::Result<Vec<Vec<u8>>>,
    ) -> Result<Self, IssueError> {
        if template.not_after <= template.not_before {
            return Err(IssueError::EndsBeforeItBegins);
        }
        let subject = template.subject.to_der().map_err(|_| IssueError::Encoding)?;
        let identifier =
            key_identifier(template.subject_public_key_info).ok_or(IssueError::PublicKey)?;
        let encode = || {
            let identifier = SubjectKeyIdentifier(OctetString::new(identifier)?);
            let mut extensions =
                vec![extension::encode(ID_CE_SUBJECT_KEY_IDENTIFIER, false, &identifier)?];
            extensions.extend(profile_extensions(&subject)?);
            let extensions = extensions.concat();
            Body {
                version: 2,
                serial: AnyRef::new(Tag::Integer, template.serial.as_bytes())?,
                signature: algorithm.signature_identifier()?,
                issuer: AnyRef::from_der(issuer_name)?,
                validity: Validity {
                    not_before: validity::encode(template.not_before)?,
                    not_after: validity::encode(template.not_after)?,
                },
                subject: AnyRef::from_der(&subject)?,
                subject_public_key_info: AnyRef::from_der(template.subject_public_key_info)?,
                extensions: AnyRef::new(Tag::Sequence, &extensions)?,
            }
            .to_der()
        };
        let bytes = encode().map_err(|_: der::Error| IssueError::Encoding)?;
        Ok(Self { bytes, issuer_key: issuer_key.to_vec(), algorithm })
    }
}

impl From<IssueError> for Refusal {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::EndsBeforeItBegins => Self::IssueEndsBeforeItBegins {},
            IssueError::BeginsBeforeIssuer { issuer_not_before } => {
                Self::IssueBeginsBeforeIssuer { date: issuer_not_before.local() }
            }
            IssueError::OutlivesIssuer { issuer_not_after } => {
                Self::IssueOutlivesIssuer { date: issuer_not_after.local() }
            }
            IssueError::PublicKey => Self::IssuePublicKey {},
            IssueError::IssuerMayNotSign | IssueError::IssuerAlgorithm => {
                Self::IssueIssuerMayNotSign {}
            }
            IssueError::ServerNames { names } => {
                Self::IssueServerNames { names: names.to_string() }
            }
            IssueError::WrongKey | IssueError::Signing | IssueError::Encoding => {
                Self::IssueFailed {}
            }
        }
    }
}

/// The authority key identifier that points at an issuer: its own subject key identifier, or, where
/// an imported one has none, that of its key.
pub(super) fn issuer_key_identifier(issuer: &Certificate) -> der::Result<AuthorityKeyIdentifier> {
    let of_key = key_identifier(issuer.subject_public_key_info());
    let stated = issuer.subject_key_identifier().map(<[u8]>::to_vec);
    let identifier = stated.or_else(|| of_key.map(Vec::from)).ok_or(der::ErrorKind::Failed)?;
    Ok(AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(identifier)?),
        authority_cert_issuer: None,
        authority_cert_serial_number: None,
    })
}

/// `TBSCertificate` (RFC 5280 section 4.1) of version 3.
#[derive(Sequence)]
struct Body<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial: AnyRef<'a>,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: Validity,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: AnyRef<'a>,
}

#[derive(Sequence)]
struct Validity {
    not_before: Time,
    not_after: Time,
}

fn authority_extensions(path_length: Option<u8>) -> der::Result<Vec<Vec<u8>>> {
    let constraints = BasicConstraints { ca: true, path_len_constraint: path_length };
    let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    Ok(vec![
        extension::encode(ID_CE_BASIC_CONSTRAINTS, true, &constraints)?,
        extension::encode(ID_CE_KEY_USAGE, true, &usage)?,
    ])
}

fn server_extensions(
    key: KeyAlgorithm,
    names: &[SubjectAlternativeName],
) -> der::Result<Vec<Vec<u8>>> {
    // TLS 1.2 clients that know only RSA key transport look for keyEncipherment.
    let usage = match key.is_rsa() {
        true => KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment,
        false => KeyUsages::DigitalSignature.into(),
    };
    let names = names.iter().map(general_name).collect::<der::Result<Vec<_>>>()?;
    leaf_extensions(KeyUsage(usage), ID_KP_SERVER_AUTH, names)
}

fn client_extensions(subject: &[u8]) -> der::Result<Vec<Vec<u8>>> {
    let subject = GeneralName::DirectoryName(Decode::from_der(subject)?);
    let usage = KeyUsage(KeyUsages::DigitalSignature.into());
    leaf_extensions(usage, ID_KP_CLIENT_AUTH, vec![subject])
}

fn leaf_extensions(
    usage: KeyUsage,
    purpose: der::asn1::ObjectIdentifier,
    names: Vec<GeneralName>,
) -> der::Result<Vec<Vec<u8>>> {
    let constraints = BasicConstraints { ca: false, path_len_constraint: None };
    Ok(vec![
        extension::encode(ID_CE_BASIC_CONSTRAINTS, true, &constraints)?,
        extension::encode(ID_CE_KEY_USAGE, true, &usage)?,
        extension::encode(ID_CE_EXT_KEY_USAGE, false, &ExtendedKeyUsage(vec![purpose]))?,
        extension::encode(ID_CE_SUBJECT_ALT_NAME, false, &SubjectAltName(names))?,
    ])
}

fn general_name(name: &SubjectAlternativeName) -> der::Result<GeneralName> {
    Ok(match name {
        SubjectAlternativeName::Dns(host) => GeneralName::DnsName(Ia5String::new(host)?),
        SubjectAlternativeName::Address(std::net::IpAddr::V4(address)) => {
            GeneralName::IpAddress(OctetString::new(address.octets())?)
        }
        SubjectAlternativeName::Address(std::net::IpAddr::V6(address)) => {
            GeneralName::IpAddress(OctetString::new(address.octets())?)
        }
    })
}

fn read(signed: Result<Vec<u8>, SigningFailure>) -> Result<Certificate, IssueError> {
    let der = signed.map_err(|_| IssueError::Signing)?;
    Certificate::from_der(&der).map_err(|_| IssueError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::key::PrivateKey;
    use crate::pki::specimen::{now, root, subject, template};

    fn server_names() -> Vec<SubjectAlternativeName> {
        ["192.168.1.100", "fd00::1"]
            .map(|text| SubjectAlternativeName::parse_address(text).unwrap())
            .into_iter()
            .chain(SubjectAlternativeName::parse_dns("weborca-server"))
            .collect()
    }

    #[test]
    fn what_goes_into_a_certificate_comes_out_again() {
        let ca = root("orca CA");
        let names = server_names();
        let leaf = ca.issue(2, "weborca-server", &Profile::Server { names: &names });
        let certificate = leaf.certificate;
        assert_eq!(certificate.subject_text(), "C=JP, O=orca, CN=weborca-server");
        assert_eq!(certificate.subject_alternative_names(), names);
        assert_eq!(certificate.issuer_der(), ca.certificate.subject_der());
        assert_eq!(certificate.not_before(), now());
        assert_eq!(certificate.not_after(), now().plus_days(365));
        assert!(certificate.serial().to_string().starts_with("02"));
        assert_eq!(certificate.authority_key_identifier(), ca.certificate.subject_key_identifier());
        assert_eq!(certificate.verify_signed_by(&ca.certificate), Ok(()));
        assert_eq!(Certificate::from_pem(certificate.pem().as_bytes()).as_ref(), Ok(&certificate));
    }

    // A client certificate that also serves could stand in for the server, and the reverse.
    #[test]
    fn each_profile_allows_its_own_purpose_only() {
        let ca = root("orca CA");
        let names = server_names();
        let server = ca.issue(2, "s", &Profile::Server { names: &names }).certificate;
        let client = ca.issue(3, "受付 1", &Profile::Client).certificate;
        assert!(server.allows_server_auth() && !server.allows_client_auth());
        assert!(client.allows_client_auth() && !client.allows_server_auth());
        assert!(!server.is_certificate_authority() && !client.may_sign_certificates());
        assert!(!client.may_sign_revocation_lists());
        let name = client.subject_der();
        let times = client.der().windows(name.len()).filter(|window| *window == name).count();
        assert_eq!(times, 2, "the subject stands in the alternative name again");
        assert!(
            ca.certificate.may_sign_certificates() && ca.certificate.may_sign_revocation_lists()
        );
        assert_eq!(ca.certificate.path_length(), None);
    }

    #[test]
    fn an_issuing_authority_issues_leaves_only() {
        let ca = root("orca CA");
        let issuing = ca.issue(2, "issuing CA", &Profile::IssuingAuthority);
        assert_eq!(issuing.certificate.path_length(), Some(0));
        let client = issuing.issue(3, "user1", &Profile::Client);
        assert_eq!(client.certificate.verify_signed_by(&issuing.certificate), Ok(()));
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let name = subject("below");
        let below = template(4, &name, &key, 30);
        let refused =
            |profile, issuer| ToBeSigned::issued_by(&below, &profile, issuer).unwrap_err();
        let denied = IssueError::IssuerMayNotSign;
        assert_eq!(refused(Profile::IssuingAuthority, &issuing.certificate), denied);
        assert_eq!(refused(Profile::Client, &client.certificate), denied);
    }

    // I17: refused before anything is signed, with the last possible date.
    #[test]
    fn nothing_outlives_its_issuer() {
        let ca = root("orca CA");
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let name = subject("user1");
        let try_issue = |template: &Template<'_>| {
            ToBeSigned::issued_by(template, &Profile::Client, &ca.certificate).map(|_| ())
        };
        let good = template(2, &name, &key, 7300);
        assert_eq!(try_issue(&good), Ok(()));
        let last = ca.certificate.not_after();
        let late = Template { not_after: last.plus_seconds(1), ..good };
        assert_eq!(try_issue(&late), Err(IssueError::OutlivesIssuer { issuer_not_after: last }));
        let early = Template { not_before: now().plus_seconds(-1), ..good };
        assert_eq!(
            try_issue(&early),
            Err(IssueError::BeginsBeforeIssuer { issuer_not_before: now() })
        );
        let empty = Template { not_after: now(), ..good };
        assert_eq!(try_issue(&empty), Err(IssueError::EndsBeforeItBegins));
    }

    #[test]
    fn only_the_issuers_key_signs_and_only_another_lints() {
        let ca = root("orca CA");
        let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let p384 = PrivateKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
        let name = subject("user1");
        let prepare = || {
            let template = template(2, &name, &other, 30);
            ToBeSigned::issued_by(&template, &Profile::Client, &ca.certificate).unwrap()
        };
        assert_eq!(prepare().sign(&other).unwrap_err(), IssueError::WrongKey);
        let prepared = prepare();
        assert_eq!(prepared.sign_for_lint(&ca.key).unwrap_err(), IssueError::WrongKey);
        assert_eq!(prepared.sign_for_lint(&p384).unwrap_err(), IssueError::WrongKey);
        let linted = prepared.sign_for_lint(&other).unwrap();
        assert!(linted.verify_signed_by(&ca.certificate).is_err());
        let bytes = prepared.bytes().to_vec();
        let real = prepared.sign(&ca.key).unwrap();
        for certificate in [linted, real] {
            assert!(certificate.der().windows(bytes.len()).any(|window| window == bytes));
        }
    }

    #[test]
    fn a_server_without_a_name_and_a_bad_key_are_refused() {
        let ca = root("orca CA");
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let name = subject("s");
        let good = template(2, &name, &key, 30);
        let server = Profile::Server { names: &[] };
        let refused = |template: &Template<'_>, profile: &Profile<'_>| {
            ToBeSigned::issued_by(template, profile, &ca.certificate).unwrap_err()
        };
        assert_eq!(refused(&good, &server), IssueError::ServerNames { names: 0 });
        let bad = Template { subject_public_key_info: b"0", ..good };
        assert_eq!(refused(&bad, &Profile::Client), IssueError::PublicKey);
    }
}
