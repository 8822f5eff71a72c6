//! Passphrases and private keys: where they never show, and the salts that keep them apart
//! (I19, I22).

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

use std::collections::BTreeSet;

use data_encoding::{BASE64, HEXLOWER};
use desk::{Desk, PASSPHRASE, Ran, finish, names_in, text};
use support::{Gate, Upstream};

/// The DER of 1.2.840.113549.1.5.12 (PBKDF2) and of 1.2.840.113549.1.12.1.3 (3DES of PKCS#12),
/// each as an element.
const PBKDF2: &[u8] = &[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 12];
const TRIPLE_DES: &[u8] = &[6, 10, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 1, 3];

// Catches: a secret in a message, in a log at its loudest, in a refusal, or at rest in the clear.
#[test]
fn planted_secrets_show_nowhere() {
    let desk = Desk::with_authority();
    let (old, key_file) = (desk.path("passphrase"), desk.path("ca/vault.key"));
    desk.write("new", "planted-new-passphrase");
    desk.write("wrong", "planted-wrong-passphrase");
    let mut said: Vec<Ran> = Vec::new();
    let mut run = |words: &[&str]| -> Ran {
        let mut command = desk.sekisho(words);
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let ran = finish(command);
        said.push(Ran { code: ran.code, out: ran.out.clone(), error: ran.error.clone() });
        ran
    };
    let new = ["--new-passphrase-file", text(&old), "--new-key-file", text(&key_file)];
    run(&[&["vault", "passwd"], new.as_slice()].concat()).success();
    let kept = run(&["issue", "client", "user1", "--escrow", "--pem"]).success();
    let server = run(&["issue", "server", "localhost", "--pem", "--json"]).success();
    run(&["export", "2", "--pem", "--out", "ca", "--json"]).success();
    run(&["show", "2"]).success();
    run(&["list", "--json"]).success();
    run(&["revoke", "2"]).success();
    run(&["forget-key", "2"]).success();
    run(&["vault", "slots", "--json"]).success();
    for words in [
        &["crl", "--passphrase-file", "wrong"][..],
        &["crl", "--key-file", "wrong"],
        &["export", "3", "--out", "ca"],
        &["issue", "client", "--from", "000002__JP_orca_user1.pem", "--out", "ca"],
        &["issue", "client", "user1", "--csr", "000002__JP_orca_user1.pem"],
        &["config", "check", "--jma-receipt-conf", "000003__JP_orca_localhost.pem"],
        &["config", "check", "--jma-receipt-conf", "passphrase"],
    ] {
        run(words).refused(&[]);
    }
    run(&["vault", "passwd", "--new-passphrase-file", "new"]).success();

    let mut log = gate_log(&desk);
    log.push_str(&said.iter().map(|ran| format!("{}{}", ran.out, ran.error)).collect::<String>());
    let mut planted: Vec<String> =
        [PASSPHRASE, "planted-new-passphrase", "planted-wrong-passphrase"]
            .map(str::to_owned)
            .into();
    for name in ["000002__JP_orca_user1.pem", "000003__JP_orca_localhost.pem"] {
        let pem = desk.read(name);
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        planted.extend(lines.iter().map(|line| (*line).to_owned()));
        planted.push(scalar(&lines.concat()));
    }
    for secret in &planted {
        assert!(!log.contains(secret.as_str()), "{secret} in what was said:\n{log}");
    }
    // The passphrase of a bundle is shown once, where it is asked for, and nowhere else.
    for bundle in [&kept.out, &server.out] {
        let word = |text: &str| -> Option<String> {
            let at = text.find("passphrase")? + "passphrase".len();
            let rest = text.get(at..)?.trim_start_matches(['"', ':', ' ']);
            Some(rest.chars().take_while(char::is_ascii_alphanumeric).collect())
        };
        let passphrase = word(bundle).filter(|word| word.len() >= 12).unwrap();
        assert_eq!(log.matches(&passphrase).count(), 1, "{passphrase}");
    }
    // Nor at rest: neither as text nor as octets.
    let mut at_rest = Vec::new();
    for file in names_in(&desk.path("ca/authority")) {
        at_rest.extend(std::fs::read(desk.path("ca/authority").join(file)).unwrap());
    }
    for secret in &planted {
        let octets = HEXLOWER.decode(secret.as_bytes()).unwrap_or_else(|_| secret.clone().into());
        let found = at_rest.windows(octets.len()).any(|window| window == octets);
        assert!(!found, "{secret} lies in the data folder");
    }
}

