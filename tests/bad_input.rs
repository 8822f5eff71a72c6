//! What people get wrong: each is refused with what is wrong and what to do next, in the language
//! of the person, with exit code 1 (2 for a mistake in the words themselves), and nothing half done.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/desk.rs"]
mod desk;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use desk::{Desk, Ran, SEKISHO, finish, finish_peer, finish_with, names_in};

#[test]
fn names_that_cannot_be_in_a_certificate_are_refused() {
    let desk = Desk::with_key_file();
    let long = "名".repeat(65);
    for (name, english, japanese) in [
        ("", "the name is empty", "名前が空です"),
        (" user1", "begins or ends with a space", "空白があります"),
        ("user\u{200b}1", "cannot be seen (U+200B)", "目に見えない文字 (U+200B)"),
        ("user\u{1b}[31m", "cannot be seen (U+001B)", "(U+001B)"),
        ("user\n1", "cannot be seen (U+000A)", "(U+000A)"),
        ("user\u{202e}1", "cannot be seen (U+202E)", "(U+202E)"),
        (&long, "has 65 characters; at most 64", "65 文字あり"),
    ] {
        refused(&desk, english, japanese, || desk.sekisho(&["issue", "client", name]));
    }
    for (host, english, japanese) in [
        ("*.example.jp", "wildcard (*)", "ワイルドカード (*)"),
        ("weborca server", "neither a host name nor an IP address", "ホスト名としても"),
        ("192.168.1.300", "neither a host name nor an IP address", "ホスト名としても"),
        ("受付", "neither a host name nor an IP address", "ホスト名としても"),
    ] {
        refused(&desk, english, japanese, || desk.sekisho(&["issue", "server", host]));
    }
    let country = ["issue", "client", "user1", "--country", "JPN"];
    refused(&desk, "not two letters", "2 文字の英字", || desk.sekisho(&country));
}

