//! The native verbs on the real binary: what they print for people and machines, what they write,
//! and that openssl and curl agree with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use desk::{Desk, PATIENCE, SEKISHO, finish, mode, names_in, text};
use serde_json::Value;

/// What programs of others rely on.
const JSON_DOCUMENT: &str = include_str!("../docs/json.md");

// Catches: a field renamed, dropped or added without a word in the document.
#[test]
fn json_output_has_exactly_the_documented_fields() {
    let desk = Desk::new();
    holds("init", &[], &desk.json(&["init"]));
    let (passphrase, key) = (desk.path("passphrase"), desk.path("ca/vault.key"));
    let new = ["--new-passphrase-file", text(&passphrase), "--new-key-file", text(&key)];
    holds("vault passwd", &[], &desk.json(&[&["vault", "passwd"], new.as_slice()].concat()));
    holds("vault slots", &[], &desk.json(&["vault", "slots"]));
    holds("issue client", &[], &desk.json(&["issue", "client", "user1", "--escrow"]));
    holds("issue server", &[], &desk.json(&["issue", "server", "localhost", "--pem"]));
    desk.write("staff.csv", "name\nuser2\n\n*\u{200b}\n");
    let bulk = ["issue", "client", "--from", "staff.csv", "--out", "staff", "--json"];
    let bulk: Value = serde_json::from_str(&desk.ca(&bulk).out).unwrap();
    holds("issue client --from", &["issue client"], &bulk);
    holds("list", &["show"], &desk.json(&["list", "--all"]));
    holds("show", &[], &desk.json(&["show", "2"]));
    holds("export", &[], &desk.json(&["export", "2", "--pem", "--out", "staff"]));
    holds("forget-key", &[], &desk.json(&["forget-key", "2"]));
    holds("revoke", &[], &desk.json(&["revoke", "2", "--reason", "keyCompromise"]));
    holds("crl", &[], &desk.json(&["crl"]));
    holds("verify", &[], &desk.json(&["verify"]));
    desk.write("jma-receipt.conf", format!(
        "CA_CRT={folder}/ca/ca.crt\nSERVER_CRT={folder}/000003__JP_orca_localhost.crt\nSERVER_PEM={folder}/000003__JP_orca_localhost.pem\n",
        folder = desk.path("").display(),
    ));
    let check = ["config", "check", "--jma-receipt-conf", "jma-receipt.conf"];
    holds("config check", &[], &desk.json(&check));

    let refused = desk.ca(&["show", "9", "--json"]).refused(&[]);
    let refused: Value = serde_json::from_str(&refused.error).unwrap();
    assert_eq!(keys(&refused), set(&["error", "code", "what", "next"]));
    assert_eq!(refused["error"]["code"], "UnknownNumber");
}

#[test]
fn a_new_authority_is_complete_and_never_replaced() {
    let desk = Desk::with_authority();
    assert_eq!(names_in(&desk.path("ca")), ["authority", "ca.crl", "ca.crt", "crl.pem"]);
    assert_eq!(mode(&desk.path("ca")), 0o700);
    for (name, expected) in [("vault", 0o600), ("ledger", 0o600)] {
        assert_eq!(mode(&desk.path("ca/authority").join(name)), expected, "{name}");
    }
    assert_eq!(mode(&desk.path("ca/ca.crt")), 0o644);
    desk.openssl(&["verify", "-CAfile", "ca/ca.crt", "-check_ss_sig", "ca/ca.crt"]);
    desk.openssl(&["crl", "-in", "ca/crl.pem", "-CAfile", "ca/ca.crt", "-noout"]);

    let before = desk.read("ca/ca.crt");
    desk.ca(&["init"]).refused(&["ca"]);
    assert_eq!(desk.read("ca/ca.crt"), before);
}

