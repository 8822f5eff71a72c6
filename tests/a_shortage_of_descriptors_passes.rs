//! A process that has no descriptors left for a moment fails at what it does then, and at nothing else:
//! the gate and its way to the upstream are there again as soon as there are some.

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

use appliance::{Appliance, Client, Configuration};
use desk::Desk;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use support::{AT_REST, Tls, Upstream, read_until};

// Catches a supervisor that ends the way to the upstream because it could not connect once, and a gate
// that takes a connection which found no room for nonsense, and ends with all its visitors.
#[test]
fn a_request_without_a_descriptor_to_serve_it_fails_alone() {
    let desk = Desk::with_key_file();
    let client = Client::issue(&desk, "user1");
    // Every request needs a connection of its own.
    let upstream = Upstream::answering(
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    );
    let configuration = Configuration::new().gate("front", &upstream, "");
    let service = Appliance::start(&desk, &configuration);
    let gate = service.processes("gate")[0];
    let mut inside = service.visitor(0, &client).connect();
    ask(&mut inside, "hello");
    for process in [service.supervisor(), gate] {
        let process = Pid::from_raw(process);
        // The three that every process has are open: it can open nothing more.
        let none = Rlimit { current: Some(3), ..getrlimit(Resource::Nofile) };
        let usual = prlimit(process, Resource::Nofile, none).unwrap();
        ask(&mut inside, "HTTP/1.1 502 ");
        prlimit(process, Resource::Nofile, usual).unwrap();
        ask(&mut inside, "hello");
        assert_eq!(service.processes("gate"), [gate], "another gate");
    }
    service.stop();
}

/// Sends a request on an open connection, and reads an answer with this in it.
fn ask(inside: &mut Tls, answer: &str) {
    inside.sock.set_read_timeout(Some(desk::PATIENCE)).unwrap();
    inside.write_all(AT_REST.0.as_bytes()).unwrap();
    let text = read_until(inside, answer);
    assert!(answer == "hello" || !text.contains("hello"), "{text}");
}
