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
#[path = "support/strace.rs"]
mod strace;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use desk::{Desk, SEKISHO, copy_folder, finish, is_root, text};
use sekisho::ground::clock;
use sekisho::ledger::{Event, Ledger, VaultMark, octets};
use strace::inject;

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
    assert!(is_root(), "another user's folder: run as root");
    let desk = desk_of_the_authority();
    let passphrase = desk.path("passphrase");
    let list = |more: &[&str]| {
        let words = [&["list", "--all", "--passphrase-file", text(&passphrase)], more].concat();
        desk.ca(&words).success().error
    };
    announce_a_change_of_the_vault(&desk);
    assert!(list(&[]).contains("had not been made"));
    assert_eq!(list(&[]), "", "it is repaired, and was told");
    announce_a_change_of_the_vault(&desk);
    assert!(list(&["--lang", "ja"]).contains("行われていません"));
    let owners = owners(&desk.path("ca"));
    assert!(owners.iter().all(|uid| *uid != 0 && *uid == owners[0]), "{owners:?}");
}

// Catches a key file that the service cannot read at its next start.
#[test]
fn a_new_key_file_is_the_services_where_the_folder_is() {
    assert!(is_root(), "another user's folder: run as root");
    let desk = desk_of_the_authority();
    let (passphrase, made) = (desk.path("passphrase"), desk.path("new.key"));
    let key = |old: [&str; 2]| {
        let passphrase = text(&passphrase);
        let new = ["--new-passphrase-file", passphrase, "--new-key-file", text(&made)];
        desk.ca(&[&["vault", "passwd"], &old[..], &new[..]].concat()).success()
    };
    let told = key(["--passphrase-file", text(&passphrase)]);
    assert!(told.out.contains("belongs to the user sekisho"), "{told:?}");
    let mut shell = desk.command("stat");
    shell.args(["-c", "%U %G %a", "new.key"]);
    assert_eq!(finish(shell).success().out, "sekisho sekisho 600\n");
    desk.ca(&["crl", "--key-file", text(&made)]).success();

    // Elsewhere it is whose command it is.
    give_to("root", &desk);
    std::fs::rename(&made, desk.path("old.key")).unwrap();
    let old = desk.path("old.key");
    let told = key(["--key-file", text(&old)]);
    assert!(!told.out.contains("sekisho,"), "{told:?}");
    assert_eq!(std::fs::metadata(&made).unwrap().uid(), 0);
}

/// `sekisho` where `/var/lib` and `/run` are the desk's own, for as long as it runs.
fn installed(desk: &Desk, words: &[&str]) -> Command {
    let mut command = desk.command("unshare");
    let mounts = "mount --bind lib /var/lib && mount --bind run /run && exec \"$@\"";
    command.args(["--mount", "sh", "-c", mounts, "sh", SEKISHO]).args(words);
    command.arg("--passphrase-file").arg(desk.path("passphrase"));
    command
}

// Catches a folder that is neither root's nor the service's once `init` was killed while it gave it back:
// no command works over it then, and no `init`.
#[test]
fn an_init_that_is_killed_leaves_a_folder_that_the_next_command_can_use() {
    assert!(is_root(), "another user's folder: run as root");
    for (call, when) in [("fchown", 1), ("fchownat", 1), ("fchownat", 3), ("fchownat", 6)] {
        let desk = Desk::new();
        let mut shell = desk.command("sh");
        let made = format!("install -d -o {ACCOUNT} -g {ACCOUNT} -m 700 lib/sekisho");
        shell.args(["-c", &format!("mkdir -m 755 lib run && {made}")]);
        finish(shell).success();
        let faulted = inject(&desk, &installed(&desk, &["init"]), call, "signal=KILL", when);
        assert!(faulted.hit.is_some(), "{call} {when}: {:?}", faulted.ran);

        if !desk.path("lib/sekisho/authority").exists() {
            finish(installed(&desk, &["init"])).success();
        }
        assert!(desk.path("lib/sekisho/ca.crt").exists(), "{call} {when}");
        finish(installed(&desk, &["crl"])).success();
        let owners =
            [owners(&desk.path("lib/sekisho")), owners(&desk.path("run/sekisho"))].concat();
        let own = owners.iter().all(|uid| *uid != 0 && *uid == owners[0]);
        assert!(own, "{call} {when}: {owners:?}");
    }
}
