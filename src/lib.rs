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
//! | [`hardening`] | what confines each process, layer by layer; locked memory; the only room with `unsafe` | ground |
//! | [`pki`] | bytes and values: names, keys, certificates, requests, CRLs, PKCS#8, PKCS#12 | ground |
//! | [`vault`] | the CA keys, sealed; key slots that open them | ground, hardening, pki |
//! | [`ledger`] | hash-chained record of what happened, its indexes, erasable side tables | ground, pki |
//! | [`ca`] | prepare, lint, record the intent, sign, record; bundles | ground, hardening, pki, vault, ledger |
//! | [`revocation`] | revoking, and the CRLs that tell of it | ground, hardening, pki, vault, ledger, ca |
//! | [`authority`] | vault, ledger, ca and revocation behind one door | ground, hardening, pki, admission, vault, ledger, ca, revocation, door |
//! | [`admission`] | who may come in: one function, the chains verified so far, revocations | ground, pki |
//! | [`door`] | what may be asked of the authority, what it answers, what it tells the gates | ground, hardening, pki, admission |
//! | [`gate`] | the listener, TLS, the proxy, live connections | ground, hardening, pki, admission, door |
//! | [`publisher`] | the CRL over plain HTTP; metrics and health | ground, hardening, pki, admission, door |
//! | [`config`] | checked settings from the files people write | ground, hardening, pki, admission, door, gate, publisher |
//! | [`cli`] | the verbs, and the manual's front | all |

pub mod admission;
pub mod authority;
pub mod ca;
pub mod cli;
pub mod config;
pub mod door;
pub mod gate;
pub mod ground;
pub mod hardening;
pub mod ledger;
pub mod pki;
pub mod publisher;
pub mod revocation;
pub mod vault;
