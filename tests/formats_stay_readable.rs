//! A data folder made by an earlier version opens with each of its secrets, says what it said then,
//! and goes on: `tests/data/README.md` tells how the samples were made.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::process::Command;

use desk::{Desk, Ran, copy_folder, finish, text};
use serde_json::Value;

/// When the sample's CA is in force: a day after it was made.
const A_DAY_LATER: &str = "@2026-11-23 12:00:00";

#[test]
fn the_first_format_opens_with_each_of_its_secrets() {
    let sample = Sample::copy("format-v1");
    for way in ["passphrase", "key-file"] {
        let secret = sample.desk.path(&format!("sample/{way}"));
        let option = format!("--{}", way.replace("passphrase", "passphrase-file"));
        finish(sample.command(&["crl", &option, text(&secret)])).success();
    }
    let code = sample.desk.read("sample/recovery-code");
    let command = sample.command(&["crl", "--recovery-code"]);
    let typed = [("Recovery code: ", &*format!("{}\r", code.trim()))];
    let dialogue = terminal::converse(&sample.desk, &command, &typed);
    assert_eq!((dialogue.code, dialogue.unasked), (0, 0), "{dialogue:?}");
    assert!(!dialogue.shown.contains(code.trim()), "it was shown while it was typed");
}

#[test]
fn the_first_format_says_what_it_said_and_goes_on() {
    let sample = Sample::copy("format-v1");
    let listed = sample.run(&["list", "--all"]).out;
    let mut listed: Value = serde_json::from_str(&listed).unwrap();
    let expected: Value = serde_json::from_str(&sample.desk.read("sample/list.json")).unwrap();
    // Later versions tell more; what was told then is told as it was.
    listed.as_object_mut().unwrap().retain(|field, _| expected.get(field).is_some());
    for (now, then) in listed["certificates"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(expected["certificates"].as_array().unwrap())
    {
        let then = then.as_object().unwrap();
        now.as_object_mut().unwrap().retain(|field, _| then.contains_key(field));
    }
    assert_eq!(listed["certificates"], expected["certificates"]);
    sample.run(&["verify"]);

    let exported: Value = serde_json::from_str(&sample.run(&["export", "3"]).out).unwrap();
    let pass = format!("pass:{}", exported["passphrase"].as_str().unwrap());
    let file = exported["file"].as_str().unwrap();
    let words = ["pkcs12", "-in", file, "-passin", &pass, "-nodes", "-nocerts", "-out", "key"];
    sample.desk.openssl(&words);
    let public = sample.desk.openssl(&["pkey", "-in", "key", "-pubout"]);
    assert_eq!(public, sample.desk.read("sample/user1.public.pem"));

    let number_of_state = |state: &str| {
        let all = expected["certificates"].as_array().unwrap();
        let found: Vec<&Value> = all.iter().filter(|c| c["state"] == state).collect();
        found.iter().map(|c| c["serial"].as_str().unwrap().to_uppercase()).collect::<Vec<_>>()
    };
    assert!(!number_of_state("abandoned").is_empty());
    sample.run(&["revoke", "user1"]);
    let mut on_crl = sample.desk.crl_serials(text(&sample.desk.path("sample/data/crl.pem")));
    let mut gone = [number_of_state("revoked"), number_of_state("abandoned")].concat();
    gone.push("03821EA0879EB9B808AB0E1C1D".to_owned());
    on_crl.sort();
    gone.sort();
    assert_eq!(on_crl, gone);

    let issued: Value =
        serde_json::from_str(&sample.run(&["issue", "client", "user2"]).out).unwrap();
    let next = expected["certificates"].as_array().unwrap().len() as u64 + 1;
    assert_eq!(issued["issued"][0]["number"], next);
    sample.run(&["forget-key", "3"]);
    sample.run(&["verify"]);
}

// A backup outlives the machine, and the version, that made it.
#[test]
fn the_first_backup_restores_to_what_it_was_made_of() {
    let sample = Sample::copy("backup-v1");
    let backup = sample.desk.path("sample/ca.backup");
    let passphrase = sample.desk.path("sample/backup-passphrase");
    let unseal = ["--backup-passphrase-file", text(&passphrase)];
    sample.run(&[&["backup", "verify", text(&backup)][..], &unseal].concat());
    let crl = sample.desk.path("sample/newest.crl");
    sample.run(&[&["restore", text(&backup), "--crl", text(&crl)][..], &unseal].concat());
    let listed: Value = serde_json::from_str(&sample.run(&["list", "--all"]).out).unwrap();
    let state = |name: &str| {
        let all = listed["certificates"].as_array().unwrap();
        all.iter().find(|view| view["common_name"] == name).map(|view| view["state"].clone())
    };
    assert_eq!(state("user1"), Some("valid".into()));
    assert_eq!(state("lost"), Some("revoked".into()), "by the list, after the backup");
    assert_eq!(state("later"), None);
    sample.run(&["verify"]);
    sample.run(&["crl"]);
    assert_eq!(sample.desk.crl_serials(text(&sample.desk.path("sample/data/crl.pem"))).len(), 2);
    let anchor = sample.desk.path("sample/anchor.txt");
    sample.run(&["anchor", "check", text(&anchor)]);
}

#[test]
fn the_first_shares_open_what_they_opened() {
    let sample = Sample::copy("format-v1-shares");
    let shares = sample.desk.read("sample/shares");
    let shares: Vec<&str> = shares.lines().collect();
    for [one, two] in [[0, 1], [2, 1]] {
        let command = sample.command(&["crl", "--shares"]);
        let [one, two] = [one, two].map(|place: usize| format!("{}\r", shares[place]));
        let typed = [("First share: ", &*one), ("Share 2 of the 2 needed: ", &*two)];
        let dialogue = terminal::converse(&sample.desk, &command, &typed);
        assert_eq!((dialogue.code, dialogue.unasked), (0, 0), "{dialogue:?}");
    }
    sample.run(&["verify"]);
}

struct Sample {
    desk: Desk,
}

impl Sample {
    /// A copy with the modes it had: git keeps none.
    fn copy(name: &str) -> Self {
        let desk = Desk::new();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
        copy_folder(&from, &desk.path("sample"));
        desk.peer("coreutils", "chmod", &["-R", "u=rwX,go=", text(&desk.path("sample"))]);
        Self { desk }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.desk.command(desk::SEKISHO);
        command.args(words).arg("--dir").arg(self.desk.path("sample/data"));
        self.desk.at(A_DAY_LATER, command)
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.command(&[words, &["--json"]].concat());
        command.arg("--passphrase-file").arg(self.desk.path("sample/passphrase"));
        finish(command).success()
    }
}
