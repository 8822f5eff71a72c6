//! What the authority tells those who serve, and what they answer.
//!
//! The feed is a snapshot, then events in the order in which they happened. Each carries the epoch
//! (the ledger's sequence) it brings its reader to. An event is sent before its command is
//! acknowledged, so a reader that heard a heartbeat knows everything that was acknowledged by then.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::command::Secret;
use super::secret::WireSecret;
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::hardening::{LayerReport, Role, Terms};
use crate::pki::SerialNumber;

/// The ledger's sequence: it only grows.
pub type Sequence = u64;

/// From the authority to those who serve.
#[derive(Debug, Serialize, Deserialize)]
pub enum Event {
    /// Everything, at the start and whenever the authority was started again.
    Snapshot(Snapshot),
    /// A certificate was issued: its serial is known from here on.
    Issued(Change),
    /// Certificates were revoked. It is answered with an [`Acknowledgement`].
    Revoked(Change),
    /// The server certificate of a gate, with its key.
    ServerIdentity(ServerIdentity),
    /// A CRL to publish.
    Crl(PublishedCrl),
    /// Nothing happened; sent every second.
    Heartbeat(Heartbeat),
    /// Asks for the live connections; answered with [`Answer::Connections`].
    ListConnections {
        /// Comes back with the answer.
        ask: u64,
    },
    /// Somebody gave the order to seal: the authority ends, and is to be started again sealed.
    Sealed,
}

/// The state of the ledger that admission needs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The sequence it shows.
    pub epoch: Sequence,
    /// No time before this one counts for admission.
    pub floor: Timestamp,
    /// The authorities, each with the serials it issued.
    pub issuers: Vec<IssuerSnapshot>,
}

/// One certificate authority and what it issued.
#[derive(Debug, Serialize, Deserialize)]
pub struct IssuerSnapshot {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// The serials of client certificates that stand: issued, not revoked. Any other is refused.
    pub standing: Vec<SerialNumber>,
    /// The serials that are revoked or abandoned.
    pub revoked: Vec<SerialNumber>,
}

/// Serials whose standing changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Change {
    /// The sequence after it.
    pub epoch: Sequence,
    /// Its issuer's certificate, SHA-256 of the DER.
    pub issuer: [u8; 32],
    /// The serials.
    pub serials: Vec<SerialNumber>,
}

/// What a gate shows its visitors.
#[derive(Debug, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// The gate's name in the configuration.
    pub gate: String,
    /// The certificate, then its intermediates, DER.
    pub chain: Vec<Vec<u8>>,
    /// The private key, PKCS#8.
    pub key: WireSecret,
}

/// A CRL, and whose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishedCrl {
    /// The CRL, DER.
    pub der: Vec<u8>,
    /// Its number (RFC 5280 section 5.2.3).
    pub number: u64,
    /// thisUpdate.
    pub this_update: Timestamp,
    /// nextUpdate.
    pub next_update: Timestamp,
    /// The root's certificate, DER.
    pub root: Vec<u8>,
}

/// That the authority lives, and has nothing to tell beyond this epoch.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The ledger's sequence.
    pub epoch: Sequence,
    /// No time before this one counts for admission.
    pub floor: Timestamp,
    /// Whether the vault is open.
    pub unsealed: bool,
}

/// From those who serve to the authority. Gates may say what [`Answer::is_of_gate`] lists.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The first message: what the authority is told to do, and for which gates.
    Hello(Box<Hello>),
    /// Or the first and only one: take the lock of a data folder. It is answered with a [`Reserved`],
    /// and when that is good [`Handed::Lock`] comes over the channel for descriptors.
    Reserve {
        /// The data folder.
        folder: PathBuf,
    },
    /// A gate has acted on a revocation.
    Acknowledged(Acknowledgement),
    /// The live connections of one gate.
    Connections {
        /// As it was asked.
        ask: u64,
        /// Which gate.
        gate: String,
        /// The connections, at most 10,000: more of them are no message.
        #[serde(deserialize_with = "bounded")]
        connections: Vec<LiveConnection>,
    },
    /// A gate's standing, sent every second after a heartbeat.
    Report(GateReport),
    /// A gate was started again: everything is to be told once more, to all.
    TellAgain,
    /// How the processes that serve are confined, each of them; sent whenever one was started.
    Confined(Vec<Confined>),
}

/// Whether a data folder is there, and no service runs over it.
pub type Reserved = Result<(), Refusal>;

/// What comes with a descriptor from the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handed {
    /// The lock of the data folder: it is held as long as the descriptor is.
    Lock,
}