#[test]
fn a_server_certificate_has_its_hosts_and_opens_with_its_passphrase() {
    let desk = Desk::with_key_file();
    let hosts = ["weborca-server", "192.168.1.100", "fd00::1"];
    let words = [&["issue", "server"], hosts.as_slice(), &["--pem"]].concat();
    let issued = &desk.json(&words)["issued"][0];
    assert_eq!(issued["hosts"], serde_json::json!(hosts));
    let (p12, certificate) = (string(issued, "file"), string(issued, "certificate_file"));
    let key = string(issued, "key_file");
    assert_eq!([mode(&desk.path(p12)), mode(&desk.path(key))], [0o600; 2]);
    assert_eq!(mode(&desk.path(certificate)), 0o644);

    let purpose = ["verify", "-CAfile", "ca/ca.crt", "-purpose", "sslserver"];
    for host in ["-verify_hostname", "-verify_ip", "-verify_ip"].iter().zip(hosts) {
        desk.openssl(&[&purpose, [*host.0, host.1].as_slice(), &[certificate]].concat());
    }
    let shown = desk.openssl(&["x509", "-in", certificate, "-noout", "-ext", "subjectAltName"]);
    assert_eq!(shown.matches("DNS:").count(), 1, "{shown}");
    let opened = open_p12(&desk, p12, string(issued, "passphrase"));
    assert_eq!(public_key(&desk, &["x509", "-noout", "-pubkey"], &opened), key_of(&desk, key));
}

// Catches: a name, purpose or extension taken from the request, or a key made in its stead.
#[test]
fn a_request_gets_a_certificate_for_its_own_key() {
    let desk = Desk::with_key_file();
    let request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "own.key"];
    desk.openssl(&[&request, ["-subj", "/CN=other", "-out", "own.csr"].as_slice()].concat());
    let issued = &desk.json(&["issue", "client", "laptop", "--csr", "own.csr"])["issued"][0];
    assert_eq!([&issued["passphrase"], &issued["key_file"]], [&Value::Null; 2]);
    let certificate = string(issued, "file");
    assert!(certificate.ends_with("000002__JP_orca_laptop.crt"), "{certificate}");
    let key = desk.openssl(&["x509", "-in", certificate, "-noout", "-pubkey"]);
    assert_eq!(key, key_of(&desk, "own.key"));
    desk.openssl(&["verify", "-CAfile", "ca/ca.crt", "-purpose", "sslclient", certificate]);
    assert_eq!(desk.json(&["show", "2"])["source"], "own.csr");
    desk.ca(&["export", "2"]).refused(&["000002"]);
}

