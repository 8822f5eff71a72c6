//! `jma-receipt.conf` of WebORCA: three of its keys say what a gate in front of it must show and
//! whom it lets in. The others are WebORCA's own and are not read.

use std::path::{Path, PathBuf};

use crate::gate::{Files, Limits, RefusalMode, Settings};
use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// What is said beside the file, on the command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen, instead of port 8000 of every address.
    pub listen: Option<String>,
    /// The application, instead of `http://127.0.0.1:8001`.
    pub upstream: Option<String>,
    /// Whether the way to the application may be in clear text.
    pub allow_clear_text_upstream: bool,
    /// Revocation lists to enforce.
    pub revocation_lists: Vec<PathBuf>,
    /// Days they still count after their next update was due.
    pub grace_days: u16,
    /// What visitors who are refused get to see.
    pub refusal: RefusalMode,
    /// Whether TLS 1.2 is accepted.
    pub tls12: bool,
    /// Handshakes one address may begin in a second.
    pub handshakes_per_second: u32,
}

impl Options {
    pub(super) fn apply(&self, settings: Settings) -> Result<Settings, Refusal> {
        let limits = Limits::default().with_handshakes_per_second(self.handshakes_per_second);
        let mut settings = settings.with_grace_days(self.grace_days).with_limits(limits);
        settings = settings.with_refusal(self.refusal);
        if let Some(address) = &self.listen {
            settings = settings.with_listen(address)?;
        }
        if let Some(url) = &self.upstream {
            settings = settings.with_upstream(url, self.allow_clear_text_upstream)?;
        }
        for list in &self.revocation_lists {
            settings = settings.with_revocation_list(list.clone());
        }
        Ok(if self.tls12 { settings.with_tls12() } else { settings })
    }
}

/// Octets of the file.
const LIMIT: u64 = 1024 * 1024;

/// The keys of the manual.
const SERVER_CERTIFICATE: &str = "SERVER_CRT";
const SERVER_KEY: &str = "SERVER_PEM";
const AUTHORITIES: &str = "CA_CRT";

/// Reads the file into settings with the manual's defaults.
///
/// # Errors
/// The file cannot be read, a line of it is not `KEY=VALUE`, or one of the three keys is missing.
pub fn load(path: &Path) -> Result<Settings, Refusal> {
    let shown = || Untrusted(&path.to_string_lossy()).to_string();
    let bytes = files::read(path, LIMIT)?;
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Refusal::ConfigurationNotText { path: shown() })?;
    let entries = parse(text).map_err(|line| Refusal::ConfigurationLineInvalid {
        path: shown(),
        line: line.to_string(),
    })?;
    let value = |key: &str| {
        let last = entries.iter().rev().find(|(name, _)| *name == key);
        last.filter(|(_, value)| !value.is_empty()).map(|(_, value)| PathBuf::from(value))
    };
    let found = (value(SERVER_CERTIFICATE), value(SERVER_KEY), value(AUTHORITIES));
    let (Some(server_certificate), Some(server_key), Some(authorities)) = found else {
        let missing: Vec<&str> = [AUTHORITIES, SERVER_CERTIFICATE, SERVER_KEY]
            .into_iter()
            .filter(|key| value(key).is_none())
            .collect();
        return Err(Refusal::ConfigurationKeyMissing { path: shown(), keys: missing.join(", ") });
    };
    Ok(Settings::new(Files { server_certificate, server_key, authorities }))
}

/// The entries in order, or the number of the first line that is none. A line is `KEY=VALUE`,
/// perhaps after `export`; a value in single or double quotes is taken from between them; `#`
/// begins a comment at the start of a line, or after a space behind the value.
fn parse(text: &str) -> Result<Vec<(&str, &str)>, usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut entries = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        entries.push(parse_line(line).ok_or(number)?);
    }
    Ok(entries)
}

fn parse_line(line: &str) -> Option<(&str, &str)> {
    let assignment = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    };
    let (key, value) = assignment.split_once('=')?;
    let key = key.trim_end();
    let named = !key.is_empty()
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if !named {
        return None;
    }
    let value = value.trim_start();
    for quote in ['"', '\''] {
        if let Some(quoted) = value.strip_prefix(quote) {
            let (inner, after) = quoted.split_once(quote)?;
            let after = after.trim_start();
            return (after.is_empty() || after.starts_with('#')).then_some((key, inner));
        }
    }
    let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    Some((key, value.get(..end)?.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_people_write_are_read() {
        let text = "\u{feff}# comment\r\nSERVER_CRT=/a/b.crt\r\n\r\n  export SERVER_PEM = \"/a/b c.pem\" # key\r\nCA_CRT='/a/#ca.crt'\nDB=x=y\nEMPTY=\nCA_CRT=/last #1\n";
        let entries = parse(text).unwrap();
        assert_eq!(
            entries,
            [
                ("SERVER_CRT", "/a/b.crt"),
                ("SERVER_PEM", "/a/b c.pem"),
                ("CA_CRT", "/a/#ca.crt"),
                ("DB", "x=y"),
                ("EMPTY", ""),
                ("CA_CRT", "/last"),
            ]
        );
    }

    #[test]
    fn errors_name_the_line() {
        for (text, line) in
            [("A=1\nB\n", 2), ("=x", 1), ("A=1\n\n#\nA B=2", 4), ("A=\"open", 1), ("A='a' b", 1)]
        {
            assert_eq!(parse(text), Err(line), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_in_quotes_comes_out(value in "[^\"\r\n]{0,40}") {
            let text = format!("CA_CRT=\"{value}\"\n");
            prop_assert_eq!(parse(&text), Ok(vec![("CA_CRT", value.as_str())]));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
