//! Bytes and values: names, serial numbers, keys, certificates, certificate requests, revocation
//! lists, and the two private-key containers. Nothing here reads a clock, a file or the network;
//! only keys, salts and serial numbers draw on the random number generator.
//!
//! | file | holds | standard |
//! |---|---|---|
//! | [`algorithm`] | the one table of key and signature algorithms | RFC 5480, 8410, 8017 |
//! | [`name`] | names that go into certificates, and foreign names made readable | RFC 5280 4.1.2.4 |
//! | [`serial`] | serial numbers | RFC 5280 4.1.2.2 |
//! | [`key`] | private keys, and what can sign | RFC 5958 |
//! | [`certificate`] | reading certificates | RFC 5280 4 |
//! | [`issue`] | the certificate profiles, prepared first and signed once | RFC 5280 4 |
//! | [`request`] | reading certificate requests | RFC 2986 |
//! | [`revocation_list`] | writing and reading revocation lists | RFC 5280 5 |
//! | [`pkcs8`], [`pkcs12`] | private keys for people's browsers and programs | RFC 5958, 7292, 8018 |
//! | [`validity`] | times, and when an end is near | RFC 5280 4.1.2.5 |
//! | [`passphrase`] | passphrases for those, and how long to stretch them | RFC 8018 4 |
//! | `pbes2` | encryption under a passphrase | RFC 8018 6.2 |
//! | `pem` | the text form of all of them | RFC 7468 |
//! | `signed`, `extension` | what certificates, requests and lists have in common | RFC 5280 4.1, 4.2 |

#![forbid(unsafe_code)]

pub mod algorithm;
pub mod certificate;
mod extension;
pub mod issue;
pub mod key;
pub mod name;
pub mod passphrase;
mod pbes2;
mod pem;
pub mod pkcs12;
pub mod pkcs8;
pub mod request;
pub mod revocation_list;
pub mod serial;
mod signed;
#[cfg(test)]
pub(crate) mod specimen;
pub mod validity;

pub use algorithm::KeyAlgorithm;
pub use certificate::Certificate;
pub use key::{PrivateKey, Signer, key_identifier};
pub use name::{CommonName, DistinguishedName, SubjectAlternativeName};
pub use request::CertificateRequest;
pub use revocation_list::{Reason, RevocationList};
pub use serial::SerialNumber;
