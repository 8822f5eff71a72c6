//! What the authority answers.

use serde::{Deserialize, Serialize};

use super::feed::{Confined, GateReport, LiveConnection, Sequence};
use super::secret::WireSecret;
use crate::ground::clock::{ClockStanding, Timestamp};
use crate::ground::messages::Refusal;
use crate::pki::SerialNumber;
use crate::pki::revocation_list::Reason;

/// One message on the way back: how far a long command has come, or its end.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "it is read, looked at and taken apart")]
pub enum Message {
    /// How far it has come.
    Progress {
        /// Steps done.
        done: u64,
        /// Steps in all.
        of: u64,
    },
    /// Its end.
    End(Result<Reply, Refusal>),
}

/// The answer to a command.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It is done, and there is nothing to tell.
    Done,
    /// To `Issue`, each order's outcome in order.
    Issued(Vec<Result<Issued, Refusal>>),
    /// To `Renew`.
    Renewed(Issued),
    /// To `Revoke`.
    Revoked(RevocationReply),
    /// To `SignCrl`.
    Crl(Crl),
    /// To `Export`.
    Exported(Bundle),
    /// To `Show` and `ForgetKey`.
    Certificate(CertificateView),
    /// To `List` and `LookAlikes`.
    Certificates(Vec<CertificateView>),
    /// To `IssuedFor`.
    Number(Option<u64>),
    /// To `Verify`.
    Verified {
        /// Entries of the chain.
        entries: u64,
        /// Certificates with a record.
        certificates: u64,
    },
    /// To `Status`.
    Status(Box<Status>),
    /// To `Repairs`.
    Repairs(Repairs),
    /// To `Connections`.
    Connections(Vec<GateConnections>),
    /// To `BeginBackup` and `ContinueBackup`.
    BackupPart(BackupPart),
    /// To `Restoration`.
    Restoration(Option<Restoration>),
    /// To `Reconcile`.
    Reconciled {
        /// Certificates that the list revoked.
        revoked: u64,
        /// Serials on the list that the ledger knew nothing of.
        lost: u64,
        /// The number of the list; none without one.
        merged: Option<u64>,
    },
    /// To `ExportAnchor`.
    Anchor(Anchor),
    /// To `CheckAnchor`.
    AnchorChecked(AnchorCheck),
    /// To `MakeShares`: each share as people write it, by its number.
    Shares(Vec<WireSecret>),
}

/// A part of a copy of everything. The caller seals it before it touches a disk.
#[derive(Debug, Serialize, Deserialize)]
pub struct BackupPart {
    /// What names the copy.
    pub backup: [u8; 16],
    /// The part to ask for next; none after the last.
    pub next: Option<u64>,
    /// The octets: personal fields lie open in them, keys are sealed.
    pub octets: WireSecret,
    /// Items given so far.
    pub items: u64,
    /// Items in all.
    pub of: u64,
}

/// What the authority repaired when it began: what a crash had left half done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repairs {
    /// A change of the vault that was written but not recorded as done was recorded.
    pub vault_change_finished: bool,
    /// A change of the vault that was announced but not written was closed.
    pub vault_change_undone: bool,
    /// The certificates that were intended and no more; each counts as revoked.
    pub abandoned: Vec<u64>,
}

/// How a ledger was brought back from a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// When.
    pub restored: Timestamp,
    /// When the backup was made.
    pub backed_up: Timestamp,
    /// When it was reconciled; until then nothing is signed and nobody is served.
    pub reconciled: Option<Timestamp>,
    /// The number of the CRL that was merged; none when it was given up.
    pub merged: Option<u64>,
}

/// Where a ledger ended at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// What names the vault.
    pub vault: [u8; 16],
    /// The last entry's place.
    pub sequence: Sequence,
    /// The last entry's time.
    pub time: Timestamp,
    /// The last entry's hash.
    pub hash: [u8; 32],
    /// The seal of a key of the vault over place and hash.
    pub seal: Option<AnchorSeal>,
}

