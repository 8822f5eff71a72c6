//! I26: a foreign CA that copies our CA's name, and our serial numbers, gets its holders nothing:
//! neither in, nor a ticket, nor a word about why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/gate.rs"]
mod support;

use std::io::{Read, Write};

use rustls::{AlertDescription, Error};
use support::{Authority, BOTH_VERSIONS, Identity, Leaf, Stage, Visitor};

#[test]
fn a_same_named_authority_opens_nothing_fresh_or_after_ours() {
    let stage = Stage::new().with_argument("--tls12");
    let gate = stage.start();
    let leaf = Leaf::client("user1", 3);
    let forger = Authority::new("Test CA");
    for version in BOTH_VERSIONS {
        let ours = Visitor::new(&stage, &gate, &stage.authority.issue(&leaf), version);
        assert!(ours.visit().unwrap().answer.ends_with("hello"));

        let mut forged = forger.issue(&leaf);
        let with_its_ca = format!("{}{}", forged.certificate, forger.pem);
        for chain in [forged.certificate.clone(), with_its_ca] {
            forged = Identity { certificate: chain, key: forged.key };
            let visitor = Visitor::new(&stage, &gate, &forged, version);
            for _ in 0..2 {
                let mut stream = visitor.connect();
                let refused = stream
                    .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                    .and_then(|()| stream.read_to_end(&mut Vec::new()))
                    .unwrap_err();
                let error = refused.get_ref().and_then(|e| e.downcast_ref::<Error>()).unwrap();
                assert_eq!(*error, Error::AlertReceived(AlertDescription::UnknownCA));
                assert_eq!(stream.conn.tls13_tickets_received(), 0, "{version:?}");
            }
        }
    }
    assert_eq!(stage.upstream.seen().len(), 2, "only the holders of our certificates got through");
}

// Our own certificate shown with a foreign intermediate of the same name beside it: the path that
// verifies is found, and only that one counts.
#[test]
fn a_full_chain_through_an_intermediate_comes_in_and_a_forged_one_does_not() {
    let stage = Stage::new();
    let gate = stage.start();
    let intermediate = stage.authority.subordinate("Issuing CA", 70);
    let twin = Authority::new("Test CA").subordinate("Issuing CA", 70);
    let leaf = Leaf::client("user1", 3);
    let chain = |authority: &Authority, above: &Authority| {
        let issued = authority.issue(&leaf);
        Identity { certificate: format!("{}{}", issued.certificate, above.pem), key: issued.key }
    };
    let version = &rustls::version::TLS13;
    let visit = |identity: &Identity| Visitor::new(&stage, &gate, identity, version).visit();
    assert!(visit(&chain(&intermediate, &intermediate)).unwrap().answer.ends_with("hello"));
    for forged in [chain(&twin, &twin), chain(&twin, &intermediate), chain(&intermediate, &twin)] {
        let error = visit(&forged).unwrap_err();
        assert_eq!(error, Error::AlertReceived(AlertDescription::UnknownCA));
    }
    let leaf_alone = intermediate.issue(&leaf);
    let error = visit(&leaf_alone).unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::UnknownCA));
}

#[test]
fn a_chain_of_too_many_certificates_is_not_looked_at() {
    let stage = Stage::new();
    let gate = stage.start();
    let issued = stage.authority.issue(&Leaf::client("user1", 3));
    let long = format!("{}{}", issued.certificate, stage.authority.pem.repeat(4));
    let identity = Identity { certificate: long, key: issued.key };
    let error =
        Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13).visit().unwrap_err();
    assert_eq!(error, Error::AlertReceived(AlertDescription::BadCertificate));
    gate.log.wait_for(&["chain_too_long"]);
}
