//! In tcp mode an admitted visitor and the upstream hear each other's octets as they are, and the
//! end of each other's sending; nobody else reaches the upstream, and nobody stays too long.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/gate.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use sekisho::gate::{Limits, Mode, RefusalMode, Settings, UpstreamTls};
use support::{
    Authority, Inside, Leaf, PATIENCE, Stage, Tls, Visitor, is_closed_within, read_to_close,
    read_until,
};

/// What an upstream does with each connection.
fn upstream(behaviour: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let behaviour = Arc::new(behaviour);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let behaviour = Arc::clone(&behaviour);
            std::thread::spawn(move || behaviour(stream));
        }
    });
    url
}

fn echo(mut stream: TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    let _ = stream.write_all(b"<end>");
}

fn settings(stage: &Stage, url: &str) -> Settings {
    stage.settings(url).with_mode(Mode::Tcp)
}

fn connect(stage: &Stage, gate: &Inside, leaf: &Leaf) -> Tls {
    let identity = stage.authority.issue(leaf);
    Visitor::to(stage, gate.address, &identity, &rustls::version::TLS13).connect()
}

fn user() -> Leaf {
    Leaf::client("user1", 3)
}

fn end_sending(stream: &mut Tls) {
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}

// HTTP is octets like any others here: nothing is added, answered or refused.
#[test]
fn octets_arrive_as_they_were_sent() {
    let stage = Stage::new();
    let url = upstream(echo);
    let gate = Inside::start(settings(&stage, &url));
    let mut stream = connect(&stage, &gate, &user());
    let mut sent =
        b"GET / HTTP/1.1\r\nhost: evil.example\r\ntransfer-encoding: x\r\n\r\n\0\xff".to_vec();
    sent.extend((0..300_000_u32).flat_map(u32::to_be_bytes));
    // The echo begins while we are still sending: both directions flow at once.
    let mut back = Vec::new();
    for part in sent.chunks(8 * 1024) {
        stream.write_all(part).unwrap();
        let mut echoed = vec![0; part.len()];
        stream.read_exact(&mut echoed).unwrap();
        back.extend(echoed);
    }
    assert!(back == sent);
}

#[test]
fn the_end_of_one_direction_leaves_the_other_open() {
    let stage = Stage::new();
    let url = upstream(echo);
    let gate = Inside::start(settings(&stage, &url));
    let mut stream = connect(&stage, &gate, &user());
    stream.write_all(b"last words").unwrap();
    end_sending(&mut stream);
    // The upstream speaks after it has read our end.
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an orderly end");
    assert_eq!(answer, "last words<end>");
}

#[test]
fn an_upstream_may_speak_first_and_end_first() {
    let stage = Stage::new();
    let (heard, rest) = mpsc::channel();
    let heard = std::sync::Mutex::new(heard);
    let url = upstream(move |mut stream| {
        // The gate's own try to reach us is gone by now, or soon.
        let _ = stream.write_all(b"220 welcome\r\n");
        let _ = stream.shutdown(Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        heard.lock().unwrap().send(rest).unwrap();
    });
    let gate = Inside::start(settings(&stage, &url));
    let mut stream = connect(&stage, &gate, &user());
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting).expect("an orderly end");
    assert_eq!(greeting, "220 welcome\r\n");
    stream.write_all(b"still here").unwrap();
    end_sending(&mut stream);
    let mut rests = std::iter::from_fn(|| rest.recv_timeout(PATIENCE).ok());
    assert!(rests.any(|rest| rest == b"still here"));
}

// A cut that looks like an orderly end would let half a file pass for a whole one.
#[test]
fn a_failure_of_the_upstream_is_no_orderly_end() {
    let stage = Stage::new();
    let url = upstream(|mut stream| {
        let _ = stream.write_all(b"half");
        let _ = stream.read(&mut [0; 1]);
        // Octets unread at the close make it a reset.
        drop(stream);
    });
    let gate = Inside::start(settings(&stage, &url));
    let mut stream = connect(&stage, &gate, &user());
    read_until(&mut stream, "half");
    stream.write_all(&[b'x'; 64 * 1024]).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset
        ),
        "{error:?}"
    );
}

