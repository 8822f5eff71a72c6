//! What a gate is told to do, checked.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::limits::Limits;
use super::upstream::{self, Upstream, UpstreamTls};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// The port of the WebORCA manual.
const PORT: u16 = 8000;

/// What a gate is called unless the configuration names it.
const NAME: &str = "gate";

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

/// Where a gate's server certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ServerSource {
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    /// From the authority, for these host names and addresses.
    Authority {
        names: Vec<String>,
    },
}

/// Whom a gate lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TrustSource {
    /// The clients of the authorities in a file, but for those on the revocation lists.
    Files { authorities: PathBuf, revocation_lists: Vec<PathBuf>, grace_days: u16 },
    /// The holders of certificates that stand in the authority's ledger.
    Authority,
}

/// What a visitor who is refused gets to see.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalMode {
    /// A page that says why, and what to do.
    #[default]
    Explain,
    /// A TLS alert, and no word.
    Strict,
}

/// What is carried behind the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// HTTP requests, with the visitor's identity.
    #[default]
    Http,
    /// Octets, as they are.
    Tcp,
}

/// What happens once the authority has been silent for five seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StalePolicy {
    /// Nobody new is let in; who is in stays.
    #[default]
    Refuse,
    /// What was last known holds.
    Serve,
    /// Nobody new is let in, and who is in is cut.
    Cut,
}

/// Where visitors are let in, what they must show, and where they are led.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    pub(super) name: String,
    pub(super) server: ServerSource,
    pub(super) trust: TrustSource,
    pub(super) mode: Mode,
    pub(super) refusal: RefusalMode,
    pub(super) contact: Option<String>,
    pub(super) stale: StalePolicy,
    pub(super) listen: Listen,
    pub(super) upstream: Upstream,
    pub(super) upstream_tls: Option<UpstreamTls>,
    pub(super) notices: bool,
    pub(super) tls12: bool,
    pub(super) limits: Limits,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Listen {
    /// Every address of this machine, IPv6 as well where there is any.
    Everywhere {
        port: u16,
    },
    At(SocketAddr),
}

impl Settings {
    /// The defaults of the manual: port 8000 of every address, WebORCA at 127.0.0.1:8001, TLS 1.3
    /// only, no revocation list.
    #[must_use]
    pub fn new(files: Files) -> Self {
        Self {
            name: NAME.to_owned(),
            server: ServerSource::Files {
                certificate: files.server_certificate,
                key: files.server_key,
            },
            trust: TrustSource::Files {
                authorities: files.authorities,
                revocation_lists: Vec::new(),
                grace_days: GRACE_DAYS,
            },
            mode: Mode::default(),
            refusal: RefusalMode::default(),
            contact: None,
            stale: StalePolicy::default(),
            listen: Listen::Everywhere { port: PORT },
            upstream: Upstream::weborca(),
            upstream_tls: None,
            notices: false,
            tls12: false,
            limits: Limits::default(),
        }
    }

    /// A gate whose certificate, for these host names and addresses, and whose trust come from the
    /// authority; the rest is as in [`Settings::new`].
    #[must_use]
    pub fn of_authority(names: Vec<String>) -> Self {
        let nowhere = PathBuf::new;
        let files =
            Files { server_certificate: nowhere(), server_key: nowhere(), authorities: nowhere() };
        let (server, trust) = (ServerSource::Authority { names }, TrustSource::Authority);
        Self { server, trust, ..Self::new(files) }
    }

    /// The host names and addresses that the authority is to certify; none when the gate brings a
    /// certificate of its own.
    #[must_use]
    pub fn certified_names(&self) -> &[String] {
        match &self.server {
            ServerSource::Authority { names } => names,
            ServerSource::Files { .. } => &[],
        }
    }

    /// Its name in the configuration, in logs and on the feed; `gate` by default.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Shows a server certificate from files.
    #[must_use]
    pub fn with_server_files(mut self, certificate: PathBuf, key: PathBuf) -> Self {
        self.server = ServerSource::Files { certificate, key };
        self
    }

    /// Lets in the clients of the authorities in a file, without the ledger's word.
    #[must_use]
    pub fn with_authorities(mut self, authorities: PathBuf) -> Self {
        self.trust = TrustSource::Files {
            authorities,
            revocation_lists: Vec::new(),
            grace_days: GRACE_DAYS,
        };
        self
    }

    /// Enforces the revocation list in a file, DER or PEM, also: one list for each authority. It
    /// means nothing where the authority's ledger is trusted.
    #[must_use]
    pub fn with_revocation_list(mut self, path: PathBuf) -> Self {
        if let TrustSource::Files { revocation_lists, .. } = &mut self.trust {
            revocation_lists.push(path);
        }
        self
    }

    /// Days a revocation list still counts after its next update was due; 7 by default.
    #[must_use]
    pub fn with_grace_days(mut self, days: u16) -> Self {
        if let TrustSource::Files { grace_days, .. } = &mut self.trust {
            *grace_days = days;
        }
        self
    }

