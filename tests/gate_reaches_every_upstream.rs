//! An application behind TCP, a Unix socket or TLS gets the same requests and WebSockets; over TLS
//! nobody but the application of the pinned CA gets anything; and the gate knows whether it is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/gate.rs"]
mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sekisho::gate::{Settings, UpstreamTls};
use support::{
    Authority, Gate, Identity, Inside, Leaf, PATIENCE, Stage, Tls, Visitor, certificate,
    eventually, read_until,
};

/// What an application saw.
type Seen = Arc<Mutex<Vec<String>>>;

/// An application: answers `hello`, or becomes a WebSocket that echoes.
fn serve(mut stream: impl Read + Write, seen: &Seen) {
    let mut head = Vec::new();
    let mut octet = [0; 1];
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut octet) {
                Ok(1) => head.push(octet[0]),
                _ => return,
            }
        }
        let request = String::from_utf8_lossy(&head).into_owned();
        let upgrades = request.contains("upgrade: websocket");
        seen.lock().unwrap().push(request);
        if upgrades {
            break;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
    }
    stream
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nwelcome")
        .unwrap();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..read]).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

fn over_tcp() -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, seen) = (format!("http://{}", listener.local_addr().unwrap()), Seen::default());
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let log = Arc::clone(&log);
            std::thread::spawn(move || serve(stream, &log));
        }
    });
    (url, seen)
}

fn over_unix_socket(path: PathBuf) -> (String, Seen) {
    let listener = UnixListener::bind(&path).unwrap();
    let (url, seen) = (format!("unix:{}", path.display()), Seen::default());
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let log = Arc::clone(&log);
            std::thread::spawn(move || serve(stream, &log));
        }
    });
    (url, seen)
}

/// An application behind TLS: who it is, and whose clients it takes, if it asks.
fn over_tls(identity: &Identity, clients_of: Option<&Authority>) -> (u16, Seen) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients_of {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate(&authority.pem)).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    // An application that can do both would choose HTTP/2, which the gate does not speak to it.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, seen) = (listener.local_addr().unwrap().port(), Seen::default());
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (log, config) = (Arc::clone(&log), Arc::clone(&config));
            std::thread::spawn(move || {
                let connection = ServerConnection::new(config).unwrap();
                serve(StreamOwned::new(connection, stream), &log);
            });
        }
    });
    (port, seen)
}

/// What the gate needs for an application with a certificate of this CA.
fn pinned(stage: &Stage, authority: &Authority) -> UpstreamTls {
    UpstreamTls { authorities: stage.write("upstream-ca.crt", &authority.pem), client: None }
}

fn visit(stage: &Stage, settings: Settings) -> (Inside, Tls) {
    let gate = Inside::start(settings);
    let stream = visitor(stage, &gate).connect();
    (gate, stream)
}

