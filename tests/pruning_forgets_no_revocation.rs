//! A list drops who has expired; nothing else ever forgets, whatever is pruned, stopped, killed or
//! restored (I14).

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
use desk::{Desk, copy_folder, finish, text};
use rustix::process::Signal;
use rustls::{AlertDescription, Error};
use sekisho::authority::{Authority, DataFolder};
use sekisho::ground::clock;
use support::Upstream;

/// Sixty and twenty days ago.
const BEGINNING: &str = "-5184000";
const LATER: &str = "-1728000";

// Catches: a prune that goes by more than the end of a certificate (Vault, CVE-2021-29653), and a
// snapshot or an index that is made of what the list shows.
#[test]
fn who_is_revoked_stays_so_through_every_prune_restart_and_restore() {
    let (desk, office) = office();
    // Backed up before the first prune.
    copy_folder(&desk.path("ca"), &desk.path("backup"));
    office.check(&desk, "before the first prune");
    // The first list after its end still shows who has expired, the next no more.
    let entries = |list: &serde_json::Value| list["entries"].as_u64().unwrap();
    let shown = finish(desk.at(LATER, desk.sekisho(&["crl", "--json"]))).success();
    assert_eq!(entries(&serde_json::from_str(&shown.out).unwrap()), 2);
    for _ in 0..3 {
        assert_eq!(entries(&desk.json(&["crl"])), 1);
        office.check(&desk, "after a prune");
    }

    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let configuration = Configuration::new().gate("front", &upstream, "refusal = \"strict\"\n");
    for round in 0..2 {
        let appliance = Appliance::start(&desk, &configuration);
        office.visit(&appliance);
        appliance.signal_authority(Signal::KILL);
        appliance.wait_for_count("the authority is at work", 2);
        desk.json(&["crl"]);
        office.visit(&appliance);
        if round == 0 {
            appliance.stop()
        } else {
            appliance.kill()
        }
        office.check(&desk, "after the service");
    }

    std::fs::rename(desk.path("ca"), desk.path("wreck")).unwrap();
    std::fs::rename(desk.path("backup"), desk.path("ca")).unwrap();
    for _ in 0..3 {
        desk.json(&["crl"]);
        office.check(&desk, "after a restore");
    }
    let appliance = Appliance::start(&desk, &configuration);
    office.visit(&appliance);
    appliance.stop();
}

/// Who was issued what sixty days ago.
struct Office {
    good: Client,
    /// Revoked, and in its validity.
    lost: Client,
    /// Revoked, and expired since.
    ended: Client,
}

fn office() -> (Desk, Office) {
    let desk = Desk::new();
    let past = |words: &[&str]| finish(desk.at(BEGINNING, desk.sekisho(words))).success();
    past(&["init"]);
    let (passphrase, key) = (desk.path("passphrase"), desk.path("ca/vault.key"));
    let new = ["--new-passphrase-file", text(&passphrase), "--new-key-file", text(&key)];
    past(&[&["vault", "passwd"], new.as_slice()].concat());
    let issue = |name: &str, days: &str| {
        let out = desk.path(name);
        std::fs::create_dir(&out).unwrap();
        let words = ["issue", "client", name, "--days", days, "--pem", "--json", "--out"];
        let ran = past(&[words.as_slice(), &[text(&out)]].concat());
        Client::of(&serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["issued"][0])
    };
    let office = Office {
        good: issue("good", "365"),
        lost: issue("lost", "365"),
        ended: issue("ended", "30"),
    };
    past(&["revoke", &office.lost.number]);
    past(&["revoke", &office.ended.number]);
    (desk, office)
}

impl Office {
    /// What the ledger, its list, and the snapshot for admission say.
    fn check(&self, desk: &Desk, when: &str) {
        desk.ca(&["verify"]).success();
        for (client, state) in
            [(&self.good, "valid"), (&self.lost, "revoked"), (&self.ended, "revoked")]
        {
            assert_eq!(desk.json(&["show", &client.number])["state"], state, "{when}");
        }
        let listed = desk.crl_serials(text(&desk.path("ca/crl.pem")));
        assert!(listed.contains(&self.lost.serial.to_uppercase()), "{when}: {listed:?}");
        let folder = DataFolder::new(&desk.path("ca"));
        let (authority, _) = Authority::open(&folder, clock::now(), "uid:0").unwrap();
        let snapshot = authority.snapshot().unwrap();
        let is_among = |client: &Client, serials: &[sekisho::pki::SerialNumber]| {
            serials.iter().any(|serial| serial.to_string().eq_ignore_ascii_case(&client.serial))
        };
        let [issuer] = snapshot.issuers.as_slice() else { panic!("{when}") };
        for client in [&self.lost, &self.ended] {
            assert!(is_among(client, &issuer.revoked), "{when}: {}", client.number);
            assert!(!is_among(client, &issuer.standing), "{when}: {}", client.number);
        }
        assert!(is_among(&self.good, &issuer.standing), "{when}");
    }

    /// What they meet at the gate.
    fn visit(&self, appliance: &Appliance<'_>) {
        assert!(appliance.visitor(0, &self.good).visit().unwrap().answer.ends_with("hello"));
        for (client, alert) in [
            (&self.lost, AlertDescription::CertificateRevoked),
            (&self.ended, AlertDescription::CertificateExpired),
        ] {
            let refused = appliance.visitor(0, client).visit().unwrap_err();
            assert_eq!(refused, Error::AlertReceived(alert), "{}", client.number);
        }
    }
}
