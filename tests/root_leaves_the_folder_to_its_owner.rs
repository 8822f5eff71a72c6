//! Root's commands over a folder of the authority's account are carried out by a process of that
//! account; root is told all the same what that found.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use desk::{Desk, copy_folder, finish, is_root, text};
use sekisho::ground::clock;
use sekisho::ledger::{Event, Ledger, VaultMark, octets};

/// The account that the package makes.
const ACCOUNT: &str = "sekisho-authority";

/// A desk whose CA belongs to the authority's account.
fn desk_of_the_authority() -> Desk {
    let desk = Desk::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-v1");
    copy_folder(&data.join("data"), &desk.path("ca"));
    std::fs::copy(data.join("passphrase"), desk.path("passphrase")).unwrap();
    give_to(ACCOUNT, &desk);
    desk
}

/// Gives the CA to an account, which must get to it.
fn give_to(account: &str, desk: &Desk) {
    let closed = "chmod -R go= ca && chmod 600 passphrase && chmod 755 .";
    let mut shell = desk.command("sh");
    shell.args(["-c", &format!("{closed} && chown -R {account}: ca")]);
    finish(shell).success();
}

/// Leaves the CA as a crash does before the vault's file is replaced.
fn announce_a_change_of_the_vault(desk: &Desk) {
    give_to("root", desk);
    let ledger = Ledger::open(&desk.path("ca/authority/ledger")).unwrap();
    let current = ledger.reader().unwrap().vault_marks().unwrap().current.unwrap();
    let next = VaultMark { generation: current.generation + 1, sha256: octets(&[7; 32]).unwrap() };
    let mut transaction = ledger.begin(clock::now(), "test").unwrap();
    transaction.append(Event::VaultChanging(next)).unwrap();
    transaction.commit().unwrap();
    give_to(ACCOUNT, desk);
}

/// Those who own what lies in a folder.
fn owners(folder: &Path) -> Vec<u32> {
    let mut owners = vec![std::fs::metadata(folder).unwrap().uid()];
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            owners.extend(self::owners(&entry.path()));
        } else {
            owners.push(entry.metadata().unwrap().uid());
        }
    }
    owners
}

// Catches repairs that are made behind root's back.
#[test]
fn what_the_owners_authority_repaired_is_told() {
    if !is_root() {
        // Nobody else leaves a folder to another user.
        return;
    }
    let desk = desk_of_the_authority();
    let passphrase = desk.path("passphrase");
    let list = |more: &[&str]| {
        let words = [&["list", "--all", "--passphrase-file", text(&passphrase)], more].concat();
        desk.ca(&words).success().error
    };
    announce_a_change_of_the_vault(&desk);
    assert!(list(&[]).contains("was not done"));
    assert_eq!(list(&[]), "", "it is repaired, and was told");
    announce_a_change_of_the_vault(&desk);
    assert!(list(&["--lang", "ja"]).contains("行われていません"));
    let owners = owners(&desk.path("ca"));
    assert!(owners.iter().all(|uid| *uid != 0 && *uid == owners[0]), "{owners:?}");
}
