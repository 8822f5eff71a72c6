//! An intruder who runs what they like inside a gate: this program plays the service, and its gates,
//! once they are confined as every gate is, do what an intruder would. I10, I27.
//!
//! A gate serves as it should in its first life. It is killed then, and attacks in the next, in the way
//! its name says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    reason = "a test that cannot set its stage fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/harness.rs"]
mod harness;

use std::io::{BufRead, BufReader, Write};
use std::mem::MaybeUninit;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use desk::Desk;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use sekisho::door::command::Request;
use sekisho::door::feed::{Acknowledgement, Answer};
use sekisho::door::frame::{self, FEED_LIMIT, PROTOCOL};
use sekisho::door::opening::{self, Opening, Order};
use sekisho::gate::process::{ConfinedGate, FromGate};
use sekisho::ground::clock;
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::SerialNumber;
use sekisho::vault::{SealedVault, SlotSecret};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(90);

/// What an intruder tries, by the name of the gate, and a part of what the log must say of it.
const ATTACKS: &[(&str, &str)] = &[
    ("open-vault", "attack open-vault failed: "),
    ("open-anything", "attack open-anything failed: "),
    ("read-memory", "attack read-memory failed: "),
    ("start-process", "attack start-process failed: "),
    ("signal", "attack signal failed: "),
    ("send-descriptor", "attack send-descriptor failed: "),
    ("connect-out", KILLED),
    ("connect-control", KILLED),
    ("listen", KILLED),
    ("execute", KILLED),
    ("trace", KILLED),
    ("ask-for-signature", "it sent what is no message of a gate"),
    ("malformed", "it sent what is no message of a gate"),
    ("oversized", "it sent what is no message of a gate"),
    ("speak-for-another", "it said what a gate may not say"),
    ("speak-for-supervisor", "it said what a gate may not say"),
    ("begin-twice", "it began twice"),
    ("dial-nonsense", "it asked for what it may not"),
];

const KILLED: &str = "it called what only an intruder would";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("gate") => gate(),
        Some("serve" | "authority" | "publisher") => sekisho::cli::run(),
        _ => tests(),
    }
}

// ---- the intruder ----

fn gate() -> ExitCode {
    let input = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let Ok(Order::Serve(Opening { messages, descriptors, .. })) = opening::receive(input) else {
        return ExitCode::FAILURE;
    };
    // Before the confinement, which would not let us look.
    let attacks = Path::new("attack").exists();
    let authority = std::fs::read_to_string("attack").unwrap_or_default();
    let mut raw = messages.try_clone().unwrap();
    let gate = ConfinedGate::begin(messages).unwrap();
    let name = gate.name().to_owned();
    if attacks && let Some(error) = attack(&name, authority.trim(), &mut raw, &descriptors, &gate) {
        // In one piece: others write here, too.
        let line = format!("attack {name} failed: {error}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
    match gate.serve(descriptors) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Attacks; why it failed, where it is known here.
fn attack(
    name: &str,
    authority: &str,
    messages: &mut UnixStream,
    channel: &OwnedFd,
    gate: &ConfinedGate,
) -> Option<std::io::Error> {
    let begin = |messages: &mut UnixStream| {
        let ready = FromGate::Ready { layers: gate.layers().to_vec() };
        frame::write(messages, &ready, FEED_LIMIT).unwrap();
    };
    let answer = |messages: &mut UnixStream, answer| {
        frame::write(messages, &FromGate::Answer(answer), FEED_LIMIT).unwrap();
    };
    // The supervisor ends it.
    let forever = || loop {
        std::thread::sleep(Duration::from_secs(1));
    };
    let failed = match name {
        "open-vault" => std::fs::File::open("ca/authority/vault").err(),
        "open-anything" => std::fs::File::open("/etc/hostname").err(),
        "read-memory" => std::fs::File::open(format!("/proc/{authority}/mem")).err(),
        "start-process" => Command::new("/bin/true").spawn().err(),
        "signal" => {
            let process = rustix::process::Pid::from_raw(authority.parse().unwrap()).unwrap();
            let sent = rustix::process::kill_process(process, rustix::process::Signal::KILL);
            sent.err().map(Into::into)
        }
        "send-descriptor" => {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            let input = std::io::stdin();
            let carried = [input.as_fd()];
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&carried)));
            let octets = [std::io::IoSlice::new(&[1])];
            let sent = sendmsg(messages, &octets, &mut ancillary, SendFlags::empty());
            sent.err().map(Into::into)
        }
        "connect-out" => TcpStream::connect(("127.0.0.1", 9)).err(),
        "connect-control" => UnixStream::connect("ca/control.sock").err(),
        "listen" => TcpListener::bind(("127.0.0.1", 0)).err(),
        "execute" => Some(Command::new("/bin/true").exec()),
        "trace" => trace(authority.parse().unwrap()),
        "ask-for-signature" => {
            begin(messages);
            let request = Request {
                actor: "uid:0".to_owned(),
                idempotency: [0; 16],
                command: sekisho::door::command::Command::SignCrl { days: 3650 },
            };
            frame::write(messages, &request, FEED_LIMIT).unwrap();
            forever()
        }
        "malformed" => {
            begin(messages);
            let octets = [0xff; 32];
            let header = [32_u32.to_be_bytes().as_slice(), &PROTOCOL.to_be_bytes()].concat();
            messages.write_all(&[header.as_slice(), &octets].concat()).unwrap();
            forever()
        }
        "oversized" => {
            begin(messages);
            let header = [u32::MAX.to_be_bytes().as_slice(), &PROTOCOL.to_be_bytes()].concat();
            messages.write_all(&header).unwrap();
            forever()
        }
        "speak-for-another" => {
            begin(messages);
            answer(
                messages,
                Answer::Acknowledged(Acknowledgement {
                    gate: "open-vault".to_owned(),
                    epoch: u64::MAX,
                    enforced: true,
                    cut: 0,
                    microseconds: 0,
                    left: 0,
                }),
            );
            forever()
        }
        "speak-for-supervisor" => {
            begin(messages);
            answer(messages, Answer::TellAgain);
            forever()
        }
        "begin-twice" => {
            begin(messages);
            begin(messages);
            forever()
        }
        "dial-nonsense" => {
            begin(messages);
            rustix::net::send(channel, &[0xff; 40], SendFlags::empty()).unwrap();
            forever()
        }
        _ => return None,
    };
    Some(failed.unwrap_or_else(|| std::io::Error::other("it did NOT fail")))
}

