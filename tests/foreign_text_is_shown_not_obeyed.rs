//! Names and texts of others in lists, messages and logs: what is hidden in them is shown, what
//! looks alike is told apart (I32, I38).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use desk::{Desk, Ran, SEKISHO, finish};
use support::{Authority, Leaf, Stage, Visitor};

/// Clears the screen, forges a line, and turns the reading direction round.
const HOSTILE: &str = "a\u{1b}[2J\r\nerror: forged\u{202e}b\u{2028}c\u{9b}31m";

// Catches: a column of a list, a name in a message, that a terminal obeys.
#[test]
fn what_a_list_of_people_hides_is_escaped_wherever_it_is_shown() {
    let desk = Desk::with_key_file();
    let quoted = format!("\"{HOSTILE}\"");
    desk.write("staff.csv", format!("name,person,device\n{quoted},,\nuser1,{quoted},{quoted}\n"));
    let bulk = desk.ca(&["issue", "client", "--from", "staff.csv", "--out", "staff"]);
    assert_eq!(bulk.code, Some(1), "{bulk:?}");
    harmless(&bulk);
    assert!(bulk.out.contains("\\u{1b}[2J"), "{bulk:?}");
    let shown = desk.ca(&["show", "2"]).success();
    harmless(&shown);
    let person = shown.out.lines().find(|line| line.contains("person")).unwrap();
    assert!(
        person.contains("\\u{1b}[2J\\r\\nerror: forged\\u{202e}b\\u{2028}c\\u{9b}31m"),
        "{person}"
    );
    harmless(&desk.ca(&["list"]).success());
}

// Catches: an argument or a path that is printed as it came.
#[test]
fn what_words_and_paths_hide_is_escaped() {
    let desk = Desk::with_key_file();
    for words in [
        &["issue", "client", HOSTILE][..],
        &["issue", "server", HOSTILE],
        &["issue", "client", "a", "--country", HOSTILE],
        &["issue", "client", "a", "--key", HOSTILE],
        &["issue", "client", "a", "--csr", HOSTILE],
        &["issue", "client", "a", "--out", HOSTILE],
        &["issue", "client", "--from", HOSTILE],
        &["revoke", HOSTILE],
        &["revoke", "1", "--reason", HOSTILE],
        &["revoke", "1", "--since", HOSTILE],
        &["config", "check", "--jma-receipt-conf", HOSTILE],
    ] {
        let ran = desk.ca(words);
        assert_eq!(ran.code, Some(1), "{words:?}: {ran:?}");
        harmless(&ran);
    }
    let run = |words: &[&str]| {
        let mut command = desk.command(SEKISHO);
        command.args(words);
        let ran = finish(command);
        harmless(&ran);
        ran
    };
    run(&["list", "--dir", "b\u{1b}[2J\u{202e}"]).refused(&["\\u{1b}[2J\\u{202e}"]);
    let init = ["init", "--dir", "b\u{1b}[2J\u{202e}", "--passphrase-file", "passphrase"];
    assert!(run(&init).success().out.contains("\\u{1b}[2J\\u{202e}"));
    run(&init).refused(&["\\u{1b}[2J\\u{202e}"]);
    // What works is shown harmlessly as well.
    std::fs::create_dir(desk.path("c\u{1b}[2J\u{202e}")).unwrap();
    for words in [&["issue", "client", "user1"][..], &["crl"]] {
        let ran = desk.ca(&[words, &["--out", "c\u{1b}[2J\u{202e}"]].concat()).success();
        harmless(&ran);
        assert!(ran.out.contains("c\\u{1b}[2J\\u{202e}"), "{ran:?}");
    }
}

