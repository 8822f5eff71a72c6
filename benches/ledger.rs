//! `cargo bench --bench ledger`: whether the ledger stays fast as it grows, and how long it takes
//! to open after its writer was killed. The goal is flat, log n, for what people do, and a second for
//! 10^6 certificates for what a gate is told. `-- 1000000` goes on to that size.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use sekisho::ground::clock::{self, Timestamp};
use sekisho::ledger::{
    Custody, Event, Holder, Intended, Issued, Ledger, Profile, Transaction, octets, sha256,
};
use sekisho::pki::SerialNumber;
use support::{median_of, microseconds, timed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Certificates a durable commit, while the ledger is filled.
const BATCH: u64 = 1_000;
/// Certificates on a page of a list.
const PAGE: usize = 50;
/// The argument that makes this program the writer that is killed.
const WRITER: &str = "--write-until-killed";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some([_, path]) = arguments.windows(2).find(|pair| matches!(pair, [a, _] if a == WRITER))
    {
        write_until_killed(Path::new(path));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("ledger");
    drop(Ledger::create(&path).unwrap());
    println!(
        "{:>12} {:>10} {:>10} {:>10} {:>10} {:>11} {:>11} {:>11} {:>12}",
        "certificates",
        "issue",
        "page",
        "look-up",
        "endings",
        "standings",
        "verify",
        "anew",
        "size"
    );
    let largest = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let mut certificates = 0;
    for size in [1_000_u64, 10_000, 100_000, 1_000_000].into_iter().filter(|n| *n <= largest) {
        fill(&path, size - certificates);
        certificates = size + report(&path, size);
    }
    after_a_kill(&path);
}

/// Prints a line of the table; how many certificates it added.
fn report(path: &Path, size: u64) -> u64 {
    const RUNS: u64 = 101;
    let ledger = Ledger::open(path).unwrap();
    let issue = median_of(usize::try_from(RUNS).unwrap(), || {
        issue_one(&ledger);
    });
    let mut first = 1;
    let page = median_of(101, || {
        first = (first * 48_271) % size + 1;
        ledger.reader().unwrap().records(first, PAGE).unwrap()
    });
    let mut number = 1;
    let look_up = median_of(101, || {
        number = (number * 48_271) % size + 1;
        ledger.reader().unwrap().record(number).unwrap().unwrap()
    });
    // A page of those whose notices are due, when everything ends within a day.
    let endings = median_of(11, || {
        let (from, until) = (now().plus_days(364), now().plus_days(366));
        let reader = ledger.reader().unwrap();
        let numbers = reader.endings(from, until, PAGE).unwrap();
        numbers.iter().map(|number| reader.record(*number).unwrap()).collect::<Vec<_>>()
    });
    let (standings, told) = timed(|| ledger.reader().unwrap().standings(1).unwrap());
    assert!(told.standing.len() as u64 >= size);
    let (verify, ()) = timed(|| ledger.reader().unwrap().verify_appended().unwrap());
    issue_one(&ledger);
    let (anew, ()) = timed(|| ledger.reader().unwrap().verify_appended().unwrap());
    println!(
        "{size:>12} {:>7.0} us {:>7.1} us {:>7.1} us {:>7.1} us {:>8.1} ms {:>8.0} ms {:>8.1} us {:>9} KiB",
        microseconds(issue),
        microseconds(page),
        microseconds(look_up),
        microseconds(endings),
        microseconds(standings) / 1e3,
        microseconds(verify) / 1e3,
        microseconds(anew),
        std::fs::metadata(path).unwrap().len() / 1024,
    );
    RUNS + 1
}

fn after_a_kill(path: &Path) {
    let mut times = Vec::new();
    for _ in 0..5 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args([WRITER, path.to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(writer.stdout.take().unwrap());
        // Some commits in, and in the middle of another.
        for _ in 0..20 {
            std::io::BufRead::read_line(&mut lines, &mut String::new()).unwrap();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let (time, records) = timed(|| {
            let ledger = Ledger::open(path).unwrap();
            ledger.reader().unwrap().records(1, PAGE).unwrap()
        });
        assert_eq!(records.len(), PAGE);
        times.push(time);
    }
    let shown: Vec<String> =
        times.iter().map(|t| format!("{:.1}", t.as_secs_f64() * 1e3)).collect();
    println!("open after kill -9 and list a page: {} ms", shown.join(", "));
}

fn write_until_killed(path: &Path) -> ! {
    let ledger = Ledger::open(path).unwrap();
    loop {
        issue_one(&ledger);
        println!("one more");
    }
}

/// Two durable commits, as the CA makes them: the intent, then what was signed.
fn issue_one(ledger: &Ledger) {
    let mut transaction = ledger.begin(now(), "uid:0").unwrap();
    let number = intend(&mut transaction);
    transaction.commit().unwrap();
    let mut transaction = ledger.begin(now(), "uid:0").unwrap();
    record(&mut transaction, number);
    transaction.commit().unwrap();
}

fn fill(path: &Path, certificates: u64) {
    let ledger = Ledger::open(path).unwrap();
    let mut left = certificates;
    while left > 0 {
        let batch = left.min(BATCH);
        let mut transaction = ledger.begin(now(), "uid:0").unwrap();
        for _ in 0..batch {
            let number = intend(&mut transaction);
            record(&mut transaction, number);
        }
        transaction.commit().unwrap();
        left -= batch;
    }
}

fn intend(transaction: &mut Transaction<'_>) -> u64 {
    let number = transaction.next_number().unwrap();
    let name = format!("user{number}");
    let subject = format!("C=JP, O=orca, CN={name}");
    let holder = Holder::new(subject, name.clone(), String::new()).unwrap();
    let digest = || octets(&sha256(&number.to_be_bytes())).unwrap();
    transaction
        .append(Event::Intended(Intended {
            number,
            serial: octets(SerialNumber::generate(number).unwrap().as_bytes()).unwrap(),
            issuer: 1,
            profile: Profile::Client,
            profile_version: 1,
            not_before: now().unix_unsigned(),
            not_after: now().plus_days(365).unix_unsigned(),
            key_sha256: digest(),
            to_be_signed_sha256: digest(),
            custody: Custody::HandedOut,
            holder_sha256: octets(&holder.sha256().unwrap()).unwrap(),
            renews: None,
            audience: None,
            request: None,
        }))
        .unwrap();
    transaction.put_holder(number, &holder, &[&name]).unwrap();
    number
}

fn record(transaction: &mut Transaction<'_>, number: u64) {
    // As long as a client certificate of ours.
    let certificate = [0x30; 520];
    let sha256 = octets(&sha256(&certificate)).unwrap();
    transaction.append(Event::Issued(Issued { number, sha256 })).unwrap();
    transaction.put_certificate(number, &certificate);
}

fn now() -> Timestamp {
    clock::now()
}
