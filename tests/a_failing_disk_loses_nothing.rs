//! I24: a full disk, and EIO, ENOSPC or SIGKILL at the system calls that make things durable: nothing
//! is half done, the message says what happened, and the next run works. Each run tries a few of a
//! command's calls; `make torture` tries every one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it tried"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/book.rs"]
mod book;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/strace.rs"]
mod strace;
#[path = "support/gate.rs"]
mod support;

use appliance::{Appliance, Client, Configuration};
use book::Book;
use desk::{Desk, is_root, text};
use strace::{Faulted, inject};
use support::endless;

/// What changes a file, or makes its octets or its name durable. Each must be hit in every command
/// that is said to have it: libraries change which calls they make.
const CALLS: [&str; 6] = ["fsync", "fdatasync", "pwrite64", "write", "ftruncate", "openat"];

const ERRORS: [&str; 2] = ["error=EIO", "error=ENOSPC"];

/// Which of a process's calls fails, among those tried in every run: further and further apart.
const PLACES: [u32; 5] = [1, 2, 5, 14, 40];

/// A process has fewer calls of a kind than this.
const FARTHEST: u32 = 1000;

/// Every place in turn, `SEKISHO_TORTURE_FAULTS=1`; or a few, always the same ones.
fn places() -> impl Iterator<Item = u32> {
    let few = PLACES.into_iter().filter(|_| !is_torture());
    few.chain((1..FARTHEST).filter(|_| is_torture()))
}

#[allow(clippy::disallowed_methods, reason = "how much is tried is the tester's word")]
fn is_torture() -> bool {
    std::env::var_os("SEKISHO_TORTURE_FAULTS").is_some()
}

#[test]
fn a_call_that_fails_in_issue_leaves_nothing_half_done() {
    fail_everywhere("issue", &[&CALLS[..], &["linkat"]].concat());
}

#[test]
fn a_call_that_fails_in_revoke_leaves_nothing_half_done() {
    fail_everywhere("revoke", &[&CALLS[..], &["renameat"]].concat());
}

#[test]
fn a_call_that_fails_in_crl_leaves_nothing_half_done() {
    fail_everywhere("crl", &[&CALLS[..], &["linkat", "renameat"]].concat());
}

// Each run stretches a passphrase: the few places are in fewer calls.
#[test]
fn a_call_that_fails_in_backup_leaves_nothing_half_done() {
    let all = [&CALLS[..], &["linkat"]].concat();
    fail_everywhere("backup", if is_torture() { &all } else { &["fsync", "linkat", "write"] });
}

/// Lets one call of a command fail, again and again at another place.
fn fail_everywhere(operation: &str, calls: &[&str]) {
    let desk = Desk::with_key_file();
    std::fs::create_dir(desk.path("backups")).unwrap();
    let mut book = Book::default();
    for call in calls {
        // In a run of few, each call fails in one of the two ways.
        let errors = ERRORS.iter().enumerate();
        let even = call.len() % 2;
        for (_, error) in errors.filter(|(way, _)| is_torture() || *way == even) {
            let mut count = Count::default();
            for place in places() {
                if !fail_once(&desk, &mut book, &mut count, &[operation, call, error], place) {
                    break;
                }
            }
            println!("{operation:<7} {call:<9} {error:<12} {count}");
            assert!(count.done + count.refused > 0, "{operation} makes no {call}");
        }
    }
    book.check_crl(&desk);
}

/// What became of the commands in which a call failed.
#[derive(Default)]
struct Count {
    done: u32,
    refused: u32,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { done, refused } = self;
        write!(f, "failed {} times: {refused} refused, {done} done", done + refused)
    }
}

/// Whether the fault hit.
fn fail_once(
    desk: &Desk,
    book: &mut Book,
    count: &mut Count,
    fault: &[&str; 3],
    place: u32,
) -> bool {
    let [operation, call, error] = *fault;
    let (file, passphrase) = (desk.path("backups/new"), desk.path("passphrase"));
    let (file, passphrase) = (text(&file), text(&passphrase));
    let words = match operation {
        "issue" => vec!["issue", "client", "user", "--json"],
        "revoke" => {
            book.acknowledged(&desk.ca(&["issue", "client", "lost", "--json"]).success().out);
            vec!["revoke", "lost", "--json"]
        }
        "backup" => {
            vec!["backup", "--to", file, "--backup-passphrase-file", passphrase, "--json"]
        }
        other => vec![other, "--json"],
    };
    let faulted = inject(desk, &desk.sekisho(&words), call, error, place);
    let hit = faulted.hit.clone();
    if let Some(hit) = &hit {
        assert_ends_well(&faulted, &format!("{operation}, {error} at {hit}"));
    } else {
        assert_eq!(faulted.ran.code, Some(0), "{:?}", faulted.ran);
    }
    let done = faulted.ran.code == Some(0);
    if done {
        book.acknowledged(&faulted.ran.out);
    }
    let what = format!("{operation}, {error} at {hit:?}");
    if operation == "backup" {
        assert_whole_or_absent(desk, done, &what);
    }
    if hit.is_none() {
        return false;
    }
    if done {
        count.done += 1
    } else {
        count.refused += 1
    }
    let certificates = book.check(desk);
    let lost = |c: &serde_json::Value| c["common_name"] == "lost" && c["state"] == "valid";
    if operation == "revoke" && !certificates.iter().any(lost) {
        // The revocation stands although something after it failed.
        return true;
    }
    let again = desk.ca(&words);
    assert_eq!(again.code, Some(0), "{what}: {again:?}");
    book.acknowledged(&again.out);
    if operation == "backup" {
        std::fs::remove_file(file).unwrap();
    }
    true
}

