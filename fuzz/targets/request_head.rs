#![no_main]
//! What a visitor sends over HTTP/1.1, and what the upstream sees: nothing, or one request each that
//! can be read in one way, with our word for who the visitor is and nobody else's.

use libfuzzer_sys::fuzz_target;
use sekisho_fuzz::wire::{assert_one_honest_request, over_http1};

fuzz_target!(|octets: &[u8]| {
    for request in over_http1(octets) {
        assert_one_honest_request(&request);
    }
});
