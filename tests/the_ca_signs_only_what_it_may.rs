//! When the CA signs, for how long, under which serial numbers, and what becomes of a signature
//! that a crash interrupts (I17, I18, I35).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeSet;
use std::process::Command;

use desk::{Desk, copy_folder, finish, finish_peer, names_in};
use serde_json::Value;

const DAY: i64 = 86_400;
/// Seconds after which five of the authority's twenty years are left.
const LATE: i64 = 15 * 365 * DAY;

// Catches: an issuer that outlives itself, and a leaf that outlives its issuer (openbao#1369,
// certificates#381).
#[test]
fn nothing_is_signed_when_the_authority_is_not_valid() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1"]).success();
    let before = (desk.json(&["list", "--all"]), desk.read("ca/crl.pem"), names_in(&desk.path("")));
    for (seconds, part) in
        [(7306 * DAY, "the CA expired on 2046-"), (-2 * DAY, "this machine's clock says")]
    {
        for words in [
            &["issue", "client", "user2"][..],
            &["issue", "server", "localhost"],
            &["issue", "client", "user2", "--days", "1"],
            &["crl"],
        ] {
            finish(desk.at(&format!("{seconds:+}"), desk.sekisho(words))).refused(&[part]);
        }
    }
    let after = (desk.json(&["list", "--all"]), desk.read("ca/crl.pem"), names_in(&desk.path("")));
    assert_eq!(after, before);
    assert_eq!(desk.json(&["verify"])["certificates"], 2);
}

#[test]
fn a_request_past_the_authoritys_end_is_refused_with_the_last_possible_date() {
    let desk = Desk::with_key_file();
    let words = |days: &str| {
        let words = ["issue", "client", "user1", "--days", days, "--json"];
        // The middle of a day, so that the seconds this test takes do not count.
        finish(desk.at(&format!("+{}", LATE + DAY / 2), desk.sekisho(&words)))
    };
    let refused: Value = serde_json::from_str(&words("3650").refused(&[]).error).unwrap();
    assert_eq!(refused["error"]["code"], "ValidityBeyondIssuer");
    let what = refused["error"]["what"].as_str().unwrap();
    let last = &desk.json(&["show", "1"])["not_after"];
    assert!(what.contains(last.as_str().unwrap().split('T').next().unwrap()), "{what}");
    // The advice is good to the day.
    let next = refused["error"]["next"].as_str().unwrap();
    let days: u32 = next
        .split_whitespace()
        .find_map(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("{next}"));
    words(&(days + 1).to_string()).refused(&["ValidityBeyondIssuer"]);
    words(&days.to_string()).success();
}

#[test]
fn the_manuals_tool_shortens_to_the_authoritys_end_and_says_so() {
    let desk = Desk::new();
    desk.orca(&[]).success();
    let late =
        desk.at(&format!("+{LATE}"), desk.orca_command(&["issue_client_cert", "-c", "user1"]));
    let ran = finish(late).success();
    assert!(ran.error.contains("shortened to the end of the CA: 2046-"), "{ran:?}");
    let stem = "000002__JP_orca_user1";
    desk.peer("unzip", "unzip", &["-q", &format!("certs/{stem}.zip")]);
    let (leaf, root) = (format!("{stem}/{stem}.crt"), format!("{stem}/ca.crt"));
    assert_eq!(end_of(&desk, &leaf), end_of(&desk, &root));
    // The ledger has seen a time that is still to come: somebody must say which one is right.
    let refused =
        desk.orca(&["issue_client_cert", "-c", "user2"]).refused(&["clock confirm --dir"]);
    let mut confirm = desk.command(desk::SEKISHO);
    let advice = refused.error.split("confirm it: sekisho ").nth(1).unwrap();
    finish({
        confirm.args(advice.split_whitespace());
        confirm
    })
    .success();
    desk.orca(&["issue_client_cert", "-c", "user2"]).success();
}

// Catches: a number taken for a name, and the wrong certificate revoked.
#[test]
fn what_is_a_number_and_a_name_at_once_is_refused() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1"]).success();
    desk.ca(&["issue", "client", "2"]).success();
    desk.ca(&["revoke", "2"]).refused(&["000002", "000003"]);
    desk.ca(&["revoke", "000003"]).success();
    assert_eq!(desk.json(&["show", "000002"])["state"], "valid");
}

// Catches: a passphrase that nobody could read, reported as done.
#[test]
fn a_result_that_cannot_be_printed_is_no_success() {
    let desk = Desk::with_key_file();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = desk
        .sekisho(&["issue", "client", "user1"])
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(1));
}