    /// What a refused visitor gets to see; a page by default.
    #[must_use]
    pub fn with_refusal(mut self, refusal: RefusalMode) -> Self {
        self.refusal = refusal;
        self
    }

    /// Whom a refused visitor should ask, such as a name and an extension; shown on the page.
    #[must_use]
    pub fn with_contact(mut self, contact: &str) -> Self {
        self.contact = Some(contact.to_owned());
        self
    }

    /// What is carried: HTTP by default.
    #[must_use]
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What happens once the authority has been silent for five seconds.
    #[must_use]
    pub fn with_stale_policy(mut self, stale: StalePolicy) -> Self {
        self.stale = stale;
        self
    }

    /// Whether it can do without the authority.
    pub(super) fn stands_alone(&self) -> bool {
        let own_server = matches!(self.server, ServerSource::Files { .. });
        own_server && matches!(self.trust, TrustSource::Files { .. })
    }

    /// Listens at one address and port, such as `192.168.1.100:8000`; port 0 takes a free one.
    ///
    /// # Errors
    /// The text is no address with a port.
    pub fn with_listen(self, text: &str) -> Result<Self, Refusal> {
        Ok(self.with_address(parse_listen(text)?))
    }

    /// Listens at one address and port.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.listen = Listen::At(address);
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens; every address is `[::]`, which hears IPv4 as well.
    #[must_use]
    pub fn listen_address(&self) -> SocketAddr {
        match self.listen {
            Listen::Everywhere { port } => (Ipv6Addr::UNSPECIFIED, port).into(),
            Listen::At(address) => address,
        }
    }

    /// The files with the server's certificate and key, unless they come from the authority.
    #[must_use]
    pub fn server_files(&self) -> Option<(&Path, &Path)> {
        match &self.server {
            ServerSource::Files { certificate, key } => Some((certificate, key)),
            ServerSource::Authority { .. } => None,
        }
    }

    /// The file of the authorities, and those of their revocation lists, unless the authority's
    /// ledger is trusted.
    #[must_use]
    pub fn trust_files(&self) -> Option<(&Path, &[PathBuf])> {
        match &self.trust {
            TrustSource::Files { authorities, revocation_lists, .. } => {
                Some((authorities, revocation_lists))
            }
            TrustSource::Authority => None,
        }
    }

    /// Whether TLS 1.2 is accepted.
    #[must_use]
    pub fn accepts_tls12(&self) -> bool {
        self.tls12
    }

    /// What happens once the authority has been silent; `None` for a gate that does without one.
    #[must_use]
    pub fn stale_policy(&self) -> Option<StalePolicy> {
        (!self.stands_alone()).then_some(self.stale)
    }

    /// Days a revocation list from a file counts after its next update was due; `None` where the
    /// authority's ledger is trusted.
    #[must_use]
    pub fn grace_days(&self) -> Option<u16> {
        match self.trust {
            TrustSource::Files { grace_days, .. } => Some(grace_days),
            TrustSource::Authority => None,
        }
    }

    /// The URL of the upstream, when requests leave this machine in clear text.
    #[must_use]
    pub fn upstream_in_clear_text(&self) -> Option<String> {
        self.upstream.leaves_in_clear_text().then(|| self.upstream.to_string())
    }

    /// Leads visitors to `http://host:port`, `https://host:port` (with [`Self::with_upstream_tls`])
    /// or `unix:/path/to.sock`; in tcp mode to `tcp://host:port`, `tls://host:port` or `unix:`. Clear
    /// text to another machine than this one is refused unless `allow_clear_text`.
    ///
    /// # Errors
    /// No such URL, or clear text to another machine.
    pub fn with_upstream(mut self, url: &str, allow_clear_text: bool) -> Result<Self, Refusal> {
        self.upstream = Upstream::parse(url, allow_clear_text)?;
        Ok(self)
    }

    /// Whether the upstream fits the mode, and TLS towards it is set where it is spoken.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check_upstream(&self) -> Result<(), Refusal> {
        upstream::check(self)
    }

    /// How an upstream behind `https` or `tls` and this gate know each other. The files are read
    /// when the gate is opened, and again with its other files.
    #[must_use]
    pub fn with_upstream_tls(mut self, tls: UpstreamTls) -> Self {
        self.upstream_tls = Some(tls);
        self
    }

    /// Whether visitors and the application are told when a visitor's certificate ends: a header on
    /// every request, one on answers within 60 days of the end, and
    /// `/.well-known/sekisho/certificate`. Not by default.
    #[must_use]
    pub fn with_notices(mut self, notices: bool) -> Self {
        self.notices = notices;
        self
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

/// An address with a port, as it is written in configurations.
///
/// # Errors
/// `ListenAddressInvalid`.
pub fn parse_listen(text: &str) -> Result<SocketAddr, Refusal> {
    text.parse().map_err(|_| Refusal::ListenAddressInvalid { address: Untrusted(text).to_string() })
}
