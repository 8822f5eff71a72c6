//! Where notices are told, the application and the visitor's page know when the visitor's certificate
//! ends, from the gate and from nobody else; where they are not, nothing is added.

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

use support::{DAY, Identity, Inside, Leaf, Stage, Upstream, Visitor};

const PATH: &str = "/.well-known/sekisho/certificate";

fn gate(stage: &Stage, notices: bool) -> Inside {
    let url = format!("http://{}", stage.upstream.address);
    Inside::start(stage.settings(&url).with_notices(notices))
}

fn holder(stage: &Stage, days: i64) -> Identity {
    // An hour more, so that the day does not change while the test runs.
    let until = days * DAY + 3600;
    stage.authority.issue(&Leaf { until, ..Leaf::client("受付1", 0x0a) })
}

/// The answer to a request, its head in lowercase.
fn ask(stage: &Stage, gate: &Inside, identity: &Identity, request: &str) -> (String, String) {
    let visitor = Visitor::to(stage, gate.address, identity, &rustls::version::TLS13);
    let request = format!("{request}host: localhost\r\nconnection: close\r\n\r\n");
    let answer = visitor.send(&request).unwrap().answer;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn the_application_and_the_page_are_told_when_the_certificate_ends() {
    let stage = Stage::new();
    let gate = gate(&stage, true);
    for (days, said, step) in [
        (400, None, serde_json::Value::Null),
        (59, Some("sekisho-certificate-expires-in-days: 59"), 60.into()),
        (13, Some("sekisho-certificate-expires-in-days: 13"), 14.into()),
        (0, Some("sekisho-certificate-expires-in-days: 0"), 1.into()),
    ] {
        let identity = holder(&stage, days);
        let before = stage.upstream.seen().len();
        let (head, _) = ask(&stage, &gate, &identity, "GET / HTTP/1.1\r\n");
        let shown = head.lines().find(|line| line.starts_with("sekisho-"));
        assert_eq!(shown, said, "{head}");
        let certificate = sekisho::pki::Certificate::from_pem(identity.certificate.as_bytes());
        let end = certificate.unwrap().not_after().rfc3339();
        let seen = &stage.upstream.seen()[before];
        let told = format!("x-sekisho-certificate-not-after: {end}\r\n");
        assert!(seen.contains(&told), "{seen}");

        let (head, body) = ask(&stage, &gate, &identity, &format!("GET {PATH}?x=1 HTTP/1.1\r\n"));
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["serial"], "0a");
        assert_eq!(body["common_name"], "受付1");
        assert_eq!(body["not_after"], end);
        assert_eq!(body["days_left"], days);
        assert_eq!(body["notice"], step);
        assert_eq!(stage.upstream.seen().len(), before + 1, "the gate answers by itself");
    }
    let (head, _) = ask(&stage, &gate, &holder(&stage, 13), &format!("DELETE {PATH} HTTP/1.1\r\n"));
    assert!(head.starts_with("http/1.1 405"), "{head}");
}

#[test]
fn nobody_else_says_when_a_certificate_ends() {
    // An application that says so itself, about somebody else.
    let stage = Stage::with_upstream(Upstream::answering(
        b"HTTP/1.1 200 OK\r\nsekisho-certificate-expires-in-days: 1\r\ncontent-length: 5\r\n\r\nhello",
    ));
    let gate = gate(&stage, true);
    let (head, _) = ask(
        &stage,
        &gate,
        &holder(&stage, 400),
        "GET / HTTP/1.1\r\nX-Sekisho-Certificate-Not-After: 2099-01-01T00:00:00Z\r\nX_Sekisho_Certificate_Not_After: x\r\nSekisho-Certificate-Expires-In-Days: 9\r\n",
    );
    assert!(!head.contains("expires-in-days"), "{head}");
    let seen = stage.upstream.seen()[0].to_ascii_lowercase();
    assert_eq!(seen.matches("not-after").count() + seen.matches("not_after").count(), 1, "{seen}");
    assert!(!seen.contains("2099") && !seen.contains("expires-in-days"), "{seen}");
}

// An application may have that path for itself, and a strict client no place for other headers.
#[test]
fn without_notices_nothing_is_added_and_nothing_answered() {
    let stage = Stage::new();
    let gate = gate(&stage, false);
    let (head, body) = ask(&stage, &gate, &holder(&stage, 13), &format!("GET {PATH} HTTP/1.1\r\n"));
    assert_eq!(body, "hello");
    assert!(!head.contains("sekisho"), "{head}");
    let seen = &stage.upstream.seen()[0];
    assert!(seen.starts_with(&format!("GET {PATH} HTTP/1.1\r\n")), "{seen}");
    assert!(!seen.contains("not-after"), "{seen}");
}
