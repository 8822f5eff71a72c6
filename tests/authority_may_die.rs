//! The authority may be stopped, killed or sealed while the gates carry load: what each gate was
//! told to do then holds, nobody who may come in is turned away, and it recovers by itself (I29).

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
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use appliance::{Appliance, Client, Configuration, Ends, fetch, send};
use desk::{Desk, eventually, finish, text};
use rustix::process::Signal;
use rustls::{AlertDescription, Error};
use support::{
    AT_REST, Tls, Upstream, Visitor, WEBSOCKET, endless, is_closed_within, monotonic, read_until,
};

const REFUSE: usize = 0;
const SERVE: usize = 1;
const CUT: usize = 2;
const EXPLAIN: usize = 3;

/// The silence of the authority after which a gate goes by its policy.
const SILENCE: Duration = Duration::from_secs(5);

fn every_policy(upstream: &Upstream) -> Configuration {
    Configuration::new()
        .gate("refuse", upstream, "refusal = \"strict\"\n")
        .gate("serve", upstream, "refusal = \"strict\"\nstale = \"serve\"\n")
        .gate("cut", upstream, "refusal = \"strict\"\nstale = \"cut\"\n")
        .gate("explain", upstream, "")
}

fn one_gate(upstream: &Upstream) -> Configuration {
    Configuration::new().gate("front", upstream, "refusal = \"strict\"\n")
}

/// A connection on which an answer has come.
fn open(visitor: &Visitor, (request, until): (&str, &str)) -> Tls {
    let mut stream = visitor.connect();
    stream.write_all(request.as_bytes()).unwrap();
    read_until(&mut stream, until);
    stream
}

fn still_answers(stream: &mut Tls) {
    stream.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(stream, AT_REST.1);
}

fn is_in(visitor: &Visitor) -> bool {
    match visitor.visit() {
        Ok(visited) => visited.answer.contains("hello"),
        Err(error) => {
            // No alert of RFC 8446 section 6.2 says that nobody knows.
            assert_eq!(error, Error::AlertReceived(AlertDescription::UnknownCA));
            false
        }
    }
}

// Catches a gate that trusts a feed for as long as its socket is open, a policy of one gate that is
// applied to another, and a recovery that needs somebody's hand.
#[test]
fn each_gate_goes_by_its_own_policy_while_the_authority_is_stopped_and_recovers_by_itself() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &every_policy(&upstream));
    let client = Client::issue(&desk, "user");
    let gates = [REFUSE, SERVE, CUT, EXPLAIN];
    let visitors = gates.map(|place| service.visitor(place, &client));
    let mut inside = visitors.each_ref().map(|visitor| open(visitor, AT_REST));
    let mut websocket = open(&visitors[REFUSE], WEBSOCKET);

    let authority = service.authority();
    send(authority, Signal::STOP);
    let stopped = monotonic();
    // Until the silence is one, everything goes on everywhere.
    while stopped.elapsed() < SILENCE - Duration::from_millis(1500) {
        for (visitor, stream) in visitors.iter().zip(&mut inside) {
            assert!(is_in(visitor), "after {:?}", stopped.elapsed());
            still_answers(stream);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    service.wait_for_count("nothing is heard of the authority", gates.len());
    let noticed = stopped.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(7)).contains(&noticed), "{noticed:?}");

    assert!(!is_in(&visitors[REFUSE]), "nobody can tell whether they may");
    assert!(!is_in(&visitors[CUT]));
    assert!(is_in(&visitors[SERVE]));
    let page = visitors[EXPLAIN].visit().unwrap().answer;
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
    for part in ["Certificates cannot be checked just now", "ただいま証明書を確認できません"]
    {
        assert!(page.contains(part), "{part:?} in {page}");
    }
    let [refuse, serve, cut, explain] = &mut inside;
    for stream in [refuse, serve, explain] {
        still_answers(stream);
    }
    assert!(is_closed_within(cut, Duration::from_secs(1)));
    websocket.write_all(b"ping").unwrap();
    read_until(&mut websocket, "ping");
    let metrics = || String::from_utf8(fetch(&service.watched("/metrics")).1).unwrap();
    for gate in ["refuse", "serve", "cut", "explain"] {
        let line = format!("sekisho_gate_feed_stale{{gate=\"{gate}\"}} 1");
        // A gate tells its figures every second.
        eventually(&line, || metrics().contains(&line));
    }

    while stopped.elapsed() < Duration::from_secs(7) {
        std::thread::sleep(Duration::from_millis(50));
    }
    send(authority, Signal::CONT);
    let woken = monotonic();
    for visitor in &visitors {
        while !is_in_or_page(visitor) {
            assert!(woken.elapsed() < Duration::from_secs(5), "it does not recover");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    assert_eq!(service.authority(), authority, "the same process goes on");
    for place in [REFUSE, SERVE, EXPLAIN] {
        still_answers(&mut inside[place]);
    }
    let told = desk.json(&["revoke", &client.number]);
    let cuts: u64 =
        told["gates"].as_array().unwrap().iter().map(|gate| gate["cut"].as_u64().unwrap()).sum();
    assert!(cuts >= 4, "{told}");
    assert!(is_closed_within(&mut websocket, Duration::from_secs(1)));
    service.stop();
}

fn is_in_or_page(visitor: &Visitor) -> bool {
    visitor.visit().is_ok_and(|visited| visited.answer.contains("hello"))
}

// Catches a gate that drops its ledger with the feed, and a supervisor that waits for somebody.
#[test]
fn a_killed_authority_is_started_again_and_no_visitor_notices() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    let (client, lost) = (Client::issue(&desk, "user"), Client::issue(&desk, "lost"));
    let visitor = service.visitor(0, &client);
    let theirs = service.visitor(0, &lost);
    let mut inside = open(&visitor, AT_REST);
    let mut websocket = open(&visitor, WEBSOCKET);
    let load = Load::default();
    std::thread::scope(|scope| {
        scope.spawn(|| load.run(&visitor));
        let _ends = Ends(&load.over);
        for life in 1..=3 {
            let authority = service.authority();
            send(authority, Signal::KILL);
            service.wait_for_count("the authority is at work", life + 1);
            assert_ne!(service.authority(), authority);
            still_answers(&mut inside);
        }
    });
    load.check(20);
    websocket.write_all(b"ping").unwrap();
    read_until(&mut websocket, "ping");
    // What was issued before is known, and what is revoked now is cut.
    assert!(is_in(&theirs));
    let mut held = open(&theirs, AT_REST);
    let told = desk.json(&["revoke", &lost.number]);
    assert_eq!(told["gates"][0]["cut"], 1, "{told}");
    assert!(is_closed_within(&mut held, Duration::from_secs(1)));
    assert_eq!(service.status().0, 0, "{:?}", service.status());
    service.stop();
}

