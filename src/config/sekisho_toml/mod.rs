//! `sekisho.toml`, version 1: `[authority]`, `[publish]`, `[hardening]` and any number of `[[gate]]`.
//!
//! Every key, its unit, default and limit is in `docs/configuration.md`. A path that does not begin
//! with `/` lies under the folder of the file.

mod gate;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::document::{LineNumbers, Located, Section};
use super::finding::{Finding, Findings};
use super::{AuthoritySettings, CRL_DAYS, Config, LogFormat, SERVER_DAYS, Unseal};
use crate::gate::settings::parse_listen;
use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening::Layer;
use crate::publisher;

/// Octets of the file.
pub const LARGEST: u64 = 256 * 1024;

/// The version that is read.
const VERSION: &str = "1";

/// Where the service keeps the authority.
const FOLDER: &str = "/var/lib/sekisho";

/// Reads the file and checks it as a whole.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn load(path: &Path) -> Result<Config, Findings> {
    let found = |findings| Findings { path: path.to_owned(), findings };
    let unreadable = |refusal| found(vec![Finding::error(None, refusal)]);
    let bytes = files::read(path, LARGEST).map_err(|error| unreadable(error.into()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        let path = Untrusted(&path.to_string_lossy()).to_string();
        unreadable(Refusal::ConfigurationNotText { path })
    })?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    parse(text, absolute.parent().unwrap_or(Path::new("/"))).map_err(found)
}

/// Reads the file's text; `folder` is where it lies.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, folder: &Path) -> Result<Config, Vec<Finding>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = LineNumbers::of(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let syntax = |error: &toml::de::Error| {
            let line = error.span().map(|span| lines.line(span.start));
            let reason = Untrusted(error.message()).to_string();
            Finding::error(line, Refusal::SettingSyntax { reason })
        };
        return Err(errors.iter().map(syntax).collect());
    }
    let mut root = Section::root("sekisho.toml".to_owned(), document.get_ref(), &lines);
    let mut reader = Reader { folder, addresses: Vec::new(), names: Vec::new() };
    let config = reader.whole(&mut root);
    let mut findings = root.finish();
    findings.sort_by_key(|finding| finding.line);
    if findings.is_empty() { Ok(config) } else { Err(findings) }
}

/// What the sections have in common.
struct Reader<'a> {
    folder: &'a Path,
    /// Where something listens already, what it is, and the line that says so.
    addresses: Vec<(SocketAddr, String, usize)>,
    /// The gates' names so far.
    names: Vec<(String, usize)>,
}

