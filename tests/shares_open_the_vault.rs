//! Shares that several people keep open the vault together, any K of N: at this machine, at the start
//! of the service, and while it runs. A slip of the pen, a share of another vault and an old share are
//! told at once, by name; and no share shows anywhere but once, on the terminal (I19).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what a test needs and does not get is its failure"
)]

#[path = "support/appliance.rs"]
mod appliance;
#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;
#[path = "support/terminal.rs"]
mod terminal;

use std::process::Command;

use appliance::{Appliance, Configuration};
use desk::{Desk, PASSPHRASE, SEKISHO, finish, text};
use terminal::{Dialogue, converse};

const COPIED: &str = "clear it from the screen: ";
const FIRST: &str = "First share: ";
const SECOND: &str = "Share 2 of the 2 needed: ";

/// `sekisho` over the CA in `ca/`, at its loudest.
fn sekisho(desk: &Desk, words: &[&str]) -> Command {
    let mut command = desk.command(SEKISHO);
    command.args(words).arg("--dir").arg(desk.path("ca")).env("RUST_LOG", "trace");
    command
}

/// Makes shares, and copies them from the terminal.
fn make(desk: &Desk, threshold: &str, count: usize) -> Vec<String> {
    let passphrase = desk.path("passphrase");
    let number = count.to_string();
    let words = ["vault", "shares", "create", "--threshold", threshold, "--count", &number];
    let command = sekisho(desk, &[&words[..], &["--passphrase-file", text(&passphrase)]].concat());
    let made = converse(desk, &command, &vec![(COPIED, "\r"); count]);
    assert_eq!((made.code, made.unasked, made.restored), (0, 0, true), "{made:?}");
    let is_share = |line: &&str| line.len() == 59 && line.matches('-').count() == 11;
    let shares: Vec<String> =
        made.shown.lines().map(str::trim).filter(is_share).map(str::to_owned).collect();
    assert_eq!(shares.len(), count, "{}", made.shown);
    assert!(made.shown.contains('▀'), "no QR code in {}", made.shown);
    shares
}

/// The vault that a share is of: its octets 2 to 5.
fn mark(share: &str) -> String {
    let mut alphabet = data_encoding::Specification::new();
    alphabet.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    let octets = alphabet.encoding().unwrap().decode(share.replace('-', "").as_bytes()).unwrap();
    data_encoding::HEXUPPER.encode(&octets[2..6])
}

/// Types these shares to a command that asks for them.
fn give(desk: &Desk, words: &[&str], answers: &[(&str, &str)]) -> Dialogue {
    let entered: Vec<String> = answers.iter().map(|(_, share)| format!("{share}\r")).collect();
    let typed: Vec<(&str, &str)> =
        answers.iter().zip(&entered).map(|((question, _), text)| (*question, &**text)).collect();
    let dialogue = converse(desk, &sekisho(desk, words), &typed);
    assert_eq!(dialogue.unasked, 0, "{dialogue:?}");
    for (_, share) in answers {
        assert!(share.len() < 20 || !dialogue.shown.contains(share), "{}", dialogue.shown);
    }
    dialogue
}

#[test]
fn any_that_suffice_open_it_and_what_is_wrong_is_told_at_once() {
    let (desk, other) = (Desk::with_authority(), Desk::with_authority());
    let (shares, foreign) = (make(&desk, "2", 3), make(&other, "2", 2));
    let slots = finish(sekisho(&desk, &["vault", "slots"])).success();
    assert!(slots.out.contains("shares (any 2 of 3)"), "{}", slots.out);

    for (one, two) in [(0, 1), (2, 0)] {
        let typed = [(FIRST, &*shares[one]), (SECOND, &*shares[two])];
        assert_eq!(give(&desk, &["crl", "--shares"], &typed).code, 0);
    }
    // One is not enough, whatever else is tried.
    let mut slip = shares[1].to_lowercase().replace('-', " ");
    slip.replace_range(20..22, if &slip[20..22] == "zz" { "yy" } else { "zz" });
    let typed = [
        (FIRST, slip.as_str()),
        (FIRST, &foreign[0]),
        (FIRST, &shares[0]),
        (SECOND, &shares[0]),
        (SECOND, &foreign[1]),
        (SECOND, "\u{3}"),
    ];
    let refused = give(&desk, &["crl", "--shares"], &typed);
    assert_eq!(refused.code, 1, "{refused:?}");
    let [ours, theirs] = [&shares, &foreign].map(|shares| mark(&shares[0]));
    let named = format!("this share is of vault {theirs}, not of this one, {ours}");
    for part in
        ["a character is wrong", &named, "share 1 has already been entered", "Share 1 accepted"]
    {
        assert!(refused.shown.contains(part), "{part}: {}", refused.shown);
    }

    // New shares end the old ones; without shares nobody is asked for any.
    let newer = make(&desk, "2", 2);
    let typed = [(FIRST, &*newer[0]), (SECOND, &*shares[1]), (SECOND, &*newer[1])];
    let mixed = give(&desk, &["crl", "--shares"], &typed);
    assert_eq!(mixed.code, 0, "{mixed:?}");
    assert!(mixed.shown.contains("not made together"), "{}", mixed.shown);
    let old = give(&desk, &["crl", "--shares"], &[(FIRST, &*shares[0]), (SECOND, &*shares[1])]);
    assert_eq!(old.code, 1);
    assert!(old.shown.contains("it has newer ones"), "{}", old.shown);
    desk.ca(&["vault", "shares", "remove"]).success();
    let gone = give(&desk, &["crl", "--shares"], &[(FIRST, &*newer[0]), (SECOND, &*newer[1])]);
    assert_eq!(gone.code, 1, "{gone:?}");
    desk.ca(&["vault", "shares", "remove"]).refused(&["this vault has no shares"]);
    desk.ca(&["verify"]).success();
}

