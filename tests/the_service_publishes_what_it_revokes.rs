//! With `serve` running: what is revoked is on the published list at once, whatever happens to the
//! authority afterwards; and those who watch are told how the service stands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/desk.rs"]
mod desk;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use desk::{Desk, eventually, finish_peer, text};
use sekisho::ground::clock;

/// A revocation may take no longer to get onto the list that strangers fetch.
const SOON: Duration = Duration::from_secs(3);

/// `serve` over the CA of a desk, with one gate, everything at ports of its own choice.
struct Service {
    child: Child,
    crl: String,
    metrics: String,
}

impl Service {
    fn start(desk: &Desk) -> Self {
        desk.write(
            "sekisho.toml",
            "version = 1\n[hardening]\naccept_missing = [\"separate-uids\"]\n[authority]\nfolder = \"ca\"\nkey_file = \"ca/vault.key\"\n[publish]\n\
             listen = \"127.0.0.1:0\"\nfolder = \"public\"\nmetrics = \"127.0.0.1:0\"\n[[gate]]\n\
             name = \"main\"\nlisten = \"127.0.0.1:0\"\nnames = [\"localhost\"]\nupstream = \"greeting\"\n",
        );
        let mut command = desk.command(desk::SEKISHO);
        command
            .args(["serve", "--accept-missing", "separate-uids", "--config", "sekisho.toml"])
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let reader = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            // Read to the end: a service whose log is full would wait for its reader.
            for line in reader.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut seen = Vec::new();
        let mut address = |serves: &str| loop {
            let line = lines.recv_timeout(desk::PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no {serves} in {seen:#?}"));
            let word = |key: &str| {
                let words = line.split_whitespace();
                words.filter_map(|word| word.strip_prefix(key)).next().map(str::to_owned)
            };
            let found = word("serves=").is_some_and(|word| word.trim_matches('"') == serves);
            seen.push(line.clone());
            if let (true, Some(address)) = (found, word("address=")) {
                break address;
            }
        };
        let (crl, metrics) = (address("crl"), address("metrics"));
        let service = Self { child, crl, metrics };
        eventually("a service that is ready", || {
            service.ready(desk) == (200, "ready\n".to_owned())
        });
        service
    }

    /// The status and the body at one of the service's addresses.
    fn get(desk: &Desk, address: &str, path: &str) -> (u16, String) {
        let mut command = desk.command("curl");
        command.args(["--silent", "--max-time", "20", "--write-out", "\n%{http_code}"]);
        command.arg(format!("http://{address}{path}"));
        let ran = finish_peer("curl", command);
        let (body, status) = ran.out.rsplit_once('\n').unwrap_or_else(|| panic!("{ran:?}"));
        (status.parse().unwrap(), body.to_owned())
    }

    fn ready(&self, desk: &Desk) -> (u16, String) {
        Self::get(desk, &self.metrics, "/readyz")
    }

    /// How many certificates are on the list that strangers fetch.
    fn listed(&self, desk: &Desk) -> usize {
        let (status, list) = Self::get(desk, &self.crl, "/crl.pem");
        assert_eq!(status, 200, "{list}");
        desk.write("fetched.pem", list);
        desk.crl_serials("fetched.pem").len()
    }

    /// Sends a signal to the authority's process.
    fn signal_authority(&self, signal: &str) {
        let parent = self.child.id().to_string();
        let found = Command::new("pgrep").args(["-P", &parent, "-f", " authority$"]).output();
        let found = found.expect("pgrep: install the Debian package procps");
        let authority = String::from_utf8(found.stdout).unwrap();
        assert_eq!(authority.lines().count(), 1, "authorities of serve: {authority}");
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(authority.trim()).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Service {
    /// Whatever became of the authority, the order to stop is obeyed.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = clock::monotonic() + desk::PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            if clock::monotonic() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                assert!(std::thread::panicking(), "the service does not stop");
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn issue(desk: &Desk, name: &str) {
    desk.ca(&["issue", "client", name, "--out", text(&desk.path(""))]).success();
}

#[test]
fn what_is_revoked_is_on_the_list_at_once_also_after_the_authority_was_killed() {
    let desk = Desk::with_key_file();
    let service = Service::start(&desk);
    for (name, count) in [("user1", 1), ("user2", 2)] {
        issue(&desk, name);
        desk.ca(&["revoke", name]).success();
        let revoked = clock::monotonic();
        eventually("the revocation on the list", || service.listed(&desk) == count);
        let took = revoked.elapsed();
        assert!(took < SOON, "{took:?}");
        eventually("the same list as a file", || desk.crl_serials("public/crl.pem").len() == count);
        let verify = ["crl", "-in", "fetched.pem", "-noout", "-CAfile", "public/ca.crt"];
        assert!(desk.openssl(&verify).contains("verify OK"));

        service.signal_authority("KILL");
        // The list goes on being served, and the authority comes back by itself.
        assert_eq!(service.listed(&desk), count);
        eventually("the authority again", || {
            desk.ca(&["list", "--json"]).code == Some(0) && service.ready(&desk).0 == 200
        });
    }
}

// Catches a service that calls itself ready while its gates let nobody in.
#[test]
fn those_who_watch_are_told_that_the_authority_is_silent_and_that_it_is_back() {
    let desk = Desk::with_key_file();
    let service = Service::start(&desk);
    service.signal_authority("STOP");
    let silent = (503, "feed-stale main\n".to_owned());
    eventually("the gate's complaint", || service.ready(&desk) == silent);
    assert_eq!(Service::get(&desk, &service.metrics, "/healthz").0, 200);
    let (status, figures) = Service::get(&desk, &service.metrics, "/metrics");
    assert_eq!(status, 200);
    assert!(figures.contains("sekisho_gate_feed_stale{gate=\"main\"} 1\n"), "{figures}");
    assert!(figures.contains("\nsekisho_crl_number "), "{figures}");
    assert!(figures.contains("\nsekisho_ca_certificate_not_after_timestamp_seconds "), "{figures}");
    // Catches a figure, or an obstacle, that was added and told to nobody.
    let documents =
        [include_str!("../docs/monitoring.md"), include_str!("../docs/monitoring.ja.md")];
    for line in figures.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let ending = if kind == "counter" { "_total" } else { "" };
        let row = format!("\n| `{name}{ending}` |");
        assert!(documents.iter().all(|document| document.contains(&row)), "{name} is not in docs");
    }
    service.signal_authority("CONT");
    eventually("readiness", || service.ready(&desk).0 == 200);
}
