//! Who may come in: one function, [`admit`], and only it makes an [`Admitted`].
//!
//! Signatures decide and names prove nothing: a chain is verified to the current trust anchors, or
//! its hash stands in the cache of chains that were. Revocation is judged on top of that every
//! time, from an index of our own, since a resumed TLS session calls no verifier at all.

#![forbid(unsafe_code)]

mod admit;
mod chain;
mod ledger_status;
mod policy;
mod revocations;
mod serial_index;

pub use admit::{Admitted, Epoch, Refusal, admit, admit_again, would_admit};
pub use chain::{CertificateId, ChainKey, VerifiedChain, has_accepted_key};
pub use ledger_status::{LedgerStatus, UnknownIssuer};
pub use policy::{Policy, StatusSource, TrustAnchorError, TrustAnchors};
pub use revocations::Revocations;
pub use serial_index::SerialIndex;

#[cfg(test)]
mod tests;
