//! What an admitted visitor can count on: answers and uploads flow as they come, over HTTP/1.1,
//! HTTP/2 and WebSocket; nothing is sent twice; stopping loses no request.

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
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use support::{Gate, Leaf, PATIENCE, Stage, Tls, Upstream, Visitor, is_closed_within, read_until};

fn connect(stage: &Stage, gate: &Gate) -> Tls {
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    Visitor::new(stage, gate, &identity, &rustls::version::TLS13).connect()
}

// Catches a proxy that gathers an answer before it passes it on.
#[test]
fn an_answer_flows_while_it_is_made() {
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let upstream = Upstream::behaving(move |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: checksum\r\n\r\n5\r\nfirst\r\n");
        wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        let _ = stream.write_all(b"4\r\nlast\r\n0\r\nchecksum: 1\r\n\r\n");
    });
    let stage = Stage::with_upstream(upstream);
    let gate = stage.start();
    let mut stream = connect(&stage, &gate);
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nte: trailers\r\nconnection: te\r\n\r\n")
        .unwrap();
    read_until(&mut stream, "first");
    go_on.send(()).unwrap();
    let rest = read_until(&mut stream, "0\r\n");
    assert!(rest.contains("last"), "{rest}");
    assert!(stage.upstream.seen()[0].contains("te: trailers"));
}

#[test]
fn an_upload_flows_while_it_is_sent() {
    // This application reads by itself: the part of the body that has come before the rest is sent.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut stage = Stage::new();
    stage.upstream.address = listener.local_addr().unwrap();
    let (seen, first_seen) = mpsc::channel();
    let application = std::thread::spawn(move || {
        // The gate's own try to reach it says nothing, and leaves.
        let mut stream = listener
            .incoming()
            .map_while(Result::ok)
            .find(|stream| matches!(stream.peek(&mut [0]), Ok(1..)))
            .unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut text = String::new();
        let mut buffer = [0; 4096];
        let mut told = false;
        while !text.ends_with("last") {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            if !told && text.ends_with("first") {
                told = true;
                seen.send(()).unwrap();
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
    });
    let gate = stage.start();
    let mut stream = connect(&stage, &gate);
    stream
        .write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nfirst")
        .unwrap();
    first_seen.recv_timeout(PATIENCE).unwrap();
    stream.write_all(b"last").unwrap();
    read_until(&mut stream, "ok");
    application.join().unwrap();
}

#[test]
fn http2_and_http1_visitors_get_the_same() {
    let stage = Stage::new();
    let gate = stage.start();
    stage.client("user1", 3);
    for (version, status) in [("--http2", "HTTP/2 200"), ("--http1.1", "HTTP/1.1 200")] {
        let got = stage.curl(&gate, Some("user1"), &[version, "--data", "body"]);
        assert!(got.out.starts_with(status) && got.out.ends_with("hello"), "{got:?}");
    }
    let seen = stage.upstream.seen();
    assert_eq!(seen.len(), 2);
    for request in seen {
        assert!(
            request.starts_with("POST / HTTP/1.1\r\n") && request.ends_with("\r\n\r\nbody"),
            "{request}"
        );
        assert!(request.contains("content-length: 4\r\n"), "{request}");
        assert!(
            request.contains(&format!("host: localhost:{}\r\n", gate.address.port())),
            "{request}"
        );
        assert!(request.contains("x-sekisho-serial: 03\r\n"), "{request}");
    }
}

// RFC 9113 section 8.2.3: browsers send each cookie in a field of its own over HTTP/2, and over
// HTTP/1.1 an application reads the first field only, or joins them with a comma.
#[test]
fn cookies_split_by_http2_reach_the_application_whole() {
    let stage = Stage::new();
    let cookies = [("cookie", "session=1"), ("cookie", "language=ja; theme=dark")];
    assert_eq!(status_over_http2(&stage, &cookies), 200);
    let seen = &stage.upstream.seen()[0];
    assert!(seen.contains("cookie: session=1; language=ja; theme=dark\r\n"), "{seen}");
    assert_eq!(seen.matches("cookie:").count(), 1, "{seen}");
}

// Found by fuzzing: over HTTP/2 a length may stand twice and may be empty, and it was passed on so.
#[test]
fn an_unclear_length_over_http2_reaches_no_application() {
    let stage = Stage::new();
    let length = |value| ("content-length", value);
    for fields in [[length("0"), length("0")].as_slice(), &[length("")]] {
        assert_eq!(status_over_http2(&stage, fields), 400);
    }
    assert_eq!(status_over_http2(&stage, &[length("0")]), 200);
    assert_eq!(stage.upstream.seen().len(), 1);
}

/// What a visitor is answered who asks for `/` without a body over HTTP/2, with these fields.
fn status_over_http2(stage: &Stage, fields: &[(&str, &str)]) -> u16 {
    let gate = stage.start();
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    let mut visitor = Visitor::new(stage, &gate, &identity, &rustls::version::TLS13);
    let mut config = visitor.config().clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(gate.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(
            hyper_util::rt::TokioExecutor::new(),
            hyper_util::rt::TokioIo::new(stream),
        )
        .await
        .unwrap();
        tokio::spawn(connection);
        let request = fields
            .iter()
            .fold(hyper::Request::get("https://localhost/"), |request, (name, value)| {
                request.header(*name, *value)
            });
        let body = http_body_util::Empty::<hyper::body::Bytes>::new();
        sender.send_request(request.body(body).unwrap()).await.unwrap().status().as_u16()
    })
}

#[test]
fn a_websocket_carries_bytes_both_ways() {
    let upstream = Upstream::behaving(|_, stream| {
        let _ = stream.write_all(
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\nwelcome",
        );
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            let _ = stream.write_all(&buffer[..read]);
        }
    });
    let stage = Stage::with_upstream(upstream);
    let gate = stage.start();
    let mut stream = connect(&stage, &gate);
    stream
        .write_all(b"GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\norigin: https://localhost\r\n\r\n")
        .unwrap();
    let head = read_until(&mut stream, "welcome");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-accept: x"), "{head}");
    stream.write_all(b"ping").unwrap();
    read_until(&mut stream, "ping");
    let seen = stage.upstream.seen();
    assert!(seen[0].to_ascii_lowercase().contains("connection: upgrade"), "{}", seen[0]);
    assert!(seen[0].contains("x-sekisho-serial: 03"), "{}", seen[0]);
}

