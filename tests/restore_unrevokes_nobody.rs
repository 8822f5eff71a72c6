//! I14, I15: what was revoked after a backup was made stays revoked when that is restored: nobody is
//! served and nothing is signed before the newest list is merged, or somebody says that there is none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::process::Command;

use appliance::{Appliance, Client, Configuration};
use desk::{Desk, SEKISHO, eventually, finish, text};
use serde_json::Value;
use support::Upstream;

/// The CA at a desk, and who has a certificate of it.
struct Office {
    desk: Desk,
    /// Stands all the time.
    stays: Client,
    /// Revoked after the backup.
    lost: Client,
    /// Issued after the backup.
    newcomer: Client,
    /// Issued and revoked after the backup.
    passed: Client,
}

impl Office {
    /// Backed up, and then gone on: the desk's `ca/` is what has burnt, `newest.crl` what was published.
    fn new() -> Self {
        let desk = Desk::with_key_file();
        desk.write("backup-passphrase", "of the backup alone");
        let (stays, lost) = (Client::issue(&desk, "stays"), Client::issue(&desk, "lost"));
        desk.json(&["crl"]);
        copy(&desk, "ca/crl.pem", "before.crl");
        desk.json(&["crl"]);
        copy(&desk, "ca/vault.key", "vault.key");
        finish(with_passphrase(&desk, desk.sekisho(&["backup", "--to", "ca.backup"]))).success();
        let (newcomer, passed) = (Client::issue(&desk, "newcomer"), Client::issue(&desk, "passed"));
        desk.json(&["revoke", "lost", "--reason", "keyCompromise"]);
        desk.json(&["revoke", "passed", "--reason", "affiliationChanged"]);
        copy(&desk, "ca/ca.crl", "newest.crl");
        Self { desk, stays, lost, newcomer, passed }
    }

    /// The host burns down, and another has the backup. Its vault opens with the key file, which was
    /// kept elsewhere.
    fn restore(&self, more: &[&str]) -> Value {
        let desk = &self.desk;
        std::fs::rename(desk.path("ca"), desk.path("burnt")).unwrap();
        let mut command = desk.command(SEKISHO);
        command.args(["restore", "ca.backup", "--json"]).args(more);
        command.arg("--dir").arg(desk.path("ca"));
        let ran = finish(with_passphrase(desk, command)).success();
        copy(desk, "vault.key", "ca/vault.key");
        serde_json::from_str(&ran.out).unwrap()
    }

    fn listed(&self, name: &str) -> Option<Value> {
        let listed = self.desk.json(&["list", "--all"]);
        let listed = listed["certificates"].as_array().unwrap();
        listed.iter().find(|view| view["common_name"] == name).cloned()
    }
}

fn copy(desk: &Desk, from: &str, to: &str) {
    std::fs::copy(desk.path(from), desk.path(to)).unwrap();
}

fn with_passphrase(desk: &Desk, mut command: Command) -> Command {
    command.arg("--backup-passphrase-file").arg(desk.path("backup-passphrase"));
    command
}

/// The status of what a gate answers.
fn visit(service: &Appliance<'_>, client: &Client) -> Option<u16> {
    visit_within("30", service, client)
}

/// The same; none when it answers nothing for so many seconds.
fn visit_within(seconds: &str, service: &Appliance<'_>, client: &Client) -> Option<u16> {
    let url = format!("https://localhost:{}/", service.gate(0).port());
    let mut curl = service.desk.command("curl");
    curl.args(["--silent", "--max-time", seconds, "--noproxy", "*", "--write-out", "%{http_code}"]);
    curl.args(["--output", "/dev/null", "--cacert"]).arg(service.desk.path("ca/ca.crt"));
    curl.arg("--cert").arg(&client.certificate_file).arg("--key").arg(&client.key_file).arg(url);
    let ran = desk::finish_peer("curl", curl);
    ran.out.trim().parse().ok().filter(|status| *status != 0)
}

