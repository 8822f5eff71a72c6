//! I24: SIGKILL across the processes of a running service, at random moments while certificates are
//! issued and revoked: whichever dies, nothing acknowledged is lost, what was under way is repaired and
//! the log says so, the service comes back by itself, and the gate lets in who may come in and nobody
//! who was revoked.
//!
//! `SEKISHO_TORTURE_KILLS` sets how often (8), `SEKISHO_TORTURE_SEED` repeats a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says how to repeat it"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/book.rs"]
mod book;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/random.rs"]
mod random;
#[path = "support/gate.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use appliance::{Appliance, Client, Configuration, is_alive, send};
use book::Book;
use desk::{Desk, eventually, finish_peer};
use random::{Random, seed, variable};
use rustix::process::Signal;
use support::{Upstream, monotonic};

/// Whom a kill hits, in turn.
const VICTIMS: [&str; 4] = ["authority", "gate", "publisher", "supervisor"];

#[test]
fn whichever_process_is_killed_nothing_acknowledged_is_lost() {
    let kills = variable("SEKISHO_TORTURE_KILLS").unwrap_or(8);
    let seed = seed();
    println!("{kills} kills, SEKISHO_TORTURE_SEED={seed}");
    let mut random = Random::new(seed);
    let desk = Desk::with_key_file();
    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let configuration = Configuration::new().gate("front", &upstream, "");
    let (stays, goes) = (Client::issue(&desk, "stays"), Client::issue(&desk, "goes"));
    let mut book = Book::default();
    let begun = monotonic();
    book.acknowledged(&desk.ca(&["issue", "client", "measured", "--json"]).success().out);
    let usual = begun.elapsed();
    let mut running = Some(Appliance::start(&desk, &configuration));
    book.acknowledged(&desk.ca(&["revoke", &goes.number, "--json"]).success().out);
    let mut hit: BTreeMap<&str, u32> = BTreeMap::new();
    let mut interrupted = 0;
    for kill in 0..kills {
        let victim = VICTIMS[usize::try_from(kill).unwrap() % VICTIMS.len()];
        let words = match random.below(3) {
            0 => vec!["revoke".to_owned(), book.one_to_revoke(&desk).to_string()],
            _ => vec!["issue".to_owned(), "client".to_owned(), format!("user{kill}")],
        };
        let mut command = desk.sekisho(&words.iter().map(String::as_str).collect::<Vec<_>>());
        command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(
            random.below(u64::try_from(usual.as_micros()).unwrap()),
        ));
        interrupted += u32::from(child.try_wait().unwrap().is_none());
        // The whole service is killed with its supervisor, and started again later.
        match running.take_if(|_| victim == "supervisor") {
            Some(service) => service.kill(),
            None => {
                for process in running.iter().flat_map(|service| service.processes(victim)) {
                    send(process, Signal::KILL);
                    eventually("it is dead", || !is_alive(process));
                }
            }
        }
        *hit.entry(victim).or_default() += 1;
        let printed = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&printed.stderr);
        assert!(!error.contains("panicked"), "{words:?}, {victim} killed: {error}");
        let explained = error.contains("\"next\"") || error.contains("→");
        assert!(printed.status.success() || explained, "{words:?}, {victim} killed: {error}");
        if printed.status.success() {
            book.acknowledged(&String::from_utf8_lossy(&printed.stdout));
        }
        if running.is_none() {
            // The folder is looked at before any service opens it: repairs are told to the asker.
            book.check(&desk);
        }
        let service = running.get_or_insert_with(|| Appliance::start(&desk, &configuration));
        eventually("the service has all its processes again", || {
            let roles = ["authority", "gate", "publisher"];
            roles.iter().all(|role| service.processes(role).len() == 1)
        });
        eventually("the authority takes commands", || desk.ca(&["list", "--json"]).code == Some(0));
        book.check_told(&desk, &service.log.text());
        eventually("who may come in is let in", || is_let_in(service, &stays));
        assert!(!is_let_in(service, &goes), "{victim} killed, and a revoked one comes in");
    }
    drop(running);
    book.check_crl(&desk);
    println!("killed: {hit:?}, {interrupted} in the middle of a command");
    println!("{} issued, {} abandoned; nothing lost", book.issued(), book.abandoned());
}

/// Whether the application answers somebody with this certificate. curl is a visitor who remembers
/// nothing.
fn is_let_in(service: &Appliance<'_>, client: &Client) -> bool {
    let mut curl = service.desk.command("curl");
    curl.args(["--silent", "--max-time", "60", "--noproxy", "*", "--cacert", "ca/ca.crt"]);
    curl.arg("--cert").arg(&client.certificate_file).arg("--key").arg(&client.key_file);
    curl.arg(format!("https://localhost:{}/", service.gate(0).port()));
    let ran = finish_peer("curl", curl);
    ran.code == Some(0) && ran.out == "ok"
}
