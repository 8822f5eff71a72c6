//! A clock that jumps erases no revocation and revives nothing: while it cannot be believed nothing
//! is signed, and the refusal says why and what to do (I30, I14).

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

use appliance::{Appliance, Client, Configuration};
use desk::{Desk, Ran, eventually, finish, text};
use sekisho::authority::{Authority, DataFolder, Initialise, Selector};
use sekisho::ca::{IssueRequest, KeySource, Purpose, Validity};
use sekisho::ground::clock::{self, ClockStanding, DAY, Timestamp};
use sekisho::ground::messages::{Language, Refusal};
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::pkcs12::Encryption;
use sekisho::pki::{CommonName, DistinguishedName, KeyAlgorithm, Reason};
use sekisho::vault::SlotSecret;
use support::Upstream;

/// Beyond the end of the certificates of [`office`], and within the authority's time.
const A_YEAR: &str = "+31536000";
const TWO_DAYS_BACK: &str = "-172800";

/// Everything that signs.
const SIGNING: [&[&str]; 5] = [
    &["issue", "client", "user9"],
    &["issue", "server", "localhost"],
    &["renew", "000002"],
    &["crl"],
    &["issue", "client", "user9", "--days", "1"],
];

// Catches: certificates and lists older than what they replace, and a revocation dated before what
// came before it.
#[test]
fn a_clock_set_back_stops_signing_and_not_revoking() {
    let desk = office(Desk::with_key_file());
    let before = newest_crl(&desk);
    for words in SIGNING {
        let ran = run_at(&desk, TWO_DAYS_BACK, words);
        ran.refused(&["this machine's clock says", "ledger's newest entry", "clock confirm"]);
    }
    assert_eq!(newest_crl(&desk), before, "no list was replaced");
    assert_eq!(desk.json(&["verify"])["certificates"], 4);

    // Revoking works, says that the list could not follow, and lies after what came before it.
    let revoked_before = revoked_at(&desk, "000003");
    let ran = run_at(&desk, TWO_DAYS_BACK, &["revoke", "000002"]);
    assert!(ran.error.contains("ledger's newest entry"), "{ran:?}");
    assert!(revoked_at(&desk, "000002") >= revoked_before);
    assert_eq!(state(&desk, "000002"), "revoked");

    // The clock is right again: nothing to confirm, and nothing is lost.
    assert_eq!(desk.json(&["crl"])["entries"], 2);
    desk.ca(&["issue", "client", "user3"]).success();
}

// Catches: revocations that a list signed under a wrong clock prunes for good, and expired
// certificates that come back with the clock.
#[test]
fn a_clock_that_ran_ahead_has_pruned_nothing_when_it_is_confirmed() {
    let desk = office(Desk::with_key_file());
    let genuine = newest_crl(&desk);
    // By that clock the revoked certificate has ended: the first list shows it, the second does not.
    for entries in [1, 0] {
        let ran = run_at(&desk, A_YEAR, &["crl", "--json"]).success();
        let crl: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(crl["entries"], entries);
    }
    // Back in the present nothing is signed before a person has looked.
    for words in SIGNING {
        desk.ca(words).refused(&["this machine's clock says", "clock confirm"]);
    }
    desk.ca(&["revoke", "000004"]).refused(&["clock confirm"]);
    assert_eq!(state(&desk, "000004"), "revoked");
    desk.ca(&["clock", "confirm"]).success();
    let crl = desk.json(&["crl"]);
    assert_eq!(crl["entries"], 2, "what was pruned in the false future is back");
    let serials = newest_crl(&desk);
    assert!(genuine.iter().all(|serial| serials.contains(serial)), "{serials:?}");
    // No revocation on it is still to come: some readers would disregard it.
    let list = desk.openssl(&["crl", "-in", text(&desk.path("ca/crl.pem")), "-noout", "-text"]);
    let next_year = clock::now().plus_days(360).rfc3339()[..4].to_owned();
    let dates = list.lines().filter(|line| line.contains("Revocation Date:"));
    assert!(dates.clone().count() == 2, "{list}");
    assert!(dates.clone().all(|line| !line.contains(&next_year)), "{list}");
    assert_eq!(
        (state(&desk, "000002"), state(&desk, "000003")),
        ("valid".into(), "revoked".into())
    );
    desk.ca(&["issue", "client", "user3"]).success();
    desk.ca(&["verify"]).success();
}

