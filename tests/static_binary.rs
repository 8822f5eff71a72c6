//! The binary people install is static: in an empty root folder, with nothing of this system in it,
//! it makes a CA, issues, and serves a visitor.
//!
//! Not among the tests of `cargo test`, which builds no static binary: `make static-test` does, and
//! names it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test fails by panicking, is told its binary by the environment, and uses a part of its support"
)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::run;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

#[test]
fn the_binary_is_static_and_small() {
    let binary = binary();
    let text = run("file", "file", &["--brief", binary.to_str().unwrap()]);
    assert!(text.contains("statically linked") || text.contains("static-pie linked"), "{text}");
    let size = std::fs::metadata(&binary).unwrap().len();
    assert!(size <= 12 << 20, "{size} octets");
}

#[test]
fn in_an_empty_root_it_makes_a_ca_issues_and_serves() {
    let root = EmptyRoot::new();
    root.write("passphrase", "correct horse battery staple");
    let vault = ["--dir", "/data", "--passphrase-file", "/passphrase"];
    root.sekisho(&["init"], &vault);
    root.sekisho(&["issue", "server", "localhost", "--pem", "--out", "/"], &vault);
    root.sekisho(&["issue", "client", "user1", "--pem", "--out", "/"], &vault);
    let files = [
        "SERVER_CRT=/000002__JP_orca_localhost.crt",
        "SERVER_PEM=/000002__JP_orca_localhost.pem",
        "CA_CRT=/data/ca.crt",
    ];
    root.write("jma-receipt.conf", &files.join("\n"));

    let upstream = answer_once();
    let gate = Gate::start(&root, &format!("http://{upstream}"));
    let url = format!("https://localhost:{}/", gate.port);
    let path = |name: &str| root.0.path().join(name).to_str().unwrap().to_owned();
    let visitor = [
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        "--resolve",
        &format!("localhost:{}:127.0.0.1", gate.port),
        "--cacert",
        &path("data/ca.crt"),
        "--cert",
        &path("000003__JP_orca_user1.crt"),
        "--key",
        &path("000003__JP_orca_user1.pem"),
        &url,
    ];
    assert_eq!(run("curl", "curl", &visitor), "hello");
}

/// A folder with the binary in it and nothing else but the kernel's own /proc.
struct EmptyRoot(tempfile::TempDir);

impl EmptyRoot {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(binary(), folder.path().join("sekisho")).unwrap();
        std::fs::create_dir(folder.path().join("proc")).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        let mut options = std::fs::OpenOptions::new();
        let file = options.create_new(true).write(true).mode(0o600).open(self.0.path().join(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn sekisho(&self, verb: &[&str], options: &[&str]) {
        let output = self.command(&[verb, options].concat()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{verb:?}: {}\n{text}", output.status);
    }

    /// Another root needs the right to make one: root has it, and others in a namespace of their own.
    fn command(&self, arguments: &[&str]) -> Command {
        // A service starts itself once more by way of /proc.
        let enter = "mount --rbind /proc \"$0/proc\" && exec chroot \"$0\" /sekisho \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", enter]).arg(self.0.path());
        command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

/// A gate in the empty root, killed with its test.
struct Gate {
    process: Child,
    port: u16,
}

impl Gate {
    fn start(root: &EmptyRoot, upstream: &str) -> Self {
        let arguments = [
            "serve",
            "--accept-missing",
            "separate-uids",
            "--jma-receipt-conf",
            "/jma-receipt.conf",
        ];
        let options = ["--listen", "127.0.0.1:0", "--upstream", upstream];
        let mut command = root.command(&[arguments.as_slice(), &options].concat());
        let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().unwrap_or_else(|| panic!("the gate did not start:\n{said}"));
            let line = line.unwrap();
            if let Some((_, address)) = line.split_once("listening gate=gate address=") {
                break address.parse::<SocketAddr>().unwrap().port();
            }
            said.push_str(&line);
            said.push('\n');
        };
        Self { process, port }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An application that answers one request.
fn answer_once() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        // The gate's own try to reach it says nothing, and leaves.
        let says_something = |stream: &TcpStream| matches!(stream.peek(&mut [0]), Ok(1..));
        let mut stream = listener.incoming().map(Result::unwrap).find(says_something).unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap());
        // To its end: closing over unread octets would reset the connection under the answer.
        while request.read_line(&mut String::new()).unwrap() > 2 {}
        stream.write_all(ANSWER.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let _ = request.read_to_end(&mut Vec::new());
    });
    address
}

fn binary() -> PathBuf {
    let named = std::env::var_os("SEKISHO_STATIC_BINARY");
    let path = PathBuf::from(named.unwrap_or_else(|| panic!("run by `make static-test`")));
    assert!(Path::new(&path).is_absolute() && path.exists(), "{path:?}; make static");
    path
}
