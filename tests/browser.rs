//! Real Chromium, with the files people import, at the real gate.
//!
//! What is recorded here of Chromium on Linux: once it has shown no certificate, or a revoked one, it
//! goes on with that until it meets a TLS alert; *try again* on the gate's page is enough to free it.
//! An http address on the TLS port is led to https.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use browser::{Browser, Home, Policy};
use desk::{Desk, text};
use serde_json::Value;
use sha1::{Digest, Sha1};
use support::{Gate, Upstream};

/// What Chromium says when a strict gate refuses the certificate, or the lack of one.
const ALERT: &str = "net::ERR_BAD_SSL_CLIENT_AUTH_CERT";

/// A clinic: a CA, an application, and the service that joins them.
struct Clinic {
    desk: Desk,
    upstream: Upstream,
}

impl Clinic {
    fn new() -> Self {
        let desk = Desk::with_key_file();
        let upstream = Upstream::behaving(application);
        Self { desk, upstream }
    }

    /// The service, in front of the application, with these lines about its gate.
    fn serve(&self, lines: &str) -> Command {
        self.serve_before(&format!("http://{}", self.upstream.address), lines)
    }

    fn serve_before(&self, upstream: &str, lines: &str) -> Command {
        let configuration = format!(
            "version = 1\n[hardening]\naccept_missing = [\"separate-uids\"]\n[authority]\nfolder = \"ca\"\nkey_file = \"ca/vault.key\"\n\
             [[gate]]\nname = \"main\"\nlisten = \"127.0.0.1:0\"\nnames = [\"localhost\"]\n\
             upstream = \"{upstream}\"\n{lines}\n",
        );
        let path = self.desk.write("sekisho.toml", configuration);
        let mut command = self.desk.command(desk::SEKISHO);
        command.args(["serve", "--accept-missing", "separate-uids", "--config"]).arg(path);
        command
    }

    /// A gate alone, with files; `explain` or `strict`.
    fn serve_alone(&self, mode: &str) -> Command {
        let words = ["issue", "server", "localhost", "--pem", "--out", "."];
        let server = &self.desk.json(&words)["issued"][0];
        let file = |key: &str| text(&self.desk.path(server[key].as_str().unwrap())).to_owned();
        let configuration = format!(
            "SERVER_CRT={}\nSERVER_PEM={}\nCA_CRT={}\n",
            file("certificate_file"),
            file("key_file"),
            text(&self.desk.path("ca/ca.crt")),
        );
        let path = self.desk.write("jma-receipt.conf", configuration);
        let mut command = self.desk.command(desk::SEKISHO);
        command
            .args(["serve", "--accept-missing", "separate-uids", "--jma-receipt-conf"])
            .arg(path);
        command.args(["--listen", "127.0.0.1:0", "--refusal", mode, "--upstream"]);
        command.arg(format!("http://{}", self.upstream.address));
        command
    }

    fn issue(&self, name: &str) -> Value {
        self.desk.json(&["issue", "client", name])["issued"][0].clone()
    }
}

/// A page that says whom it greets, and a WebSocket that stays open.
fn application(request: &str, stream: &mut TcpStream) {
    let header = |name: &str| {
        let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(name));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned())
    };
    let _ = if let Some(key) = header("sec-websocket-key: ") {
        let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {}\r\n\r\n",
            data_encoding::BASE64.encode(&digest)
        )
    } else {
        let name = header("x-sekisho-common-name: ");
        let page =
            format!("<!DOCTYPE html><title>app</title><p>Hello {}", name.unwrap_or_default());
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length";
        write!(stream, "{head}: {}\r\n\r\n{page}", page.len())
    };
}

fn origin(gate: &Gate) -> String {
    format!("https://localhost:{}", gate.address.port())
}

fn is_shown(browser: &mut Browser, parts: &[&str]) {
    let shown = browser.text();
    for part in parts {
        assert!(shown.contains(part), "no {part:?} on the page:\n{shown}");
    }
}

// I36. Catches a page after which Chromium shows no certificate until it is started again.
#[test]
fn after_the_page_an_imported_certificate_opens_without_a_restart() {
    let clinic = Clinic::new();
    let gate = Gate::start(clinic.serve("contact = \"医事課 (内線 12)\""));
    let _policy = Policy::offering_certificates_to(&origin(&gate));
    let address = format!("{}/patients?id=7", origin(&gate));
    let home = Home::new(&clinic.desk, "someone");
    let mut browser = home.browser();

    assert_eq!(browser.go(&address), None);
    is_shown(&mut browser, &["証明書が必要です", "A certificate is needed", "もう一度試す"]);
    gate.log.wait_for(&["refused", "no_certificate"]);
    take_pictures(&mut browser, "no-certificate");
    browser.click_through(".again");
    is_shown(&mut browser, &["証明書が必要です"]);

    home.import(&clinic.issue("user1"));
    browser.click_through(".again");
    is_shown(&mut browser, &["Hello user1"]);
    assert_eq!(browser.value("location.href"), address);
    gate.log.wait_for(&["admitted", "CN=user1", "TLSv1_3"]);

    clinic.desk.ca(&["revoke", "user1"]).success();
    assert_eq!(browser.go(&address), None);
    is_shown(&mut browser, &["この証明書は破棄されています", "Your certificate has been revoked"]);
    gate.log.wait_for(&["refused", "reason=\"revoked\"", "CN=user1"]);
    take_pictures(&mut browser, "revoked");

    home.forget("user1");
    home.import(&clinic.issue("user2"));
    browser.click_through(".again");
    is_shown(&mut browser, &["Hello user2"]);

    assert_eq!(browser.go(&address.replace("https:", "http:")), None);
    is_shown(&mut browser, &["Hello user2"]);
    assert_eq!(browser.value("location.protocol"), "https:");
}

