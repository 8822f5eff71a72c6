//! A gate as its users start it: the real binary, forged certificates, visitors, and an upstream
//! that writes down what it sees. Everything is on 127.0.0.1.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber,
};
use time::OffsetDateTime;

/// Nothing a test waits for takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A certification authority of a test.
pub(crate) struct Authority {
    params: CertificateParams,
    key: KeyPair,
    pub(crate) pem: String,
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What a leaf says. Times are seconds from now.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) name: String,
    pub(crate) serial: u64,
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) names: Vec<SanType>,
}

pub(crate) const DAY: i64 = 86_400;

impl Leaf {
    pub(crate) fn client(name: &str, serial: u64) -> Self {
        Self {
            name: name.to_owned(),
            serial,
            from: -3600,
            until: 30 * DAY,
            purposes: vec![ExtendedKeyUsagePurpose::ClientAuth],
            names: Vec::new(),
        }
    }

    pub(crate) fn server() -> Self {
        Self {
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth],
            names: vec![
                SanType::DnsName("localhost".try_into().unwrap()),
                SanType::IpAddress([127, 0, 0, 1].into()),
            ],
            ..Self::client("localhost", 2)
        }
    }
}

pub(crate) fn from_now(seconds: i64) -> OffsetDateTime {
    let now = sekisho::ground::clock::now().unix();
    OffsetDateTime::from_unix_timestamp(now + seconds).unwrap()
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::with_usages(name, &[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign])
    }

    pub(crate) fn with_usages(name: &str, usages: &[KeyUsagePurpose]) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = usages.to_vec();
        params.not_before = from_now(-DAY);
        params.not_after = from_now(3650 * DAY);
        params.serial_number = Some(SerialNumber::from(1));
        let pem = params.self_signed(&key).unwrap().pem();
        Self { params, key, pem }
    }

    pub(crate) fn issue(&self, leaf: &Leaf) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = self.certify(leaf, &key);
        Identity { certificate, key: key.serialize_pem() }
    }

    /// A certificate for a key that exists already.
    pub(crate) fn certify(&self, leaf: &Leaf, key: &KeyPair) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(&leaf.name);
        params.serial_number = Some(SerialNumber::from(leaf.serial));
        params.not_before = from_now(leaf.from);
        params.not_after = from_now(leaf.until);
        params.extended_key_usages = leaf.purposes.clone();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.subject_alt_names = leaf.names.clone();
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(key, &issuer).unwrap().pem()
    }

    /// An authority certified by this one.
    pub(crate) fn subordinate(&self, name: &str, serial: u64) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished_name(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = from_now(-DAY);
        params.not_after = from_now(365 * DAY);
        params.serial_number = Some(SerialNumber::from(serial));
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_params(&self.params, &self.key);
        let pem = params.signed_by(&key, &issuer).unwrap().pem();
        Self { params, key, pem }
    }

    /// A revocation list; `until` is the seconds from now of its next update.
    pub(crate) fn revocation_list(&self, number: u64, revoked: &[u64], until: i64) -> String {
        let params = CertificateRevocationListParams {
            this_update: from_now(-2 * DAY),
            next_update: from_now(until),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: from_now(-DAY),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        // An authority without cRLSign must be able to sign as well: that is what is to be refused.
        let mut signer = self.params.clone();
        signer.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = Issuer::from_params(&signer, &self.key);
        params.signed_by(&issuer).unwrap().pem().unwrap()
    }
}

fn distinguished_name(common_name: &str) -> rcgen::DistinguishedName {
    let mut name = rcgen::DistinguishedName::new();
    name.push(DnType::CountryName, "JP");
    name.push(DnType::OrganizationName, "orca");
    name.push(DnType::CommonName, common_name);
    name
}

/// The folder of a gate: its files, and what is needed to start it.
pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) authority: Authority,
    pub(crate) arguments: Vec<String>,
    /// `explain` or `strict`.
    refusal: &'static str,
    pub(crate) upstream: Upstream,
}

