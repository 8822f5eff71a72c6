//! I3, I20: revocation lists are enforced, and only good ones: signed by our CA, complete, never
//! older than the one in force, and not for ever after they should have been renewed.

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

use rcgen::KeyUsagePurpose;
use rustls::{AlertDescription, Error};
use support::{Authority, DAY, Gate, Leaf, Stage, Visitor};

fn visit(stage: &Stage, gate: &Gate, serial: u64) -> Result<(), AlertDescription> {
    let identity = stage.authority.issue(&Leaf::client("user", serial));
    match Visitor::new(stage, gate, &identity, &rustls::version::TLS13).visit() {
        Ok(visited) => {
            assert!(visited.answer.ends_with("hello"), "{visited:?}");
            Ok(())
        }
        Err(Error::AlertReceived(alert)) => Err(alert),
        Err(other) => panic!("{other}"),
    }
}

const REVOKED: Result<(), AlertDescription> = Err(AlertDescription::CertificateRevoked);

#[test]
fn a_list_that_is_no_good_stops_the_start() {
    let stage = Stage::new().with_revocation_list(&[]);
    let good = |until| stage.authority.revocation_list(1, &[3], until);
    let foreign = Authority::new("Other CA").revocation_list(1, &[3], DAY);
    let same_name = Authority::new("Test CA").revocation_list(1, &[3], DAY);
    for (what, text, said) in [
        ("expired", good(-60), "破棄リスト"),
        ("foreign", foreign, "not signed by this CA"),
        ("of a CA of the same name", same_name, "not signed by this CA"),
        ("empty", String::new(), "破棄リスト"),
        ("cut off", good(DAY).split_at(200).0.to_owned(), "破棄リスト"),
        ("a certificate", stage.authority.pem.clone(), "破棄リスト"),
    ] {
        stage.write("ca.crl", &text);
        let output = stage.refuse_to_start();
        assert!(output.contains(said) && output.contains("ca.crl"), "{what}: {output}");
    }
    std::fs::remove_file(stage.path("ca.crl")).unwrap();
    assert!(stage.refuse_to_start().contains("ca.crl"));
}

// rustls-webpki takes such a list (x509-limbo).
#[test]
fn a_list_of_a_ca_that_may_not_sign_lists_is_refused() {
    let mut stage = Stage::new();
    stage.authority = Authority::with_usages("Test CA", &[KeyUsagePurpose::KeyCertSign]);
    stage.write("ca.crt", &stage.authority.pem);
    stage.write_identity("server", &stage.authority.issue(&Leaf::server()));
    let stage = stage.with_revocation_list(&[3]);
    assert!(stage.refuse_to_start().contains("not signed by this CA"));
}

#[test]
fn a_newer_list_counts_within_seconds_and_nothing_else_replaces_it() {
    let stage = Stage::new().with_revocation_list(&[3]);
    let gate = stage.start();
    assert_eq!(visit(&stage, &gate, 3), REVOKED);
    assert_eq!(visit(&stage, &gate, 4), Ok(()));

    stage.write("ca.crl", &stage.authority.revocation_list(2, &[3, 4], 30 * DAY));
    gate.log.wait_for(&["revocation list in force", "number=02"]);
    assert_eq!(visit(&stage, &gate, 4), REVOKED);
    assert_eq!(visit(&stage, &gate, 5), Ok(()));

    let older = stage.authority.revocation_list(1, &[], 30 * DAY);
    let foreign = Authority::new("Test CA").revocation_list(9, &[], 30 * DAY);
    for (count, (text, said)) in [
        (older, "older than the one in force"),
        (foreign, "the last good one stays in force"),
        (String::new(), "the last good one stays in force"),
        (
            "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n".to_owned(),
            "the last good one stays in force",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        stage.write("ca.crl", &text);
        support::eventually("a refused list", || {
            gate.log.count("revocation list refused") == count + 1
        });
        gate.log.wait_for(&["revocation list refused", said]);
        assert_eq!(visit(&stage, &gate, 4), REVOKED, "after a list that is {said}");
        assert_eq!(visit(&stage, &gate, 5), Ok(()));
    }

    // An older list is no better by way of a reload.
    stage.write("ca.crl", &stage.authority.revocation_list(1, &[], 30 * DAY));
    gate.signal("HUP");
    gate.log.wait_for(&["files not read anew", "older than the one in force"]);
    assert_eq!(visit(&stage, &gate, 4), REVOKED);

    stage.write("ca.crl", &stage.authority.revocation_list(3, &[3, 4, 5], 30 * DAY));
    gate.log.wait_for(&["revocation list in force", "number=03"]);
    assert_eq!(visit(&stage, &gate, 5), REVOKED);
}

#[test]
fn an_overdue_list_is_warned_about_and_counts_until_its_grace_ends() {
    let start = |grace: &str| {
        let mut stage = Stage::new();
        stage.write("ca.crl", &stage.authority.revocation_list(1, &[3], 3));
        let path = stage.path("ca.crl").display().to_string();
        stage.arguments.extend([
            "--crl".to_owned(),
            path,
            "--crl-grace-days".to_owned(),
            grace.to_owned(),
        ]);
        let gate = stage.start();
        (stage, gate)
    };
    let (kind, kind_gate) = start("7");
    let (strict, strict_gate) = start("0");
    assert_eq!(visit(&kind, &kind_gate, 4), Ok(()));
    assert_eq!(visit(&strict, &strict_gate, 4), Ok(()));
    let identity = strict.authority.issue(&Leaf::client("user", 5));
    let mut open =
        Visitor::new(&strict, &strict_gate, &identity, &rustls::version::TLS13).connect();
    std::io::Write::write_all(&mut open, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    support::read_until(&mut open, "hello");

    kind_gate.log.wait_for(&["revocation list expired"]);
    strict_gate.log.wait_for(&["revocation list expired"]);
    assert_eq!(visit(&kind, &kind_gate, 4), Ok(()));
    assert_eq!(visit(&kind, &kind_gate, 3), REVOKED);
    assert_eq!(visit(&strict, &strict_gate, 4), Err(AlertDescription::UnknownCA));
    assert!(support::is_closed_within(&mut open, support::PATIENCE), "who is inside goes as well");
    strict_gate.log.wait_for(&["refused", "status_stale"]);

    strict.write("ca.crl", &strict.authority.revocation_list(2, &[3], DAY));
    strict_gate.log.wait_for(&["revocation list in force", "number=02"]);
    assert_eq!(visit(&strict, &strict_gate, 4), Ok(()));
}

// I12: what no list tells of is not let in.
#[test]
fn a_certificate_whose_issuer_has_no_list_is_refused_where_lists_are_enforced() {
    let stage = Stage::new();
    let other = Authority::new("Other CA");
    stage.write("ca.crt", &format!("{}{}", stage.authority.pem, other.pem));
    let stage = stage.with_revocation_list(&[]);
    let gate = stage.start();
    assert_eq!(visit(&stage, &gate, 4), Ok(()));
    let identity = other.issue(&Leaf::client("user", 4));
    let refused = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13).visit();
    assert_eq!(refused.unwrap_err(), Error::AlertReceived(AlertDescription::UnknownCA));
    gate.log.wait_for(&["refused", "status_unknown"]);
}
