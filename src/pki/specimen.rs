//! A small CA for tests.

use super::KeyAlgorithm;
use super::certificate::Certificate;
use super::issue::{Profile, Template, ToBeSigned};
use super::key::{PrivateKey, Signer};
use super::name::{CommonName, DistinguishedName};
use super::serial::SerialNumber;
use crate::ground::clock::{DAY, Timestamp};

/// The time of every test.
pub(crate) const NOW: i64 = 1_800_000_000;

/// A key and its certificate.
pub(crate) struct Holder {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix(NOW)
}

pub(crate) fn subject(common_name: &str) -> DistinguishedName {
    DistinguishedName::new(CommonName::parse(common_name).unwrap())
}

pub(crate) fn template<'a>(
    number: u64,
    subject: &'a DistinguishedName,
    key: &'a PrivateKey,
    days: i64,
) -> Template<'a> {
    Template {
        serial: SerialNumber::generate(number).unwrap(),
        subject,
        not_before: now(),
        not_after: now().plus_seconds(days * DAY),
        subject_public_key_info: key.subject_public_key_info(),
    }
}

pub(crate) fn root(common_name: &str) -> Holder {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let subject = subject(common_name);
    let prepared = ToBeSigned::root(&template(1, &subject, &key, 7300)).unwrap();
    let certificate = prepared.sign(&key).unwrap();
    Holder { key, certificate }
}

impl Holder {
    pub(crate) fn issue(&self, number: u64, common_name: &str, profile: &Profile<'_>) -> Holder {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let subject = subject(common_name);
        let template = template(number, &subject, &key, 365);
        let prepared = ToBeSigned::issued_by(&template, profile, &self.certificate).unwrap();
        let certificate = prepared.sign(&self.key).unwrap();
        Holder { key, certificate }
    }
}
