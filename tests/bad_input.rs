//! What people get wrong: each time a sentence that says what is wrong, why, and what to do next, in
//! their language; exit code 1, or 2 for the words themselves; and nothing half done.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/terminal.rs"]
mod terminal;

use std::process::Command;

use desk::{Desk, PASSPHRASE, Ran, finish, names_in};
use terminal::converse;

const ENGLISH: &str = "C.UTF-8";
const JAPANESE: &str = "ja_JP.UTF-8";

/// What is typed, and what each language's sentence must contain.
struct Mistake {
    words: Vec<String>,
    english: &'static str,
    japanese: &'static str,
}

fn mistake(words: &[&str], english: &'static str, japanese: &'static str) -> Mistake {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    Mistake { words, english, japanese }
}

#[test]
fn every_mistake_is_explained_in_both_languages_and_leaves_everything_as_it_was() {
    let desk = Desk::with_key_file();
    desk.ca(&["issue", "client", "twice"]).success();
    desk.ca(&["issue", "client", "twice"]).success();
    desk.ca(&["issue", "client", "gone"]).success();
    desk.ca(&["revoke", "4"]).success();
    desk.write("not.csv", "who\nuser1\n");
    desk.write("not.csr", "hello");
    desk.write("short", "too short");
    let long = "あ".repeat(65);
    let mistakes = [
        mistake(&["issue", "client", ""], "the name is empty", "名前が空です"),
        mistake(&["issue", "client", "a\u{200b}b"], "cannot be seen", "目に見えない文字"),
        mistake(&["issue", "client", &long], "has 65 characters", "65 文字"),
        mistake(&["issue", "client", " user"], "space", "空白"),
        mistake(&["issue", "server", "300.168.1.1"], "300.168.1.1", "300.168.1.1"),
        mistake(&["issue", "server", "bad_host.example"], "bad_host.example", "bad_host.example"),
        mistake(&["issue", "server", "*"], "*", "*"),
        mistake(&["issue", "client", "x", "--days", "0"], "0 days", "0 日"),
        mistake(&["issue", "client", "x", "--days", "99999"], "99999 days", "99999 日"),
        mistake(&["issue", "client", "x", "--key", "rsa1024"], "rsa1024", "rsa1024"),
        mistake(&["issue", "client", "x", "--csr", "not.csr"], "certificate request", "CSR"),
        mistake(
            &["issue", "client", "x", "--csr", "none.csr"],
            "none.csr does not exist",
            "none.csr がありません",
        ),
        mistake(&["issue", "client", "x", "--country", "JPN"], "two letters", "国"),
        mistake(&["issue", "client", "--from", "not.csv"], "the first line of not.csv", "not.csv"),
        mistake(&["issue", "client", "x", "--out", "/proc"], "/proc", "/proc"),
        mistake(&["issue", "client", "x", "--out", "none"], "none", "none"),
        mistake(&["crl", "--out", "/proc"], "/proc", "/proc"),
        mistake(&["crl", "--days", "0"], "0 days", "0 日"),
        mistake(&["show", "99"], "no certificate 000099", "000099"),
        mistake(&["show", "nobody"], "has the name nobody", "nobody という名前"),
        mistake(&["revoke", "99"], "no certificate 000099", "000099"),
        mistake(&["revoke", "twice"], "000002, 000003", "000002, 000003"),
        mistake(&["revoke", "4"], "000004 was revoked already", "000004"),
        mistake(&["revoke", "1"], "cannot be revoked by itself", "自分では破棄できません"),
        mistake(
            &["revoke", "2", "--reason", "certificateHold"],
            "certificateHold",
            "certificateHold",
        ),
        mistake(&["revoke", "2", "--since", "tomorrow"], "tomorrow", "tomorrow"),
        mistake(&["export", "2"], "000002 is not kept", "000002 の秘密鍵は保管されていません"),
        mistake(&["forget-key", "2"], "000002 is not kept", "000002 の秘密鍵は保管されていません"),
        mistake(&["init"], "already", "すでに"),
        mistake(
            &["vault", "passwd", "--new-passphrase-file", "short"],
            "shorter than 12",
            "12文字より短い",
        ),
        mistake(&["crl", "--passphrase-file", "none"], "none does not exist", "none がありません"),
    ];
    let state = || (desk.json(&["list", "--all"]), names_in(&desk.path("")));
    let before = state();
    for Mistake { words, english, japanese } in &mistakes {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (locale, part) in [(ENGLISH, english), (JAPANESE, japanese)] {
            let mut command = desk.sekisho(&words);
            command.env("LANG", locale);
            explains(&finish(command), locale, part, &words);
            assert_eq!(state(), before, "{words:?} left something");
        }
    }
}