impl Stage {
    /// A CA, a server certificate for localhost and 127.0.0.1, an upstream that answers `hello`.
    /// The gate refuses by alerts.
    pub(crate) fn new() -> Self {
        Self::with_upstream(Upstream::answering(
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        ))
    }

    pub(crate) fn with_upstream(upstream: Upstream) -> Self {
        let stage = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::new("Test CA"),
            arguments: Vec::new(),
            refusal: "strict",
            upstream,
        };
        stage.write("ca.crt", &stage.authority.pem);
        // What visitors trust, whatever a test does to the gate's own file.
        stage.write("trusted.crt", &stage.authority.pem);
        stage.write_identity("server", &stage.authority.issue(&Leaf::server()));
        stage.write(
            "jma-receipt.conf",
            &format!(
                "SERVER_CRT={}\nSERVER_PEM={}\nCA_CRT={}\n",
                stage.path("server.crt").display(),
                stage.path("server.pem").display(),
                stage.path("ca.crt").display(),
            ),
        );
        stage
    }

    /// The gate refuses by pages.
    pub(crate) fn explaining(self) -> Self {
        Self { refusal: "explain", ..self }
    }

    pub(crate) fn with_argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Enforces `ca.crl`, number 1, with these serials.
    pub(crate) fn with_revocation_list(mut self, revoked: &[u64]) -> Self {
        self.write("ca.crl", &self.authority.revocation_list(1, revoked, 30 * DAY));
        let path = self.path("ca.crl").display().to_string();
        self.arguments.extend(["--crl".to_owned(), path]);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a file in one step, as tools that care do.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        sekisho::ground::files::write_atomic(&path, text.as_bytes(), 0o600).unwrap();
        path
    }

    pub(crate) fn write_identity(&self, name: &str, identity: &Identity) {
        self.write(&format!("{name}.crt"), &identity.certificate);
        self.write(&format!("{name}.pem"), &identity.key);
    }

    /// A client's certificate from the stage's CA, as files and value.
    pub(crate) fn client(&self, name: &str, serial: u64) -> Identity {
        let identity = self.authority.issue(&Leaf::client(name, serial));
        self.write_identity(name, &identity);
        identity
    }

    /// Settings of a gate with the stage's files.
    pub(crate) fn settings(&self, upstream: &str) -> sekisho::gate::Settings {
        let files = sekisho::gate::Files {
            server_certificate: self.path("server.crt"),
            server_key: self.path("server.pem"),
            authorities: self.path("ca.crt"),
        };
        sekisho::gate::Settings::new(files).with_upstream(upstream, false).unwrap()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command
            .args(["serve", "--accept-missing", "separate-uids"])
            .arg("--jma-receipt-conf")
            .arg(self.path("jma-receipt.conf"))
            .args(["--listen", "127.0.0.1:0", "--upstream"])
            .arg(format!("http://{}", self.upstream.address))
            .args(["--refusal", self.refusal])
            .args(&self.arguments)
            .stdin(Stdio::null());
        command
    }

    /// Starts the gate and waits until it listens.
    pub(crate) fn start(&self) -> Gate {
        Gate::start(self.command())
    }

    /// Starts a gate that must not start, and returns what it said.
    pub(crate) fn refuse_to_start(&self) -> String {
        let output = run(self.command());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains("listening"), "{said}");
        said
    }

    /// Shows a certificate with curl.
    pub(crate) fn curl(&self, gate: &Gate, identity: Option<&str>, more: &[&str]) -> Curled {
        let url = format!("https://localhost:{}/", gate.address.port());
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--include",
            "--max-time",
            "10",
            "--noproxy",
            "*",
        ]);
        command.arg("--cacert").arg(self.path("trusted.crt"));
        if let Some(name) = identity {
            command.arg("--cert").arg(self.path(&format!("{name}.crt")));
            command.arg("--key").arg(self.path(&format!("{name}.pem")));
        }
        command.args(["--resolve", &format!("localhost:{}:127.0.0.1", gate.address.port())]);
        command.args(more).arg(url);
        let output = command.output().expect("curl: install the Debian package curl");
        Curled {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Curled {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// A running gate; ended when dropped.
pub(crate) struct Gate {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) log: Log,
}

/// Lines of a process, as they come.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Log {
    /// Also after a test has panicked with the lines in its hand: its panic shows them.
    fn lines(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn push(&self, line: String) {
        self.lines().push(line);
        self.0.1.notify_all();
    }

    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits for a line that contains all the parts.
    pub(crate) fn wait_for(&self, parts: &[&str]) -> String {
        let deadline = monotonic() + PATIENCE;
        let mut lines = self.lines();
        loop {
            if let Some(line) =
                lines.iter().find(|line| parts.iter().all(|part| line.contains(part)))
            {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(monotonic());
            assert!(!left.is_zero(), "no line with {parts:?} in:\n{}", lines.join("\n"));
            lines = self.0.1.wait_timeout(lines, left).unwrap().0;
        }
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.lines().iter().filter(|line| line.contains(part)).count()
    }
}

impl Gate {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::inherit()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::default();
        let reader = BufReader::new(child.stderr.take().unwrap());
        let lines = log.clone();
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                lines.push(line);
            }
        });
        let mut gate = Self { child, address: ([127, 0, 0, 1], 0).into(), log };
        let line = gate.log.wait_for(&["listening"]);
        let address = line.split("127.0.0.1:").nth(1).unwrap();
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        gate.address.set_port(port.parse().unwrap());
        gate
    }

    /// The process that was started; the gate itself is a child of it.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status()
            .expect("kill: install the Debian package procps");
        assert!(status.success());
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(&mut self) -> std::process::ExitStatus {
        let deadline = monotonic() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(monotonic() < deadline, "the gate does not end:\n{}", self.log.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Octets of memory the process holds.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the gate's log ---\n{}", self.log.text());
        }
    }
}

