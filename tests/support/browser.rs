//! Chromium as a person uses it: a home with an NSS database, where the manual's "デバイス証明書の管理"
//! puts certificates, and a window that stays open, driven by the DevTools protocol over two pipes.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sekisho::ground::clock::monotonic;
use serde_json::{Value, json};

use crate::desk::{Desk, is_root, text};

/// No step of a browser takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person's home, with an NSS database that trusts the CA.
pub(crate) struct Home<'a> {
    desk: &'a Desk,
    folder: PathBuf,
    database: String,
}

impl<'a> Home<'a> {
    pub(crate) fn new(desk: &'a Desk, person: &str) -> Self {
        let folder = desk.path(&format!("home-{person}"));
        let database = folder.join(".pki/nssdb");
        std::fs::create_dir_all(&database).unwrap();
        let home = Self { desk, database: format!("sql:{}", text(&database)), folder };
        let database = home.database.as_str();
        home.nss("certutil", &["-N", "-d", database, "--empty-password"]);
        let root = desk.path("ca/ca.crt");
        home.nss(
            "certutil",
            &["-A", "-n", "CA", "-t", "CT,C,C", "-i", text(&root), "-d", database],
        );
        home
    }

    fn nss(&self, program: &str, words: &[&str]) {
        self.desk.peer("libnss3-tools", program, words);
    }

    /// Imports a certificate file, as `issue client --json` names it.
    pub(crate) fn import(&self, issued: &Value) {
        let (file, passphrase) = (&issued["file"], &issued["passphrase"]);
        let words = ["-i", file.as_str().unwrap(), "-W", passphrase.as_str().unwrap()];
        self.nss("pk12util", &[&words[..], &["-d", &self.database]].concat());
    }

    /// Deletes the certificate of a name, with its key.
    pub(crate) fn forget(&self, name: &str) {
        self.nss("certutil", &["-F", "-n", name, "-d", &self.database]);
    }

    /// Opens the browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::open(self.desk, &self.folder)
    }
}

/// A window that stays open from step to step; closed when dropped.
pub(crate) struct Browser {
    child: Child,
    orders: File,
    messages: Receiver<Value>,
    last: u64,
    session: String,
}

impl Browser {
    fn open(desk: &Desk, home: &Path) -> Self {
        let (orders, answers) = (home.join("orders"), home.join("answers"));
        for pipe in [&orders, &answers] {
            let _ = std::fs::remove_file(pipe);
        }
        desk.peer("coreutils", "mkfifo", &[text(&orders), text(&answers)]);
        let mut command = desk.command("sh");
        command.env("HOME", home).args([
            "-c",
            "exec 3<\"$1\" 4>\"$2\"; shift 2; exec \"$@\"",
            "sh",
        ]);
        command.args([text(&orders), text(&answers), "timeout", "300", "chromium"]);
        command.args([
            "--headless",
            "--remote-debugging-pipe",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=ja",
        ]);
        command.arg(format!("--user-data-dir={}", text(&home.join("profile"))));
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = quiet.spawn().expect("sh");
        let orders = File::options().write(true).open(&orders).unwrap();
        let answers = BufReader::new(File::open(&answers).unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self { child, orders, messages, last: 0, session: String::new() };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        browser.call("Page.enable", json!({}));
        browser.call("Runtime.enable", json!({}));
        browser
    }

    /// Calls a method of the protocol and waits for its result.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut octets = serde_json::to_vec(&message).unwrap();
        octets.push(0);
        self.orders.write_all(&octets).unwrap();
        let id = self.last;
        let answer = self.wait_for(method, |message| message["id"] == id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = monotonic() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(monotonic());
            match self.messages.recv_timeout(left) {
                Ok(message) if is_it(&message) => return message,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("{what}: the browser does not answer"),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("{what}: the browser is gone; apt-get install chromium")
                }
            }
        }
    }

    /// Goes to an address and waits for the page. The browser's own error, when there is none.
    pub(crate) fn go(&mut self, url: &str) -> Option<String> {
        let answer = self.call("Page.navigate", json!({ "url": url }));
        self.wait_for(url, |message| message["method"] == "Page.loadEventFired");
        answer["errorText"].as_str().map(str::to_owned)
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        self.call("Runtime.evaluate", parameters)["result"]["value"].clone()
    }

    /// What a person reads on the page.
    pub(crate) fn text(&mut self) -> String {
        self.value("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Clicks, and waits until another page has come.
    pub(crate) fn click_through(&mut self, selector: &str) {
        let target = serde_json::to_string(selector).unwrap();
        self.value(&format!("document.querySelector({target}).click()"));
        self.wait_for("click", |message| message["method"] == "Page.loadEventFired");
    }

    /// A picture of the whole page, PNG.
    pub(crate) fn picture(&mut self, width: u32, dark: bool) -> Vec<u8> {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        let view =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", view);
        self.call("Emulation.setScrollbarsHidden", json!({ "hidden": true }));
        let picture = self.call(
            "Page.captureScreenshot",
            json!({ "format": "png", "captureBeyondViewport": true }),
        );
        data_encoding::BASE64.decode(picture["data"].as_str().unwrap().as_bytes()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its processes end with the pipe; the first of them, which is `timeout`, with this.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A policy of this machine's Chromium, which chooses the certificate where a person would; there
/// is no other way without a person. Of several in force only one counts: tests wait for each
/// other. Gone with the test.
pub(crate) struct Policy {
    path: PathBuf,
    _only: MutexGuard<'static, ()>,
}

static ONLY: Mutex<()> = Mutex::new(());

impl Policy {
    pub(crate) fn offering_certificates_to(origin: &str) -> Self {
        assert!(is_root(), "a policy for Chromium is written under /etc/chromium: run as root");
        let only = ONLY.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = PathBuf::from("/etc/chromium/policies/managed");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("sekisho-test-{}.json", std::process::id()));
        let choice = json!({ "pattern": origin, "filter": {} }).to_string();
        let policy = json!({ "AutoSelectCertificateForUrls": [choice] }).to_string();
        sekisho::ground::files::write_atomic(&path, policy.as_bytes(), 0o644).unwrap();
        Self { path, _only: only }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
