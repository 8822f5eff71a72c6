//! I5: without a trust anchor, or a key that fits, nothing is served; and a broken reload changes
//! nothing (I7: the refusals hold after a reload as before).

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

use rustls::{AlertDescription, Error};
use support::{Authority, Leaf, Stage, Visitor, set_mode};

#[test]
fn a_trust_anchor_that_is_missing_or_none_stops_the_start() {
    let stage = Stage::new();
    std::fs::remove_file(stage.path("ca.crt")).unwrap();
    let said = stage.refuse_to_start();
    assert!(said.contains("CA_CRT ...file does not exist"), "{said}");
    assert!(said.contains("SERVER_CRT ...file exists"), "{said}");
    assert!(said.contains("SERVER_PEM ...file exists"), "{said}");

    std::fs::create_dir(stage.path("ca.crt")).unwrap();
    assert!(stage.refuse_to_start().contains("ca.crt"));
    std::fs::remove_dir(stage.path("ca.crt")).unwrap();

    let client = stage.client("user1", 3);
    let pem = &stage.authority.pem;
    let mut flipped = pem.clone().into_bytes();
    let middle = flipped.len() / 4;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    for (what, text) in [
        ("empty", ""),
        ("no PEM", "certificate"),
        ("cut off", pem.split_at(pem.len() / 2).0),
        ("a leaf", &client.certificate),
        ("a key", &client.key),
        ("a CA, then a leaf", &format!("{pem}{}", client.certificate)),
    ] {
        stage.write("ca.crt", text);
        let said = stage.refuse_to_start();
        assert!(said.contains("CA_CRT に"), "{what}: {said}");
    }
}

#[test]
fn a_key_that_does_not_fit_or_cannot_be_read_stops_the_start() {
    let stage = Stage::new();
    let other = stage.authority.issue(&Leaf::server());
    let good = std::fs::read_to_string(stage.path("server.pem")).unwrap();

    stage.write("server.pem", &other.key);
    assert!(stage.refuse_to_start().contains("does not belong to the certificate"));

    for encrypted in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIG=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIG=\n-----END RSA PRIVATE KEY-----\n",
    ] {
        stage.write("server.pem", encrypted);
        let said = stage.refuse_to_start();
        assert!(said.contains("PASSWORD input was canceled"), "{said}");
    }
    let conf = std::fs::read_to_string(stage.path("jma-receipt.conf")).unwrap();
    stage.write(
        "server.enc.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIG=\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    stage.write("jma-receipt.conf", &conf.replace("server.pem", "server.enc.pem"));
    let said = stage.refuse_to_start();
    assert!(said.contains("server.pem") && said.contains("パスフレーズ"), "{said}");
    stage.write("jma-receipt.conf", &conf);

    stage.write("server.pem", "nothing");
    assert!(stage.refuse_to_start().contains("no private key"));

    let path = stage.write("server.pem", &good);
    set_mode(&path, 0o644);
    assert!(stage.refuse_to_start().contains("chmod"), "a key that everybody can read");
    set_mode(&path, 0o400);
    drop(stage.start());

    stage.write_identity("server", &stage.client("user1", 3));
    assert!(stage.refuse_to_start().contains("not a server certificate"));
}

#[test]
fn the_log_speaks_as_the_manual_says() {
    let stage = Stage::new();
    let leaf = Leaf { from: -9 * support::DAY, until: -3600, ..Leaf::server() };
    stage.write_identity("server", &stage.authority.issue(&leaf));
    let gate = stage.start();
    let text = gate.log.text();
    let lines: Vec<&str> = text.lines().collect();
    let mut words: Vec<&str> = lines.iter().filter_map(|line| line.get(20..)).collect();
    // What the manual knows nothing of.
    words.retain(|line| !line.starts_with("WARN as configured"));
    assert_eq!(
        words[..5],
        [
            "CA_CRT ...file exists",
            "SERVER_CRT ...file exists",
            "SERVER_PEM ...file exists",
            "The certificate(/C=JP/O=orca/CN=localhost) will be expired in -1 days.#012Please update the certificate.",
            "Server Mode: HTTPS",
        ]
    );
    let shape: String =
        lines[0][..20].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000/00/00 00:00:00 ");
}

#[test]
fn a_broken_reload_keeps_the_last_good_state() {
    let stage = Stage::new();
    let gate = stage.start();
    let ours = stage.authority.issue(&Leaf::client("user1", 3));
    let theirs = Authority::new("Test CA").issue(&Leaf::client("user1", 3));
    let version = &rustls::version::TLS13;
    let check = || {
        let welcome = Visitor::new(&stage, &gate, &ours, version).visit().unwrap();
        assert!(welcome.answer.ends_with("hello"));
        let refused = Visitor::new(&stage, &gate, &theirs, version).visit().unwrap_err();
        assert_eq!(refused, Error::AlertReceived(AlertDescription::UnknownCA));
        let nobody = stage.curl(&gate, None, &[]);
        assert!(nobody.error.contains("certificate required"), "{nobody:?}");
    };
    check();

    let broken = [("ca.crt", ""), ("server.pem", "nothing"), ("server.crt", "nothing")];
    for (before, (file, text)) in broken.into_iter().enumerate() {
        let good = std::fs::read_to_string(stage.path(file)).unwrap();
        stage.write(file, text);
        gate.signal("HUP");
        support::eventually("a refused reload", || {
            gate.log.count("files not read anew, the last good ones stay in force") == before + 1
        });
        check();
        stage.write(file, &good);
    }
    gate.signal("HUP");
    gate.log.wait_for(&["files read anew"]);
    check();
}

#[test]
fn an_upstream_on_another_machine_in_clear_text_needs_a_word() {
    let mut stage = Stage::new();
    stage.arguments = vec!["--upstream".to_owned(), "http://192.0.2.1:8001".to_owned()];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args([
        "serve",
        "--accept-missing",
        "separate-uids",
        "--listen",
        "127.0.0.1:0",
        "--jma-receipt-conf",
    ]);
    command.arg(stage.path("jma-receipt.conf")).args(&stage.arguments);
    let output = support::run(command);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-clear-text-upstream"));
}
