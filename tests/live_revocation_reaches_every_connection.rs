//! I28, I2: what the authority tells the gate counts at once: for those who are inside, those who
//! come, and those who come back with a ticket; and for nobody else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/feed.rs"]
mod feed;
#[path = "support/gate.rs"]
mod support;

use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use feed::{Fed, serial, wide};
use rustls::{AlertDescription, Error};
use sekisho::door::feed::LiveConnection;
use sekisho::gate::Limits;
use support::{
    AT_REST, ENDLESS, Leaf, PATIENCE, Tls, WEBSOCKET, endless, http2_endless, is_closed_within,
    monotonic, read_until,
};

fn refused(alert: AlertDescription) -> Error {
    Error::AlertReceived(alert)
}

fn still_answers(stream: &mut Tls) {
    stream.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(stream, AT_REST.1);
}

#[test]
fn a_revocation_cuts_every_connection_of_its_holder_and_no_other() {
    let fed = Fed::start(endless(), &[3, 4], |_, settings| settings);
    let mut theirs = [AT_REST, ENDLESS, WEBSOCKET].map(|kind| fed.open(3, kind));
    fed.stage.write_identity("lost", &fed.stage.authority.issue(&Leaf::client("lost", 3)));
    let mut http2 = http2_endless(&fed.stage, fed.address, "lost");
    let mut kept = fed.open(4, AT_REST);
    let mut kept_websocket = fed.open(4, WEBSOCKET);

    let spoken = |connections: &[LiveConnection], wanted: u64| {
        let theirs = connections.iter().filter(|one| one.serial == serial(wanted));
        let mut spoken: Vec<&str> = theirs.map(|one| one.protocol.as_str()).collect();
        spoken.sort_unstable();
        spoken.join(" ")
    };
    // The visitor reads that the protocols are switched a moment before they are.
    support::eventually("both tunnels are open", || {
        let connections = fed.connections();
        spoken(&connections, 3) == "h2 http/1.1 http/1.1 websocket"
            && spoken(&connections, 4) == "http/1.1 websocket"
    });
    let connections = fed.connections();
    assert!(connections.iter().all(|one| one.peer.starts_with("127.0.0.1:")));
    assert!(connections.iter().any(|one| one.name == "lost"));

    let told = fed.revoke(&[3]);
    assert_eq!((told.gate.as_str(), told.cut, told.left), (feed::NAME, 4, 0));
    assert!((1..900_000).contains(&told.microseconds), "{told:?}");
    for stream in &mut theirs {
        assert!(is_closed_within(stream, PATIENCE));
    }
    support::eventually("the HTTP/2 connection ends", || http2.try_wait().unwrap().is_some());
    assert!(!http2.wait().unwrap().success());
    still_answers(&mut kept);
    kept_websocket.write_all(b"ping").unwrap();
    read_until(&mut kept_websocket, "ping");
    assert_eq!(fed.connections().len(), 2);
    assert_eq!(
        fed.visitor(3).visit().unwrap_err(),
        refused(AlertDescription::CertificateRevoked),
        "no new connection either"
    );
    assert_eq!(fed.revoke(&[3]).cut, 0, "the same once more cuts nobody");
    for line in [
        "sekisho_gate_cuts_total{gate=\"front\",reason=\"revoked\"} 4",
        "sekisho_gate_live_connections{gate=\"front\"} 2",
        "sekisho_gate_handshakes_total{gate=\"front\",outcome=\"admitted\",reason=\"full\"} 6",
        "sekisho_gate_handshakes_total{gate=\"front\",outcome=\"refused\",reason=\"revoked\"} 1",
        "sekisho_gate_feed_stale{gate=\"front\"} 0",
    ] {
        // The gate counts a moment after the visitor has read the alert.
        support::eventually(line, || fed.metrics().contains(line));
    }
}

// Catches admission that looks before it registers, or an event that looks for connections before
// it changes what is in force: some of a thousand visitors would stay for ever.
#[test]
fn of_a_thousand_races_between_revocation_and_admission_none_is_lost() {
    const RACES: u64 = 1000;
    const LANES: u64 = 4;
    let standing: Vec<u64> = (10..10 + RACES).collect();
    let fed = Fed::start(endless(), &standing, |_, settings| settings);
    let entered = AtomicU64::new(0);
    let survivors = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (fed, entered, survivors) = (&fed, &entered, &survivors);
            scope.spawn(move || {
                for race in (lane..RACES).step_by(usize::try_from(LANES).unwrap()) {
                    let visitor = fed.visitor(10 + race);
                    let begin = monotonic();
                    let visit = scope.spawn(move || {
                        let mut stream = visitor.connect();
                        let _ = stream.write_all(AT_REST.0.as_bytes());
                        let mut first = [0; 1];
                        let answered = matches!(stream.read(&mut first), Ok(1));
                        (stream, answered)
                    });
                    // Somewhere between the first octet and a while after the answer.
                    let pause = Duration::from_micros(race % 97 * 120);
                    while begin.elapsed() < pause {
                        std::hint::spin_loop();
                    }
                    fed.begin_revoking(&[10 + race]);
                    let (mut stream, answered) = visit.join().unwrap();
                    // An alert, or the end: the gate did not let this one in.
                    if !answered {
                        continue;
                    }
                    entered.fetch_add(1, Ordering::SeqCst);
                    if !is_closed_within(&mut stream, PATIENCE) {
                        survivors.lock().unwrap().push(race);
                    }
                }
            });
        }
    });
    assert_eq!(survivors.into_inner().unwrap(), Vec::<u64>::new(), "still open");
    let entered = entered.into_inner();
    assert!((50..RACES - 50).contains(&entered), "no race: {entered} of {RACES} were inside");
    assert!(fed.connections().is_empty());
}