#[test]
fn numbers_names_and_reasons_that_mean_nothing_are_refused() {
    let desk = Desk::with_key_file();
    for name in ["user1", "twin", "twin", "gone"] {
        desk.ca(&["issue", "client", name]).success();
    }
    desk.ca(&["revoke", "gone"]).success();
    for words in [&["show", "99"][..], &["export", "99"], &["revoke", "99"], &["forget-key", "99"]]
    {
        let japanese = "証明書 000099 はありません";
        refused(&desk, "no certificate 000099", japanese, || desk.sekisho(words));
    }
    for (words, english, japanese) in [
        (&["revoke", "5"][..], "000005 was revoked already, on 20", "すでに破棄されています"),
        (&["revoke", "gone"], "no certificate in force has the name gone", "gone という名前"),
        (&["revoke", "nobody\u{1b}"], "name nobody\\u{1b}", "nobody\\u{1b} という名前"),
        (&["revoke", "twin"], "the name twin: 000003, 000004", "複数あります: 000003, 000004"),
        (&["show", "twin"], "the name twin: 000003, 000004", "複数あります: 000003, 000004"),
        (&["revoke", "1"], "the CA's own", "認証局自身"),
        (&["revoke", "2", "--reason", "angry"], "angry is not a reason", "angry は破棄の理由"),
        (&["revoke", "2", "--reason", "certificateHold"], "is not a reason", "破棄の理由"),
        (&["revoke", "2", "--since", "2999-01-01"], "2999-01-01 is no past time", "過去の日時"),
        (&["revoke", "2", "--since", "yesterday"], "yesterday is no past time", "過去の日時"),
        (&["export", "2"], "000002 is not kept", "000002 の秘密鍵は保管されていません"),
        (&["forget-key", "2"], "000002 is not kept", "保管されていません"),
        (&["issue", "client", "a", "--days", "0"], "0 days is not between 1", "0 日は 1 から"),
        (&["issue", "client", "a", "--days", "40000"], "40000 days is not", "40000 日は"),
        (&["issue", "client", "a", "--days", "9000"], "outlive the CA", "認証局の有効期限"),
        (
            &["issue", "client", "a", "--key", "dsa"],
            "dsa is no key algorithm",
            "dsa という鍵の種類",
        ),
        (&["crl", "--days", "0"], "0 days is not between 1", "0 日は 1 から"),
    ] {
        refused(&desk, english, japanese, || desk.sekisho(words));
    }
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let desk = Desk::with_key_file();
    let csr = ["issue", "client", "a", "--csr", "file"];
    let from = ["issue", "client", "--from", "file", "--out", "staff"];
    let columns = "names the columns: who, device";
    for (words, content, english, japanese) in [
        (&csr[..], &b"hello"[..], "not a valid certificate request", "CSR) として読み取れません"),
        (&csr, &[0; 70_000], "larger than the 65536 bytes", "65536 バイトを超えて"),
        (&from, b"who,device\na,b\n", columns, "列名は who, device です"),
        (&from, b"name,divice\na,b\n", "columns: name, divice", "name, divice です"),
        (&from, b"", "names the columns", "列名は"),
        (&from, b"name\n\x8e\xf3\x95\x74\n", "not text in UTF-8", "CSV UTF-8"),
        (&from, b"name,days\na,many\n", "line: 2", "CSV として読めません"),
        (&from, b"name,days\na,-1\n", "line: 2", "CSV として読めません"),
    ] {
        desk.write("file", content);
        refused(&desk, english, japanese, || desk.sekisho(words));
    }
    std::fs::remove_file(desk.path("file")).unwrap();
    for words in [&csr[..], &from] {
        refused(&desk, "file does not exist", "file がありません", || desk.sekisho(words));
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_anything_is_signed() {
    let desk = Desk::with_key_file();
    let passphrase = desk.path("passphrase");
    let file = passphrase.to_str().unwrap();
    // Not even root may make a file in /sys.
    for (folder, english, japanese) in [
        ("/sys", "no permission for /sys", "/sys を使う権限がありません"),
        ("nowhere", "nowhere does not exist", "nowhere がありません"),
        (file, "is not a folder", "フォルダではありません"),
    ] {
        let words = ["issue", "client", "a", "--out", folder];
        refused(&desk, english, japanese, || desk.sekisho(&words));
        refused(&desk, english, japanese, || desk.sekisho(&["crl", "--out", folder]));
    }
    let init = |folder: &str| {
        let mut command = desk.command(SEKISHO);
        command.args(["init", "--dir", folder, "--passphrase-file", file]);
        command
    };
    refused(&desk, "no permission for /sys/ca", "/sys/ca を使う権限", || init("/sys/ca"));
    refused(&desk, "is not a folder", "フォルダではありません", || init(file));
    refused(&desk, "there is already a CA in", "認証局", || init("ca"));
    refused(&desk, "there is no CA in", "認証局がありません", || {
        let mut command = desk.command(SEKISHO);
        command.args(["list", "--dir", "nowhere"]);
        command
    });
}

#[test]
fn passphrase_files_that_cannot_be_used_are_refused() {
    let desk = Desk::with_authority();
    desk.write("loose", desk::PASSPHRASE);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(desk.path("loose"), open).unwrap();
    symlink("passphrase", desk.path("link")).unwrap();
    std::fs::create_dir(desk.path("folder")).unwrap();
    desk.write("wrong", "incorrect horse battery");
    desk.write("binary", [0xFF; 20]);
    desk.write("large", [b'x'; 4097]);
    let open_with = |option: &'static str, file: &'static str| {
        let desk = &desk;
        move || {
            let mut command = desk.command(SEKISHO);
            command.args(["crl", "--dir", "ca", option, file]);
            command
        }
    };
    for (file, english, japanese) in [
        ("nowhere", "nowhere does not exist", "nowhere がありません"),
        ("loose", "open to other users (mode 0640)", "モード 0640"),
        ("link", "is a symbolic link", "シンボリックリンク"),
        ("folder", "not a regular file", "通常のファイルではありません"),
        ("wrong", "does not open the vault", "パスフレーズが違う"),
        ("binary", "not UTF-8", "UTF-8 の文字ではありません"),
        ("large", "larger than the 4096 bytes", "4096 バイトを超えて"),
    ] {
        refused(&desk, english, japanese, open_with("--passphrase-file", file));
    }
    let slot = open_with("--key-file", "passphrase");
    refused(&desk, "not set up to be opened in that way", "その方法で開ける設定がありません", slot);

    desk.write("short", "eleven-char");
    for (file, english, japanese) in [
        ("short", "shorter than 12 characters", "12文字より短い"),
        ("binary", "not UTF-8", "UTF-8 の文字ではありません"),
        ("loose", "open to other users", "モード 0640"),
    ] {
        refused(&desk, english, japanese, || {
            let mut command = desk.command(SEKISHO);
            command.args(["init", "--dir", "new", "--passphrase-file", file]);
            command
        });
        let change = ["vault", "passwd", "--new-passphrase-file", file];
        refused(&desk, english, japanese, || desk.sekisho(&change));
    }
}

// Catches: a command that waits for ever, or reads the passphrase from a pipe.
#[test]
fn without_a_terminal_the_way_to_name_a_passphrase_file_is_told() {
    let desk = Desk::with_authority();
    for words in [&["crl", "--dir", "ca"][..], &["issue", "client", "a", "--dir", "ca"], &["init"]]
    {
        for locale in ["C", "ja_JP.UTF-8"] {
            let mut command = desk.command("setsid");
            command.arg("-w").arg(SEKISHO).args(words).env("LANG", locale);
            if words == ["init"] {
                command.args(["--dir", "new"]);
            }
            let before = state(&desk);
            let ran = finish_with(command, "correct horse battery\n");
            ran.refused(&["--passphrase-file"]);
            assert_eq!(state(&desk), before);
        }
    }
}

#[test]
fn the_manuals_tool_refuses_in_the_same_way() {
    let desk = Desk::new();
    assert!(desk.orca(&[]).success().out.contains("specify subcommand"));
    desk.orca(&["issue_crl"]).success();
    for (words, english, japanese) in [
        (&["issue_server_cert"][..], "needs a host name", "ホスト名か IP アドレスが必要"),
        (
            &["issue_server_cert", "-i", "192.168.1.300"],
            "not an IP address",
            "IP アドレスではありません",
        ),
        (&["issue_server_cert", "-c", "*"], "wildcard", "ワイルドカード"),
        (&["issue_client_cert", "-c", ""], "the name is empty", "名前が空です"),
        (&["export_cert", "user1"], "user1 is not a certificate's number", "番号ではありません"),
        (&["export_cert", "000099"], "no certificate 000099", "証明書 000099 はありません"),
        (&["revoke_cert", "000001"], "the CA's own", "認証局自身"),
        (&["revoke_cert", "-c", "nobody"], "has the name nobody", "nobody という名前"),
    ] {
        refused(&desk, english, japanese, || desk.orca_command(words));
    }
    refused(&desk, "there is no terminal", "入力できる端末がありません", || {
        let mut command = desk.command("setsid");
        command.args(["-w", SEKISHO, "orca-catool", "issue_crl"]);
        command
    });
}

#[test]
fn a_configuration_of_the_manuals_tool_is_used_as_far_as_it_is_understood() {
    let desk = Desk::new();
    desk.orca(&[]).success();
    let configuration = ".orca_catool/config.yml";
    desk.write(configuration, ":ca_dir: /x\n:client_cert_validity: 90\n:evil\u{1b}[31m: 1\n");
    for (locale, part) in [("C", "are not used"), ("ja_JP.UTF-8", "使われません")] {
        let mut command = desk.orca_command(&["issue_client_cert", "-c", "user1"]);
        command.env("LANG", locale);
        let ran = finish(command).success();
        for part in [":ca_dir, ", "\\u{1b}", configuration, part] {
            assert!(ran.error.contains(part), "no {part:?} in {ran:?}");
        }
        assert!(!ran.error.contains('\u{1b}'), "{ran:?}");
    }
    for (content, english, japanese) in [
        (":crl_validity: soon\n", ":crl_validity in", "の :crl_validity が"),
        (":crl_validity: 0\n", "1 to 36525", "1 から 36525"),
        ("- a\n", "is not an orca-catool configuration", "設定ファイルの形式"),
        ("\u{0}\u{1}", "is not an orca-catool configuration", "設定ファイルの形式"),
        ("a: [", "is not an orca-catool configuration", "設定ファイルの形式"),
    ] {
        desk.write(configuration, content);
        refused(&desk, english, japanese, || desk.orca_command(&["issue_crl"]));
    }
}

#[test]
fn whoever_says_no_to_a_new_authority_gets_none() {
    let desk = Desk::new();
    for answer in ["n\n", "\n", "no\n", "yes please\n"] {
        let ran = finish_with(desk.orca_command(&[]), answer).success();
        assert!(ran.out.ends_with("y or n> "), "{ran:?}");
    }
    for (locale, part) in [("C", "cancelled; nothing was done"), ("ja_JP.UTF-8", "中止しました")]
    {
        let mut command = desk.orca_command(&[]);
        command.env("LANG", locale);
        finish_with(command, "").refused(&[part]);
    }
    assert_eq!(names_in(&desk.path("")), ["passphrase"]);
}

#[test]
fn mistakes_in_the_words_are_exit_code_2_and_name_the_word() {
    let desk = Desk::new();
    for (words, part) in [
        (&["list", "--everything"][..], "--everything"),
        (&["lost"], "lost"),
        (&["show"], "NUMBER"),
        (&["issue", "client", "a", "--days", "many"], "many"),
        (&["crl", "--passphrase-file", "a", "--recovery-code"], "--recovery-code"),
        (&["orca-catool", "issue_client_cert"], "-c <NAME>"),
        (&["orca-catool", "make_coffee"], "make_coffee"),
    ] {
        for locale in ["C", "ja_JP.UTF-8"] {
            let mut command = desk.command(SEKISHO);
            command.args(words).env("LANG", locale);
            let ran = finish(command);
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{words:?} {ran:?}");
            assert!(ran.error.contains(part), "{words:?} {ran:?}");
            assert_eq!(is_japanese(&ran.error), locale != "C", "{words:?} {ran:?}");
        }
    }
    assert_eq!(names_in(&desk.path("")), ["passphrase"]);
}

// Catches: a terminal that stays mute, a process that ends by the signal half way.
#[test]
fn control_c_at_a_question_does_nothing_and_leaves_the_terminal_as_it_was() {
    let desk = Desk::with_authority();
    let before = state(&desk);
    for (command, question, typed) in [
        ("crl --dir ca", "Passphrase of the vault: ", "half"),
        ("issue client a --dir ca --recovery-code", "Recovery code: ", "half"),
        ("init --dir new", "New passphrase", "half"),
        // Here the system gathers the line, and Ctrl-D ends it only when it is empty.
        ("orca-catool", "y or n> ", ""),
    ] {
        for key in ["\\003", "\\004"] {
            let said = at_terminal(&desk, command, &[(question, &format!("{typed}{key}"))]);
            assert!(said.contains("cancelled; nothing was done"), "{command} {key}: {said}");
            assert!(said.contains("rc=1"), "{command} {key}: {said}");
        }
        assert_eq!(state(&desk), before, "{command}");
    }
}

// Catches: a passphrase on the screen, a recovery code in a redirected output, and one that does
// not open.
#[test]
fn what_is_typed_stays_hidden_and_the_recovery_code_opens() {
    let desk = Desk::new();
    let phrase = "a typed passphrase";
    let said = at_terminal(
        &desk,
        "init --dir ca",
        &[("New passphrase", &format!("{phrase}\\r")), ("to confirm", "another one altogether\\r")],
    );
    assert!(said.contains("not the same") && said.contains("rc=1"), "{said}");
    assert!(!desk.path("ca").exists());

    let twice = format!("{phrase}\\r");
    let said = at_terminal(
        &desk,
        "init --dir ca > output",
        &[("New passphrase", &twice), ("to confirm", &twice)],
    );
    assert!(said.contains("rc=0"), "{said}");
    assert!(!said.contains(phrase), "{said}");
    let code = said
        .lines()
        .map(str::trim)
        .find(|line| line.len() > 30 && line.contains('-') && !line.contains(' '))
        .unwrap_or_else(|| panic!("no recovery code in {said}"));
    assert!(!desk.read("output").contains(code), "the recovery code is in a file");

    let other = if code.starts_with('A') { 'B' } else { 'A' };
    let typo: String = std::iter::once(other).chain(code.chars().skip(1)).collect();
    for (typed, part) in [(typo.as_str(), "typing error"), (code, "CRL 2 is signed")] {
        let answer = format!("{typed}\\r");
        let said = at_terminal(&desk, "crl --dir ca --recovery-code", &[("code: ", &answer)]);
        assert!(said.contains(part), "{said}");
        assert!(!said.contains(typed), "{said}");
    }
}

/// Runs a command in both languages. It must be refused with exit code 1, say what is wrong and
/// what to do next, and change nothing.
#[track_caller]
fn refused(desk: &Desk, english: &str, japanese: &str, command: impl Fn() -> Command) {
    let before = state(desk);
    for (locale, mark, part) in [("C", "error: ", english), ("ja_JP.UTF-8", "エラー: ", japanese)]
    {
        let mut command = command();
        command.env("LANG", locale);
        let shown = format!("{command:?}");
        let ran = finish(command);
        assert_eq!(ran.code, Some(1), "{shown}: {ran:?}");
        assert!(ran.error.contains(part), "{shown}: no {part:?} in {ran:?}");
        let (what, next) = sentences(&ran, mark).unwrap_or_else(|| panic!("{shown}: {ran:?}"));
        assert!(!next.is_empty(), "{shown}: nothing to do next: {ran:?}");
        assert_eq!([what, next].map(is_japanese), [locale != "C"; 2], "{shown}: {ran:?}");
        assert!(!ran.error.contains(|c: char| c.is_control() && c != '\n'), "{shown}: {ran:?}");
        assert_eq!(state(desk), before, "{shown}: {ran:?}");
    }
}

/// The two sentences of a refusal, its last lines on standard error.
fn sentences<'a>(ran: &'a Ran, mark: &str) -> Option<(&'a str, &'a str)> {
    let (what, next) = ran.error.trim_end().rsplit_once("\n  → ")?;
    Some((what.lines().last()?.strip_prefix(mark)?, next))
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| ('\u{3041}'..='\u{30ff}').contains(&c))
}

