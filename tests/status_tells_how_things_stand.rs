//! `sekisho status`, `/healthz`, `/readyz` and `/metrics` tell monitoring programs the truth: 0 all is
//! well, 1 look after it soon, 2 something does not work, 3 no service answers.

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

use std::net::TcpListener;

use appliance::{Appliance, Client, Configuration, fetch, send};
use desk::{Desk, eventually, text};
use rustix::process::Signal;
use serde_json::Value;
use support::{Upstream, endless};

fn configuration(upstream: &Upstream) -> Configuration {
    Configuration::new().gate("front", upstream, "refusal = \"strict\"\n")
}

fn metrics(service: &Appliance<'_>) -> String {
    let (status, text) = fetch(&service.watched("/metrics"));
    assert_eq!(status, 200);
    String::from_utf8(text).unwrap()
}

#[test]
fn a_service_that_is_well_says_so_everywhere() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &configuration(&upstream));
    eventually("the gate has reported", || service.status().0 == 0);
    let client = Client::issue(&desk, "user");
    service.visitor(0, &client).visit().unwrap();
    let (code, status) = service.status();
    assert_eq!(code, 0, "{status}");
    let gate = &status["gates"][0];
    assert_eq!((&status["unsealed"], &status["clock"]), (&true.into(), &"good".into()));
    assert_eq!((&gate["gate"], &gate["answers"]), (&"front".into(), &true.into()));
    assert_eq!(gate["address"], service.gate(0).to_string().as_str());
    assert!(gate["certificate_ends"].is_string() && status["crl"]["next_update"].is_string());
    assert_eq!(status["crl"]["complete"], true);
    assert_eq!(status["ending"], Value::Array(Vec::new()));

    assert_eq!(fetch(&service.watched("/healthz")).0, 200);
    eventually("it is ready", || fetch(&service.watched("/readyz")).0 == 200);
    for line in [
        "sekisho_gate_handshakes_total{gate=\"front\",outcome=\"admitted\",reason=\"full\"} 1",
        "sekisho_gate_feed_stale{gate=\"front\"} 0",
        "sekisho_crl_number ",
    ] {
        // A gate tells its figures every second.
        eventually(line, || metrics(&service).contains(line));
    }
    // Figures are for those who watch, documents for everybody; neither has the other's.
    assert_eq!(fetch(&service.published("/metrics")).0, 404);
    assert_eq!(fetch(&service.watched("/ca.crl")).0, 404);
    service.stop();
}

#[test]
fn what_needs_looking_after_soon_is_a_warning() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &configuration(&upstream));
    eventually("all is well", || service.status().0 == 0);
    let out = desk.path("clients");
    std::fs::create_dir(&out).unwrap();
    desk.ca(&["issue", "client", "short", "--days", "20", "--out", text(&out)]).success();
    let (code, status) = service.status();
    assert_eq!(code, 1, "{status}");
    assert_eq!(status["ending"][0]["common_name"], "short", "{status}");
    assert_eq!(status["ending"][0]["step"], 30, "{status}");
    // Its follower ends the warning.
    desk.ca(&["renew", "short", "--for-days", "365", "--out", text(&out)]).success();
    assert_eq!(service.status().0, 0, "{:?}", service.status());

    desk.ca(&["seal"]).success();
    eventually("it is sealed", || {
        desk.ca(&["status", "--json"]).code == Some(1)
            && !service.status().1["unsealed"].as_bool().unwrap()
    });
    eventually("a sealed service serves", || fetch(&service.watched("/readyz")).0 == 200);
    desk.ca(&["unseal"]).success();
    assert_eq!(service.status().0, 0, "{:?}", service.status());
    service.stop();
}

#[test]
fn what_does_not_work_is_critical() {
    let desk = Desk::with_key_file();
    // Nobody is there: the port was free a moment ago.
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = endless().moved_to(nowhere);
    let service = Appliance::start(&desk, &configuration(&upstream));
    let client = Client::issue(&desk, "user");
    let answer = service.visitor(0, &client).visit().unwrap().answer;
    assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
    eventually("it is said", || service.status().0 == 2);
    let (_, status) = service.status();
    assert_eq!(status["gates"][0]["upstream_up"], false, "{status}");
    assert_eq!(fetch(&service.watched("/healthz")).0, 200, "the service itself lives");
    service.stop();
}

// Catches a monitoring program that hangs, or takes silence for health.
#[test]
fn no_answer_is_told_apart_from_a_bad_one() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let none = desk.ca(&["status", "--json"]);
    assert_eq!((none.code, none.out.as_str()), (Some(3), ""), "{none:?}");
    let service = Appliance::start(&desk, &configuration(&upstream));
    eventually("all is well", || service.status().0 == 0);
    send(service.authority(), Signal::STOP);
    let silent = (503, b"feed-stale front\n".to_vec());
    eventually("the gate lets nobody in", || fetch(&service.watched("/readyz")) == silent);
    assert_eq!(fetch(&service.watched("/healthz")).0, 200);
    let stale = "sekisho_gate_feed_stale{gate=\"front\"} 1";
    eventually("the figure", || metrics(&service).contains(stale));
    // One that has stopped for good is replaced, and whoever waited for it is told.
    assert_eq!(desk.ca(&["status", "--json"]).code, Some(3));
    eventually("all is well again", || desk.ca(&["status"]).code == Some(0));
    eventually("it is ready", || fetch(&service.watched("/readyz")).0 == 200);
    service.stop();
    assert_eq!(desk.ca(&["status"]).code, Some(3));
}
