#![no_main]
//! Chains of certificates up to admission; each has its length in two octets before it. Only the one
//! whom the authority did certify comes in, at any time at which that holds.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;
use sekisho::admission::{Epoch, Policy, admit, would_admit};
use sekisho::ground::clock::Timestamp;
use sekisho_fuzz::stage::{self, THEN};

const CERTIFIED: &[u8] = include_bytes!("../seeds/certificate/client");

static POLICY: LazyLock<Policy> = LazyLock::new(|| stage::policy(stage::issuer().0));

fuzz_target!(|input: &[u8]| {
    let mut chain = Vec::new();
    let mut rest = input;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (certificate, after) = after.split_at(length);
        chain.push(CertificateDer::from(certificate));
        rest = after;
    }
    for (days, valid) in [(-1, false), (1, true), (31, false)] {
        let now = Timestamp::from_unix(THEN).plus_days(days);
        if let Ok(admitted) = admit(&chain, now, Epoch(7), &POLICY) {
            assert!(valid, "{days}");
            assert_eq!(admitted.certificate().der(), CERTIFIED);
            assert!(admitted.until() <= admitted.certificate().not_after());
            assert!(would_admit(admitted.chain().key(), now, &POLICY));
        }
    }
});
