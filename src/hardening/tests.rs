//! Each layer, tried from inside: the test program runs itself once more, confines that process, and
//! does there what an intruder would.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use serde::{Deserialize, Serialize};

use super::system_calls::{alarms, was_killed_by_filter};
use super::{
    Confinement, Layer, LayerReport, MissingLayer, Reason, Role, Standing, Terms, confine,
};

const ROLES: [Role; 4] = [Role::Supervisor, Role::Authority, Role::Gate, Role::Publisher];

/// What the process is to be, and to try.
#[derive(Serialize, Deserialize)]
struct Task {
    role: Role,
    terms: Terms,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    tries: Vec<Try>,
}

#[derive(Serialize, Deserialize, Clone)]
enum Try {
    /// The lines of `/proc/self/status`.
    Status,
    Read(PathBuf),
    Write(PathBuf),
    Execute(PathBuf),
    /// A system call with these arguments.
    Call(i64, [i64; 3]),
    StartThread,
    /// Whether other processes may read the memory.
    Dumpable,
    /// Sends a listening socket out to a port, past `connect`.
    FastOpen(u16),
}

/// What came of it.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
enum Outcome {
    Confined(Vec<LayerReport>),
    NotConfined(Layer, Reason),
    Done(String),
    Failed(i32),
}

#[test]
fn every_layer_is_in_force() {
    for role in ROLES {
        let (outcomes, _) = run(&task(role, &[Try::Status]));
        let Outcome::Confined(layers) = &outcomes[0] else { panic!("{outcomes:?}") };
        for layer in Layer::REQUIRED {
            let standing = layers.iter().find(|report| report.layer == layer);
            match standing.map(|report| report.standing) {
                Some(Standing::InForce) => {}
                // The tests have one user.
                Some(Standing::Missing(_)) | None if layer == Layer::SeparateUids => {}
                other => panic!("{role:?} {layer:?}: {other:?}"),
            }
        }
        let Outcome::Done(status) = &outcomes[1] else { panic!("{outcomes:?}") };
        let kept = if role == Role::Supervisor && is_root() { SUPERVISOR } else { 0 };
        let line = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
            line.unwrap_or_else(|| panic!("no {name} in {status}")).to_owned()
        };
        assert_eq!(line("NoNewPrivs"), "1", "{role:?}");
        assert_eq!(line("Seccomp"), "2", "{role:?}");
        assert_eq!(line("CapEff"), format!("{kept:016x}"), "{role:?}");
        assert_eq!(line("CapPrm"), format!("{kept:016x}"), "{role:?}");
        for set in ["CapInh", "CapAmb"] {
            assert_eq!(line(set), format!("{:016x}", 0), "{role:?} {set}");
        }
        if is_root() {
            assert_eq!(line("CapBnd"), format!("{:016x}", 0), "{role:?}");
        }
    }
}

#[test]
fn a_role_starts_without_a_layer_only_where_it_was_named() {
    let mut task = task(Role::Gate, &[]);
    task.terms.accept_missing.clear();
    task.terms.other_users = BTreeSet::from([rustix::process::getuid().as_raw()]);
    let uid = rustix::process::getuid().as_raw();
    let reason = if is_root() { Reason::Root } else { Reason::SharedUser { uid } };
    let (outcomes, _) = run(&task);
    assert_eq!(outcomes, [Outcome::NotConfined(Layer::SeparateUids, reason)]);
    task.terms.accept_missing = BTreeSet::from([Layer::SeparateUids]);
    let (outcomes, _) = run(&task);
    let Outcome::Confined(layers) = &outcomes[0] else { panic!("{outcomes:?}") };
    let missing = Standing::Missing(reason);
    assert!(layers.contains(&LayerReport { layer: Layer::SeparateUids, standing: missing }));
}

#[test]
fn a_gate_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    for abi in [None, Some(1)] {
        let tries = [
            Try::Read("/etc/passwd".into()),
            Try::Read("/proc/self/maps".into()),
            Try::Write(file.clone()),
        ];
        let mut task = task(Role::Gate, &tries);
        task.terms.landlock_abi = abi;
        let (outcomes, _) = run(&task);
        assert_eq!(outcomes[1..], [libc::EPERM, libc::EPERM, libc::EPERM].map(Outcome::Failed));
    }
}

