//! What may be asked of the authority. Everything is plain: text as it was typed, octets as they
//! were read. The authority checks it all, whoever asks.

use serde::{Deserialize, Serialize};

use super::reply::Anchor;
use super::secret::WireSecret;
use crate::ground::clock::Timestamp;
use crate::pki::revocation_list::Reason;

/// A command, and whose it is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// Who asks, such as `uid:1000`. Over a socket the authority writes the caller's own there.
    pub actor: String,
    /// Names the asking: what is issued once under a key is not issued a second time. All other
    /// commands may be repeated without harm.
    pub idempotency: [u8; 16],
    /// What is asked.
    pub command: Command,
}

/// What may be asked.
#[derive(Debug, Serialize, Deserialize)]
pub enum Command {
    /// Opens the vault of the running service.
    Unseal {
        /// What opens it.
        secret: Secret,
    },
    /// Closes the vault of the running service; its process ends, and a sealed one begins.
    Seal,
    /// How everything stands.
    Status,
    /// What was repaired when the authority's process began.
    Repairs,
    /// Who is connected now, at all gates.
    Connections,
    /// Issues certificates; each order has its own outcome.
    Issue {
        /// The orders, in order.
        orders: Vec<Order>,
        /// How private keys are handed out.
        handout: Handout,
    },
    /// Issues the follower of a certificate.
    Renew {
        /// Which.
        which: Selector,
        /// How it differs from the one before.
        renewal: Renewal,
        /// How its private key is handed out.
        handout: Handout,
    },
    /// Revokes a certificate.
    Revoke {
        /// Which.
        which: Selector,
        /// Why.
        reason: Reason,
        /// Since when the key is known or feared to be lost.
        since: Option<Timestamp>,
        /// Whether everything it renews, and everything that renews it, is revoked as well.
        lineage: bool,
    },
    /// Signs a CRL.
    SignCrl {
        /// Days it is valid.
        days: u32,
    },
    /// Hands a bundle out again.
    Export {
        /// Which.
        which: Selector,
        /// How its private key is handed out.
        handout: Handout,
    },
    /// Deletes the sealed copy of a private key for good.
    ForgetKey {
        /// Which.
        which: Selector,
    },
    /// Certificates in the order of their numbers.
    List {
        /// The first number.
        first: u64,
        /// How many at most; more than 1,024 are never given.
        limit: u32,
    },
    /// One certificate.
    Show {
        /// Which.
        which: Selector,
    },
    /// Certificates in force whose name could be taken for this one.
    LookAlikes {
        /// The common name.
        name: String,
    },
    /// The certificate that was made for an asking.
    IssuedFor {
        /// SHA-256 that names the asking.
        request: [u8; 32],
    },
    /// Reads the whole ledger and holds everything against everything else.
    Verify,
    /// Replaces what opens the vault.
    ChangeSlots {
        /// What opens it now.
        proof: Secret,
        /// What is to open it.
        secrets: Vec<Secret>,
        /// Whether the data key stays.
        keep_data_key: bool,
    },
    /// Adds a slot that shares open to the vault, in place of the shares before.
    MakeShares {
        /// What opens the vault now.
        proof: Secret,
        /// How many shares are to be needed.
        threshold: u8,
        /// How many there are to be.
        shares: u8,
    },
    /// Takes the slot that shares open out of the vault.
    RemoveShares {
        /// What opens the vault now.
        proof: Secret,
    },
    /// Says that the clock is right, whatever it was before.
    ConfirmClock,
    /// Begins a copy of everything; the answer is its first part.
    BeginBackup,
    /// The next part of the copy under way.
    ContinueBackup {
        /// What names the copy.
        backup: [u8; 16],
        /// Which part.
        part: u64,
    },
    /// Says that a copy of which the last part was given lies whole in a file.
    FinishBackup {
        /// What names the copy.
        backup: [u8; 16],
    },
    /// How the ledger was last brought back from a backup.
    Restoration,
    /// Ends the waiting of a restored ledger.
    Reconcile {
        /// The newest CRL that was published, DER or PEM; without one, what it says is given up.
        list: Option<Vec<u8>>,
    },
    /// Where the ledger ends, to be kept elsewhere.
    ExportAnchor,
    /// Whether the ledger has grown from what was kept elsewhere.
    CheckAnchor {
        /// What was kept.
        anchor: Anchor,
    },
}

/// A secret of one of the vault's slots.
#[derive(Debug, Serialize, Deserialize)]
pub enum Secret {
    /// What a person types.
    Passphrase(WireSecret),
    /// The code on paper.
    RecoveryCode(WireSecret),
    /// The octets of a key file.
    KeyFile(WireSecret),
    /// Shares, as they were typed.
    Shares(Vec<WireSecret>),
}

/// Which certificate is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selector {
    /// By its number.
    Number(u64),
    /// By its common name, when only one certificate that is not revoked has it.
    CommonName(String),
    /// As a person writes it: six digits are a number; fewer are one unless they are also a name.
    Text(String),
}

/// How private keys are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handout {
    /// PKCS#12 with AES-256.
    Modern,
    /// PKCS#12 with 3DES and SHA-1, for old programs.
    Legacy,
    /// All the manual's forms.
    Manual,
}

/// One certificate, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The subject.
    pub subject: Subject,
    /// What it is for.
    pub purpose: Purpose,
    /// Days it lasts.
    pub days: u32,
    /// Whether it is shortened to the issuer's end instead of refused, as `orca-catool` does.
    pub shorten: bool,
    /// Where its key comes from.
    pub key: Key,
    /// Who holds it, in the administrator's words.
    pub person: Option<String>,
    /// On which device it is.
    pub device: Option<String>,
    /// Where the asking came from, such as a file and its line.
    pub source: Option<String>,
    /// Names the asking, so that asking twice is found.
    pub request: Option<[u8; 32]>,
}

/// The parts of a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The common name.
    pub common_name: String,
    /// The country's two letters.
    pub country: String,
    /// The organization.
    pub organization: String,
    /// The organizational unit.
    pub unit: Option<String>,
}

/// What a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// A TLS server under these host names and addresses.
    Server {
        /// At least one.
        hosts: Vec<String>,
    },
    /// A TLS client.
    Client,
}

/// Where a certificate's key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// It is made by the authority.
    Generate {
        /// The algorithm's name, such as `p256`.
        algorithm: String,
        /// Whether a sealed copy is kept.
        escrow: bool,
    },
    /// The holder has it, and sent a certificate request.
    Requested {
        /// The request, PEM or DER.
        request: Vec<u8>,
    },
}

/// How a follower differs from the certificate it renews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewal {
    /// Days it lasts; as long as the one before when absent.
    pub days: Option<u32>,
    /// Where its key comes from.
    pub key: Key,
    /// Whether a certificate that has a follower may get another.
    pub again: bool,
    /// Where the asking came from.
    pub source: Option<String>,
}
