//! Writes the manual pages and the completions of shells that the package ships, from the words of the
//! command line itself: `cargo run --example manual -- FOLDER`.

#![allow(
    clippy::disallowed_methods,
    reason = "a tool of the build, which writes into a folder made for it"
)]

use std::io::{self, Error};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use sekisho::cli::command_lines;
use sekisho::ground::messages::Language;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| Error::other("usage: manual FOLDER"))?;
    for (language, place) in [(Language::English, "man"), (Language::Japanese, "man/ja")] {
        let place = folder.join(place);
        std::fs::create_dir_all(&place)?;
        for mut program in command_lines(language) {
            program.build();
            write_pages(&program, language, &place)?;
        }
    }
    let place = folder.join("completions");
    std::fs::create_dir_all(&place)?;
    for program in command_lines(Language::English) {
        write_completions(&program, &place)?;
    }
    Ok(())
}

/// The page of a command, and those of everything under it.
fn write_pages(command: &Command, language: Language, place: &Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    let is_main = name == "sekisho";
    for section in SECTIONS.iter().filter(|_| is_main) {
        section.render(language).to_writer(&mut page)?;
    }
    let mut page = String::from_utf8(page).map_err(Error::other)?;
    if language == Language::Japanese {
        for (english, japanese) in HEADINGS {
            page = page.replace(&format!(".SH {english}\n"), &format!(".SH {japanese}\n"));
        }
    }
    std::fs::write(place.join(format!("{name}.1")), page)?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_pages(below, language, place)?;
    }
    Ok(())
}

fn write_completions(program: &Command, place: &Path) -> io::Result<()> {
    let name = program.get_name().to_owned();
    let mut shown = without_hidden(program);
    for (shell, file) in [
        (Shell::Bash, format!("{name}.bash")),
        (Shell::Zsh, format!("_{name}")),
        (Shell::Fish, format!("{name}.fish")),
    ] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut shown, &name, &mut text);
        std::fs::write(place.join(file), text)?;
    }
    Ok(())
}

/// The command without the verbs that only the program itself calls: completions would show them.
fn without_hidden(command: &Command) -> Command {
    // A name must last as long as the program.
    let name: &'static str = Box::leak(command.get_name().to_owned().into_boxed_str());
    let below = command.get_subcommands().filter(|below| !below.is_hide_set());
    let shown = Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .args(command.get_arguments())
        .subcommands(below.map(without_hidden));
    match command.get_version() {
        Some(_) => shown.version(env!("CARGO_PKG_VERSION")),
        None => shown,
    }
}

/// A section that the words of the command line do not hold.
struct Section {
    heading: (&'static str, &'static str),
    /// What it is, what that means in English, and in Japanese.
    entries: &'static [(&'static str, &'static str, &'static str)],
}

impl Section {
    fn render(&self, language: Language) -> Roff {
        let is_english = language == Language::English;
        let mut roff = Roff::new();
        roff.control("SH", [if is_english { self.heading.0 } else { self.heading.1 }]);
        for (what, english, japanese) in self.entries {
            roff.control("TP", []);
            roff.text([bold(*what)]);
            roff.text([roman(if is_english { *english } else { *japanese })]);
        }
        roff
    }
}

/// Of the main page.
const SECTIONS: &[Section] = &[
    Section {
        heading: ("EXIT STATUS", "終了ステータス"),
        entries: &[
            ("0", "Done.", "正常に終了しました。"),
            (
                "1",
                "Refused or failed; what was wrong and what to do next is on standard error.",
                "拒否または失敗しました。原因と次の手順を標準エラー出力に表示します。",
            ),
            ("2", "A mistake in the command line.", "コマンドの使い方に誤りがあります。"),
        ],
    },
    Section {
        heading: ("FILES", "ファイル"),
        entries: &[
            (
                "/etc/sekisho/sekisho.toml",
                "What the service runs; sekisho config example prints a commented one.",
                "サービスの設定です。説明つきの例は sekisho config example で表示できます。",
            ),
            (
                "/var/lib/sekisho",
                "The CA of the service: vault and ledger. Back it up as a whole.",
                "サービスの認証局 (金庫と台帳) です。フォルダ全体をバックアップしてください。",
            ),
            (
                "/run/sekisho/control.sock",
                "Where commands reach the running service.",
                "稼働中のサービスへコマンドを送るソケットです。",
            ),
            (
                "/usr/share/doc/sekisho",
                "README, configuration, monitoring, security.",
                "説明書 (導入、設定、監視、セキュリティ) です。",
            ),
        ],
    },
    Section {
        heading: ("SEE ALSO", "関連項目"),
        entries: &[(
            "orca-catool(1)",
            "The same program, as the tool of the WebORCA manual.",
            "同じプログラムを WebORCA の手順書のツールとして使うときの名前です。",
        )],
    },
];

/// The headings that the pages are made with.
const HEADINGS: [(&str, &str); 5] = [
    ("NAME", "名前"),
    ("SYNOPSIS", "書式"),
    ("DESCRIPTION", "説明"),
    ("SUBCOMMANDS", "コマンド"),
    ("VERSION", "バージョン"),
];
