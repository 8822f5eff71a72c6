//! The gate's side of a TLS 1.3 handshake with a client certificate, in memory: verification,
//! tickets, admission, and the entry among the live connections. Beside it, timed in turns with it,
//! the sum of the primitives that no implementation can do without, and rustls alone with its own
//! verifier and no tickets: the difference is what the safety costs.
//!
//! `cargo bench --bench handshake`: microseconds (median) and ratios; the goal is 1.25 times the
//! primitives.
//! `cargo bench --bench handshake -- --only X25519 500`: that many remembered ones and nothing
//! else, for a profiler or callgrind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench prints, and fails by panicking"
)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use rustls::client::Resumption;
use rustls::crypto::SupportedKxGroup;
use rustls::crypto::aws_lc_rs::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    SupportedCipherSuite,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sekisho::gate::{Files, Handshakes, Settings};
use sekisho::ground::files;
use sekisho::pki::SubjectAlternativeName;
use sekisho::pki::issue::Profile;
use support::{Holder, median, microseconds, root, timed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Visitors, each with a certificate of its own: the first visit of each is of a chain that is not
/// remembered. Below the number of chains that a gate remembers.
const VISITORS: u64 = 400;
const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let stage = Stage::new();
    if let Some(position) = arguments.iter().position(|argument| argument == "--only") {
        let group = GROUPS.iter().find(|group| group.name == arguments[position + 1]).unwrap();
        let handshakes = stage.gate();
        let config = stage.client(&stage.visitors[0], group, false);
        for _ in 0..arguments[position + 2].parse().unwrap() {
            visit_gate(&handshakes, &config);
        }
        return;
    }
    println!(
        "{:<28} {:>9} {:>10} {:>6}",
        "server side of a handshake", "us", "primitives", "ratio"
    );
    for group in &GROUPS {
        stage.measure(group);
    }
}

/// What a client offers.
struct Group {
    name: &'static str,
    group: &'static dyn SupportedKxGroup,
    hybrid: bool,
    /// The suite it prefers; it sets which hash the key schedule runs on.
    suite: SupportedCipherSuite,
}

/// Browsers prefer AES-128 with SHA-256, curl and other users of OpenSSL AES-256 with SHA-384.
static GROUPS: [Group; 3] = [
    Group {
        name: "X25519",
        group: kx_group::X25519,
        hybrid: false,
        suite: TLS13_AES_128_GCM_SHA256,
    },
    Group {
        name: "X25519MLKEM768",
        group: kx_group::X25519MLKEM768,
        hybrid: true,
        suite: TLS13_AES_128_GCM_SHA256,
    },
    Group {
        name: "X25519-SHA384",
        group: kx_group::X25519,
        hybrid: false,
        suite: TLS13_AES_256_GCM_SHA384,
    },
];

struct Stage {
    folder: tempfile::TempDir,
    authority: Holder,
    server: Holder,
    visitors: Vec<Holder>,
    primitives: Primitives,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = root();
        let names = [SubjectAlternativeName::parse_dns("localhost").unwrap()];
        let server = authority.issue(2, "localhost", &Profile::Server { names: &names });
        put(folder.path(), "ca.crt", authority.certificate.pem().as_bytes());
        put(folder.path(), "server.crt", server.certificate.pem().as_bytes());
        put(folder.path(), "server.pem", server.key.pkcs8_pem().unwrap().expose());
        let visitor = |number| authority.issue(number, &format!("user{number}"), &Profile::Client);
        let visitors = (3..3 + VISITORS).map(visitor).collect();
        Self { folder, authority, server, visitors, primitives: Primitives::new() }
    }

    /// A gate that remembers nobody yet.
    fn gate(&self) -> Handshakes {
        let path = |name| self.folder.path().join(name);
        let settings = Settings::new(Files {
            server_certificate: path("server.crt"),
            server_key: path("server.pem"),
            authorities: path("ca.crt"),
        });
        Handshakes::open(&settings).unwrap()
    }

    fn client(&self, holder: &Holder, group: &Group, resume: bool) -> Arc<ClientConfig> {
        let mut provider = default_provider();
        provider.kx_groups = vec![group.group];
        provider.cipher_suites = vec![group.suite];
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.certificate.der())).unwrap();
        let chain = vec![CertificateDer::from(holder.certificate.der().to_vec())];
        let key = PrivateKeyDer::try_from(holder.key.pkcs8().unwrap().expose().to_vec()).unwrap();
        let mut config = ClientConfig::builder_with_provider(provider.into())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        if !resume {
            config.resumption = Resumption::disabled();
        }
        config.into()
    }

    /// rustls with its own verifier, without tickets.
    fn bare(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.authority.certificate.der())).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build()
                .unwrap();
        let chain = vec![CertificateDer::from(self.server.certificate.der().to_vec())];
        let key = self.server.key.pkcs8().unwrap().expose().to_vec();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, PrivateKeyDer::try_from(key).unwrap())
            .unwrap();
        config.send_tls13_tickets = 0;
        Arc::new(config)
    }

    fn measure(&self, group: &Group) {
        let gate = self.gate();
        let bare = self.bare();
        let mut alone = Row::default();
        let mut first = Row::default();
        let mut again = Row::default();
        for (round, row) in std::iter::once(&mut first).chain([&mut again]).enumerate() {
            for _ in 0..if round == 0 { 1 } else { ROUNDS } {
                for visitor in &self.visitors {
                    let primitives = self.primitives.full(group.hybrid, round == 0);
                    row.primitives.push(primitives);
                    let config = self.client(visitor, group, false);
                    let (time, kind) = visit_gate(&gate, &config);
                    assert_eq!(kind, HandshakeKind::Full);
                    row.handshakes.push(time);
                    if round == 0 {
                        let begin = || ServerConnection::new(Arc::clone(&bare)).unwrap();
                        alone.primitives.push(primitives);
                        alone.handshakes.push(visit(&config, begin, |_| ()).0);
                    }
                }
            }
        }
        alone.print(group.name, "rustls alone");
        first.print(group.name, "chain not remembered");
        again.print(group.name, "chain remembered");

        let mut resumed = Row::default();
        for visitor in &self.visitors {
            let config = self.client(visitor, group, true);
            visit_gate(&gate, &config);
            resumed.primitives.push(self.primitives.agreed(group.hybrid));
            let (time, kind) = visit_gate(&gate, &config);
            assert_eq!(kind, HandshakeKind::Resumed);
            resumed.handshakes.push(time);
        }
        resumed.print(group.name, "resumed");
    }
}

