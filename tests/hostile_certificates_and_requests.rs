//! Certificates, requests and lists made to break whoever reads them: nothing panics, nothing of
//! theirs gets in.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use data_encoding::BASE64;
use desk::{Desk, SEKISHO, finish};
use support::{Identity, Stage, Visitor};

// Catches: a panic before the signature is looked at (I11), and a request whose signature is not
// held against its changed contents.
#[test]
fn hostile_requests_are_refused_and_nothing_panics() {
    let desk = Desk::with_key_file();
    let new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let own = ["-keyout", "own.key", "-subj", "/C=JP/CN=own", "-outform", "DER", "-out", "own.csr"];
    desk.openssl(&[new.as_slice(), &own].concat());
    let genuine = std::fs::read(desk.path("own.csr")).unwrap();
    desk.ca(&["issue", "client", "own", "--csr", "own.csr"]).success();
    for hostile in hostile_forms(&genuine) {
        desk.write("hostile.csr", &hostile);
        let ran = desk.ca(&["issue", "client", "evil", "--csr", "hostile.csr"]);
        let shown = data_encoding::HEXLOWER.encode(&hostile);
        assert_eq!(ran.code, Some(1), "{shown}: {ran:?}");
        assert!(ran.error.contains("request") || ran.error.contains("public key"), "{ran:?}");
    }
    assert_eq!(desk.json(&["list", "--all"])["certificates"].as_array().unwrap().len(), 2);
}

// Catches: the same in the files a gate is given. A list that is not understood never counts as
// one.
#[test]
fn hostile_files_keep_the_gate_from_starting_and_nothing_panics() {
    let stage = Stage::new().with_revocation_list(&[7]);
    let desk = Desk::new();
    let check = |name: &str| {
        let mut command = desk.command(SEKISHO);
        command.args(["config", "check", "--jma-receipt-conf"]);
        command.arg(stage.path("jma-receipt.conf"));
        command.args(&stage.arguments);
        let ran = finish(command);
        assert!(matches!(ran.code, Some(0 | 1)), "{name}: {ran:?}");
        ran
    };
    check("as it was").success();
    let list = stage.arguments.last().unwrap().clone();
    let list = std::path::Path::new(&list).file_name().unwrap().to_str().unwrap().to_owned();
    for (name, label) in [
        ("ca.crt", "CERTIFICATE"),
        ("server.crt", "CERTIFICATE"),
        ("server.pem", "PRIVATE KEY"),
        (&list, "X509 CRL"),
    ] {
        let genuine = std::fs::read_to_string(stage.path(name)).unwrap();
        for hostile in hostile_forms(&from_pem(&genuine)) {
            stage.write(name, &to_pem(label, &hostile));
            support::set_mode(&stage.path(name), 0o600);
            let ran = check(name);
            let shown = data_encoding::HEXLOWER.encode(&hostile);
            // Anchor, certificate and key are the administrator's to choose; a list is only what its
            // signature says.
            if name == list {
                assert_eq!(ran.code, Some(1), "{name} {shown}: {ran:?}");
            }
        }
        stage.write(name, &genuine);
        support::set_mode(&stage.path(name), 0o600);
    }
    check("as it was again").success();
}

// Catches: a visitor who ends the gate for all.
#[test]
fn hostile_client_certificates_get_nothing_and_the_gate_lives_on() {
    let stage = Stage::new();
    let gate = stage.start();
    let honest = stage.client("user1", 3);
    for hostile in hostile_forms(&from_pem(&honest.certificate)) {
        let shown = data_encoding::HEXLOWER.encode(&hostile);
        let certificate = to_pem("CERTIFICATE", &hostile);
        let identity = Identity { certificate, key: honest.key.clone() };
        let visitor = Visitor::new(&stage, &gate, &identity, &rustls::version::TLS13);
        assert!(visitor.visit().is_err(), "let in: {shown}");
    }
    let visitor = Visitor::new(&stage, &gate, &honest, &rustls::version::TLS13);
    assert!(visitor.visit().unwrap().answer.contains("hello"));
    assert!(!gate.log.text().contains("panicked"), "{}", gate.log.text());
}