// Catches a supervisor that ends with all its gates because no process can be made just now.
#[test]
fn an_authority_that_cannot_be_started_again_ends_no_gate() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    let client = Client::issue(&desk, "user");
    let visitor = service.visitor(0, &client);
    let mut websocket = open(&visitor, WEBSOCKET);
    let (gates, authority) = (service.processes("gate"), service.authority());
    let supervisor = parent_of(authority);
    // The system gives it no descriptor any more, and so no channel to a new process.
    let before = limit_files(supervisor, None);
    limit_files(supervisor, Some("1"));
    send(authority, Signal::KILL);
    service.wait_for_count("the authority's process could not be started", 2);
    websocket.write_all(b"ping").unwrap();
    read_until(&mut websocket, "ping");
    limit_files(supervisor, Some(&before));
    service.wait_for_count("the authority is at work", 2);
    assert_eq!(service.processes("gate"), gates);
    eventually("visitors come in", || is_in(&visitor));
    websocket.write_all(b"pong").unwrap();
    read_until(&mut websocket, "pong");
    service.stop();
}

// Catches a revocation that was made while the authority's process was away and reaches no gate: the
// command then works on the data itself.
#[test]
fn what_was_revoked_while_the_authority_was_away_counts_with_its_return() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    let clients: Vec<Client> = (0..6).map(|n| Client::issue(&desk, &format!("user{n}"))).collect();
    for client in &clients {
        let visitor = service.visitor(0, client);
        let mut held = open(&visitor, AT_REST);
        send(service.authority(), Signal::KILL);
        // Without the service, with it, or refused while it comes: acknowledged means in force.
        let mut told = false;
        while !told {
            told = desk.ca(&["revoke", &client.number]).code == Some(0);
        }
        assert!(is_closed_within(&mut held, Duration::from_secs(40)), "{}", client.number);
        assert!(visitor.visit().is_err());
    }
    eventually("all is well again", || desk.ca(&["status"]).code == Some(0));
    service.stop();
}

// Catches `seal` that stops the gates, a revocation that waits for a passphrase, and one that is
// missing from the list afterwards.
#[test]
fn a_sealed_service_serves_and_revokes_at_once_and_its_list_follows_when_it_is_opened() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let service = Appliance::start(&desk, &one_gate(&upstream));
    let (client, lost) = (Client::issue(&desk, "user"), Client::issue(&desk, "lost"));
    let (visitor, theirs) = (service.visitor(0, &client), service.visitor(0, &lost));
    let mut held = open(&theirs, WEBSOCKET);
    let mut inside = open(&visitor, AT_REST);
    let load = Load::default();
    std::thread::scope(|scope| {
        scope.spawn(|| load.run(&visitor));
        let _ends = Ends(&load.over);
        desk.ca(&["seal"]).success();
        service.wait_for_count("the authority is at work", 2);
        let (code, status) = service.status();
        assert_eq!((code, &status["unsealed"]), (1, &false.into()), "{status}");
        // Nothing can be signed now.
        let out = desk.path("clients");
        let issue = desk.ca(&["issue", "client", "nobody", "--out", text(&out)]);
        assert_eq!(issue.code, Some(1), "{issue:?}");

        let before = published_serials(&desk, &service);
        assert_eq!(before, Vec::<String>::new());
        let ran = finish(desk.sekisho(&["revoke", &lost.number, "--json"]));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&told["gates"][0]["cut"], &told["crl_number"]), (&1.into(), &().into()));
        assert!(is_closed_within(&mut held, Duration::from_secs(1)));
        let revoked = Error::AlertReceived(AlertDescription::CertificateRevoked);
        assert_eq!(theirs.visit().unwrap_err(), revoked);

        desk.ca(&["unseal"]).success();
        eventually("the list has it", || {
            published_serials(&desk, &service) == [lost.serial.to_uppercase()]
        });
    });
    load.check(20);
    still_answers(&mut inside);
    assert_eq!(service.status().0, 0, "{:?}", service.status());
    service.stop();
}