// Catches: a request's subject or file name that reaches a screen.
#[test]
fn what_a_request_hides_is_escaped() {
    let desk = Desk::with_key_file();
    let new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let own =
        ["-keyout", "own.key", "-utf8", "-subj", "/CN=a\u{1b}[2J\u{202e}", "-out", "own\u{1b}.csr"];
    desk.openssl(&[new.as_slice(), &own].concat());
    harmless(&desk.ca(&["issue", "client", "laptop", "--csr", "own\u{1b}.csr"]).success());
    let shown = desk.ca(&["show", "laptop"]).success();
    harmless(&shown);
    assert!(shown.out.contains("own\\u{1b}.csr"), "{shown:?}");
}

// Catches: a stranger's name that forges a line of the gate's log. Names under our own CA are
// held by tests/identity_headers_cannot_be_smuggled.rs.
#[test]
fn what_a_stranger_calls_himself_is_escaped_in_the_log() {
    let stage = Stage::new();
    let gate = stage.start();
    let name = format!("{HOSTILE} admitted serial=99");
    let stranger = Authority::new(&name).issue(&Leaf::client(&name, 9));
    let visitor = Visitor::new(&stage, &gate, &stranger, &rustls::version::TLS13);
    assert!(visitor.visit().is_err());
    let honest = stage.client("user1", 3);
    let visitor = Visitor::new(&stage, &gate, &honest, &rustls::version::TLS13);
    let evil_agent = "GET /\u{1b}[2J HTTP/1.1\r\nhost: localhost\r\nuser-agent: \u{1b}[2J\r\n\r\n";
    let _ = visitor.send(evil_agent);
    let line = gate.log.wait_for(&["refused"]);
    assert!(line.contains("\\u{1b}[2J") && line.contains("\\u{202e}b"), "{line}");
    let log = gate.log.text();
    assert!(!log.contains(hidden), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with("error: forged")), "{log:?}");
}

// Catches: two people who cannot be told apart, and nobody warned.
#[test]
fn a_name_that_looks_like_another_in_force_is_warned_of() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1"]).success();
    desk.ca(&["issue", "client", "受付ニ"]).success();
    for (name, other, number) in [
        ("us\u{435}r1", "user1", "000002"),  // Cyrillic e
        ("user\u{ff11}", "user1", "000002"), // full-width 1
        ("userl", "user1", "000002"),
        ("USER1", "user1", "000002"),
        ("受付二", "受付ニ", "000003"), // the numeral two, not the syllable ni
    ] {
        let ran = desk.ca(&["issue", "client", name]).success();
        for part in ["warning: ", name, other, number] {
            assert!(ran.error.contains(part), "{name}: no {part:?} in {ran:?}");
        }
        // Whoever is gone deceives nobody.
        desk.ca(&["revoke", name]).success();
    }
    let same = desk.ca(&["issue", "client", "user1"]).success();
    assert_eq!(same.error, "", "a second certificate of one person is no look-alike");
    let other = desk.ca(&["issue", "client", "suzuki"]).success();
    assert_eq!(other.error, "");
}

// Catches: one name in two forms, of which only one is found.
#[test]
fn a_name_typed_in_parts_is_the_same_name() {
    let desk = Desk::with_key_file();
    let (composed, parts) = ("受付が", "受付か\u{3099}");
    desk.ca(&["issue", "client", parts]).success();
    assert_eq!(desk.json(&["show", "2"])["common_name"], composed);
    assert!(desk.path("000002__JP_orca_受付が.p12").exists());
    for name in [composed, parts] {
        assert_eq!(desk.json(&["show", name])["number"], 2, "{name:?}");
    }
    desk.ca(&["revoke", parts]).success();
}

/// Nothing on either output is hidden, and no line is forged.
#[track_caller]
fn harmless(ran: &Ran) {
    for output in [&ran.out, &ran.error] {
        assert!(!output.contains(hidden), "{output:?}");
        assert!(!output.lines().any(|line| line.starts_with("error: forged")), "{output:?}");
    }
}

fn hidden(character: char) -> bool {
    character != '\n' && sekisho::ground::untrusted::is_hidden(character)
}