/// Every file of the desk, and every certificate of its CA.
fn state(desk: &Desk) -> (Vec<String>, String) {
    let mut paths = Vec::new();
    walk(&desk.path(""), &mut paths);
    let has_authority = desk.path("ca/authority").exists();
    let list = ["list", "--all", "--json"];
    (paths, if has_authority { desk.ca(&list).success().out } else { String::new() })
}

fn walk(folder: &Path, paths: &mut Vec<String>) {
    for name in names_in(folder) {
        let path = folder.join(name);
        paths.push(path.display().to_string());
        if path.symlink_metadata().unwrap().is_dir() {
            walk(&path, paths);
        }
    }
}

/// Types answers to the questions of `sekisho` at a terminal; everything it showed. Afterwards the
/// terminal must be as before: keys are shown, lines are gathered, Ctrl-C interrupts.
fn at_terminal(desk: &Desk, words: &str, answers: &[(&str, &str)]) -> String {
    let dialogue: String = answers
        .iter()
        .map(|(question, keys)| format!("expect -ex {{{question}}}\nsend -- \"{keys}\"\n"))
        .collect();
    let script = format!(
        "set timeout 30\nspawn -noecho sh -c {{{SEKISHO} {words}; echo rc=$?; stty -a}}\n\
         {dialogue}expect {{ eof {{}} timeout {{ exit 9 }} }}\n"
    );
    let mut command = desk.command("expect");
    command.args(["-c", &script]).env("TERM", "dumb");
    let ran = finish_peer("expect", command);
    assert_eq!(ran.code, Some(0), "{words}: {ran:?}");
    let modes: Vec<&str> = ran.out.split_whitespace().collect();
    for mode in ["echo", "icanon", "isig", "iexten"] {
        assert!(modes.contains(&mode), "{words} leaves the terminal without {mode}: {ran:?}");
    }
    ran.out
}
