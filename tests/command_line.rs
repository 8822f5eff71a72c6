//! The native verbs, as people and programs use them: what they print for machines is stable, what
//! they write can be used, and a second run does no more than is left.

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

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use desk::{Desk, Ran, finish, names_in, text};
use serde_json::Value;

/// The names of an object's fields, in order.
fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

#[test]
fn every_answer_for_machines_has_its_fields() {
    let desk = Desk::new();
    let created = desk.json(&["init", "--name", "Clinic CA", "--organization", "clinic"]);
    assert_eq!(fields(&created), ["ca_certificate", "folder", "not_after", "subject"]);
    assert_eq!(created["subject"], "C=JP, O=clinic, CN=Clinic CA");

    let issued_fields = [
        "certificate_file",
        "file",
        "hosts",
        "key_file",
        "not_after",
        "not_before",
        "number",
        "passphrase",
        "serial",
        "subject",
    ];
    let server = desk.json(&["issue", "server", "clinic.example", "192.168.1.100", "--pem"]);
    assert_eq!(fields(&server), ["issued"]);
    let server = &server["issued"][0];
    assert_eq!(fields(server), issued_fields);
    assert_eq!(server["number"], 2);
    assert_eq!(server["hosts"], serde_json::json!(["clinic.example", "192.168.1.100"]));
    for file in ["file", "certificate_file", "key_file"] {
        assert!(desk.path(server[file].as_str().unwrap()).exists(), "{file}");
    }
    let client = desk.json(&["issue", "client", "user1", "--escrow", "--person", "山田"]);
    assert_eq!(fields(&client["issued"][0]), issued_fields);

    let listed = desk.json(&["list"]);
    assert_eq!(fields(&listed), ["certificates"]);
    let listed = listed["certificates"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let certificate_fields = [
        "common_name",
        "device",
        "hosts",
        "key_kept",
        "kind",
        "not_after",
        "not_before",
        "number",
        "person",
        "reason",
        "revoked_at",
        "serial",
        "sha256",
        "source",
        "state",
        "subject",
    ];
    for certificate in listed {
        assert_eq!(fields(certificate), certificate_fields);
    }
    let kinds: Vec<&Value> = listed.iter().map(|certificate| &certificate["kind"]).collect();
    assert_eq!(kinds, ["root", "server", "client"]);
    let shown = desk.json(&["show", "user1"]);
    assert_eq!(shown, listed[2]);
    assert_eq!((&shown["person"], &shown["key_kept"]), (&"山田".into(), &true.into()));

    let exported = desk.json(&["export", "3", "--out", "ca"]);
    assert_eq!(fields(&exported), ["certificate_file", "file", "key_file", "passphrase"]);
    let forgotten = desk.json(&["forget-key", "3"]);
    assert_eq!(forgotten, serde_json::json!({ "forgotten": 3 }));
    desk.ca(&["export", "3", "--out", "ca"]).refused(&["not kept"]);
    assert_eq!(desk.json(&["show", "3"])["key_kept"], false);

    let revoked = desk.json(&["revoke", "user1", "--reason", "keyCompromise"]);
    assert_eq!(fields(&revoked), ["crl", "reason", "revoked"]);
    assert_eq!((&revoked["revoked"], &revoked["reason"]), (&3.into(), &"keyCompromise".into()));
    let text = desk.openssl(&["crl", "-in", revoked["crl"].as_str().unwrap(), "-noout", "-text"]);
    assert!(text.contains("Key Compromise"), "{text}");
    assert_eq!(desk.json(&["list"])["certificates"].as_array().unwrap().len(), 2);
    assert_eq!(desk.json(&["list", "--all"])["certificates"].as_array().unwrap().len(), 3);

    let crl = desk.json(&["crl", "--days", "7"]);
    assert_eq!(fields(&crl), ["der", "entries", "next_update", "number", "pem", "this_update"]);
    let verified = desk.json(&["verify"]);
    assert_eq!(fields(&verified), ["certificates", "entries"]);
    let slots = desk.json(&["vault", "slots"]);
    assert_eq!(slots, serde_json::json!({ "slots": [{ "slot": 1, "kind": "passphrase" }] }));

    let refused = desk.ca(&["show", "99", "--json"]);
    let refused: Value = serde_json::from_str(&refused.error).unwrap();
    assert_eq!(fields(&refused["error"]), ["code", "next", "what"]);
    assert_eq!(refused["error"]["code"], "UnknownNumber");
}

#[test]
fn what_is_issued_can_be_used() {
    let desk = Desk::with_key_file();
    for (algorithm, shown) in [
        ("p256", "prime256v1"),
        ("p384", "secp384r1"),
        ("rsa2048", "2048 bit"),
        ("ed25519", "ED25519"),
    ] {
        let issued = desk.json(&["issue", "client", algorithm, "--key", algorithm, "--pem"]);
        let issued = &issued["issued"][0];
        let word = |field: &str| issued[field].as_str().unwrap().to_owned();
        let crt = word("certificate_file");
        desk.openssl(&["verify", "-x509_strict", "-CAfile", "ca/ca.crt", &crt]);
        let printed = desk.openssl(&["x509", "-in", &crt, "-noout", "-text"]);
        assert!(printed.contains(shown), "{printed}");
        let pass = format!("pass:{}", word("passphrase"));
        desk.openssl(&["pkcs12", "-in", &word("file"), "-passin", &pass, "-nodes", "-noout"]);
        let public = desk.openssl(&["pkey", "-in", &word("key_file"), "-pubout"]);
        assert_eq!(public, desk.openssl(&["x509", "-in", &crt, "-noout", "-pubkey"]));
    }
    let legacy = desk.json(&["issue", "client", "old", "--legacy"]);
    let pass = format!("pass:{}", legacy["issued"][0]["passphrase"].as_str().unwrap());
    let file = legacy["issued"][0]["file"].as_str().unwrap();
    let told = desk.openssl(&["pkcs12", "-in", file, "-passin", &pass, "-info", "-noout"]);
    assert!(told.contains("3-KeyTripleDES") && told.contains("MAC: sha1"), "{told}");
}

#[test]
fn a_list_is_resumed_where_it_stopped() {
    let desk = Desk::with_key_file();
    desk.write(
        "staff.csv",
        "\u{feff}name,person,device,days\n受付1,山田,PC1,100\n受付2,,,\nuser3,x,y,9\n",
    );
    let words = ["issue", "client", "--from", "staff.csv", "--out", "out"];
    let issued = desk.json(&words);
    let files: Vec<&str> =
        issued["issued"].as_array().unwrap().iter().map(|i| i["file"].as_str().unwrap()).collect();
    assert_eq!(files.len(), 3);
    assert_eq!(issued["refused"], serde_json::json!([]));
    let results = desk.read("out/results.csv");
    let rows: Vec<Vec<&str>> = results.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["line", "number", "name", "file", "passphrase"]);
    assert_eq!(rows.len(), 4);
    for row in &rows[1..] {
        let (file, pass) = (format!("out/{}", row[3]), format!("pass:{}", row[4]));
        desk.openssl(&["pkcs12", "-in", &file, "-passin", &pass, "-noout"]);
    }
    assert_eq!(desk.json(&["show", "受付1"])["device"], "PC1");

    // Again: nothing is left to do.
    let before = desk.json(&["list", "--all"]);
    assert_eq!(desk.json(&words)["issued"], serde_json::json!([]));
    assert_eq!(desk.json(&["list", "--all"]), before);

    // One file is lost: its certificate is revoked, and made anew; the others stay.
    std::fs::remove_file(desk.path(files[1])).unwrap();
    let ran = desk.ca(&words).success();
    assert!(ran.error.contains("000003") && ran.error.contains("revoked"), "{ran:?}");
    let states: Vec<(u64, String)> = desk.json(&["list", "--all"])["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["number"].as_u64().unwrap(), c["state"].as_str().unwrap().to_owned()))
        .collect();
    let states: Vec<(u64, &str)> = states.iter().map(|(n, s)| (*n, s.as_str())).collect();
    assert_eq!(states, [(1, "valid"), (2, "valid"), (3, "revoked"), (4, "valid"), (5, "valid")]);
    assert!(desk.read("out/results.csv").contains("3,000005,受付2,"));

    // A line that is refused keeps no other from being done.
    desk.write("mixed.csv", "name\ngood\n\" bad\"\n\n\"\"\nalso good\n");
    let ran = desk.ca(&["issue", "client", "--from", "mixed.csv", "--out", "mixed", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let done = names_in(&desk.path("mixed")).iter().filter(|n| n.ends_with(".p12")).count();
    assert!(done >= 2, "{ran:?}");
}

#[test]
fn a_new_passphrase_closes_every_older_way_in() {
    let desk = Desk::with_key_file();
    desk.json(&["issue", "client", "user1", "--escrow"]);
    let old = desk.path("old.key");
    std::fs::copy(desk.path("ca/vault.key"), &old).unwrap();
    let (new, passphrase) = (desk.write("new", "a passphrase of its own"), desk.path("passphrase"));
    let slots = desk.json(&["vault", "passwd", "--new-passphrase-file", text(&new)]);
    assert_eq!(slots["slots"].as_array().unwrap().len(), 1, "{slots}");
    assert!(!desk.path("ca/vault.key").exists(), "it opens nothing any more");
    desk.ca(&["crl", "--passphrase-file", text(&passphrase)]).refused(&["passphrase"]);
    desk.ca(&["crl", "--key-file", text(&old)]).refused(&["no slot for this kind"]);
    desk.ca(&["crl", "--passphrase-file", text(&new)]).success();
    desk.ca(&["export", "2", "--out", "ca", "--passphrase-file", text(&new)]).success();
}

/// A quickstart that listens; ended when dropped.
struct Running(Child, String);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts quickstart and reads what it prints up to the line for curl.
fn quickstart(desk: &Desk, port: u16) -> Running {
    let mut command = desk.command(desk::SEKISHO);
    command.args(["quickstart", "--listen", &format!("127.0.0.1:{port}")]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let curl = lines.find(|line| line.starts_with("curl "));
    // The rest is read as well, or the program would wait for a reader.
    std::thread::spawn(move || lines.count());
    let running = Running(child, curl.clone().unwrap_or_default());
    assert!(curl.is_some(), "no line for curl");
    running
}

#[test]
fn quickstart_prints_a_command_that_works_and_goes_on_where_it_stopped() {
    let desk = Desk::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let visit = |running: &Running| -> Ran {
        let mut shell = desk.command("sh");
        shell.args(["-c", &running.1]);
        finish(shell).success()
    };
    let running = quickstart(&desk, free);
    let page = visit(&running).out;
    assert!(page.contains("user1"), "{page}");
    let mut without = Command::new("curl");
    without.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "20", "--cacert"]);
    without.arg(desk.path("sekisho-data/ca.crt")).arg(format!("https://localhost:{free}/"));
    assert!(finish(without).error.contains("certificate required"));
    drop(running);

    let listed = |desk: &Desk| {
        let mut command = desk.command(desk::SEKISHO);
        command.args(["list", "--all", "--json", "--dir", "sekisho-data"]);
        finish(command).success().out
    };
    let (before, root) = (listed(&desk), desk.read("sekisho-data/ca.crt"));
    let running = quickstart(&desk, free);
    assert!(visit(&running).out.contains("user1"));
    drop(running);
    assert_eq!(desk.read("sekisho-data/ca.crt"), root, "the same CA");
    assert_eq!(listed(&desk), before, "no new certificate");
}
