//! I24, I35: SIGKILL at random moments of every command that writes. The next command repairs and
//! says so; nothing that was acknowledged is lost, no number is used twice, and what was interrupted
//! before it was signed and recorded is on the next CRL.
//!
//! `SEKISHO_TORTURE_RUNS` sets how often (200), `SEKISHO_TORTURE_SEED` repeats a run.

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

use std::process::{Command, Stdio};
use std::time::Duration;

use book::Book;
use desk::{Desk, text};
use random::{Random, seed, variable};
use sekisho::ground::clock;

#[test]
fn nothing_acknowledged_is_lost_whenever_the_process_is_killed() {
    let runs = variable("SEKISHO_TORTURE_RUNS").unwrap_or(200);
    let seed = seed();
    println!("{runs} runs, SEKISHO_TORTURE_SEED={seed}");
    let mut torture = Torture::new(seed);
    for run in 0..runs {
        let killed = match torture.random.below(10) {
            0..=3 => torture.issue(),
            4..=6 => torture.issue_in_bulk(run),
            7..=8 => torture.revoke(),
            _ => torture.change_passphrase(run),
        };
        torture.killed += u64::from(killed);
        let abandoned = torture.book.abandoned();
        torture.book.check(&torture.desk);
        if torture.book.abandoned() > abandoned || run + 1 == runs {
            torture.book.check_crl(&torture.desk);
        }
    }
    println!(
        "{} of {runs} were killed in the middle; {} certificates acknowledged, {} abandoned",
        torture.killed,
        torture.book.issued(),
        torture.book.abandoned()
    );
    assert!(torture.killed * 3 > runs, "most commands ended before they were killed");
    assert!(runs < 200 || torture.book.abandoned() > 0, "no kill hit between intent and signature");
}

struct Torture {
    desk: Desk,
    book: Book,
    random: Random,
    killed: u64,
    /// How long each kind of command takes when it is left alone.
    durations: [Duration; 4],
}

impl Torture {
    fn new(seed: u64) -> Self {
        let desk = Desk::with_key_file();
        let (mut book, random) = (Book::default(), Random::new(seed));
        let mut time = |words: &[&str]| {
            let begin = clock::monotonic();
            book.acknowledged(&desk.ca(&[words, &["--json"]].concat()).success().out);
            begin.elapsed()
        };
        desk.write("first.csv", "name\na\nb\nc\nd\n");
        let passphrase = desk.path("passphrase");
        let key = desk.path("measured.key");
        let (passphrase, key) = (text(&passphrase), text(&key));
        let durations = [
            time(&["issue", "client", "first"]),
            time(&["issue", "client", "--from", "first.csv", "--out", "first"]),
            time(&["revoke", "first"]),
            time(&["vault", "passwd", "--new-passphrase-file", passphrase, "--new-key-file", key]),
        ];
        std::fs::rename(key, desk.path("ca/vault.key")).unwrap();
        Self { desk, book, random, killed: 0, durations }
    }

    fn issue(&mut self) -> bool {
        let command = self.desk.sekisho(&["issue", "client", "user", "--escrow", "--json"]);
        let (killed, printed) = self.run_and_kill(command, 0);
        self.book.acknowledged(&printed);
        killed
    }

    /// Killed, then run again to its end: every line has one certificate that counts, and its file.
    fn issue_in_bulk(&mut self, run: u64) -> bool {
        let (csv, out) = (format!("staff-{run}.csv"), format!("staff-{run}"));
        self.desk.write(&csv, format!("name\n{run} a\n{run} b\n{run} c\n{run} d\n"));
        let words = ["issue", "client", "--from", &csv, "--out", &out, "--json"];
        let (killed, printed) = self.run_and_kill(self.desk.sekisho(&words), 1);
        self.book.acknowledged(&printed);
        self.book.check(&self.desk);
        self.book.acknowledged(&self.desk.ca(&words).success().out);
        let certificates = self.book.check(&self.desk);
        let results = self.desk.read(&format!("{out}/results.csv"));
        for line in 2..=5 {
            let source = format!("{csv} line {line}");
            let live = |c: &&serde_json::Value| c["source"] == source && c["state"] == "valid";
            let numbers: Vec<u64> =
                certificates.iter().filter(live).map(|c| c["number"].as_u64().unwrap()).collect();
            assert_eq!(numbers.len(), 1, "{source}: {numbers:?}");
            let row = results.lines().find(|row| row.starts_with(&format!("{line},"))).unwrap();
            let fields: Vec<&str> = row.split(',').collect();
            assert_eq!(fields[1].parse(), Ok(numbers[0]), "{row}");
            let (file, pass) = (format!("{out}/{}", fields[3]), format!("pass:{}", fields[4]));
            self.desk.openssl(&["pkcs12", "-in", &file, "-passin", &pass, "-noout"]);
        }
        killed
    }

    fn revoke(&mut self) -> bool {
        let valid: Vec<u64> = self
            .book
            .check(&self.desk)
            .iter()
            .filter(|certificate| {
                certificate["state"] == "valid" && certificate["kind"] == "client"
            })
            .map(|certificate| certificate["number"].as_u64().unwrap())
            .collect();
        let Some(number) = self.random.one_of(&valid) else {
            return self.issue();
        };
        let command = self.desk.sekisho(&["revoke", &number.to_string(), "--json"]);
        let (killed, printed) = self.run_and_kill(command, 2);
        self.book.acknowledged(&printed);
        killed
    }

    /// Exactly one of the two keys opens the vault afterwards; the new one when that was said.
    fn change_passphrase(&mut self, run: u64) -> bool {
        let (old, new) = (self.desk.path("ca/vault.key"), self.desk.path(&format!("{run}.key")));
        let passphrase = self.desk.path("passphrase");
        let words = ["vault", "passwd", "--new-passphrase-file", text(&passphrase), "--json"];
        let mut command = self.desk.sekisho(&words);
        // The old key lies beside the data, and is removed with the change: keep a copy.
        let kept = self.desk.path("kept.key");
        std::fs::copy(&old, &kept).unwrap();
        command.arg("--key-file").arg(&kept).arg("--new-key-file").arg(&new);
        let (killed, printed) = self.run_and_kill(command, 3);
        let open = |key: &std::path::Path| self.desk.ca(&["crl", "--key-file", text(key)]);
        let (with_old, with_new) = (open(&kept), open(&new));
        let new_opens = with_new.code == Some(0);
        let one = (with_old.code == Some(0)) != new_opens;
        assert!(one, "killed {killed}, printed {printed:?}\nold {with_old:?}\nnew {with_new:?}");
        assert!(new_opens || !printed.contains("slots"), "it said that it was done");
        std::fs::rename(if new_opens { &new } else { &kept }, &old).unwrap();
        killed
    }

    /// Runs a command and kills it at a random moment; whether it was still running, and what it
    /// had printed.
    fn run_and_kill(&mut self, mut command: Command, kind: usize) -> (bool, String) {
        let longest = u64::try_from(self.durations[kind].as_micros()).unwrap();
        let moment = Duration::from_micros(self.random.below(longest + longest / 8));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let killed = output.status.code().is_none();
        (killed, String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