// Catches a restore that brings back who was revoked (certificates#606), on lists as well as here, and
// a list that is merged although it is older than what the backup knows, or of another CA.
#[test]
fn what_was_revoked_since_is_known_again_before_anything_is_signed() {
    let office = Office::new();
    let desk = &office.desk;
    let before = office.listed("lost").unwrap();
    let restored = office.restore(&[]);
    assert_eq!(restored["reconciled"], Value::Null);

    assert_eq!(office.listed("lost").unwrap()["state"], "valid", "as the backup has it");
    assert!(office.listed("newcomer").is_none());
    for words in [&["issue", "client", "x"][..], &["renew", "stays"], &["crl"]] {
        desk.ca(words).refused(&["restored from a backup", "sekisho restore reconcile"]);
    }
    assert!(!desk.path("ca/ca.crl").exists(), "no list that lacks somebody");
    let other = Desk::with_authority();
    let foreign = other.path("ca/ca.crl");
    let reconcile = |crl: &str| desk.ca(&["restore", "reconcile", "--crl", crl, "--json"]);
    reconcile("before.crl").refused(&["RevocationListOlderThanBackup"]);
    reconcile(text(&foreign)).refused(&["RevocationListOtherIssuer"]);
    reconcile("vault.key").refused(&[]);
    // More than one command takes is not read, let alone sent.
    std::fs::File::create(desk.path("large.crl")).unwrap().set_len(65 << 20).unwrap();
    reconcile("large.crl").refused(&["FileTooLarge", "large.crl", "67107840"]);
    assert_eq!(
        desk.ca(&["restore", "reconcile"]).code,
        Some(2),
        "a list, or the word that there is none"
    );

    let merged: Value = serde_json::from_str(&reconcile("newest.crl").success().out).unwrap();
    assert_eq!((&merged["revoked"], &merged["unknown"]), (&1.into(), &1.into()));
    reconcile("newest.crl").refused(&["NothingToReconcile"]);
    let after = office.listed("lost").unwrap();
    assert_eq!(after, before, "with its reason and its time");
    desk.ca(&["verify"]).success();

    desk.json(&["crl"]);
    let mut on_list = desk.crl_serials("ca/crl.pem");
    let mut expected = vec![office.lost.serial.to_uppercase(), office.passed.serial.to_uppercase()];
    let plain = |serials: &mut Vec<String>| {
        serials.iter_mut().for_each(|serial| *serial = serial.trim_start_matches('0').to_owned());
        serials.sort();
    };
    plain(&mut on_list);
    plain(&mut expected);
    assert_eq!(on_list, expected, "also the one of which the ledger knows nothing else");
    let number = |crl: &str, form: &str| {
        let words = ["crl", "-in", crl, "-inform", form, "-noout", "-crlnumber"];
        let shown = desk.openssl(&words);
        u64::from_str_radix(shown.trim().rsplit("0x").next().unwrap(), 16).unwrap()
    };
    assert!(number("ca/crl.pem", "PEM") > number("newest.crl", "DER") + 1000);
    desk.ca(&["verify"]).success();

    // A second backup and restore keeps what only the first list knew.
    finish(with_passphrase(desk, desk.sekisho(&["backup", "--to", "second.backup"]))).success();
    let mut again = desk.command(SEKISHO);
    again
        .args(["restore", "second.backup", "--crl", "ca/ca.crl"])
        .arg("--dir")
        .arg(desk.path("second"));
    finish(with_passphrase(desk, again)).success();
    let mut crl = desk.command(SEKISHO);
    crl.args(["crl", "--key-file", "vault.key", "--json", "--dir"]).arg(desk.path("second"));
    finish(crl).success();
    let mut on_list = desk.crl_serials("second/crl.pem");
    plain(&mut on_list);
    assert_eq!(on_list, expected);
}

// Catches a service that opens its gates by the ledger of the backup.
#[test]
fn the_gates_let_nobody_in_until_the_service_is_reconciled() {
    let office = Office::new();
    let desk = &office.desk;
    office.restore(&[]);
    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let configuration = Configuration::new().gate("front", &upstream, "");
    let service = Appliance::begin(Appliance::command(desk), desk, &configuration);
    service.log.wait_for(&["nobody is let in"]);
    assert_eq!(visit_within("2", &service, &office.stays), None);
    let (code, status) = service.status();
    assert_eq!((code, &status["restored"]["reconciled"]), (2, &Value::Null), "{status}");
    // Revoking works all the same, and is not forgotten either.
    let after = desk.json(&["revoke", "lost", "--reason", "superseded"]);
    assert!(after["crl"].is_null(), "{after}");
    assert_eq!(visit_within("2", &service, &office.stays), None);

    desk.json(&["restore", "reconcile", "--crl", "newest.crl"]);
    eventually("the gate opens", || visit_within("5", &service, &office.stays) == Some(200));
    for refused in [&office.lost, &office.newcomer, &office.passed] {
        assert_eq!(visit(&service, refused), Some(403), "{}", refused.number);
    }
    eventually("a list is published", || desk.path("ca/crl.pem").exists());
    let on_list = desk.crl_serials("ca/crl.pem");
    assert_eq!(on_list.len(), 2, "{on_list:?}");
    let next = Client::issue(desk, "next");
    assert_eq!(visit(&service, &next), Some(200));
    let (_, status) = service.status();
    assert_ne!(status["restored"]["reconciled"], Value::Null, "{status}");
    service.stop();

    // And it stays so when the service starts again.
    let service = Appliance::start(desk, &configuration);
    assert_eq!(visit(&service, &office.stays), Some(200));
    assert_eq!(visit(&service, &office.passed), Some(403));
    service.stop();
}

#[test]
fn without_a_list_somebody_must_say_so_and_is_told_what_is_lost() {
    let office = Office::new();
    let desk = &office.desk;
    office.restore(&[]);
    let ran = desk.ca(&["restore", "reconcile", "--without-crl"]).success();
    assert!(ran.error.contains("revoked after the backup are valid again"), "{ran:?}");
    let listed = desk.ca(&["list"]).success();
    assert!(listed.out.contains("without a CRL: revocations in between are lost"), "{listed:?}");
    desk.json(&["crl"]);
    assert_eq!(desk.crl_serials("ca/crl.pem"), Vec::<String>::new());
    desk.ca(&["restore", "reconcile", "--without-crl"]).refused(&["reconciled already"]);
}
