//! The WebORCA manual (SSLクライアント認証の利用, WebORCAオンプレ版, 2023-09-26), typed in as it stands: its
//! commands in its order, its file names, its output, its log lines, its troubleshooting. What
//! cannot be typed here is replaced by a named equivalent, and each is printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says which steps were replaced"
)]

#[path = "support/desk.rs"]
mod desk;
#[path = "support/gate.rs"]
mod support;

use std::path::PathBuf;
use std::process::Command;

use desk::{Desk, PASSPHRASE, Ran, finish, finish_with, is_root, mode, names_in, text};
use support::{Gate, Upstream, set_mode};

/// The commands of the manual, under its headings, as it prints them. Its line breaks are restored
/// where its web page lost them (`% cd % cd certs/ % unzip ...`).
const INSTALL: &[&str] = &["% sudo apt update", "% sudo apt-get install orca-catool"]; // orca-catoolのインストール
const START: &str = "% orca-catool"; // orca-catoolの起動および認証局作成
const SERVER_BY_NAME: &[&str] = &["% cd", "% orca-catool issue_server_cert -c weborca-server"]; // ホスト名を指定する場合
const SERVER_BY_ADDRESS: &[&str] = &["% cd", "% orca-catool issue_server_cert -i 192.168.1.100"]; // IPアドレスを指定する場合
const SERVER_BY_BOTH: &[&str] =
    &["% cd", "% orca-catool issue_server_cert -i 192.168.1.100 -c weborca-server"]; // ホスト名、IPアドレス両方
const CLIENT: &[&str] = &["% cd", "% orca-catool issue_client_cert -c user1"]; // クライアント証明書の発行
const PLACE: &[&str] = &[
    // 証明書の設置: 証明書の解凍と配置
    "% cd",
    "% cd certs/",
    "% unzip 000002__JP_orca_192.168.1.100.zip",
    "% cd 000002__JP_orca_192.168.1.100",
    "$ sudo cp 000002__JP_orca_192.168.1.100.crt /opt/jma/weborca/conf",
    "$ sudo cp 000002__JP_orca_192.168.1.100.pem /opt/jma/weborca/conf",
    "$ sudo cp ca.crt /opt/jma/weborca/conf",
    // 証明書を特定ユーザからのみアクセスできるよう変更
    "$ sudo chown orca:orca /opt/jma/weborca/conf/000002__JP_orca_192.168.1.100.crt",
    "$ sudo chown orca:orca /opt/jma/weborca/conf/000002__JP_orca_192.168.1.100.pem",
    "$ sudo chown orca:orca /opt/jma/weborca/conf/ca.crt",
    "$ sudo chmod 400 /opt/jma/weborca/conf/000002__JP_orca_192.168.1.100.crt",
    "$ sudo chmod 400 /opt/jma/weborca/conf/000002__JP_orca_192.168.1.100.pem",
    "$ sudo chmod 400 /opt/jma/weborca/conf/ca.crt",
];
const CONFIGURATION: &str = "\
SERVER_CRT=/opt/jma/weborca/conf/000002__JP_orca_192.168.1.100.crt
SERVER_PEM=/opt/jma/weborca/conf/000002__JP_orca_192.168.1.100.pem
CA_CRT=/opt/jma/weborca/conf/ca.crt
"; // WebORCA-ServerのSSLクライアント認証有効化
const RESTART: &str = "% sudo systemctl restart jma-receipt-weborca.service"; // 日レセの再起動
const CLIENT_FILES: &[&str] = &[
    // クライアント証明書の設置
    "% cd",
    "% cd certs",
    "% unzip 000003__JP_orca_user1.zip",
    "% cd 000003__JP_orca_user1/",
];
const PASS: &str = "% cat 000003__JP_orca_user1.pass";

/// An hour after the manual's certificates have ended: seconds from now.
const AFTER_TEN_YEARS: &str = "+315363600";

const FIRST_DIALOGUE: &str = "
config file({HOME}/.orca_catool/config.yml) does not exist.

initialize ca?
y or n>   specify subcommand

  issue_server_cert
  issue_client_cert
  export_cert
  revoke_cert
  issue_crl
  list_cert
";