// Catches: a core file with keys in it, however generous the shell is.
#[test]
fn the_gate_neither_logs_its_key_nor_leaves_it_in_a_core_file() {
    let desk = Desk::with_key_file();
    let issued = desk.json(&["issue", "server", "localhost", "--pem"]);
    let path = |field: &str| desk.path(issued["issued"][0][field].as_str().unwrap());
    desk.write(
        "jma-receipt.conf",
        format!(
            "SERVER_CRT={}\nSERVER_PEM={}\nCA_CRT={}\nDB_PASSWORD=planted\n",
            text(&path("certificate_file")),
            text(&path("key_file")),
            text(&desk.path("ca/ca.crt"))
        ),
    );
    let key = std::fs::read_to_string(path("key_file")).unwrap();
    let secrets: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(!secrets.is_empty());

    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let mut command = desk.command("sh");
    // As generous as a shell can be about core files.
    command.args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh", desk::SEKISHO, "serve"]);
    command.args(["--accept-missing", "separate-uids"]);
    command.args(["--listen", "127.0.0.1:0", "--jma-receipt-conf", "jma-receipt.conf"]);
    command.arg("--upstream").arg(format!("http://{}", upstream.address));
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let before = names_in(&desk.path(""));
    let mut gate = Gate::start(command);
    // A reload that fails over the key's file says nothing of it.
    let broken = key.replace("-----END", "planted-----END");
    sekisho::ground::files::write_atomic(&path("key_file"), broken.as_bytes(), 0o600).unwrap();
    gate.signal("HUP");
    gate.log.wait_for(&["files not read anew"]);
    gate.signal("ABRT");
    gate.wait();
    let log = gate.log.text();
    for secret in secrets.iter().chain(&["planted"]) {
        assert!(!log.contains(secret), "{log}");
    }
    let after = names_in(&desk.path(""));
    assert_eq!(after, before, "a core file");
}

#[test]
fn no_secret_is_taken_from_the_command_line_or_the_environment() {
    let desk = Desk::new();
    for words in [["init", "--passphrase", PASSPHRASE], ["init", "--password", PASSPHRASE]] {
        let mut command = desk.command(desk::SEKISHO);
        command.args(words).arg("--dir").arg(desk.path("ca"));
        assert_eq!(finish(command).code, Some(2), "no such option");
    }
    for name in ["SEKISHO_PASSPHRASE", "PASSPHRASE", "SEKISHO_PASSWORD"] {
        let mut command = desk.command("setsid");
        command.args(["--wait", desk::SEKISHO, "init", "--dir"]).arg(desk.path("ca"));
        command.env(name, PASSPHRASE);
        finish(command).refused(&["no terminal"]);
    }
}

// Catches: a salt that is short, fixed, or shared between files (EJBCA CMP CLI).
#[test]
fn every_salt_is_random_and_long() {
    let desk = Desk::new();
    let mut salts: Vec<Vec<u8>> = Vec::new();
    desk.orca(&[]).success();
    for name in ["user1", "user2"] {
        desk.orca(&["issue_client_cert", "-c", name]).success();
    }
    for stem in ["000002__JP_orca_user1", "000003__JP_orca_user2"] {
        desk.peer("unzip", "unzip", &["-q", &format!("certs/{stem}.zip")]);
        let p12 = std::fs::read(desk.path(&format!("{stem}/{stem}.p12"))).unwrap();
        let encrypted = desk.read(&format!("{stem}/{stem}.enc.pem"));
        let body: String = encrypted.lines().filter(|line| !line.starts_with("-----")).collect();
        let pem = BASE64.decode(body.as_bytes()).unwrap();
        let found = [salts_after(PBKDF2, &p12), salts_after(PBKDF2, &pem)];
        assert!(found[0].len() >= 2 && found[1].len() == 1, "{found:02x?}");
        salts.extend(found.concat());
        salts.push(mac_salt(&p12));
    }
    desk.ca(&["init"]).success();
    for name in ["user1", "user2"] {
        let issued = &desk.json(&["issue", "client", name, "--legacy"])["issued"][0];
        let p12 = std::fs::read(desk.path(issued["file"].as_str().unwrap())).unwrap();
        let found = salts_after(TRIPLE_DES, &p12);
        assert!(!found.is_empty());
        salts.extend(found);
        salts.push(mac_salt(&p12));
    }
    for vault in [".orca_catool/authority/vault", "ca/authority/vault"] {
        let file = std::fs::read(desk.path(vault)).unwrap();
        desk.write("body", &file[20..file.len() - 32]);
        let parsed = desk.openssl(&["asn1parse", "-inform", "DER", "-in", "body"]);
        let hex = parsed.lines().filter(|line| line.contains("l=  16 prim: OCTET STRING"));
        let found: Vec<Vec<u8>> = hex
            .filter_map(|line| line.rsplit("[HEX DUMP]:").next())
            .map(|hex| data_encoding::HEXUPPER.decode(hex.trim().as_bytes()).unwrap())
            .collect();
        // The vault's own name, and a salt for each slot.
        assert!(found.len() >= 2, "{parsed}");
        salts.extend(found);
    }
    for salt in &salts {
        assert!(salt.len() >= 16, "a salt of {} octets", salt.len());
        let distinct: BTreeSet<&u8> = salt.iter().collect();
        assert!(distinct.len() > 6, "no random salt: {salt:02x?}");
    }
    let distinct: BTreeSet<&Vec<u8>> = salts.iter().collect();
    assert_eq!(distinct.len(), salts.len(), "a salt was used twice");
}

