//! `config check --profile ipa-high` says of each requirement whether it is met and where it comes
//! from, names what to change, and ends well only when nothing is left to change.

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

use desk::{Desk, Ran, SEKISHO, finish, text};
use serde_json::Value;

const GOOD: &str = "version = 1\n[authority]\nfolder = \"ca\"\n[publish]\nmetrics = \"127.0.0.1:0\"\n\
                    [[gate]]\nname = \"main\"\nlisten = \"127.0.0.1:0\"\nnames = [\"localhost\"]\n";

fn judge(desk: &Desk, configuration: &str, words: &[&str]) -> Ran {
    desk.write("sekisho.toml", configuration);
    let mut command = desk.command(SEKISHO);
    command.args(["config", "check", "--config", "sekisho.toml", "--profile", "ipa-high"]);
    finish({
        command.args(words);
        command
    })
}

/// The requirements that are not met.
fn not_met(ran: &Ran) -> Vec<String> {
    let result: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let requirements = result["profile"]["requirements"].as_array().unwrap();
    let mut ids = Vec::new();
    for requirement in requirements {
        let change = requirement["change"].as_array().unwrap();
        let failed = requirement["outcome"] == "not_met";
        assert_eq!(failed, !change.is_empty(), "{requirement}");
        if failed {
            ids.push(requirement["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(result["profile"]["met"] == true, ids.is_empty());
    assert_eq!(ran.code == Some(0), ids.is_empty(), "{ran:?}");
    ids
}

#[test]
fn what_the_defaults_make_meets_the_guideline_and_each_loosening_is_named() {
    let desk = Desk::with_key_file();
    desk.ca(&["crl"]).success();
    assert_eq!(not_met(&judge(&desk, GOOD, &["--json"])), [""; 0]);
    let elsewhere = "upstream = \"http://192.0.2.1:80\"\nallow_clear_text_upstream = true\n";
    for (loosened, id) in [
        (format!("{GOOD}tls12 = true\n"), "tls12"),
        (format!("{GOOD}stale = \"serve\"\n"), "stale"),
        (format!("{GOOD}{elsewhere}"), "upstream"),
        (format!("{GOOD}authorities = \"ca/ca.crt\"\n"), "revocation"),
        (
            format!(
                "{GOOD}authorities = \"ca/ca.crt\"\ncrl = [\"ca/crl.pem\"]\ncrl_grace_days = 8\n"
            ),
            "crl-fresh",
        ),
        (
            GOOD.replace(
                "metrics = \"127.0.0.1:0\"",
                "metrics = \"0.0.0.0:0\"\nallow_remote_metrics = true",
            ),
            "metrics",
        ),
    ] {
        assert_eq!(not_met(&judge(&desk, &loosened, &["--json"])), [id], "{loosened}");
    }
    // A CA without a CRL in force.
    std::fs::remove_file(desk.path("ca/crl.pem")).unwrap();
    assert_eq!(not_met(&judge(&desk, GOOD, &["--json"])), ["crl-fresh"]);
}

// Catches a judge that reads only what the authority itself makes.
#[test]
fn certificates_from_files_are_judged_by_what_is_in_them() {
    let desk = Desk::with_key_file();
    desk.ca(&["crl"]).success();
    std::fs::create_dir(desk.path("files")).unwrap();
    let out = desk.path("files");
    let words = ["issue", "server", "localhost", "--pem", "--key", "ed25519", "--out", text(&out)];
    desk.ca(&words).success();
    let files = desk::names_in(&out);
    let file = |ending: &str| files.iter().find(|name| name.ends_with(ending)).unwrap();
    let own = format!("certificate = \"files/{}\"\nkey = \"files/{}\"", file(".crt"), file(".pem"));
    let configuration = GOOD.replace("names = [\"localhost\"]", &own);
    assert_eq!(not_met(&judge(&desk, &configuration, &["--json"])), ["server-key"]);
}

#[test]
fn people_read_what_to_change_and_where_each_requirement_comes_from() {
    let loosened = format!("{GOOD}tls12 = true\n");
    let desk = Desk::with_key_file();
    desk.ca(&["crl"]).success();
    let ran = judge(&desk, &loosened, &[]);
    let ran = ran.refused(&["sekisho.toml does not meet ipa-high (requirements not met: 1)"]);
    for part in ["not met  tls12", "→ [[gate]] main accepts TLS 1.2", "GL-3001", "RFC 9325"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let japanese = judge(&desk, &loosened, &["--lang", "ja"]);
    assert!(japanese.out.contains("不適合  tls12"), "{}", japanese.out);
    assert!(japanese.out.contains("第6.0版"), "{}", japanese.out);
    // Without a profile nothing is held against anything.
    desk.write("sekisho.toml", &loosened);
    let mut plain = desk.command(SEKISHO);
    plain.args(["config", "check", "--config", "sekisho.toml"]);
    assert!(!finish(plain).success().out.contains("GL-3001"));
}