/// A seal over where a ledger ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorSeal {
    /// Which of the vault's keys.
    pub key: u64,
    /// HMAC-SHA256.
    pub mac: [u8; 32],
}

/// What a ledger says to an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorCheck {
    /// How they stand to one another.
    pub standing: AnchorStanding,
    /// Entries of the ledger.
    pub entries: Sequence,
    /// Whether the seal is the vault's; none where that cannot be told.
    pub seal_fits: Option<bool>,
}

/// How a ledger stands to an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnchorStanding {
    /// The ledger has grown from it.
    Contained,
    /// The ledger ends before it: it was rolled back.
    Shorter,
    /// The ledger has something else in that place: it was rolled back and has grown since.
    Different,
    /// It is of another CA.
    OtherVault,
}

/// The last time that an anchor was found in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAnchorCheck {
    /// When.
    pub time: Timestamp,
    /// The place in the chain that it showed.
    pub sequence: Sequence,
}

/// A certificate that was issued just now.
#[derive(Debug, Serialize, Deserialize)]
pub struct Issued {
    /// Its number.
    pub number: u64,
    /// Whether it was shortened to the issuer's end.
    pub shortened: bool,
    /// What is handed out.
    pub bundle: Bundle,
}

/// What is handed out. The caller's process writes the files.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bundle {
    /// What its files are called, without an ending.
    pub stem: String,
    /// The certificate, and the intermediate ones after it, DER.
    pub chain: Vec<Vec<u8>>,
    /// The root, DER.
    pub root: Vec<u8>,
    /// What goes with a private key; none for a certificate authority or a request.
    pub key: Option<KeyMaterial>,
}

/// A private key in the forms people import it in.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyMaterial {
    /// PEM, in the clear.
    pub plain_pem: WireSecret,
    /// PKCS#12 with the chain and the root in it.
    pub pkcs12: Vec<u8>,
    /// The passphrase of the PKCS#12.
    pub passphrase: WireSecret,
}

/// What became of a revocation.
#[derive(Debug, Serialize, Deserialize)]
pub struct RevocationReply {
    /// The certificates that were revoked, in the order of their numbers.
    pub revoked: Vec<CertificateView>,
    /// What each gate did; empty where no service runs.
    pub cuts: Vec<Cut>,
    /// The CRL that tells of it; none where no service runs.
    pub crl: Option<Result<Crl, Refusal>>,
}

/// What one gate did about a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Which gate.
    pub gate: String,
    /// What it answered; none when it did not within a second.
    pub done: Option<Done>,
}

/// What a gate answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Whether the gate refuses what was revoked; one that trusts files of its own goes by their
    /// lists.
    pub enforced: bool,
    /// Connections that were cut.
    pub connections: u64,
    /// Microseconds from the event to the last socket closed.
    pub microseconds: u64,
    /// Connections that were not closed in time.
    pub left: u64,
}

/// A CRL that was signed just now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crl {
    /// The CRL, DER.
    pub der: Vec<u8>,
    /// Its number (RFC 5280 section 5.2.3).
    pub number: u64,
    /// How many certificates are on it.
    pub entries: u64,
    /// thisUpdate.
    pub this_update: Timestamp,
    /// nextUpdate.
    pub next_update: Timestamp,
}

/// What is known of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// The number people use.
    pub number: u64,
    /// Its serial number.
    pub serial: SerialNumber,
    /// The kind of certificate.
    pub kind: Kind,
    /// How far it has come.
    pub state: State,
    /// notBefore.
    pub not_before: Timestamp,
    /// notAfter.
    pub not_after: Timestamp,
    /// When and why it was revoked, or abandoned.
    pub revocation: Option<Revocation>,
    /// Where its private key is.
    pub key: KeyPlace,
    /// The certificate it follows.
    pub renews: Option<u64>,
    /// SHA-256 of the certificate; none before it is signed.
    pub sha256: Option<[u8; 32]>,
    /// The personal fields; none once they are erased.
    pub holder: Option<Holder>,
}

