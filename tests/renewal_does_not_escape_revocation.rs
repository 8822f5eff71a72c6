//! Whoever loses a device loses every certificate that was ever renewed for it (I23), and what is
//! renewed is what it was before.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeSet;

use desk::{Desk, copy_folder, finish, text};
use sekisho::authority::{Authority, DataFolder};
use sekisho::door::feed::Event;
use sekisho::ground::clock;
use serde_json::Value;

/// The lineage of [`family`]: 2, its followers 3 and 5, and 4 after 3.
const LINEAGE: [u64; 4] = [2, 3, 4, 5];
/// Somebody else of the same name.
const OTHER: u64 = 6;

// Catches: a renewal that goes on when its device is lost (certificates#319, easy-rsa#1186), in both
// directions of time and along every branch.
#[test]
fn a_lineage_is_revoked_as_a_whole_from_any_of_its_members() {
    let desk = family();
    let serials = |folder: &str| -> BTreeSet<String> {
        desk.crl_serials(text(&desk.path(folder).join("crl.pem"))).into_iter().collect()
    };
    let expected: BTreeSet<String> = LINEAGE.iter().map(|n| serial(&desk, "ca", *n)).collect();
    for member in LINEAGE {
        let folder = format!("copy{member}");
        copy_folder(&desk.path("ca"), &desk.path(&folder));
        let before = entries(&desk, &folder);
        let words = ["revoke", &format!("{member:06}"), "--lineage", "--reason", "keyCompromise"];
        let answer = json(&desk, &folder, &words);
        assert_eq!(answer["lineage"], serde_json::json!(LINEAGE), "from {member}");
        assert_eq!(serials(&folder), expected, "from {member}");
        assert_eq!(show(&desk, &folder, OTHER)["state"], "valid");
        json(&desk, &folder, &["verify"]);
        // Admission is told of all of it at once.
        let told = authority(&desk, &folder).changes_since(before).unwrap();
        let [Event::Revoked(change)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(change.serials.len(), LINEAGE.len());
    }
}

#[test]
fn what_is_left_of_a_lineage_is_revoked_and_no_more() {
    let desk = family();
    desk.ca(&["revoke", "000003"]).success();
    desk.ca(&["revoke", "000003", "--lineage"]).success();
    for number in LINEAGE {
        assert_eq!(show(&desk, "ca", number)["state"], "revoked");
    }
    assert_eq!(show(&desk, "ca", OTHER)["state"], "valid");
    desk.ca(&["revoke", "000003", "--lineage"]).refused(&["000003"]);
    desk.ca(&["revoke", "000001", "--lineage"]).refused(&["000001"]);
    desk.ca(&["revoke", "000099", "--lineage"]).refused(&["000099"]);
}

// Catches: a name that nobody can revoke in a hurry, because it was renewed.
#[test]
fn the_name_of_one_lineage_means_all_of_it_and_that_of_two_is_refused() {
    let desk = family();
    desk.ca(&["revoke", "user1", "--lineage"]).refused(&["000002", "000006"]);
    desk.ca(&["revoke", "000006"]).success();
    desk.ca(&["revoke", "user1", "--lineage"]).success();
    for number in LINEAGE {
        assert_eq!(show(&desk, "ca", number)["state"], "revoked");
    }
}

#[test]
fn what_is_revoked_or_renewed_already_is_not_renewed() {
    let desk = Desk::with_key_file();
    for name in ["user1", "user2"] {
        desk.ca(&["issue", "client", name]).success();
    }
    desk.ca(&["revoke", "000002"]).success();
    desk.ca(&["renew", "000002"]).refused(&["certificate 000002 is revoked"]);
    desk.ca(&["renew", "000001"]).refused(&["000001"]);
    desk.ca(&["renew", "000003"]).success();
    desk.ca(&["renew", "000003"])
        .refused(&["000003 has already been renewed, by certificate 000004"]);
    // Lost on the way: revoked, then renewed again.
    desk.ca(&["revoke", "000004"]).success();
    desk.ca(&["renew", "000003"]).success();
    desk.ca(&["renew", "000003", "--again"]).success();
    desk.ca(&["verify"]).success();
}

#[test]
fn a_follower_is_what_the_one_before_it_was() {
    let desk = Desk::with_key_file();
    let client =
        ["issue", "client", "受付1", "--person", "田中", "--device", "pc1", "--days", "90"];
    desk.ca(&client).success();
    desk.ca(&["issue", "server", "192.168.1.100", "weborca-server"]).success();
    for (number, follower) in [(2, 4), (3, 5)] {
        let ran = desk.json(&["renew", &format!("{number:06}")]);
        assert!(ran.to_string().contains(&format!("{follower}")), "{ran}");
        let (old, new) = (show(&desk, "ca", number), show(&desk, "ca", follower));
        for same in ["subject", "kind", "hosts", "person", "device"] {
            assert_eq!(old[same], new[same], "{same}");
        }
        assert_eq!((&old["state"], &new["state"]), (&"valid".into(), &"valid".into()));
        assert_ne!(old["serial"], new["serial"]);
        assert_eq!(new["renews"], number);
        // As long as the one before, to the seconds between the two commands.
        let day = |view: &Value| view["not_after"].as_str().unwrap()[..10].to_owned();
        assert!(day(&new) >= day(&old), "{old} {new}");
    }
    // A year later both have ended, and can be renewed all the same.
    let late = desk.at("+31536000", desk.sekisho(&["renew", "000004"]));
    finish(late).success();
}

/// A CA with a lineage that has a branch, and somebody else of the same name.
fn family() -> Desk {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1"]).success();
    desk.ca(&["renew", "000002"]).success();
    desk.ca(&["renew", "000003"]).success();
    desk.ca(&["renew", "000002", "--again"]).success();
    desk.ca(&["issue", "client", "user1"]).success();
    desk
}

fn json(desk: &Desk, folder: &str, words: &[&str]) -> Value {
    let mut command = desk.command(desk::SEKISHO);
    command.args(words).arg("--json").arg("--dir").arg(desk.path(folder));
    serde_json::from_str(&finish(command).success().out).unwrap()
}

fn show(desk: &Desk, folder: &str, number: u64) -> Value {
    json(desk, folder, &["show", &format!("{number:06}")])
}

fn serial(desk: &Desk, folder: &str, number: u64) -> String {
    show(desk, folder, number)["serial"].as_str().unwrap().to_uppercase()
}

fn entries(desk: &Desk, folder: &str) -> u64 {
    json(desk, folder, &["verify"])["entries"].as_u64().unwrap()
}

fn authority(desk: &Desk, folder: &str) -> Authority {
    let folder = DataFolder::new(&desk.path(folder));
    Authority::open(&folder, clock::now(), "uid:0").unwrap().0
}