#[test]
fn shares_are_made_at_a_terminal_only_and_in_numbers_that_make_sense() {
    let desk = Desk::with_authority();
    let create = |threshold, count| {
        let words = ["vault", "shares", "create", "--threshold", threshold, "--count", count];
        desk.ca(&words)
    };
    create("1", "3").refused(&["shares cannot be made in these numbers"]);
    create("4", "3").refused(&["shares cannot be made in these numbers"]);
    create("2", "17").refused(&["shares cannot be made in these numbers"]);
    create("2", "3").refused(&["terminal"]);
    let slots = finish(sekisho(&desk, &["vault", "slots"])).success();
    assert!(!slots.out.contains("shares"), "{}", slots.out);
}

#[test]
fn shares_open_a_service_at_its_start_and_while_it_runs_and_show_nowhere() {
    let desk = Desk::with_key_file();
    let configuration = Configuration::new();
    let mut command = Appliance::command(&desk);
    command.env("RUST_LOG", "trace");
    let appliance = Appliance::begin(command, &desk, &configuration);
    // Through the socket, of an open service.
    let shares = make(&desk, "2", 3);
    finish(sekisho(&desk, &["seal"])).success();
    appliance.wait_for_count("the authority is at work", 2);
    let typed = [(FIRST, &*shares[2]), (SECOND, &*shares[1])];
    let opened = give(&desk, &["unseal", "--shares"], &typed);
    assert_eq!(opened.code, 0, "{opened:?}");
    assert_eq!(appliance.status().1["unsealed"], true);
    let mut said = format!("{}{}", opened.shown, appliance.log.text());
    appliance.stop();

    let start = sekisho(&desk, &["serve", "--config", "sekisho.toml", "--shares"]);
    let answers = [format!("{}\r", shares[0]), format!("{}\r", shares[2])];
    let typed = [(FIRST, &*answers[0]), (SECOND, &*answers[1]), ("unsealed=true", "\u{3}")];
    let served = converse(&desk, &start, &typed);
    assert_eq!((served.code, served.unasked), (0, 0), "{served:?}");
    said.push_str(&served.shown);
    for share in &shares {
        let bare = share.replace('-', "");
        assert!(!said.contains(share.as_str()) && !said.contains(&bare), "{said}");
    }
    assert!(!said.contains(PASSPHRASE));
}

// Catches a credential that is read by a process that may not, or under the wrong name.
#[test]
fn a_credential_of_systemd_opens_the_service() {
    let desk = Desk::with_key_file();
    let credentials = desk.path("credentials");
    std::fs::create_dir(&credentials).unwrap();
    // As systemd passes it: a file that is closed to everybody else, and read-only.
    std::fs::rename(desk.path("ca/vault.key"), credentials.join("vault-key")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o400);
    std::fs::set_permissions(credentials.join("vault-key"), mode).unwrap();
    let configuration = Configuration::with_authority("credential = \"vault-key\"\n");
    let mut command = Appliance::command(&desk);
    command.env("CREDENTIALS_DIRECTORY", &credentials);
    let appliance = Appliance::begin(command, &desk, &configuration);
    assert_eq!(appliance.status().1["unsealed"], true, "{}", appliance.log.text());
    // An authority that was killed comes back open.
    appliance.signal_authority(rustix::process::Signal::KILL);
    appliance.wait_for_count("the authority is at work", 2);
    assert_eq!(appliance.status().1["unsealed"], true, "{}", appliance.log.text());
    appliance.stop();
}

#[test]
fn the_authority_itself_refuses_a_new_passphrase_that_is_too_short() {
    let desk = Desk::with_key_file();
    let appliance = Appliance::begin(Appliance::command(&desk), &desk, &Configuration::new());
    let secret = |text: &str| {
        let bytes = sekisho::ground::secret::SecretBytes::copy_of(text.as_bytes());
        sekisho::door::command::Secret::Passphrase(bytes.into())
    };
    let refused =
        appliance.door().change_slots(secret(PASSPHRASE), vec![secret("eleven char")], false);
    assert_eq!(refused.unwrap_err().code(), "PassphraseTooShort");
    // Nothing was changed.
    let passphrase = desk.path("passphrase");
    appliance.stop();
    let words = ["crl", "--passphrase-file", text(&passphrase)];
    finish(sekisho(&desk, &words)).success();
}