#[allow(unsafe_code, reason = "no crate here traces processes")]
fn trace(process: i32) -> Option<std::io::Error> {
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: attaching reads no memory of ours; the addresses are not looked at (ptrace(2)).
    let traced = unsafe { libc::ptrace(libc::PTRACE_ATTACH, process, nothing, nothing) };
    (traced < 0).then(std::io::Error::last_os_error)
}

// ---- the tests ----

fn tests() -> ExitCode {
    harness::run(&[
        ("an_intruder_in_a_gate_gets_nothing_and_is_reported", || intruder(&[])),
        ("nor_with_the_oldest_landlock", || intruder(&["--landlock-abi", "1"])),
        ("the_users_of_the_roles_give_no_commands", no_commands),
        ("no_memory_but_the_open_authoritys_holds_a_secret", memories),
    ])
}

fn intruder(options: &[&str]) {
    let stage = Stage::start(options);
    let authority = stage.one_child("authority");
    let gates = stage.children("gate");
    assert_eq!(gates.len(), ATTACKS.len());
    stage.desk.write("attack", authority.to_string());
    let attack = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(stage.desk.path("attack"), attack).unwrap();
    for gate in gates {
        send(gate, rustix::process::Signal::KILL);
    }
    for (name, expected) in ATTACKS {
        stage.wait_for(|line| line.contains(expected) && line.contains(name), name);
    }
    let log = stage.log();
    assert!(!log.contains("did NOT fail"), "{log}");
    // What it was for lives on, and nothing was signed.
    assert_eq!(stage.one_child("authority"), authority, "{log}");
    let certificates = stage.desk.json(&["list"]);
    assert!(certificates.to_string().contains("Sekisho CA"), "{certificates}");
    let status = stage.desk.ca(&["status", "--json"]);
    assert!(status.out.contains("\"number\":1"), "a list was signed: {status:?}");
}

/// By its user alone, without the filter of its system calls.
fn no_commands() {
    if !rustix::process::geteuid().is_root() {
        // The roles are one user then, who started the service and may give commands.
        return;
    }
    let stage = Stage::with_gates(&ATTACKS[..1], &[]);
    for role in ["authority", "gate", "publisher"] {
        let user = user_of(stage.children(role)[0]);
        assert_ne!(user, 0, "{role}");
        let mut command = stage.desk.command(desk::SEKISHO);
        command.args(["seal", "--dir", desk::text(&stage.desk.path("ca")), "--lang", "en"]);
        let ran = desk::finish({
            command.uid(user);
            command
        });
        assert_eq!(ran.code, Some(1), "{role}: {ran:?}");
        if role == "authority" {
            // Whose folder it is gets to the socket, and is told no.
            assert!(ran.error.contains("takes no commands from this user"), "{ran:?}");
        }
    }
    stage.wait_for(|line| line.contains("no administrator was refused"), "the refusal");
    let status = stage.desk.ca(&["status", "--json"]);
    assert!(status.out.contains("\"unsealed\":true"), "{status:?}");
}

