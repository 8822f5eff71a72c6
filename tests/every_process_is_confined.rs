//! `sekisho status --hardening` says how each process of a running service is confined, and the kernel
//! says the same of it.

#![allow(
    clippy::unwrap_used,
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

use appliance::{Appliance, Client, Configuration};
use desk::{Desk, eventually, finish};
use serde_json::Value;
use support::endless;

#[test]
fn status_and_the_kernel_say_the_same_of_every_process() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let configuration = Configuration::new().gate("front", &upstream, "");
    let service = Appliance::start(&desk, &configuration);
    eventually("every process is known", || processes(&desk).len() == 4);
    for process in processes(&desk) {
        for layer in process["layers"].as_array().unwrap() {
            let left_out = layer["layer"] == "separate-uids";
            if layer["required"] == true {
                assert_eq!(layer["in_force"], !left_out, "{process}");
            }
        }
    }
    let mut roles: Vec<Value> = processes(&desk).iter().map(|one| one["role"].clone()).collect();
    roles.sort_by_key(ToString::to_string);
    assert_eq!(roles, ["authority", "gate", "publisher", "supervisor"]);
    for process in service.children() {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"] {
            assert!(status.contains(line), "no {line} in {status}");
        }
    }
    assert_eq!(service.status().1["without_layers"], serde_json::json!(["separate-uids"]));
    service.stop();
}

#[test]
fn the_oldest_landlock_is_enough_to_serve() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let client = Client::issue(&desk, "user1");
    let mut command = Appliance::command(&desk);
    command.args(["--landlock-abi", "1"]);
    let configuration = Configuration::new().gate("front", &upstream, "");
    let service = Appliance::ready(command, &desk, &configuration);
    assert!(service.visitor(0, &client).visit().is_ok());
    eventually("every process is known", || processes(&desk).len() == 4);
    for process in processes(&desk) {
        let layers = process["layers"].as_array().unwrap();
        let stands = |name: &str| layers.iter().find(|one| one["layer"] == name).unwrap().clone();
        assert_eq!(stands("landlock")["in_force"], true, "{process}");
        assert_eq!(stands("landlock-scope")["reason"], "unsupported", "{process}");
    }
    service.stop();
}

/// What `status --hardening` prints of the processes. It exits with 1: a layer was left out.
fn processes(desk: &Desk) -> Vec<Value> {
    let ran = finish(desk.sekisho(&["status", "--hardening", "--json"]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    printed["processes"].as_array().unwrap().clone()
}
