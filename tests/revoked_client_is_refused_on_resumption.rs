//! I1, I2, I3: a session ticket is worth nothing once its holder may not come in, on TLS 1.2 and 1.3.

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

use rustls::{AlertDescription, Error, NamedGroup, SupportedProtocolVersion};
use support::{Authority, BOTH_VERSIONS, DAY, Gate, Identity, Leaf, Stage, Visitor};

/// A visitor who was let in twice, the second time by a ticket.
fn returning(
    stage: &Stage,
    gate: &Gate,
    leaf: &Leaf,
    version: &'static SupportedProtocolVersion,
) -> Visitor {
    returning_as(stage, gate, &stage.authority.issue(leaf), version)
}

fn returning_as(
    stage: &Stage,
    gate: &Gate,
    identity: &Identity,
    version: &'static SupportedProtocolVersion,
) -> Visitor {
    let visitor = Visitor::new(stage, gate, identity, version);
    let first = visitor.visit().unwrap();
    assert!(first.answer.ends_with("hello") && !first.resumed, "{first:?}");
    let second = visitor.visit().unwrap();
    assert!(second.answer.ends_with("hello"), "{second:?}");
    assert!(second.resumed, "without resumption this test shows nothing: {second:?}");
    visitor
}

fn refusal(visitor: &Visitor) -> Error {
    match visitor.visit() {
        Err(error) => error,
        Ok(visited) => panic!("let in: {visited:?}"),
    }
}

// Catches resumption that asks no verifier, which is what rustls does by itself.
#[test]
fn revoked_between_handshake_and_resumption() {
    for version in BOTH_VERSIONS {
        let stage = Stage::new().with_revocation_list(&[]).with_argument("--tls12");
        let gate = stage.start();
        let visitor = returning(&stage, &gate, &Leaf::client("user1", 3), version);
        let other = returning(&stage, &gate, &Leaf::client("user2", 4), version);

        stage.write("ca.crl", &stage.authority.revocation_list(2, &[3], 30 * DAY));
        gate.log.wait_for(&["revocation list in force", "number=02"]);

        let expected = Error::AlertReceived(AlertDescription::CertificateRevoked);
        assert_eq!(refusal(&visitor), expected, "{version:?}");
        // And not because tickets were dropped: the chain of another still counts.
        assert!(other.visit().unwrap().resumed);
    }
}

#[test]
fn expired_between_handshake_and_resumption() {
    let stage = Stage::new().with_argument("--tls12");
    let gate = stage.start();
    for version in BOTH_VERSIONS {
        let leaf = Leaf { until: 3, ..Leaf::client("user1", 3) };
        let visitor = returning(&stage, &gate, &leaf, version);
        // Not for luck: the certificate has to expire.
        std::thread::sleep(std::time::Duration::from_secs(4));
        let expected = Error::AlertReceived(AlertDescription::CertificateExpired);
        assert_eq!(refusal(&visitor), expected, "{version:?}");
    }
}

#[test]
fn authority_changed_between_handshake_and_resumption() {
    for version in BOTH_VERSIONS {
        let stage = Stage::new().with_argument("--tls12");
        let gate = stage.start();
        let identity = stage.authority.issue(&Leaf::client("user1", 3));
        let visitor = returning_as(&stage, &gate, &identity, version);

        // The new authority even has the old one's name.
        stage.write("ca.crt", &Authority::new("Test CA").pem);
        gate.signal("HUP");
        gate.log.wait_for(&["files read anew"]);
        let expected = Error::AlertReceived(AlertDescription::UnknownCA);
        assert_eq!(refusal(&visitor), expected, "{version:?}");

        // Back again, the old tickets stay worthless, also when their chain is known anew.
        stage.write("ca.crt", &stage.authority.pem);
        gate.signal("HUP");
        support::eventually("two reloads", || gate.log.count("files read anew") == 2);
        assert!(!Visitor::new(&stage, &gate, &identity, version).visit().unwrap().resumed);
        let returned = visitor.visit().unwrap();
        assert!(!returned.resumed, "{version:?}: {returned:?}");
    }
}

// I1: two gates with the same CA and other rules; a ticket of one is nothing to the other.
#[test]
fn a_ticket_of_one_gate_is_nothing_to_another() {
    for version in BOTH_VERSIONS {
        let stage = Stage::new().with_argument("--tls12");
        let (one, two) = (stage.start(), stage.start());
        let visitor = returning(&stage, &one, &Leaf::client("user1", 3), version);
        let elsewhere = visitor.at(&two).visit().unwrap();
        assert!(!elsewhere.resumed, "{version:?}: {elsewhere:?}");
    }
}

#[test]
fn tls12_is_off_and_the_hybrid_key_exchange_is_first() {
    let stage = Stage::new();
    let gate = stage.start();
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    let old = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS12);
    assert_eq!(refusal(&old), Error::AlertReceived(AlertDescription::ProtocolVersion));
    let new = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13).visit().unwrap();
    assert_eq!(new.group, Some(NamedGroup::X25519MLKEM768));
}
