//! Real Chromium, with the files people import, at the real gate.
//!
//! What is recorded here of Chromium on Linux: once it has shown no certificate, or a revoked one, it
//! goes on with that until it meets a TLS alert; *try again* on the gate's page is enough to free it.
//! An http address on the TLS port is led to https.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/browser.rs"]
mod browser;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::process::Command;

use browser::{Browser, Home, Policy};
use desk::{Desk, text};
use serde_json::Value;
use support::{Gate, Upstream};

/// What Chromium says when a strict gate refuses the certificate, or the lack of one.
const ALERT: &str = "net::ERR_BAD_SSL_CLIENT_AUTH_CERT";

/// A clinic: a CA, an application, and the configuration of its gate.
struct Clinic {
    desk: Desk,
    upstream: Upstream,
}

impl Clinic {
    fn new() -> Self {
        let desk = Desk::with_key_file();
        let issued =
            desk.json(&["issue", "server", "localhost", "127.0.0.1", "--pem", "--out", "."]);
        let server = &issued["issued"][0];
        let configuration = format!(
            "SERVER_CRT={}\nSERVER_PEM={}\nCA_CRT={}\n",
            text(&desk.path(server["certificate_file"].as_str().unwrap())),
            text(&desk.path(server["key_file"].as_str().unwrap())),
            text(&desk.path("ca/ca.crt")),
        );
        desk.write("jma-receipt.conf", configuration);
        let upstream = Upstream::behaving(|request, stream| {
            use std::io::Write;
            let name =
                request.lines().find_map(|line| line.strip_prefix("x-sekisho-common-name: "));
            let page = format!("<!DOCTYPE html><title>app</title><p>Hello {}", name.unwrap_or("?"));
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length";
            let _ = write!(stream, "{head}: {}\r\n\r\n{page}", page.len());
        });
        Self { desk, upstream }
    }

    fn serve(&self) -> Command {
        let mut command = self.desk.command(desk::SEKISHO);
        command.args(["serve", "--jma-receipt-conf"]).arg(self.desk.path("jma-receipt.conf"));
        command.args(["--listen", "127.0.0.1:0", "--upstream"]);
        command.arg(format!("http://{}", self.upstream.address));
        command.arg("--crl").arg(self.desk.path("ca/crl.pem"));
        command
    }

    fn issue(&self, name: &str) -> Value {
        self.desk.json(&["issue", "client", name])["issued"][0].clone()
    }

    fn revoke(&self, gate: &Gate, name: &str) {
        self.desk.ca(&["revoke", name]).success();
        let before = gate.log.count("files read anew");
        gate.signal("HUP");
        support::eventually("reload", || gate.log.count("files read anew") > before);
    }
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
    let gate = Gate::start(clinic.serve());
    let _policy = Policy::offering_certificates_to(&origin(&gate));
    let address = format!("{}/patients?id=7", origin(&gate));
    let home = Home::new(&clinic.desk, "someone");
    let mut browser = home.browser();

    assert_eq!(browser.go(&address), None);
    is_shown(&mut browser, &["証明書が必要です", "A certificate is needed", "もう一度試す"]);
    gate.log.wait_for(&["refused", "no_certificate"]);
    browser.click_through(".again");
    is_shown(&mut browser, &["証明書が必要です"]);

    home.import(&clinic.issue("user1"));
    for i in 0..6 {
        browser.click_through(".again");
        let t = browser.text();
        eprintln!("{i}: {}", t.lines().next().unwrap_or(""));
        if t.contains("Hello") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_secs(i));
    }
    is_shown(&mut browser, &["Hello user1"]);
    assert_eq!(browser.value("location.href"), address);
    gate.log.wait_for(&["admitted", "CN=user1", "TLSv1_3"]);

    clinic.revoke(&gate, "user1");
    assert_eq!(browser.go(&address), None);
    is_shown(&mut browser, &["この証明書は破棄されています", "Your certificate has been revoked"]);
    gate.log.wait_for(&["refused", "reason=\"revoked\"", "CN=user1"]);

    home.forget("user1");
    home.import(&clinic.issue("user2"));
    browser.click_through(".again");
    is_shown(&mut browser, &["Hello user2"]);

    assert_eq!(browser.go(&address.replace("https:", "http:")), None);
    is_shown(&mut browser, &["Hello user2"]);
    assert_eq!(browser.value("location.protocol"), "https:");
}