// Catches: a serial number that somebody can guess, that is negative, too long, or used twice.
#[test]
fn serial_numbers_are_random_positive_unique_and_short() {
    let desk = Desk::with_key_file();
    let names: String = (0..200).map(|number| format!("user{number}\n")).collect();
    desk.write("staff.csv", format!("name\n{names}"));
    let words = ["issue", "client", "--from", "staff.csv", "--out", "staff"];
    let issued = desk.json(&words)["issued"].as_array().unwrap().clone();
    assert_eq!(issued.len(), 200);
    let serials: Vec<Vec<u8>> = issued
        .iter()
        .map(|one| {
            let hex = one["serial"].as_str().unwrap();
            data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
        })
        .collect();
    let mut random: Vec<u128> = Vec::new();
    for serial in &serials {
        // A first octet of 0x80 and more takes a zero octet before it.
        let length = serial.len() + usize::from(serial[0] >= 0x80);
        assert!(length <= 20 && serial[0] != 0, "{serial:02x?}");
        let low = &serial[serial.len() - 12..];
        random.push(low.iter().fold(0, |value, octet| value << 8 | u128::from(*octet)));
    }
    assert_eq!(random.iter().collect::<BTreeSet<_>>().len(), 200, "the same random part twice");
    for bit in 0..96 {
        let ones = random.iter().filter(|value| *value >> bit & 1 == 1).count();
        // Binomial with 200 trials: out of these bounds once in 10^14.
        assert!((45..=155).contains(&ones), "bit {bit} is 1 in {ones} of 200");
    }
    // As it stands in the certificate.
    let file = issued[0]["file"].as_str().unwrap();
    let pass = format!("pass:{}", issued[0]["passphrase"].as_str().unwrap());
    desk.openssl(&[
        "pkcs12", "-in", file, "-passin", &pass, "-nodes", "-clcerts", "-out", "one.pem",
    ]);
    let shown = desk.openssl(&["x509", "-in", "one.pem", "-noout", "-serial"]);
    let hex = issued[0]["serial"].as_str().unwrap().to_uppercase();
    assert_eq!(shown.trim(), format!("serial={hex}"));
}

// Catches: a signature made just before the power went, which nobody knows of.
#[test]
fn an_interrupted_certificate_is_on_the_next_list_and_its_number_is_never_used_again() {
    let desk = Desk::with_key_file();
    let mut interrupted = 0;
    for moment in 1.. {
        copy_folder(&desk.path("ca"), &desk.path("whole"));
        let ran = finish_peer("strace", killed_at(&desk, moment));
        let finished = ran.code == Some(0);
        let list = desk.ca(&["list", "--all", "--json"]).success();
        let report: Value = serde_json::from_str(&list.out).unwrap();
        let certificates = report["certificates"].as_array().unwrap();
        let abandoned: Vec<&Value> =
            certificates.iter().filter(|one| one["state"] == "abandoned").collect();
        for lost in &abandoned {
            interrupted += 1;
            assert_eq!(lost["number"], 2);
            assert!(list.error.contains("000002"), "not told: {list:?}");
            desk.ca(&["crl"]).success();
            let serial = lost["serial"].as_str().unwrap().to_uppercase();
            assert_eq!(desk.crl_serials("ca/crl.pem"), [serial], "moment {moment}");
            desk.ca(&["export", "2", "--out", "ca"]).refused(&["000002"]);
            desk.ca(&["revoke", "2"]).refused(&["000002", "never finished"]);
            let next = desk.json(&["issue", "client", "user2", "--out", "ca"]);
            assert_eq!(next["issued"][0]["number"], 3, "moment {moment}");
        }
        desk.ca(&["verify"]).success();
        std::fs::remove_dir_all(desk.path("ca")).unwrap();
        std::fs::rename(desk.path("whole"), desk.path("ca")).unwrap();
        if finished {
            break;
        }
        assert!(moment < 60, "issue never finishes: {ran:?}");
    }
    assert!(interrupted > 0, "no moment between intent and record was met");
}

/// `issue`, killed at the nth time that it makes something durable.
fn killed_at(desk: &Desk, moment: u32) -> Command {
    let issue = desk.sekisho(&["issue", "client", "user1", "--out", "ca"]);
    let mut command = desk.command("strace");
    let calls = "fsync,fdatasync,sync_file_range,msync,rename,link,linkat";
    command.args(["-f", "-qqq", "-e", &format!("trace={calls}"), "-o", "/dev/null"]);
    command.args(["-e", &format!("inject={calls}:signal=KILL:when={moment}")]);
    command.arg(issue.get_program()).args(issue.get_args());
    command
}

fn end_of(desk: &Desk, path: &str) -> String {
    desk.openssl(&["x509", "-in", path, "-noout", "-enddate"])
}
