//! I11, I13, I32, I38: what comes from outside is refused or shown harmlessly, and never obeyed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use desk::{Desk, Ran};
use sekisho::ground::untrusted::is_hidden;
use support::{Authority, Leaf, Stage};

/// DER that has brought parsers down: nothing, emptiness, wrong kinds, lengths that lie, depth.
fn hostile_der() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![
        vec![],
        vec![0x30],
        vec![0x30, 0x00],
        vec![0x30, 0x80, 0x00, 0x00],
        vec![0x03, 0x00],
        vec![0x03, 0x01, 0x00],
        vec![0x03, 0x02, 0x09, 0x00],
        vec![0x02, 0x00],
        vec![0x05, 0x00],
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        vec![0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        vec![0x30, 0x06, 0x30, 0x00, 0x30, 0x00, 0x03, 0x00],
        vec![0x30, 0x07, 0x30, 0x00, 0x30, 0x00, 0x03, 0x01, 0x00],
        vec![0x30, 0x82, 0x00, 0x00],
        vec![0xff; 300],
        vec![0x1f; 64],
    ];
    // As deep as a CSR may be large.
    all.push([0x30, 0x82, 0x7f, 0xff].repeat(8_000));
    all
}

/// As the file it would be: DER, and the same in PEM.
fn files_of(der: &[u8], label: &str) -> [Vec<u8>; 2] {
    let encoded = data_encoding::BASE64.encode(der);
    let pem = format!("-----BEGIN {label}-----\n{encoded}\n-----END {label}-----\n");
    [der.to_vec(), pem.into_bytes()]
}

#[test]
fn hostile_requests_are_refused_and_nothing_is_signed() {
    let desk = Desk::with_key_file();
    desk.openssl(&[
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
        "-keyout",
        "key",
        "-outform",
        "DER",
        "-out",
        "good.der",
    ]);
    let good = std::fs::read(desk.path("good.der")).unwrap();
    let mut hostile = hostile_der();
    hostile.extend((0..good.len()).step_by(7).map(|length| good[..length].to_vec()));
    for place in (0..good.len()).step_by(5) {
        let mut changed = good.clone();
        changed[place] = changed[place].wrapping_add(1);
        hostile.push(changed);
    }
    for der in hostile {
        for file in files_of(&der, "CERTIFICATE REQUEST") {
            desk.write("hostile.csr", &file);
            let ran = desk.ca(&["issue", "client", "user1", "--csr", "hostile.csr"]);
            assert_eq!(ran.code, Some(1), "{file:x?}: {ran:?}");
            assert!(ran.error.contains('→'), "{ran:?}");
        }
    }
    assert_eq!(desk.json(&["list", "--all"])["certificates"].as_array().unwrap().len(), 1);
    desk.write("good.csr", &good);
    desk.ca(&["issue", "client", "user1", "--csr", "good.csr"]).success();
}

#[test]
fn hostile_files_stop_the_gate_with_a_sentence() {
    let stage = Stage::new().with_revocation_list(&[]);
    let desk = Desk::new();
    let check = || {
        let mut command = desk.command(desk::SEKISHO);
        command.args(["config", "check", "--jma-receipt-conf"]);
        command.arg(stage.path("jma-receipt.conf")).arg("--crl").arg(stage.path("ca.crl"));
        desk::finish(command)
    };
    check().success();
    for (name, label) in [
        ("ca.crt", "CERTIFICATE"),
        ("server.crt", "CERTIFICATE"),
        ("server.pem", "PRIVATE KEY"),
        ("ca.crl", "X509 CRL"),
    ] {
        let good = std::fs::read(stage.path(name)).unwrap();
        for der in hostile_der() {
            for file in files_of(&der, label) {
                sekisho::ground::files::write_atomic(&stage.path(name), &file, 0o600).unwrap();
                let ran = check();
                assert_eq!(ran.code, Some(1), "{name}: {ran:?}");
                assert!(ran.error.contains('→'), "{name}: {ran:?}");
            }
        }
        sekisho::ground::files::write_atomic(&stage.path(name), &good, 0o600).unwrap();
    }
    check().success();
}

