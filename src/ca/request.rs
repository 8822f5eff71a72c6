//! What is asked of the CA.

use crate::ledger::Digest;
use crate::pki::request::CertificateRequest;
use crate::pki::{DistinguishedName, KeyAlgorithm, SubjectAlternativeName};

/// One certificate, as it is asked for.
pub struct IssueRequest {
    /// Who it is for.
    pub subject: DistinguishedName,
    /// What it is for.
    pub purpose: Purpose,
    /// How long it lasts.
    pub validity: Validity,
    /// Where its key comes from.
    pub key: KeySource,
    /// Who holds it, in the administrator's words.
    pub person: Option<String>,
    /// On which device it is.
    pub device: Option<String>,
    /// Where the asking came from, such as a file and its line.
    pub source: Option<String>,
    /// Names the asking, so that asking twice is found.
    pub request: Option<Digest>,
}

/// What a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A TLS server under these names; at least one.
    Server(Vec<SubjectAlternativeName>),
    /// A TLS client.
    Client,
}

/// How long a certificate lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Days from now.
    pub days: u32,
    /// Whether it is shortened to the issuer's end instead of refused, as `orca-catool` does.
    pub shorten: bool,
}

/// Where a certificate's key comes from.
pub enum KeySource {
    /// It is made here.
    Generate {
        /// The key's algorithm.
        algorithm: KeyAlgorithm,
        /// Whether a sealed copy is kept, so that the bundle can be exported again.
        escrow: bool,
    },
    /// The holder has it, and sent a request signed with it.
    Requested(Box<CertificateRequest>),
}
