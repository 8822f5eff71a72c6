//! I25: whatever strangers send to the publisher's ports, and however long they keep silent there,
//! the next one who asks properly is answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/publisher.rs"]
mod publisher;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use desk::{Desk, eventually};
use publisher::{Published, sign};
use rustix::net::{AddressFamily, SocketType};
use sekisho::door::frame;
use sekisho::ground::clock;
use sekisho::ground::messages::Refusal;
use sekisho::hardening::Terms;
use sekisho::publisher::process::{Begin, FromPublisher, ToPublisher};
use sekisho::publisher::{LocalAddress, Settings};

/// Connections of the soak on each port.
const CONNECTIONS: usize = 2_000;

/// A stranger does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

fn watched() -> Settings {
    Settings::default()
        .with_listen(([127, 0, 0, 1], 0).into())
        .with_metrics(LocalAddress::Tcp(([127, 0, 0, 1], 0).into()))
}

/// A stranger's octets: what they mean to be, then broken in a way the number decides.
fn hostile(number: usize) -> Vec<u8> {
    let mut random = Random(u64::try_from(number).unwrap() + 1);
    let long = "x".repeat(20_000);
    let many = (0..200).map(|n| format!("h{n}: v\r\n")).collect::<String>();
    let tags = "\"x\", W/, ,".repeat(700);
    let request: Vec<u8> = match number % 16 {
        0 => (0..random.below(4096)).map(|_| random.octet()).collect(),
        1 => format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n").into(),
        2 => format!("GET /ca.crl HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n").into(),
        3 => format!("GET /ca.crl HTTP/1.1\r\n{many}\r\n").into(),
        4 => format!("GET /ca.crl HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tags}\r\n\r\n").into(),
        5 => b"GET /ca.crl HTTP/1.1\r\nIf-Modified-Since: Sun, 99 Foo 0000 99:99:99 GMT\r\nIf-None-Match: \xff\xfe\r\n\r\n".to_vec(),
        6 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        7 => b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(),
        8 => b"POST /ca.crl HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_vec(),
        9 => b"POST /metrics HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\nx".to_vec(),
        10 => b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n".to_vec(),
        11 => b"GET http://[::1:80/ca.crl HTTP/1.1\r\n\r\n".to_vec(),
        12 => b"OPTIONS * HTTP/1.1\r\nHost: \r\n\r\n".to_vec(),
        13 => b"GET /ca.crl HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n".to_vec(),
        14 => b"GET /metrics HTTP/1.0\r\n\r\n".repeat(50),
        _ => b"GET /ca.crl HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nRange: bytes=9-1\r\n\r\n".to_vec(),
    };
    let mut request = request;
    for _ in 0..random.below(4) {
        if !request.is_empty() {
            let place = random.below(request.len());
            request[place] ^= 1 << random.below(8);
        }
    }
    request.truncate(request.len() - random.below(request.len() / 4 + 1));
    request
}

/// xorshift64*: the same strangers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound.max(1)
    }

    fn octet(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

/// A connection that comes from `127.0.0.2`, another stranger's machine.
fn connect_from_elsewhere(address: SocketAddr) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    let elsewhere: SocketAddr = ([127, 0, 0, 2], 0).into();
    rustix::net::bind(&socket, &elsewhere).unwrap();
    rustix::net::connect(&socket, &address).unwrap();
    socket.into()
}

/// What is answered until the end, or until the connection is reset.
fn send(mut stream: TcpStream, octets: &[u8]) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // Whoever refuses to read on may close before all of it is sent.
    let _ = stream.write_all(octets);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    let timed_out = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!timed_out, "neither answered nor closed: {:?}", String::from_utf8_lossy(octets));
    answer
}

fn is_answered(desk: &Desk, url: &str) -> bool {
    let mut command = desk.command("curl");
    command.args(["--silent", "--fail", "--max-time", "10", "--output", "/dev/null", url]);
    desk::finish_peer("curl", command).code == Some(0)
}

#[test]
fn after_thousands_of_broken_requests_the_next_good_one_is_answered() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    // A panic in a task of its own would only close one connection, and nobody would see it.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        report(panic);
    }));
    let desk = Desk::with_key_file();
    let published = Published::open(watched());
    published.publish(sign(&desk, "7"));
    let (crl, metrics) = (published.url("/ca.crl"), published.metrics_url("/metrics"));
    eventually("the list", || is_answered(&desk, &crl));
    for address in [published.address.unwrap(), published.metrics.unwrap()] {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    for number in (thread..CONNECTIONS).step_by(8) {
                        let stream = TcpStream::connect(address).unwrap();
                        let answer = send(stream, &hostile(number));
                        let shape = answer.is_empty() || answer.starts_with(b"HTTP/1.");
                        assert!(shape, "{:?}", String::from_utf8_lossy(&answer));
                    }
                });
            }
        });
        assert!(is_answered(&desk, &crl) && is_answered(&desk, &metrics));
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}

// Catches places that are never given back, and one machine that can take all of them.
#[test]
fn silent_connections_of_one_machine_keep_nobody_else_out() {
    let desk = Desk::with_key_file();
    let published = Published::open(watched());
    published.publish(sign(&desk, "7"));
    let url = published.url("/ca.crl");
    eventually("the list", || is_answered(&desk, &url));
    let address = published.address.unwrap();
    let silent: Vec<TcpStream> = (0..300).map(|_| connect_from_elsewhere(address)).collect();
    assert!(is_answered(&desk, &url), "from another machine");
    let from_elsewhere = || {
        let answer = send(connect_from_elsewhere(address), b"GET /ca.crl HTTP/1.0\r\n\r\n");
        answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200")
    };
    assert!(!from_elsewhere(), "one machine has more places than its share");
    // The silent ones are sent away after 5 s, although they hold on.
    let begun = clock::monotonic();
    eventually("a place again", from_elsewhere);
    assert!(begun.elapsed() < PATIENCE, "the silent ones stayed {:?}", begun.elapsed());
    drop(silent);
}

// Catches octets from the supervisor's side that make a publisher hang, or panic, or do half of
// something: whatever is no message of ours ends it.
#[test]
fn octets_that_are_no_message_end_a_publisher_and_nothing_else() {
    let good = frame::encode(&ToPublisher::Drain, 100).unwrap().to_vec();
    let mut other_protocol = good.clone();
    other_protocol[4] ^= 0x40;
    let huge = [&[0xff; 4], &good[4..]].concat();
    let unknown = [&1_u32.to_be_bytes()[..], &good[4..6], &[0x7f]].concat();
    for octets in [other_protocol, huge, unknown, b"GET / HTTP/1.1\r\n\r\n".to_vec()] {
        let mut published = Published::open(watched());
        published.tell_octets(&octets);
        let last = published.last_word();
        let refused = matches!(last, Some(FromPublisher::Refused(Refusal::ServiceGone {})));
        assert!(refused, "{last:?} after {octets:x?}");
        // Its sockets are still ours, and somebody else can serve there.
        assert!(TcpStream::connect(published.address.unwrap()).is_ok());
    }
    // A second beginning is none either.
    let mut published = Published::open(watched());
    let again = Begin { settings: watched(), gates: Vec::new(), terms: Terms::default() };
    published.tell(&ToPublisher::Begin(again));
    assert!(matches!(published.last_word(), Some(FromPublisher::Refused(_))));
}
