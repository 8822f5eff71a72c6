//! I37: links in the way, folders of other users, and secrets that others can read are refused; what
//! is written has the modes it should have.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use desk::{Desk, finish, is_root, mode, names_in, text};

/// A user who is not the one that runs the tests.
const SOMEBODY: u32 = 1000;

#[test]
fn links_in_the_way_are_refused_and_their_targets_untouched() {
    let desk = Desk::with_key_file();
    let target = desk.write("target", "kept");
    let list =
        |desk: &Desk| desk.json(&["list", "--all"])["certificates"].as_array().unwrap().len();

    symlink(desk.path("ca"), desk.path("link")).unwrap();
    let mut linked = desk.command(desk::SEKISHO);
    linked.args(["crl", "--dir", "link"]);
    finish(linked).refused(&["symbolic link"]);

    let issued = list(&desk);
    symlink(&target, desk.path("000002__JP_orca_user1.p12")).unwrap();
    let ran = desk.ca(&["issue", "client", "user1"]);
    ran.refused(&["000002__JP_orca_user1.p12 exists already"]);
    // Nobody will ever hold it: it is revoked at once.
    assert_eq!(list(&desk), issued + 1);
    assert_eq!(desk.json(&["show", "2"])["state"], "revoked");

    std::fs::remove_file(desk.path("ca/crl.pem")).unwrap();
    symlink(&target, desk.path("ca/crl.pem")).unwrap();
    desk.ca(&["crl"]).refused(&["crl.pem", "symbolic link"]);

    desk.write("staff.csv", "name\na\n");
    std::fs::create_dir(desk.path("out")).unwrap();
    symlink(&target, desk.path("out/results.csv")).unwrap();
    desk.peer("coreutils", "chmod", &["700", "out"]);
    let ran = desk.ca(&["issue", "client", "--from", "staff.csv", "--out", "out"]);
    ran.refused(&["results.csv", "symbolic link"]);

    symlink(desk.path("ca/vault.key"), desk.path("linked.key")).unwrap();
    desk.ca(&["crl", "--key-file", "linked.key"]).refused(&["linked.key", "symbolic link"]);
    assert_eq!(desk.read("target"), "kept");
}

#[test]
fn the_manuals_places_are_real_folders() {
    for place in [".orca_catool", "certs"] {
        let desk = Desk::new();
        std::fs::create_dir(desk.path("elsewhere")).unwrap();
        symlink(desk.path("elsewhere"), desk.path(place)).unwrap();
        let ran = desk.orca(&["issue_client_cert", "-c", "user1"]);
        ran.refused(&[place, "symbolic link"]);
        assert_eq!(names_in(&desk.path("elsewhere")), Vec::<String>::new());
    }
}

#[test]
fn the_home_of_another_user_is_refused_and_sudo_named() {
    assert!(is_root(), "another user's home is made with chown: run as root");
    let desk = Desk::new();
    chown(desk.path(""), Some(SOMEBODY), None).unwrap();
    for words in [[].as_slice(), &["issue_client_cert", "-c", "user1"], &["list_cert"]] {
        let ran = desk.orca(words);
        ran.refused(&["belongs to another user (uid 1000)", "sudo -H"]);
    }
    assert_eq!(names_in(&desk.path("")), ["passphrase"], "nothing was written there");
    chown(desk.path(""), Some(0), None).unwrap();

    desk.ca(&["init"]).success();
    for part in ["ca", "ca/authority", "ca/authority/vault"] {
        chown(desk.path(part), Some(SOMEBODY), None).unwrap();
        let ran = desk.ca(&["crl"]);
        ran.refused(&["belongs to another user (uid 1000)"]);
        chown(desk.path(part), Some(0), None).unwrap();
    }
    desk.ca(&["crl"]).success();
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let desk = Desk::with_key_file();
    let loosen = |path: &str, mode: &str| desk.peer("coreutils", "chmod", &[mode, path]);
    let passphrase = desk.path("passphrase");
    for (path, words) in [
        ("passphrase", ["crl", "--passphrase-file", text(&passphrase)].as_slice()),
        ("ca/vault.key", &["crl"]),
        ("ca/authority/vault", &["crl"]),
        ("ca/authority/ledger", &["list"]),
    ] {
        for open in ["640", "604", "644"] {
            loosen(path, open);
            desk.ca(words).refused(&[path, &format!("(mode 0{open})"), "chmod go="]);
        }
        loosen(path, "600");
    }
    for open in ["770", "702"] {
        loosen("ca", open);
        desk.ca(&["list"]).refused(&["open to other users"]);
        loosen("ca", "700");
    }
    desk.ca(&["crl"]).success();
}

#[test]
fn what_is_written_is_closed_where_it_is_secret_and_open_where_it_is_not() {
    let desk = Desk::with_key_file();
    desk.write("staff.csv", "name\na\n");
    let mut command = desk.command("sh");
    let script = "umask 000; exec \"$@\"";
    command.args(["-c", script, "sh", desk::SEKISHO, "issue", "server", "localhost", "--pem"]);
    command.arg("--dir").arg(desk.path("ca"));
    finish(command).success();
    let mut bulk = desk.command("sh");
    bulk.args(["-c", script, "sh", desk::SEKISHO, "issue", "client", "--from", "staff.csv"]);
    bulk.args(["--out", "out", "--dir"]).arg(desk.path("ca"));
    finish(bulk).success();
    desk.ca(&["crl"]).success();
    let has = |path: &str| mode(&desk.path(path));
    for secret in [
        "ca/vault.key",
        "ca/authority/vault",
        "ca/authority/ledger",
        "000002__JP_orca_localhost.p12",
        "000002__JP_orca_localhost.pem",
        "out/results.csv",
        "out/000003__JP_orca_a.p12",
    ] {
        assert_eq!(has(secret), 0o600, "{secret}");
    }
    for folder in ["ca", "ca/authority", "out"] {
        assert_eq!(has(folder), 0o700, "{folder}");
    }
    for public in ["ca/ca.crt", "ca/ca.crl", "ca/crl.pem", "000002__JP_orca_localhost.crt"] {
        assert_eq!(has(public), 0o644, "{public}");
    }
    no_litter(&desk.path(""));
}

/// No temporary file is left in a folder or below it.
fn no_litter(folder: &Path) {
    for name in names_in(folder) {
        assert!(!name.starts_with(".sekisho"), "{name}");
        if folder.join(&name).is_dir() {
            no_litter(&folder.join(&name));
        }
    }
}
