//! A captured gate says what it likes, says nothing, or does not listen: the supervisor passes on only
//! what was asked for, ends who does not keep up, and tells the next one everything. This program plays
//! the service: its authority tells what a test wants told and takes down what it hears; a gate lies, in
//! the way its name says, as long as there is a file `lies` when it starts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot set its stage fails by panicking"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/harness.rs"]
mod harness;
#[path = "support/gate.rs"]
mod support;

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use appliance::{Appliance, Begun, Configuration, is_alive, send};
use desk::{Desk, eventually};
use rustix::process::Signal;
use sekisho::authority::DataFolder;
use sekisho::door::WireSecret;
use sekisho::door::descriptors::hand;
use sekisho::door::feed::{
    Acknowledgement, Answer, Change, Event, GateReport, Handed, Heartbeat, IssuerSnapshot,
    LiveConnection, Reserved, ServerIdentity, Snapshot,
};
use sekisho::door::frame::{self, FEED_LIMIT};
use sekisho::door::opening::{self, Order};
use sekisho::gate::process::{ConfinedGate, FromGate, ToGate};
use sekisho::ground::clock::Timestamp;
use sekisho::ground::messages::Refusal;
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::{Certificate, SerialNumber};
use support::{Authority, Identity, Leaf, Upstream, Visitor, monotonic};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("serve" | "publisher") => sekisho::cli::run(),
        Some("authority") => authority(),
        Some("gate") => gate(),
        _ => harness::run(&[
            ("only_what_a_gate_was_asked_reaches_the_authority", only_what_was_asked),
            ("a_gate_that_says_nothing_of_a_revocation_is_replaced", silent_gates),
            ("a_gate_that_does_not_keep_up_is_replaced_and_told_everything", slow_gates),
            ("ten_thousand_connections_are_an_answer_and_more_are_none", long_answers),
            ("what_a_gate_says_reaches_the_log_escaped", escapes),
            ("a_stop_is_heard_while_a_gate_is_beginning", stop_at_the_start),
        ]),
    }
}

/// What the supervisor gave this process: its messages, and its channel for descriptors.
fn given() -> (UnixStream, OwnedFd) {
    let input = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let Order::Serve(given) = opening::receive(input).unwrap() else { panic!("another order") };
    (given.messages, given.descriptors)
}

// ---- the authority ----

/// The frames of what an authority tells at first, and again whenever it is asked to.
const TOLD: &str = "told";

/// The frames of what a test wants told now. They are told once; the authority may take them away there.
const NEWS: &str = "ca/news";

