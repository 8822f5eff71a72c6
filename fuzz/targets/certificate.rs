#![no_main]
//! Certificates of strangers, DER or PEM: what is read prints safely and survives PEM.

use libfuzzer_sys::fuzz_target;
use sekisho::pki::Certificate;
use sekisho_fuzz::assert_printable;

fuzz_target!(|bytes: &[u8]| {
    let Ok(certificate) = Certificate::from_der(bytes) else {
        let _ = Certificate::chain_from_pem(bytes);
        return;
    };
    assert_eq!(certificate.der(), bytes);
    assert_eq!(Certificate::from_pem(certificate.pem().as_bytes()).as_ref(), Ok(&certificate));
    assert_printable(&certificate.subject_text());
    for name in certificate.subject_alternative_names() {
        assert_printable(&name.to_string());
    }
    let _ = certificate.verify_signed_by(&certificate);
});