#[test]
fn an_authority_reaches_its_folder_and_nothing_else() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, foreign) = (own.path().join("mine"), other.path().join("foreign"));
    std::fs::File::create(&foreign).unwrap();
    for abi in [None, Some(1)] {
        let tries = [
            Try::Write(mine.clone()),
            Try::Read(mine.clone()),
            Try::Read(foreign.clone()),
            Try::Write(other.path().join("new")),
            Try::Read("/etc/passwd".into()),
            Try::Read("/proc/self/maps".into()),
        ];
        let mut task = task(Role::Authority, &tries);
        task.write = vec![own.path().to_owned()];
        task.terms.landlock_abi = abi;
        let (outcomes, _) = run(&task);
        let done = || Outcome::Done(String::new());
        let denied = || Outcome::Failed(libc::EACCES);
        let expected = [done(), done(), denied(), denied(), denied(), denied()];
        assert_eq!(outcomes[1..], expected, "ABI {abi:?}");
        let Outcome::Confined(layers) = &outcomes[0] else { panic!("{outcomes:?}") };
        let network = layers.iter().find(|report| report.layer == Layer::LandlockNetwork).unwrap();
        if abi == Some(1) {
            assert_eq!(network.standing, Standing::Missing(Reason::Unsupported));
        }
    }
}

#[test]
fn a_supervisor_writes_and_runs_only_what_it_must() {
    let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tries = [
        Try::Write(own.path().join("new")),
        Try::Write(other.path().join("new")),
        Try::Dumpable,
        Try::Execute("/bin/true".into()),
    ];
    let mut task = task(Role::Supervisor, &tries);
    task.write = vec![own.path().to_owned()];
    let (outcomes, status) = run(&task);
    let expected = [
        Outcome::Done(String::new()),
        Outcome::Failed(libc::EACCES),
        Outcome::Done("NotDumpable".to_owned()),
        Outcome::Failed(libc::EACCES),
    ];
    assert_eq!(outcomes[1..], expected);
    assert!(status.success());
}

#[test]
fn what_only_an_intruder_calls_ends_the_process() {
    for role in ROLES {
        for call in alarms(role) {
            // A gate meets every alarm there is; of the others, the few that each has alone.
            if role != Role::Gate && call % 4 != 0 {
                continue;
            }
            let (outcomes, status) = run(&task(role, &[Try::Call(call, [0; 3])]));
            assert_eq!(outcomes.len(), 1, "{role:?} lives on after {call}: {outcomes:?}");
            assert!(was_killed_by_filter(status), "{role:?} after {call}: {status:?}");
        }
    }
    let (_, status) = run(&task(Role::Gate, &[Try::Execute("/bin/true".into())]));
    assert!(was_killed_by_filter(status), "{status:?}");
}

#[test]
fn what_no_role_needs_fails_and_the_process_lives() {
    let (prot_none, exec) = (0, i64::from(libc::PROT_READ | libc::PROT_EXEC));
    let parent = i64::from(rustix::process::getpid().as_raw_nonzero().get());
    for role in [Role::Authority, Role::Gate, Role::Publisher] {
        let tries = [
            Try::Call(libc::SYS_mmap, [0, 4096, exec]),
            Try::Call(libc::SYS_mprotect, [0, 4096, exec]),
            Try::Call(libc::SYS_mprotect, [0, 0, prot_none]),
            Try::Call(libc::SYS_clone, [i64::from(libc::SIGCHLD), 0, 0]),
            Try::Call(libc::SYS_clone3, [0, 0, 0]),
            Try::Call(libc::SYS_kill, [parent, 0, 0]),
            Try::Call(libc::SYS_tgkill, [parent, parent, 0]),
            Try::Call(libc::SYS_prctl, [i64::from(libc::PR_SET_DUMPABLE), 1, 0]),
            Try::Call(libc::SYS_ioctl, [2, i64::try_from(libc::TIOCSTI).unwrap(), 0]),
            Try::Call(libc::SYS_seccomp, [0, 0, 0]),
            Try::StartThread,
        ];
        let (outcomes, status) = run(&task(role, &tries));
        let refused = || Outcome::Failed(libc::EPERM);
        let expected = [
            refused(),
            refused(),
            Outcome::Done("0".to_owned()),
            refused(),
            Outcome::Failed(libc::ENOSYS),
            refused(),
            refused(),
            refused(),
            refused(),
            refused(),
            Outcome::Done(String::new()),
        ];
        assert_eq!(outcomes[1..], expected, "{role:?}");
        assert!(status.success(), "{role:?}: {status:?}");
    }
}