#[test]
fn from_the_first_command_to_the_login_page_and_through_the_troubleshooting() {
    let mut console = Console::new();
    console.type_all(INSTALL);
    assert_eq!(console.type_in(START, "y\n").out, console.first_dialogue());
    // A second start finds the CA and only names the subcommands.
    assert!(console.type_in(START, "").out.starts_with("  specify subcommand\n"));

    console.type_all(SERVER_BY_ADDRESS);
    console.type_all(CLIENT);
    let zips = ["000002__JP_orca_192.168.1.100.zip", "000003__JP_orca_user1.zip"];
    assert_eq!(names_in(&console.home("certs")), zips);

    console.type_all(PLACE);
    console.holds_the_six_files("000002__JP_orca_192.168.1.100");
    console.write_configuration(CONFIGURATION);
    let upstream = Upstream::answering(
        b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\ncontent-type: text/plain\r\n\r\nWebORCA here",
    );
    let gate = console.restart(&upstream);
    the_log_is_the_manuals(&gate);

    console.type_all(CLIENT_FILES);
    console.holds_the_six_files("000003__JP_orca_user1");
    let pass = console.type_in(PASS, "").out;
    let generated = pass.len() == 16 && pass.chars().all(|c| c.is_ascii_alphanumeric());
    assert!(generated, "6RYv24bqgpyu6tn8 and not {pass:?}");

    // GoogleChrome: tests/browser.rs does this with Chromium. Here: curl with the same files.
    let url = "https://192.168.1.100:8000";
    let p12 = format!("000003__JP_orca_user1.p12:{pass}");
    let welcome = console.curl(&gate, &["--cert-type", "P12", "--cert", &p12, url]);
    assert_eq!(welcome.success().out, "WebORCA here");
    // クライアント証明のファイル参照
    let crt = ["--cert", "000003__JP_orca_user1.crt", "--key", "000003__JP_orca_user1.pem"];
    assert_eq!(console.curl(&gate, &[&crt[..], &[url]].concat()).success().out, "WebORCA here");
    assert!(upstream.seen()[0].contains("user1"), "the application learns who came");

    console.troubleshooting_on_the_client_side(&gate, &crt);
    drop(gate);
    console.troubleshooting_on_the_server_side(&upstream);
    console.tell_what_was_replaced();
}

#[test]
fn the_other_two_ways_to_name_the_server() {
    let names = ["DNS:weborca-server", "DNS:weborca-server, IP Address:192.168.1.100"];
    for (commands, names) in [SERVER_BY_NAME, SERVER_BY_BOTH].into_iter().zip(names) {
        let mut console = Console::new();
        console.type_in(START, "y\n").success();
        console.type_all(commands);
        console.type_all(&["% cd certs", "% unzip 000002__JP_orca_weborca-server.zip"]);
        console.type_all(&["% cd 000002__JP_orca_weborca-server"]);
        console.holds_the_six_files("000002__JP_orca_weborca-server");
        let crt = console.here("000002__JP_orca_weborca-server.crt");
        let shown = console.desk.openssl(&[
            "x509",
            "-in",
            text(&crt),
            "-noout",
            "-subject",
            "-nameopt",
            "compat",
            "-ext",
            "subjectAltName",
        ]);
        assert!(shown.contains("subject=/C=JP/O=orca/CN=weborca-server"), "{shown}");
        assert!(shown.contains(names), "{shown}");
    }
}

#[test]
fn the_days_in_the_configuration_file_count() {
    let mut console = Console::new();
    console.type_in(START, "y\n").success();
    let configuration = console.home(".orca_catool/config.yml");
    let written = std::fs::read_to_string(&configuration).unwrap();
    assert!(written.contains(":server_cert_validity: 3650\n"), "{written}");
    assert!(written.contains(":client_cert_validity: 3650\n"), "{written}");
    let edited = written
        .replace(":server_cert_validity: 3650", ":server_cert_validity: 90")
        .replace(":client_cert_validity: 3650", ":client_cert_validity: 30");
    console.desk.write(".orca_catool/config.yml", edited);
    console.type_all(SERVER_BY_ADDRESS);
    console.type_all(CLIENT);
    for (name, days) in [("000002__JP_orca_192.168.1.100", 90), ("000003__JP_orca_user1", 30)] {
        console.type_all(&["% cd", "% cd certs", &format!("% unzip {name}.zip"), "% cd .."]);
        let crt = console.home(&format!("certs/{name}/{name}.crt"));
        let ends_within = |days: i64| {
            let seconds = (days * 86_400).to_string();
            let mut command = console.desk.command("openssl");
            command.args(["x509", "-noout", "-checkend", &seconds, "-in", text(&crt)]);
            finish(command).code == Some(1)
        };
        assert!(!ends_within(days - 1) && ends_within(days + 1), "{name}");
    }
}

