//! Whoever may not come in is told why by a page, and gets nothing else: no ticket, no octet of the
//! application, no word about certificates that are not theirs.

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
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue};
use rustls::{AlertDescription, Error, NamedGroup};
use rustls_pki_types::ServerName;
use support::{Authority, BOTH_VERSIONS, DAY, Identity, Leaf, Stage, Visited, Visitor, monotonic};

/// Certificates of everybody who may not come in, by the name of the refusal.
fn refused(stage: &Stage) -> Vec<(&'static str, Identity)> {
    let ours = &stage.authority;
    let leaf = Leaf::client("someone", 50);
    let server = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let past = Leaf { from: -9 * DAY, until: -DAY, ..leaf.clone() };
    vec![
        ("expired", ours.issue(&past)),
        ("not_yet_valid", ours.issue(&Leaf { from: DAY, ..leaf.clone() })),
        ("not_for_clients", ours.issue(&Leaf { purposes: server.clone(), ..leaf.clone() })),
        ("revoked", ours.issue(&Leaf::client("lost", 40))),
        ("unknown_issuer", Authority::new("Other CA").issue(&leaf)),
        // I26: of a CA with our name, whatever they say of themselves.
        ("unknown_issuer", Authority::new("Test CA").issue(&leaf)),
        ("unknown_issuer", Authority::new("Test CA").issue(&past)),
        ("unknown_issuer", Authority::new("Test CA").issue(&Leaf::client("lost", 40))),
        ("unknown_issuer", Authority::new("Test CA").issue(&Leaf { purposes: server, ..leaf })),
    ]
}

/// The page's own words.
const WORDS: [(&str, [&str; 2]); 6] = [
    ("no_certificate", ["証明書が必要です", "A certificate is needed"]),
    ("expired", ["証明書の有効期限が切れています", "Your certificate has expired"]),
    ("not_yet_valid", ["証明書の有効期間が始まっていません", "Your certificate is not valid yet"]),
    ("not_for_clients", ["この証明書は用途が異なります", "This certificate is for another use"]),
    ("revoked", ["この証明書は破棄されています", "Your certificate has been revoked"]),
    (
        "unknown_issuer",
        ["このサイトの証明書ではありません", "This certificate is not for this site"],
    ),
];

#[test]
fn each_visitor_who_may_not_come_in_gets_the_page_that_says_why() {
    let stage = Stage::new().with_revocation_list(&[40]).explaining();
    let gate = stage.start();
    let mut visitors = vec![("no_certificate", None)];
    for (number, (reason, identity)) in (0..).zip(refused(&stage)) {
        let name = format!("refused{number}");
        stage.write_identity(&name, &identity);
        visitors.push((reason, Some(name)));
    }
    for (reason, name) in &visitors {
        for http in ["--http2", "--http1.1"] {
            let page = stage.curl(&gate, name.as_deref(), &[http]);
            let version = if http == "--http2" { "HTTP/2 403" } else { "HTTP/1.1 403" };
            assert!(page.out.starts_with(version), "{reason}: {page:?}");
            for header in [
                format!("sekisho-refusal: {reason}"),
                "cache-control: no-store".to_owned(),
                "content-type: text/html; charset=utf-8".to_owned(),
                "content-security-policy: default-src 'none'; style-src 'sha256-".to_owned(),
            ] {
                assert!(page.out.contains(&header), "no {header} for {reason}: {page:?}");
            }
            assert_eq!(page.out.contains("connection: close"), http == "--http1.1", "{page:?}");
            for (other, words) in WORDS {
                let both = words.iter().filter(|text| page.out.contains(*text)).count();
                assert_eq!(both, if other == *reason { 2 } else { 0 }, "{reason}: {page:?}");
            }
            let (_, rest) = page.out.split_once("受付番号").unwrap();
            let reference = &rest[rest.find("<dd>").unwrap() + 4..][..9];
            gate.log.wait_for(&["refused", &format!("reason=\"{reason}\""), reference]);
        }
    }
    assert_eq!(stage.upstream.seen(), Vec::<String>::new());
}

