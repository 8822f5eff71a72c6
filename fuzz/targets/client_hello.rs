#![no_main]
//! The first octets of strangers, up to admission: whatever they are, nobody is admitted by octets
//! that were made before the gate's answer was seen.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sekisho::gate::Handshakes;
use sekisho_fuzz::stage;

static GATE: LazyLock<Handshakes> = LazyLock::new(|| stage::gate().0);

fuzz_target!(|octets: &[u8]| {
    let mut connection = GATE.begin().unwrap();
    let mut rest = octets;
    while !rest.is_empty() {
        let taken = connection.read_tls(&mut rest);
        let processed = connection.process_new_packets();
        let mut answer = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut answer).unwrap();
        }
        if !matches!(taken, Ok(1..)) || processed.is_err() {
            break;
        }
    }
    assert!(connection.is_handshaking());
    assert!(connection.peer_certificates().is_none());
    assert!(GATE.admit(&connection).is_err());
});
