//! The publisher is a process of its own: whatever becomes of it, visitors and revocations do not
//! wait, and the list comes back by itself.

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

use std::time::Duration;

use appliance::{Appliance, Client, Configuration, fetch, is_alive, send};
use desk::{Desk, eventually};
use rustix::process::Signal;
use support::{Upstream, endless, monotonic};

fn one_gate(upstream: &Upstream) -> Configuration {
    Configuration::new().gate("front", upstream, "refusal = \"strict\"\n")
}

fn publisher(service: &Appliance<'_>) -> i32 {
    let publishers = service.processes("publisher");
    assert_eq!(publishers.len(), 1, "{publishers:?}");
    publishers[0]
}

/// Whether no-new-privs is set, and system calls are filtered (proc(5)).
fn is_confined(process: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    ["NoNewPrivs:\t1\n", "Seccomp:\t2\n"].iter().all(|line| status.contains(line))
}

fn listed(desk: &Desk, service: &Appliance<'_>) -> Vec<String> {
    let (status, pem) = fetch(&service.published("/crl.pem"));
    if status != 200 {
        return Vec::new();
    }
    desk.write("fetched.pem", pem);
    desk.crl_serials("fetched.pem")
}

// Catches a publisher that comes back without the list or the figures until something changes, and
// one whose death takes the gate or the authority with it.
#[test]
fn a_publisher_that_was_killed_serves_the_same_list_again() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    let client = Client::issue(&desk, "user");
    let visitor = service.visitor(0, &client);
    visitor.visit().unwrap();
    let counted = |resumed| {
        let (_, figures) = fetch(&service.watched("/metrics"));
        let reason = if resumed { "resumed" } else { "full" };
        let line = format!("outcome=\"admitted\",reason=\"{reason}\"}} 1\n");
        String::from_utf8(figures).unwrap().contains(&line)
    };
    eventually("it is ready", || fetch(&service.watched("/readyz")).0 == 200);
    eventually("the visit is counted", || counted(false));
    let list = fetch(&service.published("/ca.crl"));
    assert_eq!(list.0, 200);

    let killed = publisher(&service);
    assert!(is_confined(killed));
    send(killed, Signal::KILL);
    eventually("the same list", || fetch(&service.published("/ca.crl")) == list);
    let next = publisher(&service);
    assert!(next != killed && is_confined(next));
    // The gate was not started again: it goes on counting.
    visitor.visit().unwrap();
    eventually("what it counted before and since", || counted(false) && counted(true));
    eventually("it is ready again", || fetch(&service.watched("/readyz")).0 == 200);
    assert_eq!(service.processes("gate").len(), 1);
    service.stop();
}

// Catches a supervisor that waits for its publisher: a list nobody reads would stop revocations.
#[test]
fn a_publisher_that_is_stopped_holds_up_nobody_and_then_has_the_newest_list() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    eventually("the first list", || fetch(&service.published("/ca.crl")).0 == 200);
    let stopped = publisher(&service);
    send(stopped, Signal::STOP);
    let mut revoked = Vec::new();
    for number in 0..5 {
        let client = Client::issue(&desk, &format!("user{number}"));
        let visitor = service.visitor(0, &client);
        visitor.visit().unwrap();
        let begun = monotonic();
        let told = desk.json(&["revoke", &client.number]);
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_eq!(told["gates"][0]["enforced"], true, "{told}");
        assert!(visitor.visit().is_err());
        revoked.push(client.serial.to_uppercase());
    }
    revoked.sort();
    // It goes on, or it was replaced while it did nothing.
    if is_alive(stopped) {
        send(stopped, Signal::CONT);
    }
    eventually("the newest list", || {
        let mut listed = listed(&desk, &service);
        listed.sort();
        listed == revoked
    });
    service.stop();
}
