//! A gate whose log nobody reads any more, since the pipe's other end is gone, serves on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "support/gate.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use support::Stage;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// Catches a log that answers its own failure by panicking, in the midst of a visitor's connection.
#[test]
fn visitors_come_in_after_the_reader_of_the_log_is_gone() {
    let stage = Stage::new();
    stage.client("user1", 3);
    for format in ["text", "json"] {
        let mut command = stage.command();
        let child = command.args(["--log-format", format]).stderr(Stdio::piped()).spawn().unwrap();
        let mut gate = Killed(child);
        let mut log = BufReader::new(gate.0.stderr.take().unwrap()).lines();
        let address = loop {
            let line = log.next().unwrap().unwrap();
            if let Some((_, after)) = line.split_once("127.0.0.1:") {
                let port: String = after.chars().take_while(char::is_ascii_digit).collect();
                break format!("127.0.0.1:{port}").parse::<SocketAddr>().unwrap();
            }
        };
        drop(log);
        for _ in 0..3 {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"]);
            curl.arg("--cacert").arg(stage.path("trusted.crt"));
            curl.arg("--cert").arg(stage.path("user1.crt"));
            curl.arg("--key").arg(stage.path("user1.pem"));
            curl.args(["--resolve", &format!("localhost:{}:127.0.0.1", address.port())]);
            let output = curl.arg(format!("https://localhost:{}/", address.port())).output();
            let output = output.expect("curl: install the Debian package curl");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.stdout.ends_with(b"hello"), "{format}: {said}");
        }
    }
}
