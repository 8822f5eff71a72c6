//! Nothing starts on a configuration that is wrong anywhere, and everything that is wrong is told at
//! once: the line, what is wrong there, and what to write instead, in the person's language.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/desk.rs"]
mod desk;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use desk::{Desk, Ran, SEKISHO, finish, is_root, text};
use serde_json::Value;

/// `sekisho` with these words and no more.
fn sekisho(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.command(SEKISHO);
    command.args(words);
    finish(command)
}

fn check(desk: &Desk, configuration: &str) -> Ran {
    desk.write("sekisho.toml", configuration);
    sekisho(desk, &["config", "check", "--config", "sekisho.toml"])
}

/// What a machine reads: the findings as (line, grade, code).
fn findings(desk: &Desk, configuration: &str) -> Vec<(u64, String, String)> {
    desk.write("sekisho.toml", configuration);
    let words = ["config", "check", "--config", "sekisho.toml", "--json"];
    let ran = sekisho(desk, &words);
    let result: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    assert_eq!(result["configuration"] == "good", ran.code == Some(0), "{ran:?}");
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = result["findings"].as_array().unwrap().iter();
    let findings =
        findings.map(|f| (f["line"].as_u64().unwrap_or(0), word(f, "grade"), word(f, "code")));
    // What is root's at a desk is not the packaged service's: there is a test for that alone.
    findings.filter(|(_, _, code)| !code.ends_with("ForTheService")).collect()
}

/// A gate at a desk with a CA, whose certificate and CA are files.
fn with_files(desk: &Desk, days: &str) -> String {
    std::fs::create_dir(desk.path("files")).unwrap();
    let words = ["issue", "server", "localhost", "--pem", "--days", days, "--out"];
    desk.ca(&[words.as_slice(), &[text(&desk.path("files"))]].concat()).success();
    desk.ca(&["crl"]).success();
    let files = desk::names_in(&desk.path("files"));
    let file = |ending: &str| files.iter().find(|name| name.ends_with(ending)).unwrap();
    format!(
        "version = 1\n[[gate]]\nname = \"files\"\nlisten = \"127.0.0.1:0\"\ncertificate = \"files/{}\"\n\
         key = \"files/{}\"\nauthorities = \"ca/ca.crt\"\ncrl = [\"ca/crl.pem\"]\n",
        file(".crt"),
        file(".pem"),
    )
}

#[test]
fn everything_wrong_is_told_at_once_and_nothing_starts() {
    let wrong = "version = 1\nlog = \"loud\"\n[authority]\ncrl_day = 3\n[[gate]]\nname = \"Main\"\n\
                 names = [\"https://a\"]\nupstream = \"http://10.0.0.1\"\n";
    let desk = Desk::new();
    let ran = check(&desk, wrong);
    ran.refused(&[
        "sekisho.toml:2: error: log must be one of \"text\", \"json\"",
        "sekisho.toml:4: error: there is no crl_day in [authority]\n  → Did you mean crl_days?",
        "sekisho.toml:6: error: Main cannot be the name of a gate",
        "sekisho.toml:7: error: https://a is neither a host name nor an IP address",
        "sekisho.toml:8: error: http://10.0.0.1 is another machine",
        "problems found: 5",
    ]);
    let japanese = Desk::japanese();
    check(&japanese, wrong).refused(&[
        "sekisho.toml:4: エラー: [authority] に crl_day という設定はありません\n  → crl_days の間違いではありませんか。",
        "sekisho.toml は使えません (問題: 5件)",
    ]);
    // In a log both languages are read.
    sekisho(&desk, &["serve", "--config", "sekisho.toml"]).refused(&["Did you mean", "間違いでは"]);
    assert!(!desk.path("ca").exists());
}

#[test]
fn the_printed_example_is_a_configuration_that_passes() {
    let desk = Desk::with_key_file();
    for language in ["en", "ja"] {
        let example = sekisho(&desk, &["config", "example", "--lang", language]).success();
        // The one line that a test cannot use as it is.
        let folder = "folder = \"/var/lib/sekisho\"";
        assert_eq!(example.out.matches(&format!("\n{folder}\n")).count(), 1);
        let here = example.out.replace(folder, "folder = \"ca\"");
        let errors = findings(&desk, &here);
        // Its ports may be in use on this machine.
        let taken = |code: &str| code == "AddressInUse";
        assert!(
            errors.iter().all(|(_, grade, code)| grade == "warning" && taken(code)),
            "{errors:?}"
        );
    }
}