fn visitor(stage: &Stage, gate: &Inside) -> Visitor {
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    Visitor::to(stage, gate.address, &identity, &rustls::version::TLS13)
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn status(stage: &Stage, settings: Settings) -> String {
    let (_gate, mut stream) = visit(stage, settings);
    stream.write_all(GET).unwrap();
    let head = read_until(&mut stream, "\r\n\r\n");
    head.get(9..12).unwrap().to_owned()
}

#[test]
fn every_way_carries_requests_and_websockets() {
    let stage = Stage::new();
    let authority = Authority::new("Upstream CA");
    let (tls_port, tls_seen) = over_tls(&authority.issue(&Leaf::server()), None);
    let ways = [
        (over_tcp(), None),
        (over_unix_socket(stage.path("application.sock")), None),
        ((format!("https://localhost:{tls_port}"), tls_seen), Some(pinned(&stage, &authority))),
    ];
    for ((url, seen), tls) in ways {
        let mut settings = stage.settings(&url);
        if let Some(tls) = tls {
            settings = settings.with_upstream_tls(tls);
        }
        let (_gate, mut stream) = visit(&stage, settings);
        stream.write_all(GET).unwrap();
        read_until(&mut stream, "hello");
        stream
            .write_all(b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n")
            .unwrap();
        let head = read_until(&mut stream, "welcome");
        assert!(head.starts_with("HTTP/1.1 101"), "{url}: {head}");
        let long = "ping".repeat(20_000);
        stream.write_all(long.as_bytes()).unwrap();
        let mut echo = vec![0; long.len()];
        stream.read_exact(&mut echo).unwrap();
        assert!(echo == long.as_bytes(), "{url}");
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 2, "{url}: {seen:?}");
        for request in seen.iter() {
            assert!(request.contains("host: localhost\r\n"), "{url}: {request}");
            assert!(request.contains("x-sekisho-serial: 03\r\n"), "{url}: {request}");
        }
    }
}

#[test]
fn nobody_but_the_application_of_the_pinned_ca_gets_anything() {
    let stage = Stage::new();
    let authority = Authority::new("Upstream CA");
    let same_name = Authority::new("Upstream CA");
    let elsewhere = Leaf {
        names: vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())],
        ..Leaf::server()
    };
    let ended = Leaf { until: -60, ..Leaf::server() };
    let cases = [
        ("the same name", same_name.issue(&Leaf::server())),
        ("another host", authority.issue(&elsewhere)),
        ("a certificate that ended", authority.issue(&ended)),
        ("a certificate for clients", authority.issue(&Leaf::client("localhost", 4))),
    ];
    for (what, identity) in cases {
        let (port, seen) = over_tls(&identity, None);
        let settings = stage
            .settings(&format!("https://localhost:{port}"))
            .with_upstream_tls(pinned(&stage, &authority));
        assert_eq!(status(&stage, settings), "502", "{what}");
        assert!(seen.lock().unwrap().is_empty(), "{what}");
    }
}

// Catches a connector that goes on in clear text when TLS fails.
#[test]
fn what_was_to_be_encrypted_is_never_sent_in_clear_text() {
    let stage = Stage::new();
    let authority = Authority::new("Upstream CA");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut first = [0; 1];
            let read = stream.read(&mut first);
            log.lock().unwrap().push((read.unwrap_or(0), first[0]));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        }
    });
    let settings = stage
        .settings(&format!("https://localhost:{port}"))
        .with_upstream_tls(pinned(&stage, &authority));
    assert_eq!(status(&stage, settings), "502");
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|one| *one == (1, 0x16)), "{seen:?}");
}

#[test]
fn an_application_that_demands_a_certificate_gets_the_gates() {
    let stage = Stage::new();
    let authority = Authority::new("Upstream CA");
    let (port, seen) = over_tls(&authority.issue(&Leaf::server()), Some(&authority));
    let settings = || stage.settings(&format!("https://localhost:{port}"));
    let tls = pinned(&stage, &authority);
    assert_eq!(status(&stage, settings().with_upstream_tls(tls.clone())), "502");
    assert!(seen.lock().unwrap().is_empty());

    stage.write_identity("gate", &authority.issue(&Leaf::client("gate", 5)));
    stage
        .write_identity("stranger", &Authority::new("Upstream CA").issue(&Leaf::client("gate", 5)));
    let showing = |certificate: &str, key: &str| {
        let client = Some((stage.path(certificate), stage.path(key)));
        settings().with_upstream_tls(UpstreamTls { client, ..tls.clone() })
    };
    assert_eq!(status(&stage, showing("stranger.crt", "stranger.pem")), "502");
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(status(&stage, showing("gate.crt", "gate.pem")), "200");

    let refused = |settings: Settings| sekisho::gate::check(&settings).unwrap_err().code();
    assert_eq!(refused(showing("gate.crt", "stranger.pem")), "UpstreamClientMismatch");
    assert_eq!(refused(showing("gate.crt", "gate.crt")), "UpstreamClientKeyUnusable");
    assert_eq!(refused(showing("gate.pem", "gate.pem")), "UpstreamClientUnreadable");
    support::set_mode(&stage.path("gate.pem"), 0o644);
    assert_eq!(refused(showing("gate.crt", "gate.pem")), "FileModeTooOpen");
    stage.write("upstream-ca.crt", "no certificate");
    assert_eq!(refused(settings().with_upstream_tls(tls)), "UpstreamAuthorityUnreadable");
}

