//! Files and folders that belong to others, point elsewhere, or stand open (I37).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use desk::{Desk, SEKISHO, finish, finish_with, is_root, mode, names_in};

/// A user who is not root.
const STRANGER: u32 = 4_242;

// Catches: a file written through a link to somewhere else, or a secret read through one.
#[test]
fn a_symbolic_link_in_the_way_is_refused_and_its_target_untouched() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1", "--escrow"]).success();
    for (place, words) in [
        ("ca/ca.crl", &["crl"][..]),
        ("ca/crl.pem", &["crl"]),
        ("ca/authority/vault", &["crl"]),
        ("ca/authority/ledger", &["list"]),
        ("ca/vault.key", &["crl"]),
        ("ca/authority", &["list"]),
        ("000002__JP_orca_user1.p12", &["export", "2"]),
    ] {
        let (path, aside) = (desk.path(place), desk.path("aside"));
        std::fs::rename(&path, &aside).unwrap();
        let before = content(&aside);
        symlink(&aside, &path).unwrap();
        let ran = desk.ca(words);
        assert_eq!(ran.code, Some(1), "{place}: {ran:?}");
        assert!(ran.error.contains(place), "{place}: {ran:?}");
        assert_eq!(content(&aside), before, "{place}: written through the link");
        std::fs::remove_file(&path).unwrap();
        std::fs::rename(&aside, &path).unwrap();
    }
    // A link that leads nowhere is no invitation to make its target.
    symlink(desk.path("made"), desk.path("000003__JP_orca_user2.p12")).unwrap();
    desk.ca(&["issue", "client", "user2"]).refused(&["000003__JP_orca_user2.p12"]);
    assert!(!desk.path("made").exists());
    assert_eq!(desk.json(&["show", "3"])["state"], "revoked", "issued, and nobody holds it");
    desk.ca(&["verify"]).success();
}

#[test]
fn the_manuals_tool_follows_no_link_out_of_its_home() {
    for place in [".orca_catool", "certs"] {
        let desk = Desk::new();
        std::fs::create_dir(desk.path("elsewhere")).unwrap();
        symlink(desk.path("elsewhere"), desk.path(place)).unwrap();
        let first = finish_with(desk.orca_command(&["issue_client_cert", "-c", "user1"]), "y\n");
        first.refused(&[place, "symbolic link"]);
        assert!(names_in(&desk.path("elsewhere")).is_empty(), "{place}");
    }
}

// Catches: `sudo orca-catool`, which keeps the caller's HOME and leaves root's files in it.
#[test]
fn what_belongs_to_another_user_is_refused() {
    assert!(is_root(), "only root can give a file away: run this test as root");
    let desk = Desk::new();
    chown(desk.path(""), Some(STRANGER), None).unwrap();
    let ran = finish_with(desk.orca_command(&[]), "y\n");
    ran.refused(&["uid 4242", "sudo -H"]);
    assert_eq!(names_in(&desk.path("")), ["passphrase"]);
    chown(desk.path(""), Some(0), None).unwrap();

    let desk = Desk::with_key_file();
    for (place, words) in [
        ("ca", &["list"][..]),
        ("ca/authority", &["list"]),
        ("ca/authority/vault", &["list"]),
        ("ca/authority/ledger", &["list"]),
        ("ca/vault.key", &["crl"]),
    ] {
        chown(desk.path(place), Some(STRANGER), None).unwrap();
        desk.ca(words).refused(&[place, "uid 4242"]);
        chown(desk.path(place), Some(0), None).unwrap();
    }
    chown(desk.path("passphrase"), Some(STRANGER), None).unwrap();
    let mut crl = desk.command(SEKISHO);
    crl.args(["crl", "--dir", "ca", "--passphrase-file", "passphrase"]);
    finish(crl).refused(&["passphrase", "uid 4242"]);
}

#[test]
fn secrets_that_stand_open_are_refused() {
    let desk = Desk::with_key_file();
    for (place, open, words) in [
        ("ca", 0o770, &["list"][..]),
        ("ca", 0o707, &["list"]),
        ("ca/authority", 0o720, &["list"]),
        ("ca/authority/vault", 0o640, &["list"]),
        ("ca/authority/ledger", 0o604, &["list"]),
        ("ca/vault.key", 0o644, &["crl"]),
    ] {
        let closed = mode(&desk.path(place));
        set_mode(&desk.path(place), open);
        desk.ca(words).refused(&[place, &format!("mode {open:04o}"), "chmod"]);
        set_mode(&desk.path(place), closed);
    }
    desk.ca(&["crl"]).success();
}

// Catches: a mode that the umask decides, in either direction.
#[test]
fn modes_are_the_same_under_every_umask() {
    for umask in ["000", "077", "027"] {
        let desk = Desk::new();
        let under = |words: &str| {
            let mut command = desk.command("sh");
            command.args(["-c", &format!("umask {umask}; {SEKISHO} {words}")]);
            command.env("SEKISHO_PASSPHRASE_FILE", desk.path("passphrase"));
            finish_with(command, "y\n").success();
        };
        under("init --dir ca --passphrase-file passphrase");
        under("issue client user1 --pem --dir ca --passphrase-file passphrase");
        under("orca-catool issue_client_cert -c user1");
        for (place, expected) in [
            ("ca", 0o700),
            ("ca/authority", 0o700),
            ("ca/authority/vault", 0o600),
            ("ca/authority/ledger", 0o600),
            ("ca/ca.crt", 0o644),
            ("ca/crl.pem", 0o644),
            ("000002__JP_orca_user1.p12", 0o600),
            ("000002__JP_orca_user1.pem", 0o600),
            ("000002__JP_orca_user1.crt", 0o644),
            (".orca_catool", 0o700),
            (".orca_catool/config.yml", 0o600),
            ("certs", 0o700),
            ("certs/000002__JP_orca_user1.zip", 0o600),
        ] {
            assert_eq!(mode(&desk.path(place)), expected, "{place} under umask {umask}");
        }
    }
}

// Catches: private keys that unzip makes readable for all.
#[test]
fn unzip_gives_files_that_only_their_owner_reads() {
    let desk = Desk::new();
    desk.orca(&["issue_client_cert", "-c", "user1"]).success();
    let stem = "000002__JP_orca_user1";
    let mut unzip = desk.command("sh");
    unzip.args(["-c", &format!("umask 022; unzip -q certs/{stem}.zip")]);
    let ran = finish(unzip);
    assert_eq!(ran.code, Some(0), "{ran:?}; apt-get install unzip");
    assert_eq!(mode(&desk.path(stem)), 0o700);
    let names = names_in(&desk.path(stem));
    assert_eq!(names.len(), 6);
    for name in names {
        assert_eq!(mode(&desk.path(stem).join(&name)), 0o600, "{name}");
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The octets of a file; nothing of a folder.
fn content(path: &Path) -> Vec<u8> {
    if path.is_dir() { Vec::new() } else { std::fs::read(path).unwrap() }
}
