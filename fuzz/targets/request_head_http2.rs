#![no_main]
//! The same over HTTP/2. The input is a header block (RFC 7541) and, after an octet 0xff, a body; the
//! preface and the frames are put around them.

use libfuzzer_sys::fuzz_target;
use sekisho_fuzz::wire::{announces_body, assert_one_honest_request, over_http2};

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fuzz_target!(|input: &[u8]| {
    let split = input.iter().position(|octet| *octet == 0xff).unwrap_or(input.len());
    let (block, body) = (&input[..split], input.get(split + 1..));
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    octets.extend(frame(4, 0, 0, &[]));
    let end = if body.is_none() { END_STREAM } else { 0 };
    octets.extend(frame(1, END_HEADERS | end, 1, &block[..block.len().min(16_384)]));
    if let Some(body) = body {
        octets.extend(frame(0, END_STREAM, 1, &body[..body.len().min(16_384)]));
    }
    for request in over_http2(&octets) {
        assert_one_honest_request(&request);
        // Who sends no body promises none to the upstream, which would wait for the next request's.
        assert!(body.is_some() || !announces_body(&request), "{}", request.escape_ascii());
    }
});

/// RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
