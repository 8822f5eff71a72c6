//! A backup that is taken while the service works is one state of the CA, whole, with everything that
//! was acknowledged before it began; and nobody waits for it.

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
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use appliance::{Appliance, Configuration};
use desk::{Desk, SEKISHO, finish};
use sekisho::door::Door;
use sekisho::door::command::{Handout, Key, Order, Purpose, Subject};
use sekisho::ground::clock;
use sekisho::ground::messages::Refusal;
use serde_json::Value;

/// Certificates that are issued meanwhile.
const ISSUED: usize = 50;

fn with_passphrase(desk: &Desk, mut command: Command) -> Command {
    command.arg("--backup-passphrase-file").arg(desk.path("backup-passphrase"));
    command
}

fn order(name: &str) -> Order {
    Order {
        subject: Subject {
            common_name: name.to_owned(),
            country: "JP".to_owned(),
            organization: "orca".to_owned(),
            unit: None,
        },
        purpose: Purpose::Client,
        days: 30,
        shorten: false,
        key: Key::Generate { algorithm: "p256".to_owned(), escrow: true },
        person: None,
        device: None,
        source: None,
        request: None,
    }
}

// Catches a copy whose parts show the ledger at different times, and a vault that does not belong to
// it. The copies go through the door part by part while the others work.
#[test]
fn a_backup_taken_while_fifty_are_issued_is_whole() {
    let desk = Desk::with_key_file();
    desk.write("backup-passphrase", "of the backup alone");
    let service = Appliance::begin(Appliance::command(&desk), &desk, &Configuration::new());
    let acknowledged = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let backups = std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let mut door = service.door();
                loop {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    if place >= ISSUED {
                        return;
                    }
                    let outcomes =
                        door.issue(vec![order(&format!("user{place}"))], Handout::Modern);
                    let number = outcomes.unwrap().pop().unwrap().unwrap().number;
                    acknowledged.lock().unwrap().push(number);
                }
            });
        }
        let mut backups = Vec::new();
        while acknowledged.lock().unwrap().len() < ISSUED {
            let before = acknowledged.lock().unwrap().clone();
            let file = format!("{}.backup", backups.len());
            let made = desk.sekisho(&["backup", "--to", &file]);
            finish(with_passphrase(&desk, made)).success();
            backups.push((file, before));
        }
        backups
    });
    assert!(!backups.is_empty());
    service.stop();

    let middle = backups.len() / 2;
    for (file, before) in [&backups[middle], backups.last().unwrap()] {
        let folder = format!("{file}.restored");
        let run = |words: &[&str]| {
            let mut command = desk.command(SEKISHO);
            command.args(words).arg("--json").arg("--dir").arg(desk.path(&folder));
            let ran = finish(command).success();
            serde_json::from_str::<Value>(&ran.out).unwrap()
        };
        let mut restore = desk.command(SEKISHO);
        restore.args(["restore", file, "--without-crl"]).arg("--dir").arg(desk.path(&folder));
        finish(with_passphrase(&desk, restore)).success();
        run(&["verify"]);
        let listed = run(&["list", "--all"]);
        let listed = listed["certificates"].as_array().unwrap();
        for number in before {
            let view = listed.iter().find(|view| view["number"] == *number);
            let view = view.unwrap_or_else(|| panic!("{file}: {number} was acknowledged before"));
            assert_eq!((&view["state"], &view["key_kept"]), (&"valid".into(), &true.into()));
        }
        let abandoned = listed.iter().filter(|view| view["state"] == "abandoned").count();
        assert_eq!(abandoned, 0, "{file}: nothing is half issued in it");
        let key = desk.path("ca/vault.key");
        let drill = desk.sekisho(&["backup", "verify", file, "--key-file", key.to_str().unwrap()]);
        finish(with_passphrase(&desk, drill)).success();
    }
}

// Catches a backup that counts from its beginning: the disk of `--to` fills up, and the status still says
// that there is one.
#[test]
fn a_backup_counts_only_once_it_is_written() {
    let desk = Desk::with_key_file();
    let service = Appliance::begin(Appliance::command(&desk), &desk, &Configuration::new());
    let mut door = service.door();
    let orders = (0..100).map(|place| order(&format!("user{place}"))).collect();
    door.issue(orders, Handout::Modern).unwrap();

    let mut part = door.begin_backup().unwrap();
    assert_eq!(door.finish_backup(part.backup).unwrap_err(), Refusal::BackupForgotten {});
    assert_eq!(door.status().unwrap().backed_up, None, "it was begun");
    part = door.begin_backup().unwrap();
    let begun = clock::now();
    while let Some(next) = part.next {
        part = door.continue_backup(part.backup, next).unwrap();
    }
    assert_eq!(door.status().unwrap().backed_up, None, "nobody said that it is written");
    door.finish_backup(part.backup).unwrap();
    let counted = door.status().unwrap().backed_up.expect("it is written");
    assert!(counted <= begun, "what came after the beginning is not in it");

    // The command says so by itself, also where another was given up in between.
    door.begin_backup().unwrap();
    desk.write("backup-passphrase", "of the backup alone");
    let made = desk.sekisho(&["backup", "--to", "ca.backup"]);
    finish(with_passphrase(&desk, made)).success();
    assert!(door.status().unwrap().backed_up.unwrap() >= begun);
    drop(door);
    service.stop();
    let run = |words: &[&str]| {
        let mut command = desk.command(SEKISHO);
        command.args(words).arg("--dir").arg(desk.path("restored"));
        finish(command).success()
    };
    let mut restore = desk.command(SEKISHO);
    restore.args(["restore", "ca.backup", "--without-crl"]).arg("--dir").arg(desk.path("restored"));
    finish(with_passphrase(&desk, restore)).success();
    // The ledger's indexes follow from the chain, that of the backups too.
    run(&["verify"]);
    desk.ca(&["verify"]).success();
}

// Catches parts of two copies in one file, and a copy that outlives the one that took its place.
#[test]
fn a_copy_that_was_superseded_or_never_begun_is_refused() {
    let desk = Desk::with_key_file();
    let service = Appliance::begin(Appliance::command(&desk), &desk, &Configuration::new());
    let (mut first, mut second) = (service.door(), service.door());
    let orders = (0..100).map(|place| order(&format!("user{place}"))).collect();
    first.issue(orders, Handout::Modern).unwrap();
    let begin = |door: &mut Door| {
        let part = door.begin_backup().unwrap();
        (part.backup, part.next.expect("more than one part"))
    };
    let (begun, next) = begin(&mut first);
    assert_eq!(first.continue_backup(begun, next + 1).unwrap_err(), Refusal::BackupInterrupted {});
    let (begun, next) = begin(&mut first);
    assert_ne!(begin(&mut second).0, begun);
    let refused = first.continue_backup(begun, next).unwrap_err();
    assert_eq!(refused, Refusal::BackupInterrupted {});
    let (begun, next) = begin(&mut first);
    assert_eq!(first.continue_backup(begun, next).unwrap().backup, begun);
    assert_eq!(first.continue_backup([0; 16], 0).unwrap_err(), Refusal::BackupInterrupted {});
    service.stop();
}
