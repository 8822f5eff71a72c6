//! Everybody who may not come in is told why, in the way browsers show it: by the TLS alert.

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

use rcgen::ExtendedKeyUsagePurpose;
use support::{Authority, DAY, Leaf, Stage};

#[test]
fn each_visitor_who_may_not_come_in_gets_the_alert_that_says_why() {
    let stage = Stage::new().with_revocation_list(&[40]);
    stage.client("user1", 3);
    stage.client("lost", 40);
    let ours = &stage.authority;
    let leaf = Leaf::client("someone", 50);
    let cases = [
        ("expired", ours.issue(&Leaf { from: -9 * DAY, until: -DAY, ..leaf.clone() })),
        ("early", ours.issue(&Leaf { from: DAY, ..leaf.clone() })),
        (
            "server-only",
            ours.issue(&Leaf {
                purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
                ..leaf.clone()
            }),
        ),
        ("any-purpose", ours.issue(&Leaf { purposes: vec![], ..leaf.clone() })),
        ("foreign", Authority::new("Other CA").issue(&leaf)),
        ("same-name", Authority::new("Test CA").issue(&leaf)),
        (
            "foreign-expired",
            Authority::new("Test CA").issue(&Leaf { from: -9 * DAY, until: -DAY, ..leaf.clone() }),
        ),
        ("foreign-revoked", Authority::new("Test CA").issue(&Leaf::client("lost", 40))),
        (
            "foreign-server-only",
            Authority::new("Test CA")
                .issue(&Leaf { purposes: vec![ExtendedKeyUsagePurpose::ServerAuth], ..leaf }),
        ),
    ];
    for (name, identity) in &cases {
        stage.write_identity(name, identity);
    }
    let gate = stage.start();

    let welcome = stage.curl(&gate, Some("user1"), &[]);
    assert!(welcome.out.ends_with("hello"), "{welcome:?}");

    let refusals = [
        (None, "certificate required", "no_certificate"),
        (Some("expired"), "certificate expired", "expired"),
        (Some("early"), "certificate expired", "not_yet_valid"),
        (Some("server-only"), "unsupported certificate", "not_for_clients"),
        (Some("any-purpose"), "unsupported certificate", "not_for_clients"),
        (Some("lost"), "certificate revoked", "revoked"),
        (Some("foreign"), "unknown ca", "unknown_issuer"),
        (Some("same-name"), "unknown ca", "unknown_issuer"),
        // Details are for holders of our certificates only, whatever a stranger's says.
        (Some("foreign-expired"), "unknown ca", "unknown_issuer"),
        (Some("foreign-revoked"), "unknown ca", "unknown_issuer"),
        (Some("foreign-server-only"), "unknown ca", "unknown_issuer"),
    ];
    for (name, alert, reason) in refusals {
        let refused = stage.curl(&gate, name, &[]);
        assert!(refused.error.contains(&format!("alert {alert}")), "{name:?}: {refused:?}");
        assert_eq!(refused.out, "", "{name:?}");
        gate.log.wait_for(&["refused", &format!("reason=\"{reason}\"")]);
    }
    assert_eq!(stage.upstream.seen().len(), 1, "only the first visitor reached the application");
}