// Catches a captured role that takes another process's descriptors or memory away by its limits, or has
// the kernel send signals for it (`F_SETOWN`, and the two that belong to it).
#[test]
fn a_role_limits_itself_only_and_makes_nobody_send_signals() {
    let (parent, files) = (rustix::process::getpid().as_raw_nonzero().get(), 7);
    let parent = i64::from(parent);
    let fcntl = |command: i32| Try::Call(libc::SYS_fcntl, [0, i64::from(command), parent]);
    for role in ROLES {
        let tries = [
            Try::Call(libc::SYS_prlimit64, [parent, files, 0]),
            Try::Call(libc::SYS_prlimit64, [0, files, 0]),
            fcntl(libc::F_SETOWN),
            fcntl(F_SETSIG),
            fcntl(libc::F_SETLEASE),
            fcntl(libc::F_SETPIPE_SZ),
            fcntl(libc::F_GETFD),
        ];
        let (outcomes, status) = run(&task(role, &tries));
        let refused = || Outcome::Failed(libc::EPERM);
        let (done, is_open) = (Outcome::Done("0".to_owned()), Outcome::Done("0".to_owned()));
        let expected = [refused(), done, refused(), refused(), refused(), refused(), is_open];
        assert_eq!(outcomes[1..], expected, "{role:?}");
        assert!(status.success(), "{role:?}: {status:?}");
    }
}

// Catches a captured gate that makes whoever closes a socket last wait as long as it likes: the
// supervisor, which has a copy of each.
#[test]
fn a_role_sets_no_option_of_a_socket_that_makes_others_wait() {
    let set = |level: i32, name: i32| {
        Try::Call(libc::SYS_setsockopt, [-1, i64::from(level), i64::from(name)])
    };
    for role in [Role::Authority, Role::Gate, Role::Publisher] {
        let tries = [
            set(libc::SOL_SOCKET, libc::SO_LINGER),
            set(libc::SOL_SOCKET, libc::SO_MAX_PACING_RATE),
            set(libc::SOL_SOCKET, libc::SO_ATTACH_FILTER),
            set(libc::SOL_SOCKET, libc::TCP_CORK),
            set(libc::IPPROTO_TCP, libc::SO_LINGER),
            set(libc::IPPROTO_TCP, libc::TCP_NODELAY),
            set(libc::SOL_SOCKET, libc::SO_KEEPALIVE),
        ];
        let (outcomes, status) = run(&task(role, &tries));
        let (refused, let_through) = (Outcome::Failed(libc::EPERM), Outcome::Failed(libc::EBADF));
        for (place, outcome) in outcomes[1..].iter().enumerate() {
            let expected = if place < 5 { &refused } else { &let_through };
            assert_eq!(outcome, expected, "{role:?} {place}");
        }
        assert!(status.success(), "{role:?}: {status:?}");
    }
}

