//! I9: whatever a visitor sends, the application gets the requests that the gate read, whole and in
//! order, or none. Raw octets over TLS; the application writes down every octet it gets.

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
use std::net::Shutdown;

use support::{Gate, Identity, Leaf, Stage, Upstream, Visitor, read_until};

struct Scene {
    stage: Stage,
    gate: Gate,
    identity: Identity,
}

impl Scene {
    fn new() -> Self {
        Self::with(Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"))
    }

    fn with(upstream: Upstream) -> Self {
        let stage = Stage::with_upstream(upstream);
        let gate = stage.start();
        let identity = stage.authority.issue(&Leaf::client("user1", 3));
        Self { stage, gate, identity }
    }

    fn visitor(&self) -> Visitor {
        Visitor::new(&self.stage, &self.gate, &self.identity, &rustls::version::TLS13)
    }

    /// Sends octets as they are; what comes back until the gate closes.
    fn send(&self, octets: &str) -> String {
        self.visitor().send(octets).unwrap().answer
    }

    /// What the application got since the last time: the first line and the body of each request.
    fn seen_after(&self, before: usize) -> Vec<(String, String)> {
        let seen = self.stage.upstream.seen();
        let requests = seen[before..].iter().map(|request| {
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            (head.lines().next().unwrap().to_owned(), body.to_owned())
        });
        requests.collect()
    }
}

fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).map(|one| &one[..3]).collect()
}

/// What follows an attack on the same connection. It is answered, or the connection is closed; it
/// never becomes part of another request.
const SECOND: &str = "GET /second HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Hidden in the body of another.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";