/// Tells the figures of a gate.
pub(crate) type Figures = dyn Fn() -> sekisho::door::figures::GateFigures + Send + Sync;

/// A gate within the test's own process, for settings that the conf file has no words for. It stops
/// when dropped.
pub(crate) struct Inside {
    pub(crate) address: SocketAddr,
    pub(crate) figures: Box<Figures>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Inside {
    pub(crate) fn start(settings: sekisho::gate::Settings) -> Self {
        let settings = settings.with_listen("127.0.0.1:0").unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let gate = sekisho::gate::Gate::open_here(settings, None).await.unwrap();
                let figures: Box<Figures> = Box::new(gate.figures());
                tell.send((gate.address(), figures)).unwrap();
                gate.serve(async {
                    let _ = stopped.await;
                })
                .await;
            });
        });
        let (address, figures) = told.recv_timeout(PATIENCE).expect("the gate does not listen");
        Self { address, figures, stop: Some(stop), thread: Some(thread) }
    }

    /// Orders it to stop; it does so once nothing is under way.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the gate panicked");
        }
    }
}

/// Runs a command that ends by itself, within the bound of a test.
pub(crate) fn run(mut command: Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = monotonic() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        if monotonic() > deadline {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("does not end: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

pub(crate) fn monotonic() -> Instant {
    sekisho::ground::clock::monotonic()
}

/// A web application that writes down every octet it gets.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

type Behaviour = dyn Fn(&str, &mut TcpStream) + Send + Sync;

impl Upstream {
    /// Answers every request with the same octets.
    pub(crate) fn answering(answer: &'static [u8]) -> Self {
        Self::behaving(move |_, stream| {
            let _ = stream.write_all(answer);
        })
    }

    /// Does as told with each request it has read whole.
    pub(crate) fn behaving(
        behaviour: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let behaviour: Arc<Behaviour> = Arc::new(behaviour);
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, behaviour) = (Arc::clone(&log), Arc::clone(&behaviour));
                std::thread::spawn(move || serve(stream, &log, &*behaviour));
            }
        });
        Self { address, seen }
    }

    /// The same, said to be elsewhere.
    pub(crate) fn moved_to(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Every request so far, head and body as they came.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, behaviour: &Behaviour) {
    let mut buffer = Vec::new();
    loop {
        let Some(length) = request_length(&buffer) else {
            let mut part = [0; 4096];
            match stream.read(&mut part) {
                Ok(read @ 1..) => buffer.extend_from_slice(&part[..read]),
                _ => return,
            }
            continue;
        };
        let request: Vec<u8> = buffer.drain(..length).collect();
        let text = String::from_utf8_lossy(&request).into_owned();
        log.lock().unwrap().push(text.clone());
        behaviour(&text, &mut stream);
    }
}

