//! `serve --roles-from`: the supervisor starts nobody. Whoever listens at the sockets of the roles
//! starts their processes, as systemd does for the packaged service; here the test does. As root each
//! runs as the user that the package makes for it, the supervisor as well, and none of them is root.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use appliance::{Appliance, Client, Configuration, is_alive, send};
use desk::{Desk, SEKISHO, eventually, finish, is_root, text};
use rustix::process::Signal;
use sekisho::authority::DataFolder;
use support::{AT_REST, Upstream, endless, is_closed_within, read_until};

const ROLES: [&str; 3] = ["authority", "gate", "publisher"];

/// Starts a process of a role for everybody who connects to its socket.
struct Manager {
    folder: PathBuf,
    /// Every process it has started, by its role.
    started: Arc<Mutex<Vec<(&'static str, i32)>>>,
}

impl Manager {
    /// At the sockets of a folder at this desk, which only the supervisor may reach.
    fn at(desk: &Desk) -> Self {
        Self::with_users(desk, |role| role)
    }

    /// One that starts each role as the user of the role that `user_of` names.
    fn with_users(desk: &Desk, user_of: fn(&'static str) -> &'static str) -> Self {
        let folder = desk.path("roles");
        std::fs::create_dir(&folder).unwrap();
        let started = Arc::new(Mutex::new(Vec::new()));
        for role in ROLES {
            let socket = folder.join(format!("{role}.sock"));
            let listener = UnixListener::bind(&socket).unwrap();
            give(&socket, account(None), 0o600);
            let (user, started) = (account(Some(user_of(role))), Arc::clone(&started));
            std::thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let mut command = as_user(user);
                    command.arg(role).stdin(OwnedFd::from(stream)).stdout(Stdio::null());
                    let mut process = command.stderr(Stdio::inherit()).spawn().unwrap();
                    started.lock().unwrap().push((role, i32::try_from(process.id()).unwrap()));
                    std::thread::spawn(move || process.wait());
                }
            });
        }
        Self { folder, started }
    }

    /// The processes of a role that live.
    fn processes(&self, role: &str) -> Vec<i32> {
        let started = self.started.lock().unwrap();
        let living = started.iter().filter(|(of, process)| *of == role && is_alive(*process));
        living.map(|(_, process)| *process).collect()
    }

    fn one(&self, role: &str) -> i32 {
        let processes = self.processes(role);
        assert_eq!(processes.len(), 1, "{role}: {processes:?}");
        processes[0]
    }

    fn all(&self) -> Vec<i32> {
        ROLES.iter().flat_map(|role| self.processes(role)).collect()
    }

    /// `sekisho serve` at a desk, which has its processes started here.
    fn command(&self, desk: &Desk) -> Command {
        let mut command = as_user(account(None));
        command.current_dir(desk.path("")).env_clear().env("LANG", "C.UTF-8");
        command.args(["serve", "--lang", "en", "--config", "sekisho.toml"]);
        command.args(["--roles-from", text(&self.folder)]);
        if !is_root() {
            command.args(["--accept-missing", "separate-uids"]);
        }
        command
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        for process in self.all() {
            send(process, Signal::KILL);
        }
    }
}

/// This program as a user, who may not be able to reach the place where it lies.
fn as_user(user: Option<u32>) -> Command {
    // It is closed in the process once that has begun; here it stays open.
    let program = File::open(SEKISHO).unwrap().into_raw_fd();
    let mut command = Command::new(format!("/proc/self/fd/{program}"));
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command
}

/// The user of a role, or of the supervisor; none where the test is not root.
fn account(role: Option<&str>) -> Option<u32> {
    let name = role.map_or("sekisho".to_owned(), |role| format!("sekisho-{role}"));
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find(|line| line.starts_with(&format!("{name}:")));
    let user = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    is_root().then(|| user.expect("an account is missing: packaging/install-test-packages"))
}

fn give(path: &Path, user: Option<u32>, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    if let Some(user) = user {
        chown(path, Some(user), Some(user)).unwrap();
    }
}

