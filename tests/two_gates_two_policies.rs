//! One CA, several gates, each with a policy of its own: a revocation holds at every one of them,
//! and what one gave out opens none of the others (I1, I3, I4).

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

use appliance::{Appliance, Client, Configuration};
use desk::Desk;
use rustls::{AlertDescription, Error};
use support::{BOTH_VERSIONS, Upstream, Visited, Visitor};

const EXPLAIN: usize = 0;
const STRICT: usize = 1;
const TCP: usize = 2;
const GATES: [usize; 3] = [EXPLAIN, STRICT, TCP];

fn upstream() -> Upstream {
    Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
}

fn configuration(upstream: &Upstream) -> Configuration {
    Configuration::new()
        .gate("explain", upstream, "tls12 = true\n")
        .gate("strict", upstream, "tls12 = true\nrefusal = \"strict\"\n")
        .gate("tcp", upstream, "tls12 = true\nmode = \"tcp\"\n")
}

/// A visit that ends with its one answer, at whichever gate. In tcp mode the visitor's own end ends
/// it, and the application's says so first.
fn visit(visitor: &Visitor) -> Result<Visited, Error> {
    let mut stream = visitor.connect();
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    let read = std::io::Write::write_all(&mut stream, request).and_then(|()| {
        let mut buffer = [0; 4096];
        loop {
            match std::io::Read::read(&mut stream, &mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            }
            if answer.ends_with(b"hello") {
                return Ok(());
            }
        }
    });
    if let Err(error) = read {
        let tls = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
        return Err(tls.cloned().unwrap_or_else(|| panic!("{error}")));
    }
    Ok(Visited {
        answer: String::from_utf8_lossy(&answer).into_owned(),
        resumed: stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
        group: None,
    })
}

/// Whether this visit was let in, and whether by a ticket; a refusal must be the one for revoked.
#[track_caller]
fn outcome(place: usize, visited: Result<Visited, Error>) -> Option<bool> {
    match visited {
        Ok(visited) if visited.answer.ends_with("hello") => Some(visited.resumed),
        Ok(visited) => {
            assert_eq!(place, EXPLAIN, "{visited:?}");
            assert!(visited.answer.starts_with("HTTP/1.1 403"), "{visited:?}");
            assert!(!visited.resumed, "a refused visitor got in by a ticket: {visited:?}");
            None
        }
        Err(error) => {
            assert_ne!(place, EXPLAIN, "{error}");
            assert_eq!(error, Error::AlertReceived(AlertDescription::CertificateRevoked));
            None
        }
    }
}

// Catches a listener whose mode has a way past admission, and tickets that are judged by less than
// the certificate they stand for.
#[test]
fn a_revocation_holds_at_every_gate_fresh_and_resumed_in_both_versions() {
    let (desk, upstream) = (Desk::with_key_file(), upstream());
    let service = Appliance::start(&desk, &configuration(&upstream));
    let (lost, kept) = (Client::issue(&desk, "lost"), Client::issue(&desk, "kept"));
    let mut visitors = Vec::new();
    for place in GATES {
        for version in BOTH_VERSIONS {
            let both = [&lost, &kept].map(|client| service.visitor_in(place, client, version));
            for visitor in &both {
                assert_eq!(outcome(place, visit(visitor)), Some(false), "{place} {version:?}");
                assert_eq!(outcome(place, visit(visitor)), Some(true), "{place} {version:?}");
            }
            visitors.push((place, version, both));
        }
    }

    let revoked = desk.json(&["revoke", &lost.number]);
    let gates: Vec<&str> = revoked["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| gate["gate"].as_str().unwrap())
        .collect();
    assert_eq!(gates, ["explain", "strict", "tcp"], "{revoked}");
    let seen = upstream.seen().len();
    for (place, version, [theirs, others]) in &visitors {
        assert_eq!(outcome(*place, visit(theirs)), None, "resumed at {place} in {version:?}");
        let fresh = service.visitor_in(*place, &lost, version);
        for _ in 0..2 {
            assert_eq!(outcome(*place, visit(&fresh)), None, "fresh at {place} in {version:?}");
        }
        assert_eq!(outcome(*place, visit(others)), Some(true), "{place} {version:?}");
    }
    assert_eq!(upstream.seen().len(), seen + visitors.len(), "the application saw only the others");
    service.stop();
}

// Catches one ticket key for all listeners: a ticket of a lax one would be a pass to a strict one.
#[test]
fn a_ticket_of_one_gate_is_worth_nothing_at_another() {
    let (desk, upstream) = (Desk::with_key_file(), upstream());
    let service = Appliance::start(&desk, &configuration(&upstream));
    let client = Client::issue(&desk, "user");
    for version in BOTH_VERSIONS {
        for from in GATES {
            for to in GATES.into_iter().filter(|to| *to != from) {
                let visitor = service.visitor_in(from, &client, version);
                assert_eq!(outcome(from, visit(&visitor)), Some(false));
                assert_eq!(outcome(from, visit(&visitor)), Some(true), "tickets are given");
                let elsewhere = visitor.at_address(service.gate(to));
                assert_eq!(outcome(to, visit(&elsewhere)), Some(false), "{from} at {to}");
            }
        }
    }
    service.stop();
}

// Catches a revocation that is acknowledged before it is durable: the killed service would let its
// holder in again, by a ticket or with a handshake.
#[test]
fn a_revocation_holds_at_every_gate_after_the_service_was_killed() {
    let (desk, upstream) = (Desk::with_key_file(), upstream());
    let configuration = configuration(&upstream);
    let service = Appliance::start(&desk, &configuration);
    let (lost, kept) = (Client::issue(&desk, "lost"), Client::issue(&desk, "kept"));
    let before: Vec<Visitor> = GATES.map(|place| service.visitor(place, &lost)).into();
    for (place, visitor) in before.iter().enumerate() {
        assert_eq!(outcome(place, visit(visitor)), Some(false));
    }
    desk.json(&["revoke", &lost.number]);
    service.kill();

    let service = Appliance::start(&desk, &configuration);
    for (place, visitor) in before.iter().enumerate() {
        assert_eq!(outcome(place, visit(&visitor.at_address(service.gate(place)))), None);
        assert_eq!(outcome(place, visit(&service.visitor(place, &lost))), None);
        assert_eq!(outcome(place, visit(&service.visitor(place, &kept))), Some(false));
    }
    service.stop();
}
