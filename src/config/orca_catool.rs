//! `~/.orca_catool/config.yml`: YAML whose keys are Ruby symbols, such as
//! `:server_cert_validity: 3650`.

use saphyr::{LoadableYamlNode, Yaml};

use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// The file as it is written for a new CA.
pub const NEW_FILE: &str =
    "---\n:server_cert_validity: 3650\n:client_cert_validity: 3650\n:crl_validity: 30\n";

/// The largest file that is read, in octets. The YAML reader descends with every level, so this also
/// bounds how deep it can be led.
pub const LARGEST: u64 = 4096;

/// What the file says, in days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrcaCatool {
    /// `:server_cert_validity`
    pub server_days: u32,
    /// `:client_cert_validity`
    pub client_days: u32,
    /// `:crl_validity`
    pub crl_days: u32,
    /// The keys that mean nothing here, in the order of the file; each is named in a warning.
    pub unknown: Vec<String>,
}

/// Why the file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrcaCatoolError {
    /// It is not YAML, or not a mapping of keys to values.
    NotAMapping,
    /// A number of days is not between 1 and 36,525.
    NotDays {
        /// The key.
        key: String,
    },
}

impl OrcaCatool {
    /// Reads the file's text. What it does not say has the manual's default.
    ///
    /// # Errors
    /// `NotAMapping`, `NotDays`.
    pub fn parse(text: &str) -> Result<Self, OrcaCatoolError> {
        let mut read =
            Self { server_days: 3650, client_days: 3650, crl_days: 30, unknown: Vec::new() };
        if u64::try_from(text.len()).is_ok_and(|octets| octets > LARGEST) {
            return Err(OrcaCatoolError::NotAMapping);
        }
        let documents = Yaml::load_from_str(text).map_err(|_| OrcaCatoolError::NotAMapping)?;
        let Some(document) = documents.first() else { return Ok(read) };
        if document.is_null() {
            return Ok(read);
        }
        let mapping = document.as_mapping().ok_or(OrcaCatoolError::NotAMapping)?;
        for (key, value) in mapping {
            let key = key.as_str().ok_or(OrcaCatoolError::NotAMapping)?;
            let field = match key.strip_prefix(':').unwrap_or(key) {
                "server_cert_validity" => &mut read.server_days,
                "client_cert_validity" => &mut read.client_days,
                "crl_validity" => &mut read.crl_days,
                _ => {
                    read.unknown.push(key.to_owned());
                    continue;
                }
            };
            let days = value.as_integer().and_then(|days| u32::try_from(days).ok());
            let not_days = || OrcaCatoolError::NotDays { key: key.to_owned() };
            *field = days.filter(|days| (1..=36_525).contains(days)).ok_or_else(not_days)?;
        }
        Ok(read)
    }
}

impl OrcaCatoolError {
    /// The refusal for a person, naming the file.
    #[must_use]
    pub fn refusal(&self, path: &str) -> Refusal {
        let path = path.to_owned();
        match self {
            Self::NotAMapping => Refusal::OrcaConfigMalformed { path },
            Self::NotDays { key } => {
                Refusal::OrcaConfigDays { path, key: Untrusted(key).to_string() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_file_we_write_reads_as_the_defaults_of_the_manual() {
        let read = OrcaCatool::parse(NEW_FILE).unwrap();
        assert_eq!(read, OrcaCatool::parse("").unwrap());
        assert_eq!((read.server_days, read.client_days, read.crl_days), (3650, 3650, 30));
    }

    #[test]
    fn keys_that_mean_nothing_here_are_named_and_the_others_count() {
        let text = "---\n:ca_dir: /home/taro/.orca_catool/ca\n:client_cert_validity: 365\n:dn:\n  :c: JP\n";
        let read = OrcaCatool::parse(text).unwrap();
        assert_eq!(read.client_days, 365);
        assert_eq!(read.unknown, [":ca_dir", ":dn"]);
    }

    #[test]
    fn days_that_are_no_days_are_refused_by_name() {
        for value in ["0", "-1", "ten", "99999999999999", "1.5", "[1]"] {
            let refused = OrcaCatool::parse(&format!(":crl_validity: {value}\n"));
            let key = ":crl_validity".to_owned();
            assert_eq!(refused, Err(OrcaCatoolError::NotDays { key }), "{value}");
        }
        assert_eq!(OrcaCatool::parse("- a\n"), Err(OrcaCatoolError::NotAMapping));
    }

    #[test]
    fn a_file_of_nothing_but_levels_is_refused() {
        let deep = "- ".repeat(100_000);
        assert_eq!(OrcaCatool::parse(&deep), Err(OrcaCatoolError::NotAMapping));
    }

    proptest! {
        #[test]
        fn foreign_text_is_an_error_never_a_panic(text in "\\PC{0,80}|[:\\-{}\\[\\]&*\n a-z0-9]{0,80}") {
            let _ = OrcaCatool::parse(&text);
        }
    }
}
