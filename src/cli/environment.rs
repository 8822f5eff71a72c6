//! The one place that reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::ground::messages::Language;

/// What the environment says, and no more of it than is used.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    /// The language of the locale.
    pub(super) language: Language,
    /// The home folder.
    pub(super) home: Option<PathBuf>,
    /// The folder for the user's data, when it is set.
    pub(super) data_home: Option<PathBuf>,
    /// The file that holds the vault's passphrase, for `orca-catool`.
    pub(super) passphrase_file: Option<PathBuf>,
    /// The folder with the credentials that systemd passes.
    pub(super) credentials: Option<PathBuf>,
    /// How this program is called, for commands that are shown to be copied.
    pub(super) program: String,
    /// Whether colours are asked for.
    pub(super) colours: bool,
    /// What the service manager says to this process.
    pub(super) service: Service,
    /// What the processes of the service get of it.
    pub(super) kept: Vec<(OsString, OsString)>,
}

/// What systemd says to a service that it starts (sd_notify(3), sd_listen_fds(3)); nothing when
/// something else started it, or when it was said to another process.
#[derive(Debug, Clone, Default)]
pub(super) struct Service {
    /// The socket on which it hears how the service stands.
    pub(super) notify: Option<OsString>,
    /// How often it wants to hear that the service lives, at least.
    pub(super) watchdog: Option<Duration>,
    /// The names of the sockets that it passes, from descriptor 3 on.
    pub(super) sockets: Vec<String>,
}

impl Environment {
    /// Reads the environment.
    #[must_use]
    pub(super) fn read() -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default();
        Self {
            language: Language::of_locale(&locale.to_string_lossy()),
            home: path("HOME"),
            data_home: path("XDG_DATA_HOME"),
            passphrase_file: path("SEKISHO_PASSPHRASE_FILE"),
            credentials: path("CREDENTIALS_DIRECTORY"),
            program: program(),
            colours: variable("NO_COLOR").is_none_or(|value| value.is_empty())
                && variable("TERM").is_none_or(|value| value != "dumb"),
            service: Service::read(),
            kept: std::env::vars_os()
                .filter(|(name, _)| is_kept(&name.to_string_lossy()))
                .collect(),
        }
    }
}

/// The time zone of the log, and what libfaketime needs where the clock is not the machine's.
fn is_kept(name: &str) -> bool {
    name == "TZ" || name == "LD_PRELOAD" || name.starts_with("FAKETIME")
}

impl Service {
    fn read() -> Self {
        let ours = std::process::id();
        // The sockets are for the process that is named, the watchdog for anybody when none is.
        let sockets = match number("LISTEN_PID") == Some(ours) {
            true => names(number("LISTEN_FDS"), &text("LISTEN_FDNAMES")),
            false => Vec::new(),
        };
        let watched = number("WATCHDOG_PID").is_none_or(|process: u32| process == ours);
        let watchdog = number("WATCHDOG_USEC").filter(|_| watched).map(Duration::from_micros);
        let notify = variable("NOTIFY_SOCKET").filter(|value| !value.is_empty());
        Self { notify, watchdog, sockets }
    }
}

/// A name for each of the sockets, as many as we ever take; they need not have one.
fn names(count: Option<u8>, names: &str) -> Vec<String> {
    let mut names = names.split(':').map(str::to_owned);
    (0..count.unwrap_or(0)).map(|_| names.next().unwrap_or_default()).collect()
}

/// The program as it was called when that names a place, such as `target/release/sekisho`; else its
/// name, since it was found on the path.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = called.to_string_lossy();
    if called.contains('/') { called.into_owned() } else { "sekisho".to_owned() }
}

fn text(name: &str) -> String {
    variable(name).and_then(|value| value.into_string().ok()).unwrap_or_default()
}

fn number<T: FromStr>(name: &str) -> Option<T> {
    text(name).parse().ok()
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn every_socket_has_a_place_among_the_names() {
        assert_eq!(names(Some(2), "main:publish"), ["main", "publish"]);
        assert_eq!(names(Some(3), "main"), ["main", "", ""]);
        assert_eq!(names(Some(1), "main:left:over"), ["main"]);
        assert!(names(None, "main").is_empty());
    }
}
