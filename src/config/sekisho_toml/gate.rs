//! `[[gate]]`: what a gate shows, whom it lets in, how it treats them, and where it leads to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Reader, exclude, must_exist, needs, needs_authority};
use crate::config::document::{Located, Section};
use crate::config::gate_title;
use crate::gate::{self, Limits, Mode, RefusalMode, StalePolicy, UpstreamTls};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::pki::SubjectAlternativeName;

/// Characters of a gate's name.
const LONGEST_NAME: usize = 32;

/// Characters of what a refused visitor is told of whom to ask.
const LONGEST_CONTACT: usize = 200;

/// The word that stands for the page that greets.
const GREETING: &str = "greeting";

impl Reader<'_> {
    pub(super) fn gate(&mut self, section: &mut Section<'_>, authority: bool) -> gate::Settings {
        let name = self.name(section);
        let title = gate_title(&name);
        section.entitle(title.clone());
        let names = section.texts("names");
        let certificate = section.path("certificate", self.folder);
        let key = section.path("key", self.folder);
        let trust = self.trust(section);
        for path in [&certificate, &key].into_iter().flatten() {
            must_exist(section, path);
        }
        match (&certificate, &key) {
            (Some(at), None) => needs(section, at.line, "certificate", "key"),
            (None, Some(at)) => needs(section, at.line, "key", "certificate"),
            _ => {}
        }
        let own = certificate.is_some() || key.is_some();
        match &names {
            Some(names) if own => exclude(section, names.line, "names", "certificate"),
            Some(names) => check_names(section, names),
            None if !own => section.miss("names"),
            None => {}
        }
        if !authority && (!own || trust.is_none()) {
            needs_authority(section, section.line(), &title);
        }
        let mut settings =
            gate::Settings::of_authority(names.map(|names| names.value).unwrap_or_default());
        if let (Some(certificate), Some(key)) = (certificate, key) {
            settings = settings.with_server_files(certificate.value, key.value);
        }
        let trusts_files = trust.is_some();
        if let Some(trust) = trust {
            settings = settings.with_authorities(trust.authorities);
            for list in trust.lists {
                settings = settings.with_revocation_list(list);
            }
            if let Some(days) = trust.grace_days {
                settings = settings.with_grace_days(days);
            }
        }
        settings = self.listen(section, settings, &title);
        settings = manners(section, settings, trusts_files);
        settings = upstream(section, settings, self.folder);
        limits(section, settings).with_name(&name)
    }

    fn name(&mut self, section: &mut Section<'_>) -> String {
        let Some(Located { value, line }) = section.text("name") else {
            section.miss("name");
            return String::new();
        };
        let shown = Untrusted(&value).to_string();
        let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if value.len() > LONGEST_NAME || !value.chars().all(simple) {
            let limit = LONGEST_NAME.to_string();
            section.find(Some(line), Refusal::GateNameInvalid { name: shown, limit });
            return String::new();
        }
        if let Some((_, first)) = self.names.iter().find(|(name, _)| *name == value) {
            let first = first.to_string();
            section.find(Some(line), Refusal::GateNameTwice { name: shown, first });
        }
        self.names.push((value.clone(), line));
        value
    }

    fn trust(&mut self, section: &mut Section<'_>) -> Option<Trust> {
        let authorities = section.path("authorities", self.folder);
        let lists = section.texts("crl");
        let grace = section.number("crl_grace_days", 0..=365);
        if authorities.is_none() {
            let lines =
                [("crl", lines_of(lists.as_ref())), ("crl_grace_days", lines_of(grace.as_ref()))];
            for (key, line) in lines {
                if let Some(line) = line {
                    needs(section, line, key, "authorities");
                }
            }
        }
        let authorities = authorities?;
        must_exist(section, &authorities);
        let mut paths = Vec::new();
        if let Some(lists) = lists {
            for list in lists.value {
                let path = Located { value: self.folder.join(list), line: lists.line };
                must_exist(section, &path);
                paths.push(path.value);
            }
        }
        let grace_days = grace.and_then(|days| u16::try_from(days.value).ok());
        Some(Trust { authorities: authorities.value, lists: paths, grace_days })
    }

    fn listen(
        &mut self,
        section: &mut Section<'_>,
        settings: gate::Settings,
        title: &str,
    ) -> gate::Settings {
        let Some(text) = section.text("listen") else {
            self.claim(section, title, settings.listen_address(), section.line());
            return settings;
        };
        let Some(address) = self.address(section, title, &text) else { return settings };
        settings.with_address(address)
    }
}

/// Whom a gate lets in, from files.
struct Trust {
    authorities: PathBuf,
    lists: Vec<PathBuf>,
    grace_days: Option<u16>,
}

