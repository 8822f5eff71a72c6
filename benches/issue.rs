//! `cargo bench --bench issue`: durable certificates a second, with their keys and bundles, as
//! `issue client --from FILE.csv` makes them, beside what the machine allows: its syncs to disk,
//! and the key generation and two signatures (throwaway key, CA's key) of each certificate.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use sekisho::authority::{Authority, DataFolder, Initialise};
use sekisho::ca::{IssueRequest, KeySource, Purpose, Validity};
use sekisho::ground::clock;
use sekisho::ground::secret::SecretBytes;
use sekisho::pki::pkcs12::Encryption;
use sekisho::pki::{CertificateRequest, KeyAlgorithm, PrivateKey, Signer};
use sekisho::vault::SlotSecret;
use support::{median_of, microseconds, name, timed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As many share two durable commits in the bulk command.
const BATCH: u32 = 64;
const CERTIFICATES: u32 = 10_000;
/// Durable commits a batch: the intents, and the certificates.
const COMMITS: u32 = 2;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let sync = sync_of(folder.path());
    let primitives = primitives();
    println!("one sync to disk                      {:>9.1} us", microseconds(sync));
    println!("key generation and two signatures     {:>9.1} us", microseconds(primitives));
    let limit = sync * COMMITS / BATCH + primitives;
    println!("limit                                 {:>9.0} a second", 1.0 / limit.as_secs_f64());

    let authority = authority(&folder.path().join("data"));
    let request = request_of_a_holder();
    for (what, requested) in [("from requests, no bundle", true), ("with keys and bundles", false)]
    {
        let source = || match requested {
            true => KeySource::Requested(Box::new(CertificateRequest::read(&request).unwrap())),
            false => KeySource::Generate { algorithm: KeyAlgorithm::EcdsaP256, escrow: false },
        };
        let single = median_of(51, || issue(&authority, 1, source));
        println!("{what}");
        println!("  one alone                           {:>9.1} us", microseconds(single));
        let (spent, ()) = timed(|| {
            for _ in 0..CERTIFICATES / BATCH {
                issue(&authority, BATCH, source);
            }
        });
        let each = spent / (CERTIFICATES / BATCH * BATCH);
        let rate = 1.0 / each.as_secs_f64();
        println!("  in batches of {BATCH}                    {:>9.1} us", microseconds(each));
        println!("  rate                                {rate:>9.0} a second");
        println!("  of the limit                        {:>9.2}", limit.div_duration_f64(each));
    }
}

fn issue(authority: &Authority, count: u32, source: impl Fn() -> KeySource) {
    let requests = (0..count).map(|number| IssueRequest {
        subject: name(&format!("user{number}")),
        purpose: Purpose::Client,
        validity: Validity { days: 365, shorten: false },
        key: source(),
        person: None,
        device: None,
        source: None,
        request: None,
    });
    for outcome in authority.issue(requests.collect(), Encryption::Modern).unwrap() {
        outcome.ok().unwrap();
    }
}

fn authority(path: &Path) -> Authority {
    let request = Initialise {
        subject: name("orca CA"),
        days: 7300,
        algorithm: KeyAlgorithm::EcdsaP256,
        secrets: vec![SlotSecret::KeyFile(SecretBytes::new(vec![7; 32]))],
    };
    Authority::initialise(&DataFolder::new(path), request, clock::now(), "uid:0").ok().unwrap()
}

/// The time of one sync of one changed page.
fn sync_of(folder: &Path) -> Duration {
    let file = File::create_new(folder.join("sync")).unwrap();
    file.set_len(1 << 20).unwrap();
    file.sync_all().unwrap();
    let mut octet = 0_u8;
    median_of(101, || {
        octet = octet.wrapping_add(1);
        file.write_all_at(&[octet; 4096], u64::from(octet) * 4096).unwrap();
        file.sync_data().unwrap();
    })
}

fn primitives() -> Duration {
    let authority = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    median_of(501, || {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let throwaway = authority.sign(&[0x30; 450]).unwrap();
        (key, throwaway, authority.sign(&[0x31; 450]).unwrap())
    })
}

fn request_of_a_holder() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::default();
    params.serialize_request(&key).unwrap().der().to_vec()
}
