//! Whoever seals a service decides alone when it is opened again: neither a crash nor another command
//! opens it. And what the service cannot do for itself stops nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use appliance::{Appliance, Client, Configuration, fetch, send};
use desk::{Desk, eventually, text};
use rustix::process::Signal;
use support::{Upstream, endless};

fn one_gate(upstream: &Upstream) -> Configuration {
    Configuration::new().gate("front", upstream, "refusal = \"strict\"\n")
}

fn is_open(service: &Appliance<'_>) -> bool {
    service.status().1["unsealed"].as_bool().unwrap()
}

// Catches a key file that undoes the order to seal with the next crash.
#[test]
fn a_crash_does_not_open_what_somebody_sealed() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    assert!(is_open(&service), "the key file opens it at the start");
    desk.ca(&["seal"]).success();
    service.wait_for_count("the authority is at work", 2);
    assert!(!is_open(&service));
    for life in 3..=4 {
        send(service.authority(), Signal::KILL);
        service.wait_for_count("the authority is at work", life);
        assert!(!is_open(&service), "in its life {life}");
    }
    desk.ca(&["unseal"]).success();
    assert!(is_open(&service));
    service.stop();
}

// Catches a vault that is left open by the secret that only had to be tried.
#[test]
fn a_new_passphrase_leaves_a_sealed_service_sealed() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    desk.ca(&["seal"]).success();
    service.wait_for_count("the authority is at work", 2);
    let (old, new) = (desk.path("passphrase"), desk.write("new", "staple battery horse"));
    let passwd = ["vault", "passwd", "--new-passphrase-file", text(&new), "--passphrase-file"];
    desk.ca(&[&passwd, [text(&old)].as_slice()].concat()).success();
    assert!(!is_open(&service));
    let refused = desk.ca(&["issue", "client", "nobody", "--out", text(&desk.path(""))]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    // It was changed all the same.
    let wrong = desk.ca(&["unseal", "--passphrase-file", text(&old)]);
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(!is_open(&service));
    desk.ca(&["unseal", "--passphrase-file", text(&new)]).success();
    assert!(is_open(&service));
    service.stop();
}

// Catches a service that does not start, or serves nobody, because a file is in its way.
#[test]
fn a_list_that_cannot_be_kept_stops_neither_the_start_nor_the_gates() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    for name in ["ca.crl", "crl.pem"] {
        let path = desk.path("ca").join(name);
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir(&path).unwrap();
    }
    let service = Appliance::start(&desk, &one_gate(&upstream));
    service.wait_for_count("something that is due could not be done", 1);
    let client = Client::issue(&desk, "user");
    let visitor = service.visitor(0, &client);
    visitor.visit().unwrap();
    // The list itself was signed, and is published.
    eventually("the list", || fetch(&service.published("/ca.crl")).0 == 200);
    let told = desk.json(&["revoke", &client.number]);
    assert_eq!(told["gates"][0]["enforced"], true, "{told}");
    assert!(visitor.visit().is_err());
    service.stop();
}
