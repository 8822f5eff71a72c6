#![no_main]
//! Anchors, as they are typed off paper; and what their octets say once the checksum holds.

use data_encoding::BASE32_NOPAD;
use libfuzzer_sys::fuzz_target;
use sekisho::authority::anchor;
use sekisho::ledger::sha256;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        let _ = anchor::parse(text);
    }
    let typed = BASE32_NOPAD.encode(&[input, &sha256(input)[..4]].concat());
    if let Ok(read) = anchor::parse(&typed) {
        let printed = anchor::text(&read);
        assert!(printed.lines().all(|line| line.chars().count() <= 80));
        assert_eq!(anchor::parse(&printed).as_ref(), Ok(&read));
        let groups = printed.split_once('\n').unwrap().1.to_lowercase().replace('-', " ");
        assert_eq!(anchor::parse(&groups).as_ref(), Ok(&read));
    }
});