#[test]
fn sockets_and_tls_carry_octets_too() {
    let stage = Stage::new();
    let path = stage.path("upstream.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    let _ = stream.write_all(&buffer[..read]);
                }
            });
        }
    });
    let gate = Inside::start(settings(&stage, &format!("unix:{}", path.display())));
    let mut stream = connect(&stage, &gate, &user());
    stream.write_all(b"over a socket").unwrap();
    read_until(&mut stream, "over a socket");

    let authority = Authority::new("Upstream CA");
    stage.write_identity("upstream", &authority.issue(&Leaf::server()));
    // OpenSSL sends every line back, its octets in reverse.
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-rev", "-cert"])
        .arg(stage.path("upstream.crt"))
        .arg("-key")
        .arg(stage.path("upstream.pem"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl: install the Debian package openssl");
    let lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.into_iter().find(|line| line.starts_with("ACCEPT")).unwrap();
    let port = line.rsplit(':').next().unwrap();
    let pinned =
        UpstreamTls { authorities: stage.write("upstream-ca.crt", &authority.pem), client: None };
    let gate = Inside::start(
        settings(&stage, &format!("tls://127.0.0.1:{port}")).with_upstream_tls(pinned),
    );
    let mut stream = connect(&stage, &gate, &user());
    stream.write_all(b"over tls\n").unwrap();
    let answer = read_until(&mut stream, "\n");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(answer, "slt revo\n");
}

// A real peer: OpenSSL's client, which offers HTTP/2 by ALPN and gets no protocol.
#[test]
fn openssl_gets_through_with_a_certificate_and_only_with_one() {
    let stage = Stage::new();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let url = upstream(move |mut stream| {
        let mut line = String::new();
        let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut line);
        // The gate's own try to reach us says nothing.
        count.fetch_add(usize::from(!line.is_empty()), Ordering::SeqCst);
        let _ = stream.write_all(format!("you said {line}").as_bytes());
    });
    stage.client("user1", 3);
    // A page would be octets that no protocol but HTTP understands.
    let gate = Inside::start(settings(&stage, &url).with_refusal(RefusalMode::Explain));
    let ask = |identity: Option<&str>| {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-verify_return_error", "-alpn", "h2,http/1.1"])
            .args(["-connect", &gate.address.to_string(), "-servername", "localhost", "-CAfile"])
            .arg(stage.path("trusted.crt"));
        if let Some(name) = identity {
            command.arg("-cert").arg(stage.path(&format!("{name}.crt")));
            command.arg("-key").arg(stage.path(&format!("{name}.pem")));
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("openssl: install the Debian package openssl");
        child.stdin.as_mut().unwrap().write_all(b"hello\n").unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    let (said, errors) = ask(Some("user1"));
    assert_eq!(said, "you said hello\n", "{errors}");
    assert_eq!(seen.load(Ordering::SeqCst), 1);
    let (said, errors) = ask(None);
    assert_eq!(said, "");
    assert!(errors.contains("certificate required"), "{errors}");
    assert_eq!(seen.load(Ordering::SeqCst), 1, "a stranger reaches nothing");
}

#[test]
fn plain_http_gets_nothing() {
    let stage = Stage::new();
    let (heard, octets) = mpsc::channel();
    let heard = std::sync::Mutex::new(heard);
    let url = upstream(move |mut stream| {
        let read = stream.read(&mut [0; 1]);
        let _ = heard.lock().unwrap().send(read.unwrap_or(0));
    });
    let gate = Inside::start(settings(&stage, &url));
    let mut stream = TcpStream::connect(gate.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
    assert!(octets.try_iter().all(|read| read == 0));
}

#[test]
fn an_upstream_that_is_down_is_an_orderly_end_without_an_octet() {
    let stage = Stage::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = Inside::start(settings(&stage, &format!("tcp://{nobody}")));
    let mut stream = connect(&stage, &gate, &user());
    stream.write_all(b"hello").unwrap();
    let mut answer = Vec::new();
    read_to_close(&mut stream, &mut answer).unwrap();
    assert!(answer.is_empty());
    assert!(stream.conn.process_new_packets().unwrap().peer_has_closed(), "close_notify came");
}

#[test]
fn a_connection_ends_with_its_certificate() {
    let stage = Stage::new();
    let url = upstream(echo);
    let gate = Inside::start(settings(&stage, &url));
    let mut stream = connect(&stage, &gate, &Leaf { until: 3, ..user() });
    stream.write_all(b"hello").unwrap();
    read_until(&mut stream, "hello");
    assert!(is_closed_within(&mut stream, PATIENCE));
}

#[test]
fn stopping_takes_nobody_new_and_lets_a_transfer_finish() {
    let stage = Stage::new();
    let url = upstream(echo);
    let limits = Limits { drain: PATIENCE * 2, ..Limits::default() };
    let mut gate = Inside::start(settings(&stage, &url).with_limits(limits));
    let mut stream = connect(&stage, &gate, &user());
    stream.write_all(b"first").unwrap();
    read_until(&mut stream, "first");
    gate.stop();
    support::eventually("nobody new is taken", || TcpStream::connect(gate.address).is_err());
    stream.write_all(b"second").unwrap();
    read_until(&mut stream, "second");
    assert!(!gate.has_stopped());
    end_sending(&mut stream);
    read_until(&mut stream, "<end>");
    support::eventually("the gate ends", || gate.has_stopped());
}