#[test]
fn the_refusal_is_told_in_japanese_as_well() {
    let desk = office(japanese());
    let ran = run_at(&desk, TWO_DAYS_BACK, &["crl"]);
    ran.refused(&["この機器の時計は", "台帳の最新の記録は", "sekisho clock confirm"]);
}

// Catches: a service that signs by a clock that was set while it ran, in either direction.
#[test]
fn a_clock_set_while_the_authority_runs_stops_signing_until_it_is_confirmed() {
    for jump in [30 * DAY, -30 * DAY] {
        let folder = tempfile::tempdir().unwrap();
        let now = clock::now();
        let mut authority = authority(&folder, now.plus_days(-60));
        // The clock was behind when the CA was made, and is watched from here on.
        authority.at(now, "uid:0");
        assert!(matches!(authority.clock_standing().unwrap(), ClockStanding::Diverged { .. }));
        authority.confirm_clock().unwrap();
        let number = issue(&authority, "user1").unwrap();
        issue(&authority, "user2").unwrap();
        authority.sign_crl(30).unwrap();

        authority.at(now.plus_seconds(jump), "uid:0");
        let refused = |refusal: Refusal| {
            let expected = if jump > 0 { "ClockDiverged" } else { "ClockBehindLedger" };
            assert_eq!(refusal.code(), expected);
            assert!(refusal.next(Language::English).contains("sekisho clock confirm"));
        };
        refused(issue(&authority, "user3").err().unwrap());
        refused(authority.sign_crl(30).err().unwrap());
        authority.revoke(&Selector::Number(number), Reason::KeyCompromise, None).unwrap();
        assert!(authority.floor().unwrap() >= now, "admission's time never goes back");

        // Set right again. What was written meanwhile by a clock ahead must be confirmed.
        authority.at(now.plus_seconds(5), "uid:0");
        if jump > 0 {
            assert!(authority.sign_crl(30).is_err());
            authority.confirm_clock().unwrap();
        }
        assert_eq!(authority.clock_standing().unwrap(), ClockStanding::Good);
        assert_eq!(authority.sign_crl(30).unwrap().entries, 1);
        issue(&authority, "user3").unwrap();
        assert!(authority.floor().unwrap() < now.plus_days(1));
    }
}