#[test]
fn a_revoked_visitor_with_an_open_websocket_is_cut_within_a_second_and_told_why() {
    let clinic = Clinic::new();
    let gate = Gate::start(clinic.serve(""));
    let _policy = Policy::offering_certificates_to(&origin(&gate));
    let home = Home::new(&clinic.desk, "user1");
    home.import(&clinic.issue("user1"));
    let mut browser = home.browser();
    assert_eq!(browser.go(&origin(&gate)), None);
    is_shown(&mut browser, &["Hello user1"]);
    let opened = browser.value(
        "new Promise((resolve) => {
            const socket = new WebSocket(`wss://${location.host}/live`);
            window.cut = new Promise((cut) => { socket.onclose = () => cut(Date.now()); });
            socket.onopen = () => resolve('open');
            socket.onerror = () => resolve('error');
        })",
    );
    assert_eq!(opened, "open");
    let revoking = browser.value("Date.now()").as_f64().unwrap();
    clinic.desk.ca(&["revoke", "user1"]).success();
    let cut = browser.value("window.cut").as_f64().unwrap();
    assert!(cut - revoking < 1000.0, "cut after {} ms", cut - revoking);
    assert_eq!(browser.go(&origin(&gate)), None);
    is_shown(&mut browser, &["この証明書は破棄されています", "Your certificate has been revoked"]);
}

#[test]
fn an_application_that_is_down_is_told_apart_from_a_refusal() {
    let clinic = Clinic::new();
    let home = Home::new(&clinic.desk, "user1");
    home.import(&clinic.issue("user1"));
    // Nobody listens at the discard port.
    for (upstream, words, name) in [
        (
            "http://127.0.0.1:9",
            ["アプリケーションが応答していません", "証明書の確認は済んでいます"],
            "down",
        ),
        ("greeting", ["ようこそ、user1 さん", "Welcome, user1"], "greeting"),
    ] {
        let gate = Gate::start(clinic.serve_before(upstream, ""));
        let _policy = Policy::offering_certificates_to(&origin(&gate));
        let mut browser = home.browser();
        assert_eq!(browser.go(&origin(&gate)), None);
        is_shown(&mut browser, &words);
        take_pictures(&mut browser, name);
    }
}

// Chromium offers no certificate that its own clock takes for expired, so the gate's is moved.
#[test]
fn an_expired_certificate_is_explained() {
    let clinic = Clinic::new();
    let gate = Gate::start(clinic.desk.at("+100000000", clinic.serve_alone("explain")));
    let _policy = Policy::offering_certificates_to(&origin(&gate));
    let home = Home::new(&clinic.desk, "user1");
    let issued = clinic.issue("user1");
    home.import(&issued);
    let mut browser = home.browser();
    assert_eq!(browser.go(&origin(&gate)), None);
    let year = &issued["not_after"].as_str().unwrap()[..4];
    let (japanese, english) = (format!("有効期限は {year}年"), format!(" {year}, "));
    is_shown(
        &mut browser,
        &["証明書の有効期限が切れています", &japanese, "Your certificate has expired", &english],
    );
    take_pictures(&mut browser, "expired");
}

// Catches an alert that is sent and lost, since the gate closed over what the browser still sent.
#[test]
fn a_strict_gate_shows_the_browsers_own_error() {
    let clinic = Clinic::new();
    let gate = Gate::start(clinic.serve_alone("strict"));
    let _policy = Policy::offering_certificates_to(&origin(&gate));
    let home = Home::new(&clinic.desk, "nobody");
    let mut browser = home.browser();
    for _ in 0..5 {
        assert_eq!(browser.go(&origin(&gate)).as_deref(), Some(ALERT));
    }
}

/// Looks at a page as people with wide, narrow and dark screens do: nothing leaves the screen.
fn take_pictures(browser: &mut Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (form, width, dark) in [("wide", 1280, false), ("narrow", 320, false), ("dark", 1280, true)]
    {
        let picture = browser.picture(width, dark);
        let path = folder.join(format!("{name}-{form}.png"));
        sekisho::ground::files::write_atomic(&path, &picture, 0o644).unwrap();
        let needed = browser.value("document.documentElement.scrollWidth");
        assert!(needed.as_u64().unwrap() <= u64::from(width), "{name}: {needed} of {width}");
    }
}
