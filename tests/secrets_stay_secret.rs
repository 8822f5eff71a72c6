//! I22: passphrases and keys are in no output, no log, no command line, and no core file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use desk::{Desk, PASSPHRASE, finish, names_in, text};
use support::{Gate, Upstream};

#[test]
fn no_command_says_a_secret_however_much_it_is_asked() {
    let desk = Desk::with_key_file();
    let wrong = desk.write("wrong", "planted but wrong passphrase");
    let key = desk.read("ca/vault.key");
    let odd = desk.write("odd.key", "planted key file, too short");
    desk.write("staff.csv", "name\na\nb\n");
    let commands: &[&[&str]] = &[
        &["issue", "server", "clinic.example", "--pem"],
        &["issue", "client", "user1", "--escrow"],
        &["issue", "client", "--from", "staff.csv", "--out", "out"],
        &["list", "--all"],
        &["show", "user1"],
        &["verify"],
        &["vault", "slots"],
        &["crl"],
        &["crl", "--passphrase-file", text(&wrong)],
        &["crl", "--key-file", text(&odd)],
        &["crl", "--key-file", text(&wrong)],
        &["vault", "passwd", "--new-passphrase-file", text(&wrong)],
        &["init"],
        &["revoke", "user1", "--passphrase-file", text(&wrong)],
        &["forget-key", "user1"],
        &["crl", "--passphrase-file", "ca/ca.crt"],
    ];
    let secrets = [PASSPHRASE, key.trim(), "planted"];
    for words in commands {
        for json in [&[][..], &["--json"]] {
            let mut command = desk.sekisho(&[words, json].concat());
            command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
            let ran = finish(command);
            for secret in secrets {
                let said = ran.out.contains(secret) || ran.error.contains(secret);
                assert!(!said, "{words:?} says {secret:?}: {ran:?}");
            }
            assert!(!ran.out.contains("PRIVATE KEY") && !ran.error.contains("PRIVATE KEY"));
        }
    }
    for words in [["list_cert"].as_slice(), &["issue_client_cert", "-c", "user1"], &["issue_crl"]] {
        let mut command = desk.orca_command(words);
        command.env("RUST_LOG", "trace");
        let ran = desk::finish_with(command, "y\n").success();
        assert!(!ran.out.contains(PASSPHRASE) && !ran.error.contains(PASSPHRASE), "{ran:?}");
        // A zip's own passphrase is in its .pass alone.
        assert!(!ran.out.contains("passphrase"), "{ran:?}");
    }
}

#[test]
fn the_gate_neither_logs_its_key_nor_leaves_it_in_a_core_file() {
    let desk = Desk::with_key_file();
    let issued = desk.json(&["issue", "server", "localhost", "--pem"]);
    let path = |field: &str| desk.path(issued["issued"][0][field].as_str().unwrap());
    desk.write(
        "jma-receipt.conf",
        format!(
            "SERVER_CRT={}\nSERVER_PEM={}\nCA_CRT={}\nDB_PASSWORD=planted\n",
            text(&path("certificate_file")),
            text(&path("key_file")),
            text(&desk.path("ca/ca.crt"))
        ),
    );
    let key = std::fs::read_to_string(path("key_file")).unwrap();
    let secrets: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(!secrets.is_empty());

    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let mut command = desk.command("sh");
    // As generous as a shell can be about core files.
    command.args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh", desk::SEKISHO, "serve"]);
    command.args(["--listen", "127.0.0.1:0", "--jma-receipt-conf", "jma-receipt.conf"]);
    command.arg("--upstream").arg(format!("http://{}", upstream.address));
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let before = names_in(&desk.path(""));
    let mut gate = Gate::start(command);
    // A reload that fails over the key's file says nothing of it.
    let broken = key.replace("-----END", "planted-----END");
    sekisho::ground::files::write_atomic(&path("key_file"), broken.as_bytes(), 0o600).unwrap();
    gate.signal("HUP");
    gate.log.wait_for(&["files not read anew"]);
    gate.signal("ABRT");
    gate.wait();
    let log = gate.log.text();
    for secret in secrets.iter().chain(&["planted"]) {
        assert!(!log.contains(secret), "{log}");
    }
    let after = names_in(&desk.path(""));
    assert_eq!(after, before, "a core file");
}

#[test]
fn no_secret_is_taken_from_the_command_line_or_the_environment() {
    let desk = Desk::new();
    for words in [["init", "--passphrase", PASSPHRASE], ["init", "--password", PASSPHRASE]] {
        let mut command = desk.command(desk::SEKISHO);
        command.args(words).arg("--dir").arg(desk.path("ca"));
        assert_eq!(finish(command).code, Some(2), "no such option");
    }
    for name in ["SEKISHO_PASSPHRASE", "PASSPHRASE", "SEKISHO_PASSWORD"] {
        let mut command = desk.command("setsid");
        command.args(["--wait", desk::SEKISHO, "init", "--dir"]).arg(desk.path("ca"));
        command.env(name, PASSPHRASE);
        finish(command).refused(&["no terminal"]);
    }
}