#[test]
fn the_other_operations_of_the_tool() {
    let mut console = Console::new();
    console.type_in(START, "y\n").success();
    console.type_all(CLIENT);
    console.type_all(&["% cd certs", "% unzip 000002__JP_orca_user1.zip", "% cd"]);
    let key = "certs/000002__JP_orca_user1/000002__JP_orca_user1.pem";
    let before = console.desk.read(key);

    let exported = console.type_in("% orca-catool export_cert 000002", "").success().out;
    assert_eq!(exported, format!("{}\n", text(&console.home("certs/000002__JP_orca_user1.zip"))));
    console.type_all(&["% cd certs", "% unzip -o 000002__JP_orca_user1.zip", "% cd"]);
    assert_eq!(console.desk.read(key), before, "the same key");

    let listed = console.type_in("% orca-catool list_cert", "").success().out;
    let lines: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert_eq!((lines[0][0], lines[0][2]), ("000001", "orca-ca"), "{listed}");
    assert_eq!((lines[1][0], lines[1][2]), ("000002", "user1"), "{listed}");

    console.type_in("% orca-catool revoke_cert 000002", "").success();
    console.type_in("% orca-catool issue_crl", "").success();
    let crl = console.home("certs/crl.pem");
    let crt = console.home("certs/000002__JP_orca_user1/000002__JP_orca_user1.crt");
    let serial = console.desk.openssl(&["x509", "-in", text(&crt), "-noout", "-serial"]);
    assert_eq!(
        console.desk.crl_serials(text(&crl)),
        [serial.trim().strip_prefix("serial=").unwrap()]
    );
    let der = console.home("certs/ca.crl");
    console.desk.openssl(&["crl", "-inform", "DER", "-in", text(&der), "-noout"]);
    let again = console.type_in("% orca-catool revoke_cert 000002", "");
    again.refused(&["000002", "already"]);
}

/// An administrator's console: a shell's folder, and what stands in for what is not here.
struct Console {
    desk: Desk,
    folder: PathBuf,
    replaced: Vec<String>,
}

impl Console {
    fn new() -> Self {
        let desk = Desk::new();
        std::fs::create_dir(desk.path("bin")).unwrap();
        std::os::unix::fs::symlink(desk::SEKISHO, desk.path("bin/orca-catool")).unwrap();
        std::fs::create_dir_all(desk.path("opt/jma/weborca/conf")).unwrap();
        let owner = if is_root() { "nobody:nogroup" } else { "$(id -u):$(id -g)" };
        let console = Self { folder: desk.path(""), desk, replaced: Vec::new() };
        console.stand_in("sudo", "exec \"$@\"");
        console.stand_in("apt", "exit 0");
        console.stand_in("apt-get", "command -v orca-catool");
        console.stand_in("chown", &format!("shift; exec /bin/chown {owner} \"$@\""));
        console
    }

    fn stand_in(&self, name: &str, script: &str) {
        let path = self.desk.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        set_mode(&path, 0o755);
    }

    fn home(&self, path: &str) -> PathBuf {
        self.desk.path(path)
    }