#[test]
fn a_request_gives_its_key_and_nothing_else() {
    let desk = Desk::with_key_file();
    desk.write(
        "evil.cnf",
        "[req]\ndistinguished_name=dn\nreq_extensions=ext\nprompt=no\n[dn]\nCN=*\nO=evil\n\
         [ext]\nsubjectAltName=DNS:*,DNS:bank.example,IP:10.0.0.1,email:a@b.example\n\
         basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
         extendedKeyUsage=anyExtendedKeyUsage,serverAuth\n",
    );
    desk.openssl(&[
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-config",
        "evil.cnf",
        "-keyout",
        "key",
        "-out",
        "evil.csr",
    ]);
    let asked = desk.openssl(&["req", "-in", "evil.csr", "-noout", "-text"]);
    assert!(asked.contains("DNS:*") && asked.contains("CA:TRUE"), "{asked}");

    let issued = |words: &[&str]| {
        let issued = desk.json(&[words, &["--csr", "evil.csr"]].concat());
        let file = issued["issued"][0]["file"].as_str().unwrap().to_owned();
        assert!(file.ends_with(".crt") && issued["issued"][0]["passphrase"].is_null());
        let public = desk.openssl(&["x509", "-in", &file, "-noout", "-pubkey"]);
        assert_eq!(public, desk.openssl(&["req", "-in", "evil.csr", "-noout", "-pubkey"]));
        desk.openssl(&["x509", "-in", &file, "-noout", "-text"])
    };
    let client = issued(&["issue", "client", "user1"]);
    let server = issued(&["issue", "server", "clinic.example"]);
    for text in [&client, &server] {
        for smuggled in
            ["evil", "bank", "10.0.0.1", "DNS:*", "CA:TRUE", "CRL Sign", "Any Extended", "email"]
        {
            assert!(!text.contains(smuggled), "{smuggled}: {text}");
        }
        assert!(text.contains("CA:FALSE"), "{text}");
    }
    assert!(client.contains("CN = user1") && client.contains("TLS Web Client Authentication"));
    assert!(!client.contains("Server Authentication"), "{client}");
    assert!(server.contains("DNS:clinic.example\n") && !server.contains("Client Authentication"));
}

/// Names that would speak to a terminal, a log or a person's eyes.
const SPEAKING: [&str; 6] =
    ["a\u{1b}[31mred", "two\nlines", "a\u{202e}gpj.exe", "a\u{200d}b", "a\u{85}b", "a\u{2028}b"];

#[test]
fn names_that_speak_to_the_terminal_are_refused_and_shown_harmlessly() {
    let desk = Desk::with_key_file();
    for name in SPEAKING {
        for words in [
            ["issue", "client", name].as_slice(),
            &["issue", "server", name],
            &["issue", "client", "x", "--organization", name],
            &["issue", "client", "x", "--unit", name],
            &["show", name],
            &["revoke", name],
            &["issue", "client", "x", "--key", name],
            &["issue", "client", "x", "--csr", name],
            &["issue", "client", "x", "--out", name],
            &["revoke", "1", "--reason", name],
            &["revoke", "1", "--since", name],
        ] {
            let ran = desk.ca(words);
            assert_harmless(&ran);
            assert_eq!(ran.code, Some(1), "{words:?}: {ran:?}");
        }
        for words in [
            ["config", "check", "--jma-receipt-conf", name].as_slice(),
            &["issue", "client", "x", "--days", name],
            &["list", "--lang", name],
            &["list", name],
            &[name],
            &["list", "--dir", name],
            &["orca-catool", name],
            &["orca-catool", "--lang", name],
        ] {
            for locale in ["C.UTF-8", "ja_JP.UTF-8"] {
                let mut command = desk.command(desk::SEKISHO);
                command.args(words).env("LANG", locale);
                let ran = desk::finish(command);
                assert_harmless(&ran);
                assert!(matches!(ran.code, Some(1 | 2)), "{words:?}: {ran:?}");
            }
        }
        desk.write("jma-receipt.conf", format!("SERVER_CRT=/{name}\nSERVER_PEM=/x\nCA_CRT=/y\n"));
        let mut config = desk.command(desk::SEKISHO);
        config.args(["config", "check", "--jma-receipt-conf", "jma-receipt.conf"]);
        assert_harmless(&desk::finish(config));
    }
    assert_eq!(desk.json(&["list", "--all"])["certificates"].as_array().unwrap().len(), 1);
    // What works is shown harmlessly as well.
    for name in SPEAKING.into_iter().filter(|name| !name.contains('\n')) {
        std::fs::create_dir(desk.path(name)).unwrap();
        assert_harmless(&desk.ca(&["issue", "client", "user1", "--out", name]).success());
        assert_harmless(&desk.ca(&["crl", "--out", name]).success());
    }
}

