#![no_main]
//! `jma-receipt.conf`.

use libfuzzer_sys::fuzz_target;
use sekisho::config::jma_receipt;
use sekisho_fuzz::Scratch;

fuzz_target!(|bytes: &[u8]| {
    let _ = jma_receipt::load(Scratch::new(bytes).path());
});