fn authority() -> ExitCode {
    let (mut messages, channel) = given();
    match frame::read(&mut messages, FEED_LIMIT) {
        Ok(Some(Answer::Hello(_))) => {}
        Ok(Some(Answer::Reserve { folder })) => {
            let lock = DataFolder::new(&folder).reserve().unwrap();
            frame::write(&mut messages, &Reserved::Ok(()), FEED_LIMIT).unwrap();
            hand(channel.as_fd(), &Handed::Lock, lock.as_fd()).unwrap();
            return ExitCode::SUCCESS;
        }
        _ => return ExitCode::FAILURE,
    }
    let mut teller = messages.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut beaten = None;
        teller.write_all(&std::fs::read(TOLD).unwrap()).unwrap();
        eprintln!("the authority is at work");
        loop {
            if beaten.is_none_or(|last| monotonic() - last > Duration::from_secs(1)) {
                let beat = Heartbeat { epoch: 1, floor: Timestamp::from_unix(0), unsealed: true };
                frame::write(&mut teller, &Event::Heartbeat(beat), FEED_LIMIT).unwrap();
                beaten = Some(monotonic());
            }
            if let Ok(news) = std::fs::read(NEWS) {
                std::fs::remove_file(NEWS).unwrap();
                teller.write_all(&news).unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let mut again = messages.try_clone().unwrap();
    while let Ok(Some(heard)) = frame::read::<Answer>(&mut messages, FEED_LIMIT) {
        match heard {
            Answer::Acknowledged(Acknowledgement { gate, epoch, cut, .. }) => {
                eprintln!("heard of {gate}: acknowledged {epoch} cut {cut}");
            }
            Answer::Connections { ask, gate, connections } => {
                let first = connections.first().map_or("nobody", |live| &live.name);
                let first: String = first.chars().take(10).collect();
                eprintln!("heard of {gate}: asked {ask}, {} with {first}", connections.len());
            }
            Answer::Report(GateReport { gate, connections, .. }) => {
                eprintln!("heard of {gate}: reports {connections}.");
            }
            Answer::TellAgain => again.write_all(&std::fs::read(TOLD).unwrap()).unwrap(),
            _ => {}
        }
    }
    ExitCode::SUCCESS
}

// ---- the gates ----

/// While this file is there, gates lie; what is in it may say that they do not even begin.
const LIES: &str = "lies";
const NEVER_BEGINS: &str = "never begins";
const REFUSES: &str = "refuses";

/// Reports that a chattering gate sends, far more than are due in the time that takes.
const REPORTS: u64 = 20_000;

fn gate() -> ExitCode {
    let (messages, descriptors) = given();
    // Before the confinement, which would not let us look.
    let lies = std::fs::read_to_string(LIES);
    let mut raw = messages.try_clone().unwrap();
    match lies.as_deref() {
        Ok(NEVER_BEGINS) => return mute(&mut raw),
        Ok(REFUSES) => {
            frame::write(&mut raw, &FromGate::Refused(forged()), FEED_LIMIT).unwrap();
            return mute(&mut raw);
        }
        _ => {}
    }
    let gate = ConfinedGate::begin(messages).unwrap();
    if lies.is_ok() && gate.name() != "honest" {
        let ready = FromGate::Ready { layers: gate.layers().to_vec() };
        frame::write(&mut raw, &ready, FEED_LIMIT).unwrap();
        return lie(gate.name(), &mut raw);
    }
    match gate.serve(descriptors) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Hears everything and says nothing.
fn mute(messages: &mut UnixStream) -> ExitCode {
    while let Ok(Some(_)) = frame::read::<ToGate>(messages, FEED_LIMIT) {}
    ExitCode::SUCCESS
}

fn lie(name: &str, messages: &mut UnixStream) -> ExitCode {
    let say = |messages: &mut UnixStream, said: FromGate| {
        // The supervisor may have ended this process just now.
        let _ = frame::write(messages, &said, FEED_LIMIT);
    };
    let answer = |messages: &mut UnixStream, answer| say(messages, FromGate::Answer(answer));
    let acknowledged = |epoch, cut| {
        let (gate, enforced) = (name.to_owned(), true);
        Answer::Acknowledged(Acknowledgement {
            gate,
            epoch,
            enforced,
            cut,
            microseconds: 1,
            left: 0,
        })
    };
    let connections = |ask, number, of: &str| Answer::Connections {
        ask,
        gate: name.to_owned(),
        connections: vec![live(of); number],
    };
    match name {
        "foretells" => {
            for number in 1..100 {
                answer(messages, acknowledged(number, 77));
                answer(messages, connections(number, 1, "forged"));
            }
        }
        "chatters" => {
            for number in 1..=REPORTS {
                let report = GateReport {
                    gate: name.to_owned(),
                    address: ([127, 0, 0, 1], 1).into(),
                    epoch: 1,
                    connections: number,
                    upstream_up: true,
                    certificate_ends: None,
                };
                answer(messages, Answer::Report(report));
            }
        }
        _ => {}
    }
    while let Ok(Some(told)) = frame::read::<ToGate>(messages, FEED_LIMIT) {
        match told {
            ToGate::Event(event) => match (name, &*event) {
                ("repeats", Event::Revoked(change)) => {
                    answer(messages, acknowledged(change.epoch, 1));
                    answer(messages, acknowledged(change.epoch, 77));
                    answer(messages, acknowledged(change.epoch + 1, 77));
                }
                ("repeats", Event::ListConnections { ask }) => {
                    answer(messages, connections(*ask, 1, "true"));
                    answer(messages, connections(*ask, 1, "forged"));
                    answer(messages, connections(*ask + 1, 1, "forged"));
                }
                ("crowded", Event::ListConnections { ask }) => {
                    let longest = "\u{10ffff}".repeat(64);
                    let number = if *ask == 1 { 10_000 } else { 10_001 };
                    answer(messages, connections(*ask, number, &longest));
                }
                ("escapes", Event::ListConnections { .. }) => {
                    say(messages, FromGate::Refused(forged()));
                }
                ("slow", _) => std::thread::sleep(Duration::from_millis(5)),
                _ => {}
            },
            ToGate::Drain => break,
            ToGate::Begin(_) | ToGate::Files(_) => {}
        }
    }
    ExitCode::SUCCESS
}

/// A refusal whose words are not those of a gate of ours.
fn forged() -> Refusal {
    let name = format!("a\u{1b}[2J\u{202e}b\n{FORGED}");
    Refusal::CredentialMissing { name }
}

/// A line that a log has only when somebody forged it.
const FORGED: &str = "2026-01-01T00:00:00Z  INFO forged";

/// A connection as long as one can be told.
fn live(name: &str) -> LiveConnection {
    LiveConnection {
        serial: SerialNumber::generate(u64::MAX >> 1).unwrap(),
        name: name.to_owned(),
        peer: "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535".to_owned(),
        since: Timestamp::from_unix(i64::from(u32::MAX)),
        protocol: "websocket".to_owned(),
    }
}

// ---- the tests ----

/// A CA as the test's authority tells it.
struct World {
    desk: Desk,
    authority: Authority,
    issuer: Certificate,
    configuration: Configuration,
    gates: Vec<String>,
}

/// Serials of two clients.
const STAYS: u64 = 3;
const GOES: u64 = 4;

impl World {
    fn new(gates: &[&str]) -> Self {
        let (desk, authority) = (Desk::with_authority(), Authority::new("Test CA"));
        let issuer = Certificate::from_der(&support::certificate(&authority.pem)).unwrap();
        let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        let mut configuration = Configuration::with_authority("");
        for gate in gates {
            configuration = configuration.gate(gate, &upstream, "refusal = \"strict\"\n");
        }
        let gates = gates.iter().map(|gate| (*gate).to_owned()).collect();
        desk.write(LIES, "");
        let world = Self { desk, authority, issuer, configuration, gates };
        world.knows(&[STAYS, GOES], &[]);
        world
    }

    /// From here on the authority tells this at its start, and whenever it is asked to tell again.
    fn knows(&self, standing: &[u64], revoked: &[u64]) {
        let serials = |all: &[u64]| all.iter().copied().map(serial).collect();
        let issuer = IssuerSnapshot {
            certificate: self.issuer.der().to_vec(),
            standing: serials(standing),
            revoked: serials(revoked),
        };
        let floor = Timestamp::from_unix(0);
        let mut events = vec![Event::Snapshot(Snapshot { epoch: 1, floor, issuers: vec![issuer] })];
        for gate in &self.gates {
            events.push(self.identity(gate));
        }
        self.desk.write(TOLD, frames(&events));
    }

    fn identity(&self, gate: &str) -> Event {
        use rustls_pki_types::pem::PemObject;
        let identity = self.authority.issue(&Leaf::server());
        let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        Event::ServerIdentity(ServerIdentity {
            gate: gate.to_owned(),
            chain: vec![support::certificate(&identity.certificate).to_vec()],
            key: WireSecret::from(SecretBytes::copy_of(key.secret_der())),
        })
    }

    fn client(&self, serial: u64) -> Identity {
        self.authority.issue(&Leaf::client("user", serial))
    }

    fn revoked(&self, epoch: u64, number: u64) -> Event {
        let issuer = self.issuer.sha256();
        Event::Revoked(Change { epoch, issuer, serials: vec![serial(number)] })
    }

    /// The authority tells this, in order.
    fn tell(&self, events: &[Event]) {
        eventually("earlier news are told", || !self.desk.path(NEWS).exists());
        self.desk.write(NEWS, frames(events));
    }

    /// Starts the service: gates that are told to lie do so in their first life, and in no other.
    fn start(&self) -> Appliance<'_> {
        let service = Appliance::begin(self.command(), &self.desk, &self.configuration);
        std::fs::remove_file(self.desk.path(LIES)).unwrap();
        service
    }

    fn command(&self) -> std::process::Command {
        let mut command = self.desk.command(std::env::current_exe().unwrap());
        command.args(["serve", "--config", "sekisho.toml"]);
        command
    }

    /// What the gate at this place answers somebody: the application's hello, or none.
    fn visit(&self, service: &Appliance<'_>, place: usize, serial: u64) -> Result<(), io::Error> {
        let (gate, client) = (service.gate(place), self.client(serial));
        let visitor = Visitor::of(&self.authority.pem, gate, &client, &rustls::version::TLS13);
        let mut stream = visitor.connect();
        stream.sock.set_read_timeout(Some(desk::PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        support::read_to_close(&mut stream, &mut answer)?;
        let said = String::from_utf8_lossy(&answer);
        if said.contains("hello") { Ok(()) } else { Err(io::Error::other(said.into_owned())) }
    }

    /// The gate at this place knows who stays and who was revoked.
    fn knows_who_was_revoked(&self, service: &Appliance<'_>, place: usize) {
        eventually("the next one serves", || self.visit(service, place, STAYS).is_ok());
        let refused = self.visit(service, place, GOES).unwrap_err();
        let alert = refused.get_ref().and_then(|error| error.downcast_ref());
        let revoked = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRevoked);
        assert_eq!(alert, Some(&revoked), "{refused}");
    }
}

fn frames(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| frame::encode(event, FEED_LIMIT).unwrap().to_vec()).collect()
}

fn serial(number: u64) -> SerialNumber {
    SerialNumber::from_der_integer(&[u8::try_from(number).unwrap()]).unwrap()
}

// Catches acknowledgements that were never owed, which would tell an administrator that a revocation is
// in force where it is not, and a gate that crowds out what the others say.
fn only_what_was_asked() {
    let world = World::new(&["honest", "foretells", "repeats", "chatters"]);
    let begun = monotonic();
    let service = world.start();
    world.tell(&[world.revoked(5, GOES), Event::ListConnections { ask: 7 }]);
    for answer in [
        "heard of honest: acknowledged 5 cut 0",
        "heard of honest: asked 7, 0 with nobody",
        "heard of repeats: acknowledged 5 cut 1",
        "heard of repeats: asked 7, 1 with true",
    ] {
        service.wait_for_count(answer, 1);
    }
    // Once they are asked again, everything that was forged by then would have been heard.
    world.tell(&[Event::ListConnections { ask: 9 }]);
    service.wait_for_count("heard of repeats: asked 9, 1 with true", 1);
    service.wait_for_count("heard of chatters: reports 1.", 1);
    let log = service.log.text();
    assert!(!log.contains("forged") && !log.contains("cut 77"), "{log}");
    assert!(!log.contains("heard of foretells"), "{log}");
    let passed_on = service.log.count("heard of chatters: reports");
    let due = 256 * (begun.elapsed().as_secs() + 3);
    assert!(due < REPORTS, "too slow a machine to tell");
    assert!(u64::try_from(passed_on).unwrap() <= due, "{passed_on} reports passed on");
    service.stop();
}

// Catches a captured or hung gate that lets the revoked in for as long as it likes: one that says nothing
// of a revocation, and one that is stopped.
fn silent_gates() {
    let world = World::new(&["mute", "honest"]);
    let service = world.start();
    eventually("who may come in does", || world.visit(&service, 1, GOES).is_ok());
    let first = service.processes("gate");
    // Both are told; the stopped one does not even read it.
    let stopped = gate_that_serves(&service);
    send(stopped, Signal::STOP);
    world.knows(&[STAYS], &[GOES]);
    world.tell(&[world.revoked(5, GOES)]);
    service.wait_for_count("it said nothing of a revocation", 2);
    eventually("both have ended", || first.iter().all(|process| !is_alive(*process)));
    for place in 0..2 {
        world.knows_who_was_revoked(&service, place);
    }
    service.stop();
}

/// The gate that has a thread for its figures; one that lies has one thread.
fn gate_that_serves(service: &Appliance<'_>) -> i32 {
    let threads =
        |process: i32| std::fs::read_dir(format!("/proc/{process}/task")).unwrap().count();
    let serving = service.processes("gate").into_iter().find(|process| threads(*process) > 1);
    serving.expect("no gate serves")
}

// Catches a gate that reads too slowly and goes on with what it was told last: what found no room is lost
// to it, and may have been a revocation.
fn slow_gates() {
    let world = World::new(&["slow"]);
    let service = world.start();
    let first = service.processes("gate");
    world.knows(&[STAYS], &[GOES]);
    // More than the channel and the socket hold; the revocation is the last of it.
    let issuer = world.issuer.sha256();
    let mut events: Vec<Event> = (0..4000)
        .map(|epoch| Event::Issued(Change { epoch, issuer, serials: vec![serial(STAYS)] }))
        .collect();
    events.push(world.revoked(5000, GOES));
    world.tell(&events);
    service.wait_for_count("it does not keep up with what it is told", 1);
    eventually("it has ended", || first.iter().all(|process| !is_alive(*process)));
    world.knows_who_was_revoked(&service, 0);
    service.stop();
}

// Catches limits that end a busy gate for a true answer, and answers that fill the memory of the
// supervisor or the authority.
fn long_answers() {
    let world = World::new(&["crowded"]);
    let service = world.start();
    let (gate, authority) = (service.processes("gate"), service.authority());
    world.tell(&[Event::ListConnections { ask: 1 }]);
    service.wait_for_count("heard of crowded: asked 1, 10000 with", 1);
    assert_eq!(service.processes("gate"), gate);
    world.tell(&[Event::ListConnections { ask: 2 }]);
    service.wait_for_count("it sent what is no message of a gate", 1);
    eventually("it has ended", || !is_alive(gate[0]));
    assert_eq!(service.log.count("heard of crowded: asked 2"), 0);
    assert_eq!(service.authority(), authority);
    service.stop();
}

// Catches octets of a gate that draw on the administrator's terminal, or forge a line of the log.
fn escapes() {
    let world = World::new(&["escapes"]);
    let service = world.start();
    // One that serves, and one that does not begin.
    world.desk.write(LIES, REFUSES);
    world.tell(&[Event::ListConnections { ask: 1 }]);
    service.wait_for_count("the gate ends: ", 1);
    service.wait_for_count("the gate was not started again: ", 1);
    std::fs::remove_file(world.desk.path(LIES)).unwrap();
    eventually("it has ended and serves again", || world.visit(&service, 0, STAYS).is_ok());
    let log = service.log.text();
    assert!(!log.contains('\u{1b}') && !log.contains('\u{202e}'), "{log:?}");
    assert!(!log.lines().any(|line| line.starts_with(FORGED)), "{log:?}");
    assert!(log.matches("forged").count() >= 2, "it is shown, though: {log:?}");
    service.stop();
}

// Catches a service that cannot be stopped while one of its gates does not begin, or that leaves
// processes behind.
fn stop_at_the_start() {
    let world = World::new(&["front"]);
    world.desk.write(LIES, NEVER_BEGINS);
    world.configuration.write(&world.desk);
    let service = Begun::start(world.command());
    let gates = service.children(1);
    // It waits a minute for a gate to begin.
    assert_eq!(service.stop(Duration::from_secs(50)), Some(0));
    eventually("the gate's process has ended", || !gates.iter().any(|gate| is_alive(*gate)));
}