/// A backup that shows can be brought back, and nothing lies beside it. It is taken away.
fn assert_whole_or_absent(desk: &Desk, done: bool, what: &str) {
    let names = desk::names_in(&desk.path("backups"));
    assert!(names.is_empty() || names == ["new"], "{what}: {names:?}");
    assert!(!done || !names.is_empty(), "{what}: said to be made, and is not there");
    if !names.is_empty() {
        let (file, passphrase) = (desk.path("backups/new"), desk.path("passphrase"));
        let words = ["backup", "verify", text(&file)];
        let secret = ["--backup-passphrase-file", text(&passphrase)];
        let ran = desk.ca(&[words.as_slice(), &secret].concat());
        assert_eq!(ran.code, Some(0), "{what}: {ran:?}");
        std::fs::remove_file(&file).unwrap();
    }
}

/// Done, or refused with what to do next; never a panic, and never called done before it is durable.
fn assert_ends_well(faulted: &Faulted, what: &str) {
    let (ran, hit) = (&faulted.ran, faulted.hit.as_deref().unwrap_or_default());
    assert!(!ran.error.contains("panicked"), "{what}: {ran:?}");
    if ran.code == Some(1) {
        let printing = hit.contains("write(1<") || hit.contains("write(2<");
        let explained = ran.error.contains("\"next\"") || ran.error.contains("→");
        assert!(explained || printing, "{what}: {ran:?}");
        return;
    }
    assert_eq!(ran.code, Some(0), "{what}: {ran:?}");
    let durable = ["sync(", "renameat(", "linkat("].iter().any(|call| hit.contains(call));
    assert!(!durable || faulted.after_its_answer, "called done, but not durable: {what}: {ran:?}");
}

#[test]
fn an_initialisation_that_fails_or_is_killed_anywhere_can_be_repeated() {
    let few = ["fsync", "renameat", "mkdirat"];
    let all = [&CALLS[..], &["renameat", "mkdirat"]].concat();
    let faults = ["error=EIO", "error=ENOSPC", "signal=KILL"].iter().enumerate();
    for (way, fault) in faults {
        let calls = if is_torture() { all.as_slice() } else { &few };
        // In a run of few, each call has one of the faults.
        let ours = |place: usize| is_torture() || place % 3 == way;
        for call in calls.iter().enumerate().filter(|(place, _)| ours(*place)).map(|(_, c)| c) {
            let mut count = 0;
            for place in places() {
                let desk = Desk::new();
                let faulted = inject(&desk, &desk.sekisho(&["init"]), call, fault, place);
                let Some(hit) = &faulted.hit else { break };
                let what = format!("{fault} at {hit}");
                if !fault.starts_with("signal") {
                    assert_ends_well(&faulted, &what);
                }
                let again = desk.ca(&["init"]);
                if again.code != Some(0) {
                    again.refused(&["already"]);
                }
                desk.ca(&["issue", "client", "user1"]).success();
                desk.ca(&["verify"]).success();
                let root = desk.path("ca/ca.crt");
                let root = text(&root);
                desk.openssl(&["verify", "-CAfile", root, root]);
                count += 1;
            }
            println!("init    {call:<9} {fault:<12} hit {count} times");
            assert!(count > 0, "init makes no {call}");
        }
    }
}

#[test]
fn killed_at_each_sync_of_each_command_nothing_is_lost() {
    let desk = Desk::with_key_file();
    let mut book = Book::default();
    for (operation, call) in
        ["issue", "revoke", "crl"].into_iter().flat_map(|o| [(o, "fdatasync"), (o, "fsync")])
    {
        for place in 1..FARTHEST {
            if operation == "revoke" {
                book.acknowledged(&desk.ca(&["issue", "client", "lost", "--json"]).success().out);
            }
            let words = match operation {
                "issue" => ["issue", "client", "user", "--json"].as_slice(),
                "revoke" => &["revoke", "lost", "--json"],
                other => &[other, "--json"],
            };
            let command = desk.sekisho(words);
            let faulted = inject(&desk, &command, call, "signal=KILL", place);
            book.acknowledged(&faulted.ran.out);
            let certificates = book.check(&desk);
            if faulted.hit.is_none() {
                break;
            }
            let live = |c: &&serde_json::Value| c["common_name"] == "lost" && c["state"] == "valid";
            if certificates.iter().any(|certificate| live(&certificate)) {
                book.acknowledged(&desk.ca(&["revoke", "lost", "--json"]).success().out);
            }
        }
    }
    assert!(book.abandoned() > 0);
    book.check_crl(&desk);
}

