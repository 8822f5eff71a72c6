//! What a gate is told to do, checked.

use std::net::SocketAddr;
use std::path::PathBuf;

use hyper::http::uri::{Authority, Scheme, Uri};

use super::limits::Limits;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// The port of the WebORCA manual.
const PORT: u16 = 8000;

/// Where WebORCA listens.
const UPSTREAM: &str = "127.0.0.1:8001";

/// Days a revocation list counts after its next update was due.
const GRACE_DAYS: u16 = 7;

/// The files a gate reads, all PEM: what the manual calls `SERVER_CRT`, `SERVER_PEM`, `CA_CRT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, then its intermediates.
    pub server_certificate: PathBuf,
    /// The server's private key, not encrypted, closed to other users.
    pub server_key: PathBuf,
    /// The certificates of the authorities whose clients may come in.
    pub authorities: PathBuf,
}

/// Where visitors are let in, what they must show, and where they are led.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) files: Files,
    pub(super) revocation_lists: Vec<PathBuf>,
    pub(super) grace_days: u16,
    pub(super) listen: Listen,
    pub(super) upstream: Upstream,
    pub(super) tls12: bool,
    pub(super) limits: Limits,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    /// Every address of this machine, IPv6 as well where there is any.
    Everywhere {
        port: u16,
    },
    At(SocketAddr),
}

/// Where admitted requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    /// To an HTTP/1.1 server, in clear text.
    Http(Authority),
    /// To the built-in page that greets the visitor.
    Greeting,
}

impl Settings {
    /// The defaults of the manual: port 8000 of every address, WebORCA at 127.0.0.1:8001, TLS 1.3
    /// only, no revocation list.
    #[must_use]
    pub fn new(files: Files) -> Self {
        Self {
            files,
            revocation_lists: Vec::new(),
            grace_days: GRACE_DAYS,
            listen: Listen::Everywhere { port: PORT },
            upstream: Upstream::Http(Authority::from_static(UPSTREAM)),
            tls12: false,
            limits: Limits::default(),
        }
    }

    /// Enforces the revocation list in a file, DER or PEM, also: one list for each authority.
    #[must_use]
    pub fn with_revocation_list(mut self, path: PathBuf) -> Self {
        self.revocation_lists.push(path);
        self
    }

    /// Days a revocation list still counts after its next update was due; 7 by default.
    #[must_use]
    pub fn with_grace_days(mut self, days: u16) -> Self {
        self.grace_days = days;
        self
    }

    /// Listens at one address and port, such as `192.168.1.100:8000`; port 0 takes a free one.
    ///
    /// # Errors
    /// The text is no address with a port.
    pub fn with_listen(mut self, text: &str) -> Result<Self, Refusal> {
        let address = text
            .parse()
            .map_err(|_| Refusal::ListenAddressInvalid { address: Untrusted(text).to_string() })?;
        self.listen = Listen::At(address);
        Ok(self)
    }

    /// Leads requests to an `http://host:port` URL. One that is not this machine itself is refused
    /// unless `allow_clear_text`, since the way there would not be encrypted.
    ///
    /// # Errors
    /// No such URL, or clear text to another machine.
    pub fn with_upstream(mut self, url: &str, allow_clear_text: bool) -> Result<Self, Refusal> {
        let shown = || Untrusted(url).to_string();
        let invalid = || Refusal::UpstreamInvalid { url: shown() };
        let uri: Uri = url.parse().map_err(|_| invalid())?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(authority), Some(scheme)) = (authority, uri.scheme()) else {
            return Err(invalid());
        };
        if *scheme != Scheme::HTTP || !bare || authority.host().is_empty() {
            return Err(invalid());
        }
        if !allow_clear_text && !is_loopback(authority.host()) {
            return Err(Refusal::UpstreamInClearText { url: shown() });
        }
        self.upstream = Upstream::Http(authority.clone());
        Ok(self)
    }

    /// Leads requests to the built-in page that greets the visitor.
    #[must_use]
    pub fn with_greeting(mut self) -> Self {
        self.upstream = Upstream::Greeting;
        self
    }

    /// Accepts TLS 1.2 as well, with forward secrecy and AEAD ciphers only.
    #[must_use]
    pub fn with_tls12(mut self) -> Self {
        self.tls12 = true;
        self
    }

    /// Other limits than the defaults.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(url: &str, allow: bool) -> Result<Upstream, &'static str> {
        let files = Files {
            server_certificate: "a".into(),
            server_key: "b".into(),
            authorities: "c".into(),
        };
        let settings = Settings::new(files).with_upstream(url, allow);
        settings.map(|settings| settings.upstream).map_err(|refusal| refusal.code())
    }

    // Catches a prefix comparison: 127.0.0.1.example.com is somebody else's machine.
    #[test]
    fn clear_text_leaves_this_machine_only_when_allowed_by_name() {
        for here in ["http://127.0.0.1:8001", "http://localhost:1/", "http://[::1]:8001"] {
            assert!(upstream(here, false).is_ok(), "{here}");
        }
        for away in [
            "http://192.168.1.5:8001",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
        ] {
            assert_eq!(upstream(away, false), Err("UpstreamInClearText"), "{away}");
            assert!(upstream(away, true).is_ok(), "{away}");
        }
    }

    #[test]
    fn what_is_no_plain_http_origin_is_refused() {
        for url in [
            "",
            "127.0.0.1:8001",
            "https://127.0.0.1",
            "http://u@127.0.0.1",
            "http://127.0.0.1/a",
            "ftp://127.0.0.1",
        ] {
            assert_eq!(upstream(url, true), Err("UpstreamInvalid"), "{url}");
        }
    }
}
