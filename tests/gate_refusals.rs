//! Everybody who may not come in is told why, in the way browsers show it: by the TLS alert. And so it
//! stays after every reload of the files, good or broken (I7).

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
use support::{Authority, DAY, Gate, Leaf, Stage};

#[test]
fn each_visitor_who_may_not_come_in_gets_the_alert_that_says_why() {
    let stage = stage();
    let gate = stage.start();
    check_admission(&stage, &gate, Told::Alert, &[], "after the start");
    for (_, _, reason) in REFUSALS {
        gate.log.wait_for(&["refused", &format!("reason=\"{reason}\"")]);
    }
    assert_eq!(stage.upstream.seen().len(), 1, "only the first visitor reached the application");
}

// Catches: client authentication lost after a reload (quarkus#55130), with the page as without it, and
// in the older version of TLS.
#[test]
fn every_refusal_holds_after_every_reload() {
    let kinds = [
        (stage(), Told::Alert, [].as_slice()),
        (stage().with_argument("--tls12"), Told::Failure, ["--tls-max", "1.2"].as_slice()),
        (stage().explaining(), Told::Page, &[]),
    ];
    // Mostly waiting for curl.
    std::thread::scope(|scope| {
        for (stage, told, options) in kinds {
            scope.spawn(move || reload_in_many_ways(&stage, told, options));
        }
    });
}

fn reload_in_many_ways(stage: &Stage, told: Told, options: &[&str]) {
    let gate = stage.start();
    let mut visits = 0;
    let mut check = |when: &str| {
        check_admission(stage, &gate, told, options, when);
        visits += 1;
    };
    let reload = |line: &str, when: &str| {
        let before = gate.log.count(line);
        gate.signal("HUP");
        support::eventually(when, || gate.log.count(line) == before + 1);
    };
    check("after the start");

    let both = format!("{}{}", stage.authority.pem, Authority::new("Second CA").pem);
    let server = stage.authority.issue(&Leaf::server());
    let list = |number| stage.authority.revocation_list(number, &[40], 30 * DAY);
    for (files, when) in [
        (vec![], "nothing new"),
        (vec![("server.crt", server.certificate), ("server.pem", server.key)], "another key"),
        (vec![("ca.crt", both)], "one more CA"),
        (vec![("ca.crt", stage.authority.pem.clone())], "one CA less"),
        (vec![("ca.crl", list(5))], "a newer list"),
    ] {
        for (file, text) in files {
            stage.write(file, &text);
        }
        reload(READ, when);
        check(when);
    }

    let client = stage.authority.issue(&Leaf::client("user1", 3));
    let foreign_list = Authority::new("Test CA").revocation_list(9, &[], 30 * DAY);
    for (file, text, when) in [
        ("ca.crt", Some(""), "an empty CA file"),
        ("ca.crt", None, "no CA file"),
        ("ca.crt", Some(client.certificate.as_str()), "a leaf as CA"),
        ("ca.crt", Some(&Authority::new("Test CA").pem), "a CA that did not sign the list"),
        ("server.crt", Some(&client.certificate), "a server certificate that is none"),
        ("server.pem", Some(&client.key), "a key that does not fit"),
        ("server.pem", None, "no key"),
        ("ca.crl", Some(""), "an empty list"),
        ("ca.crl", None, "no list"),
        ("ca.crl", Some(&foreign_list), "a list of a CA of the same name"),
        ("ca.crl", Some(&list(4)), "an older list"),
    ] {
        let good = std::fs::read_to_string(stage.path(file)).unwrap();
        match text {
            Some(text) => drop(stage.write(file, text)),
            None => std::fs::remove_file(stage.path(file)).unwrap(),
        }
        reload(NOT_READ, when);
        check(when);
        stage.write(file, &good);
        reload(READ, "mended");
    }
    check("in the end");
    assert_eq!(stage.upstream.seen().len(), visits, "only one visitor is let in");
}

const READ: &str = " files read anew";
const NOT_READ: &str = "files not read anew, the last good ones stay in force";

/// Who is refused, with which alert, and how the log says it.
const REFUSALS: [(Option<&str>, &str, &str); 11] = [
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

/// A gate's files with a revocation list, and everybody's certificates.
fn stage() -> Stage {
    let stage =
        Stage::new().with_argument("--handshakes-per-second=10000").with_revocation_list(&[40]);
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
    stage
}

/// How those who are refused are told.
#[derive(Clone, Copy)]
enum Told {
    Alert,
    /// An alert as well, but of TLS 1.2, where curl does not always pass it on.
    Failure,
    Page,
}

/// One is let in, and everybody else is refused and told why.
fn check_admission(stage: &Stage, gate: &Gate, told: Told, options: &[&str], when: &str) {
    let welcome = stage.curl(gate, Some("user1"), options);
    assert!(welcome.out.ends_with("hello"), "{when}: {welcome:?}");
    for (name, alert, _) in REFUSALS {
        let refused = stage.curl(gate, name, options);
        match told {
            Told::Alert => {
                let alert = format!("alert {alert}");
                assert!(refused.error.contains(&alert), "{when}: {name:?}: {refused:?}");
                assert_eq!(refused.out, "", "{when}: {name:?}");
            }
            Told::Failure => {
                assert_ne!(refused.code, 0, "{when}: {name:?}");
                assert_eq!(refused.out, "", "{when}: {name:?}");
            }
            Told::Page => {
                assert!(refused.out.starts_with("HTTP/2 403"), "{when}: {name:?}: {refused:?}");
            }
        }
    }
}
