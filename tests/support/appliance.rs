//! The whole appliance as its users run it: the real binary with a `sekisho.toml`, its authority's
//! process, gates and publisher, over a CA at a desk. A test file with this one has `desk.rs` as
//! `desk` and `gate.rs` as `support`.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use sekisho::door::Door;
use serde_json::Value;

use crate::desk::{self, Desk, Ran, SEKISHO, text};
use crate::support::{Identity, Log, Upstream, Visitor, monotonic};

/// No service of these tests takes longer to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client certificate of the desk's CA, and where it lies.
pub(crate) struct Client {
    pub(crate) number: String,
    pub(crate) serial: String,
    pub(crate) identity: Identity,
    pub(crate) certificate_file: PathBuf,
    pub(crate) key_file: PathBuf,
}

impl Client {
    /// Issues one at the command line, whether a service runs or not.
    pub(crate) fn issue(desk: &Desk, name: &str) -> Self {
        let out = desk.path("clients");
        std::fs::create_dir_all(&out).unwrap();
        let issued = desk.json(&["issue", "client", name, "--pem", "--out", text(&out)]);
        Self::of(&issued["issued"][0])
    }

    /// The one that a command says it issued.
    pub(crate) fn of(issued: &Value) -> Self {
        let path = |field: &str| PathBuf::from(issued[field].as_str().unwrap());
        let (certificate_file, key_file) = (path("certificate_file"), path("key_file"));
        let identity = Identity {
            certificate: std::fs::read_to_string(&certificate_file).unwrap(),
            key: std::fs::read_to_string(&key_file).unwrap(),
        };
        Self {
            number: format!("{:06}", issued["number"].as_u64().unwrap()),
            serial: issued["serial"].as_str().unwrap().to_owned(),
            identity,
            certificate_file,
            key_file,
        }
    }
}

/// A `sekisho.toml` over the CA in `ca/`, whose vault opens with its key file. The publisher's
/// addresses and the gates' are chosen when it starts.
pub(crate) struct Configuration {
    text: String,
    gates: usize,
}

impl Configuration {
    pub(crate) fn new() -> Self {
        Self::with_authority("key_file = \"ca/vault.key\"\n")
    }

    /// With these lines in `[authority]`.
    pub(crate) fn with_authority(lines: &str) -> Self {
        let publish = "[publish]\nlisten = \"127.0.0.1:0\"\nfolder = \"public\"\n\
                       metrics = \"127.0.0.1:0\"\n";
        // The folders of a test are closed to other users; `separate_users.rs` has open ones.
        let text = format!(
            "version = 1\n[hardening]\naccept_missing = [\"separate-uids\"]\n\
             [authority]\nfolder = \"ca\"\n{lines}{publish}"
        );
        Self { text, gates: 0 }
    }

    /// Whose processes must be users of their own.
    pub(crate) fn of_separate_users(self) -> Self {
        let text = self.text.replace("[hardening]\naccept_missing = [\"separate-uids\"]\n", "");
        Self { text, ..self }
    }

    /// One more gate that gets its certificate from the authority, with no limits in the way.
    pub(crate) fn gate(mut self, name: &str, upstream: &Upstream, lines: &str) -> Self {
        let scheme = if lines.contains("mode = \"tcp\"") { "tcp" } else { "http" };
        write!(
            self.text,
            "[[gate]]\nname = \"{name}\"\nlisten = \"127.0.0.1:0\"\n\
             names = [\"localhost\", \"127.0.0.1\"]\nupstream = \"{scheme}://{}\"\n\
             handshakes_per_second = 1000000\n{lines}",
            upstream.address
        )
        .unwrap();
        self.gates += 1;
        self
    }

    pub(crate) fn write(&self, desk: &Desk) {
        desk.write("sekisho.toml", &self.text);
    }
}

/// A running service; killed when dropped, with its authority.
pub(crate) struct Appliance<'a> {
    pub(crate) desk: &'a Desk,
    child: Child,
    gates: Vec<SocketAddr>,
    publisher: Vec<SocketAddr>,
    pub(crate) log: Log,
}

impl<'a> Appliance<'a> {
    /// Starts the service, and waits until its gates let people in.
    pub(crate) fn start(desk: &'a Desk, configuration: &Configuration) -> Self {
        Self::ready(Self::command(desk), desk, configuration)
    }

    /// The same with a command of the test's own.
    pub(crate) fn ready(command: Command, desk: &'a Desk, configuration: &Configuration) -> Self {
        configuration.write(desk);
        Self::ready_at(command, desk, configuration)
    }