// A real peer: OpenSSL's own server, over TLS 1.2 and 1.3.
#[test]
fn openssl_behind_the_gate_answers() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let stage = Stage::new();
    let authority = Authority::new("Upstream CA");
    stage.write_identity("application", &authority.issue(&Leaf::server()));
    for version in ["-tls1_2", "-tls1_3"] {
        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-www", version, "-cert"])
            .arg(stage.path("application.crt"))
            .arg("-key")
            .arg(stage.path("application.pem"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl: install the Debian package openssl");
        let lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.into_iter().find(|line| line.starts_with("ACCEPT")).unwrap();
        let port = line.rsplit(':').next().unwrap();
        let settings = stage
            .settings(&format!("https://127.0.0.1:{port}"))
            .with_upstream_tls(pinned(&stage, &authority));
        let status = status(&stage, settings);
        server.kill().unwrap();
        server.wait().unwrap();
        assert_eq!(status, "200", "{version}");
    }
}

#[test]
fn another_ca_of_the_application_is_believed_after_a_reload() {
    let stage = Stage::new();
    let (old, new) = (Authority::new("Old CA"), Authority::new("New CA"));
    let (port, _) = over_tls(&new.issue(&Leaf::server()), None);
    stage.write("upstream-ca.crt", &old.pem);
    let config = stage.write(
        "sekisho.toml",
        &format!(
            "version = 1\n[[gate]]\nname = \"main\"\nlisten = \"127.0.0.1:0\"\n\
             certificate = \"server.crt\"\nkey = \"server.pem\"\nauthorities = \"ca.crt\"\n\
             upstream = \"https://localhost:{port}\"\nupstream_ca = \"upstream-ca.crt\"\n"
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(["serve", "--accept-missing", "separate-uids", "--config"]).arg(config);
    let gate = Gate::start(command);
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    let mut stream =
        Visitor::to(&stage, gate.address, &identity, &rustls::version::TLS13).connect();
    let mut ask = || {
        stream.write_all(GET).unwrap();
        let head = read_until(&mut stream, "\r\n\r\n");
        let rest = if head.contains(" 200 ") { "hello" } else { "</main>" };
        if !head.contains(rest) {
            read_until(&mut stream, rest);
        }
        head.contains(" 200 ")
    };
    assert!(!ask());
    // A broken reload keeps what was good.
    stage.write("upstream-ca.crt", "no certificate");
    gate.signal("HUP");
    gate.log.wait_for(&["files not read anew, the last good ones stay in force"]);
    assert!(!ask());
    stage.write("upstream-ca.crt", &new.pem);
    gate.signal("HUP");
    eventually("the new CA is believed", ask);
}

#[test]
fn the_gate_knows_without_visitors_whether_the_application_is_there() {
    let mut stage = Stage::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    stage.upstream.address = port;
    let gate = stage.start();
    let same = Inside::start(stage.settings(&format!("http://{port}")));
    let figures = &*same.figures;
    gate.log.wait_for(&["the upstream cannot be reached", "Connection refused"]);
    eventually("a failure is counted", || figures().upstream_failures > 0);
    assert!(!figures().upstream_up);

    let listener = TcpListener::bind(port).unwrap();
    gate.log.wait_for(&["the upstream can be reached again"]);
    eventually("it is up", || figures().upstream_up);
    let (mut probe, _) = listener.accept().unwrap();
    probe.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    probe.read_to_end(&mut said).unwrap();
    assert!(said.is_empty(), "a try says nothing, and leaves");
    assert_eq!(gate.log.count("cannot be reached"), 1, "{}", gate.log.text());
}
