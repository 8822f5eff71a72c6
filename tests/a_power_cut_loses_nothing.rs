//! I24: the power goes while certificates are issued and revoked. The data folder lies on ext4 in a
//! file; at a random moment the command is stopped where it is, and the file is copied: what the
//! file system had not written by then is not in the copy, as it would not be on a disk. The copy is
//! mounted in its place, and whatever had been acknowledged is in it.
//!
//! It must run as root. `SEKISHO_TORTURE_CUTS` sets how often (50), `SEKISHO_TORTURE_SEED` repeats a
//! run. `make torture` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says how to repeat it"
)]

#[path = "support/book.rs"]
mod book;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/random.rs"]
mod random;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use book::Book;
use desk::{Desk, is_root, text};
use random::{Random, seed, variable};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use sekisho::ground::clock;

#[test]
fn what_was_acknowledged_is_there_after_a_power_cut() {
    assert!(is_root(), "file systems are mounted: run as root");
    let (cuts, seed) = (variable("SEKISHO_TORTURE_CUTS").unwrap_or(50), seed());
    println!("{cuts} power cuts, SEKISHO_TORTURE_SEED={seed}");
    let mut random = Random::new(seed);
    let desk = Desk::with_key_file();
    let disk = Disk::make(&desk);
    disk.loses_what_is_not_synced(&desk);
    let mut book = Book::default();
    let begun = clock::monotonic();
    book.acknowledged(&desk.ca(&["issue", "client", "measured", "--json"]).success().out);
    let usual = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let mut interrupted = 0;
    for cut in 0..cuts {
        // One is acknowledged, and the power goes at once, or in the middle of the next.
        book.acknowledged(&desk.ca(&["issue", "client", "before", "--json"]).success().out);
        let number = book.one_to_revoke(&desk).to_string();
        let words = match random.below(3) {
            0 => vec!["revoke", &number],
            1 => vec!["crl"],
            _ => vec!["issue", "client", "user"],
        };
        let mut command = desk.sekisho(&words);
        command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(usual + usual / 4)));
        let running = child.try_wait().unwrap().is_none();
        if running {
            let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
            kill_process(process, Signal::STOP).unwrap();
            let stands = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            waitid(WaitId::Pid(process), stands).unwrap();
        }
        let copy = disk.copy(&desk, cut);
        child.kill().unwrap();
        let ended = child.wait_with_output().unwrap();
        interrupted += u32::from(running && !ended.status.success());
        // What it printed, it printed before the copy was begun.
        book.acknowledged(&String::from_utf8_lossy(&ended.stdout));
        disk.replace(&desk, &copy);
        book.check(&desk);
    }
    book.check_crl(&desk);
    println!(
        "{interrupted} of {cuts} in the middle of a command; {} certificates acknowledged, {} \
         abandoned, nothing lost",
        book.issued(),
        book.abandoned()
    );
}

/// An ext4 file system in a file, with the data folder on it.
struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    fn make(desk: &Desk) -> Self {
        let (image, mounted, aside) = (desk.path("disk"), desk.path("ca"), desk.path("aside"));
        std::fs::rename(&mounted, &aside).unwrap();
        std::fs::create_dir(&mounted).unwrap();
        desk.peer("coreutils", "truncate", &["-s", "24M", text(&image)]);
        desk.peer("e2fsprogs", "mkfs.ext4", &["-q", text(&image)]);
        let disk = Self { image, mounted };
        disk.mount(desk);
        let (from, to) = (format!("{}/.", text(&aside)), text(&disk.mounted));
        desk.peer("coreutils", "cp", &["-a", &from, to]);
        desk.peer("coreutils", "rmdir", &[&format!("{to}/lost+found")]);
        desk.peer("coreutils", "sync", &["-f", to]);
        disk
    }

    /// Without this the test would prove nothing.
    fn loses_what_is_not_synced(&self, desk: &Desk) {
        let file = desk.write("note", "not synced");
        let beside = self.mounted.join("note");
        std::fs::copy(&file, &beside).unwrap();
        self.replace(desk, &self.copy(desk, u64::MAX));
        let found = std::fs::read_to_string(&beside).unwrap_or_default();
        assert_ne!(found, "not synced", "the copy has what was never written to the disk");
        let _ = std::fs::remove_file(&beside);
    }

    /// What is on the disk at this moment, and nothing of what only memory holds.
    fn copy(&self, desk: &Desk, number: u64) -> PathBuf {
        let copy = desk.path(&format!("disk-{number}"));
        desk.peer("coreutils", "cp", &["--sparse=always", text(&self.image), text(&copy)]);
        copy
    }

    /// Puts a copy in the disk's place, as it is found when the power is back.
    fn replace(&self, desk: &Desk, copy: &std::path::Path) {
        desk.peer("mount", "umount", &[text(&self.mounted)]);
        std::fs::rename(copy, &self.image).unwrap();
        self.mount(desk);
    }

    fn mount(&self, desk: &Desk) {
        desk.peer("mount", "mount", &["-o", "loop", text(&self.image), text(&self.mounted)]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.mounted).status();
    }
}