#[derive(Default)]
struct Row {
    handshakes: Vec<Duration>,
    primitives: Vec<Duration>,
}

impl Row {
    fn print(self, group: &str, what: &str) {
        let handshake = microseconds(median(self.handshakes));
        let primitives = microseconds(median(self.primitives));
        println!("{group}, {what}");
        println!("{:<28} {handshake:>9.1} {primitives:>10.1} {:>6.2}", "", handshake / primitives);
    }
}

fn visit_gate(gate: &Handshakes, config: &Arc<ClientConfig>) -> (Duration, HandshakeKind) {
    visit(
        config,
        || gate.begin().unwrap(),
        |server| {
            gate.admit(server).ok().unwrap();
        },
    )
}

/// One handshake until the client has its tickets and the server its verdict; the time counted is
/// what the server's side took.
fn visit(
    config: &Arc<ClientConfig>,
    begin: impl FnOnce() -> ServerConnection,
    admit: impl FnOnce(&ServerConnection),
) -> (Duration, HandshakeKind) {
    let mut client =
        ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap()).unwrap();
    let (mut spent, mut server) = timed(begin);
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
        to_server.clear();
        while client.wants_write() {
            client.write_tls(&mut to_server).unwrap();
        }
        to_client.clear();
        let (time, ()) = timed(|| {
            let mut octets = to_server.as_slice();
            while !octets.is_empty() {
                server.read_tls(&mut octets).unwrap();
                server.process_new_packets().unwrap();
            }
            while server.wants_write() {
                server.write_tls(&mut to_client).unwrap();
            }
        });
        spent += time;
        let mut octets = to_client.as_slice();
        while !octets.is_empty() {
            client.read_tls(&mut octets).unwrap();
            client.process_new_packets().unwrap();
        }
    }
    let (time, ()) = timed(|| admit(&server));
    (spent + time, server.handshake_kind().unwrap())
}

/// What every TLS library must compute, with the library the gate computes it with.
struct Primitives {
    random: SystemRandom,
    pair: EcdsaKeyPair,
    peer_share: Vec<u8>,
    peer_encapsulation_key: Vec<u8>,
    /// As long as what a CertificateVerify signs (RFC 8446 section 4.4.3).
    transcript: [u8; 130],
    transcript_signature: Vec<u8>,
    /// As long as a client certificate of ours.
    to_be_signed: [u8; 450],
    chain_signature: Vec<u8>,
}

impl Primitives {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let share = EphemeralPrivateKey::generate(&agreement::X25519, &random).unwrap();
        let peer_share = share.compute_public_key().unwrap().as_ref().to_vec();
        let decapsulation = DecapsulationKey::generate(&ML_KEM_768).unwrap();
        let encapsulation = decapsulation.encapsulation_key().unwrap();
        let (transcript, to_be_signed) = ([0x20; 130], [0x30; 450]);
        Self {
            peer_share,
            peer_encapsulation_key: encapsulation.key_bytes().unwrap().as_ref().to_vec(),
            transcript,
            transcript_signature: pair.sign(&random, &transcript).unwrap().as_ref().to_vec(),
            to_be_signed,
            chain_signature: pair.sign(&random, &to_be_signed).unwrap().as_ref().to_vec(),
            pair,
            random,
        }
    }

    /// Key agreement alone, as in a resumed handshake.
    fn agreed(&self, hybrid: bool) -> Duration {
        timed(|| self.agree(hybrid)).0
    }

    /// Agreement, our signature, the visitor's, and the authority's on the visitor's certificate.
    fn full(&self, hybrid: bool, chain: bool) -> Duration {
        let work = || {
            self.agree(hybrid);
            self.pair.sign(&self.random, &self.transcript).unwrap();
            self.verify(&self.transcript, &self.transcript_signature);
            if chain {
                self.verify(&self.to_be_signed, &self.chain_signature);
            }
        };
        timed(work).0
    }

    fn agree(&self, hybrid: bool) {
        let ours = EphemeralPrivateKey::generate(&agreement::X25519, &self.random).unwrap();
        std::hint::black_box(ours.compute_public_key().unwrap());
        let peer = UnparsedPublicKey::new(&agreement::X25519, &self.peer_share);
        agreement::agree_ephemeral(ours, peer, (), |secret| {
            std::hint::black_box(secret);
            Ok(())
        })
        .unwrap();
        if hybrid {
            let key = EncapsulationKey::new(&ML_KEM_768, &self.peer_encapsulation_key).unwrap();
            std::hint::black_box(key.encapsulate().unwrap());
        }
    }

    fn verify(&self, message: &[u8], of: &[u8]) {
        let key = signature::UnparsedPublicKey::new(
            &ECDSA_P256_SHA256_ASN1,
            self.pair.public_key().as_ref(),
        );
        key.verify(message, of).unwrap();
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    files::write_new(&folder.join(name), bytes, files::PRIVATE).unwrap();
}