/// A desk whose folders belong to whom the package gives them, and two client certificates.
fn desk_of_the_package() -> (Desk, [Client; 2]) {
    let desk = Desk::with_key_file();
    let clients = ["user1", "user2"].map(|name| Client::issue(&desk, name));
    std::fs::rename(desk.path("ca/vault.key"), desk.path("vault.key")).unwrap();
    give(&desk.path("vault.key"), account(None), 0o600);
    std::fs::create_dir(desk.path("public")).unwrap();
    give(&desk.path("public"), account(Some("publisher")), 0o755);
    give(&desk.path(""), None, 0o755);
    if let Some(user) = account(Some("authority")) {
        DataFolder::new(&desk.path("ca")).give_to(user, user).unwrap();
    }
    (desk, clients)
}

fn configuration(upstream: &Upstream) -> Configuration {
    let configuration = Configuration::with_authority("key_file = \"vault.key\"\n");
    let configuration = configuration.gate("front", upstream, "refusal = \"strict\"\n");
    if is_root() { configuration.of_separate_users() } else { configuration }
}

fn start<'a>(desk: &'a Desk, manager: &Manager, upstream: &Upstream) -> Appliance<'a> {
    let configuration = configuration(upstream);
    configuration.write(desk);
    give(&desk.path("sekisho.toml"), account(None), 0o600);
    let service = Appliance::ready_at(manager.command(desk), desk, &configuration);
    eventually("each role has one process", || {
        ROLES.iter().all(|role| manager.processes(role).len() == 1)
    });
    service
}

fn users_of(process: i32) -> Vec<u32> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:\t")).unwrap();
    line.split_whitespace().map(|user| user.parse().unwrap()).collect()
}