/// Octets of the first whole request, by the framing it states.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(buffer);
    let head = text.find("\r\n\r\n")? + 4;
    let lower = text[..head].to_ascii_lowercase();
    if lower.contains("transfer-encoding: chunked") {
        let end = text[head..].find("0\r\n")?;
        let rest = &text[head + end + 3..];
        let trailers = if rest.starts_with("\r\n") { 2 } else { rest.find("\r\n\r\n")? + 4 };
        return Some(head + end + 3 + trailers);
    }
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    (buffer.len() >= head + length).then_some(head + length)
}

/// An application that begins an answer and never ends it, and echoes on WebSockets.
pub(crate) fn endless() -> Upstream {
    Upstream::behaving(|request, stream| {
        if request.contains("upgrade: websocket") {
            let _ = stream.write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            );
            let mut buffer = [0; 1024];
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                let _ = stream.write_all(&buffer[..read]);
            }
        } else if request.starts_with("GET /endless") {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n");
            let _ = stream.read(&mut [0; 1]);
        } else {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
        }
    })
}

/// Requests, and what their answers contain.
pub(crate) const AT_REST: (&str, &str) = ("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", "hello");
pub(crate) const ENDLESS: (&str, &str) =
    ("GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n", "begin");
pub(crate) const WEBSOCKET: (&str, &str) = (
    "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\norigin: https://localhost\r\n\r\n",
    "101 Switching Protocols",
);