    fn here(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn first_dialogue(&self) -> String {
        let home = self.desk.path("");
        FIRST_DIALOGUE.replace("{HOME}", text(&home).trim_end_matches('/'))
    }

    /// A program as this console's shell starts it.
    fn command(&self, program: &str) -> Command {
        let mut command = self.desk.command(program);
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", text(&self.home("bin")));
        command
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("SEKISHO_PASSPHRASE_FILE", self.home("passphrase"));
        command
    }

    /// Types a line of the manual, its prompt aside, and this after it.
    fn type_in(&mut self, line: &str, input: &str) -> Ran {
        let typed = line.trim_start_matches(['%', '$']).trim();
        if let Some(folder) = typed.strip_prefix("cd") {
            let home = self.home("");
            self.folder = if folder.is_empty() { home } else { self.folder.join(folder.trim()) };
            assert!(self.folder.is_dir(), "{line}: {:?} is not there", self.folder);
            return Ran { code: Some(0), out: String::new(), error: String::new() };
        }
        let script = typed.replace("/opt/jma/", &format!("{}/", text(&self.home("opt/jma"))));
        self.note(typed, &script);
        let mut command = self.command("sh");
        command.args(["-c", &script]);
        let ran = finish_with(command, input);
        assert!(!ran.error.contains("not found"), "{ran:?}: apt-get install unzip");
        ran
    }

    fn type_all(&mut self, lines: &[&str]) {
        for line in lines {
            self.type_in(line, "").success();
        }
    }

    fn note(&mut self, typed: &str, script: &str) {
        let mut as_what = Vec::new();
        for (word, what) in [
            ("apt update", "nothing is updated"),
            ("apt-get", "orca-catool is a link to the sekisho under test"),
            ("sudo", "run without sudo"),
            ("chown orca:orca", "the owner is nobody (or the tester, who is not root)"),
        ] {
            if typed.contains(word) {
                as_what.push(what);
            }
        }
        if typed != script {
            as_what.push("/opt/jma is a folder of the test");
        }
        if !as_what.is_empty() {
            self.replaced.push(format!("{typed}\n    -> {}", as_what.join("; ")));
        }
    }

    fn tell_what_was_replaced(&self) {
        println!("steps of the manual that were replaced by an equivalent:");
        for replaced in &self.replaced {
            println!("  {replaced}");
        }
    }

    /// The unpacked folder is the manual's: its six files, closed to others, of the right kinds.
    fn holds_the_six_files(&self, name: &str) {
        let mut expected: Vec<String> =
            [".crt", ".enc.pem", ".p12", ".pass", ".pem"].map(|end| format!("{name}{end}")).into();
        expected.push("ca.crt".to_owned());
        assert_eq!(names_in(&self.folder), expected);
        assert_eq!(mode(&self.folder), 0o700);
        for file in &expected {
            assert_eq!(mode(&self.here(file)), 0o600, "{file}");
        }
        let file = |end: &str| self.here(&format!("{name}{end}")).display().to_string();
        let pass = format!("file:{}", file(".pass"));
        let openssl = |words: &[&str]| self.desk.openssl(words);
        let ca = self.here("ca.crt").display().to_string();
        let public = openssl(&["x509", "-in", &file(".crt"), "-noout", "-pubkey"]);
        assert_eq!(openssl(&["pkey", "-in", &file(".pem"), "-pubout"]), public);
        let encrypted = std::fs::read_to_string(file(".enc.pem")).unwrap();
        assert!(encrypted.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        let words = ["pkey", "-in", &file(".enc.pem"), "-passin", &pass, "-pubout"];
        assert_eq!(openssl(&words), public);
        let words = ["pkcs12", "-in", &file(".p12"), "-passin", &pass, "-nodes"];
        assert_eq!(openssl(&words).matches("BEGIN CERTIFICATE").count(), 2, "its own and the CA's");
        openssl(&["verify", "-x509_strict", "-CAfile", &ca, &file(".crt")]);
    }

    fn write_configuration(&mut self, lines: &str) {
        let lines = lines.replace("/opt/jma/", &format!("{}/", text(&self.home("opt/jma"))));
        self.desk.write("opt/jma/weborca/conf/jma-receipt.conf", lines);
    }

    fn serve(&self, upstream: &Upstream) -> Command {
        let mut command = self.command(desk::SEKISHO);
        command.args(["serve", "--accept-missing", "separate-uids", "--jma-receipt-conf"]);
        command.arg(self.home("opt/jma/weborca/conf/jma-receipt.conf"));
        command.args(["--listen", "127.0.0.1:0", "--upstream"]);
        command.arg(format!("http://{}", upstream.address));
        command
    }

    fn restart(&mut self, upstream: &Upstream) -> Gate {
        self.replaced.push(format!(
            "{}\n    -> sekisho serve --jma-receipt-conf, at 127.0.0.1 and a free port instead of port 8000, with an upstream of the test instead of 127.0.0.1:8001; its log is standard error instead of jma-receipt-weborca.log",
            RESTART.trim_start_matches("% ")
        ));
        Gate::start(self.serve(upstream))
    }

    /// curl as somebody at another machine, who trusts the CA: 192.168.1.100:8000 is the gate.
    fn curl(&self, gate: &Gate, words: &[&str]) -> Ran {
        let ca = self.home("certs/000003__JP_orca_user1/ca.crt");
        let mut command = self.command("curl");
        command.args(["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"]);
        command.args(["--cacert", text(&ca)]);
        let there = format!("::127.0.0.1:{}", gate.address.port());
        command.args(["--connect-to", &there]).args(words);
        desk::finish_peer("curl", command)
    }

    /// クライアント側
    fn troubleshooting_on_the_client_side(&mut self, gate: &Gate, crt: &[&str]) {
        self.replaced.push(
            "https://192.168.1.100:8000\n    -> that URL, connected to the gate's port of 127.0.0.1"
                .to_owned(),
        );
        // クライアント証明書が設定されていない
        let none = self.curl(gate, &["https://192.168.1.100:8000"]).success();
        assert!(none.out.contains("証明書が必要です"), "{none:?}");
        gate.log.wait_for(&["refused", "no_certificate"]);

        // httpで接続されている場合: led to https, where WebORCA showed nothing.
        let words = ["--include", "http://192.168.1.100:8000/"];
        let plain = self.curl(gate, &words).success();
        assert!(plain.out.contains("location: https://192.168.1.100"), "{plain:?}");
        assert!(!plain.out.contains("WebORCA here"), "{plain:?}");

        // サーバ証明書のコモンネームが正しいホスト名またはIPアドレスになっていない
        let words = [crt, &["https://weborca-server:8000"]].concat();
        let other_name = self.curl(gate, &words);
        assert_eq!(other_name.code, Some(60), "{other_name:?}");
    }

    /// サーバ側, and the expired client certificate, which needs the gate's clock moved.
    fn troubleshooting_on_the_server_side(&mut self, upstream: &Upstream) {
        let conf = self.home("opt/jma/weborca/conf");
        let said = |command: Command| finish(command).refused(&[]).error;

        // サーバ証明書の有効期限が切れている; クライアント証明書の有効期限が切れている
        let later = Gate::start(self.desk.at(AFTER_TEN_YEARS, self.serve(upstream)));
        let line = later.log.wait_for(&["will be expired"]);
        assert_eq!(
            line.get(20..).unwrap_or_default(),
            "The certificate(/C=JP/O=orca/CN=192.168.1.100) will be expired in -1 days.#012Please update the certificate."
        );
        let url = "https://192.168.1.100:8000";
        let crt = ["--cert", "000003__JP_orca_user1.crt", "--key", "000003__JP_orca_user1.pem"];
        let words = [&crt[..], &["--insecure", url]].concat();
        let expired = self.curl(&later, &words).success();
        assert!(expired.out.contains("証明書の有効期限が切れています"), "{expired:?}");
        drop(later);

        // サーバ証明書にパスワードが設定されている
        let server = self.home("certs/000002__JP_orca_192.168.1.100");
        let name = "000002__JP_orca_192.168.1.100";
        let key = conf.join(format!("{name}.pem"));
        std::fs::copy(server.join(format!("{name}.enc.pem")), &key).unwrap();
        let refused = said(self.serve(upstream));
        assert!(refused.contains("PASSWORD input was canceled"), "{refused}");
        assert!(refused.contains(&format!("{name}.pem")), "which file is meant: {refused}");

        // 正しいパスにCA証明書やサーバ証明書が設置されていない
        for file in [format!("{name}.crt"), format!("{name}.pem"), "ca.crt".to_owned()] {
            std::fs::remove_file(conf.join(file)).unwrap();
        }
        let refused = said(self.serve(upstream));
        let logged: Vec<&str> = refused.lines().filter_map(|line| line.get(20..)).collect();
        for name in ["CA_CRT", "SERVER_CRT", "SERVER_PEM"] {
            let line = format!("{name} ...file does not exist");
            assert!(logged.contains(&line.as_str()), "{line}: {refused}");
        }
    }
}

/// `2023/09/07 12:56:10 CA_CRT ...file exists` and the three lines after it, to the letter.
fn the_log_is_the_manuals(gate: &Gate) {
    let text = gate.log.text();
    // What the manual knows nothing of.
    let lines = text.lines().filter(|line| !line.contains("WARN as configured"));
    let lines: Vec<(&str, &str)> = lines.take(4).map(|line| line.split_at(20)).collect();
    let words: Vec<&str> = lines.iter().map(|(_, words)| *words).collect();
    assert_eq!(
        words,
        [
            "CA_CRT ...file exists",
            "SERVER_CRT ...file exists",
            "SERVER_PEM ...file exists",
            "Server Mode: HTTPS",
        ]
    );
    for (time, _) in lines {
        let shape: String =
            time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000/00/00 00:00:00 ");
    }
    assert!(!text.contains(PASSPHRASE));
}
