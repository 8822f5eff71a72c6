//! A thousand races of `revoke` against visitors who come in at that moment, at a running service:
//! once the revocation is acknowledged nobody with that certificate is inside, and nobody comes in
//! (I28).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use appliance::{Appliance, Configuration, Ends};
use desk::Desk;
use rcgen::{CertificateParams, KeyPair};
use sekisho::door::Door;
use sekisho::door::command::{Handout, Key, Order, Purpose, Selector, Subject};
use sekisho::pki::{Certificate, Reason};
use support::{AT_REST, Identity, Tls, Visitor, endless, is_closed_within, monotonic};

const RACES: usize = 1000;

/// Certificates of one order: they share two durable commits.
const BATCH: usize = 100;

/// A connection that was cut is closed already when the revocation is acknowledged; this is for the
/// test's own machine to notice it.
const NOTICE: Duration = Duration::from_secs(2);

// Catches a gate that acknowledges before it has closed, one that looks for connections before it
// changes what is in force, and an authority that answers before the gates have.
#[test]
fn after_the_acknowledgement_of_a_revocation_nobody_is_inside_and_nobody_comes_in() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let configuration = Configuration::new().gate("front", &upstream, "refusal = \"strict\"\n");
    let service = Appliance::start(&desk, &configuration);
    let mut door = service.door();
    let holders = holders(&mut door);
    let root = desk.read("ca/ca.crt");

    let (mut inside, mut under_way, mut refused) = (0, 0, 0);
    for (race, (number, identity)) in holders.iter().enumerate() {
        let visitor = Visitor::of(&root, service.gate(0), identity, &rustls::version::TLS13);
        let (over, begun, entered) =
            (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
        let (mut opened, last) = std::thread::scope(|scope| {
            let visiting = scope.spawn(|| {
                let mut opened = Vec::new();
                while !over.load(Ordering::SeqCst) {
                    let visit = begun.fetch_add(1, Ordering::SeqCst) + 1;
                    if let Some(stream) = enter(&visitor) {
                        opened.push((visit, stream));
                        entered.fetch_add(1, Ordering::SeqCst);
                    }
                }
                opened
            });
            let ends = Ends(&over);
            // Somewhere between the first octet of the first visit and the fourth visit.
            let pause = Duration::from_micros(u64::try_from(race % 97).unwrap() * 130);
            let start = monotonic();
            while start.elapsed() < pause {
                std::hint::spin_loop();
            }
            let before = (begun.load(Ordering::SeqCst), entered.load(Ordering::SeqCst));
            let which = Selector::Number(*number);
            let reply = door.revoke(which, Reason::KeyCompromise, None, false).unwrap();
            let after = begun.load(Ordering::SeqCst);
            let [cut] = reply.cuts.as_slice() else { panic!("{:?}", reply.cuts) };
            let done = cut.done.unwrap_or_else(|| panic!("race {race}: the gate did not answer"));
            assert_eq!(done.left, 0, "race {race}");
            inside += usize::try_from(done.connections).unwrap();
            under_way += usize::from(before.0 > before.1);

            // A visit that begins from here on begins after the acknowledgement.
            let next = after + 2;
            while begun.load(Ordering::SeqCst) < next {
                std::thread::yield_now();
            }
            drop(ends);
            (visiting.join().unwrap(), after)
        });
        refused += begun.into_inner() - opened.len();
        for (visit, stream) in &mut opened {
            assert!(*visit <= last, "race {race}: one came in after the acknowledgement");
            assert!(is_closed_within(stream, NOTICE), "race {race}: one stays inside");
        }
        assert!(enter(&visitor).is_none(), "race {race}: one came in, by a ticket");
        let fresh = Visitor::of(&root, service.gate(0), identity, &rustls::version::TLS13);
        assert!(enter(&fresh).is_none(), "race {race}: one came in");
    }
    println!(
        "{RACES} races: {inside} connections were cut, {under_way} visits were under way when \
         the command was given, {refused} were refused"
    );
    assert!(inside > RACES / 2, "too few were inside: {inside}");
    assert!(under_way > RACES / 2, "too few were on their way in: {under_way}");
    assert!(refused >= RACES, "too few were refused: {refused}");
    let connections = door.connections().unwrap();
    assert_eq!(connections[0].connections.as_deref(), Some([].as_slice()));
    service.stop();
}

/// A connection on which an answer has come; none when the visitor was not let in.
fn enter(visitor: &Visitor) -> Option<Tls> {
    let mut stream = visitor.connect();
    let _ = stream.write_all(AT_REST.0.as_bytes());
    match stream.read(&mut [0; 1]) {
        Ok(1) => Some(stream),
        _ => None,
    }
}

/// A thousand certificates, for one key: making keys is not what is tested.
fn holders(door: &mut Door) -> Vec<(u64, Identity)> {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    let request = request.pem().unwrap().into_bytes();
    let mut holders = Vec::new();
    for batch in 0..RACES / BATCH {
        let orders = (0..BATCH).map(|place| order(batch * BATCH + place, request.clone()));
        for outcome in door.issue(orders.collect(), Handout::Modern).unwrap() {
            let issued = outcome.unwrap();
            let certificate = Certificate::from_der(&issued.bundle.chain[0]).unwrap().pem();
            let identity = Identity { certificate, key: key.serialize_pem() };
            holders.push((issued.number, identity));
        }
    }
    holders
}

fn order(place: usize, request: Vec<u8>) -> Order {
    Order {
        subject: Subject {
            common_name: format!("racer{place}"),
            country: "JP".to_owned(),
            organization: "orca".to_owned(),
            unit: None,
        },
        purpose: Purpose::Client,
        days: 30,
        shorten: false,
        key: Key::Requested { request },
        person: None,
        device: None,
        source: None,
        request: None,
    }
}
