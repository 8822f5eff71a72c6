//! What the separation of processes costs on a gate's path: the CPU time of a handshake and of a
//! request, at `sekisho serve` with its processes confined, and at the same gate as one unconfined
//! process, in turn, under the same load.
//!
//! `cargo bench --bench separation`: medians of the rounds in microseconds, and of their ratios; the
//! goal is 1.0.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    reason = "a bench prints, and fails by panicking"
)]

#[path = "../tests/support/gate.rs"]
mod support;

use std::io::{Read, Write};
use std::process::Command;

use sekisho::gate::{Gate as Within, Limits, RefusalMode, Settings};
use tracing_subscriber::fmt::format::Writer;

use support::{Gate, Stage, Upstream, Visitor};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What makes this program the gate in one process.
const ONE_PROCESS: &str = "--one-process";

/// Turns of each, and what is done in one.
const ROUNDS: usize = 40;
const HANDSHAKES: u64 = 300;
const REQUESTS: u64 = 3000;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == ONE_PROCESS) {
        one_process(&words[2], &words[3]);
        return;
    }
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let stage = Stage::with_upstream(Upstream::answering(answer))
        .with_argument("--handshakes-per-second=1000000")
        .with_argument("--log-format=json");
    let identity = stage.client("user1", 3);
    let mut whole = Command::new("/proc/self/exe");
    whole.arg(ONE_PROCESS).arg(stage.folder.path());
    whole.arg(format!("http://{}", stage.upstream.address));
    let gates = [stage.start(), Gate::start(whole)];
    // Without tickets: every handshake is a whole one.
    let visitors = gates.each_ref().map(|gate| {
        let mut visitor = Visitor::new(&stage, gate, &identity, &rustls::version::TLS13);
        visitor.config().resumption = rustls::client::Resumption::disabled();
        visitor
    });
    for (what, times, load) in [
        ("handshake", HANDSHAKES, handshakes as fn(&Visitor)),
        ("request", REQUESTS, requests as fn(&Visitor)),
    ] {
        let mut rounds = Vec::new();
        for round in 0..=ROUNDS {
            let mut spent = [0.0, 0.0];
            // Each goes first as often as the other.
            for place in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                let before = processor_time(gates[place].process());
                load(&visitors[place]);
                let time = processor_time(gates[place].process()) - before;
                spent[place] = time as f64 / times as f64 / 1000.0;
            }
            // The first round warms everything up.
            if round > 0 {
                rounds.push(spent);
            }
        }
        let separate = median(rounds.iter().map(|[separate, _]| *separate));
        let whole = median(rounds.iter().map(|[_, whole]| *whole));
        let ratio = median(rounds.iter().map(|[separate, whole]| separate / whole));
        println!(
            "{what:>10}: processes {separate:7.1} us, one process {whole:7.1} us, ratio {ratio:.3}"
        );
    }
}

/// The middle one: a round in which the machine was busy elsewhere counts as one round.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The same gate, provided for by itself.
fn one_process(folder: &str, upstream: &str) {
    // Every visitor is a line of the log, in both.
    let log = tracing_subscriber::fmt().json().flatten_event(true).with_timer(Rfc3339);
    log.with_writer(std::io::stderr).init();
    let path = |name: &str| std::path::Path::new(folder).join(name);
    let settings = Settings::new(sekisho::gate::Files {
        server_certificate: path("server.crt"),
        server_key: path("server.pem"),
        authorities: path("ca.crt"),
    })
    .with_upstream(upstream, false)
    .unwrap()
    .with_listen("127.0.0.1:0")
    .unwrap()
    .with_refusal(RefusalMode::Strict)
    .with_limits(Limits::default().with_handshakes_per_second(1_000_000));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let gate = Within::open_here(settings, None).await.unwrap();
        eprintln!("listening address={}", gate.address());
        gate.serve(std::future::pending()).await;
    });
}

/// The times of the log, as `sekisho serve` writes them.
struct Rfc3339;

impl tracing_subscriber::fmt::time::FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", sekisho::ground::clock::now().rfc3339())
    }
}

fn handshakes(visitor: &Visitor) {
    for _ in 0..HANDSHAKES {
        let mut stream = visitor.connect();
        request(&mut stream);
    }
}

fn requests(visitor: &Visitor) {
    let mut stream = visitor.connect();
    for _ in 0..REQUESTS {
        request(&mut stream);
    }
}

fn request(stream: &mut support::Tls) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "no answer");
        answer.extend_from_slice(&part[..read]);
    }
}

/// Nanoseconds of CPU time of a process and of those it has started.
fn processor_time(process: u32) -> u64 {
    let own: u64 = std::fs::read_dir(format!("/proc/{process}/task"))
        .unwrap()
        .map_while(Result::ok)
        .filter_map(|task| {
            let schedule = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            schedule.split(' ').next()?.parse::<u64>().ok()
        })
        .sum();
    let children = std::fs::read_dir("/proc").unwrap().map_while(Result::ok).filter_map(|entry| {
        let child = entry.file_name().to_str()?.parse::<u32>().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()?;
        (parent == process).then_some(child)
    });
    own + children.map(processor_time).sum::<u64>()
}
