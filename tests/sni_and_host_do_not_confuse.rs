//! I6: whatever name a visitor asks for, in the handshake or in the request, and however the hello
//! comes in, nobody passes without a certificate of this gate's authority, and no request for another
//! name passes at all.

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

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;

use rcgen::SanType;
use rustls_pki_types::ServerName;
use support::{Authority, Inside, Leaf, PATIENCE, Stage, Visitor};

/// Server names as a visitor may ask for them: with and without a place in the certificate, and
/// such as are no names at all. `None` asks for none.
const ASKED: [Option<&str>; 12] = [
    None,
    Some("localhost"),
    Some("LocalHost"),
    Some("localhost."),
    Some("a.wild.example"),
    Some("*.wild.example"),
    Some("xn--r8jz45g.example"),
    Some("例え.example"),
    Some("127.0.0.1"),
    Some("other.example"),
    Some("localhost\u{0}.evil.example"),
    Some("a..b"),
];

/// Hosts, and whether the certificate has them.
const HOSTS: [(&str, bool); 12] = [
    ("localhost", true),
    ("LOCALHOST:8000", true),
    ("localhost.", true),
    ("127.0.0.1", true),
    ("a.wild.example", true),
    ("xn--r8jz45g.example", true),
    ("wild.example", false),
    ("a.b.wild.example", false),
    ("*.wild.example.evil.example", false),
    ("例え.example", false),
    ("other.example", false),
    ("localhost.evil.example", false),
];

fn stage() -> Stage {
    let stage = Stage::new().with_revocation_list(&[40]);
    let server = Leaf {
        names: vec![
            SanType::DnsName("localhost".try_into().unwrap()),
            SanType::DnsName("*.wild.example".try_into().unwrap()),
            SanType::DnsName("xn--r8jz45g.example".try_into().unwrap()),
            SanType::IpAddress([127, 0, 0, 1].into()),
        ],
        ..Leaf::server()
    };
    stage.write_identity("server", &stage.authority.issue(&server));
    stage.client("user1", 3);
    stage.client("lost", 40);
    stage.write_identity("foreign", &Authority::new("Test CA").issue(&Leaf::client("user1", 3)));
    stage
}

/// Asks with OpenSSL, which sends any server name.
fn ask(
    stage: &Stage,
    address: SocketAddr,
    asked: Option<&str>,
    identity: Option<&str>,
    host: &str,
) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &address.to_string()]);
    match asked {
        // A program's argument ends at a NUL; another octet that no name has will do.
        Some(name) => command.args(["-servername", &name.replace('\0', "\u{1}")]),
        None => command.arg("-noservername"),
    };
    if let Some(name) = identity {
        command.arg("-cert").arg(stage.path(&format!("{name}.crt")));
        command.arg("-key").arg(stage.path(&format!("{name}.pem")));
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl: install the Debian package openssl");
    let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    // It may be gone already.
    let _ = child.stdin.as_mut().unwrap().write_all(request.as_bytes());
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn no_server_name_lets_anybody_past() {
    let stage = stage();
    let gate = stage.start();
    for asked in ASKED {
        for stranger in [None, Some("lost"), Some("foreign")] {
            let answer = ask(&stage, gate.address, asked, stranger, "localhost");
            assert!(!answer.contains("hello"), "{asked:?} {stranger:?}: {answer}");
        }
    }
    assert!(stage.upstream.seen().is_empty(), "{:?}", stage.upstream.seen());
    // And none keeps a holder out who names a host of ours, unless it is no name at all.
    for asked in ASKED {
        let answer = ask(&stage, gate.address, asked, Some("user1"), "localhost");
        let is_name = asked.is_none_or(|name| {
            name == "127.0.0.1" || ServerName::try_from(name.to_owned()).is_ok()
        });
        assert!(answer.ends_with("hello") || !is_name, "{asked:?}: {answer}");
        assert!(answer.is_empty() || answer.ends_with("hello"), "{asked:?}: {answer}");
    }
}

// The host alone decides, and never with the help of the server name.
#[test]
fn a_host_is_ours_whatever_the_server_name_was() {
    let stage = stage();
    let gate = stage.start();
    for asked in [None, Some("localhost"), Some("a.wild.example"), Some("other.example")] {
        for (host, ours) in HOSTS {
            let before = stage.upstream.seen().len();
            let answer = ask(&stage, gate.address, asked, Some("user1"), host);
            assert_eq!(answer.ends_with("hello"), ours, "{asked:?} {host}: {answer}");
            assert_eq!(stage.upstream.seen().len() - before, usize::from(ours), "{asked:?} {host}");
            if !ours {
                assert!(matches!(&answer[9..12], "421" | "400"), "{asked:?} {host}: {answer}");
            }
        }
    }
}

/// A connection that sends one octet at a time.
struct Trickle(TcpStream);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Trickle {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.write(&octets[..octets.len().min(1)])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

// Traefik CVE-2026-32305: a hello in pieces was taken for one without a name, and another policy.
#[test]
fn a_hello_in_pieces_is_judged_like_any_other() {
    let stage = stage();
    let gate = stage.start();
    let strangers = [
        (Authority::new("Test CA").issue(&Leaf::client("user1", 3)), false),
        (stage.authority.issue(&Leaf::client("lost", 40)), false),
        (stage.authority.issue(&Leaf::client("user1", 3)), true),
    ];
    for (identity, admitted) in strangers {
        // Records of 32 octets, in segments of one.
        let mut visitor = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13);
        let mut config = visitor.config().clone();
        config.max_fragment_size = Some(32);
        let socket = TcpStream::connect(gate.address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, Trickle(socket));
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer.ends_with(b"hello"), admitted, "{}", String::from_utf8_lossy(&answer));
        assert_eq!(stage.upstream.seen().len(), usize::from(admitted));
    }
}

// Two gates side by side: asking one for the other's name gets neither the other's policy nor its
// application.
#[test]
fn a_gate_does_not_act_for_its_neighbour() {
    let ours = stage();
    let theirs = Stage::new();
    let server = Leaf {
        names: vec![SanType::DnsName("theirs.example".try_into().unwrap())],
        ..Leaf::server()
    };
    theirs.write_identity("server", &theirs.authority.issue(&server));
    theirs.client("guest", 7);
    let start = |stage: &Stage, name: &str| {
        let url = format!("http://{}", stage.upstream.address);
        Inside::start(stage.settings(&url).with_name(name))
    };
    let (our_gate, their_gate) = (start(&ours, "ours"), start(&theirs, "theirs"));
    let name = Some("theirs.example");
    let welcome = ask(&theirs, their_gate.address, name, Some("guest"), "theirs.example");
    assert!(welcome.ends_with("hello"), "{welcome}");
    for host in ["theirs.example", "localhost"] {
        let answer = ask(&theirs, our_gate.address, name, Some("guest"), host);
        assert!(!answer.contains("hello"), "{host}: {answer}");
    }
    let answer = ask(&ours, our_gate.address, name, Some("user1"), "theirs.example");
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    assert!(ours.upstream.seen().is_empty());
    assert_eq!(theirs.upstream.seen().len(), 1);
}