#[test]
fn programs_that_ask_for_json_get_json() {
    let stage = Stage::new().explaining();
    let gate = stage.start();
    let leaf = Leaf { from: -9 * DAY, until: -DAY, ..Leaf::client("old", 5) };
    let until = support::from_now(-DAY).unix_timestamp();
    stage.write_identity("old", &stage.authority.issue(&leaf));
    let answer = stage.curl(&gate, Some("old"), &["-H", "accept: application/json"]);
    let (head, body) = answer.out.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/2 403"), "{answer:?}");
    assert!(head.contains("content-type: application/json"), "{answer:?}");
    let told: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(told["refused"], "expired");
    let at: String = told["at"].as_str().unwrap().to_owned();
    let expected = sekisho::ground::clock::Timestamp::from_unix(until);
    assert_eq!(at[..16], expected.rfc3339()[..16]);
    gate.log.wait_for(&["refused", told["reference"].as_str().unwrap()]);
    let head = stage.curl(&gate, None, &["--head"]);
    assert!(head.out.starts_with("HTTP/2 403") && head.code == 0, "{head:?}");
}

// Catches a handshake that ends well and gives a ticket with it, as rustls does by itself.
#[test]
fn nobody_refused_gets_a_ticket_and_a_ticket_is_worth_nothing_once_its_holder_is() {
    for version in BOTH_VERSIONS {
        let stage = Stage::new().with_revocation_list(&[40]).explaining().with_argument("--tls12");
        let gate = stage.start();
        let mut visitors = vec![("no_certificate", Visitor::nobody(&stage, &gate, version))];
        for (reason, identity) in refused(&stage) {
            visitors.push((reason, Visitor::new(&stage, &gate, &identity, version)));
        }
        for (reason, visitor) in &visitors {
            for _ in 0..2 {
                let mut stream = visitor.connect();
                stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
                let mut answer = Vec::new();
                support::read_to_close(&mut stream, &mut answer).unwrap();
                let answer = String::from_utf8_lossy(&answer);
                assert!(answer.contains(&format!("sekisho-refusal: {reason}\r\n")), "{answer}");
                assert_eq!(stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
                assert_eq!(stream.conn.tls13_tickets_received(), 0, "{reason} {version:?}");
            }
        }

        // I2: a ticket from better days.
        let identity = stage.authority.issue(&Leaf::client("user1", 3));
        let user1 = Visitor::new(&stage, &gate, &identity, version);
        assert!(user1.visit().unwrap().answer.ends_with("hello"));
        assert!(user1.visit().unwrap().resumed);
        stage.write("ca.crl", &stage.authority.revocation_list(2, &[3], 30 * DAY));
        gate.log.wait_for(&["revocation list in force", "number=02"]);
        for _ in 0..2 {
            let told = user1.visit().unwrap();
            assert!(told.answer.contains("sekisho-refusal: revoked") && !told.resumed, "{told:?}");
        }
        assert_eq!(stage.upstream.seen().len(), 2, "{version:?}");
    }
}

// I1: of two gates with the same CA, one explains and one does not.
#[test]
fn a_ticket_of_one_gate_is_nothing_to_another() {
    for version in BOTH_VERSIONS {
        let stage = Stage::new().with_argument("--tls12");
        let strict = stage.start();
        let stage = stage.explaining();
        let explaining = stage.start();
        let identity = stage.authority.issue(&Leaf::client("user1", 3));
        let visitor = Visitor::new(&stage, &strict, &identity, version);
        for gate in [&strict, &explaining, &strict] {
            let visited = visitor.at(gate).visit().unwrap();
            assert!(visited.answer.ends_with("hello") && !visited.resumed, "{visited:?}");
        }
        let nobody = Visitor::nobody(&stage, &explaining, version);
        assert!(nobody.visit().unwrap().answer.contains("sekisho-refusal: no_certificate"));
        let alert = Error::AlertReceived(AlertDescription::CertificateRequired);
        assert_eq!(nobody.at(&strict).visit().unwrap_err(), alert, "{version:?}");
    }
}

/// A session store that gives what it has for any name, as a program with an intent would.
#[derive(Debug)]
struct AnyName(Arc<dyn ClientSessionStore>);

impl AnyName {
    fn name() -> ServerName<'static> {
        "anything".try_into().unwrap()
    }
}

impl ClientSessionStore for AnyName {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(Self::name(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&Self::name())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(Self::name(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&Self::name())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&Self::name());
    }