// Catches a gate that cannot be started without somebody who types a passphrase: after a power cut
// at night nobody could work.
#[test]
fn a_service_that_starts_sealed_serves_with_the_certificate_it_had() {
    // No key file, and nobody at a terminal: it always starts sealed.
    let (desk, upstream) = (Desk::with_authority(), endless());
    let configuration =
        Configuration::with_authority("").gate("front", &upstream, "refusal = \"strict\"\n");
    let service = Appliance::begin(Appliance::command(&desk), &desk, &configuration);
    desk.ca(&["unseal"]).success();
    let (client, lost) = (Client::issue(&desk, "user"), Client::issue(&desk, "lost"));
    desk.json(&["revoke", &lost.number]);
    service.stop();

    let service = Appliance::start(&desk, &configuration);
    let (code, status) = service.status();
    assert_eq!((code, &status["unsealed"]), (1, &false.into()), "{status}");
    assert!(is_in(&service.visitor(0, &client)));
    let revoked = Error::AlertReceived(AlertDescription::CertificateRevoked);
    assert_eq!(service.visitor(0, &lost).visit().unwrap_err(), revoked);
    assert_eq!(published_serials(&desk, &service), [lost.serial.to_uppercase()]);
    desk.ca(&["unseal"]).success();
    assert_eq!(service.status().0, 0, "{:?}", service.status());
    assert!(is_in(&service.visitor(0, &Client::issue(&desk, "new"))));
    service.stop();
}

// Catches an authority that outlives its service and keeps the data locked.
#[test]
fn a_killed_service_leaves_nothing_that_keeps_the_next_from_starting() {
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let configuration = one_gate(&upstream);
    let service = Appliance::start(&desk, &configuration);
    let client = Client::issue(&desk, "user");
    service.kill();
    // Nobody serves; the command line works by itself.
    desk.ca(&["list"]).success();
    let service = Appliance::start(&desk, &configuration);
    assert!(is_in(&service.visitor(0, &client)));
    service.stop();
}

/// Sets how many files a process may have open, below the highest it may set itself; what it was.
fn limit_files(process: i32, limit: Option<&str>) -> String {
    let files = "--nofile";
    let ask = |words: &[&str]| {
        let mut command = std::process::Command::new("prlimit");
        command.args(["--pid", &process.to_string()]).args(words);
        let done = command.output().expect("prlimit: install the Debian package util-linux");
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let before = ask(&[files, "--raw", "--noheadings", "--output", "SOFT"]);
    if let Some(limit) = limit {
        ask(&[&format!("{files}={limit}:")]);
    }
    before.trim().to_owned()
}

/// The parent of a process (proc(5)).
fn parent_of(process: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    line.trim().parse().unwrap()
}

/// The serial numbers on the CRL that the publisher gives to everybody.
fn published_serials(desk: &Desk, service: &Appliance<'_>) -> Vec<String> {
    let (status, pem) = fetch(&service.published("/crl.pem"));
    assert_eq!(status, 200);
    desk.write("fetched.pem", pem);
    desk.crl_serials("fetched.pem")
}

/// Somebody who works all the while, with requests on one connection and with new ones.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    served: AtomicUsize,
    failed: AtomicUsize,
}

impl Load {
    fn run(&self, visitor: &Visitor) {
        let mut kept = open(visitor, AT_REST);
        while !self.over.load(Ordering::SeqCst) {
            let fresh = visitor.visit().is_ok_and(|visited| visited.answer.contains("hello"));
            let again = kept.write_all(AT_REST.0.as_bytes()).is_ok()
                && std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    read_until(&mut kept, AT_REST.1);
                }))
                .is_ok();
            self.served.fetch_add(1, Ordering::SeqCst);
            self.failed.fetch_add(usize::from(!fresh || !again), Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn check(&self, least: usize) {
        let served = self.served.load(Ordering::SeqCst);
        assert_eq!(self.failed.load(Ordering::SeqCst), 0, "of {served}");
        assert!(served >= least, "there was no load: {served}");
    }
}
