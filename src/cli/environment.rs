//! The one place that reads the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::ground::messages::Language;

/// What the environment says, and no more of it than is used.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The language of the locale.
    pub language: Language,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// The folder for the user's data, when it is set.
    pub data_home: Option<PathBuf>,
    /// The file that holds the vault's passphrase, for `orca-catool`.
    pub passphrase_file: Option<PathBuf>,
    /// Whether colours are asked for.
    pub colours: bool,
    /// Whether this runs under sudo with another user's home folder.
    pub sudo_user: Option<u32>,
}

impl Environment {
    /// Reads the environment.
    #[must_use]
    pub fn read() -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default();
        Self {
            language: Language::of_locale(&locale.to_string_lossy()),
            home: path("HOME"),
            data_home: path("XDG_DATA_HOME"),
            passphrase_file: path("SEKISHO_PASSPHRASE_FILE"),
            colours: variable("NO_COLOR").is_none_or(|value| value.is_empty())
                && variable("TERM").is_none_or(|value| value != "dumb"),
            sudo_user: variable("SUDO_UID").and_then(|uid| uid.to_str()?.parse().ok()),
        }
    }
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