/// The log of a gate with the server key of the desk, at its loudest, after a visit of curl.
fn gate_log(desk: &Desk) -> String {
    let gate = gate(desk);
    let url = format!("https://localhost:{}/", gate.address.port());
    let leaf =
        ["--cert", "000003__JP_orca_localhost.crt", "--key", "000003__JP_orca_localhost.pem"];
    let mut curl = desk.command("curl");
    curl.args(["--silent", "--max-time", "10", "--cacert", "ca/ca.crt"]).args(leaf).arg(url);
    let _ = finish(curl);
    gate.signal("TERM");
    let mut gate = gate;
    gate.wait();
    gate.log.text()
}

fn gate(desk: &Desk) -> Gate {
    if !desk.path("000003__JP_orca_localhost.pem").exists() {
        desk.ca(&["issue", "client", "user1"]).success();
        desk.ca(&["issue", "server", "localhost", "--pem"]).success();
    }
    let folder = desk.path("");
    let line = |key: &str, file: &str| format!("{key}={}\n", folder.join(file).display());
    desk.write(
        "jma-receipt.conf",
        [
            line("CA_CRT", "ca/ca.crt"),
            line("SERVER_CRT", "000003__JP_orca_localhost.crt"),
            line("SERVER_PEM", "000003__JP_orca_localhost.pem"),
        ]
        .concat(),
    );
    let upstream = Upstream::answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let mut command = desk.command(desk::SEKISHO);
    command.args(["serve", "--jma-receipt-conf", "jma-receipt.conf", "--listen", "127.0.0.1:0"]);
    command.args(["--accept-missing", "separate-uids"]);
    command.args(["--upstream", &format!("http://{}", upstream.address)]);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    Gate::start(command)
}

/// The private scalar of a P-256 key in PKCS#8, as hexadecimal.
fn scalar(base64: &str) -> String {
    let der = BASE64.decode(base64.as_bytes()).unwrap();
    let place = der.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    HEXLOWER.encode(&der[place..place + 32])
}

/// The salts behind each mention of an algorithm: `algorithm, SEQUENCE { OCTET STRING salt, .. }`.
fn salts_after(algorithm: &[u8], der: &[u8]) -> Vec<Vec<u8>> {
    let places = der.windows(algorithm.len()).enumerate();
    places
        .filter(|(_, window)| *window == algorithm)
        .map(|(place, _)| {
            let parameters = &der[place + algorithm.len()..];
            assert_eq!((parameters[0], parameters[2]), (0x30, 0x04), "{parameters:02x?}");
            parameters[4..4 + usize::from(parameters[3])].to_vec()
        })
        .collect()
}

/// The salt of a PKCS#12 file's MAC, its last element but one: `OCTET STRING, INTEGER`.
fn mac_salt(p12: &[u8]) -> Vec<u8> {
    let before_integer = (1..=3_u8).find_map(|octets| before_element(p12, 2, octets)).unwrap();
    let length = (8..=64).find(|length| before_element(before_integer, 4, *length).is_some());
    before_integer[before_integer.len() - usize::from(length.unwrap())..].to_vec()
}

/// What stands before the last element of some bytes, when that has this tag and length.
fn before_element(bytes: &[u8], tag: u8, length: u8) -> Option<&[u8]> {
    let place = bytes.len() - usize::from(length) - 2;
    (bytes[place..place + 2] == [tag, length]).then_some(&bytes[..place])
}