// Catches sockets that reach somebody without `connect`: datagrams go to any socket by its path, to the
// service manager's or the log's, say.
#[test]
fn the_sockets_a_role_makes_are_streams_between_processes() {
    let pairs = |kind: i32, domain: i32| {
        Try::Call(libc::SYS_socketpair, [i64::from(domain), i64::from(kind), 0])
    };
    let one = |kind: i32, domain: i32| {
        Try::Call(libc::SYS_socket, [i64::from(domain), i64::from(kind), 0])
    };
    let kinds = |make: &dyn Fn(i32, i32) -> Try| {
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        vec![
            make(libc::SOCK_DGRAM, libc::AF_UNIX),
            make(libc::SOCK_DGRAM | flags, libc::AF_UNIX),
            make(libc::SOCK_SEQPACKET, libc::AF_UNIX),
            make(libc::SOCK_RAW, libc::AF_UNIX),
            make(libc::SOCK_STREAM, libc::AF_INET),
            make(libc::SOCK_DGRAM, libc::AF_INET6),
            make(libc::SOCK_RAW, libc::AF_NETLINK),
            make(libc::SOCK_STREAM, libc::AF_VSOCK),
            make(libc::SOCK_STREAM | flags, libc::AF_UNIX),
        ]
    };
    for (role, tries) in [
        (Role::Gate, kinds(&pairs)),
        (Role::Publisher, kinds(&pairs)),
        (Role::Authority, kinds(&one)),
    ] {
        let (outcomes, _) = run(&task(role, &tries));
        let (last, others) = outcomes[1..].split_last().unwrap();
        let refused = others.iter().all(|outcome| *outcome == Outcome::Failed(libc::EPERM));
        assert!(refused && others.len() == 8, "{role:?}: {outcomes:?}");
        // The kernel gets to see that one: there is no place for the two descriptors.
        let may = matches!(last, Outcome::Done(_) | Outcome::Failed(libc::EFAULT));
        assert!(may, "{role:?}: {outcomes:?}");
    }
    // The authority has no use for pairs.
    let (outcomes, _) = run(&task(Role::Authority, &[pairs(libc::SOCK_STREAM, libc::AF_UNIX)]));
    assert_eq!(outcomes[1], Outcome::Failed(libc::EPERM));
}

// Catches a captured gate or publisher that hands descriptors to its supervisor: closing a socket may
// take as long as whoever made it likes (SO_LINGER), and would keep all other gates waiting.
#[test]
fn a_role_that_strangers_reach_sends_no_descriptors() {
    for (role, expected) in [
        (Role::Gate, libc::EPERM),
        (Role::Publisher, libc::EPERM),
        (Role::Authority, libc::ENOTSOCK),
    ] {
        let sendmmsg = Outcome::Failed(libc::EPERM);
        let tries =
            [Try::Call(libc::SYS_sendmsg, [0, 0, 0]), Try::Call(libc::SYS_sendmmsg, [0, 0, 0])];
        let (outcomes, _) = run(&task(role, &tries));
        assert_eq!(outcomes[1..], [Outcome::Failed(expected), sendmmsg], "{role:?}");
    }
}

#[test]
fn a_listening_socket_cannot_be_sent_out() {
    let target = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    target.set_nonblocking(true).unwrap();
    for role in [Role::Authority, Role::Gate, Role::Publisher] {
        let port = target.local_addr().unwrap().port();
        let (outcomes, _) = run(&task(role, &[Try::FastOpen(port)]));
        assert_eq!(outcomes[1], Outcome::Failed(libc::EPERM), "{role:?}");
        assert!(target.accept().is_err(), "{role:?} has connected");
    }
}

#[test]
fn a_user_of_its_own_is_one_that_nobody_else_has() {
    if !is_root() {
        return;
    }
    let mut task = task(Role::Gate, &[]);
    task.terms.accept_missing.clear();
    for (others, separate) in [(BTreeSet::from([1234]), true), (BTreeSet::from([65_534]), false)] {
        task.terms.other_users = others;
        let (outcomes, _) = run_as(&task, Some(65_534));
        assert_eq!(matches!(outcomes[0], Outcome::Confined(_)), separate, "{outcomes:?}");
    }
}