// Catches: a second run that issues everything again, or one that believes its list more than the
// folder; and a lost bundle's certificate that stays in force.
#[test]
fn a_list_of_people_goes_on_where_it_stopped() {
    let desk = Desk::with_key_file();
    desk.write(
        "staff.csv",
        "\u{feff}name,person,device,days\n受付1,山田,,\n受付2,,Surface,90\nuser3,,,\n",
    );
    let words = ["issue", "client", "--from", "staff.csv", "--out", "staff"];
    let first = desk.json(&words);
    let numbers = |report: &Value| -> Vec<u64> {
        let issued = report["issued"].as_array().unwrap().iter();
        issued.map(|one| one["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&first), [2, 3, 4]);
    assert_eq!(desk.json(&["show", "2"])["person"], "山田");
    assert_eq!(desk.json(&["show", "3"])["device"], "Surface");
    assert_eq!(mode(&desk.path("staff/results.csv")), 0o600);

    assert!(numbers(&desk.json(&words)).is_empty(), "a second run issued again");

    std::fs::remove_file(desk.path("staff/000003__JP_orca_受付2.p12")).unwrap();
    let third = desk.ca(&words).success();
    assert!(third.error.contains("000003"), "{third:?}");
    let [lost, anew] = [desk.json(&["show", "3"]), desk.json(&["show", "5"])];
    assert_eq!([&lost["state"], &anew["state"]], ["revoked", "valid"]);
    assert_eq!([&anew["common_name"], &anew["device"]], ["受付2", "Surface"]);

    // The list says the truth of every line: number, file, and a passphrase that opens it.
    let results = desk.read("staff/results.csv");
    let lines: Vec<Vec<&str>> = results.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0], ["line", "number", "name", "file", "passphrase"]);
    let known: Vec<&str> = lines[1..].iter().map(|line| line[1]).collect();
    assert_eq!(known, ["000002", "000005", "000004"]);
    for line in &lines[1..] {
        open_p12(&desk, &format!("staff/{}", line[3]), line[4]);
    }
}

// Catches: one bad line that stops the good ones, or that is forgotten.
#[test]
fn a_bad_line_is_refused_by_its_number_and_the_others_are_done() {
    let desk = Desk::with_key_file();
    desk.write("staff.csv", format!("name\nuser1\n{}\nuser3\n", "x".repeat(65)));
    let words = ["issue", "client", "--from", "staff.csv", "--out", "staff", "--json"];
    let ran = desk.ca(&words).refused(&["LinesRefused"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["refused"][0]["line"], 3);
    assert_eq!(report["refused"][0]["code"], "NameTooLong");
    assert_eq!(report["issued"].as_array().unwrap().len(), 2);
}

#[test]
fn a_kept_key_is_handed_out_again_under_a_new_passphrase_until_it_is_forgotten() {
    let desk = Desk::with_key_file();
    let issued = &desk.json(&["issue", "client", "user1", "--escrow", "--pem"])["issued"][0];
    assert_eq!(desk.json(&["show", "user1"])["key_kept"], true);
    desk.ca(&["export", "2"]).refused(&[string(issued, "file")]);
    let again = desk.json(&["export", "user1", "--pem", "--out", "ca"]);
    let (old, new) = (string(issued, "passphrase"), string(&again, "passphrase"));
    assert_ne!(old, new);
    assert_eq!(
        key_of(&desk, string(&again, "key_file")),
        key_of(&desk, string(issued, "key_file"))
    );
    open_p12(&desk, string(&again, "file"), new);

    desk.ca(&["forget-key", "2"]).success();
    assert_eq!(desk.json(&["show", "2"])["key_kept"], false);
    desk.ca(&["export", "2", "--out", "ca"]).refused(&["000002"]);
    desk.ca(&["forget-key", "2"]).refused(&["000002"]);

    desk.ca(&["issue", "client", "user2"]).success();
    assert_eq!(desk.json(&["show", "3"])["key_kept"], false);
}

#[test]
fn a_revoked_certificate_is_on_the_next_list_with_its_reason() {
    let desk = Desk::with_key_file();
    for name in ["user1", "user2", "user3"] {
        desk.ca(&["issue", "client", name]).success();
    }
    let since = ["--since", "2020-01-02T03:04:05Z"];
    let lost = [&["revoke", "2", "--reason", "keycompromise"], since.as_slice()].concat();
    let crl = desk.json(&lost);
    assert_eq!([&crl["reason"], &crl["revoked"]], [&Value::from("keyCompromise"), &Value::from(2)]);
    desk.ca(&["revoke", "user3"]).success();

    let serial = |number: &str| string(&desk.json(&["show", number]), "serial").to_uppercase();
    let list =
        desk.openssl(&["crl", "-in", "ca/crl.pem", "-noout", "-text", "-CAfile", "ca/ca.crt"]);
    assert_eq!(desk.crl_serials("ca/crl.pem"), [serial("2"), serial("4")]);
    assert!(list.contains("Key Compromise"), "{list}");
    assert!(list.contains("20200102030405Z") || list.contains("Jan  2 03:04:05 2020"), "{list}");
    let der =
        desk.openssl(&["crl", "-inform", "DER", "-in", "ca/ca.crl", "-noout", "-fingerprint"]);
    assert!(der.contains(&desk.openssl(&["crl", "-in", "ca/crl.pem", "-noout", "-fingerprint"])));

    let shown = desk.json(&["show", "2"]);
    assert_eq!([&shown["state"], &shown["reason"]], ["revoked", "keyCompromise"]);
    let [one, two] = [desk.json(&["crl"]), desk.json(&["crl"])];
    assert!(one["number"].as_u64() < two["number"].as_u64(), "{one} {two}");
    assert_eq!(two["entries"], 2);

    let names = |words: &[&str]| -> Vec<String> {
        let listed = desk.json(words);
        let listed = listed["certificates"].as_array().unwrap().iter();
        listed.map(|one| string(one, "common_name").to_owned()).collect()
    };
    assert_eq!(names(&["list"]), ["Sekisho CA", "user2"]);
    assert_eq!(names(&["list", "--all"]), ["Sekisho CA", "user1", "user2", "user3"]);
    assert!(desk.ca(&["list"]).out.contains("2 more"));
}

// Catches: an old secret that still opens, and a new key file that is taken for the old one.
#[test]
fn a_new_passphrase_closes_the_vault_to_everything_before() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1", "--escrow"]).success();
    let old_key = desk.write("old.key", desk.read("ca/vault.key"));
    desk.write("new", "a quite different one\n");

    desk.ca(&["vault", "passwd", "--new-passphrase-file", "new"]).success();
    assert!(!desk.path("ca/vault.key").exists(), "a key file that opens nothing is still there");
    let try_with = |words: &[&str]| {
        let mut command = desk.command(SEKISHO);
        command.args(["crl", "--dir", "ca"]).args(words);
        finish(command)
    };
    try_with(&["--passphrase-file", "passphrase"]).refused(&["passphrase"]);
    try_with(&["--key-file", text(&old_key)]).refused(&["not set up to be opened"]);
    try_with(&["--passphrase-file", "new"]).success();
    // What was sealed before opens after.
    let mut export = desk.command(SEKISHO);
    export.args(["export", "2", "--dir", "ca", "--out", "ca", "--passphrase-file", "new"]);
    finish(export).success();

    // By a relative path, as people write it.
    let mut passwd = desk.command(SEKISHO);
    passwd.args(["vault", "passwd", "--dir", "ca", "--passphrase-file", "new"]);
    passwd.args(["--new-passphrase-file", "new", "--new-key-file", "ca/vault.key"]);
    finish(passwd).success();
    try_with(&[]).success();
    assert_eq!(mode(&desk.path("ca/vault.key")), 0o600);
}

#[test]
fn the_ledger_is_whole_after_all_of_it() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "user1", "--escrow"]).success();
    desk.ca(&["export", "2", "--out", "ca"]).success();
    desk.ca(&["forget-key", "2"]).success();
    desk.ca(&["revoke", "2"]).success();
    let verified = desk.json(&["verify"]);
    assert_eq!(verified["certificates"], 2);
    assert!(verified["entries"].as_u64() > Some(6), "{verified}");
}