/// How a gate treats its visitors.
fn manners(
    section: &mut Section<'_>,
    mut settings: gate::Settings,
    trusts_files: bool,
) -> gate::Settings {
    let mode = section.choice("mode", &[("http", Mode::Http), ("tcp", Mode::Tcp)]);
    let refusals = [("explain", RefusalMode::Explain), ("strict", RefusalMode::Strict)];
    let refusal = section.choice("refusal", &refusals);
    let contact = section.text("contact");
    let stale = section.choice(
        "stale",
        &[
            ("refuse", StalePolicy::Refuse),
            ("serve", StalePolicy::Serve),
            ("cut", StalePolicy::Cut),
        ],
    );
    let tls12 = section.flag("tls12");
    let notices = section.flag("notices");
    let tcp = mode.as_ref().is_some_and(|mode| mode.value == Mode::Tcp);
    let explains = !tcp && refusal.as_ref().is_none_or(|r| r.value == RefusalMode::Explain);
    if let Some(refusal) = &refusal
        && tcp
        && refusal.value == RefusalMode::Explain
    {
        exclude(section, refusal.line, "refusal = \"explain\"", "mode = \"tcp\"");
    }
    if let Some(contact) = &contact {
        if !explains {
            needs(section, contact.line, "contact", "refusal = \"explain\"");
        }
        if contact.value.chars().count() > LONGEST_CONTACT {
            let (key, limit) = ("contact".to_owned(), LONGEST_CONTACT.to_string());
            section.find(Some(contact.line), Refusal::SettingTooLong { key, limit });
        }
        settings = settings.with_contact(&contact.value);
    }
    if let Some(stale) = &stale {
        if trusts_files {
            exclude(section, stale.line, "stale", "authorities");
        }
        settings = settings.with_stale_policy(stale.value);
    }
    if let Some(notices) = notices {
        if tcp {
            exclude(section, notices.line, "notices", "mode = \"tcp\"");
        }
        settings = settings.with_notices(notices.value);
    }
    if let Some(mode) = mode {
        settings = settings.with_mode(mode.value);
    }
    settings = match (refusal, tcp) {
        (_, true) => settings.with_refusal(RefusalMode::Strict),
        (Some(refusal), false) => settings.with_refusal(refusal.value),
        (None, false) => settings,
    };
    if tls12.is_some_and(|tls12| tls12.value) { settings.with_tls12() } else { settings }
}

/// Where a gate leads to.
fn upstream(
    section: &mut Section<'_>,
    mut settings: gate::Settings,
    folder: &Path,
) -> gate::Settings {
    let url = section.text("upstream");
    let clear = section.flag("allow_clear_text_upstream").is_some_and(|clear| clear.value);
    let authorities = section.path("upstream_ca", folder);
    let certificate = section.path("upstream_certificate", folder);
    let key = section.path("upstream_key", folder);
    let paths = [&authorities, &certificate, &key];
    for (name, path, other) in [
        ("upstream_certificate", &certificate, "upstream_key"),
        ("upstream_key", &key, "upstream_certificate"),
        ("upstream_certificate", &certificate, "upstream_ca"),
    ] {
        if let Some(path) = path {
            needs(section, path.line, name, other);
        }
    }
    for path in paths.into_iter().flatten() {
        must_exist(section, path);
    }
    if let Some(authorities) = authorities {
        let client = certificate.zip(key).map(|(certificate, key)| (certificate.value, key.value));
        let tls = UpstreamTls { authorities: authorities.value, client };
        settings = settings.with_upstream_tls(tls);
    }
    let line = url.as_ref().map_or(section.line(), |url| url.line);
    let led = match url {
        None => Ok(settings.clone()),
        Some(url) if url.value == GREETING => Ok(settings.clone().with_greeting()),
        Some(url) => settings.clone().with_upstream(&url.value, clear),
    };
    let led = led.and_then(|led| led.check_upstream().map(|()| led));
    section.accept(line, led).unwrap_or(settings)
}

fn limits(section: &mut Section<'_>, settings: gate::Settings) -> gate::Settings {
    let mut limits = Limits::default();
    if let Some(rate) = section.number("handshakes_per_second", 1..=1_000_000) {
        limits = limits.with_handshakes_per_second(rate.value);
    }
    if let Some(most) = section.number("connections", 1..=1_000_000)
        && let Ok(most) = usize::try_from(most.value)
    {
        limits.connections = most;
    }
    if let Some(most) = section.number("connections_per_certificate", 1..=1_000_000)
        && let Ok(most) = usize::try_from(most.value)
    {
        limits.connections_per_certificate = most;
    }
    if let Some(seconds) = section.number("upstream_answer_seconds", 1..=86_400) {
        limits.answer_wait = Duration::from_secs(seconds.value.into());
    }
    settings.with_limits(limits)
}

fn check_names(section: &mut Section<'_>, names: &Located<Vec<String>>) {
    if names.value.is_empty() {
        section.find(Some(names.line), Refusal::SettingEmpty { key: "names".to_owned() });
    }
    for name in &names.value {
        let parsed = SubjectAlternativeName::parse_address(name)
            .or_else(|_| SubjectAlternativeName::parse_dns(name));
        if parsed.is_err() {
            let name = Untrusted(name).to_string();
            section.find(Some(names.line), Refusal::HostNameInvalid { name });
        }
    }
}

fn lines_of<T>(value: Option<&Located<T>>) -> Option<usize> {
    value.map(|value| value.line)
}