#[test]
fn nobody_inherits_what_was_left_open() {
    let flags = rustix::fs::OFlags::RDONLY;
    let left_open = rustix::fs::open("/dev/null", flags, rustix::fs::Mode::empty()).unwrap();
    assert!(!rustix::io::fcntl_getfd(&left_open).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    super::keep_descriptors().unwrap();
    let flags = rustix::io::fcntl_getfd(&left_open).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}

/// Not a test by itself: the others start it in a process of its own, with its task on standard input.
#[test]
fn inside() {
    if !std::env::args().any(|word| word == "--exact") {
        return;
    }
    let mut task = String::new();
    std::io::stdin().read_to_string(&mut task).unwrap();
    let Ok(task) = serde_json::from_str::<Task>(&task) else { return };
    let mut status = std::fs::File::open("/proc/thread-self/status").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let Task { role, terms, read, write, tries } = task;
    match confine(&Confinement { role, read, write, terms }) {
        Ok(layers) => tell(&Outcome::Confined(layers)),
        Err(MissingLayer { layer, reason, .. }) => {
            return tell(&Outcome::NotConfined(layer, reason));
        }
    }
    for one in tries {
        tell(&attempt(&one, &mut status, &listener));
    }
}

fn attempt(one: &Try, status: &mut std::fs::File, listener: &std::net::TcpListener) -> Outcome {
    let outcome = |done: std::io::Result<String>| match done {
        Ok(text) => Outcome::Done(text),
        Err(error) => Outcome::Failed(error.raw_os_error().unwrap_or(-1)),
    };
    match one {
        Try::Status => {
            let mut text = String::new();
            outcome(status.read_to_string(&mut text).map(|_| text))
        }
        Try::Read(path) => outcome(std::fs::File::open(path).map(|_| String::new())),
        Try::Write(path) => outcome(std::fs::File::create(path).map(|_| String::new())),
        // The same process becomes another program: no clone stands before it.
        Try::Execute(path) => outcome(Err(Command::new(path).exec())),
        Try::Call(number, [one, two, three]) => {
            outcome(call(*number, [*one, *two, *three, 0, 0, 0]))
        }
        Try::StartThread => {
            let thread = std::thread::Builder::new().spawn(|| ());
            outcome(thread.map(|thread| thread.join().map(|()| String::new()).unwrap()))
        }
        Try::Dumpable => {
            outcome(Ok(format!("{:?}", rustix::process::dumpable_behavior().unwrap())))
        }
        Try::FastOpen(port) => {
            rustix::net::shutdown(listener, rustix::net::Shutdown::Both).unwrap();
            let target = std::net::SocketAddr::from(([127, 0, 0, 1], *port));
            let flags = rustix::net::SendFlags::from_bits_retain(libc::MSG_FASTOPEN.unsigned_abs());
            let sent = rustix::net::sendto(listener, b"out", flags, &target);
            outcome(sent.map(|_| String::new()).map_err(Into::into))
        }
    }
}

#[allow(unsafe_code, reason = "an intruder makes any call")]
fn call(number: i64, arguments: [i64; 6]) -> std::io::Result<String> {
    let [one, two, three, four, five, six] = arguments;
    // SAFETY: the calls that are tried either fail before they look at their arguments, or have none
    // that names memory in use.
    let done = unsafe { libc::syscall(number, one, two, three, four, five, six) };
    if done < 0 { Err(std::io::Error::last_os_error()) } else { Ok(done.to_string()) }
}

/// Says what came of something, at once: the next may end the process.
fn tell(outcome: &Outcome) {
    let line = format!("\n{MARK}{}\n", serde_json::to_string(outcome).unwrap());
    let mut output = std::io::stdout();
    output.write_all(line.as_bytes()).unwrap();
    output.flush().unwrap();
}

/// CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE (capability.h).
const SUPERVISOR: u64 = 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10;

/// Of `asm-generic/fcntl.h`: which signal is sent.
const F_SETSIG: i32 = 10;

/// What a line of ours begins with.
const MARK: &str = "outcome: ";

fn task(role: Role, tries: &[Try]) -> Task {
    let terms = Terms { accept_missing: BTreeSet::from([Layer::SeparateUids]), ..Terms::default() };
    Task { role, terms, read: Vec::new(), write: Vec::new(), tries: tries.to_vec() }
}

fn run(task: &Task) -> (Vec<Outcome>, ExitStatus) {
    run_as(task, None)
}

fn run_as(task: &Task, user: Option<u32>) -> (Vec<Outcome>, ExitStatus) {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", "--nocapture", "hardening::tests::inside"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(user) = user {
        command.uid(user);
    }
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(task).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix(MARK));
    (lines.map(|line| serde_json::from_str(line).unwrap()).collect(), output.status)
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}
