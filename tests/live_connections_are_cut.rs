//! I28: an open connection ends when its holder may no longer come in: by a newer revocation list
//! or at the end of the certificate; at rest, in the middle of an answer, HTTP/2 and WebSocket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/gate.rs"]
mod support;

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use support::{
    AT_REST, DAY, ENDLESS, Gate, Leaf, Stage, Tls, Visitor, WEBSOCKET, endless, http2_endless,
    is_closed_within, read_until,
};

/// From the writing of a list to the cut: a second until it is looked at, and some room.
const SOON: Duration = Duration::from_secs(8);

fn open(stage: &Stage, gate: &Gate, leaf: &Leaf, (request, until): (&str, &str)) -> Tls {
    let identity = stage.authority.issue(leaf);
    let mut stream = Visitor::new(stage, gate, &identity, &rustls::version::TLS13).connect();
    stream.write_all(request.as_bytes()).unwrap();
    read_until(&mut stream, until);
    stream
}

#[test]
fn a_revocation_ends_every_open_connection_of_its_holder_and_nobody_elses() {
    let stage = Stage::with_upstream(endless()).with_revocation_list(&[]);
    let gate = stage.start();
    let lost = Leaf::client("lost", 3);
    let mut theirs = [AT_REST, ENDLESS, WEBSOCKET].map(|kind| open(&stage, &gate, &lost, kind));
    stage.write_identity("lost", &stage.authority.issue(&lost));
    let mut http2 = http2_endless(&stage, gate.address, "lost");

    let other = Leaf::client("other", 4);
    let mut kept = open(&stage, &gate, &other, AT_REST);
    let mut kept_websocket = open(&stage, &gate, &other, WEBSOCKET);

    stage.write("ca.crl", &stage.authority.revocation_list(2, &[3], 30 * DAY));
    for (number, stream) in theirs.iter_mut().enumerate() {
        assert!(is_closed_within(stream, SOON), "still open: {number}");
    }
    support::eventually("the HTTP/2 connection ends", || http2.try_wait().unwrap().is_some());
    assert!(!http2.wait().unwrap().success());
    let cut = "connection cut gate=gate reason=\"revoked\"";
    support::eventually("a line for each", || gate.log.count(cut) == 4);

    kept.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(&mut kept, AT_REST.1);
    kept_websocket.write_all(b"ping").unwrap();
    read_until(&mut kept_websocket, "ping");
}

#[test]
fn a_connection_ends_with_its_certificate() {
    let stage = Stage::with_upstream(endless());
    let gate = stage.start();
    let short = Leaf { until: 3, ..Leaf::client("short", 3) };
    let mut streams = [AT_REST, ENDLESS, WEBSOCKET].map(|kind| open(&stage, &gate, &short, kind));
    for stream in &mut streams {
        assert!(is_closed_within(stream, SOON));
    }
    let cut = "connection cut gate=gate reason=\"expired\"";
    support::eventually("a line for each", || gate.log.count(cut) == 3);
}

#[test]
fn another_authority_ends_the_connections_of_the_old_ones_holders() {
    let stage = Stage::with_upstream(endless());
    let gate = stage.start();
    let mut stream = open(&stage, &gate, &Leaf::client("user1", 3), AT_REST);
    // A reload that changes nothing cuts nobody.
    gate.signal("HUP");
    gate.log.wait_for(&["files read anew"]);
    stream.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(&mut stream, AT_REST.1);

    stage.write("ca.crt", &support::Authority::new("Test CA").pem);
    gate.signal("HUP");
    assert!(is_closed_within(&mut stream, SOON));
    gate.log.wait_for(&["connection cut gate=gate reason=\"unknown_issuer\""]);
}

// Catches admission that reads the lists before it subscribes to them: a visitor in between would
// stay for ever.
#[test]
fn nobody_slips_in_while_the_list_changes() {
    let stage = Stage::with_upstream(endless()).with_revocation_list(&[]);
    let gate = stage.start();
    let identity = stage.authority.issue(&Leaf::client("lost", 3));
    let visitor = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13);
    let streams = Mutex::new(Vec::new());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let mut stream = visitor.connect();
                    // Refused from some moment on; that is what is raced against.
                    let _ = stream.write_all(AT_REST.0.as_bytes());
                    streams.lock().unwrap().push(stream);
                    std::thread::sleep(Duration::from_millis(25));
                }
            });
        }
        support::eventually("twenty are inside", || gate.log.count("admitted") > 20);
        stage.write("ca.crl", &stage.authority.revocation_list(2, &[3], 30 * DAY));
        gate.log.wait_for(&["revocation list in force", "number=02"]);
        std::thread::sleep(Duration::from_millis(200));
        over.store(true, Ordering::SeqCst);
    });
    let mut streams = streams.into_inner().unwrap();
    for stream in &mut streams {
        assert!(is_closed_within(stream, SOON));
    }
    assert!(gate.log.count("connection cut") > 0, "some were inside");
}
