//! Whose name a request is addressed to: it must be one that our certificate proves.

use std::net::{IpAddr, Ipv6Addr};

use hyper::http::uri::Authority;

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
        if !certificate.has_subject_alternative_name()
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
        names.parents.extend_from_slice(certificate.wildcard_parents());
        names
    }

    /// Whether an authority (host and perhaps port, RFC 3986 section 3.2) is ours, and nothing more
    /// than a host and a port: what follows a bracket or a colon must not look like another host.
    pub(super) fn admit(&self, authority: &Authority) -> bool {
        let (text, host) = (authority.as_str(), authority.host());
        let plain = match text.strip_prefix(host) {
            Some("") => true,
            Some(rest) => rest.strip_prefix(':').is_some_and(|port| {
                port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
            }),
            None => false,
        };
        plain && self.contains(host)
    }

    /// Whether the host (a name, an IPv4 address, or an IPv6 address in brackets; no port) is ours.
    fn contains(&self, host: &str) -> bool {
        let address = match host.strip_prefix('[') {
            Some(rest) => match rest.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
                Some(Ok(address)) => Some(IpAddr::V6(address)),
                _ => return false,
            },
            None => host.parse().ok(),
        };
        if let Some(address) = address {
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
            "[192.168.1.100]",
        ] {
            assert!(!names.contains(other), "{other}");
        }
        let admits = |text: &str| text.parse().is_ok_and(|authority| names.admit(&authority));
        for ours in ["weborca-server", "weborca-server:8000", "[::1]:8000", "192.168.1.100:1"] {
            assert!(admits(ours), "{ours}");
        }
        for other in [
            "[::1].evil.example",
            "[::1]evil.example:80",
            "[::1],evil.example",
            "weborca-server:",
            "weborca-server:+80",
            "weborca-server:abc",
            "weborca-server:99999999",
            "weborca-server:;evil",
            "user@weborca-server",
        ] {
            assert!(!admits(other), "{other}");
        }
    }
}
