//! Sekisho (関所): a private CA, an encrypted key vault, revocation, and the mutual-TLS gate
//! that stands in front of a web application, in one static binary.
//!
//! # The house
//!
//! Each room may use only the rooms named after it, also transitively;
//! `tests/architecture.rs` holds this table.
//!
//! | room | holds | may use |
//! |---|---|---|
//! | [`ground`] | clock, secret bytes, checked files, `Untrusted` text, the message catalogue | nothing of ours |
//! | [`hardening`] | process limits, locked memory; the only room with `unsafe` | ground |
//! | [`pki`] | bytes and values: names, keys, certificates, requests, CRLs, PKCS#8, PKCS#12 | ground |
//! | [`vault`] | the CA keys, sealed; key slots that open them | ground, hardening, pki |
//! | [`ledger`] | hash-chained record of what happened, its indexes, erasable side tables | ground, pki |
//! | [`ca`] | prepare, lint, record the intent, sign, record; bundles | ground, pki, vault, ledger |
//! | [`revocation`] | revoking, and the CRLs that tell of it | ground, pki, vault, ledger, ca |
//! | [`authority`] | vault, ledger, ca and revocation behind one door | the above |

pub mod authority;
pub mod ca;
pub mod ground;
pub mod hardening;
pub mod ledger;
pub mod pki;
pub mod revocation;
pub mod vault;
