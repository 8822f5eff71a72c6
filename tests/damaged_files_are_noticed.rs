//! Disks that flip bits and files that somebody prepared: the answer is right, or there is none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it found"
)]

#[path = "support/desk.rs"]
mod desk;

use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use desk::{Desk, Ran, SEKISHO, copy_folder, finish, finish_peer};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};
use sekisho::ledger::sha256;

/// Flips in the ledger and in the vault.
const LEDGER_FLIPS: usize = 240;
const VAULT_FLIPS: usize = 60;

// Catches: a panic of the store (101), a wrong answer taken for a right one, a refusal that blames
// the person (I33).
#[test]
fn a_flipped_bit_gives_the_right_answer_or_a_clear_refusal() {
    let desk = populated();
    let right = listed(&desk, "ca").success().out;
    let (ledger, vault) = (size(&desk, "ledger"), size(&desk, "vault"));
    let mut runner = TestRunner::new(Config::default());
    let mut sample = |file: &'static str, size: u64, count: usize| -> Vec<(&str, u64)> {
        let bits = proptest::collection::vec(0..size * 8, count).new_tree(&mut runner).unwrap();
        bits.current().into_iter().map(|bit| (file, bit)).collect()
    };
    let flips =
        [sample("ledger", ledger, LEDGER_FLIPS), sample("vault", vault, VAULT_FLIPS)].concat();
    let (next, noticed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (desk, flips, next, noticed, right) = (&desk, &flips, &next, &noticed, &right);
            scope.spawn(move || {
                let folder = format!("copy{worker}");
                while let Some((file, bit)) = flips.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let what = format!("{file}, bit {bit}");
                    copy_folder(&desk.path("ca"), &desk.path(&folder));
                    flip(desk, &format!("{folder}/authority/{file}"), *bit);
                    let verified = at(desk, &folder, &["verify"]);
                    let list = listed(desk, &folder);
                    for ran in [&verified, &list] {
                        assert!(matches!(ran.code, Some(0 | 1)), "{what}: {ran:?}");
                        if ran.code == Some(1) {
                            assert!(blames_the_file(ran), "{what}: {ran:?}");
                        }
                    }
                    assert!(list.code == Some(1) || list.out == *right, "{what}: {list:?}");
                    if *file == "vault" {
                        assert_eq!(verified.code, Some(1), "{what}: not noticed: {verified:?}");
                    }
                    noticed.fetch_add(usize::from(verified.code == Some(1)), Ordering::Relaxed);
                    std::fs::remove_dir_all(desk.path(&folder)).unwrap();
                }
            });
        }
    });
    println!("{} of {} flips were noticed", noticed.into_inner(), flips.len());
}

// Catches: a copy that stopped half way, taken for a whole.
#[test]
fn a_file_that_is_cut_short_or_empty_is_refused() {
    let desk = populated();
    for file in ["ledger", "vault"] {
        for part in [0, 1, 15, 20, 100, size(&desk, file) / 2, size(&desk, file) - 1] {
            copy_folder(&desk.path("ca"), &desk.path("copy"));
            let path = desk.path("copy/authority").join(file);
            std::fs::File::options().write(true).open(&path).unwrap().set_len(part).unwrap();
            let ran = at(&desk, "copy", &["verify"]);
            assert_eq!(ran.code, Some(1), "{file} of {part}: {ran:?}");
            assert!(blames_the_file(&ran), "{file} of {part}: {ran:?}");
            std::fs::remove_dir_all(desk.path("copy")).unwrap();
        }
    }
}

// Catches: memory or time taken because a file asks for it, before anything is checked (I34).
#[test]
fn a_vault_that_asks_for_huge_costs_is_refused_before_any_memory_is_taken() {
    let desk = Desk::with_authority();
    let vault = desk.path("ca/authority/vault");
    let genuine = std::fs::read(&vault).unwrap();
    // 64 MiB, 3 passes, 4 lanes, as DER: three INTEGERs.
    let costs = [2, 3, 1, 0, 0, 2, 1, 3, 2, 1, 4];
    let place = genuine.windows(costs.len()).position(|window| window == costs).unwrap();
    for (offset, asked) in [
        (2, [0x7F, 0xFF, 0xFF].as_slice()), // 8 GiB
        (2, &[0x20, 0, 0]),                 // 2 GiB
        (2, &[0, 0x80, 0]),                 // 32 MiB: cheaper to guess
        (7, &[0x7F]),                       // 127 passes
        (10, &[0x7F]),                      // 127 lanes
        (7, &[0]),
        (10, &[0]),
    ] {
        let mut forged = genuine[..genuine.len() - 32].to_vec();
        forged[place + offset..place + offset + asked.len()].copy_from_slice(asked);
        forged.extend_from_slice(&sha256(&forged));
        desk.write("ca/authority/vault", &forged);
        // Not the words of a machine without memory: it was never asked for any.
        bounded(&desk, &["crl"]).refused(&["has settings that sekisho never writes"]);
    }
    // A body said to be of 4 GiB, and a file that is.
    let mut forged = genuine.clone();
    forged[16..20].fill(0xFF);
    desk.write("ca/authority/vault", &forged);
    bounded(&desk, &["crl"]).refused(&["vault file is damaged"]);
    let file = std::fs::File::options().write(true).open(&vault).unwrap();
    file.set_len(4 << 30).unwrap();
    bounded(&desk, &["crl"]).refused(&["is larger than the"]);
    // The bound itself is no obstacle.
    desk.write("ca/authority/vault", &genuine);
    bounded(&desk, &["crl"]).success();
}