// Catches: anything but the key taken from a request (I13).
#[test]
fn a_request_cannot_smuggle_names_or_powers() {
    let desk = Desk::with_key_file();
    desk.write(
        "greedy.cnf",
        "[req]\nprompt=no\ndistinguished_name=dn\nreq_extensions=ext\n\
         [dn]\nC=US\nO=Evil\nOU=Root\nCN=*\n\
         [ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
         extendedKeyUsage=anyExtendedKeyUsage,serverAuth,clientAuth\n\
         subjectAltName=DNS:*,DNS:weborca-server,IP:192.168.1.1,email:root@example.jp\n\
         nsCertType=sslCA\n1.2.3.4=ASN1:UTF8String:planted\n",
    );
    let new = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key"];
    desk.openssl(&[new.as_slice(), &["-config", "greedy.cnf", "-out", "greedy.csr"]].concat());
    desk.ca(&["issue", "client", "laptop", "--csr", "greedy.csr"]).success();
    desk.ca(&["issue", "server", "gate.example.jp", "--csr", "greedy.csr"]).success();
    for (file, purpose, names) in [
        (
            "000002__JP_orca_laptop.crt",
            "TLS Web Client Authentication",
            "DirName:/C=JP/O=orca/CN=laptop",
        ),
        (
            "000003__JP_orca_gate.example.jp.crt",
            "TLS Web Server Authentication",
            "DNS:gate.example.jp",
        ),
    ] {
        let text = desk.openssl(&["x509", "-in", file, "-noout", "-text", "-nameopt", "RFC2253"]);
        let below = |heading: &str| {
            let mut lines = text.lines().skip_while(|line| !line.contains(heading)).skip(1);
            lines.next().map(|line| line.trim().to_owned())
        };
        assert_eq!(below("Extended Key Usage").as_deref(), Some(purpose), "{text}");
        assert_eq!(below("Basic Constraints").as_deref(), Some("CA:FALSE"), "{text}");
        assert_eq!(below("Subject Alternative Name").as_deref(), Some(names), "{text}");
        for smuggled in ["Evil", "Root", "*", "192.168.1.1", "root@", "Certificate Sign", "planted"]
        {
            assert!(!text.contains(smuggled), "{smuggled} in {text}");
        }
        let key = desk.openssl(&["x509", "-in", file, "-noout", "-pubkey"]);
        assert_eq!(key, desk.openssl(&["pkey", "-in", "own.key", "-pubout"]));
    }
}

// Catches: a request for somebody else's key.
#[test]
fn a_request_not_signed_by_its_own_key_is_refused() {
    let desk = Desk::with_key_file();
    let new = ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    for name in ["one", "two"] {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        let own = ["-keyout", &key, "-subj", "/CN=user", "-outform", "DER", "-out", &request];
        desk.openssl(&[new.as_slice(), &own].concat());
    }
    let read = |name: &str| Node::parse(&std::fs::read(desk.path(name)).unwrap()).unwrap().0;
    // The first one's contents, the second one's signature.
    let (mut mixed, other) = (read("one.csr"), read("two.csr"));
    mixed.children[2] = other.children[2].clone();
    desk.write("mixed.csr", mixed.encode());
    let words = ["issue", "client", "user", "--csr", "mixed.csr"];
    desk.ca(&words).refused(&["not signed with its own key"]);
}

/// A DER element: what is inside, when it is made of elements itself.
#[derive(Clone)]
struct Node {
    tag: u8,
    content: Vec<u8>,
    children: Vec<Node>,
}

impl Node {
    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (tag, rest) = bytes.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if length >= 0x80 {
            let (octets, after) = rest.split_at_checked(length - 0x80)?;
            length = octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
            rest = after;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        let mut children = Vec::new();
        let mut inside = content;
        // Constructed, or an extension's OCTET STRING.
        while (tag & 0x20 != 0 || *tag == 0x04) && !inside.is_empty() {
            let Some((child, after)) = Self::parse(inside) else {
                children.clear();
                break;
            };
            children.push(child);
            inside = after;
        }
        Some((Self { tag: *tag, content: content.to_vec(), children }, rest))
    }

    fn encode(&self) -> Vec<u8> {
        let content = match self.children.as_slice() {
            [] => self.content.clone(),
            children => children.iter().flat_map(Self::encode).collect(),
        };
        let length = match u16::try_from(content.len()).unwrap().to_be_bytes() {
            [0, low @ 0..0x80] => vec![low],
            [0, low] => vec![0x81, low],
            [high, low] => vec![0x82, high, low],
        };
        [vec![self.tag], length, content].concat()
    }

    fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    /// The element at a place, counted from the outside in.
    fn at(&mut self, place: usize) -> &mut Self {
        if place == 0 {
            return self;
        }
        let mut place = place - 1;
        for child in &mut self.children {
            let count = child.count();
            if place < count {
                return child.at(place);
            }
            place -= count;
        }
        panic!("no such place");
    }
}

/// Every element of a genuine form in turn: emptied, made another type, gone; each with lengths
/// that fit. And what is not even DER.
fn hostile_forms(genuine: &[u8]) -> Vec<Vec<u8>> {
    let (tree, rest) = Node::parse(genuine).unwrap();
    assert!(rest.is_empty() && tree.encode() == genuine);
    let mut forms: Vec<Vec<u8>> = [
        &[][..],
        &[0x30, 0x00],
        &[0x30, 0x80, 0x00, 0x00],
        &[0x03, 0x00],
        &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00],
        &[0x30; 20_000],
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    forms.push(genuine[..genuine.len() - 1].to_vec());
    for place in 0..tree.count() {
        for (tag, content) in [
            (None, &[][..]),
            (Some(0x30), &[]),
            (Some(0x03), &[]),
            (Some(0x03), &[0x08]),
            (Some(0x03), &[0x00]),
            (Some(0x02), &[]),
            (Some(0x05), &[]),
        ] {
            let mut form = tree.clone();
            let node = form.at(place);
            node.tag = tag.unwrap_or(node.tag);
            node.content = content.to_vec();
            node.children.clear();
            let encoded = form.encode();
            if encoded != genuine {
                forms.push(encoded);
            }
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

fn from_pem(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64.decode(body.as_bytes()).unwrap()
}

fn to_pem(label: &str, der: &[u8]) -> String {
    let body = BASE64.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