/// What root finds in the memory of the processes. What the kernel itself cannot map (memfd_secret) is
/// not found even in the authority's.
fn memories() {
    assert!(rustix::process::geteuid().is_root(), "only root reads the memory of others");
    let desk = Arc::new(Stage::desk());
    // Made now: what is written here would lie in the memory of every process of this program.
    let passphrase = SerialNumber::generate(7).unwrap().to_string();
    let new = [("--new-passphrase-file", desk.write("passphrase", &passphrase))];
    let keys = [("--key-file", desk.path("vault.key")), ("--new-key-file", desk.path("new.key"))];
    let mut words = vec!["vault", "passwd"];
    words.extend(new.iter().chain(&keys).flat_map(|(option, path)| [*option, desk::text(path)]));
    desk.ca(&words).success();
    std::fs::rename(desk.path("new.key"), desk.path("vault.key")).unwrap();

    let stage = Stage::over(Arc::clone(&desk), &ATTACKS[..1], &[]);
    let mut secrets = secrets_of(&desk);
    secrets.push(("the passphrase", passphrase.into_bytes()));
    let authority = stage.one_child("authority");
    // Not what opened the vault, and not what lies where the kernel cannot look.
    let only_the_keys_of_the_ca = |authority: i32| {
        let own = in_memory(authority, &secrets);
        assert!(own.contains(&"the CA's key"), "the search finds nothing: {own:?}");
        for opens in ["the key file", "the passphrase"] {
            assert!(!own.contains(&opens), "the authority holds {opens}");
        }
    };
    only_the_keys_of_the_ca(authority);
    let nobody_else_has_any = |processes: &[i32]| have_none(&stage, &secrets, processes);
    let supervisor = i32::try_from(stage.service.id()).unwrap();
    let others = [vec![supervisor], stage.children("gate"), stage.children("publisher")].concat();
    nobody_else_has_any(&others);

    stage.desk.ca(&["seal"]).success();
    stage.wait_for(|line| line.contains("started again, sealed"), "the sealed authority");
    let deadline = clock::monotonic() + PATIENCE;
    while stage.children("authority").iter().all(|process| *process == authority) {
        assert!(clock::monotonic() < deadline, "{}", stage.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let authority = stage.one_child("authority");
    nobody_else_has_any(&[others.clone(), vec![authority]].concat());

    stage.desk.ca(&["unseal"]).success();
    only_the_keys_of_the_ca(authority);
    nobody_else_has_any(&others);
    drop(stage);

    // Given at the start, it passes through the supervisor.
    let file = desk.path("passphrase");
    let stage = Stage::over(desk, &ATTACKS[..1], &["--passphrase-file", desk::text(&file)]);
    stage.wait_for(|line| line.contains("at work unsealed=true"), "the open vault");
    only_the_keys_of_the_ca(stage.one_child("authority"));
    let supervisor = i32::try_from(stage.service.id()).unwrap();
    have_none(&stage, &secrets, &[vec![supervisor], stage.children("gate")].concat());
}

fn have_none(stage: &Stage, secrets: &[(&'static str, Vec<u8>)], processes: &[i32]) {
    for process in processes {
        assert_eq!(in_memory(*process, secrets), [""; 0], "{process}\n{}", stage.log());
    }
}

/// The secrets of the vault, by name, as they lie in memory.
fn secrets_of(desk: &Desk) -> Vec<(&'static str, Vec<u8>)> {
    let vault = SealedVault::read(&desk.path("ca/authority/vault"));
    // By now it belongs to the authority, and root reads it as a copy.
    let vault = vault.or_else(|_| {
        SealedVault::from_bytes(&std::fs::read(desk.path("ca/authority/vault")).unwrap())
    });
    let key_file = std::fs::read(desk.path("vault.key")).unwrap();
    let secret = SlotSecret::KeyFile(SecretBytes::copy_of(&key_file));
    let vault = vault.unwrap().open(&secret).unwrap();
    let pkcs8 = vault.authority_key(1).unwrap().pkcs8().unwrap();
    // The octet string of 32 octets in an ECPrivateKey (RFC 5915).
    let place = pkcs8.expose().windows(2).position(|pair| pair == [0x04, 0x20]).unwrap();
    let scalar = &pkcs8.expose()[place + 2..place + 34];
    let words: Vec<u8> = scalar.iter().rev().copied().collect();
    let mut secrets = vec![
        ("the CA's key", scalar.to_vec()),
        // As the library holds it, in words.
        ("the CA's key", words),
        ("the key file", key_file.trim_ascii().to_vec()),
    ];
    for (_, key) in vault.ledger_head_keys().unwrap() {
        secrets.push(("the ledger's key", key.expose().to_vec()));
    }
    secrets
}

/// The names of the secrets that a process has in its memory.
fn in_memory(process: i32, secrets: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let (mut piece, zeros) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut found = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).unwrap().starts_with('r')) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut place = start;
        while place < end {
            let length = usize::try_from((end - place).min(PIECE)).unwrap();
            let octets = &mut piece[..length];
            // What cannot be read is the kernel's own.
            let read = memory.read_at(octets, place).unwrap_or(0);
            let octets = &octets[..read];
            let empty = octets == &zeros[..read];
            for (name, secret) in secrets {
                if !empty && !found.contains(name) && holds(octets, secret) {
                    found.push(*name);
                }
            }
            // Pieces overlap by more than a secret is long.
            place += if length as u64 == PIECE { PIECE - 4096 } else { PIECE };
        }
    }
    found
}

/// Octets of memory looked at at a time.
const PIECE: u64 = 1 << 20;

fn holds(octets: &[u8], secret: &[u8]) -> bool {
    let mut rest = octets;
    while rest.skip_until(secret[0]).unwrap() > 0 && !rest.is_empty() {
        if rest.starts_with(&secret[1..]) {
            return true;
        }
    }
    false
}

/// A running service with a gate for every attack.
struct Stage {
    desk: Arc<Desk>,
    service: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    fn start(options: &[&str]) -> Self {
        Self::with_gates(ATTACKS, options)
    }

    fn with_gates(gates: &[(&str, &str)], options: &[&str]) -> Self {
        Self::over(Arc::new(Self::desk()), gates, options)
    }

    /// A CA whose key file lies outside its folder.
    fn desk() -> Desk {
        let desk = Desk::with_key_file();
        std::fs::rename(desk.path("ca/vault.key"), desk.path("vault.key")).unwrap();
        desk
    }

    fn over(desk: Arc<Desk>, gates: &[(&str, &str)], options: &[&str]) -> Self {
        let root = rustix::process::geteuid().is_root();
        let mut text =
            String::from("version = 1\n[authority]\nfolder = \"ca\"\nkey_file = \"vault.key\"\n");
        text += "[publish]\nlisten = \"127.0.0.1:0\"\n";
        if root {
            // The users of the roles must get to what is theirs.
            let open = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(desk.path(""), open).unwrap();
        } else {
            text += "[hardening]\naccept_missing = [\"separate-uids\"]\n";
        }
        for (name, _) in gates {
            text += &format!(
                "[[gate]]\nname = \"{name}\"\nlisten = \"127.0.0.1:0\"\nnames = [\"localhost\"]\n\
                 upstream = \"http://127.0.0.1:9\"\n"
            );
        }
        desk.write("sekisho.toml", &text);
        let mut command = desk.command("/proc/self/exe");
        command.args(["serve", "--config", "sekisho.toml"]).args(options);
        let mut service = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (reader, told) = (BufReader::new(service.stderr.take().unwrap()), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                told.lock().unwrap().push(line);
            }
        });
        let stage = Self { desk, service, lines };
        stage.wait_for(|line| line.contains("the authority is at work"), "the authority");
        stage.wait_for(|line| line.contains("publisher: listening"), "the publisher");
        stage
    }

    fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    fn wait_for(&self, wanted: impl Fn(&str) -> bool, what: &str) {
        let deadline = clock::monotonic() + PATIENCE;
        while !self.lines.lock().unwrap().iter().any(|line| wanted(line)) {
            assert!(clock::monotonic() < deadline, "{what} is missing in:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The processes of a role.
    fn children(&self, role: &str) -> Vec<i32> {
        let mut children = Vec::new();
        for process in std::fs::read_dir("/proc").unwrap().map_while(Result::ok) {
            let Some(id) = process.file_name().to_str().and_then(|id| id.parse::<i32>().ok())
            else {
                continue;
            };
            let read = |file: &str| std::fs::read(process.path().join(file)).unwrap_or_default();
            let stat = String::from_utf8_lossy(&read("stat")).into_owned();
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1));
            let words = read("cmdline");
            let is_role = words.split(|octet| *octet == 0).nth(1) == Some(role.as_bytes());
            if is_role && parent == Some(self.service.id().to_string().as_str()) {
                children.push(id);
            }
        }
        children
    }

    fn one_child(&self, role: &str) -> i32 {
        let children = self.children(role);
        assert_eq!(children.len(), 1, "{role}: {}", self.log());
        children[0]
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
        if std::thread::panicking() {
            eprintln!("--- the service's log ---\n{}", self.log());
        }
    }
}

fn user_of(process: i32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:\t")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn send(process: i32, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_raw(process).unwrap();
    rustix::process::kill_process(process, signal).unwrap();
}