#[test]
fn every_process_is_its_own_user_and_all_do_what_they_do_as_children() {
    let ((desk, [client, _]), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::at(&desk);
    let service = start(&desk, &manager, &upstream);
    assert!(service.children().is_empty(), "the supervisor starts nobody");
    if is_root() {
        let mut users = vec![users_of(service.supervisor())];
        users.extend(ROLES.iter().map(|role| users_of(manager.one(role))));
        let expected = [account(None)].into_iter().chain(ROLES.map(|role| account(Some(role))));
        let expected: Vec<Vec<u32>> = expected.map(|user| vec![user.unwrap(); 4]).collect();
        assert_eq!(users, expected);
    }
    let shown = finish(desk.sekisho(&["status", "--hardening", "--json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["processes"].as_array().unwrap().len(), 4, "{shown}");
    let left_out = if is_root() { vec![] } else { vec!["separate-uids"] };
    assert_eq!(service.status().1["without_layers"], serde_json::json!(left_out));

    let visitor = service.visitor(0, &client);
    let mut inside = visitor.connect();
    inside.write_all(AT_REST.0.as_bytes()).unwrap();
    read_until(&mut inside, AT_REST.1);
    desk.ca(&["revoke", &client.number]).success();
    assert!(is_closed_within(&mut inside, Duration::from_secs(5)), "it is cut");
    assert!(visitor.visit().is_err());

    // What the order to seal closed stays closed, though the key file lies there.
    desk.ca(&["seal"]).success();
    service.wait_for_count("the authority is started again, sealed", 1);
    service.wait_for_count("the authority is at work unsealed=false", 1);

    let processes = manager.all();
    service.stop();
    eventually("all have ended", || !processes.iter().any(|process| is_alive(*process)));
}

#[test]
fn a_process_that_dies_or_stands_still_is_replaced() {
    let ((desk, [client, other]), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::at(&desk);
    let service = start(&desk, &manager, &upstream);
    let killed = manager.one("gate");
    send(killed, Signal::KILL);
    service.wait_for_count("the gate was started again", 1);
    service.wait_for_count("ledger is in force", 2);
    assert!(service.visitor(0, &client).visit().is_ok());

    // One that cannot end by itself: the supervisor has no right to kill it, and has it killed.
    let still = manager.one("gate");
    send(still, Signal::STOP);
    desk.ca(&["revoke", &other.number]);
    service.wait_for_count("it said nothing of a revocation", 1);
    service.wait_for_count("the gate was started again", 2);
    assert!(!is_alive(still));
    service.wait_for_count("ledger is in force", 3);
    assert!(service.visitor(0, &client).visit().is_ok());
    assert!(service.visitor(0, &other).visit().is_err());
    service.stop();
}

#[test]
fn the_folder_is_reserved_also_where_the_supervisor_cannot_look_into_it() {
    let ((desk, _), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::at(&desk);
    let service = start(&desk, &manager, &upstream);
    let second = finish(manager.command(&desk));
    second.refused(&["a service is already running over"]);
    // Also while there is no authority.
    send(manager.one("authority"), Signal::KILL);
    let second = finish(manager.command(&desk));
    second.refused(&["a service is already running over"]);
    let processes = manager.all();
    service.kill();
    eventually("all end without it", || !processes.iter().any(|process| is_alive(*process)));

    std::fs::rename(desk.path("ca/authority"), desk.path("ca/elsewhere")).unwrap();
    finish(manager.command(&desk)).refused(&["there is no CA in", "sekisho init"]);
    std::fs::rename(desk.path("ca/elsewhere"), desk.path("ca/authority")).unwrap();
    let service = start(&desk, &manager, &upstream);
    service.stop();
}

// Catches a hint that would have anybody's files given to the service, and one that leads nowhere.
#[test]
fn a_key_file_that_the_supervisor_may_not_read_is_named_with_what_mends_it() {
    let ((desk, _), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::at(&desk);
    let configuration = configuration(&upstream);
    configuration.write(&desk);
    give(&desk.path("sekisho.toml"), account(None), 0o600);
    let closed = if is_root() { 0o600 } else { 0 };
    give(&desk.path("vault.key"), is_root().then_some(0), closed);
    let service = Appliance::begun(manager.command(&desk), &desk, &configuration);
    service.wait_for_count("no permission to read", 1);
    service.wait_for_count("chown sekisho: ", 1);
    service.stop();
}

// Catches an authority that takes a folder which root has made, and it cannot look into, for one without
// a CA.
#[test]
fn a_folder_that_is_closed_to_the_authority_is_told_from_one_without_a_ca() {
    let ((desk, _), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::at(&desk);
    configuration(&upstream).write(&desk);
    give(&desk.path("sekisho.toml"), account(None), 0o600);
    if is_root() {
        chown(desk.path("ca"), Some(0), Some(0)).unwrap();
    }
    give(&desk.path("ca"), None, if is_root() { 0o700 } else { 0 });
    let ran = finish(manager.command(&desk));
    give(&desk.path("ca"), None, 0o700);
    let ran = ran.refused(&["is closed to the authority's user", "chown -R sekisho-authority: /"]);
    assert!(!ran.error.contains("no CA"), "{ran:?}");
}

// Catches a supervisor that takes a folder it cannot look into for one without a CA.
#[test]
fn without_a_key_file_the_vault_waits_for_somebody_to_open_it() {
    let ((desk, [client, _]), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::at(&desk);
    let configuration = Configuration::with_authority("").gate("front", &upstream, "");
    let configuration = if is_root() { configuration.of_separate_users() } else { configuration };
    configuration.write(&desk);
    give(&desk.path("sekisho.toml"), account(None), 0o600);
    let service = Appliance::begun(manager.command(&desk), &desk, &configuration);
    service.wait_for_count("the authority is at work unsealed=false", 1);
    let key = desk.path("vault.key");
    desk.ca(&["unseal", "--key-file", text(&key)]).success();
    service.wait_for_count("server certificate from the authority in force", 1);
    service.wait_for_count("ledger is in force", 1);
    assert!(service.visitor(0, &client).visit().is_ok());
    service.stop();
}

// Catches a supervisor that believes whoever starts the processes.
#[test]
fn a_process_that_runs_as_the_wrong_user_is_not_taken() {
    assert!(is_root(), "processes of several users: run as root");
    let ((desk, _), upstream) = (desk_of_the_package(), endless());
    let manager = Manager::with_users(&desk, |role| match role {
        "gate" => "publisher",
        role => role,
    });
    let configuration = configuration(&upstream);
    configuration.write(&desk);
    give(&desk.path("sekisho.toml"), account(None), 0o600);
    let [wanted, there] = ["gate", "publisher"].map(|role| account(Some(role)).unwrap());
    let said = format!("it runs as user {there}, not {wanted}");
    finish(manager.command(&desk)).refused(&["front", &said]);
}

#[test]
fn where_nobody_starts_the_processes_it_says_which_socket_does_not_answer() {
    let ((desk, _), upstream) = (desk_of_the_package(), endless());
    configuration(&upstream).write(&desk);
    give(&desk.path("sekisho.toml"), account(None), 0o600);
    let manager = Manager { folder: desk.path("nobody"), started: Arc::default() };
    let socket = desk.path("nobody/authority.sock");
    finish(manager.command(&desk)).refused(&[text(&socket)]);
}