#[test]
fn help_is_in_the_persons_language_and_mistakes_are_exit_code_2() {
    let desk = Desk::new();
    let run = |words: &[&str]| {
        let mut command = desk.command(SEKISHO);
        command.args(words);
        finish(command)
    };
    for (words, part) in [
        (&["--help", "--lang", "ja"][..], "認証局"),
        (&["--help", "--lang=en"], "certificate"),
        (&["issue", "client", "--help", "--lang", "ja"], "証明書"),
    ] {
        let ran = run(words).success();
        assert!(ran.out.contains(part), "{words:?}: {ran:?}");
    }
    assert!(finish_version(&desk).starts_with("sekisho "));
    for words in [&[][..], &["issue"], &["nonsense"], &["list", "--nonsense"], &["issue", "client"]]
    {
        let ran = run(words);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{words:?}: {ran:?}");
        assert!(ran.error.contains("Usage:"), "{words:?}: {ran:?}");
    }
}

// Catches: a printed command that does not work as it stands, and a second start that begins anew.
#[test]
fn quickstart_prints_a_command_that_works_and_goes_on_with_what_is_there() {
    let desk = Desk::new();
    let first = Quickstart::start(&desk, &[]);
    let page = finish(shell(&desk, &first.curl)).success();
    assert!(page.out.contains("user1"), "{page:?}");
    assert_eq!(mode(&desk.path("sekisho-data")), 0o700);
    open_p12(&desk, "sekisho-data/user1.p12", &first.passphrase);
    first.interrupt();
    let (root, certificates) = (desk.read("sekisho-data/ca.crt"), every_certificate(&desk));

    let second = Quickstart::start(&desk, &[]);
    finish(shell(&desk, &second.curl)).success();
    second.interrupt();
    assert_eq!(desk.read("sekisho-data/ca.crt"), root);
    assert_eq!(every_certificate(&desk), certificates);

    let mut passwd = desk.command(SEKISHO);
    passwd.args(["vault", "passwd", "--dir", "sekisho-data"]);
    passwd.args(["--new-passphrase-file", "passphrase"]);
    finish(passwd).success();
    assert!(!desk.path("sekisho-data/vault.key").exists());
    let third = Quickstart::start(&desk, &["--passphrase-file", "passphrase"]);
    finish(shell(&desk, &third.curl)).success();
    third.interrupt();
}

#[test]
fn quickstart_lets_nobody_in_without_the_certificate() {
    let desk = Desk::new();
    let running = Quickstart::start(&desk, &[]);
    let url = running.curl.rsplit(' ').next().unwrap();
    let bare = format!("curl --silent --show-error --cacert sekisho-data/ca.crt {url}");
    let refused = finish(shell(&desk, &bare));
    assert!(refused.out.contains("証明書が必要です"), "{refused:?}");
    assert!(!refused.out.contains("user1"), "{refused:?}");
    running.interrupt();
}

