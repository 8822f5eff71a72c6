//! An application that is down, one that breaks off and one that takes too long are three different
//! answers, and none of them looks like a refusal; whoever stops sending is not the application's
//! fault.

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
use std::net::{Shutdown, TcpListener};
use std::time::Duration;

use sekisho::gate::{Limits, Settings};
use support::{Inside, Leaf, Stage, Tls, Upstream, Visitor, read_until};

fn impatient(stage: &Stage, wait: Duration) -> Settings {
    let limits = Limits { answer_wait: wait, ..Limits::default() };
    stage.settings(&format!("http://{}", stage.upstream.address)).with_limits(limits)
}

fn connect(stage: &Stage, gate: &Inside) -> Tls {
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    Visitor::to(stage, gate.address, &identity, &rustls::version::TLS13).connect()
}

/// The answer to a GET, head and body.
fn get(stage: &Stage, settings: Settings, accept: &str) -> String {
    let gate = Inside::start(settings);
    let mut stream = connect(stage, &gate);
    let request = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    support::read_to_close(&mut stream, &mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

/// An application that does something else than answering, as long as the test lasts.
fn silent() -> Upstream {
    Upstream::behaving(|_, _| std::thread::sleep(support::PATIENCE * 2))
}

#[test]
fn down_broken_and_slow_are_three_answers() {
    let wait = Duration::from_millis(300);
    let mut down = Stage::new();
    down.upstream.address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let broken = Stage::with_upstream(Upstream::behaving(|_, stream| {
        let _ = stream.shutdown(Shutdown::Both);
    }));
    let garbled = Stage::with_upstream(Upstream::answering(b"no HTTP at all\r\n\r\n"));
    // Its coding would be taken off and not undone.
    let coded = Stage::with_upstream(Upstream::answering(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ));
    let slow = Stage::with_upstream(silent());
    let cases = [
        (&down, "502", "upstream_unreachable", "アプリケーションに接続できないため"),
        (&broken, "502", "upstream_broken", "応答の途中で通信を終了しました"),
        (&garbled, "502", "upstream_broken", "応答の途中で通信を終了しました"),
        (&coded, "502", "upstream_broken", "応答の途中で通信を終了しました"),
        (&slow, "504", "upstream_slow", "時間内に応答がありませんでした"),
    ];
    for (stage, status, name, sentence) in cases {
        let page = get(stage, impatient(stage, wait), "text/html,*/*;q=0.8");
        assert_eq!(page.get(9..12), Some(status), "{page}");
        assert!(page.contains("content-type: text/html"), "{page}");
        assert!(page.contains(sentence) && page.contains("証明書の確認は済んでいます"), "{page}");
        // To be sent again by a program only when nothing was sent.
        assert_eq!(page.contains("retry-after: 5\r\n"), name == "upstream_unreachable", "{page}");

        let answer = get(stage, impatient(stage, wait), "application/json");
        assert_eq!(answer.get(9..12), Some(status), "{answer}");
        assert!(answer.contains("content-type: application/json"), "{answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"], name);
        assert_eq!(body["status"].to_string(), status);
        assert!(body["ja"].as_str().unwrap().contains(sentence));
    }
}

// Catches a time that is counted from the first octet: a scan over a slow line would never arrive.
#[test]
fn an_upload_may_take_longer_than_an_answer() {
    let stage = Stage::new();
    let gate = Inside::start(impatient(&stage, Duration::from_secs(3)));
    let mut stream = connect(&stage, &gate);
    stream.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n").unwrap();
    for octet in b"12345" {
        std::thread::sleep(Duration::from_secs(1));
        stream.write_all(&[*octet]).unwrap();
    }
    read_until(&mut stream, "hello");
    assert!(stage.upstream.seen()[0].ends_with("12345"));
}

#[test]
fn a_visitor_who_stops_sending_is_told_so_and_the_application_is_not_blamed() {
    let stage = Stage::new();
    let gate = Inside::start(impatient(&stage, Duration::from_millis(300)));
    let mut stream = connect(&stage, &gate);
    stream.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n12").unwrap();
    let answer = read_until(&mut stream, "</main>");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(stage.upstream.seen().is_empty(), "half a request is none");
}

// The body of an answer may take as long as it likes: downloads, and events as they happen.
#[test]
fn an_answer_that_has_begun_is_not_cut() {
    let stage = Stage::with_upstream(Upstream::behaving(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst");
        std::thread::sleep(Duration::from_millis(1200));
        let _ = stream.write_all(b"after");
    }));
    let answer = get(&stage, impatient(&stage, Duration::from_millis(300)), "*/*");
    assert!(answer.ends_with("firstafter"), "{answer}");
}
