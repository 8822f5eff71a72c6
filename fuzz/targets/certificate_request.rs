#![no_main]
//! Certificate requests of strangers, DER or PEM.

use libfuzzer_sys::fuzz_target;
use sekisho::pki::CertificateRequest;
use sekisho_fuzz::assert_printable;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = CertificateRequest::read(bytes) {
        assert_printable(&request.requested_subject_text());
    }
});
