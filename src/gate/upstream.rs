//! Where admitted visitors are led, checked: a server or a Unix socket, in clear text or over TLS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use hyper::http::uri::Uri;
use rustls::client::ClientConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::material;
use super::settings::{Mode, Settings};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::pki::Certificate;

/// Where WebORCA listens.
const WEBORCA: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 8001);

/// Octets of a Unix socket's path: what the system has room for (unix(7)).
const SOCKET_PATH_LIMIT: usize = 107;

/// How a gate and its upstream know each other over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamTls {
    /// The certificates (PEM) that the upstream's chain must end at. Nobody else is believed, not
    /// the authorities of the system either.
    pub authorities: PathBuf,
    /// What the gate shows the upstream: a certificate with its intermediates, then its private
    /// key, not encrypted, closed to other users; both PEM.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Where admitted visitors are led.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Upstream {
    /// To the built-in page that greets the visitor.
    Greeting,
    Server(Server),
    /// To a Unix socket, which carries HTTP and mere octets alike, in clear text.
    Socket(PathBuf),
}

/// A host and a port, and what is spoken there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Server {
    scheme: Scheme,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Scheme {
    Http,
    Https,
    Tcp,
    Tls,
}

impl Upstream {
    /// The upstream of the manual.
    pub(super) fn weborca() -> Self {
        Self::Server(Server::at(WEBORCA.into()))
    }

    /// Reads `http://host:port`, `https://host:port`, `tcp://host:port`, `tls://host:port` or
    /// `unix:/path`. The port may be left out where the scheme has one of its own.
    pub(super) fn parse(text: &str, allow_clear_text: bool) -> Result<Self, Refusal> {
        let shown = || Untrusted(text).to_string();
        let invalid = || Refusal::UpstreamInvalid { url: shown() };
        if let Some(path) = text.strip_prefix("unix:") {
            let usable = path.starts_with('/')
                && !path.ends_with('/')
                && !path.contains('\0')
                && path.len() <= SOCKET_PATH_LIMIT;
            return if usable { Ok(Self::Socket(path.into())) } else { Err(invalid()) };
        }
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let authority = authority.filter(|authority| bare && !authority.host().is_empty());
        let authority = authority.ok_or_else(invalid)?;
        let (scheme, usual_port) = match uri.scheme_str() {
            Some("http") => (Scheme::Http, Some(80)),
            Some("https") => (Scheme::Https, Some(443)),
            Some("tcp") => (Scheme::Tcp, None),
            Some("tls") => (Scheme::Tls, None),
            _ => return Err(invalid()),
        };
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => usual_port,
            Some(_) => authority.port_u16(),
            None => None,
        };
        let port = port.filter(|port| *port != 0).ok_or_else(invalid)?;
        let server = Server { scheme, host: authority.host().to_owned(), port };
        if server.leaves_in_clear_text() && !allow_clear_text {
            return Err(Refusal::UpstreamInClearText { url: shown() });
        }
        if server.is_encrypted() && server.name().is_none() {
            return Err(invalid());
        }
        Ok(Self::Server(server))
    }

    /// Whether requests go to another machine in clear text.
    pub(super) fn leaves_in_clear_text(&self) -> bool {
        matches!(self, Self::Server(server) if server.leaves_in_clear_text())
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Greeting => f.write_str("greeting"),
            Self::Socket(path) => write!(f, "unix:{}", Untrusted(&path.to_string_lossy())),
            Self::Server(server) => {
                let scheme = match server.scheme {
                    Scheme::Http => "http",
                    Scheme::Https => "https",
                    Scheme::Tcp => "tcp",
                    Scheme::Tls => "tls",
                };
                write!(f, "{scheme}://{}:{}", Untrusted(&server.host), server.port)
            }
        }
    }
}

impl Server {
    /// An HTTP server at an address.
    pub(super) fn at(address: SocketAddr) -> Self {
        let host = match address.ip() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        Self { scheme: Scheme::Http, host, port: address.port() }
    }

    /// Where to connect: `http://host:port`, whatever is spoken there.
    pub(super) fn address(&self) -> Option<Uri> {
        format!("http://{}:{}", self.host, self.port).parse().ok()
    }