// Catches: two kinds of damage that ask for different remedies, told in one sentence.
#[test]
fn damage_of_each_kind_has_its_own_sentence() {
    let desk = Desk::with_authority();
    let read = |file: &str| std::fs::read(desk.path(file)).unwrap();
    let (vault, ledger) = (read("ca/authority/vault"), read("ca/authority/ledger"));
    let mut sentences = std::collections::BTreeSet::new();
    let mut said = |words: &[&str]| {
        let ran = desk.ca(words);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(sentences.insert(ran.error.clone()), "said before: {ran:?}");
    };
    desk.write("other", "another passphrase");
    said(&["crl", "--passphrase-file", "other"]);
    desk.write("ca/authority/vault", &vault[..vault.len() / 2]);
    said(&["crl"]);
    let mut flipped = vault.clone();
    flipped[100] ^= 1;
    desk.write("ca/authority/vault", &flipped);
    said(&["crl"]);
    desk.write("ca/authority/vault", "something else");
    said(&["crl"]);
    desk.write("ca/authority/vault", &vault);
    desk.write("other", "another passphrase");
    desk.ca(&["vault", "passwd", "--new-passphrase-file", "other"]).success();
    let new_vault = read("ca/authority/vault");
    // The vault is older than the ledger, and the reverse.
    desk.write("ca/authority/vault", &vault);
    said(&["crl"]);
    desk.write("ca/authority/vault", &new_vault);
    desk.write("ca/authority/ledger", &ledger);
    said(&["crl", "--passphrase-file", "other"]);
    desk.write("ca/authority/ledger", &ledger[..ledger.len() / 2]);
    said(&["crl", "--passphrase-file", "other"]);
    std::fs::remove_file(desk.path("ca/authority/ledger")).unwrap();
    said(&["crl", "--passphrase-file", "other"]);
}

/// A CA with certificates in every state a person can make.
fn populated() -> Desk {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "server", "localhost"]).success();
    for name in ["user1", "user2", "受付1"] {
        desk.ca(&["issue", "client", name, "--escrow"]).success();
    }
    desk.ca(&["revoke", "user1"]).success();
    desk.ca(&["forget-key", "user2"]).success();
    desk
}

fn size(desk: &Desk, file: &str) -> u64 {
    std::fs::metadata(desk.path("ca/authority").join(file)).unwrap().len()
}

fn flip(desk: &Desk, path: &str, bit: u64) {
    let file = std::fs::File::options().read(true).write(true).open(desk.path(path)).unwrap();
    let mut octet = [0];
    file.read_exact_at(&mut octet, bit / 8).unwrap();
    octet[0] ^= 1 << (bit % 8);
    file.write_all_at(&octet, bit / 8).unwrap();
}

fn listed(desk: &Desk, folder: &str) -> Ran {
    at(desk, folder, &["list", "--all", "--json"])
}

fn at(desk: &Desk, folder: &str, words: &[&str]) -> Ran {
    let mut command = desk.command(SEKISHO);
    command.args(words).args(["--dir", folder]);
    finish(command)
}

/// The refusal is about the files, not about the person's words or passphrase.
fn blames_the_file(ran: &Ran) -> bool {
    ["ledger", "vault"].iter().any(|part| ran.error.contains(part)) && ran.error.contains('→')
        || ran.error.contains("\"error\"")
}

/// With 1 GiB of address space and 20 seconds of processor time.
fn bounded(desk: &Desk, words: &[&str]) -> Ran {
    let genuine: Command = desk.sekisho(words);
    let mut command = desk.command("prlimit");
    command.args(["--as=1073741824", "--cpu=20"]).arg(genuine.get_program());
    command.args(genuine.get_args());
    finish_peer("util-linux", command)
}
