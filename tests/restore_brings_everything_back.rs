//! I21: a backup onto a blank host is the whole CA: it issues, revokes and signs there, and openssl
//! agrees. A backup that is not whole, or not ours, brings nothing back; nor does a restore that is
//! killed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/strace.rs"]
mod strace;
#[path = "support/terminal.rs"]
mod terminal;

use std::process::Command;

use desk::{Desk, Ran, SEKISHO, finish, mode, names_in, text};
use serde_json::Value;
use strace::inject;

/// The passphrase of every backup of these tests.
const OF_THE_BACKUP: &str = "of the backup alone";

/// A command with the passphrase of the backup.
fn backup(desk: &Desk, words: &[&str]) -> Command {
    desk.write("backup-passphrase", OF_THE_BACKUP);
    let mut command = desk.sekisho(words);
    command.arg("--backup-passphrase-file").arg(desk.path("backup-passphrase"));
    command
}

/// A command over the folder that was restored, which is not the desk's CA any more.
fn restored(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.command(SEKISHO);
    command.args(words).arg("--dir").arg(desk.path("restored"));
    finish(with_passphrases(desk, command))
}

fn with_passphrases(desk: &Desk, mut command: Command) -> Command {
    command.arg("--passphrase-file").arg(desk.path("passphrase"));
    command
}

