//! Under a service manager: it hears when the service is ready, that it lives, and that it stops; and a
//! gate serves at the socket that it passes.

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

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use appliance::{Appliance, Client, Configuration};
use desk::{Desk, SEKISHO};
use rustix::io::FdFlags;
use support::endless;

/// Nothing that is waited for takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_service_is_ready_lives_and_stops_and_its_gate_serves_at_the_socket_that_was_passed() {
    let desk = Desk::with_key_file();
    let client = Client::issue(&desk, "user1");
    let upstream = endless();
    let manager = UnixDatagram::bind(desk.path("notify")).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();

    // The configuration has another address: the name decides.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    rustix::io::fcntl_setfd(&listener, FdFlags::empty()).unwrap();
    let mut command: Command = desk.command("bash");
    command
        .args([
            "-c",
            r#"exec 3<&"$1"; LISTEN_PID=$$ exec "$2" serve --config sekisho.toml"#,
            "bash",
        ])
        .args([&listener.as_raw_fd().to_string(), SEKISHO])
        .envs([("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "main"), ("WATCHDOG_USEC", "1000000")])
        .env("NOTIFY_SOCKET", desk.path("notify"));
    let configuration = Configuration::new().gate("main", &upstream, "");
    let appliance = Appliance::ready(command, &desk, &configuration);
    drop(listener);

    assert_eq!(appliance.gate(0), address);
    let visited = appliance.visitor(0, &client).visit().unwrap();
    assert!(visited.answer.contains("hello"), "{}", visited.answer);
    let mut heard = Vec::new();
    while !heard.contains(&"WATCHDOG=1".to_owned()) || heard.len() < 2 {
        heard.push(hear(&manager));
    }
    assert!(heard.contains(&"READY=1\nSTATUS=Serving. Gates: main".to_owned()), "{heard:?}");

    appliance.stop();
    let last = std::iter::from_fn(|| Some(hear(&manager))).find(|said| said != "WATCHDOG=1");
    assert_eq!(last.unwrap(), "STOPPING=1");
}

fn hear(manager: &UnixDatagram) -> String {
    let mut message = [0; 512];
    let length = manager.recv(&mut message).unwrap();
    String::from_utf8(message[..length].to_vec()).unwrap()
}
