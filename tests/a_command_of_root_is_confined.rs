//! Root's commands over a data folder of the service's own user touch nothing in it themselves: a
//! process of that user carries them out, confined as the service's is, and everything stays its own.

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

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;

use appliance::{Begun, is_alive, send};
use desk::{Desk, eventually, text};
use rustix::process::Signal;

/// Made by the package, and by `packaging/install-test-packages`.
const ACCOUNT: &str = "sekisho-authority";

// Catches a command that opens the folder as root, where whoever owns it may have put links and files of
// its own making; one that is not confined; and files that the service cannot open afterwards.
#[test]
fn a_command_of_root_is_carried_out_by_a_confined_process_of_the_folders_owner() {
    assert!(desk::is_root(), "another user's folder: run as root");
    let desk = Desk::with_authority();
    std::fs::set_permissions(desk.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    desk.peer(
        "coreutils",
        "chown",
        &["-R", &format!("{ACCOUNT}:{ACCOUNT}"), text(&desk.path("ca"))],
    );
    let owner = std::fs::metadata(desk.path("ca")).unwrap().uid();

    let out = desk.path("out");
    std::fs::create_dir(&out).unwrap();
    let words = ["issue", "client", "user1", "--out", text(&out)];
    let mut issue = desk.sekisho(&words);
    issue.stdout(Stdio::null());
    let command = Begun::start(issue);
    let authority = command.child();
    let user = format!("Uid:\t{owner}\t{owner}\t{owner}\t{owner}");
    let wanted = [user.as_str(), "NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"];
    let mut status = String::new();
    // Held, it gives no order; what it started goes on as far as it can. Held too early it has not told
    // that one to begin: it goes on for a moment then.
    let mut confined = || {
        send(command.process(), Signal::STOP);
        status = std::fs::read_to_string(format!("/proc/{authority}/status")).unwrap_or_default();
        let confined = wanted.iter().all(|line| status.contains(line));
        if !confined {
            send(command.process(), Signal::CONT);
        }
        confined
    };
    eventually("it is confined", &mut confined);
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
    assert!(groups.split_whitespace().all(|group| group != "0"), "root's groups: {groups}");
    let words = std::fs::read(format!("/proc/{authority}/cmdline")).unwrap();
    assert!(String::from_utf8_lossy(&words).contains("authority"), "{words:?}");
    send(command.process(), Signal::CONT);
    assert_eq!(command.end(desk::PATIENCE), Some(0));
    eventually("it ends with the command", || !is_alive(authority));

    let issued = desk::names_in(&out);
    assert_eq!(issued.len(), 1, "{issued:?}");
    assert_eq!(std::fs::metadata(out.join(&issued[0])).unwrap().uid(), 0, "whoever asked owns it");
    desk.ca(&["revoke", "user1"]).success();
    desk.ca(&["verify"]).success();
    belongs_to(owner, &desk.path("ca"));
}

fn belongs_to(owner: u32, path: &Path) {
    let is = std::fs::symlink_metadata(path).unwrap();
    assert_eq!(is.uid(), owner, "{path:?}");
    if is.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            belongs_to(owner, &entry.unwrap().path());
        }
    }
}