    /// The name its certificate must have, which is also its SNI. `None` for no possible name.
    pub(super) fn name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.bare_host().to_owned()).ok()
    }

    fn is_encrypted(&self) -> bool {
        matches!(self.scheme, Scheme::Https | Scheme::Tls)
    }

    fn leaves_in_clear_text(&self) -> bool {
        !self.is_encrypted() && !self.is_this_machine()
    }

    fn is_this_machine(&self) -> bool {
        let host = self.bare_host();
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    fn bare_host(&self) -> &str {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(&self.host)
    }
}

/// The TLS settings towards the upstream, from their files; `None` for clear text.
pub(super) fn read_tls(
    settings: &Settings,
    files: &Delivery,
) -> Result<Option<Arc<ClientConfig>>, Refusal> {
    check(settings)?;
    settings.upstream_tls.as_ref().map(|tls| tls.read(settings.mode, files)).transpose()
}

/// Refuses what does not fit together: the mode, the scheme, and how the two know each other.
pub(super) fn check(settings: &Settings) -> Result<(), Refusal> {
    let url = || settings.upstream.to_string();
    let fits = match (&settings.upstream, settings.mode) {
        (Upstream::Socket(_), _) | (Upstream::Greeting, Mode::Http) => true,
        (Upstream::Greeting, Mode::Tcp) => false,
        (Upstream::Server(server), mode) => match server.scheme {
            Scheme::Http | Scheme::Https => mode == Mode::Http,
            Scheme::Tcp | Scheme::Tls => mode == Mode::Tcp,
        },
    };
    if !fits {
        return Err(match settings.mode {
            Mode::Http => Refusal::UpstreamNotForHttp { url: url() },
            Mode::Tcp => Refusal::UpstreamNotForTcp { url: url() },
        });
    }
    let encrypted = matches!(&settings.upstream, Upstream::Server(server) if server.is_encrypted());
    match (encrypted, &settings.upstream_tls) {
        (false, None) | (true, Some(_)) => Ok(()),
        (true, None) => Err(Refusal::UpstreamAuthorityMissing { url: url() }),
        // Whoever sets it believes that the way is encrypted.
        (false, Some(_)) => Err(Refusal::UpstreamTlsUnused { url: url() }),
    }
}

impl UpstreamTls {
    fn read(&self, carries: Mode, files: &Delivery) -> Result<Arc<ClientConfig>, Refusal> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|_| self.unreadable_authorities())?
            .with_root_certificates(self.roots(files)?);
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let shown = read_client(certificate, key, files)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
            }
        };
        if carries == Mode::Http {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(Arc::new(config))
    }

    fn roots(&self, files: &Delivery) -> Result<RootCertStore, Refusal> {
        let bytes = files.read(&self.authorities)?.expose();
        let certificates =
            Certificate::chain_from_pem(bytes).map_err(|_| self.unreadable_authorities())?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots
                .add(CertificateDer::from(certificate.der().to_vec()))
                .map_err(|_| self.unreadable_authorities())?;
        }
        Ok(roots)
    }

    fn unreadable_authorities(&self) -> Refusal {
        let path = Untrusted(&self.authorities.to_string_lossy()).to_string();
        Refusal::UpstreamAuthorityUnreadable { path }
    }
}