fn restore(desk: &Desk, file: &str, more: &[&str]) -> Command {
    desk.write("backup-passphrase", OF_THE_BACKUP);
    let mut command = desk.command(SEKISHO);
    command.args(["restore", file]).args(more).arg("--dir").arg(desk.path("restored"));
    command.arg("--backup-passphrase-file").arg(desk.path("backup-passphrase"));
    command
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

// Catches a backup that lacks the key of the CA (certmate#409), an index, or a kept key; and numbers
// that are given twice.
#[test]
fn a_blank_host_issues_revokes_and_hands_out_again_and_openssl_agrees() {
    let desk = Desk::with_authority();
    desk.json(&["issue", "client", "kept", "--escrow", "--person", "山田 花子"]);
    desk.json(&["issue", "client", "lost"]);
    desk.json(&["revoke", "lost", "--reason", "keyCompromise"]);
    let before = desk.json(&["list", "--all"]);
    // It needs nobody to open the vault.
    finish(backup(&desk, &["backup", "--to", "ca.backup"])).success();
    assert_eq!(mode(&desk.path("ca.backup")), 0o600);
    let content = std::fs::read(desk.path("ca.backup")).unwrap();
    assert!(!content.windows(4).any(|window| window == b"kept"), "a name lies open in it");

    let drill =
        json(&finish(backup(&desk, &["backup", "verify", "ca.backup", "--json"])).success());
    assert_eq!((&drill["certificates"], &drill["kept_keys"]), (&3.into(), &1.into()));
    assert_eq!(drill["crl_entries"], 2, "what was revoked, and what the drill revoked");

    // Another host has nothing but the file.
    let crl = desk.path("newest.crl");
    std::fs::copy(desk.path("ca/ca.crl"), &crl).unwrap();
    std::fs::rename(desk.path("ca"), desk.path("burnt")).unwrap();
    finish(restore(&desk, "ca.backup", &["--crl", text(&crl)])).success();
    let mut names = vec!["authority".to_owned(), "ca.crt".to_owned()];
    assert_eq!(names_in(&desk.path("restored")), names);
    let mut after = json(&restored(&desk, &["list", "--all", "--json"]).success());
    assert_eq!(after["certificates"], before["certificates"]);
    assert_eq!(after["restored"]["crl_number"], 2);
    restored(&desk, &["verify"]).success();

    std::fs::create_dir(desk.path("out")).unwrap();
    let out = desk.path("out");
    let words = ["issue", "client", "new", "--pem", "--json", "--out", text(&out)];
    let issued = json(&restored(&desk, &words).success());
    let issued = &issued["issued"][0];
    let number = issued["number"].as_u64().unwrap();
    assert!(number > 10_000, "{number} may have been given since the backup");
    let root = desk.path("restored/ca.crt");
    let file = issued["certificate_file"].as_str().unwrap();
    desk.openssl(&["verify", "-CAfile", text(&root), file]);
    let exported =
        json(&restored(&desk, &["export", "kept", "--json", "--out", text(&out)]).success());
    let pass = format!("pass:{}", exported["passphrase"].as_str().unwrap());
    desk.openssl(&[
        "pkcs12",
        "-in",
        exported["file"].as_str().unwrap(),
        "-passin",
        &pass,
        "-noout",
    ]);

    restored(&desk, &["revoke", "new"]).success();
    let crl = desk.path("restored/crl.pem");
    let both = desk.openssl(&["crl", "-in", text(&crl), "-noout", "-text", "-CAfile", text(&root)]);
    assert!(both.contains("verify OK"), "{both}");
    let number: u64 = desk
        .openssl(&["crl", "-in", text(&crl), "-noout", "-crlnumber"])
        .trim()
        .rsplit("0x")
        .next()
        .map(|hex| u64::from_str_radix(hex, 16).unwrap())
        .unwrap();
    assert!(number > 10_000, "CRL {number} may have been published since the backup");
    assert_eq!(desk.crl_serials(text(&crl)).len(), 2);
    let mut refused = desk.command("openssl");
    refused.args(["verify", "-crl_check", "-CAfile", text(&root), "-CRLfile", text(&crl), file]);
    let refused = desk::finish_peer("openssl", refused);
    assert!(refused.error.contains("certificate revoked"), "{refused:?}");
    after = json(&restored(&desk, &["list", "--all", "--json"]).success());
    assert_eq!(after["certificates"].as_array().unwrap().len(), 4);
    names.extend(["ca.crl".to_owned(), "crl.pem".to_owned()]);
    names.sort();
    assert_eq!(names_in(&desk.path("restored")), names);
}

// Catches a copy of the store's file: what was erased lies in its free pages.
#[test]
fn a_forgotten_key_is_in_no_backup() {
    let desk = Desk::with_key_file();
    desk.json(&["issue", "client", "kept", "--escrow"]);
    desk.json(&["issue", "client", "forgotten", "--escrow"]);
    desk.json(&["forget-key", "forgotten"]);
    finish(backup(&desk, &["backup", "--to", "ca.backup"])).success();
    let drill =
        json(&finish(backup(&desk, &["backup", "verify", "ca.backup", "--json"])).success());
    assert_eq!(drill["kept_keys"], 1);
}

#[test]
fn no_file_is_written_over_and_only_a_blank_folder_is_restored_onto() {
    let desk = Desk::with_authority();
    let there = desk.write("there", "mine");
    finish(backup(&desk, &["backup", "--to", "there"])).refused(&["there", "already exists"]);
    finish(backup(&desk, &["backup", "--to", "nowhere/file"])).refused(&["nowhere"]);
    assert_eq!(std::fs::read(there).unwrap(), b"mine");
    finish(backup(&desk, &["backup", "--to", "ca.backup"])).success();

    std::fs::create_dir(desk.path("restored")).unwrap();
    desk.write("restored/notes.txt", "mine");
    finish(restore(&desk, "ca.backup", &[])).refused(&["not empty", "notes.txt"]);
    assert_eq!(names_in(&desk.path("restored")), ["notes.txt"]);
    std::fs::remove_file(desk.path("restored/notes.txt")).unwrap();
    desk.write("restored/ca.crt", "another CA's");
    finish(restore(&desk, "ca.backup", &[])).refused(&["ca.crt", "already exists"]);
    assert_eq!(desk.read("restored/ca.crt"), "another CA's");
    std::fs::remove_file(desk.path("restored/ca.crt")).unwrap();
    finish(restore(&desk, "ca.backup", &["--without-crl"])).success();
    finish(restore(&desk, "ca.backup", &[])).refused(&["not empty", "authority"]);
}

// I34 and the seal: whatever part of the file is another, it is said, and nothing is made. What stands
// inside the chunks is held against every flip in `vault::stream`.
#[test]
fn a_wrong_passphrase_a_cut_and_a_flipped_bit_anywhere_are_clear_errors() {
    let desk = Desk::with_authority();
    finish(backup(&desk, &["backup", "--to", "ca.backup"])).success();
    let whole = std::fs::read(desk.path("ca.backup")).unwrap();
    let blank = || assert!(!desk.path("restored/authority").exists());

    desk.write("backup-passphrase", "of another backup");
    let mut other = desk.command(SEKISHO);
    other.args(["restore", "ca.backup", "--backup-passphrase-file", "backup-passphrase"]);
    other.arg("--dir").arg(desk.path("restored"));
    finish(other).refused(&["the passphrase does not open the backup"]);
    blank();
    finish(restore(&desk, "passphrase", &[])).refused(&["not a sekisho backup"]);

    let length = whole.len();
    let places = (0..10).map(|step| step * (length - 1) / 9);
    for place in places {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        desk.write("flipped.backup", &flipped);
        let ran = finish(restore(&desk, "flipped.backup", &[]));
        let said =
            ["not a sekisho backup", "damaged or cut short"].map(|part| ran.error.contains(part));
        assert!(said.contains(&true) && ran.code == Some(1), "octet {place}: {ran:?}");
        desk.write("cut.backup", &whole[..place]);
        let ran = finish(restore(&desk, "cut.backup", &[]));
        let said =
            ["not a sekisho backup", "damaged or cut short"].map(|part| ran.error.contains(part));
        assert!(said.contains(&true) && ran.code == Some(1), "cut at {place}: {ran:?}");
        blank();
    }
    let longer = [whole.as_slice(), b"x"].concat();
    desk.write("longer.backup", &longer);
    finish(restore(&desk, "longer.backup", &[])).refused(&["damaged or cut short"]);
    blank();
    finish(restore(&desk, "ca.backup", &[])).success();
}

// Catches a CA of which one file has its name before the other is whole.
#[test]
fn a_restore_that_is_killed_leaves_a_whole_ca_or_none() {
    let desk = Desk::with_authority();
    desk.json(&["issue", "client", "user"]);
    finish(backup(&desk, &["backup", "--to", "ca.backup"])).success();
    let (mut whole, mut none) = (0, 0);
    for (call, places) in KILLS {
        for place in *places {
            let command = restore(&desk, "ca.backup", &["--without-crl"]);
            let killed = inject(&desk, &command, call, "signal=KILL", *place);
            assert!(killed.hit.is_some(), "{call} {place}: {:?}", killed.ran);
            if desk.path("restored/authority").exists() {
                whole += 1;
            } else {
                none += 1;
                finish(restore(&desk, "ca.backup", &["--without-crl"])).success();
            }
            let verified = json(&restored(&desk, &["verify", "--json"]).success());
            assert_eq!(verified["certificates"], 2, "{call} {place}");
            assert!(!desk.path("restored/.new/authority").exists(), "{call} {place}: litter");
            assert!(desk.path("restored/ca.crt").exists(), "{call} {place}");
            std::fs::remove_dir_all(desk.path("restored")).unwrap();
        }
    }
    assert!(whole > 0 && none > 3, "{whole} were whole, {none} were not");
}

/// The system calls that make a restored CA durable, at the beginning and the end of each of its files;
/// the ninth `fsync` comes after the rename that makes it one.
const KILLS: &[(&str, &[u32])] =
    &[("fdatasync", &[5, 20]), ("linkat", &[1, 2]), ("renameat", &[1, 2]), ("fsync", &[8, 9])];

#[test]
fn the_passphrase_is_asked_twice_and_never_shown() {
    let desk = Desk::japanese();
    desk.ca(&["init"]).success();
    let command = desk.sekisho(&["backup", "--to", "ca.backup"]);
    let typed = format!("{OF_THE_BACKUP}\r");
    let (first, again) = ("12文字以上", "確認のためもう一度");
    let dialogue = terminal::converse(&desk, &command, &[(first, &typed), (again, &typed)]);
    assert_eq!((dialogue.code, dialogue.unasked, dialogue.restored), (0, 0, true), "{dialogue:?}");
    assert!(!dialogue.shown.contains(OF_THE_BACKUP), "{dialogue:?}");
    let command = desk.sekisho(&["backup", "--to", "second.backup"]);
    let other = [(first, &*typed), (again, "of something else\r")];
    let dialogue = terminal::converse(&desk, &command, &other);
    assert_eq!(dialogue.code, 1, "{dialogue:?}");
    assert!(!desk.path("second.backup").exists());
    let without = finish(desk.sekisho(&["backup", "--to", "third.backup"]));
    if !has_terminal() {
        without.refused(&["--backup-passphrase-file"]);
    }
    finish(restore(&desk, "ca.backup", &["--without-crl"])).success();
}

/// Whether the tests themselves run at a terminal, where they would be asked.
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

// A full disk is told of, and leaves neither a backup that looks whole nor litter.
#[test]
fn a_backup_that_cannot_be_written_leaves_nothing() {
    let desk = Desk::with_authority();
    std::fs::create_dir(desk.path("disk")).unwrap();
    // Of the ledger's own writing, `tests/a_failing_disk_loses_nothing.rs` tells.
    // The first two are of the look whether the folder can be written to.
    for (call, place) in [("fsync", 1), ("fsync", 3), ("linkat", 2)] {
        let command = backup(&desk, &["backup", "--to", "disk/ca.backup"]);
        let failed = inject(&desk, &command, call, "error=ENOSPC", place);
        assert!(failed.hit.is_some(), "{call}: {:?}", failed.ran);
        failed.ran.refused(&["full", "disk"]);
        assert_eq!(names_in(&desk.path("disk")), Vec::<String>::new(), "{call}");
    }
}
