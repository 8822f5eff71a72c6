//! While the service lives its revocation list is: on it is what is revoked, and its next update lies
//! in the future, whatever the clock does. A clock that cannot be believed is said so, nothing is
//! signed by it, and `clock confirm` heals (I20, I30).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::io::Write;
use std::process::Command;
use std::time::Duration;

use appliance::{Appliance, Client, Configuration, fetch};
use desk::{Desk, Ran, eventually, finish, text};
use sekisho::ground::clock::{self, Timestamp};
use sekisho::pki::{Certificate, RevocationList};
use serde_json::Value;
use support::{AT_REST, Upstream, endless, is_closed_within, read_until};

/// What is confirmed is done at once.
const SOON: Duration = Duration::from_secs(10);

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A desk whose clock is so many seconds ahead, for whatever runs at it.
struct Office {
    desk: Desk,
}

impl Office {
    /// One whose CA was made now, by its clock.
    fn new(ahead: i64) -> Self {
        let office = Self { desk: Desk::new() };
        office.set_clock(ahead);
        office.run(&["init"]).success();
        let (passphrase, key) = (office.desk.path("passphrase"), office.desk.path("ca/vault.key"));
        let new = ["--new-passphrase-file", text(&passphrase), "--new-key-file", text(&key)];
        office.run(&[&["vault", "passwd"], new.as_slice()].concat()).success();
        office
    }

    /// Moves the clock, of what runs already as well.
    fn set_clock(&self, ahead: i64) {
        self.desk.write("clock", format!("{ahead:+}\n"));
    }

    fn now(&self) -> Timestamp {
        let ahead: i64 = self.desk.read("clock").trim().parse().unwrap();
        clock::now().plus_seconds(ahead)
    }

    fn by_clock(&self, command: Command) -> Command {
        let mut command = self.desk.at("+0", command);
        command.env_remove("FAKETIME").env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_TIMESTAMP_FILE", self.desk.path("clock"));
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        finish(self.by_clock(self.desk.sekisho(words)))
    }

    fn client(&self, name: &str) -> Client {
        let out = self.desk.path("clients");
        std::fs::create_dir_all(&out).unwrap();
        let words = ["issue", "client", name, "--pem", "--json", "--out", text(&out)];
        let issued: Value = serde_json::from_str(&self.run(&words).success().out).unwrap();
        Client::of(&issued["issued"][0])
    }