#[test]
fn what_only_the_machine_can_tell_is_told_before_the_start() {
    let desk = Desk::with_key_file();
    let good = with_files(&desk, "300");
    assert_eq!(findings(&desk, &good), []);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use = good.replace("127.0.0.1:0", &address);
    let warning = |code: &str| (0, "warning".to_owned(), code.to_owned());
    let error = |line, code: &str| (line, "error".to_owned(), code.to_owned());
    assert_eq!(findings(&desk, &in_use), [warning("AddressInUse")]);
    // No machine has this one (RFC 5737).
    let nowhere = good.replace("127.0.0.1:0", "192.0.2.1:8000");
    assert_eq!(findings(&desk, &nowhere), [error(0, "ListenFailed")]);

    assert_eq!(
        findings(&desk, &good.replace("crl = [\"ca/crl.pem\"]", "")),
        [warning("NoRevocationList")]
    );
    assert_eq!(
        findings(&desk, &good.replace("ca/crl.pem", "ca/none.pem")),
        [error(8, "FileMissing")]
    );
    let swapped = good.replace("ca/ca.crt", "ca/crl.pem");
    assert_eq!(findings(&desk, &swapped), [error(0, "AuthorityFileUnreadable")]);

    let gate = "[[gate]]\nname = \"a\"\nnames = [\"localhost\"]\nlisten = \"127.0.0.1:0\"\n";
    let empty = format!("version = 1\n[authority]\nfolder = \"nothing\"\n{gate}");
    assert_eq!(findings(&desk, &empty), [error(0, "NotInitialised")]);
    let loose = desk.write("loose.key", "x");
    std::fs::set_permissions(&loose, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let loose =
        format!("version = 1\n[authority]\nfolder = \"ca\"\nkey_file = \"loose.key\"\n{gate}");
    assert_eq!(findings(&desk, &loose), [error(0, "FileModeTooOpen")]);
    let opened = loose.replace("loose.key", "ca/vault.key");
    assert_eq!(findings(&desk, &opened), []);

    let socket = format!("{opened}[publish]\nmetrics = \"unix:none/metrics.sock\"\n");
    assert_eq!(findings(&desk, &socket), [error(0, "FileMissing")]);
    let folder = format!("{opened}[publish]\nfolder = \"passphrase\"\n");
    assert_eq!(findings(&desk, &folder), [error(0, "FileIsNotAFolder")]);

    // The command line has precedence over the file.
    desk.write("sekisho.toml", loose.replace("\"ca\"", "\"nothing\""));
    let words = ["config", "check", "--config", "sekisho.toml", "--dir", "ca"];
    sekisho(&desk, &[words.as_slice(), &["--key-file", "ca/vault.key"]].concat()).success();
    sekisho(&desk, &words).refused(&["loose.key is open to other users"]);
}

// Catches a check by root that is content with files which the service, being somebody else, cannot read.
#[test]
fn root_is_told_what_the_packaged_service_cannot_read_and_what_mends_it() {
    assert!(is_root(), "files of several users: run as root");
    let desk = Desk::with_key_file();
    std::fs::rename(desk.path("ca/vault.key"), desk.path("vault.key")).unwrap();
    let gate = with_files(&desk, "300").replace("ca/ca.crt", "ca.crt").replace("ca/crl", "crl");
    let authority = "[authority]\nfolder = \"ca\"\nkey_file = \"vault.key\"\n";
    let all = gate.replace("version = 1\n", &format!("version = 1\n{authority}"));
    for name in ["ca.crt", "crl.pem"] {
        std::fs::copy(desk.path("ca").join(name), desk.path(name)).unwrap();
    }
    std::fs::set_permissions(desk.path("crl.pem"), PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::set_permissions(desk.path("files"), PermissionsExt::from_mode(0o755)).unwrap();
    let here = desk.path("");
    let told = |language: &str| {
        desk.write("sekisho.toml", &all);
        let words = ["config", "check", "--config", "sekisho.toml", "--lang", language];
        sekisho(&desk, &words).success().error
    };

    std::fs::set_permissions(&here, PermissionsExt::from_mode(0o700)).unwrap();
    let closed = told("en");
    let passes = format!("chmod o+x {}", text(&here).trim_end_matches('/'));
    assert_eq!(closed.matches(&passes).count(), 5, "{closed}");

    std::fs::set_permissions(&here, PermissionsExt::from_mode(0o755)).unwrap();
    for language in ["en", "ja"] {
        let told = told(language);
        let mends = [
            ("chown sekisho:", "vault.key"),
            ("chown sekisho:", "files/"),
            ("chmod a+r", "crl.pem"),
        ];
        for (change, file) in mends {
            let mends = format!("{change} {}", text(&desk.path(file)));
            assert_eq!(told.matches(&mends).count(), 1, "{mends:?}: {told}");
        }
        assert_eq!(told.matches("→").count(), mends.len(), "{told}");
        assert!(told.contains(" 0:0") && told.contains(" 0640)"), "{told}");
    }

    // The commands, as they were told.
    for line in told("en").lines().filter_map(|line| line.split_once("Let it: ")) {
        desk.peer("coreutils", "sh", &["-c", line.1]);
    }
    assert_eq!(told("en"), "");
}

// Catches a check that is content with a certificate nobody will accept next week.
#[test]
fn certificates_that_end_soon_are_warned_about() {
    let desk = Desk::with_key_file();
    let soon = with_files(&desk, "10");
    let warning = |code: &str| vec![(0, "warning".to_owned(), code.to_owned())];
    assert_eq!(findings(&desk, &soon), warning("CertificateEndsSoon"));
    let words = ["config", "check", "--config", "sekisho.toml"];
    let mut later = desk.command(SEKISHO);
    later.args(words);
    let ran = finish(desk.at("+11d", later)).success();
    assert!(ran.error.contains("warning: a certificate in"), "{ran:?}");
    assert!(ran.error.contains("ended on"), "{ran:?}");
}

// The conf-file mode is the same configuration: the same check finds the same things.
#[test]
fn a_conf_file_of_the_manual_is_checked_the_same_way() {
    let desk = Desk::with_key_file();
    with_files(&desk, "10");
    let files = desk::names_in(&desk.path("files"));
    let file = |ending: &str| files.iter().find(|name| name.ends_with(ending)).unwrap();
    let (certificate, key) = (file(".crt"), file(".pem"));
    desk.write(
        "jma-receipt.conf",
        format!("SERVER_CRT=files/{certificate}\nSERVER_PEM=files/{key}\nCA_CRT=ca/ca.crt\n"),
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let words = ["config", "check", "--jma-receipt-conf", "jma-receipt.conf", "--listen", &address];
    let ran = sekisho(&desk, &words).success();
    for part in ["something already listens at", "no revocation list", "ends on"] {
        assert!(ran.error.contains(part), "no {part:?} in {ran:?}");
    }
    let both = ["config", "check", "--config", "sekisho.toml", "--listen", "127.0.0.1:1"];
    assert_eq!(sekisho(&desk, &both).code, Some(2));
}

#[test]
fn a_file_that_is_no_configuration_is_told_apart() {
    let desk = Desk::new();
    let words = ["config", "check", "--config", "sekisho.toml"];
    sekisho(&desk, &words).refused(&["sekisho.toml does not exist"]);
    desk.write("sekisho.toml", b"version = 1\n\xff\n");
    sekisho(&desk, &words).refused(&["is not a text file in UTF-8"]);
    check(&desk, "").refused(&["the file does not say its version"]);
    check(&desk, "version = 2\n[authority]\n").refused(&["sekisho.toml:1:", "version 1 only"]);
    check(&desk, "version = 1\n[gate]\nname = \"a\"\n").refused(&["sekisho.toml:2:", "[[gate]]"]);
    check(&desk, "version = 1\n[authority\n").refused(&["sekisho.toml:2:", "not TOML"]);
    check(&desk, "version = 1\n\"\\u001b[31m\" = 1\n[authority]\n").refused(&["\\u{1b}[31m"]);
    desk.write("sekisho.toml", vec![b'#'; 300 * 1024]);
    sekisho(&desk, &words).refused(&["larger than"]);
}
