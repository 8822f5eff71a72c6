//! Whose name a request is addressed to: it must be one that our certificate proves.

use std::net::IpAddr;

use crate::pki::{Certificate, SubjectAlternativeName};

/// The names of the served certificate.
#[derive(Debug, Default)]
pub(super) struct HostNames {
    exact: Vec<String>,
    /// What follows the first label of a wildcard, such as `example.com` for `*.example.com`.
    parents: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl HostNames {
    /// The subject alternative names; the common name only when there are none (the manual's
    /// certificates always have some, older ones may not).
    pub(super) fn of(certificate: &Certificate) -> Self {
        let mut names = Self::default();
        let alternatives = certificate.subject_alternative_names();
        if alternatives.is_empty()
            && let Some(name) = certificate.common_name()
        {
            match name.parse() {
                Ok(address) => names.addresses.push(address),
                Err(_) => names.add_dns(&name),
            }
        }
        for alternative in alternatives {
            match alternative {
                SubjectAlternativeName::Dns(name) => names.add_dns(name),
                SubjectAlternativeName::Address(address) => names.addresses.push(*address),
            }
        }
        names
    }

    /// Whether the host (a name, an IPv4 address, or an IPv6 address in brackets; no port) is ours.
    pub(super) fn contains(&self, host: &str) -> bool {
        let unbracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if let Ok(address) = unbracketed.unwrap_or(host).parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let host = host.strip_suffix('.').unwrap_or(host);
        self.exact.iter().any(|name| name.eq_ignore_ascii_case(host))
            || host.split_once('.').is_some_and(|(label, parent)| {
                !label.is_empty() && self.parents.iter().any(|p| p.eq_ignore_ascii_case(parent))
            })
    }

    fn add_dns(&mut self, name: &str) {
        match name.strip_prefix("*.") {
            Some(parent) => self.parents.push(parent.to_ascii_lowercase()),
            None => self.exact.push(name.to_ascii_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_certificate_are_ours() {
        let names = HostNames {
            exact: vec!["weborca-server".to_owned()],
            parents: vec!["clinic.example".to_owned()],
            addresses: vec!["192.168.1.100".parse().unwrap(), "::1".parse().unwrap()],
        };
        for ours in [
            "weborca-server",
            "WebORCA-Server.",
            "a.clinic.example",
            "192.168.1.100",
            "[::1]",
            "[0:0::1]",
        ] {
            assert!(names.contains(ours), "{ours}");
        }
        for other in [
            "",
            ".",
            "weborca",
            "weborca-server.evil",
            "clinic.example",
            ".clinic.example",
            "a.b.clinic.example",
            "192.168.1.101",
            "[::2]",
        ] {
            assert!(!names.contains(other), "{other}");
        }
    }
}
