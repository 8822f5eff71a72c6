//! The one place that reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;

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
        }
    }
}

/// The program as it was called when that names a place, such as `target/release/sekisho`; else its
/// name, since it was found on the path.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let called = called.to_string_lossy();
    if called.contains('/') { called.into_owned() } else { "sekisho".to_owned() }
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
