//! Real Chromium, with the files people import: the .p12 and ca.crt in an NSS database, as the
//! manual's "デバイス証明書の管理" puts them there.
//!
//! What is recorded here of Chromium on Linux: without a certificate, and with a revoked one, the
//! page does not load, and the browser says `ERR_BAD_SSL_CLIENT_AUTH_CERT`; an http address on the
//! TLS port is led to https.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::path::PathBuf;
use std::process::Command;

use desk::{Desk, Ran, is_root, text};
use support::{Gate, Upstream};

/// What Chromium says when the gate refuses the certificate, or the lack of one.
const REFUSED: &str = "Page load failed: net::ERR_BAD_SSL_CLIENT_AUTH_CERT";

#[test]
fn a_person_with_an_imported_certificate_gets_in_and_nobody_else() {
    let desk = Desk::with_key_file();
    let issued = desk.json(&["issue", "server", "localhost", "127.0.0.1", "--pem", "--out", "."]);
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
        let name = request.lines().find_map(|line| line.strip_prefix("x-sekisho-common-name: "));
        let page = format!("<!DOCTYPE html><title>app</title><p>Hello {}", name.unwrap_or("?"));
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length";
        let _ = write!(stream, "{head}: {}\r\n\r\n{page}", page.len());
    });
    let gate = Gate::start(serve(&desk, &upstream));
    let origin = format!("https://localhost:{}", gate.address.port());
    let _policy = Policy::offering_certificates_to(&origin);

    let nobody = Browser::new(&desk, "nobody");
    let refused = nobody.open(&format!("{origin}/"));
    assert!(refused.error.contains(REFUSED), "{refused:?}");
    gate.log.wait_for(&["refused", "no_certificate"]);

    let user1 = Browser::new(&desk, "user1");
    user1.import(&desk.json(&["issue", "client", "user1"])["issued"][0]);
    let page = user1.open(&format!("{origin}/"));
    assert!(page.out.contains("<p>Hello user1"), "{page:?}");
    gate.log.wait_for(&["admitted", "CN=user1", "TLSv1_3"]);
    let page = user1.open(&format!("http://localhost:{}/", gate.address.port()));
    assert!(page.out.contains("<p>Hello user1"), "http leads to https: {page:?}");
    assert!(upstream.seen().len() >= 2);

    desk.ca(&["revoke", "user1"]).success();
    gate.signal("HUP");
    gate.log.wait_for(&["files read anew"]);
    let refused = user1.open(&format!("{origin}/"));
    assert!(refused.error.contains(REFUSED), "{refused:?}");
    gate.log.wait_for(&["refused", "reason=\"revoked\"", "CN=user1"]);
}

fn serve(desk: &Desk, upstream: &Upstream) -> Command {
    let mut command = desk.command(desk::SEKISHO);
    command.args(["serve", "--jma-receipt-conf"]).arg(desk.path("jma-receipt.conf"));
    command.args(["--listen", "127.0.0.1:0", "--upstream"]);
    command.arg(format!("http://{}", upstream.address));
    command.arg("--crl").arg(desk.path("ca/crl.pem"));
    command
}

/// A person's browser: a home with an NSS database that trusts the CA.
struct Browser<'a> {
    desk: &'a Desk,
    home: PathBuf,
    database: String,
}

impl<'a> Browser<'a> {
    fn new(desk: &'a Desk, person: &str) -> Self {
        let home = desk.path(&format!("home-{person}"));
        let folder = home.join(".pki/nssdb");
        std::fs::create_dir_all(&folder).unwrap();
        let browser = Self { desk, home, database: format!("sql:{}", text(&folder)) };
        let database = browser.database.as_str();
        browser.nss("certutil", &["-N", "-d", database, "--empty-password"]);
        let root = desk.path("ca/ca.crt");
        browser.nss(
            "certutil",
            &["-A", "-n", "CA", "-t", "CT,C,C", "-i", text(&root), "-d", database],
        );
        browser
    }

    fn nss(&self, program: &str, words: &[&str]) {
        self.desk.peer("libnss3-tools", program, words);
    }

    fn import(&self, issued: &serde_json::Value) {
        let (file, passphrase) = (&issued["file"], &issued["passphrase"]);
        let words = ["-i", file.as_str().unwrap(), "-W", passphrase.as_str().unwrap()];
        self.nss("pk12util", &[&words[..], &["-d", &self.database]].concat());
    }

    /// Opens a page; its document is what was printed, and the browser's own error is on the other
    /// output.
    fn open(&self, url: &str) -> Ran {
        let mut command = self.desk.command("timeout");
        command.env("HOME", &self.home).args(["60", "chromium"]);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]);
        command.arg(format!("--user-data-dir={}", text(&self.home.join("profile"))));
        command.args(["--dump-dom", url]);
        let ran = desk::finish_peer("coreutils", command);
        assert_ne!(ran.code, Some(127), "apt-get install chromium: {ran:?}");
        assert_ne!(ran.code, Some(124), "the browser hangs at {url}: {ran:?}");
        ran
    }
}

/// A policy of this machine's Chromium, which chooses the certificate where a person would; there
/// is no other way without a person. Gone with the test.
struct Policy(PathBuf);

impl Policy {
    fn offering_certificates_to(origin: &str) -> Self {
        assert!(is_root(), "a policy for Chromium is written under /etc/chromium: run as root");
        let folder = PathBuf::from("/etc/chromium/policies/managed");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("sekisho-test-{}.json", std::process::id()));
        let choice = serde_json::json!({ "pattern": origin, "filter": {} }).to_string();
        let policy = serde_json::json!({ "AutoSelectCertificateForUrls": [choice] }).to_string();
        sekisho::ground::files::write_atomic(&path, policy.as_bytes(), 0o644).unwrap();
        Self(path)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
