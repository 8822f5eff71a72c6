//! `cargo bench --bench revocation`: looking one serial up among 10^7 revoked ones, a gate's copy of
//! a ledger of 10^6 and what a change of it takes, and the CRL of 10^6. Goals: 100 ns, 24 octets a
//! serial, 1 s, and linear.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

mod support;

use std::hint::black_box;
use std::time::Duration;

use sekisho::admission::{LedgerStatus, SerialIndex};
use sekisho::ground::clock;
use sekisho::pki::revocation_list::{RevocationListToBeSigned, RevokedCertificate};
use sekisho::pki::{Reason, RevocationList, SerialNumber};
use support::{root, timed};

const REVOKED: u64 = 10_000_000;
const LOOK_UPS: u64 = 2_000_000;

const ISSUED: u64 = 1_000_000;
/// Enough that the packed sets are made anew once.
const CHANGES: u64 = 20_000;

fn main() {
    look_up();
    ledger();
    lists();
}

fn look_up() {
    let before = resident_octets();
    let index = SerialIndex::new((0..REVOKED).map(serial));
    let octets = resident_octets().saturating_sub(before);
    println!("{REVOKED} revoked serials");
    println!("  one random read               {:>8.1} ns", random_read());
    println!("  resident octets a serial      {:>8.1}", as_f64(octets) / as_f64(REVOKED));
    for (what, first) in [("revoked", 0), ("not revoked", REVOKED)] {
        // A stride that is prime to their number: no look-up follows its neighbour.
        let serials: Vec<SerialNumber> =
            (0..LOOK_UPS).map(|n| serial(first + n * 7_368_787 % REVOKED)).collect();
        let (time, found) =
            timed(|| serials.iter().filter(|one| index.contains(black_box(**one))).count());
        assert_eq!(found, if first == 0 { serials.len() } else { 0 });
        let each = time.as_secs_f64() * 1e9 / as_f64(LOOK_UPS);
        println!("  look-up, {what:<20} {each:>8.1} ns");
    }
}

fn ledger() {
    let authority = root();
    let before = resident_octets();
    let (time, mut ledger) = timed(|| {
        let standing = (0..ISSUED).map(serial);
        LedgerStatus::new(clock::now()).with_issuer(
            &authority.certificate,
            standing,
            std::iter::empty(),
        )
    });
    let octets = resident_octets().saturating_sub(before);
    println!("a ledger of {ISSUED} certificates, at a gate");
    println!("  resident octets a serial      {:>8.1}", as_f64(octets) / as_f64(ISSUED));
    println!("  taken from a snapshot         {:>8.1} ms", time.as_secs_f64() * 1e3);
    let issuer = authority.certificate.sha256();
    let mut times: Vec<Duration> = (0..CHANGES)
        .map(|number| {
            let serials = [serial(ISSUED + number)];
            let (time, next) = timed(|| ledger.issued(&issuer, &serials).unwrap());
            ledger = next;
            time
        })
        .collect();
    times.sort_unstable();
    for (what, share) in [("half", 50), ("99 of 100", 99), ("each", 100)] {
        let time = times[(times.len() - 1) * share / 100].as_secs_f64() * 1e6;
        println!("  a change, {what:<9} take at most {time:>8.1} us");
    }
}

fn lists() {
    let authority = root();
    let now = clock::now();
    for count in [10_000_u64, 100_000, 1_000_000] {
        let entries: Vec<RevokedCertificate> = (0..count)
            .map(|number| RevokedCertificate {
                serial: serial(number),
                revoked_at: now,
                reason: Reason::KeyCompromise,
                invalid_since: None,
            })
            .collect();
        let (time, der) = timed(|| {
            RevocationListToBeSigned::build(
                &authority.certificate,
                1,
                now,
                now.plus_days(30),
                entries,
            )
            .unwrap()
            .sign(&authority.key)
            .unwrap()
        });
        let (reading, list) =
            timed(|| RevocationList::verify(&der, &authority.certificate, now).unwrap());
        let (indexing, _) = timed(|| SerialIndex::new(list.entries().map(|entry| entry.serial)));
        println!(
            "CRL of {count:>7}: build and sign {:>7.1} ms, verify {:>7.1} ms, index {:>7.1} ms, {} octets",
            time.as_secs_f64() * 1e3,
            reading.as_secs_f64() * 1e3,
            indexing.as_secs_f64() * 1e3,
            der.len(),
        );
    }
}

/// What one read of as much memory takes, at a place that nothing foretells: no look-up is faster.
fn random_read() -> f64 {
    const WORDS: u64 = REVOKED * 24 / 8;
    let memory: Vec<u64> = (0..WORDS).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let (time, sum) = timed(|| {
        let mut place = 1;
        for _ in 0..LOOK_UPS {
            let word = memory.get(usize::try_from(place % WORDS).unwrap()).unwrap();
            place = place.wrapping_mul(0xbf58_476d_1ce4_e5b9).wrapping_add(*word >> 63);
        }
        place
    });
    black_box(sum);
    time.as_secs_f64() * 1e9 / as_f64(LOOK_UPS)
}

/// As random as an issued one, and the same at every run.
fn serial(number: u64) -> SerialNumber {
    let mut state = number;
    let mut random = [0; 12];
    for chunk in random.chunks_mut(4) {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&mixed.to_be_bytes()[..4]);
    }
    SerialNumber::new(number, random)
}

fn resident_octets() -> u64 {
    let status = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
