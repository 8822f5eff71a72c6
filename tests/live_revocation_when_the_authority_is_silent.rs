//! I29: five seconds after the authority's last word the stale policy is in force, by itself, and it
//! ends by itself with the next word.

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

use std::io::Write;
use std::time::Duration;

use feed::{Fed, now};
use rustls::{AlertDescription, Error};
use sekisho::door::feed::{Answer, Event, Heartbeat, IssuerSnapshot, Snapshot};
use sekisho::gate::StalePolicy;
use support::{AT_REST, PATIENCE, Tls, endless, is_closed_within, read_until};

const STALE: &str = "sekisho_gate_feed_stale{gate=\"front\"} 1";

fn still_answers(stream: &mut Tls) {
    stream.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(stream, AT_REST.1);
}

fn start(policy: StalePolicy) -> Fed {
    Fed::start(endless(), &[3, 4], |_, settings| settings.with_stale_policy(policy))
}

/// What a visitor gets whose status nobody can tell (RFC 8446 section 6.2 has no alert for it).
fn is_refused(fed: &Fed) -> bool {
    match fed.visitor(3).visit() {
        Ok(visited) => {
            assert!(visited.answer.contains("hello"), "{visited:?}");
            false
        }
        Err(error) => {
            assert_eq!(error, Error::AlertReceived(AlertDescription::UnknownCA));
            true
        }
    }
}

/// Waits for the silence to become one; it must not be one early.
fn wait_for_silence(fed: &Fed) {
    fed.fall_silent();
    // A heart may just have beaten: it is between four and six seconds until the bound.
    std::thread::sleep(Duration::from_millis(3500));
    assert!(!fed.metrics().contains(STALE), "too early");
    support::eventually("the silence is noticed", || fed.metrics().contains(STALE));
}

#[test]
fn a_silent_authority_lets_nobody_new_in_and_cuts_nobody_unless_told_so() {
    let fed = start(StalePolicy::Refuse);
    let mut inside = fed.open(4, AT_REST);
    let visitor = fed.visitor(4);
    visitor.visit().unwrap();
    wait_for_silence(&fed);
    assert!(is_refused(&fed));
    assert!(visitor.visit().is_err(), "no ticket leads past it");
    still_answers(&mut inside);
    fed.beat();
    support::eventually("it recovers", || !fed.metrics().contains(STALE));
    assert!(!is_refused(&fed));
    assert!(visitor.visit().unwrap().resumed, "and tickets are good again");
    still_answers(&mut inside);
}

#[test]
fn what_was_last_known_holds_where_that_is_the_policy() {
    let fed = start(StalePolicy::Serve);
    let mut inside = fed.open(4, AT_REST);
    wait_for_silence(&fed);
    assert!(!is_refused(&fed));
    still_answers(&mut inside);
    // What comes after the silence counts: it is the word that ends it.
    assert_eq!(fed.revoke(&[4]).cut, 1);
    assert!(is_closed_within(&mut inside, PATIENCE));
}

#[test]
fn everybody_is_cut_where_that_is_the_policy() {
    let fed = start(StalePolicy::Cut);
    let mut inside = fed.open(4, AT_REST);
    wait_for_silence(&fed);
    assert!(is_closed_within(&mut inside, PATIENCE));
    assert!(is_refused(&fed));
    assert!(
        fed.metrics().contains("sekisho_gate_cuts_total{gate=\"front\",reason=\"status_stale\"} 1")
    );
    // The authority was started again.
    fed.snapshot(&[3], &[4]);
    support::eventually("it recovers", || !is_refused(&fed));
}

// Catches a heartbeat that is believed although the ledger behind it is not known.
#[test]
fn a_snapshot_that_cannot_be_read_is_no_word_at_all() {
    let fed = start(StalePolicy::Refuse);
    assert!(!is_refused(&fed));
    let issuer =
        IssuerSnapshot { certificate: vec![0x30, 0x00], standing: Vec::new(), revoked: Vec::new() };
    let floor = now().plus_seconds(-1);
    fed.send(Event::Snapshot(Snapshot { epoch: 9, floor, issuers: vec![issuer] }));
    fed.connections();
    assert!(is_refused(&fed));
    fed.send(Event::Heartbeat(Heartbeat { epoch: 9, floor, unsealed: true }));
    fed.connections();
    assert!(is_refused(&fed));
    fed.snapshot(&[3], &[]);
    fed.connections();
    assert!(!is_refused(&fed));
}

#[test]
fn a_heartbeat_is_answered_with_how_the_gate_stands() {
    let fed = start(StalePolicy::Refuse);
    let _inside = fed.open(4, AT_REST);
    let report = fed.answer(|answer| match answer {
        Answer::Report(report) if report.connections == 1 => Some(report),
        _ => None,
    });
    assert_eq!(report.gate, feed::NAME);
    assert_eq!(report.address, fed.address);
    assert_eq!(report.epoch, 1);
    let ends = report.certificate_ends.unwrap();
    assert!(now().days_until(ends) >= 29);
}

// A gate that trusts files answers the authority, too: nobody is to wait for it in vain.
#[test]
fn a_gate_with_trust_in_files_takes_its_certificate_and_owes_an_answer() {
    let fed =
        Fed::silent(endless(), |stage, settings| settings.with_authorities(stage.path("ca.crt")));
    fed.identity(&support::Leaf::server());
    assert!(fed.visitor(99).visit().unwrap().answer.contains("hello"));
    let told = fed.revoke(&[99]);
    assert_eq!((told.cut, told.left), (0, 0));
    assert!(fed.visitor(99).visit().is_ok(), "the ledger is not what is trusted here");
}

#[test]
fn a_gate_with_its_own_certificate_trusts_the_ledger() {
    let fed = Fed::silent(endless(), |stage, settings| {
        settings.with_server_files(stage.path("server.crt"), stage.path("server.pem"))
    });
    fed.snapshot(&[3], &[]);
    assert!(fed.visitor(3).visit().unwrap().answer.contains("hello"));
    let mut inside = fed.open(3, AT_REST);
    assert_eq!(fed.revoke(&[3]).cut, 1);
    assert!(is_closed_within(&mut inside, PATIENCE));
}
