//! I25: whatever strangers send to a gate's port, and whatever holders of a certificate send once they
//! are inside, everybody else is served meanwhile, and nothing of it is left behind.

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
#[path = "support/random.rs"]
mod random;
#[path = "support/gate.rs"]
mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use appliance::{Appliance, Client, Configuration, Ends};
use desk::{Desk, eventually};
use random::Random;
use support::{AT_REST, Upstream, Visitor};

/// The same strangers in every run.
const SEED: u64 = 0x5e61_5e61;

/// Connections of the soak, and of those before it that fill what is kept.
const CONNECTIONS: u64 = 3000;
const BEFORE: u64 = 160;

/// A stranger does not wait longer for an end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a gate may keep of a soak: connections to the upstream that can be used again, and memory that
/// was not given back to the system.
const KEPT_DESCRIPTORS: usize = 16;
const KEPT_KIBIBYTES: u64 = 32 << 10;

/// What requests are made of, good and bad.
const PARTS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /x HTTP/1.1\r\n",
    "GET http://[::1:80/ HTTP/1.1\r\n",
    "CONNECT localhost:443 HTTP/1.1\r\n",
    "OPTIONS * HTTP/1.0\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0",
    "host: localhost\r\n",
    "Host: localhost:99999\r\n",
    "connection: close, client-cert, upgrade\r\n",
    "transfer-encoding: chunked\r\n",
    "content-length: 5\r\n",
    "content-length: 18446744073709551615\r\n",
    "upgrade: websocket\r\nsec-websocket-key: \0\r\n",
    "expect: 100-continue\r\n",
    "client-cert: :AAAA:\r\n",
    "x: \u{1b}[2J\u{202e}\r\n",
    "trailer: client_cert\r\n",
    " folded\r\n",
    "\r\n",
    "\r\nffffffffffffffff\r\n",
    "\r\n5\r\nhello\r\n0\r\nclient-cert: x\r\n\r\n",
    "\n\n\0\0",
];

/// A request that means to be one, broken as chance decides.
fn request(random: &mut Random) -> Vec<u8> {
    let mut octets = Vec::new();
    for _ in 0..=random.below(6) {
        octets.extend_from_slice(random.one_of(PARTS).unwrap().as_bytes());
    }
    match random.below(8) {
        0 => octets.extend("x: y\r\n".repeat(300).bytes()),
        1 => octets.extend(std::iter::repeat_n(b'a', 20_000)),
        2 => octets.extend((0..random.below(2000)).map(|_| octet(random))),
        _ => {}
    }
    broken(random, octets)
}

/// Octets with some of their bits turned, and an end that may be missing.
fn broken(random: &mut Random, mut octets: Vec<u8>) -> Vec<u8> {
    let mut below =
        |bound: usize| usize::try_from(random.below(u64::try_from(bound).unwrap())).unwrap();
    for _ in 0..below(4) {
        let (place, bit) = (below(octets.len()), below(8));
        octets[place] ^= 1 << bit;
    }
    let missing = below(3) / 2 * below(octets.len());
    octets.truncate(octets.len() - missing);
    octets
}

fn octet(random: &mut Random) -> u8 {
    u8::try_from(random.below(256)).unwrap()
}

/// One hostile connection. `holder` has a certificate, `nobody` has one of another CA.
fn attack(random: &mut Random, holder: &Visitor, nobody: &Visitor) {
    let way = random.below(6);
    let visitor = if way == 5 { nobody } else { holder };
    let mut stream = visitor.connect();
    stream.sock.set_read_timeout(Some(PATIENCE)).unwrap();
    // Whoever refuses to read on may close before everything is sent.
    match way {
        0 => {
            let octets: Vec<u8> = (0..1 + random.below(4096)).map(|_| octet(random)).collect();
            let _ = stream.sock.write_all(&octets);
        }
        1 | 2 => {
            let mut hello = Vec::new();
            stream.conn.write_tls(&mut hello).unwrap();
            let _ = stream.sock.write_all(&broken(random, hello));
        }
        3 => {
            let mut hello = Vec::new();
            stream.conn.write_tls(&mut hello).unwrap();
            stream.sock.write_all(&hello).unwrap();
            while !stream.conn.wants_write() && stream.conn.read_tls(&mut stream.sock).unwrap() > 0
            {
                stream.conn.process_new_packets().unwrap();
            }
            let mut flight = Vec::new();
            while stream.conn.wants_write() {
                stream.conn.write_tls(&mut flight).unwrap();
            }
            let _ = stream.sock.write_all(&broken(random, flight));
        }
        _ => {
            let _ = stream.write_all(&request(random));
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
    let _ = stream.sock.shutdown(Shutdown::Write);
    // Whatever is answered, it comes to an end.
    let mut answer = [0; 4096];
    loop {
        match stream.sock.read(&mut answer) {
            Ok(1..) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("way {way}: neither answered to the end nor closed");
            }
            Ok(0) | Err(_) => return,
        }
    }
}

/// Descriptors that a process has open, and its memory in KiB.
fn held(process: i32) -> (usize, u64) {
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (descriptors, line.trim().trim_end_matches(" kB").parse().unwrap())
}

#[test]
fn thousands_of_hostile_connections_keep_nobody_out_and_leave_nothing_behind() {
    let desk = Desk::with_key_file();
    let (good, bad) = (Client::issue(&desk, "good"), Client::issue(&desk, "bad"));
    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let configuration = Configuration::new().gate("front", &upstream, "");
    let service = Appliance::start(&desk, &configuration);
    let gate = service.processes("gate")[0];

    let (good, holder) = (service.visitor(0, &good), service.visitor(0, &bad));
    let other = support::Authority::new("Other CA").issue(&support::Leaf::client("x", 3));
    let versions = &rustls::version::TLS13;
    let nobody = Visitor::of(&desk.read("ca/ca.crt"), service.gate(0), &other, versions);
    let soak = |connections: u64| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (holder, nobody) = (&holder, &nobody);
                scope.spawn(move || {
                    for number in (thread..connections).step_by(4) {
                        let mut random = Random::new(SEED.wrapping_mul(number + 1));
                        // What the first is made of hangs on too few bits.
                        random.below(1);
                        attack(&mut random, holder, nobody);
                    }
                });
            }
        });
    };
    soak(BEFORE);
    let before = held(gate);

    let (over, visits) = (Arc::new(AtomicBool::new(false)), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let mut stream = good.connect();
                stream.write_all(AT_REST.0.as_bytes()).unwrap();
                support::read_until(&mut stream, AT_REST.1);
                visits.fetch_add(1, Ordering::SeqCst);
            }
        });
        let _over = Ends(&over);
        soak(CONNECTIONS);
    });
    assert!(visits.load(Ordering::SeqCst) > 10, "hardly anybody was served");
    let log = service.log.text();
    assert!(!log.contains("panicked") && !log.contains('\u{1b}'), "{log}");
    assert_eq!(service.processes("gate"), [gate], "it was started again");
    eventually("descriptors are given back", || held(gate).0 <= before.0 + KEPT_DESCRIPTORS);
    let after = held(gate);
    assert!(after.1 < before.1 + KEPT_KIBIBYTES, "KiB: {} before, {} after", before.1, after.1);
    service.stop();
}