impl Reader<'_> {
    fn whole(&mut self, root: &mut Section<'_>) -> Config {
        version(root);
        let log = root.choice("log", &[("text", LogFormat::Text), ("json", LogFormat::Json)]);
        let authority = root.table("authority").map(|mut section| {
            let settings = self.authority(&mut section);
            root.absorb(section);
            settings
        });
        let publish = root.table("publish").map(|mut section| {
            let settings = self.publish(&mut section, authority.is_some());
            root.absorb(section);
            settings
        });
        let accept_missing = root.table("hardening").map(|mut section| {
            let layers = hardening(&mut section);
            root.absorb(section);
            layers
        });
        let mut gates = Vec::new();
        for mut section in root.tables("gate") {
            gates.push(self.gate(&mut section, authority.is_some()));
            root.absorb(section);
        }
        if authority.is_none() && gates.is_empty() {
            root.find(None, Refusal::NothingToServe {});
        }
        let accept_missing = accept_missing.unwrap_or_default();
        let log = log.map(|log| log.value).unwrap_or_default();
        Config { authority, publish, gates, accept_missing, landlock_abi: None, log }
    }

    fn authority(&mut self, section: &mut Section<'_>) -> AuthoritySettings {
        let folder = section.path("folder", self.folder);
        let key_file = section.path("key_file", self.folder);
        let credential = section.text("credential");
        let admins = section.numbers("admins").unwrap_or_default();
        let crl_days = section.number("crl_days", 1..=90);
        let server_days = section.number("server_days", 2..=825);
        if let (Some(_), Some(credential)) = (&key_file, &credential) {
            exclude(section, credential.line, "credential", "key_file");
        }
        if let Some(path) = &key_file {
            must_exist(section, path);
        }
        if let Some(name) = &credential
            && !is_credential_name(&name.value)
        {
            let name_shown = Untrusted(&name.value).to_string();
            section.find(Some(name.line), Refusal::CredentialNameInvalid { name: name_shown });
        }
        let unseal = match (key_file, credential) {
            (Some(path), _) => Unseal::KeyFile(path.value),
            (None, Some(name)) => Unseal::Credential(name.value),
            (None, None) => Unseal::Terminal,
        };
        AuthoritySettings {
            folder: folder.map_or_else(|| PathBuf::from(FOLDER), |folder| folder.value),
            unseal,
            admins,
            crl_days: crl_days.map_or(CRL_DAYS, |days| days.value),
            server_days: server_days.map_or(SERVER_DAYS, |days| days.value),
        }
    }

    fn publish(&mut self, section: &mut Section<'_>, authority: bool) -> publisher::Settings {
        let listen = section.text("listen");
        let folder = section.path("folder", self.folder);
        let metrics = section.text("metrics");
        let elsewhere = section.flag("allow_remote_metrics");
        for (key, line) in [
            ("listen", listen.as_ref().map(|value| value.line)),
            ("folder", folder.as_ref().map(|value| value.line)),
        ] {
            if let Some(line) = line.filter(|_| !authority) {
                needs_authority(section, line, &format!("[publish] {key}"));
            }
        }
        if let (Some(elsewhere), None) = (&elsewhere, &metrics) {
            needs(section, elsewhere.line, "allow_remote_metrics", "metrics");
        }
        if listen.is_none() && folder.is_none() && metrics.is_none() {
            section.find(Some(section.line()), Refusal::NothingToPublish {});
        }
        let mut settings = publisher::Settings::default();
        if let Some(text) = listen
            && let Some(address) = self.address(section, "[publish] listen", &text)
        {
            settings = settings.with_listen(address);
        }
        if let Some(folder) = folder {
            settings = settings.with_folder(folder.value);
        }
        if let Some(text) = metrics {
            let elsewhere = elsewhere.is_some_and(|elsewhere| elsewhere.value);
            let address = publisher::LocalAddress::parse(&text.value, self.folder, elsewhere);
            if let Some(address) = section.accept(text.line, address) {
                if let Some(tcp) = address.tcp() {
                    self.claim(section, "[publish] metrics", tcp, text.line);
                }
                settings = settings.with_metrics(address);
            }
        }
        settings
    }

    /// The address that a text names, which nothing else may have.
    fn address(
        &mut self,
        section: &mut Section<'_>,
        title: &str,
        text: &Located<String>,
    ) -> Option<SocketAddr> {
        let address = parse_listen(&text.value);
        let address = section.accept(text.line, address)?;
        self.claim(section, title, address, text.line);
        Some(address)
    }

    fn claim(&mut self, section: &mut Section<'_>, title: &str, address: SocketAddr, line: usize) {
        let taken = self.addresses.iter().find(|(other, ..)| overlap(*other, address));
        if let Some((_, other, first)) = taken {
            let refusal = Refusal::AddressTwice {
                address: address.to_string(),
                one: title.to_owned(),
                other: other.clone(),
                first: first.to_string(),
            };
            section.find(Some(line), refusal);
        }
        self.addresses.push((address, title.to_owned(), line));
    }
}

/// The layers of the confinement that are left out.
fn hardening(section: &mut Section<'_>) -> BTreeSet<Layer> {
    let Some(names) = section.texts("accept_missing") else { return BTreeSet::new() };
    let layers = names.value.iter().map(|name| Layer::required(name));
    layers.filter_map(|layer| section.accept(names.line, layer)).collect()
}

fn version(root: &mut Section<'_>) {
    let Some(Located { value, line }) = root.any("version") else {
        return root.find(None, Refusal::VersionMissing {});
    };
    let known = matches!(value, DeValue::Integer(number) if number.as_str() == VERSION);
    if !known {
        root.find(Some(line), Refusal::VersionUnsupported {});
    }
}

