#![no_main]
//! Entries of the ledger's chain: one encoding each, so that the hash names the meaning.

use libfuzzer_sys::fuzz_target;
use sekisho::ledger::Entry;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = Entry::from_bytes(bytes) {
        assert_eq!(entry.to_bytes().unwrap(), bytes);
    }
});