#[test]
fn the_manuals_tool_explains_as_well() {
    let desk = Desk::new();
    desk.orca(&[]).success();
    desk.orca(&["issue_client_cert", "-c", "user1"]).success();
    desk.orca(&["revoke_cert", "2"]).success();
    let mistakes = [
        mistake(&["issue_server_cert"], "host name or an IP address", "ホスト名か IP アドレス"),
        mistake(&["issue_server_cert", "-i", "192.168.1.300"], "192.168.1.300", "192.168.1.300"),
        mistake(&["issue_server_cert", "-i", "clinic"], "clinic", "clinic"),
        mistake(&["issue_server_cert", "-c", "a b"], "a b", "a b"),
        mistake(&["issue_client_cert", "-c", ""], "the name is empty", "名前が空です"),
        mistake(&["export_cert", "user1"], "user1 is not", "user1 は"),
        mistake(&["export_cert", "9"], "000009", "000009"),
        mistake(&["revoke_cert", "2"], "000002 was revoked already", "000002"),
        mistake(&["revoke_cert", "-c", "nobody"], "nobody", "nobody"),
        mistake(&["revoke_cert", "1"], "cannot be revoked by itself", "自分では破棄できません"),
    ];
    let before = (desk.orca(&["list_cert"]).out, names_in(&desk.path("certs")));
    for Mistake { words, english, japanese } in &mistakes {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for (locale, part) in [(ENGLISH, english), (JAPANESE, japanese)] {
            let mut command = desk.orca_command(&words);
            command.env("LANG", locale);
            explains(&finish(command), locale, part, &words);
            let after = (desk.orca(&["list_cert"]).out, names_in(&desk.path("certs")));
            assert_eq!(after, before, "{words:?} left something");
        }
    }
}

#[test]
fn settings_that_mean_nothing_are_named_and_the_others_count() {
    let desk = Desk::new();
    desk.orca(&[]).success();
    desk.write(".orca_catool/config.yml", "---\n:ca_dir: /x\n:crl_validity: 30\n:dn:\n  :c: JP\n");
    for (locale, part) in [(ENGLISH, "mean nothing here"), (JAPANESE, "使われません")] {
        let mut command = desk.orca_command(&["list_cert"]);
        command.env("LANG", locale);
        let ran = finish(command).success();
        assert!(ran.error.contains(part) && ran.error.contains(":ca_dir, :dn"), "{ran:?}");
    }
    for wrong in [":crl_validity: ten\n", "just text", ":crl_validity: [", "\u{0}"] {
        desk.write(".orca_catool/config.yml", wrong);
        for locale in [ENGLISH, JAPANESE] {
            let mut command = desk.orca_command(&["list_cert"]);
            command.env("LANG", locale);
            explains(&finish(command), locale, "config.yml", &[wrong]);
        }
    }
}

#[test]
fn mistakes_in_the_words_end_with_two_and_say_how_it_goes() {
    let desk = Desk::new();
    for words in [
        ["frobnicate"].as_slice(),
        &["issue"],
        &["issue", "client"],
        &["issue", "server"],
        &["list", "--frobnicate"],
        &["issue", "client", "x", "--days", "many"],
        &["orca-catool", "frobnicate"],
        &["orca-catool", "issue_client_cert"],
        &["orca-catool", "revoke_cert"],
    ] {
        for locale in [ENGLISH, JAPANESE] {
            let mut command = desk.command(desk::SEKISHO);
            command.args(words).env("LANG", locale);
            let ran = finish(command);
            assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
            let said = [ran.out.as_str(), &ran.error].concat();
            assert!(!said.is_empty(), "{words:?}");
            let shown = ["Usage", "--help", "使い方", "→"].iter().any(|part| said.contains(part));
            assert!(shown, "{words:?}: {ran:?}");
            assert!(!ran.error.contains("panicked"));
        }
    }
    assert_eq!(names_in(&desk.path("")), ["passphrase"], "nothing was made");
}

#[test]
fn no_at_the_first_question_makes_nothing() {
    for answer in ["n\n", "\n", "", "yes please\n", "Y?\n"] {
        let desk = Desk::new();
        let ran = desk::finish_with(desk.orca_command(&[]), answer);
        assert!(ran.out.ends_with("y or n> "), "{ran:?}");
        let nobody = answer.is_empty();
        assert_eq!(ran.code, Some(i32::from(nobody)), "{answer:?}: {ran:?}");
        assert_eq!(names_in(&desk.path("")), ["passphrase"], "{answer:?}");
    }
    let desk = Desk::new();
    desk::finish_with(desk.orca_command(&[]), "Y\n").success();
}

#[test]
fn without_a_terminal_a_question_is_a_refusal_that_names_the_file_option() {
    let desk = Desk::with_authority();
    for words in [["crl"].as_slice(), &["vault", "passwd"], &["issue", "client", "x"]] {
        for (locale, part) in [(ENGLISH, "--passphrase-file"), (JAPANESE, "--passphrase-file")] {
            let mut command = desk.command("setsid");
            command.arg("--wait").arg(desk::SEKISHO).args(words).arg("--dir").arg(desk.path("ca"));
            command.env("LANG", locale);
            explains(&desk::finish_peer("util-linux", command), locale, part, words);
        }
    }
    let mut command = desk.command("setsid");
    command.arg("--wait").arg(desk::SEKISHO).arg("orca-catool");
    let ran = desk::finish_with(command, "y\n");
    ran.refused(&["SEKISHO_PASSPHRASE_FILE"]);
    assert!(!desk.path(".orca_catool").exists(), "nothing is half made");
}