fn read_client(
    certificate: &PathBuf,
    key: &PathBuf,
    files: &Delivery,
) -> Result<CertifiedKey, Refusal> {
    let shown = |path: &PathBuf| Untrusted(&path.to_string_lossy()).to_string();
    let bytes = files.read(certificate)?.expose();
    let chain = Certificate::chain_from_pem(bytes)
        .map_err(|_| Refusal::UpstreamClientUnreadable { path: shown(certificate) })?;
    let chain = chain.iter().map(|c| CertificateDer::from(c.der().to_vec())).collect();
    let signing = material::read_signing_key(key, files).map_err(|problem| match problem {
        material::KeyProblem::File(error) => error.into(),
        material::KeyProblem::Encrypted | material::KeyProblem::Unreadable => {
            Refusal::UpstreamClientKeyUnusable { path: shown(key) }
        }
    })?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Err(Error::InconsistentKeys(_)) => Err(Refusal::UpstreamClientMismatch {
            key: shown(key),
            certificate: shown(certificate),
        }),
        Err(_) => Err(Refusal::UpstreamClientUnreadable { path: shown(certificate) }),
        Ok(()) => Ok(certified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Files;

    fn parse(text: &str, allow: bool) -> Result<String, &'static str> {
        let upstream = Upstream::parse(text, allow);
        upstream.map(|upstream| upstream.to_string()).map_err(|refusal| refusal.code())
    }

    // Catches a prefix comparison: 127.0.0.1.example.com is somebody else's machine.
    #[test]
    fn clear_text_leaves_this_machine_only_when_allowed_by_name() {
        for here in [
            "http://127.0.0.1:8001",
            "http://localhost:1/",
            "http://[::1]:8001",
            "tcp://127.0.0.1:22",
            "unix:/run/app.sock",
        ] {
            assert!(parse(here, false).is_ok(), "{here}");
        }
        for away in [
            "http://192.168.1.5:8001",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "tcp://192.168.1.5:22",
        ] {
            assert_eq!(parse(away, false), Err("UpstreamInClearText"), "{away}");
            assert!(parse(away, true).is_ok(), "{away}");
        }
        for encrypted in ["https://192.168.1.5", "tls://app.example:1"] {
            assert!(parse(encrypted, false).is_ok(), "{encrypted}");
        }
    }

    #[test]
    fn a_port_is_the_schemes_own_unless_it_is_named() {
        assert_eq!(parse("http://localhost", false).unwrap(), "http://localhost:80");
        assert_eq!(parse("https://[2001:db8::1]/", false).unwrap(), "https://[2001:db8::1]:443");
        assert_eq!(parse("tls://a:5432", false).unwrap(), "tls://a:5432");
    }

    #[test]
    fn what_names_no_upstream_is_refused() {
        for text in [
            "",
            "127.0.0.1:8001",
            "http://u@127.0.0.1",
            "http://127.0.0.1/a",
            "http://127.0.0.1/?a",
            "http://127.0.0.1:0",
            "http://127.0.0.1:",
            "http://127.0.0.1:99999",
            "ftp://127.0.0.1",
            "tcp://127.0.0.1",
            "tls://127.0.0.1",
            "https://under_score^",
            "unix:run/app.sock",
            "unix:/run/",
            "unix:",
            &format!("unix:/{}", "a".repeat(SOCKET_PATH_LIMIT)),
        ] {
            assert_eq!(parse(text, true), Err("UpstreamInvalid"), "{text}");
        }
    }

    fn read(upstream: &str, mode: Mode, tls: bool) -> Result<(), &'static str> {
        let nowhere = Files {
            server_certificate: "a".into(),
            server_key: "b".into(),
            authorities: "c".into(),
        };
        let mut settings =
            Settings::new(nowhere).with_mode(mode).with_upstream(upstream, false).unwrap();
        if tls {
            let authorities = "/nonexistent/ca.crt".into();
            settings = settings.with_upstream_tls(UpstreamTls { authorities, client: None });
        }
        let files = Delivery::of_all(&settings);
        read_tls(&settings, &files).map(drop).map_err(|refusal| refusal.code())
    }

    #[test]
    fn mode_scheme_and_tls_must_fit() {
        assert_eq!(read("http://localhost:1", Mode::Tcp, false), Err("UpstreamNotForTcp"));
        assert_eq!(read("tcp://localhost:1", Mode::Http, false), Err("UpstreamNotForHttp"));
        assert_eq!(read("tls://localhost:1", Mode::Http, true), Err("UpstreamNotForHttp"));
        assert_eq!(read("https://localhost", Mode::Http, false), Err("UpstreamAuthorityMissing"));
        assert_eq!(read("http://localhost:1", Mode::Http, true), Err("UpstreamTlsUnused"));
        assert_eq!(read("https://localhost", Mode::Http, true), Err("FileMissing"));
        for mode in [Mode::Http, Mode::Tcp] {
            assert_eq!(read("unix:/run/app.sock", mode, false), Ok(()));
        }
    }
}