// A request that may have been acted on is never sent again, whatever became of its answer.
#[test]
fn a_request_is_never_sent_twice() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let upstream = Upstream::behaving(move |_, stream| {
        // The second request on a kept connection is read, acted on, and dropped.
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        } else {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    });
    let stage = Stage::with_upstream(upstream);
    let gate = stage.start();
    let mut stream = connect(&stage, &gate);
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    read_until(&mut stream, "hello");
    stream
        .write_all(b"POST /pay HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\n1")
        .unwrap();
    let answer = read_until(&mut stream, "</main>");
    assert!(answer.contains("HTTP/1.1 502"), "{answer}");
    assert_eq!(served.load(Ordering::SeqCst), 2, "{:?}", stage.upstream.seen());
}

#[test]
fn an_application_that_is_down_is_a_page_in_both_languages() {
    let stage = Stage::new();
    let mut stage = stage;
    // A port that was free a moment ago, and has nobody behind it.
    stage.upstream.address =
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = stage.start();
    stage.client("user1", 3);
    let got = stage.curl(&gate, Some("user1"), &[]);
    assert!(got.out.starts_with("HTTP/2 502"), "{got:?}");
    assert!(got.out.contains("cache-control: no-store"), "{got:?}");
    assert!(got.out.contains("アプリケーションが応答していません"), "{got:?}");
    assert!(got.out.contains("The application is not answering"), "{got:?}");
}

