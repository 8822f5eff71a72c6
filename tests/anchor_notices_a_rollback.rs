//! A data folder that is put back as a whole is consistent in itself. An anchor that was kept elsewhere
//! tells, also once the old copy has been used; and without one, `status` says that nobody can.

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

use appliance::{Appliance, Configuration};
use desk::{Desk, copy_folder, text};
use serde_json::Value;

/// The exit code of a ledger that was rolled back.
const ROLLED_BACK: Option<i32> = Some(4);

#[test]
fn a_folder_that_was_rolled_back_is_told_from_one_that_has_grown() {
    let desk = Desk::with_key_file();
    desk.json(&["issue", "client", "user"]);
    copy_folder(&desk.path("ca"), &desk.path("old"));
    desk.json(&["revoke", "user"]);
    desk.ca(&["anchor", "export", "--to", "anchor.txt"]).success();
    desk.ca(&["anchor", "export", "--to", "anchor.txt"]).refused(&["already exists"]);
    let kept = desk.read("anchor.txt");
    let check = |kept: &[&str]| desk.ca(&[&["anchor", "check"], kept].concat());
    check(&["anchor.txt"]).success();
    desk.json(&["issue", "client", "another"]);
    let grown = check(&["anchor.txt"]).success();
    assert!(grown.out.contains("was not rolled back"), "{grown:?}");
    // From paper, by hand.
    let typed: Vec<String> = kept.lines().skip(2).map(str::to_lowercase).collect();
    let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
    check(&typed).success();

    // Somebody puts the old folder in its place: the revocation is gone, and everything looks whole.
    std::fs::rename(desk.path("ca"), desk.path("true")).unwrap();
    copy_folder(&desk.path("old"), &desk.path("ca"));
    desk.ca(&["verify"]).success();
    let shorter = check(&["anchor.txt"]);
    assert_eq!(shorter.code, ROLLED_BACK, "{shorter:?}");
    assert!(shorter.error.contains("was rolled back"), "{shorter:?}");
    // And goes on with it, until it is as long again.
    for name in ["a", "b", "c"] {
        desk.json(&["issue", "client", name]);
    }
    let forked = check(&["anchor.txt"]);
    assert_eq!(forked.code, ROLLED_BACK, "{forked:?}");
    assert!(forked.error.contains("another history"), "{forked:?}");
    let machine = desk.ca(&["anchor", "check", "anchor.txt", "--json"]);
    let told: Value = serde_json::from_str(&machine.error).unwrap();
    assert_eq!((machine.code, &told["error"]["code"]), (ROLLED_BACK, &"LedgerForked".into()));
}

// An alarm that cries at every typing error is not heard when it counts.
#[test]
fn what_cannot_be_told_is_no_rollback() {
    let desk = Desk::with_authority();
    desk.ca(&["anchor", "export", "--to", "anchor.txt"]).success();
    let kept = desk.read("anchor.txt");
    let (others, last) = kept.trim_end().rsplit_once('-').unwrap();
    let wrong = format!("{others}-{}", if last.starts_with('A') { "BAA" } else { "AAA" });
    desk.ca(&["anchor", "check", &wrong]).refused(&["typing error"]);
    desk.ca(&["anchor", "check", "nothing.txt"]).refused(&["typing error"]);
    let other = Desk::with_authority();
    let path = desk.path("anchor.txt");
    other.ca(&["anchor", "check", text(&path)]).refused(&["to another CA"]);
}

#[test]
fn status_says_whether_a_rollback_could_be_noticed() {
    let desk = Desk::with_key_file();
    let configuration = Configuration::new();
    let service = Appliance::begin(Appliance::command(&desk), &desk, &configuration);
    let (_, status) = service.status();
    assert_eq!((&status["anchor"], &status["backed_up"]), (&Value::Null, &Value::Null));
    let shown = desk.ca(&["status"]).out;
    assert!(shown.contains("a rollback of the data folder would go unnoticed"), "{shown}");
    desk.ca(&["anchor", "export", "--to", "anchor.txt"]).success();
    let anchor: Value = desk.json(&["anchor", "check", "anchor.txt"]);
    assert_eq!((&anchor["contained"], &anchor["seal_fits"]), (&true.into(), &true.into()));
    let (_, status) = service.status();
    assert!(status["anchor"]["found_at"].is_string(), "{status}");
    service.stop();
}