/// A curl that has begun to receive an endless answer over HTTP/2.
pub(crate) fn http2_endless(stage: &Stage, gate: SocketAddr, name: &str) -> Child {
    let mut child = Command::new("curl")
        .args(["--silent", "--no-buffer", "--http2", "--include", "--max-time", "30"])
        .args(["--noproxy", "*"])
        .arg("--cacert")
        .arg(stage.path("trusted.crt"))
        .arg("--cert")
        .arg(stage.path(&format!("{name}.crt")))
        .arg("--key")
        .arg(stage.path(&format!("{name}.pem")))
        .arg(format!("https://localhost:{}/endless", gate.port()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl: install the Debian package curl");
    let mut text = String::new();
    let out = child.stdout.as_mut().unwrap();
    while !text.contains("begin") {
        let mut buffer = [0; 256];
        let read = out.read(&mut buffer).unwrap();
        assert!(read > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(text.starts_with("HTTP/2 200"), "{text}");
    child
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = monotonic() + PATIENCE;
    while !holds() {
        assert!(monotonic() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Modes of the keys people leave lying about.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A visitor's program: one TLS configuration, whose tickets it keeps from visit to visit.
#[derive(Clone)]
pub(crate) struct Visitor {
    config: Arc<rustls::ClientConfig>,
    address: SocketAddr,
}

pub(crate) type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

impl Visitor {
    /// A visitor of a gate who trusts its CA and shows a chain (PEM, leaf first) with its key.
    pub(crate) fn new(
        stage: &Stage,
        gate: &Gate,
        identity: &Identity,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Self {
        Self::of(&stage.authority.pem, gate.address, identity, version)
    }

    /// The same for a gate at an address.
    pub(crate) fn to(
        stage: &Stage,
        address: SocketAddr,
        identity: &Identity,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Self {
        Self::of(&stage.authority.pem, address, identity, version)
    }

    /// The same for a gate of which no more is known than its CA and its address.
    pub(crate) fn of(
        authority: &str,
        address: SocketAddr,
        identity: &Identity,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Self {
        use rustls_pki_types::pem::PemObject;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate(authority)).unwrap();
        let chain =
            rustls_pki_types::CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
                .collect::<Result<Vec<_>, _>>()
                .unwrap();
        let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        // Unchecked, so that a visitor can show anything.
        let shown = rustls::sign::CertifiedKey::new(chain, key);
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
        Self { config: Arc::new(config), address }
    }

    /// A visitor who shows no certificate.
    pub(crate) fn nobody(
        stage: &Stage,
        gate: &Gate,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Self {
        let identity = stage.authority.issue(&Leaf::client("unused", 99));
        let mut visitor = Self::new(stage, gate, &identity, version);
        visitor.config().client_auth_cert_resolver = Arc::new(NoCertificate);
        visitor
    }

    /// The same program, tickets and all, at another gate.
    pub(crate) fn at(&self, gate: &Gate) -> Self {
        self.at_address(gate.address)
    }

    /// The same at an address.
    pub(crate) fn at_address(&self, address: SocketAddr) -> Self {
        Self { config: Arc::clone(&self.config), address }
    }

    /// Its configuration, before the first visit.
    pub(crate) fn config(&mut self) -> &mut rustls::ClientConfig {
        Arc::get_mut(&mut self.config).unwrap()
    }

    pub(crate) fn connect(&self) -> Tls {
        self.connect_as("localhost")
    }

    /// Connects to the gate under another of its names.
    pub(crate) fn connect_as(&self, name: &str) -> Tls {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let name = name.to_owned().try_into().unwrap();
        let connection = rustls::ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        rustls::StreamOwned::new(connection, stream)
    }

    /// Sends `GET /` and reads until the gate closes. The answer, or why there is none.
    pub(crate) fn visit(&self) -> Result<Visited, rustls::Error> {
        self.send("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    }

    /// Sends octets and reads until the gate closes.
    pub(crate) fn send(&self, request: &str) -> Result<Visited, rustls::Error> {
        let mut stream = self.connect();
        let sent = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let read = sent.and_then(|()| read_to_close(&mut stream, &mut answer));
        if let Err(error) = read {
            let tls = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
            return Err(tls.cloned().unwrap_or_else(|| panic!("{error}")));
        }
        Ok(Visited {
            answer: String::from_utf8_lossy(&answer).into_owned(),
            resumed: stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed),
            group: stream.conn.negotiated_key_exchange_group().map(|group| group.name()),
        })
    }
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// A visit that was let in.
#[derive(Debug)]
pub(crate) struct Visited {
    pub(crate) answer: String,
    pub(crate) resumed: bool,
    pub(crate) group: Option<rustls::NamedGroup>,
}

/// Reads until the other side closes, with or without a goodbye.
pub(crate) fn read_to_close(stream: &mut Tls, answer: &mut Vec<u8>) -> std::io::Result<()> {
    match stream.read_to_end(answer) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(()),
        other => other.map(|_| ()),
    }
}

/// Reads until the text so far contains a part.
pub(crate) fn read_until(stream: &mut Tls, part: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while !text.contains(part) {
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..read])),
            other => panic!("{other:?} after {text:?}"),
        }
    }
    text
}

/// Whether the other side closes within a bound.
pub(crate) fn is_closed_within(stream: &mut Tls, bound: Duration) -> bool {
    stream.sock.set_read_timeout(Some(bound)).unwrap();
    let mut rest = Vec::new();
    match read_to_close(stream, &mut rest) {
        Ok(()) => true,
        Err(error) => {
            !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        }
    }
}

pub(crate) fn certificate(pem: &str) -> rustls_pki_types::CertificateDer<'static> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

pub(crate) static BOTH_VERSIONS: [&rustls::SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];