// Catches: the whole service taken in by a clock that jumps while it runs: signing, publishing a
// list that lacks what "has expired", or letting the expired in again when the clock comes back.
#[test]
fn a_running_service_signs_nothing_and_revives_nothing_while_its_clock_jumps() {
    let desk = Desk::with_key_file();
    let lost = Client::issue(&desk, "lost");
    let out = desk.path("clients");
    let days = ["issue", "client", "short", "--days", "30", "--pem", "--out", text(&out)];
    let short = Client::of(&desk.json(&days)["issued"][0]);
    let upstream = Upstream::answering(
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
    );
    let set_clock = |offset: &str| desk.write("clock", offset);
    set_clock("+0");
    let mut command = desk.at("+0", Appliance::command(&desk));
    command.env_remove("FAKETIME").env("FAKETIME_TIMESTAMP_FILE", desk.path("clock"));
    command.env("FAKETIME_NO_CACHE", "1").env("TZ", "UTC");
    let configuration = Configuration::new().gate("front", &upstream, "");
    let service = Appliance::ready(command, &desk, &configuration);
    let is_let_in = |client: &Client| {
        let visited = service.visitor(0, client).visit();
        visited.is_ok_and(|visited| visited.answer.ends_with("hello"))
    };
    assert!(is_let_in(&short) && is_let_in(&lost));
    let published = newest_crl(&desk);

    set_clock("+7776000");
    eventually("the jump is seen", || service.status().1["clock"] == "diverged");
    assert_eq!(service.status().0, 2, "critical");
    service.wait_for_count("this machine's clock says", 1);
    for words in [&["issue", "client", "user9"][..], &["crl"], &["renew", &short.number]] {
        desk.ca(words).refused(&["this machine's clock says", "it should say", "clock confirm"]);
    }
    assert_eq!(newest_crl(&desk), published);
    let revoked = desk.json(&["revoke", &lost.number]);
    assert_eq!(revoked["gates"][0]["answered"], true, "{revoked}");
    assert!(!is_let_in(&lost) && !is_let_in(&short));

    // The clock comes back. The ledger has seen a later time: no earlier one counts for admission.
    set_clock("+0");
    eventually("the jump back is seen", || service.status().1["clock"] == "behind_ledger");
    desk.ca(&["issue", "client", "user9"]).refused(&["ledger's newest entry", "clock confirm"]);
    assert!(!is_let_in(&lost) && !is_let_in(&short));

    desk.ca(&["clock", "confirm"]).success();
    eventually("what has not expired is let in again", || is_let_in(&short));
    assert!(!is_let_in(&lost), "what was revoked meanwhile stays revoked");
    desk.ca(&["issue", "client", "user9"]).success();
    desk.ca(&["crl"]).success();
    assert!(newest_crl(&desk).contains(&lost.serial.to_uppercase()));
    // It was said, and not at every look.
    let said = service.log.count("this machine's clock says");
    assert!(said <= 3, "said {said} times");
    service.stop();
}

/// A CA with a revoked certificate and two in force, all of which end within two months.
fn office(desk: Desk) -> Desk {
    for name in ["user1", "user2", "user3"] {
        desk.ca(&["issue", "client", name, "--days", "60"]).success();
    }
    desk.ca(&["revoke", "000003"]).success();
    desk
}

fn japanese() -> Desk {
    let desk = Desk::japanese();
    desk.ca(&["init"]).success();
    desk
}

fn run_at(desk: &Desk, time: &str, words: &[&str]) -> Ran {
    finish(desk.at(time, desk.sekisho(words)))
}

fn newest_crl(desk: &Desk) -> Vec<String> {
    desk.crl_serials(text(&desk.path("ca/crl.pem")))
}

fn state(desk: &Desk, number: &str) -> String {
    desk.json(&["show", number])["state"].as_str().unwrap().to_owned()
}

fn revoked_at(desk: &Desk, number: &str) -> String {
    desk.json(&["show", number])["revoked_at"].as_str().unwrap().to_owned()
}

fn authority(folder: &tempfile::TempDir, now: Timestamp) -> Authority {
    let request = Initialise {
        subject: name("orca CA"),
        days: 7300,
        algorithm: KeyAlgorithm::EcdsaP256,
        secrets: vec![SlotSecret::KeyFile(SecretBytes::new(vec![7; 32]))],
    };
    let folder = DataFolder::new(&folder.path().join("ca"));
    Authority::initialise(&folder, request, now, "uid:0").unwrap()
}

fn issue(authority: &Authority, common_name: &str) -> Result<u64, Refusal> {
    let request = IssueRequest {
        subject: name(common_name),
        purpose: Purpose::Client,
        validity: Validity { days: 365, shorten: false },
        key: KeySource::Generate { algorithm: KeyAlgorithm::EcdsaP256, escrow: false },
        person: None,
        device: None,
        source: None,
        request: None,
    };
    let outcome = authority.issue(vec![request], Encryption::Modern)?.pop().unwrap();
    outcome.map(|issued| issued.number)
}

fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::new(CommonName::parse(common_name).unwrap())
}