#[test]
fn what_files_say_is_shown_harmlessly() {
    let desk = Desk::with_key_file();
    desk.write(
        "staff.csv",
        "name,person\n\"a\u{1b}[31m\",x\n\"b\u{202e}c\",x\ngood,\"\u{1b}]0;x\u{7}p\"\n",
    );
    let ran = desk.ca(&["issue", "client", "--from", "staff.csv", "--out", "out"]);
    assert_harmless(&ran);
    assert_eq!(ran.code, Some(1), "two lines are refused: {ran:?}");
    assert_harmless(&desk.ca(&["show", "good"]).success());
    assert_harmless(&desk.ca(&["list", "--all"]).success());

    desk.write("odd.csv", "name\u{1b}[31m,p\u{202e}\nx,y\n");
    assert_harmless(&desk.ca(&["issue", "client", "--from", "odd.csv", "--out", "out"]));

    desk.orca(&[]).success();
    desk.write(".orca_catool/config.yml", "---\n\":a\\e[31m\\u202e\": 1\n:crl_validity: 30\n");
    let ran = desk.orca(&["list_cert"]).success();
    assert_harmless(&ran);
    assert!(ran.error.contains(":a\\u{1b}[31m"), "{ran:?}");
}

#[test]
fn visitors_cannot_write_into_the_log() {
    let stage = Stage::new();
    let theirs = Authority::new("Other\u{1b}[31m\nCA");
    let ours = stage.authority.issue(&Leaf::client("ours\u{1b}[2J\u{202e}\nadmitted", 7));
    stage.write_identity("theirs", &theirs.issue(&Leaf::client("x\u{1b}[31m\nadmitted", 8)));
    stage.write_identity("ours", &ours);
    let gate = stage.start();
    stage.curl(&gate, Some("theirs"), &[]);
    gate.log.wait_for(&["refused"]);
    let odd = ["--user-agent", "x\u{1b}[31m\u{202e}y", "--request-target", "/%1b%0aadmitted\u{1b}"];
    stage.curl(&gate, Some("ours"), &odd);
    gate.log.wait_for(&["admitted", "subject=C=JP, O=orca, CN=ours"]);
    for line in gate.log.text().lines() {
        assert!(!line.chars().any(is_hidden), "{line:?}");
    }
    assert!(!gate.log.text().lines().any(|line| line.starts_with("admitted")));
}

#[test]
fn look_alikes_are_told_and_hidden_characters_refused() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1"]).success();
    for look_alike in ["us\u{435}r1", "\u{ff55}\u{ff53}\u{ff45}\u{ff52}\u{ff11}", "userl"] {
        let ran = desk.ca(&["issue", "client", look_alike]).success();
        let warned = ran.error.contains("looks like user1") && ran.error.contains("000002");
        assert!(warned, "{look_alike}: {ran:?}");
    }
    let ran = desk.ca(&["issue", "client", "user2"]).success();
    assert!(!ran.error.contains("looks like"), "{ran:?}");
    // Decomposed and composed are one name.
    desk.ca(&["issue", "client", "か\u{3099}くせい"]).success();
    let shown = desk.json(&["show", "がくせい"]);
    assert_eq!(shown["common_name"], "がくせい");
    assert_eq!(desk.json(&["show", "か\u{3099}くせい"])["number"], shown["number"]);
}

#[track_caller]
fn assert_harmless(ran: &Ran) {
    for output in [&ran.out, &ran.error] {
        let hidden = output.chars().find(|c| is_hidden(*c) && *c != '\n');
        assert_eq!(hidden, None, "{ran:?}");
        assert!(!output.contains("two\nlines"), "{ran:?}");
    }
    assert!(ran.code.is_some_and(|code| code != 101), "{ran:?}");
}