// Each of these is one request for one reader and two for another, somewhere; or none for the gate.
#[test]
fn what_can_be_read_in_two_ways_is_refused_or_read_once() {
    let length = SMUGGLED.len();
    let post = "POST /first HTTP/1.1\r\nhost: localhost\r\n";
    let chunk = format!("{length:x}\r\n{SMUGGLED}\r\n");
    let refused = [
        (
            "TE that ends in something else",
            format!("{post}transfer-encoding: chunked, identity\r\n\r\n{SMUGGLED}"),
        ),
        (
            "TE with a coding under it",
            format!("{post}transfer-encoding: gzip, chunked\r\n\r\n{chunk}0\r\n\r\n"),
        ),
        (
            "TE in two lines",
            format!(
                "{post}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
            ),
        ),
        (
            "TE twice",
            format!(
                "{post}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
            ),
        ),
        (
            "TE chunked twice",
            format!("{post}transfer-encoding: chunked, chunked\r\n\r\n{chunk}0\r\n\r\n"),
        ),
        (
            "TE with a parameter",
            format!("{post}transfer-encoding: chunked;a=b\r\n\r\n{chunk}0\r\n\r\n"),
        ),
        (
            "TE spelled oddly",
            format!(
                "{post}transfer-encoding: xchunked\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "TE with a vertical tab",
            format!(
                "{post}transfer-encoding: \x0bchunked\r\ncontent-length: 3\r\n\r\n{chunk}0\r\n\r\n"
            ),
        ),
        (
            "TE identity",
            format!(
                "{post}transfer-encoding: identity\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "a space before the colon",
            format!(
                "{post}transfer-encoding : chunked\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "a folded line",
            format!(
                "{post}x: y\r\n transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "two lengths",
            format!("{post}content-length: 0\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
        ),
        ("two lengths in a line", format!("{post}content-length: 0, {length}\r\n\r\n{SMUGGLED}")),
        ("a signed length", format!("{post}content-length: +{length}\r\n\r\n{SMUGGLED}")),
        ("a hexadecimal length", format!("{post}content-length: 0x{length:x}\r\n\r\n{SMUGGLED}")),
        (
            "a length beyond all bounds",
            format!("{post}content-length: 99999999999999999999\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a chunk with a sign",
            format!("{post}transfer-encoding: chunked\r\n\r\n+{chunk}0\r\n\r\n"),
        ),
        (
            "a chunk in other digits",
            format!("{post}transfer-encoding: chunked\r\n\r\n0x{chunk}0\r\n\r\n"),
        ),
        (
            "a chunk beyond all bounds",
            format!("{post}transfer-encoding: chunked\r\n\r\n10000000000000000\r\n{SMUGGLED}"),
        ),
        (
            "a chunk longer than it says",
            format!("{post}transfer-encoding: chunked\r\n\r\n3\r\n{SMUGGLED}\r\n0\r\n\r\n"),
        ),
        (
            "a chunk without a length",
            format!("{post}transfer-encoding: chunked\r\n\r\n\r\n{SMUGGLED}"),
        ),
        (
            "HTTP/1.0 with TE",
            format!(
                "POST /first HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
            ),
        ),
        (
            "Upgrade with a body",
            format!(
                "GET /first HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
        ),
        (
            "Upgrade with TE",
            format!(
                "GET /first HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
            ),
        ),
        ("HTTP/2 in clear text, by surprise", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        (
            "a space in the target",
            format!("GET /first /x HTTP/1.1\r\nhost: localhost\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a NUL in a value",
            format!("{post}x: a\0b\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"),
        ),
        (
            "a CR in a value",
            format!(
                "{post}x: a\rtransfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
        ),
    ];
    let scene = Scene::new();
    for (what, request) in refused {
        let before = scene.stage.upstream.seen().len();
        let answer = scene.send(&format!("{request}{SECOND}"));
        let statuses = statuses(&answer);
        assert!(statuses.iter().all(|status| *status == "400"), "{what}: {answer}");
        assert!(statuses.len() <= 1, "{what}: {answer}");
        assert_eq!(scene.seen_after(before), [], "{what}");
    }
}

// These are sound, if unusual: the application gets them with one framing, ours.
#[test]
fn what_can_be_read_in_one_way_arrives_once_and_whole() {
    let length = SMUGGLED.len();
    let body = SMUGGLED.to_owned();
    let chunked = format!("{length:x}\r\n{SMUGGLED}\r\n0\r\n\r\n");
    let cases = [
        // RFC 9112 section 6.3: the coding counts, and the length does not travel on.
        (
            "CL and TE",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
            chunked.clone(),
        ),
        (
            "TE and CL",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n{chunked}"
            ),
            chunked.clone(),
        ),
        (
            "a chunk with an extension",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: Chunked\r\n\r\n{length:x};a=b\r\n{SMUGGLED}\r\n0\r\n\r\n"
            ),
            chunked.clone(),
        ),
        (
            "the same length twice",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            body.clone(),
        ),
        (
            "a length that Connection lists",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\nconnection: content-length\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            body.clone(),
        ),
        (
            "a coding that Connection lists",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\nconnection: transfer-encoding\r\ntransfer-encoding: chunked\r\n\r\n{chunked}"
            ),
            chunked.clone(),
        ),
        (
            "GET with a body",
            format!(
                "GET /first HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            body.clone(),
        ),
        (
            "lines that end in LF",
            format!(
                "POST /first HTTP/1.1\nhost: localhost\ncontent-length: {length}\n\n{SMUGGLED}"
            ),
            body.clone(),
        ),
        (
            "an expectation",
            format!(
                "POST /first HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            body.clone(),
        ),
    ];
    let scene = Scene::new();
    for (what, request, expected) in cases {
        let before = scene.stage.upstream.seen().len();
        let answer = scene.send(&format!("{request}{SECOND}"));
        let method = &request[..request.find(' ').unwrap()];
        let seen = scene.seen_after(before);
        let first = format!("{method} /first HTTP/1.1");
        // After a message with both framings the connection is closed (RFC 9112 section 6.1).
        let both = what.contains("CL");
        let expected_lines =
            if both { vec![&*first] } else { vec![&*first, "GET /second HTTP/1.1"] };
        let lines: Vec<&str> = seen.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines, expected_lines, "{what}: {answer}");
        // Chunks may be cut anew; what they hold is the same.
        let plain = |body: &str| body.replace("\r\n", "").to_lowercase();
        assert_eq!(plain(&seen[0].1), plain(&expected), "{what}");
        let finals: Vec<&str> = statuses(&answer).into_iter().filter(|s| *s != "100").collect();
        assert_eq!(finals, vec!["200"; expected_lines.len()], "{what}: {answer}");
        let raw = &scene.stage.upstream.seen()[before].to_ascii_lowercase();
        let framings =
            raw.matches("content-length:").count() + raw.matches("transfer-encoding:").count();
        assert_eq!(framings, 1, "{what}: {raw}");
    }
}

// Pingora CVE-2026-2836: a body without a length ends with the connection for some.
#[test]
fn an_http_1_0_body_ends_where_it_says() {
    let length = SMUGGLED.len();
    let scene = Scene::new();
    let answer = scene.send(&format!(
        "POST /first HTTP/1.0\r\nhost: localhost\r\ncontent-length: {length}\r\nconnection: keep-alive\r\n\r\n{SMUGGLED}{SECOND}"
    ));
    assert!(answer.starts_with("HTTP/1.") && answer.contains(" 200 "), "{answer}");
    let seen = scene.seen_after(0);
    assert_eq!(seen[0], ("POST /first HTTP/1.1".to_owned(), SMUGGLED.to_owned()));
    assert!(seen.len() == 1 || seen[1].0 == "GET /second HTTP/1.1", "{seen:?}");

    let before = scene.stage.upstream.seen().len();
    // No length: no body. What follows belongs to nobody.
    scene.send(&format!("POST /first HTTP/1.0\r\nhost: localhost\r\n\r\n{SMUGGLED}"));
    assert_eq!(scene.seen_after(before), [("POST /first HTTP/1.1".to_owned(), String::new())]);
}

// An upload that turns out broken must not leave half a request in a connection that is used again.
#[test]
fn a_body_that_breaks_off_is_400_and_the_next_visitor_is_not_part_of_it() {
    let scene = Scene::new();
    for broken in [
        "POST /first HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
        "POST /first HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloGET /smuggled HTTP/1.1\r\n\r\n",
    ] {
        let answer = scene.send(broken);
        assert_eq!(statuses(&answer), ["400"], "{answer}");
        let answer = scene.send(SECOND);
        assert_eq!(statuses(&answer), ["200"], "{answer}");
    }
    // The visitor leaves in the middle.
    let mut leaving = scene.visitor().connect();
    leaving
        .write_all(b"POST /first HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf")
        .unwrap();
    leaving.sock.shutdown(Shutdown::Both).unwrap();
    let answer = scene.send(SECOND);
    assert_eq!(statuses(&answer), ["200"], "{answer}");
    let seen = scene.seen_after(0);
    assert!(
        seen.iter().all(|one| *one == ("GET /second HTTP/1.1".to_owned(), String::new())),
        "{seen:?}"
    );
}

// Pingora CVE-2026-2833: what follows an Upgrade that the application did not take is a request
// like any other, stripped like any other.
#[test]
fn an_upgrade_without_101_opens_nothing() {
    let scene = Scene::new();
    let answer = scene.send(concat!(
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n",
        "GET /second HTTP/1.1\r\nhost: localhost\r\nclient-cert: :AAAA:\r\nconnection: close\r\n\r\n",
    ));
    assert_eq!(statuses(&answer), ["200", "200"], "{answer}");
    let seen = scene.stage.upstream.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].contains("upgrade: websocket"));
    assert!(seen[1].starts_with("GET /second") && seen[1].contains("client-cert: :MII"));
}

#[test]
fn a_101_that_nobody_asked_for_is_no_answer() {
    let scene = Scene::with(Upstream::answering(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    ));
    for request in [
        "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    ] {
        let mut stream = scene.visitor().connect();
        stream.write_all(request.as_bytes()).unwrap();
        let answer = read_until(&mut stream, "</main>");
        assert_eq!(statuses(&answer), ["502"], "{answer}");
    }
}

// What an application sends beyond its answer is not the answer to the next request.
#[test]
fn an_answer_too_many_reaches_nobody() {
    let scene = Scene::with(Upstream::answering(
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
    ));
    for _ in 0..5 {
        let answer = scene.send(SECOND);
        assert!(answer.ends_with("hello") && !answer.contains("forged"), "{answer}");
    }
}
