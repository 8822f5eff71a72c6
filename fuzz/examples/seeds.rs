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
    CommonName, DistinguishedName, KeyAlgorithm, PrivateKey, Reason, SerialNumber, Signer,
    SubjectAlternativeName,
};
use sekisho::vault::{OpenVault, SlotSecret};
use sekisho_fuzz::stage::{self, THEN, issuer};

fn main() {
    certificates();
    requests();
    revocation_lists();
    keys();
    vaults();
    ledger_entries();
    visitor_chains();
    client_hellos();
    request_heads();
    door_messages();
    let anchor = [vec![1], vec![7; 16 + 8], vec![0, 0, 0, 0], vec![9; 4 + 32]].concat();
    put("anchor/unsealed", &anchor);
    put("anchor/sealed", &[anchor, vec![3; 8 + 32]].concat());
    put("pkcs12/generated", "Kp7mWq3xZ9aBcDeF\n受付1 𠮷田".as_bytes());
    put("pkcs12/empty", b"\nuser1");
    put(
        "staff_list/all",
        "\u{FEFF}name,person,device,days\n受付1,\"山田, 太郎\",PC 1,90\nb\n".as_bytes(),
    );
    put("staff_list/names", b"name\r\nuser1\r\nuser2,\r\n");
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

fn visitor_chains() {
    let read = |name: &str| std::fs::read(folder().join("certificate").join(name)).unwrap();
    let foreign = stage::root("orca CA", Timestamp::from_unix(THEN));
    let by = (&foreign.certificate, &foreign.key);
    let forged = stage::issued(by, "受付1", Timestamp::from_unix(THEN), &Profile::Client);
    let (root, forged) = (foreign.certificate.der().to_vec(), forged.certificate.der().to_vec());
    let chains = [
        ("client", vec![read("client")]),
        ("with-root", vec![read("client"), read("root")]),
        ("server", vec![read("server"), read("root")]),
        ("forged", vec![forged, root]),
    ];
    for (name, chain) in chains {
        let put_one = |one: &Vec<u8>| {
            let length = u16::try_from(one.len()).unwrap().to_be_bytes();
            [length.as_slice(), one].concat()
        };
        let octets: Vec<u8> = chain.iter().flat_map(put_one).collect();
        put(&format!("visitor_chain/{name}"), &octets);
    }
}

fn client_hellos() {
    use rustls::version::{TLS12, TLS13};
    for (name, versions, host) in [
        ("tls13", &[&TLS13][..], "gate.example"),
        ("tls12", &[&TLS12], "gate.example"),
        ("both", &[&TLS12, &TLS13], "192.0.2.1"),
    ] {
        let mut config = rustls::ClientConfig::builder_with_protocol_versions(versions)
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let host = rustls_pki_types::ServerName::try_from(host).unwrap();
        let mut client = rustls::ClientConnection::new(config.into(), host).unwrap();
        let mut octets = Vec::new();
        client.write_tls(&mut octets).unwrap();
        put(&format!("client_hello/{name}"), &octets);
    }
}

fn request_heads() {
    let lines: [(&str, &[&str]); 7] = [
        (
            "plain",
            &["GET /a?b HTTP/1.1", "Host: gate.example", "Cookie: a=b", "Accept: */*", "", ""],
        ),
        (
            "length",
            &[
                "POST / HTTP/1.1",
                "Host: gate.example:8000",
                "Content-Length: 2",
                "",
                "abGET / HTTP/1.1",
                "Host: gate.example",
                "",
                "",
            ],
        ),
        (
            "chunked",
            &[
                "PUT / HTTP/1.1",
                "Host: gate.example",
                "Transfer-Encoding: chunked",
                "TE: trailers",
                "Connection: te, x-a",
                "X-A: 1",
                "",
                "2",
                "ab",
                "0",
                "Client-Cert: x",
                "",
                "",
            ],
        ),
        (
            "identity",
            &[
                "GET / HTTP/1.1",
                "host: gate.example",
                "Client-Cert: a",
                "X_Sekisho-Serial: 2",
                "X-Forwarded-For: 1.1.1.1",
                "Connection: keep-alive",
                "Keep-Alive: 5",
                "",
                "",
            ],
        ),
        (
            "websocket",
            &[
                "GET /ws HTTP/1.1",
                "Host: gate.example",
                "Origin: https://gate.example",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
                "",
                "",
            ],
        ),
        (
            "absolute",
            &[
                "OPTIONS https://gate.example/x HTTP/1.1",
                "Host: gate.example",
                "Expect: 100-continue",
                "",
                "",
            ],
        ),
        ("old", &["POST / HTTP/1.0", "Host: gate.example", "Content-Length: 1", "", "a"]),
    ];
    for (name, lines) in lines {
        put(&format!("request_head/{name}"), lines.join("\r\n").as_bytes());
    }
    let pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "gate.example")];
    let blocks: [(&str, &[(&str, &str)], &[u8]); 3] = [
        (
            "plain",
            &[(":path", "/a?b"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")],
            &[],
        ),
        ("identity", &[(":path", "/"), ("client-cert", "a"), ("x_forwarded_for", "b")], &[]),
        ("body", &[(":path", "/"), ("content-length", "2")], b"\xffab"),
    ];
    for (name, fields, body) in blocks {
        let literal = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        // Literal fields without indexing (RFC 7541 section 6.2.2).
        let field =
            |(name, value): &(&str, &str)| [vec![0], literal(name), literal(value)].concat();
        let block: Vec<u8> = pseudo.iter().chain(fields).flat_map(field).collect();
        put(&format!("request_head_http2/{name}"), &[block.as_slice(), body].concat());
    }
}

fn door_messages() {
    use sekisho::door::command::{Command, Handout, Key, Order, Purpose, Request, Secret, Subject};
    use sekisho::door::feed::{Acknowledgement, Answer, Change, Event};
    use sekisho::door::frame;
    use sekisho::door::reply::{Message, Reply};
    let body = |kind: u8, frame: &[u8]| [&[kind], &frame[6..]].concat();
    let order = Order {
        subject: Subject {
            common_name: "受付1".to_owned(),
            country: "JP".to_owned(),
            organization: "orca".to_owned(),
            unit: None,
        },
        purpose: Purpose::Server { hosts: vec!["weborca-server".to_owned()] },
        days: 397,
        shorten: false,
        key: Key::Generate { algorithm: "p256".to_owned(), escrow: true },
        person: Some("山田".to_owned()),
        device: None,
        source: None,
        request: Some([7; 32]),
    };
    let secret = Secret::Passphrase(SecretBytes::copy_of(b"secret").into());
    let commands = [
        ("issue", Command::Issue { orders: vec![order], handout: Handout::Modern }),
        ("unseal", Command::Unseal { secret }),
        ("list", Command::List { first: 1, limit: 1024 }),
    ];
    for (name, command) in commands {
        let request = Request { actor: "uid:1000".to_owned(), idempotency: [1; 16], command };
        put(&format!("door_message/{name}"), &body(0, &frame::encode(&request, 9999).unwrap()));
    }
    let reply = Message::End(Ok(Reply::Verified { entries: 7, certificates: 300 }));
    put("door_message/reply", &body(1, &frame::encode(&reply, 9999).unwrap()));
    let serials = vec![SerialNumber::generate(2).unwrap()];
    let event = Event::Revoked(Change { epoch: 9, issuer: [3; 32], serials });
    put("door_message/event", &body(2, &frame::encode(&event, 9999).unwrap()));
    let answer = Answer::Acknowledged(Acknowledgement {
        gate: "main".to_owned(),
        epoch: 9,
        enforced: true,
        cut: 1,
        microseconds: 800,
        left: 0,
    });
    let answer = frame::encode(&answer, 9999).unwrap();
    put("door_message/answer", &body(3, &answer));
    put("door_message/stream", &[&[4], answer.as_slice(), &answer].concat());
}

fn put(name: &str, bytes: &[u8]) {
    let path = folder().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds"))
}
