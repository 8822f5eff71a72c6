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
//! | [`admission`] | who may come in: one function, the chains verified so far, revocations | ground, pki |
//! | [`gate`] | the listener, TLS, the proxy, and what it reads and logs | ground, hardening, pki, admission |
//! | [`config`] | checked settings from the files people write | the rooms' settings |
//! | [`cli`] | the verbs | all |

pub mod admission;
pub mod cli;
pub mod config;
pub mod gate;
pub mod ground;
pub mod hardening;
pub mod pki;
