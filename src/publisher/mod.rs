//! What anyone may fetch over plain HTTP: the CRL and the CA's certificate; and, for those who watch
//! over the service, its metrics and health.
//!
//! | file | holds |
//! |---|---|
//! | [`settings`] | where to publish |

#![forbid(unsafe_code)]

pub mod settings;

pub use settings::{LocalAddress, Settings};