#[test]
fn quickstart_tells_machines_the_documented_fields() {
    let desk = Desk::new();
    let running = Quickstart::spawn(&desk, &["--json"]);
    let line = running.0.1.recv_timeout(PATIENCE).unwrap();
    holds("quickstart", &[], &serde_json::from_str(&line).unwrap());
}

/// A process, and its lines as they come; killed when dropped.
struct Running((Child, Receiver<String>));

/// A `quickstart` whose gate is open.
struct Quickstart {
    running: Running,
    curl: String,
    passphrase: String,
}

impl Quickstart {
    fn start(desk: &Desk, words: &[&str]) -> Self {
        let running = Self::spawn(desk, words);
        let line_with = |part: &str| loop {
            let line = running.0.1.recv_timeout(PATIENCE).expect("quickstart says no more");
            if line.trim_start().starts_with(part) {
                return line;
            }
        };
        let curl = line_with("curl ");
        let passphrase = line_with("passphrase").split_whitespace().nth(1).unwrap().to_owned();
        assert!(curl.starts_with("curl "), "{curl}");
        Self { running, curl, passphrase }
    }

    fn spawn(desk: &Desk, words: &[&str]) -> Running {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = desk.command(SEKISHO);
        command.args(["quickstart", "--listen", &format!("127.0.0.1:{port}")]).args(words);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (lines, read) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        Running((child, read))
    }

    /// Ctrl-C, which ends it well.
    fn interrupt(mut self) {
        let child = &mut self.running.0.0;
        let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(status.success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.0.kill();
        let _ = self.0.0.wait();
    }
}

fn shell(desk: &Desk, line: &str) -> Command {
    let mut command = desk.command("sh");
    command.args(["-c", line]);
    command
}

/// Number and fingerprint of every certificate of a quickstart.
fn every_certificate(desk: &Desk) -> Vec<(u64, String)> {
    let mut command = desk.command(SEKISHO);
    command.args(["list", "--all", "--json", "--dir", "sekisho-data"]);
    let listed: Value = serde_json::from_str(&finish(command).success().out).unwrap();
    let listed = listed["certificates"].as_array().unwrap().iter();
    listed.map(|one| (one["number"].as_u64().unwrap(), string(one, "sha256").to_owned())).collect()
}

fn finish_version(desk: &Desk) -> String {
    let mut command = desk.command(SEKISHO);
    command.arg("--version");
    finish(command).success().out
}

/// Holds what a command printed against its row of the document, and the rows that it refers to.
#[track_caller]
fn holds(command: &str, rows_referred_to: &[&str], printed: &Value) {
    let mut documented = fields_of(command);
    for row in rows_referred_to {
        documented.extend(fields_of(row));
    }
    assert_eq!(keys(printed), documented, "sekisho {command} --json: {printed}");
}

/// The fields of a command in the document: what is in backticks, but not within parentheses,
/// where values are.
fn fields_of(command: &str) -> BTreeSet<String> {
    let rows = JSON_DOCUMENT.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let is_row = |commands: &str| commands.split(", ").any(|one| one == format!("`{command}`"));
    let (_, row) = rows
        .into_iter()
        .find(|(commands, _)| is_row(commands))
        .unwrap_or_else(|| panic!("docs/json.md has no row for {command}"));
    let mut depth = 0;
    let outside: String = row
        .chars()
        .filter(|character| {
            depth += i32::from(*character == '(') - i32::from(*character == ')');
            depth == 0
        })
        .collect();
    outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every key in a value, at any depth.
fn keys(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| keys(value).into_iter().chain([key.clone()]))
            .collect(),
        Value::Array(values) => values.iter().flat_map(keys).collect(),
        _ => BTreeSet::new(),
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[track_caller]
fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// Opens a PKCS#12 file; the certificate in it, in PEM.
#[track_caller]
fn open_p12(desk: &Desk, path: &str, passphrase: &str) -> String {
    let pass = format!("pass:{passphrase}");
    desk.openssl(&["pkcs12", "-in", path, "-passin", &pass, "-nodes", "-clcerts"])
}

/// The public key of a private key, in PEM.
fn key_of(desk: &Desk, path: &str) -> String {
    desk.openssl(&["pkey", "-in", path, "-pubout"])
}

/// The public key that a command of openssl finds in a PEM text.
fn public_key(desk: &Desk, words: &[&str], pem: &str) -> String {
    desk.write("pem", pem);
    desk.openssl(&[words, &["-in", "pem"]].concat())
}
