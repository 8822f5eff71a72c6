//! An authority, a gate and a visitor, in memory.

use std::path::Path;

use rustls_pki_types::CertificateDer;
use sekisho::admission::{Admitted, Epoch, Policy, StatusSource, TrustAnchors, admit};
use sekisho::gate::{Files, Handshakes, Settings};
use sekisho::ground::clock::{self, Timestamp};
use sekisho::ground::files::{self, PRIVATE};
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::issue::{Profile, Template, ToBeSigned};
use sekisho::pki::{
    Certificate, CommonName, DistinguishedName, KeyAlgorithm, PrivateKey, SerialNumber, Signer,
    SubjectAlternativeName, pkcs8,
};

/// The time at which the committed seeds are valid.
pub const THEN: i64 = 1_800_000_000;

/// The host of the gate.
pub const HOST: &str = "gate.example";

/// The authority under whom the committed seeds were made, with its key.
pub fn issuer() -> (Certificate, PrivateKey) {
    let key = SecretBytes::copy_of(include_bytes!("../fixtures/issuer.pem"));
    let certificate = Certificate::from_pem(include_bytes!("../fixtures/issuer.crt")).unwrap();
    (certificate, pkcs8::read_pem(&key).unwrap())
}

/// A certificate, and the key in it.
pub struct Holder {
    pub certificate: Certificate,
    pub key: PrivateKey,
}

/// A self-signed authority whose certificate begins at a time.
pub fn root(name: &str, begin: Timestamp) -> Holder {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let subject = DistinguishedName::new(CommonName::parse(name).unwrap());
    let prepared = ToBeSigned::root(&template(1, &subject, begin, &key)).unwrap();
    Holder { certificate: prepared.sign(&key).unwrap(), key }
}

/// What an authority issues.
pub fn issued(
    by: (&Certificate, &PrivateKey),
    name: &str,
    begin: Timestamp,
    profile: &Profile<'_>,
) -> Holder {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let subject = DistinguishedName::new(CommonName::parse(name).unwrap());
    let template = template(2, &subject, begin, &key);
    let prepared = ToBeSigned::issued_by(&template, profile, by.0).unwrap();
    Holder { certificate: prepared.sign(by.1).unwrap(), key }
}

/// A gate at [`HOST`], and somebody who was admitted there.
pub fn gate() -> (Handshakes, Admitted) {
    let begin = clock::now().plus_days(-1);
    let root = root("orca CA", begin);
    let by = (&root.certificate, &root.key);
    let names = [SubjectAlternativeName::parse_dns(HOST).unwrap()];
    let server = issued(by, HOST, begin, &Profile::Server { names: &names });
    let visitor = issued(by, "受付1", begin, &Profile::Client).certificate;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        files::write_atomic(Path::new(&path), bytes, PRIVATE).unwrap();
        path
    };
    let settings = Settings::new(Files {
        server_certificate: put("server.crt", server.certificate.pem().as_bytes()),
        server_key: put("server.pem", server.key.pkcs8_pem().unwrap().expose()),
        authorities: put("ca.crt", root.certificate.pem().as_bytes()),
    });
    let handshakes = Handshakes::open(&settings.with_tls12()).unwrap();
    let policy = policy(root.certificate.clone());
    let chain = [CertificateDer::from(visitor.der())];
    (handshakes, admit(&chain, clock::now(), Epoch(1), &policy).unwrap())
}

/// Whoever has a certificate of this authority may come in.
pub fn policy(root: Certificate) -> Policy {
    Policy::new(TrustAnchors::new(vec![root]).unwrap().into(), StatusSource::Nothing)
}

fn template<'a>(
    number: u64,
    subject: &'a DistinguishedName,
    begin: Timestamp,
    key: &'a PrivateKey,
) -> Template<'a> {
    Template {
        serial: SerialNumber::generate(number).unwrap(),
        subject,
        not_before: begin,
        not_after: begin.plus_days(30),
        subject_public_key_info: key.subject_public_key_info(),
    }
}