/// How one process is confined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// What the process is for.
    pub role: Role,
    /// The name of the gate, where it is one.
    pub gate: Option<String>,
    /// Its layers.
    pub layers: Vec<LayerReport>,
}

impl Answer {
    /// Whether the gate of this name may say it: what it says is of itself, and not what the
    /// supervisor says. Anything else is refused.
    #[must_use]
    pub fn is_of_gate(&self, name: &str) -> bool {
        match self {
            Self::Acknowledged(Acknowledgement { gate, .. })
            | Self::Connections { gate, .. }
            | Self::Report(GateReport { gate, .. }) => gate == name,
            Self::Hello(_) | Self::Reserve { .. } | Self::TellAgain | Self::Confined(_) => false,
        }
    }
}

/// Connections of one answer.
const CONNECTIONS: usize = 10_000;

/// Reads no more than may be: what is short on the wire is long in memory.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LiveConnection>, D::Error> {
    struct Bounded;
    impl<'de> Visitor<'de> for Bounded {
        type Value = Vec<LiveConnection>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "at most {CONNECTIONS} connections")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
            let mut connections = Vec::new();
            while let Some(connection) = sequence.next_element()? {
                if connections.len() == CONNECTIONS {
                    return Err(A::Error::invalid_length(CONNECTIONS + 1, &self));
                }
                connections.push(connection);
            }
            Ok(connections)
        }
    }
    deserializer.deserialize_seq(Bounded)
}

/// What an authority's process is told to do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The data folder.
    pub folder: PathBuf,
    /// How the vault is opened.
    pub unseal: Unseal,
    /// Users that may give commands, beside root.
    pub admins: Vec<u32>,
    /// The users of the roles, who may not, whatever `admins` says.
    pub roles: Vec<u32>,
    /// Days a CRL is valid.
    pub crl_days: u32,
    /// Days a gate's server certificate is valid.
    pub server_days: u32,
    /// The gates.
    pub gates: Vec<GateHello>,
    /// What is said of its confinement.
    pub terms: Terms,
}

impl Hello {
    /// The same, but for what opens the vault.
    #[must_use]
    pub fn clone_without_secret(&self) -> Self {
        Self {
            folder: self.folder.clone(),
            unseal: Unseal::Later,
            admins: self.admins.clone(),
            roles: self.roles.clone(),
            crl_days: self.crl_days,
            server_days: self.server_days,
            gates: self.gates.clone(),
            terms: self.terms.clone(),
        }
    }
}

/// How the vault of a service is opened at its start.
#[derive(Debug, Serialize, Deserialize)]
pub enum Unseal {
    /// Not at all: somebody will.
    Later,
    /// With this.
    With(Secret),
}

/// A gate as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateHello {
    /// Its name in the configuration.
    pub gate: String,
    /// The host names and addresses its certificate must have; empty when it brings its own.
    pub names: Vec<String>,
}

/// That a gate has cut, and admits no more, what was revoked up to an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Which gate.
    pub gate: String,
    /// The epoch it has reached.
    pub epoch: Sequence,
    /// Whether it decides by the ledger; a gate that trusts files of its own goes by their lists.
    pub enforced: bool,
    /// Connections that were cut.
    pub cut: u64,
    /// Microseconds from the event to the last socket closed.
    pub microseconds: u64,
    /// Connections that were not closed in time; none, unless something is wrong.
    pub left: u64,
}

/// A connection whose holder was admitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveConnection {
    /// The serial of its certificate.
    pub serial: SerialNumber,
    /// The common name in it, as it is in the certificate: not made safe to show.
    pub name: String,
    /// Where it comes from, such as `192.168.1.5:50123`.
    pub peer: String,
    /// Since when.
    pub since: Timestamp,
    /// `http/1.1`, `h2`, `websocket`, `tcp`.
    pub protocol: String,
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// Which gate.
    pub gate: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// The epoch it has reached.
    pub epoch: Sequence,
    /// Live connections.
    pub connections: u64,
    /// Whether its last try to reach the upstream succeeded.
    pub upstream_up: bool,
    /// When its server certificate ends; none when it has none yet.
    pub certificate_ends: Option<Timestamp>,
}

/// The end of the feed that a gate or the publisher holds.
pub struct FeedEnd {
    /// What the authority tells, in order. It ends when the service stops; an authority that is
    /// started again goes on in the same channel, with a snapshot.
    pub events: tokio::sync::mpsc::Receiver<std::sync::Arc<Event>>,
    /// The way back.
    pub answers: tokio::sync::mpsc::Sender<Answer>,
}
