//! An administrator's desk: a home folder, the real binary, and what people type.

#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot set its stage fails by panicking"
)]

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use sekisho::ground::clock;
use sekisho::ground::files;
use serde_json::Value;

/// The binary.
pub(crate) const SEKISHO: &str = env!("CARGO_BIN_EXE_sekisho");

/// The passphrase of every vault of these tests.
pub(crate) const PASSPHRASE: &str = "correct horse battery";

/// No command of these tests runs longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A home folder with nothing in it but a file that holds the passphrase.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    locale: &'static str,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap(), locale: "C.UTF-8" };
        desk.write("passphrase", PASSPHRASE);
        desk
    }

    /// The desk of somebody who reads Japanese.
    pub(crate) fn japanese() -> Self {
        Self { locale: "ja_JP.UTF-8", ..Self::new() }
    }

    /// A desk with a CA in `ca/`, whose vault opens with the passphrase.
    pub(crate) fn with_authority() -> Self {
        let desk = Self::new();
        desk.ca(&["init"]).success();
        desk
    }

    /// A desk with a CA whose vault opens with a key file as well, which takes no time to stretch.
    pub(crate) fn with_key_file() -> Self {
        let desk = Self::with_authority();
        let (passphrase, key) = (desk.path("passphrase"), desk.path("ca/vault.key"));
        let new = ["--new-passphrase-file", text(&passphrase), "--new-key-file", text(&key)];
        desk.ca(&[&["vault", "passwd"], new.as_slice()].concat()).success();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        files::write_atomic(&path, content.as_ref(), files::PRIVATE).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    }

    /// A program at this desk: in its folder, with its home, its language, and no more.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", self.locale)
            .env("TZ", "JST-9")
            .stdin(Stdio::null());
        command
    }

    /// `sekisho` over the CA in `ca/`. Its vault is opened with what the words name, else with the
    /// key file there when there is one, else with the passphrase.
    pub(crate) fn sekisho(&self, words: &[&str]) -> Command {
        let mut command = self.command(SEKISHO);
        command.args(words).arg("--dir").arg(self.path("ca"));
        let named = words.contains(&"--key-file") || words.contains(&"--passphrase-file");
        if !named && !self.path("ca/vault.key").exists() {
            command.arg("--passphrase-file").arg(self.path("passphrase"));
        }
        command
    }

    /// Runs `sekisho` over the CA in `ca/` to its end.
    pub(crate) fn ca(&self, words: &[&str]) -> Ran {
        finish(self.sekisho(words))
    }

    /// Runs `sekisho --json` over the CA in `ca/`; what it printed.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let ran = self.ca(&[words, &["--json"]].concat()).success();
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// `orca-catool` with the passphrase in a file.
    pub(crate) fn orca_command(&self, words: &[&str]) -> Command {
        let mut command = self.command(SEKISHO);
        command.arg("orca-catool").args(words);
        command.env("SEKISHO_PASSPHRASE_FILE", self.path("passphrase"));
        command
    }

    /// Runs `orca-catool` to its end; `y` is typed ahead.
    pub(crate) fn orca(&self, words: &[&str]) -> Ran {
        finish_with(self.orca_command(words), "y\n")
    }

    /// A command with another wall clock: so many seconds ahead, `+86400`, or beginning at a time of
    /// UTC, `@2026-11-23 12:00:00`.
    pub(crate) fn at(&self, time: &str, mut command: Command) -> Command {
        command.env("LD_PRELOAD", faketime_library()).env("FAKETIME", time);
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("TZ", "UTC");
        if command.get_args().any(|word| word == "serve") {
            // The library that fakes it opens files and shared memory at any time.
            for layer in ["landlock", "seccomp-filter"] {
                command.args(["--accept-missing", layer]);
            }
        }
        command
    }

    /// Runs a peer program of a Debian package to its end, at this desk. It must succeed.
    pub(crate) fn peer(&self, package: &str, program: &str, words: &[&str]) -> String {
        let mut command = self.command(program);
        command.args(words);
        let ran = finish_peer(package, command);
        assert_eq!(ran.code, Some(0), "{program} {words:?}: {ran:?}");
        ran.out + &ran.error
    }

    /// What openssl says of a certificate of any file it is in.
    pub(crate) fn openssl(&self, words: &[&str]) -> String {
        self.peer("openssl", "openssl", words)
    }

    /// The serial numbers on a CRL in PEM, as openssl reads it: upper-case hexadecimal.
    pub(crate) fn crl_serials(&self, crl: &str) -> Vec<String> {
        let text = self.openssl(&["crl", "-in", crl, "-noout", "-text"]);
        let serial = |line: &str| {
            line.trim().strip_prefix("Serial Number: ").map(|hex| hex.trim().to_owned())
        };
        text.lines().filter_map(serial).collect()
    }
}

impl Ran {
    /// It must have succeeded.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It must have been refused, with all these parts in what it said.
    #[track_caller]
    pub(crate) fn refused(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        for part in parts {
            assert!(self.error.contains(part), "no {part:?} in {self:?}");
        }
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            error: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a command to its end, in bounded time.
pub(crate) fn finish(command: Command) -> Ran {
    finish_with(command, "")
}

/// Runs a command to its end with this on its standard input.
pub(crate) fn finish_with(mut command: Command, input: &str) -> Ran {
    command.stdin(Stdio::piped());
    run(command, input).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a peer program to its end; its absence is a failure that names its Debian package.
pub(crate) fn finish_peer(package: &str, command: Command) -> Ran {
    let program = command.get_program().to_owned();
    run(command, "")
        .unwrap_or_else(|error| panic!("{program:?}: {error}; apt-get install {package}"))
}

fn run(mut command: Command, input: &str) -> std::io::Result<Ran> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that reads nothing may have closed it.
        let _ = stdin.write_all(input.as_bytes());
    }
    let id = child.id().to_string();
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
            return true;
        }
        false
    });
    let output = child.wait_with_output()?;
    drop(done);
    let ran = Ran::from(output);
    assert!(!watch.join().unwrap(), "{command:?} does not end: {ran:?}");
    Ok(ran)
}

/// The wrapper `faketime` leaves its child behind when it is killed; its library does not.
fn faketime_library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    folders
        .map(|folder| folder.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists())
        .expect("no libfaketimeMT.so.1; apt-get install faketime")
}

/// A path as text; those of tests are.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The permission bits of a path.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The names in a folder, in order.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether the tests run as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp");
    assert!(status.success(), "cp {from:?} {to:?}");
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = clock::monotonic() + PATIENCE;
    while !holds() {
        assert!(clock::monotonic() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