    /// The service, with lists that last a day.
    fn start(&self, upstream: &Upstream) -> Appliance<'_> {
        let lines = "key_file = \"ca/vault.key\"\ncrl_days = 1\n";
        let configuration = Configuration::with_authority(lines).gate("front", upstream, "");
        let command = self.by_clock(Appliance::command(&self.desk));
        Appliance::ready(command, &self.desk, &configuration)
    }

    /// What `status` says: its exit code and its words for machines.
    fn status(&self) -> (i32, Value) {
        let ran = self.run(&["status", "--json"]);
        (ran.code.unwrap(), serde_json::from_str(&ran.out).unwrap())
    }

    fn waits_for(&self, code: i32) -> Value {
        eventually("the status", || self.status().0 == code);
        self.status().1
    }

    /// The list that strangers fetch. It is the CA's, and by the office's clock it is in force.
    fn list(&self, service: &Appliance<'_>) -> List {
        let (status, der) = fetch(&service.published("/ca.crl"));
        assert_eq!(status, 200);
        let root = Certificate::from_pem(self.desk.read("ca/ca.crt").as_bytes()).unwrap();
        let list = RevocationList::verify(&der, &root, self.now()).unwrap();
        let octets = list.number();
        List {
            number: octets.as_bytes().iter().fold(0, |n, octet| n << 8 | u64::from(*octet)),
            serials: list.entries().map(|entry| entry.serial.to_string()).collect(),
            from: list.this_update(),
            until: list.next_update(),
            der,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct List {
    number: u64,
    serials: Vec<String>,
    from: Timestamp,
    until: Timestamp,
    der: Vec<u8>,
}

impl List {
    /// Seconds it is good for, seen from a time.
    fn left(&self, now: Timestamp) -> i64 {
        assert!(self.from.unix() <= now.unix() + 2, "{self:?} begins after {now}");
        self.until.unix() - now.unix()
    }
}

#[test]
fn each_revocation_makes_a_new_list_over_http_and_as_a_file() {
    let (office, upstream) = (Office::new(0), endless());
    let service = office.start(&upstream);
    let mut last = office.list(&service);
    assert_eq!(last.serials, Vec::<String>::new());
    let mut revoked = Vec::new();
    for name in ["user1", "user2", "user3"] {
        let client = office.client(name);
        office.run(&["revoke", &client.number]).success();
        revoked.push(client.serial.clone());
        eventually("a new list", || office.list(&service).number > last.number);
        last = office.list(&service);
        assert_eq!(sorted(&last.serials), sorted(&revoked));
        assert!(last.left(office.now()) > DAY - 60, "{last:?}");
        eventually("the file", || {
            std::fs::read(office.desk.path("public/ca.crl")).unwrap() == last.der
        });
        assert_eq!(std::fs::read(office.desk.path("ca/ca.crl")).unwrap(), last.der);
    }
    service.stop();
}

// Catches a service that signs a list only when somebody revokes, and one that believes a stored
// list for as long as it is good at all.
#[test]
fn a_list_is_renewed_when_half_its_time_is_over_with_nobody_asking() {
    let (office, upstream) = (Office::new(-2 * DAY), endless());
    let service = office.start(&upstream);
    let first = office.list(&service);
    service.stop();

    // Not due yet: the stored one is served.
    office.set_clock(-2 * DAY + 11 * HOUR + 30 * 60);
    let service = office.start(&upstream);
    assert_eq!(office.list(&service), first);
    // Fifty minutes more, in one step as NTP may make it: it is due now.
    office.set_clock(-2 * DAY + 12 * HOUR + 20 * 60);
    eventually("a new list", || office.list(&service).number > first.number);
    let second = office.list(&service);
    assert!(second.left(office.now()) > DAY - 60, "{second:?}");
    service.stop();

    // The machine was off for so long that the list has ended.
    office.set_clock(0);
    let service = office.start(&upstream);
    eventually("a new list", || office.list(&service).number > second.number);
    let third = office.list(&service);
    assert!(third.left(office.now()) > DAY - 60, "{third:?}");
    assert_eq!(office.status().0, 0, "{:?}", office.status());
    service.stop();
}

// Catches a service that signs by any clock: a list from the future keeps the true ones out for as
// long as it says, and a list that has ended stops everybody who checks it.
#[test]
fn a_clock_that_jumps_stops_signing_says_so_and_is_healed_by_confirming() {
    let (office, upstream) = (Office::new(-2 * DAY), endless());
    let service = office.start(&upstream);
    let (user, lost) = (office.client("user"), office.client("lost"));
    assert_eq!(office.status().0, 0, "{:?}", office.status());
    let before = office.list(&service);

    let mut held = service.visitor(0, &lost).connect();
    held.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(&mut held, AT_REST.1);

    office.set_clock(-2 * DAY + 13 * HOUR);
    let status = office.waits_for(2);
    assert_eq!(status["clock"], "diverged", "{status}");
    service.log.wait_for(&["something that is due could not be done"]);
    office.run(&["issue", "client", "nobody"]).refused(&["clock confirm"]);
    assert_eq!(office.list(&service), before, "nothing is signed by such a clock");

    // Revoking goes on: the gate cuts, the list follows.
    let told = office.run(&["revoke", &lost.number, "--json"]);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&told["gates"][0]["cut"], &told["crl_number"]), (&1.into(), &Value::Null));
    assert!(is_closed_within(&mut held, Duration::from_secs(1)));
    assert_eq!(office.list(&service), before);

    office.run(&["clock", "confirm"]).success();
    let confirmed = clock::monotonic();
    eventually("a new list", || office.list(&service).number > before.number);
    assert!(confirmed.elapsed() < SOON, "it waited for something");
    let after = office.list(&service);
    assert_eq!(after.serials, std::slice::from_ref(&lost.serial));
    assert!(after.left(office.now()) > DAY - 60, "{after:?}");
    let status = office.waits_for(0);
    assert_eq!(status["clock"], "good", "{status}");

    // Backwards: behind what the ledger has seen. It heals by itself once the clock is right.
    office.set_clock(-2 * DAY);
    let status = office.waits_for(2);
    assert_eq!(status["clock"], "behind_ledger", "{status}");
    office.run(&["issue", "client", "nobody"]).refused(&["clock confirm"]);
    office.set_clock(-2 * DAY + 13 * HOUR);
    let status = office.waits_for(0);
    assert_eq!(status["clock"], "good", "{status}");
    office.run(&["revoke", &user.number]).success();
    eventually("a newer list", || office.list(&service).serials.len() == 2);
    service.stop();
}

fn sorted(serials: &[String]) -> Vec<&String> {
    let mut serials: Vec<&String> = serials.iter().collect();
    serials.sort();
    serials
}