    /// The same where the configuration is written already.
    pub(crate) fn ready_at(
        command: Command,
        desk: &'a Desk,
        configuration: &Configuration,
    ) -> Self {
        let appliance = Self::begun(command, desk, configuration);
        for line in ["server certificate from the authority in force", "ledger is in force"] {
            appliance.wait_for_count(line, configuration.gates);
        }
        appliance
    }

    /// Starts the service, and waits until its authority takes commands: sealed, it may have no
    /// certificates for its gates.
    pub(crate) fn begin(command: Command, desk: &'a Desk, configuration: &Configuration) -> Self {
        configuration.write(desk);
        Self::begun(command, desk, configuration)
    }

    /// The same where the configuration is written already.
    pub(crate) fn begun(
        mut command: Command,
        desk: &'a Desk,
        configuration: &Configuration,
    ) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let reader = BufReader::new(child.stderr.take().unwrap());
        let lines = log.clone();
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                lines.push(line);
            }
        });
        let mut appliance = Self { desk, child, gates: Vec::new(), publisher: Vec::new(), log };
        appliance.wait_for_count("the authority is at work", 1);
        appliance.wait_for_count("publisher: listening", 2);
        let told = appliance.log.text();
        let listening = told.lines().filter(|line| line.contains("listening"));
        let (publisher, gates): (Vec<&str>, Vec<&str>) =
            listening.partition(|line| line.contains("publisher"));
        appliance.gates = gates.into_iter().map(address).collect();
        appliance.publisher = publisher.into_iter().map(address).collect();
        assert_eq!(appliance.gates.len(), configuration.gates, "{told}");
        appliance
    }

    /// `sekisho serve` at a desk.
    pub(crate) fn command(desk: &Desk) -> Command {
        let mut command = desk.command(SEKISHO);
        command.args(["serve", "--config", "sekisho.toml", "--accept-missing", "separate-uids"]);
        command
    }

    /// Where a gate listens, in the order of the configuration.
    pub(crate) fn gate(&self, place: usize) -> SocketAddr {
        self.gates[place]
    }

    /// The URL of what the publisher has for everybody.
    pub(crate) fn published(&self, path: &str) -> String {
        format!("http://{}{path}", self.publisher[0])
    }

    /// The URL of what it has for those who watch.
    pub(crate) fn watched(&self, path: &str) -> String {
        format!("http://{}{path}", self.publisher[1])
    }

    /// Somebody at a gate with a certificate.
    pub(crate) fn visitor(&self, place: usize, client: &Client) -> Visitor {
        self.visitor_in(place, client, &rustls::version::TLS13)
    }

    pub(crate) fn visitor_in(
        &self,
        place: usize,
        client: &Client,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Visitor {
        let root = self.desk.read("ca/ca.crt");
        Visitor::of(&root, self.gate(place), &client.identity, version)
    }

    /// The control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        socket(self.desk)
    }

    /// A door over the control socket.
    pub(crate) fn door(&self) -> Door {
        Door::at(&self.socket(), "test").unwrap().expect("no service at the socket")
    }

    /// `sekisho status --json`: its exit code, and what it printed.
    pub(crate) fn status(&self) -> (i32, Value) {
        let Ran { code, out, error } = self.desk.ca(&["status", "--json"]);
        let code = code.unwrap();
        (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {code} {out} {error}")))
    }

    /// The authority's process as it is now.
    pub(crate) fn authority(&self) -> i32 {
        let authorities = self.processes("authority");
        assert_eq!(authorities.len(), 1, "one authority: {authorities:?}");
        authorities[0]
    }

    /// The processes of a role as they are now.
    pub(crate) fn processes(&self, role: &str) -> Vec<i32> {
        let mut found = self.children();
        found.retain(|child| has_role(*child, role));
        found
    }

    /// The process that was started; the others are its children.
    pub(crate) fn supervisor(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    pub(crate) fn children(&self) -> Vec<i32> {
        children_of(self.child.id())
    }

    pub(crate) fn signal_authority(&self, signal: Signal) {
        send(self.authority(), signal);
    }

    pub(crate) fn wait_for_count(&self, part: &str, count: usize) {
        let deadline = monotonic() + PATIENCE;
        while self.log.count(part) < count {
            let text = self.log.text();
            assert!(monotonic() < deadline, "not {count} times {part:?} in:\n{text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops it as systemd does. It must end well, soon, and leave nothing behind.
    pub(crate) fn stop(mut self) {
        let children = self.children();
        send(self.supervisor(), Signal::TERM);
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{}", self.log.text());
        for child in children {
            assert!(!is_alive(child), "the authority lives on:\n{}", self.log.text());
        }
        assert!(!self.socket().exists(), "the socket is left behind");
    }

    /// Kills it, without a word. Its authority ends by itself.
    pub(crate) fn kill(mut self) {
        let children = self.children();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        desk::eventually("the authority ends by itself", || {
            !children.iter().any(|child| is_alive(*child))
        });
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = monotonic() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(monotonic() < deadline, "it does not end:\n{}", self.log.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Appliance<'_> {
    fn drop(&mut self) {
        let running = matches!(self.child.try_wait(), Ok(None));
        let children = if running { self.children() } else { Vec::new() };
        let _ = self.child.kill();
        let _ = self.child.wait();
        for child in children.into_iter().filter_map(Pid::from_raw) {
            let _ = rustix::process::kill_process(child, Signal::KILL);
        }
        if std::thread::panicking() {
            eprintln!("--- the service's log ---\n{}", self.log.text());
        }
    }
}

/// A service, or a command, that has only just been started; killed when dropped.
pub(crate) struct Begun(Child);

impl Begun {
    pub(crate) fn start(mut command: Command) -> Self {
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }

    /// The processes that it has started, once there are so many, the first of them a gate: before that a
    /// process only reserves the data folder, and a signal ends the service as it would any program.
    pub(crate) fn children(&self, number: usize) -> Vec<i32> {
        let mut started = Vec::new();
        desk::eventually("processes are started", || {
            started = children_of(self.0.id());
            started.len() >= number && started.iter().any(|child| has_role(*child, "gate"))
        });
        started
    }

    /// Stops it as systemd does, within a bound; its exit code.
    pub(crate) fn stop(self, bound: Duration) -> Option<i32> {
        send(self.process(), Signal::TERM);
        self.end(bound)
    }

    pub(crate) fn process(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    /// The one process that it has started, once there is one.
    pub(crate) fn child(&self) -> i32 {
        let mut started = Vec::new();
        desk::eventually("a process is started", || {
            started = children_of(self.0.id());
            started.len() == 1
        });
        started[0]
    }

    /// Waits for its end, within a bound; its exit code.
    pub(crate) fn end(mut self, bound: Duration) -> Option<i32> {
        let deadline = monotonic() + bound;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(monotonic() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sets a flag when dropped: what waits for it ends also where the test has failed.
pub(crate) struct Ends<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The control socket of a desk's CA.
pub(crate) fn socket(desk: &Desk) -> PathBuf {
    sekisho::authority::DataFolder::new(&desk.path("ca")).control_socket()
}

/// Fetches a URL with curl: the status and the body.
pub(crate) fn fetch(url: &str) -> (u16, Vec<u8>) {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "10", "--noproxy", "*"])
        .args(["--write-out", "\n%{http_code}", url])
        .output()
        .expect("curl: install the Debian package curl");
    let end = output.stdout.iter().rposition(|octet| *octet == b'\n').unwrap();
    let status = String::from_utf8_lossy(&output.stdout[end + 1..]).parse().unwrap();
    (status, output.stdout[..end].to_vec())
}

pub(crate) fn send(process: i32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(process).unwrap(), signal).unwrap();
}

pub(crate) fn is_alive(process: i32) -> bool {
    stat(Path::new(&format!("/proc/{process}"))).is_some_and(|(_, state)| state != 'Z')
}

/// Whether a process is that of a role, by the word it was started with.
fn has_role(process: i32, role: &str) -> bool {
    let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    words.split(|octet| *octet == 0).nth(1) == Some(role.as_bytes())
}

/// The processes that a process has started and that have not ended.
fn children_of(parent: u32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let own = |path: &Path| stat(path).is_some_and(|(of, state)| of == parent && state != 'Z');
    processes
        .filter(|entry| own(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The parent of a process, and its state.
fn stat(process: &Path) -> Option<(u32, char)> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

fn address(line: &str) -> SocketAddr {
    let (_, address) = line.split_once("address=").unwrap_or_else(|| panic!("{line}"));
    let end = address.find(char::is_whitespace).unwrap_or(address.len());
    address[..end].parse().unwrap_or_else(|error| panic!("{error}: {line}"))
}