fn must_exist(section: &mut Section<'_>, path: &Located<PathBuf>) {
    if files::stamp(&path.value).is_none() {
        let shown = Untrusted(&path.value.to_string_lossy()).to_string();
        section.find(Some(path.line), Refusal::FileMissing { path: shown });
    }
}

fn needs(section: &mut Section<'_>, line: usize, key: &str, other: &str) {
    if section.has(other) {
        return;
    }
    let (key, needs) = (key.to_owned(), other.to_owned());
    section.find(Some(line), Refusal::SettingNeeds { key, needs });
}

fn exclude(section: &mut Section<'_>, line: usize, key: &str, other: &str) {
    let (key, other) = (key.to_owned(), other.to_owned());
    section.find(Some(line), Refusal::SettingsExclude { key, other });
}

fn needs_authority(section: &mut Section<'_>, line: usize, what: &str) {
    section.find(Some(line), Refusal::SettingNeedsAuthority { what: what.to_owned() });
}

/// systemd's own bound on the names of credentials (systemd.exec(5)): a file name.
fn is_credential_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= 255 && name.chars().all(plain) && !name.starts_with('.')
}

/// Whether two listeners cannot be at both addresses. Linux gives IPv4 to `[::]` as well.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    let covers = |wide: std::net::IpAddr, ip: std::net::IpAddr| {
        wide.is_unspecified() && (wide.is_ipv6() || ip.is_ipv4())
    };
    one.port() == other.port() && one.port() != 0 && (a == b || covers(a, b) || covers(b, a))
}

#[cfg(test)]
mod tests {
    use super::super::example::example;
    use super::*;
    use crate::ground::messages::Language;
    use crate::ground::untrusted::is_hidden;
    use proptest::prelude::*;

    /// The codes of what is wrong, with their lines.
    fn wrong(text: &str) -> Vec<(usize, &'static str)> {
        let findings = parse(text, Path::new("/nowhere")).err().unwrap_or_default();
        let shown = |finding: &Finding| (finding.line.unwrap_or(0), finding.refusal.code());
        findings.iter().map(shown).collect()
    }

    fn gates(text: &str) -> String {
        format!("version = 1\n[authority]\n{text}")
    }

    /// Every key there is, as `[section] key`.
    fn known_keys() -> Vec<(&'static str, Vec<&'static str>)> {
        let lines = LineNumbers::of("");
        let empty = DeTable::new();
        let mut reader =
            Reader { folder: Path::new("/"), addresses: Vec::new(), names: Vec::new() };
        let mut sections = Vec::new();
        let section = || Section::root(String::new(), &empty, &lines);
        let (mut root, mut authority, mut publish, mut gate) =
            (section(), section(), section(), section());
        let mut layers = section();
        let _ = hardening(&mut layers);
        let _ = reader.whole(&mut root);
        let _ = reader.authority(&mut authority);
        let _ = reader.publish(&mut publish, true);
        let _ = reader.gate(&mut gate, true);
        for (name, section) in [
            ("", root),
            ("authority", authority),
            ("publish", publish),
            ("hardening", layers),
            ("gate", gate),
        ] {
            sections.push((name, section.asked().to_vec()));
        }
        sections
    }

    /// The keys a text sets, or shows how to set, below each of its headers.
    fn keys_in(example: &str) -> Vec<(&str, Vec<&str>)> {
        let mut sections = vec![("", Vec::new())];
        for line in example.lines() {
            let line = line.strip_prefix('#').unwrap_or(line);
            if line.starts_with('[') {
                sections.push((line.trim_matches(['[', ']']), Vec::new()));
            } else if let Some((key, _)) = line.split_once(" = ")
                && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            {
                sections.last_mut().unwrap().1.push(key);
            }
        }
        sections
    }

    #[test]
    fn the_examples_can_be_used_as_they_are_and_differ_only_in_language() {
        let [english, japanese] = [Language::English, Language::Japanese].map(example);
        for text in [english, japanese] {
            let config = parse(text, Path::new("/nowhere")).unwrap();
            assert_eq!(config.gates().len(), 1);
            assert!(config.authority().is_some() && config.publish().is_some());
        }
        assert_eq!(keys_in(english), keys_in(japanese));
        let without_comments = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(without_comments(english), without_comments(japanese));
    }

