//! What the benches share: medians, so that a busy neighbour does not show, and a small CA.

#![allow(dead_code, reason = "each bench uses its own part of this")]

use std::time::Duration;

use sekisho::ground::clock::{self, Timestamp};
use sekisho::pki::issue::{Profile, Template, ToBeSigned};
use sekisho::pki::{
    Certificate, CommonName, DistinguishedName, KeyAlgorithm, PrivateKey, SerialNumber, Signer,
};

/// How long the work took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = clock::monotonic();
    let done = work();
    (start.elapsed(), done)
}

/// The middle of many times.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    *times.get(times.len() / 2).unwrap()
}

/// The median of `runs` runs.
pub(crate) fn median_of<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    median((0..runs).map(|_| timed(&mut work).0).collect())
}

pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A P-256 key and its certificate.
pub(crate) struct Holder {
    pub(crate) key: PrivateKey,
    pub(crate) certificate: Certificate,
}

/// A root CA.
pub(crate) fn root() -> Holder {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let name = name("orca CA");
    let template = template(1, &name, &key, 7300);
    let certificate = ToBeSigned::root(&template).unwrap().sign(&key).unwrap();
    Holder { key, certificate }
}

impl Holder {
    /// A certificate under this one.
    pub(crate) fn issue(&self, number: u64, common_name: &str, profile: &Profile<'_>) -> Holder {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let name = name(common_name);
        let template = template(number, &name, &key, 30);
        let prepared = ToBeSigned::issued_by(&template, profile, &self.certificate).unwrap();
        Holder { certificate: prepared.sign(&self.key).unwrap(), key }
    }
}

/// `C=JP, O=orca, CN=...`
pub(crate) fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::new(CommonName::parse(common_name).unwrap())
}

fn template<'a>(
    number: u64,
    subject: &'a DistinguishedName,
    key: &'a PrivateKey,
    days: i64,
) -> Template<'a> {
    let begin: Timestamp = clock::now().plus_seconds(-3600);
    Template {
        serial: SerialNumber::generate(number).unwrap(),
        subject,
        not_before: begin,
        not_after: begin.plus_days(days),
        subject_public_key_info: key.subject_public_key_info(),
    }
}
