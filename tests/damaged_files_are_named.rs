//! I33, I34: a flipped bit anywhere in the ledger or the vault gives a clear error or the right answer,
//! and a vault that asks for terabytes is refused before anything is taken.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use desk::{Desk, Ran, finish};
use sha2::{Digest, Sha256};

/// Flipped bits of each file.
const FLIPS: usize = 150;

#[test]
fn a_flipped_bit_gives_a_clear_error_or_the_right_answer() {
    let desk = Desk::with_key_file();
    desk.write("staff.csv", "name,person\na,x\nb,y\nc,z\n");
    desk.ca(&["issue", "client", "--from", "staff.csv", "--out", "out"]).success();
    desk.ca(&["issue", "client", "user1", "--escrow"]).success();
    desk.ca(&["revoke", "a"]).success();
    let right = desk.json(&["list", "--all"]);
    let number_of_crl = desk.json(&["crl"])["number"].as_u64().unwrap();
    let mut found = 0;
    for file in ["ca/authority/ledger", "ca/authority/vault"] {
        let good = std::fs::read(desk.path(file)).unwrap();
        let other =
            if file.ends_with("vault") { "ca/authority/ledger" } else { "ca/authority/vault" };
        let good_other = std::fs::read(desk.path(other)).unwrap();
        for flip in 0..FLIPS {
            // Spread over the file, with a step that shares no factor with a page.
            let bit = (flip * 1_000_003 * 7) % (good.len() * 8);
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            desk.write(file, &flipped);
            let listed = desk.ca(&["list", "--all", "--json"]);
            let verified = desk.ca(&["verify", "--json"]);
            let signed = desk.ca(&["crl", "--json"]);
            for ran in [&listed, &verified, &signed] {
                assert_clear(ran, &format!("bit {bit} of {file}"));
            }
            if listed.code == Some(0) {
                let answer: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
                assert_eq!(answer, right, "bit {bit} of {file}");
            }
            if signed.code == Some(0) {
                let answer: serde_json::Value = serde_json::from_str(&signed.out).unwrap();
                assert_eq!(answer["number"], number_of_crl + 1, "bit {bit} of {file}");
                assert_eq!(answer["entries"], 1, "bit {bit} of {file}");
            }
            found += usize::from(verified.code == Some(1));
            desk.write(file, &good);
            desk.write(other, &good_other);
        }
    }
    // Every octet of the vault is digested; much of a store's file is free pages.
    assert!(found > 200, "only {found} of {} flips were noticed", 2 * FLIPS);
    assert_eq!(desk.json(&["list", "--all"]), right);
}

#[test]
fn a_vault_that_asks_for_terabytes_is_refused_before_any_memory_is_taken() {
    let desk = Desk::with_authority();
    let good = std::fs::read(desk.path("ca/authority/vault")).unwrap();
    // The costs of the slot: 64 MiB in KiB, 3 passes.
    let costs = [0x02, 0x03, 0x01, 0x00, 0x00, 0x02, 0x01, 0x03];
    let place = good.windows(costs.len()).position(|window| window == costs).unwrap();
    for (memory, passes) in [
        ([0x7F, 0xFF, 0xFF], 3),
        ([0x01, 0x00, 0x00], 0x7F),
        ([0x00, 0x80, 0x08], 3),
        ([0x10, 0x00, 0x01], 3),
    ] {
        let mut greedy = good.clone();
        greedy[place + 2..place + 5].copy_from_slice(&memory);
        greedy[place + 7] = passes;
        let body = greedy.len() - 32;
        let digest = Sha256::digest(&greedy[..body]);
        greedy[body..].copy_from_slice(&digest);
        desk.write("ca/authority/vault", &greedy);
        let crl = desk.sekisho(&["crl"]);
        let mut bounded = desk.command("prlimit");
        bounded.arg("--as=400000000").arg(crl.get_program()).args(crl.get_args());
        let ran = desk::finish_peer("util-linux", bounded);
        ran.refused(&["slot 1", "→"]);
    }
    desk.write("ca/authority/vault", &good);
    finish(desk.sekisho(&["crl"])).success();
}

#[test]
fn damage_of_each_kind_has_its_own_sentence() {
    let desk = Desk::with_authority();
    let read = |file: &str| std::fs::read(desk.path(file)).unwrap();
    let (vault, ledger) = (read("ca/authority/vault"), read("ca/authority/ledger"));
    let mut sentences = std::collections::BTreeSet::new();
    let mut said = |words: &[&str]| {
        let ran = desk.ca(words);
        assert_clear(&ran, "damage");
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

fn assert_clear(ran: &Ran, what: &str) {
    assert!(!ran.error.contains("panicked"), "{what}: {ran:?}");
    match ran.code {
        Some(0) => {}
        Some(1) => {
            let explained = ran.error.contains('→') || ran.error.contains("\"next\"");
            assert!(explained, "{what}: {ran:?}");
        }
        _ => panic!("{what}: {ran:?}"),
    }
}