fn plain(gate: &Gate, request: &str) -> String {
    let mut stream = TcpStream::connect(gate.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn plain_http_is_led_to_https_and_nowhere_else() {
    let stage = Stage::new();
    let gate = stage.start();
    let port = gate.address.port();
    let answer = plain(&gate, &format!("GET /a?b=c HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert!(answer.contains(&format!("location: https://localhost:{port}/a?b=c\r\n")), "{answer}");
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        ("GET / HTTP/1.1\r\nHost: evil.example@localhost\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", "400"),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421"),
        ("GET / HTTP/1.0\r\n\r\n", "400"),
    ] {
        let answer = plain(&gate, request);
        assert_eq!(answer.get(9..12), Some(status), "{request}{answer}");
        assert!(!answer.contains("location"), "{answer}");
    }
    assert!(stage.upstream.seen().is_empty());
}

#[test]
fn stopping_finishes_what_is_under_way_and_takes_nobody_new() {
    let (begun, wait_begun) = mpsc::channel::<()>();
    let (go_on, wait) = mpsc::channel::<()>();
    let (begun, wait) = (std::sync::Mutex::new(begun), std::sync::Mutex::new(wait));
    let upstream = Upstream::behaving(move |request, stream| {
        if request.starts_with("GET /slow") {
            begun.lock().unwrap().send(()).unwrap();
            wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    });
    let stage = Stage::with_upstream(upstream);
    let mut gate = stage.start();
    let mut resting = connect(&stage, &gate);
    resting.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    read_until(&mut resting, "hello");
    let mut busy = connect(&stage, &gate);
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    wait_begun.recv_timeout(PATIENCE).unwrap();

    gate.signal("TERM");
    gate.log.wait_for(&["stopping"]);
    assert!(is_closed_within(&mut resting, PATIENCE));
    support::eventually("nobody new is taken", || TcpStream::connect(gate.address).is_err());
    go_on.send(()).unwrap();
    read_until(&mut busy, "hello");
    assert_eq!(gate.wait().code(), Some(0));
}

// One address cannot take all the places for handshakes, and those who dawdle lose theirs.
#[test]
fn a_crowd_of_silent_visitors_keeps_nobody_out_for_long() {
    let stage = Stage::new();
    let gate = stage.start();
    let mut silent: Vec<TcpStream> =
        (0..40).map(|_| TcpStream::connect(gate.address).unwrap()).collect();
    let dropped = |stream: &mut TcpStream, bound: Duration| {
        stream.set_read_timeout(Some(bound)).unwrap();
        matches!(stream.read(&mut [0; 1]), Ok(0))
    };
    let mut late = silent.split_off(32);
    for stream in &mut late {
        assert!(dropped(stream, PATIENCE), "over 32 of one address are dropped at once");
    }
    assert!(!dropped(&mut silent[0], Duration::from_millis(100)));
    gate.log.wait_for(&["connection dropped"]);
    for stream in &mut silent {
        assert!(dropped(stream, PATIENCE), "10 s is all a handshake gets");
    }
    stage.client("user1", 3);
    assert!(stage.curl(&gate, Some("user1"), &[]).out.ends_with("hello"));
}

#[test]
fn headers_beyond_the_limit_are_refused() {
    let stage = Stage::new();
    let gate = stage.start();
    let mut stream = connect(&stage, &gate);
    let long = "a".repeat(70_000);
    let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n");
    let _ = stream.write_all(request.as_bytes());
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(stage.upstream.seen().is_empty());
}

#[test]
fn the_json_log_is_one_object_a_line() {
    let stage = Stage::new().with_argument("--log-format").with_argument("json");
    let gate = stage.start();
    stage.client("受付1", 3);
    assert!(stage.curl(&gate, Some("受付1"), &[]).out.ends_with("hello"));
    stage.curl(&gate, None, &[]);
    gate.log.wait_for(&["refused"]);
    for line in gate.log.text().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["message"] == "admitted" {
            assert_eq!(line["serial"], "03");
            assert_eq!(line["subject"], "C=JP, O=orca, CN=受付1");
        }
    }
}
