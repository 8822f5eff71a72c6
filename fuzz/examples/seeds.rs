//! Writes the committed seeds: `cargo run --example seeds`, in this folder. They need no renewal;
//! this is how they were made, and how one is made for a new target.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;

use sekisho::config::example::example;
use sekisho::config::orca_catool;
use sekisho::ground::clock::Timestamp;
use sekisho::ground::messages::Language;
use sekisho::ground::secret::SecretBytes;
use sekisho::ledger::{self, Custody, Entry, Event, Intended, Numbered, VaultMark, octets, sha256};
use sekisho::pki::issue::{Profile, Template, ToBeSigned};
use sekisho::pki::revocation_list::{RevocationListToBeSigned, RevokedCertificate};
use sekisho::pki::{
    Certificate, CommonName, DistinguishedName, KeyAlgorithm, PrivateKey, Reason, SerialNumber,
    Signer, SubjectAlternativeName, pkcs8,
};
use sekisho::vault::{OpenVault, SlotSecret};

const THEN: i64 = 1_800_000_000;

fn main() {
    certificates();
    requests();
    revocation_lists();
    keys();
    vaults();
    ledger_entries();
    put("name/typed", "受付1".as_bytes());
    put("name/host", b"weborca.example.jp");
    put("name/address", b"2001:db8::1");
    put("orca_config/new", orca_catool::NEW_FILE.as_bytes());
    put("orca_config/other", b":ca_dir: /x\n:dn:\n  :c: JP\n:client_cert_validity: 365\n");
    let conf = "SERVER_CRT=/a.crt\nexport SERVER_PEM = \"/a b.pem\" # key\nCA_CRT='/ca.crt'\n";
    put("jma_receipt_conf/manual", conf.as_bytes());
    for (file, language) in [("en", Language::English), ("ja", Language::Japanese)] {
        put(&format!("sekisho_toml/{file}"), example(language).as_bytes());
    }
    let set = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with('[') || rest.contains(" = ") => format!("{}\n", rest.trim()),
        _ => format!("{line}\n"),
    };
    let everything: String = example(Language::English).lines().map(set).collect();
    put("sekisho_toml/everything", everything.as_bytes());
    let wrong = "version = 2\nlgo = \"x\"\n[authority]\nadmins = [\"root\"]\ncrl_days = 0\n\
                 [publish]\nmetrics = \"unix:a\"\n[[gate]]\nname = \"A\"\nnames = [1]\n[gate]\n";
    put("sekisho_toml/wrong", wrong.as_bytes());
}

fn certificates() {
    let (issuer, key) = issuer();
    let names = [
        SubjectAlternativeName::parse_dns("weborca-server").unwrap(),
        SubjectAlternativeName::parse_address("192.168.1.100").unwrap(),
    ];
    for (file, profile) in
        [("client", Profile::Client), ("server", Profile::Server { names: &names })]
    {
        let holder = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let subject = DistinguishedName::new(CommonName::parse("受付1").unwrap());
        let template = Template {
            serial: SerialNumber::generate(2).unwrap(),
            subject: &subject,
            not_before: Timestamp::from_unix(THEN),
            not_after: Timestamp::from_unix(THEN).plus_days(30),
            subject_public_key_info: holder.subject_public_key_info(),
        };
        let prepared = ToBeSigned::issued_by(&template, &profile, &issuer).unwrap();
        let certificate = prepared.sign(&key).unwrap();
        put(&format!("certificate/{file}"), certificate.der());
        put(&format!("certificate/{file}.pem"), certificate.pem().as_bytes());
        put(&format!("name/{file}"), certificate.subject_der());
    }
    put("certificate/root", issuer.der());
}

fn requests() {
    for (file, algorithm) in [("p256", "ec"), ("ed25519", "ed25519")] {
        let mut command = Command::new("openssl");
        command.args(["req", "-new", "-nodes", "-keyout", "/dev/null", "-outform", "DER"]);
        command.args(["-newkey", algorithm, "-subj", "/CN=user1", "-out"]);
        command.arg(folder().join(format!("certificate_request/{file}")));
        command.args(["-addext", "subjectAltName=DNS:a.example.jp,IP:10.0.0.1"]);
        if algorithm == "ec" {
            command.args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
        }
        std::fs::create_dir_all(folder().join("certificate_request")).unwrap();
        assert!(command.status().unwrap().success());
    }
}

fn revocation_lists() {
    let (issuer, _) = issuer();
    let revoked = |number: u64| RevokedCertificate {
        serial: SerialNumber::generate(number).unwrap(),
        revoked_at: Timestamp::from_unix(THEN),
        reason: Reason::ALL[usize::try_from(number).unwrap() % 4],
        invalid_since: (number % 2 == 0).then(|| Timestamp::from_unix(THEN).plus_days(-1)),
    };
    for count in [0_u64, 3] {
        let entries: Vec<_> = (0..count).map(revoked).collect();
        let now = Timestamp::from_unix(THEN);
        let body =
            RevocationListToBeSigned::build(&issuer, 7, now, now.plus_days(30), entries).unwrap();
        put(&format!("revocation_list/{count}"), body.bytes());
    }
}

fn keys() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::Ed25519, KeyAlgorithm::Rsa2048] {
        let key = PrivateKey::generate(algorithm).unwrap();
        put(&format!("key_pem/{}", algorithm.name()), key.pkcs8_pem().unwrap().expose());
        put(&format!("key_pem/{}.der", algorithm.name()), key.pkcs8().unwrap().expose());
    }
}

fn vaults() {
    let mut vault = OpenVault::create().unwrap();
    vault.add_slot(&SlotSecret::KeyFile(SecretBytes::new(vec![7; 32]))).unwrap();
    vault.add_authority_key(1, PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()).unwrap();
    let path = std::env::temp_dir().join(format!("sekisho-seed-{}", std::process::id()));
    vault.next_file().unwrap().write(&path).unwrap();
    let file = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    // Without the head and the digest, which the target puts around it.
    put("vault_file/key-file", &file[20..file.len() - 32]);
}

fn ledger_entries() {
    let digest = || octets(&sha256(b"seed")).unwrap();
    let events = [
        ("vault", Event::VaultChanged(VaultMark { generation: 1, sha256: digest() })),
        ("abandoned", Event::Abandoned(Numbered { number: 3 })),
        (
            "intended",
            Event::Intended(Intended {
                number: 2,
                serial: octets(SerialNumber::generate(2).unwrap().as_bytes()).unwrap(),
                issuer: 1,
                profile: ledger::Profile::Client,
                profile_version: 1,
                not_before: 1_800_000_000,
                not_after: 1_900_000_000,
                key_sha256: digest(),
                to_be_signed_sha256: digest(),
                custody: Custody::Escrowed,
                holder_sha256: digest(),
                renews: Some(1),
                audience: Some("main".to_owned()),
                request: Some(digest()),
            }),
        ),
    ];
    for (name, event) in events {
        let entry = Entry {
            sequence: 5,
            time: Timestamp::from_unix(THEN),
            actor: "uid:1000".to_owned(),
            event,
            previous: sha256(b"before"),
        };
        put(&format!("ledger_entry/{name}"), &entry.to_bytes().unwrap());
    }
}

fn issuer() -> (Certificate, PrivateKey) {
    let key = SecretBytes::copy_of(include_bytes!("../fixtures/issuer.pem"));
    let certificate = Certificate::from_pem(include_bytes!("../fixtures/issuer.crt")).unwrap();
    (certificate, pkcs8::read_pem(&key).unwrap())
}

fn put(name: &str, bytes: &[u8]) {
    let path = folder().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds"))
}