    fn insert_tls13_ticket(
        &self,
        _: ServerName<'static>,
        value: rustls::client::Tls13ClientSessionValue,
    ) {
        self.0.insert_tls13_ticket(Self::name(), value);
    }

    fn take_tls13_ticket(
        &self,
        _: &ServerName<'static>,
    ) -> Option<rustls::client::Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&Self::name())
    }
}

/// Shows a certificate while it is wanted.
#[derive(Debug)]
struct Fickle(Arc<dyn rustls::client::ResolvesClientCert>, AtomicBool);

impl rustls::client::ResolvesClientCert for Fickle {
    fn resolve(
        &self,
        issuers: &[&[u8]],
        schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        self.1.load(Ordering::SeqCst).then(|| self.0.resolve(issuers, schemes)).flatten()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

// Catches a ticket whose mere showing counts: it opens, is not resumed since it was given under
// another host name, and the full handshake that follows shows no certificate.
#[test]
fn a_good_ticket_shown_by_nobody_earns_no_other() {
    let stage = Stage::new().explaining();
    let gate = stage.start();
    let identity = stage.authority.issue(&Leaf::client("user1", 3));
    let mut visitor = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13);
    let config = visitor.config();
    let store = Arc::new(rustls::client::ClientSessionMemoryCache::new(8));
    config.resumption = Resumption::store(Arc::new(AnyName(store)));
    let resolver = Arc::clone(&config.client_auth_cert_resolver);
    let fickle = Arc::new(Fickle(resolver, AtomicBool::new(true)));
    config.client_auth_cert_resolver = Arc::clone(&fickle) as Arc<_>;
    assert!(visitor.visit().unwrap().answer.ends_with("hello"));

    fickle.1.store(false, Ordering::SeqCst);
    let mut stream = visitor.connect_as("127.0.0.1");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    support::read_to_close(&mut stream, &mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("sekisho-refusal: no_certificate"));
    assert_eq!(stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
    assert_eq!(stream.conn.tls13_tickets_received(), 0);
}

// What is not understood, or not proven, is not talked to.
#[test]
fn a_stolen_certificate_or_an_unreadable_one_ends_in_an_alert() {
    let stage = Stage::new().with_revocation_list(&[40]).explaining();
    let gate = stage.start();
    let good = stage.authority.issue(&Leaf::client("user1", 3));
    let lost = stage.authority.issue(&Leaf::client("lost", 40));
    let visit = |identity: &Identity| {
        Visitor::new(&stage, &gate, identity, &rustls::version::TLS13).visit().unwrap_err()
    };
    // Of a certificate without its key not even the revocation is told.
    for stolen in [&good, &lost] {
        let other_key = stage.authority.issue(&Leaf::client("user2", 4)).key;
        let thief = Identity { certificate: stolen.certificate.clone(), key: other_key };
        assert_eq!(visit(&thief), Error::AlertReceived(AlertDescription::DecryptError));
    }
    let long = format!("{}{}", good.certificate, stage.authority.pem.repeat(4));
    let identity = Identity { certificate: long, key: good.key };
    assert_eq!(visit(&identity), Error::AlertReceived(AlertDescription::BadCertificate));
}

#[test]
fn a_refused_visitor_is_heard_out_for_five_seconds_and_eight_kibibytes() {
    let stage = Stage::new().explaining();
    let gate = stage.start();
    let nobody = Visitor::nobody(&stage, &gate, &rustls::version::TLS13);

    let mut slow = nobody.connect();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n").unwrap();
    let began = monotonic();
    assert!(support::is_closed_within(&mut slow, Duration::from_secs(10)));
    let heard = monotonic() - began;
    assert!(heard > Duration::from_secs(4) && heard < Duration::from_secs(8), "{heard:?}");

    let request = |padding: usize| {
        let long = "a".repeat(padding);
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n")
    };
    assert!(nobody.send(&request(7 * 1024)).unwrap().answer.starts_with("HTTP/1.1 403"));
    assert!(nobody.send(&request(9 * 1024)).unwrap().answer.starts_with("HTTP/1.1 431"));
    let long = format!("x: {}", "a".repeat(9 * 1024));
    let refused = stage.curl(&gate, None, &["-H", &long, "--http2"]);
    assert!(!refused.out.contains("sekisho-refusal"), "{refused:?}");

    // One answer, and no body is waited for.
    let body = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\nabc";
    let told = nobody.send(body).unwrap().answer;
    assert!(told.starts_with("HTTP/1.1 403") && told.contains("証明書が必要です"), "{told}");
    let twice = request(1).repeat(2);
    assert_eq!(nobody.send(&twice).unwrap().answer.matches("HTTP/1.1 403").count(), 1);
    assert_eq!(stage.upstream.seen(), Vec::<String>::new());
}

// Catches a connection that is kept for a visitor who gets nothing on it.
#[test]
fn a_connection_carries_one_answer() {
    let stage = Stage::new().explaining();
    let gate = stage.start();
    let again = format!("https://localhost:{}/again", gate.address.port());
    for http in ["--http2", "--http1.1"] {
        let words = [http, "--write-out", "connections: %{num_connects}.", &again];
        let pages = stage.curl(&gate, None, &words);
        assert_eq!(pages.out.matches("connections: 1.").count(), 2, "{pages:?}");
        assert_eq!(pages.out.matches("<h1>証明書が必要です").count(), 2, "{pages:?}");
    }
}

#[test]
fn a_gate_that_cannot_tell_blames_itself_and_not_the_certificate() {
    let stage = Stage::new().explaining();
    stage.client("user1", 3);
    let list = stage.write("ca.crl", &stage.authority.revocation_list(1, &[], 2));
    let stage = ["--crl", list.to_str().unwrap(), "--crl-grace-days", "0"]
        .iter()
        .fold(stage, |stage, word| stage.with_argument(word));
    let gate = stage.start();
    let mut page = stage.curl(&gate, Some("user1"), &[]);
    support::eventually("a list too old", || {
        page = stage.curl(&gate, Some("user1"), &[]);
        page.out.starts_with("HTTP/2 403")
    });
    for words in [
        "sekisho-refusal: status_",
        "ただいま証明書を確認できません",
        "no fault of your certificate",
    ] {
        assert!(page.out.contains(words), "{page:?}");
    }
}

/// What the page's button asks with.
const TRY_AGAIN: &str = "HEAD / HTTP/1.1\r\nhost: localhost\r\nsekisho-try-again: 1\r\n\r\n";

// Catches an alert that meets somebody else behind the same address.
#[test]
fn trying_again_meets_one_alert_and_only_for_the_same_chain() {
    let stage = Stage::new().with_revocation_list(&[40, 41]).explaining().with_argument("--tls12");
    let gate = stage.start();
    let said = |visited: Visited, reason: &str| {
        let expected = format!("sekisho-refusal: {reason}");
        assert!(visited.answer.contains(&expected), "{visited:?}");
    };
    for version in BOTH_VERSIONS {
        let holder = |name: &str, serial: u64| {
            let identity = stage.authority.issue(&Leaf::client(name, serial));
            Visitor::new(&stage, &gate, &identity, version)
        };
        let nobody = Visitor::nobody(&stage, &gate, version);
        let (lost, other) = (holder("lost", 40), holder("lost too", 41));
        let user1 = holder("user1", 3);
        let required = Error::AlertReceived(AlertDescription::CertificateRequired);
        let revoked = Error::AlertReceived(AlertDescription::CertificateRevoked);

        said(nobody.send(TRY_AGAIN).unwrap(), "no_certificate");
        said(lost.visit().unwrap(), "revoked");
        assert!(user1.visit().unwrap().answer.ends_with("hello"));
        assert_eq!(nobody.visit().unwrap_err(), required, "{version:?}");
        said(nobody.visit().unwrap(), "no_certificate");

        said(lost.send(TRY_AGAIN).unwrap(), "revoked");
        said(other.visit().unwrap(), "revoked");
        said(nobody.visit().unwrap(), "no_certificate");
        assert!(user1.visit().unwrap().answer.ends_with("hello"));
        assert_eq!(lost.visit().unwrap_err(), revoked, "{version:?}");
        said(lost.visit().unwrap(), "revoked");

        // Whoever is admitted asks the application, and is owed nothing.
        let asked = TRY_AGAIN.replace("HEAD", "GET").replace("host:", "connection: close\r\nhost:");
        assert!(user1.send(&asked).unwrap().answer.ends_with("hello"));
        assert!(user1.visit().unwrap().answer.ends_with("hello"));
    }
}