    // Catches a key that was added to the reader and told to nobody.
    #[test]
    fn every_key_is_in_both_examples_and_in_both_tables_of_the_documentation() {
        let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let tables = ["configuration.md", "configuration.ja.md"]
            .map(|name| std::fs::read_to_string(documentation.join(name)).unwrap());
        for (section, keys) in known_keys() {
            for key in keys {
                for language in [Language::English, Language::Japanese] {
                    let shown = keys_in(example(language));
                    let below = shown.iter().filter(|(name, _)| *name == section);
                    let header = ["authority", "publish", "hardening", "gate"].contains(&key);
                    let there = header || below.into_iter().any(|(_, keys)| keys.contains(&key));
                    assert!(there, "[{section}] {key} in the example of {language:?}");
                }
                for table in &tables {
                    let part = table.split("\n## ").find(|part| match section {
                        "" => part.starts_with("`sekisho.toml`"),
                        name => {
                            part.starts_with(&format!("`[{name}]`"))
                                || part.starts_with(&format!("`[[{name}]]`"))
                        }
                    });
                    let row = format!("\n| `{key}` |");
                    assert!(part.unwrap().contains(&row), "[{section}] {key} in docs");
                }
            }
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_lines() {
        let text = "version = 2\nlgo = \"text\"\n[authority]\ncrl_days = 0\nadmins = [\"root\"]\n\
                    [publish]\nlisten = \"0.0.0.0:8000\"\n[[gate]]\nname = \"A\"\nnames = \"a\"\n\
                    [[gate]]\nname = \"b\"\nnames = [\"a b\"]\ntls12 = \"yes\"\nrefusal = \"kind\"\n";
        let expected = [
            (1, "VersionUnsupported"),
            (2, "SettingUnknown"),
            (4, "SettingNotNumber"),
            (5, "SettingNotNumbers"),
            (8, "AddressTwice"),
            (9, "GateNameInvalid"),
            (10, "SettingNotTexts"),
            (11, "AddressTwice"),
            (13, "HostNameInvalid"),
            (14, "SettingNotFlag"),
            (15, "SettingNotOneOf"),
        ];
        assert_eq!(wrong(text), expected);
    }

    #[test]
    fn an_unknown_key_is_refused_and_the_nearest_known_one_is_named() {
        for (text, nearest) in [
            ("[[gates]]\n", "gate"),
            ("[authority]\nadmin = [1]\n", "admins"),
            ("[[gate]]\nname = \"a\"\nnames = [\"a\"]\nupsteram = \"x\"\n", "upstream"),
        ] {
            let text = format!("version = 1\n{text}");
            let findings = parse(&text, Path::new("/")).unwrap_err();
            let named = findings.iter().any(|finding| {
                finding.refusal.next(Language::English) == format!("Did you mean {nearest}?")
            });
            assert!(named, "{findings:?}");
        }
        let far = parse("version = 1\nzzzzzzzz = 1\n[authority]\n", Path::new("/")).unwrap_err();
        assert_eq!(far[0].refusal.code(), "SettingUnknownFar");
        assert!(far[0].refusal.next(Language::English).contains("authority"));
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let gate = "[[gate]]\nname = \"a\"\n";
        let cases: [(String, &[(usize, &str)]); 15] = [
            ("version = 1\n".to_owned(), &[(0, "NothingToServe")]),
            ("[authority]\n".to_owned(), &[(0, "VersionMissing")]),
            (format!("version = 1\n{gate}names = [\"a\"]\n"), &[(2, "SettingNeedsAuthority")]),
            (gates(gate), &[(3, "SettingMissing")]),
            (gates(&format!("{gate}names = []\n")), &[(5, "SettingEmpty")]),
            (
                gates(&format!(
                    "{gate}names = [\"a\"]\n{gate}names = [\"a\"]\nlisten = \"[::]:1\"\n"
                )),
                &[(7, "GateNameTwice")],
            ),
            (
                gates(&format!(
                    "{gate}names = [\"a\"]\nmode = \"tcp\"\nrefusal = \"explain\"\nupstream = \"tcp://[::1]:1\"\n"
                )),
                &[(7, "SettingsExclude")],
            ),
            (gates(&format!("{gate}names = [\"a\"]\ncrl = [\"x\"]\n")), &[(6, "SettingNeeds")]),
            (
                gates(&format!("{gate}names = [\"a\"]\nauthorities = \"x\"\n")),
                &[(6, "FileMissing")],
            ),
            (
                gates("key_file = \"x\"\ncredential = \"y\"\n"),
                &[(3, "FileMissing"), (4, "SettingsExclude")],
            ),
            (gates("[publish]\nmetrics = \"0.0.0.0:9090\"\n"), &[(4, "MetricsForOthers")]),
            (gates("[publish]\n"), &[(3, "NothingToPublish")]),
            (
                gates(&format!("{gate}names = [\"a\"]\nmode = \"tcp\"\n")),
                &[(3, "UpstreamNotForTcp")],
            ),
            (
                gates(&format!("{gate}names = [\"a\"]\nupstream = \"https://a.example\"\n")),
                &[(6, "UpstreamAuthorityMissing")],
            ),
            (
                gates(&format!("{gate}names = [\"a\"]\nupstream = \"http://10.0.0.1:1\"\n")),
                &[(6, "UpstreamInClearText")],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(wrong(&text), expected, "{text}");
        }
    }

    #[test]
    fn wildcards_cover_what_they_hear() {
        let two = |one: &str, other: &str| overlap(one.parse().unwrap(), other.parse().unwrap());
        for (one, other) in [
            ("[::]:8000", "127.0.0.1:8000"),
            ("0.0.0.0:8000", "192.168.1.5:8000"),
            ("[::1]:8000", "[::]:8000"),
            ("10.0.0.1:1", "10.0.0.1:1"),
        ] {
            assert!(two(one, other) && two(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("0.0.0.0:8000", "[::1]:8000"),
            ("127.0.0.1:8000", "127.0.0.1:8001"),
            ("[::]:0", "[::]:0"),
            ("10.0.0.1:1", "10.0.0.2:1"),
        ] {
            assert!(!two(one, other) && !two(other, one), "{one} {other}");
        }
    }

    #[test]
    fn a_mistake_in_the_language_itself_names_its_line() {
        assert_eq!(wrong("version = 1\n[authority\n"), [(2, "SettingSyntax")]);
        assert_eq!(wrong("version = 1\nversion = 1\n"), [(2, "SettingSyntax")]);
    }

    /// An example with every setting set, and some of its octets changed.
    fn damaged(damage: &[(usize, u8)]) -> String {
        let set = |line: &str| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with('[') || rest.contains(" = ") => rest.trim().to_owned(),
            _ => line.to_owned(),
        };
        let lines: Vec<String> = example(Language::English).lines().map(set).collect();
        let mut octets = lines.join("\n").into_bytes();
        for (place, octet) in damage {
            let place = place % octets.len();
            match octet {
                0..64 => drop(octets.remove(place)),
                64..96 => octets[place] = b"[]\"=\n,.0"[usize::from(octet % 8)],
                _ => octets[place] = octet & 0x7F,
            }
        }
        String::from_utf8_lossy(&octets).into_owned()
    }

    proptest! {
        #[test]
        fn damage_is_told_in_words_that_can_be_shown(
            damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        ) {
            let text = damaged(&damage);
            let lines = text.lines().count();
            for finding in parse(&text, Path::new("/nowhere")).err().unwrap_or_default() {
                prop_assert!(finding.line.is_none_or(|line| (1..=lines).contains(&line)));
                for language in [Language::English, Language::Japanese] {
                    let shown = finding.refusal.what(language) + &finding.refusal.next(language);
                    prop_assert!(!shown.chars().any(is_hidden), "{:?}", shown);
                }
            }
        }

        #[test]
        fn foreign_text_is_refused_never_a_panic(text in "\\PC{0,80}|[\\[\\]a-z=\"0-9\n ]{0,80}") {
            let _ = parse(&text, Path::new("/nowhere"));
        }
    }
}