#[test]
fn killed_anywhere_in_a_change_of_passphrase_exactly_one_secret_opens_everything() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1", "--escrow"]).success();
    let (passphrase, beside) = (desk.path("passphrase"), desk.path("ca/vault.key"));
    let mut current = desk.path("first.key");
    std::fs::rename(&beside, &current).unwrap();
    let mut number = 0;
    for call in ["fdatasync", "fsync", "renameat"] {
        for place in places() {
            number += 1;
            let new = desk.path(&format!("{number}.key"));
            let words = ["vault", "passwd", "--new-passphrase-file", text(&passphrase)];
            let keys = ["--key-file", text(&current), "--new-key-file", text(&new), "--json"];
            let command = desk.sekisho(&[words.as_slice(), &keys].concat());
            let faulted = inject(&desk, &command, call, "signal=KILL", place);
            let open = |key: &std::path::Path| {
                let out = desk.path(&format!("out-{number}"));
                std::fs::create_dir_all(&out).unwrap();
                desk.ca(&["export", "2", "--out", text(&out), "--key-file", text(key)])
            };
            let (with_new, with_old) = (open(&new), open(&current));
            let new_opens = with_new.code == Some(0);
            let one = new_opens != (with_old.code == Some(0));
            assert!(one, "{call} {place}: {with_new:?} {with_old:?}");
            assert!(new_opens || !faulted.ran.out.contains("slots"), "{call} {place}");
            desk.ca(&["verify"]).success();
            if new_opens {
                current = new;
            }
            if faulted.hit.is_none() {
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_is_lost() {
    assert!(is_root(), "a small tmpfs is mounted as a full disk: run as root");
    let desk = Desk::with_key_file();
    let disk = Disk::mount(&desk, "ca");
    let mut book = Book::default();
    for room in [0, 16, 64, 400] {
        book.acknowledged(&desk.json(&["issue", "client", "before"]).to_string());
        disk.fill_up_to(&desk, room);
        for words in [["issue", "client", "user"].as_slice(), &["crl"], &["revoke", "before"]] {
            let ran = desk.ca(&[words, &["--json"]].concat());
            if ran.code == Some(0) || ran.error.contains("is revoked") {
                book.acknowledged(&ran.out);
            } else {
                ran.refused(&["disk is full"]);
            }
        }
        disk.free();
        book.check(&desk);
        // However far it came, it can be done now.
        let revoked = desk.ca(&["revoke", "before", "--json"]);
        book.acknowledged(&revoked.out);
        book.acknowledged(&desk.json(&["issue", "client", "after"]).to_string());
    }
    book.check_crl(&desk);
}

// Catches a service that says it is well while it can write nothing; and a write that it failed at by
// itself, after which the next revocation would be refused as well.
#[test]
fn a_service_on_a_full_disk_says_so_and_revokes_once_there_is_room() {
    assert!(is_root(), "a small tmpfs is mounted as a full disk: run as root");
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "lost"]).success();
    let disk = Disk::mount(&desk, "ca");
    // The gates' certificates are due at once, and cannot be issued.
    let upstream = endless();
    let configuration = (0..3).fold(Configuration::new(), |configuration, gate| {
        configuration.gate(&format!("gate{gate}"), &upstream, "")
    });
    disk.fill_up_to(&desk, 0);
    let service = Appliance::begin(Appliance::command(&desk), &desk, &configuration);
    let told = || {
        let ran = desk.ca(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        (ran.code, status["failed_write"].clone())
    };
    assert_eq!(told(), (Some(2), "DiskFull".into()));
    disk.free();
    assert_eq!(told(), (Some(2), "DiskFull".into()), "nothing was written since");
    desk.ca(&["revoke", "lost"]).success();
    assert_eq!(told().1, serde_json::Value::Null);
    service.stop();
}

// Catches a service that takes no revocation any more once a write has failed: the store writes nothing
// after that until it is opened again.
#[test]
fn a_service_whose_disk_was_full_revokes_again_as_soon_as_there_is_room() {
    assert!(is_root(), "a small tmpfs is mounted as a full disk: run as root");
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let (lost, other) = (Client::issue(&desk, "lost"), Client::issue(&desk, "other"));
    let disk = Disk::mount(&desk, "ca");
    let configuration = Configuration::new().gate("front", &upstream, "refusal = \"strict\"\n");
    let service = Appliance::start(&desk, &configuration);
    let authority = service.authority();
    disk.fill_up_to(&desk, 0);
    // Not every change needs more room. Also the second is told of the disk, and not that something
    // failed before.
    for _ in 0..2 {
        let refused = (0..500).map(|_| desk.ca(&["issue", "client", "user"]));
        let refused = refused.into_iter().find(|ran| ran.code != Some(0));
        refused.expect("the disk was never full").refused(&["disk is full"]);
    }
    assert!(service.visitor(0, &lost).visit().is_ok(), "refused without being revoked");
    disk.free();
    desk.ca(&["revoke", "lost"]).success();
    assert!(service.visitor(0, &lost).visit().is_err());
    assert!(service.visitor(0, &other).visit().is_ok());
    desk.ca(&["issue", "client", "new"]).success();
    assert_eq!(service.authority(), authority, "it was started again");
    service.stop();
    desk.ca(&["verify"]).success();
}

// Catches the same in a sealed service, and one that opens its vault, or loses its key, on the way.
#[test]
fn a_service_whose_write_failed_takes_the_next_command_and_is_as_sealed_as_before() {
    assert!(is_root(), "a running process is traced: run as root");
    let (desk, upstream) = (Desk::with_key_file(), endless());
    let clients = ["one", "two", "three", "four"].map(|name| Client::issue(&desk, name));
    let configuration = Configuration::new().gate("front", &upstream, "refusal = \"strict\"\n");
    let service = Appliance::start(&desk, &configuration);
    for (place, unsealed) in [(0, true), (2, false)] {
        let authority = service.authority();
        let (first, second) = (&clients[place], &clients[place + 1]);
        let strace = fail_next(&desk, authority, "fdatasync");
        desk.ca(&["revoke", &first.number]).refused(&["disk is full"]);
        let revoked = desk.json(&["revoke", &second.number]);
        assert_eq!(revoked["gates"][0]["answered"], true, "{revoked}");
        drop(strace);
        assert!(service.visitor(0, second).visit().is_err());
        assert_eq!(service.authority(), authority, "it was started again");
        assert_eq!(service.status().1["unsealed"], unsealed);
        if unsealed {
            // What it signs and seals needs the key that it had.
            desk.ca(&["crl"]).success();
            desk.ca(&["seal"]).success();
            service.wait_for_count("the authority is at work", 2);
        }
    }
    desk.ca(&["issue", "client", "new"]).refused(&["the vault is closed"]);
    desk.ca(&["unseal"]).success();
    desk.ca(&["verify"]).success();
    service.stop();
}

/// strace on a process; ended when dropped, and the process goes on.
struct Traced(std::process::Child);

/// Lets the next call of this kind of a running process fail as on a full disk, and no other.
fn fail_next(desk: &Desk, process: i32, call: &str) -> Traced {
    let mut strace = desk.command("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-p", &process.to_string()]);
    strace.args(["-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={call}:error=ENOSPC:when=1")]);
    let traced = Traced(strace.spawn().expect("strace: install the Debian package strace"));
    let tasks = format!("/proc/{process}/task");
    let is_traced = |task: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(task.unwrap().path().join("status"));
        // One that has just ended needs not be.
        let status = status.unwrap_or_default();
        !status.contains("TracerPid:\t0\n")
    };
    desk::eventually("it is traced", || std::fs::read_dir(&tasks).unwrap().all(is_traced));
    traced
}

impl Drop for Traced {
    fn drop(&mut self) {
        if let Some(process) = rustix::process::Pid::from_raw(self.0.id().cast_signed()) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

/// A disk of a megabyte, with the data folder on it.
struct Disk(std::path::PathBuf);

impl Disk {
    fn mount(desk: &Desk, folder: &str) -> Self {
        let (path, aside) = (desk.path(folder), desk.path("aside"));
        std::fs::rename(&path, &aside).unwrap();
        std::fs::create_dir(&path).unwrap();
        let options = ["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", text(&path)];
        desk.peer("mount", "mount", &options);
        desk.peer("coreutils", "cp", &["-a", &format!("{}/.", text(&aside)), text(&path)]);
        Self(path)
    }

    /// Leaves this many KiB free.
    fn fill_up_to(&self, desk: &Desk, room: u64) {
        let file = self.0.join("filler");
        let mut filler = std::fs::File::create(&file).unwrap();
        let _ = std::io::Write::write_all(&mut filler, &vec![1; 2 << 20]);
        let size = std::fs::metadata(&file).unwrap().len();
        let left = size.saturating_sub(room << 10).to_string();
        desk.peer("coreutils", "truncate", &["-s", &left, text(&file)]);
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}