#[test]
fn ctrl_c_at_a_question_does_nothing_and_leaves_the_terminal_as_it_was() {
    let desk = Desk::with_authority();
    let command = |words: &[&str]| {
        let mut command = desk.command(desk::SEKISHO);
        command.args(words);
        command
    };
    let ca = desk.path("ca");
    let ca = desk::text(&ca);
    let new = desk.path("new");
    let new = desk::text(&new);
    let typed = &*format!("{PASSPHRASE}\r");
    let dialogues: &[(Command, &[(&str, &str)])] = &[
        (command(&["crl", "--dir", ca]), &[("Passphrase of the vault: ", "\u{3}")]),
        (command(&["crl", "--dir", ca]), &[("Passphrase of the vault: ", "half\u{4}")]),
        (
            command(&["vault", "passwd", "--dir", ca]),
            &[("vault: ", typed), ("New passphrase", "\u{3}")],
        ),
        (
            command(&["vault", "passwd", "--dir", ca]),
            &[
                ("vault: ", typed),
                ("New passphrase", "another one entirely\r"),
                ("once more", "\u{3}"),
            ],
        ),
        (command(&["init", "--dir", new]), &[("New passphrase", "\u{3}")]),
        (command(&["init", "--dir", new]), &[("New passphrase", typed), ("once more", "\u{3}")]),
        (command(&["crl", "--recovery-code", "--dir", ca]), &[("Recovery code: ", "\u{3}")]),
        (command(&["orca-catool"]), &[("y or n> ", "\u{3}")]),
        (command(&["orca-catool"]), &[("y or n> ", "y\r"), ("New passphrase", "\u{3}")]),
    ];
    let state = || (desk.json(&["list", "--all"]), names_in(&desk.path("")));
    let before = state();
    for (command, typed) in dialogues {
        let dialogue = converse(&desk, command, typed);
        assert_eq!((dialogue.code, dialogue.unasked), (1, 0), "{typed:?}: {dialogue:?}");
        assert!(dialogue.restored, "{typed:?}: {dialogue:?}");
        assert!(dialogue.shown.contains("cancelled; nothing was done"), "{dialogue:?}");
        assert!(!dialogue.shown.contains(PASSPHRASE), "a secret was shown: {dialogue:?}");
        assert_eq!(state(), before, "{typed:?} left something");
    }
}

#[test]
fn passphrases_are_asked_twice_and_never_shown() {
    let desk = Desk::new();
    let ca = desk.path("ca");
    let mut init = desk.command(desk::SEKISHO);
    init.args(["init", "--dir"]).arg(&ca);
    let short = converse(&desk, &init, &[("New passphrase", "short\r")]);
    assert!(short.shown.contains("shorter than 12 characters") && short.code == 1, "{short:?}");
    let differing = [("New passphrase", "one passphrase\r"), ("once more", "two passphrases\r")];
    let differing = converse(&desk, &init, &differing);
    assert!(differing.shown.contains("not the same") && differing.code == 1, "{differing:?}");
    assert!(!ca.exists());

    // Corrections with backspace and Ctrl-U; characters of several octets go as one.
    let typed = "wrong\u{15}correct horse ばx\u{7f}\u{7f}battery\r";
    let good = converse(
        &desk,
        &init,
        &[("New passphrase", typed), ("once more", "correct horse battery\r")],
    );
    assert_eq!(good.code, 0, "{good:?}");
    assert!(!good.shown.contains("horse") && good.restored, "{good:?}");
    let code = good.shown.split_whitespace().find(|word| word.len() == 39 && word.contains('-'));
    assert!(code.is_some(), "the recovery code is shown once: {good:?}");
    desk.ca(&["crl"]).success();
}

/// Exit code 1; on standard error what is wrong, with this part, and what to do next; nothing else.
#[track_caller]
fn explains(ran: &Ran, locale: &str, part: &str, words: &[&str]) {
    assert_eq!(ran.code, Some(1), "{words:?}: {ran:?}");
    let mark = if locale == JAPANESE { "エラー: " } else { "error: " };
    let line = ran.error.lines().find(|line| line.starts_with(mark));
    assert!(line.is_some(), "{words:?} in {locale}: {ran:?}");
    assert!(ran.error.contains(part), "{words:?}: no {part:?} in {ran:?}");
    let next = ran.error.lines().find_map(|line| line.trim().strip_prefix("→ "));
    assert!(next.is_some_and(|next| next.len() > 5), "{words:?}: {ran:?}");
    let japanese = |c: char| ('\u{3040}'..='\u{30ff}').contains(&c);
    assert_eq!(next.is_some_and(|next| next.contains(japanese)), locale == JAPANESE, "{ran:?}");
    assert!(!ran.error.contains("panicked"), "{ran:?}");
}