#[test]
fn a_certificate_counts_from_its_issue_and_one_that_is_not_in_the_ledger_never() {
    let fed = Fed::start(endless(), &[3], |_, settings| settings);
    let visitor = fed.visitor(5);
    let unknown = refused(AlertDescription::AccessDenied);
    assert_eq!(visitor.visit().unwrap_err(), unknown);
    fed.issued(&[5]);
    assert!(fed.connections().is_empty(), "the feed is read in order");
    assert!(visitor.visit().unwrap().answer.contains("hello"));
    assert_eq!(fed.visitor(6).visit().unwrap_err(), unknown);
}

// I2: a ticket is no way in after a revocation, and stays good when another is revoked.
#[test]
fn a_ticket_dies_with_its_certificate_and_lives_through_everything_else() {
    let fed = Fed::start(endless(), &[3, 4], |_, settings| settings);
    let (lost, other) = (fed.visitor(3), fed.visitor(4));
    for visitor in [&lost, &other] {
        assert!(!visitor.visit().unwrap().resumed);
        assert!(visitor.visit().unwrap().resumed);
    }
    fed.revoke(&[3]);
    assert_eq!(lost.visit().unwrap_err(), refused(AlertDescription::CertificateRevoked));
    assert!(other.visit().unwrap().resumed);
    // The authority was started again; the anchors are the same.
    fed.snapshot(&[4], &[3]);
    fed.connections();
    assert!(other.visit().unwrap().resumed);
}

#[test]
fn a_new_snapshot_cuts_whom_it_revokes_and_takes_no_revocation_back() {
    let fed = Fed::start(endless(), &[3, 4, 5], |_, settings| settings);
    let mut kept = fed.open(3, AT_REST);
    let mut revoked_meanwhile = fed.open(4, WEBSOCKET);
    fed.revoke(&[5]);
    // From a folder that was restored: it knows nothing of the revocation of 5.
    fed.snapshot(&[3, 5], &[4]);
    assert!(is_closed_within(&mut revoked_meanwhile, PATIENCE));
    still_answers(&mut kept);
    let revoked = refused(AlertDescription::CertificateRevoked);
    assert_eq!(fed.visitor(5).visit().unwrap_err(), revoked);
    assert_eq!(fed.visitor(4).visit().unwrap_err(), revoked);
    // A certificate that has left the ledger has left the gate.
    fed.snapshot(&[], &[4, 5]);
    assert!(is_closed_within(&mut kept, PATIENCE));
}

#[test]
fn a_new_server_certificate_is_shown_to_the_next_and_drops_nobody() {
    let fed = Fed::start(endless(), &[3], |_, settings| settings);
    let visitor = fed.visitor(3);
    let shown = |stream: &Tls| stream.conn.peer_certificates().unwrap()[0].clone();
    let mut stream = fed.open(3, AT_REST);
    fed.identity(&Leaf { serial: 77, ..Leaf::server() });
    // One for another gate, and one that is no server's, change nothing.
    fed.identity(&Leaf::client("localhost", 78));
    fed.connections();
    still_answers(&mut stream);
    let mut later = visitor.connect();
    later.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(&mut later, AT_REST.1);
    assert_ne!(shown(&stream), shown(&later));
    let der = sekisho::pki::Certificate::from_der(&shown(&later)).unwrap();
    assert_eq!(der.serial(), serial(77));
    still_answers(&mut stream);
}

#[test]
fn one_certificate_has_so_many_connections_and_no_more() {
    let limits = Limits { connections_per_certificate: 3, ..wide() };
    let fed = Fed::start(endless(), &[3, 4], |_, settings| settings.with_limits(limits));
    let mut streams: Vec<Tls> = (0..3).map(|_| fed.open(3, AT_REST)).collect();
    let mut fourth = fed.visitor(3).connect();
    let _ = fourth.write_all(AT_REST.0.as_bytes());
    assert!(is_closed_within(&mut fourth, PATIENCE));
    still_answers(&mut fed.open(4, AT_REST));
    drop(streams.pop());
    support::eventually("the place is given back", || fed.connections().len() == 2);
    still_answers(&mut fed.open(3, AT_REST));
    assert!(fed.metrics().contains("reason=\"too_many_connections\"} 1"));
}

#[test]
fn nobody_is_served_before_the_certificate_and_the_ledger_are_there() {
    let fed = Fed::silent(endless(), |_, settings| settings);
    let visitor = fed.visitor(3);
    let early = std::thread::spawn(move || visitor.visit());
    fed.identity(&Leaf::server());
    fed.connections();
    std::thread::sleep(Duration::from_millis(200));
    assert!(!early.is_finished(), "it waits");
    fed.snapshot(&[3], &[]);
    assert!(early.join().unwrap().unwrap().answer.contains("hello"));
}
