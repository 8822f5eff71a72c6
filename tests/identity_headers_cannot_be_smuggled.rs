//! I8, I31: what the application is told of the visitor comes from the gate alone. The application's
//! view is compared octet by octet.

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

use std::io::Write;

use support::{Gate, Identity, Leaf, Stage, Visitor, certificate};

struct Scene {
    stage: Stage,
    gate: Gate,
    identity: Identity,
}

impl Scene {
    fn new() -> Self {
        let stage = Stage::new();
        let gate = stage.start();
        let identity = stage.authority.issue(&Leaf::client("受付 1", 0x0102));
        Self { stage, gate, identity }
    }

    /// Sends octets as they are; what comes back until the gate closes.
    fn send(&self, request: &str) -> String {
        let version = &rustls::version::TLS13;
        let visitor = Visitor::new(&self.stage, &self.gate, &self.identity, version);
        visitor.send(request).unwrap().answer
    }

    fn seen(&self) -> Vec<String> {
        self.stage.upstream.seen()
    }
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

#[test]
fn the_application_sees_exactly_what_the_gate_says() {
    let scene = Scene::new();
    let answer = scene.send(concat!(
        "GET /karte?id=1&x=%00 HTTP/1.1\r\nHost: localhost:8000\r\nCookie: a=b\r\n",
        "Client-Cert: :AAAA:\r\nclient_cert: :AAAA:\r\nClient-Cert-Chain: :AAAA:\r\nCLIENT-CERT: x\r\n",
        "X-Sekisho-Serial: 99\r\nX_Sekisho_Serial: 99\r\nX-Sekisho-Common-Name: root\r\nx-sekisho_issuer: x\r\n",
        "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Proto: http\r\nForwarded: for=1\r\n",
        "SSL_CLIENT_S_DN: CN=root\r\nX-Real-IP: 10.0.0.1\r\nX-Own: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\n",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nProxy-Authorization: Basic AAAA\r\nTE: gzip\r\n",
        "Connection: close, X-Own, Upgrade, HTTP2-Settings\r\n\r\n",
    ));
    assert_eq!(status(&answer), "200", "{answer}");
    let der = certificate(&scene.identity.certificate);
    let expected = format!(
        concat!(
            "GET /karte?id=1&x=%00 HTTP/1.1\r\ncookie: a=b\r\nclient-cert: :{}:\r\n",
            "x-sekisho-issuer: C%3DJP%2C%20O%3Dorca%2C%20CN%3DTest%20CA\r\nx-sekisho-serial: 0102\r\n",
            "x-sekisho-common-name: %E5%8F%97%E4%BB%98%201\r\nx-forwarded-for: 127.0.0.1\r\n",
            "x-forwarded-proto: https\r\nx-forwarded-host: localhost:8000\r\nhost: localhost:8000\r\n\r\n",
        ),
        data_encoding::BASE64.encode(&der),
    );
    let mut lines: Vec<String> = scene.seen()[0].lines().map(str::to_owned).collect();
    let mut wanted: Vec<String> = expected.lines().map(str::to_owned).collect();
    lines.sort();
    wanted.sort();
    assert_eq!(lines, wanted, "in any order of the headers");
}

#[test]
fn an_identity_name_inside_connection_is_refused() {
    let scene = Scene::new();
    for name in
        ["Client-Cert", "client_cert", "X-Sekisho-Serial", "x-forwarded-for", "close, Client-Cert"]
    {
        let answer = scene.send(&format!(
            "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: {name}\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        ));
        assert_eq!(status(&answer), "400", "{name}: {answer}");
    }
    assert!(scene.seen().iter().all(|request| request.contains("client-cert: :MII")));
}

#[test]
fn trailers_carry_no_identity() {
    let scene = Scene::new();
    let answer = scene.send(concat!(
        "POST /t HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\nconnection: close\r\n",
        "trailer: client-cert, x-sekisho-serial, checksum\r\n\r\n",
        "3\r\nabc\r\n0\r\nClient-Cert: :AAAA:\r\nX_Sekisho_Serial: 99\r\nChecksum: 1\r\n\r\n",
    ));
    assert_eq!(status(&answer), "200", "{answer}");
    let seen = &scene.seen()[0];
    let body = seen.split_once("\r\n\r\n").unwrap().1.to_ascii_lowercase();
    assert!(body.starts_with("3\r\nabc\r\n0\r\n"), "{body}");
    assert!(body.contains("checksum: 1"), "other trailers pass: {body}");
    assert!(!body.contains("client-cert") && !body.contains("sekisho"), "{body}");
}

#[test]
fn requests_for_other_names_and_from_other_sites_are_refused() {
    let scene = Scene::new();
    let cases = [
        ("421", "GET / HTTP/1.1\r\nhost: evil.example\r\n"),
        ("421", "GET / HTTP/1.1\r\nhost: 127.0.0.2:8000\r\n"),
        ("421", "GET / HTTP/1.1\r\nhost: localhost.evil.example\r\n"),
        ("421", "GET https://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n"),
        ("400", "GET https://evil.example/ HTTP/1.1\r\nhost: localhost\r\n"),
        ("400", "GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n"),
        ("400", "GET / HTTP/1.1\r\nhost: evil.example@localhost\r\n"),
        ("400", "GET / HTTP/1.1\r\n"),
        ("400", "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n"),
        ("405", "TRACE / HTTP/1.1\r\nhost: localhost\r\n"),
        ("405", "CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n"),
        ("403", "POST / HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\n"),
        ("403", "POST / HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\n"),
        ("403", "DELETE / HTTP/1.1\r\nhost: localhost\r\norigin: null\r\n"),
        (
            "403",
            "GET / HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
        ),
    ];
    for (expected, request) in cases {
        let answer = scene.send(&format!("{request}connection: close\r\n\r\n"));
        assert_eq!(status(&answer), expected, "{request}\n{answer}");
    }
    assert!(scene.seen().is_empty(), "{:?}", scene.seen());
    for request in [
        "GET / HTTP/1.1\r\nhost: 127.0.0.1:1\r\n",
        "GET / HTTP/1.1\r\nhost: LOCALHOST.\r\n",
        "GET https://localhost/ HTTP/1.1\r\nhost: localhost\r\n",
        "POST / HTTP/1.1\r\nhost: localhost:8000\r\norigin: https://localhost:8000\r\nsec-fetch-site: same-origin\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\n",
    ] {
        let answer = scene.send(&format!("{request}connection: close\r\n\r\n"));
        assert_eq!(status(&answer), "200", "{request}\n{answer}");
    }
}

// I32: what a name holds is shown, not obeyed; in the log and to the application.
#[test]
fn a_name_full_of_controls_stays_on_its_line() {
    let stage = Stage::new();
    let gate = stage.start();
    let name = "a\u{1b}[2Jb\r\nadmitted serial=99\u{202e}c";
    let identity = stage.authority.issue(&Leaf::client(name, 3));
    let visitor = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13);
    let mut stream = visitor.connect();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    support::read_until(&mut stream, "hello");
    let line = gate.log.wait_for(&["admitted"]);
    assert!(line.contains("serial=03"), "{line}");
    assert!(!line.contains(['\u{1b}', '\u{202e}']), "{line:?}");
    assert_eq!(gate.log.count("serial=99"), 1, "within one line: {}", gate.log.text());
    assert!(stage.upstream.seen()[0].contains("x-sekisho-common-name: a%1B%5B2Jb%0D%0Aadmitted"));
}
