//! A service that is told to stop stops, whatever it is about to do, and leaves nothing behind; one that
//! is told to read its files again goes on, also where nobody reads any.

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

use appliance::{Appliance, Begun, Configuration, is_alive, send};
use desk::{Desk, eventually};
use rustix::process::Signal;
use support::endless;

// Catches a stop that is lost because nobody listens yet: while the gates begin, while the authority
// reads its ledger, and where it waits for somebody to open the vault.
#[test]
fn a_stop_during_the_start_ends_everything_that_was_started() {
    let (desk, upstream) = (Desk::with_authority(), endless());
    // Nothing opens the vault, and nobody is at a terminal: it starts sealed.
    let configuration =
        Configuration::with_authority("").gate("front", &upstream, "").gate("side", &upstream, "");
    configuration.write(&desk);
    for processes in 1..=4 {
        let service = Begun::start(Appliance::command(&desk));
        let started = service.children(processes);
        assert_eq!(service.stop(desk::PATIENCE), Some(0), "stopped after {processes} processes");
        eventually("everything has ended", || !started.iter().any(|process| is_alive(*process)));
        let socket = appliance::socket(&desk);
        eventually("the socket is taken away", || !socket.exists());
    }
    // Nothing is left that would keep the next one from starting.
    Appliance::begin(Appliance::command(&desk), &desk, &configuration).stop();
}

// Catches the default of the signal, which ends the process: without a gate nobody waited for it.
#[test]
fn a_reload_of_a_service_without_gates_does_not_end_it() {
    let desk = Desk::with_authority();
    let configuration = Configuration::with_authority("");
    let service = Appliance::begin(Appliance::command(&desk), &desk, &configuration);
    let (authority, supervisor) = (service.authority(), service.supervisor());
    send(supervisor, Signal::HUP);
    // It answers the second only when it has outlived the first.
    for _ in 0..2 {
        assert_eq!(service.status().1["unsealed"], false);
        send(supervisor, Signal::HUP);
    }
    assert_eq!(service.authority(), authority);
    assert!(is_alive(supervisor));
    service.stop();
}