/// What kind of certificate it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Self-signed certificate authority.
    Root,
    /// Certificate authority under another.
    Issuing,
    /// TLS server.
    Server,
    /// TLS client.
    Client,
}

/// How far a certificate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// About to be signed.
    Intended,
    /// Signed.
    Issued,
    /// Intended before a crash; counts as revoked.
    Abandoned,
    /// Revoked.
    Revoked,
}

/// When and why a certificate was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Why; none when the code is not one of RFC 5280 section 5.3.1.
    pub reason: Option<Reason>,
}

/// Where a private key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyPlace {
    /// In the vault.
    Vault,
    /// A sealed copy is kept.
    Escrowed,
    /// A sealed copy was kept, and is deleted.
    Forgotten,
    /// Handed out; no copy was kept.
    HandedOut,
    /// With whoever sent the request.
    Requester,
}

/// The personal fields of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The whole subject, as text.
    pub subject: String,
    /// The common name.
    pub common_name: String,
    /// The host names and addresses.
    pub hosts: Vec<String>,
    /// Who holds it, in the administrator's words.
    pub person: Option<String>,
    /// On which device it is.
    pub device: Option<String>,
    /// Where the asking came from.
    pub source: Option<String>,
}

/// How a certificate stands at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In force.
    Valid,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// Revoked.
    Revoked,
    /// Intended before a crash; counts as revoked.
    Abandoned,
    /// Being signed.
    Intended,
}

impl CertificateView {
    /// How it stands at a time.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.state {
            State::Intended => Standing::Intended,
            State::Abandoned => Standing::Abandoned,
            State::Revoked => Standing::Revoked,
            State::Issued if now > self.not_after => Standing::Expired,
            State::Issued if now < self.not_before => Standing::NotYetValid,
            State::Issued => Standing::Valid,
        }
    }
}

/// A certificate that ends soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Its number.
    pub number: u64,
    /// Its common name; none once it is erased.
    pub common_name: Option<String>,
    /// The kind of certificate.
    pub kind: Kind,
    /// When it ends.
    pub not_after: Timestamp,
    /// The notice it has reached: 60, 30, 14, 7 or 1 days.
    pub step: u16,
}

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of the service.
    pub version: String,
    /// When the authority's process began.
    pub since: Timestamp,
    /// Whether the vault is open.
    pub unsealed: bool,
    /// The ledger's sequence.
    pub epoch: Sequence,
    /// Why the last write failed; none when one succeeded since.
    pub failed_write: Option<Refusal>,
    /// How the clock stands.
    pub clock: ClockStanding,
    /// When the certificate authority's certificate ends.
    pub authority_ends: Timestamp,
    /// The newest CRL; none before the first.
    pub crl: Option<CrlStatus>,
    /// The gates.
    pub gates: Vec<GateStatus>,
    /// How each process is confined, as far as it is known.
    pub processes: Vec<Confined>,
    /// The newest Landlock ABI of the kernel; none without Landlock.
    pub landlock_abi: Option<u32>,
    /// The certificates that end within 60 days, the first 100.
    pub ending: Vec<Ending>,
    /// How the ledger was last brought back from a backup, if it ever was.
    pub restoration: Option<Restoration>,
    /// When the last backup was begun that was written to its end.
    pub backed_up: Option<Timestamp>,
    /// When an anchor was last found in the ledger.
    pub anchor: Option<LastAnchorCheck>,
}

/// How the newest CRL stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrlStatus {
    /// Its number.
    pub number: u64,
    /// thisUpdate.
    pub this_update: Timestamp,
    /// nextUpdate.
    pub next_update: Timestamp,
    /// Whether everything that is revoked is on it.
    pub complete: bool,
}

/// How a gate stands, as the authority sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// Its name.
    pub gate: String,
    /// What it last reported; none before the first time.
    pub report: Option<GateReport>,
    /// Milliseconds since then.
    pub silent: u64,
}

/// The live connections of one gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateConnections {
    /// Its name.
    pub gate: String,
    /// The connections; none when it did not answer.
    pub connections: Option<Vec<LiveConnection>>,
}
