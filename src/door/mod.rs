//! The one door to the authority: what may be asked of it, what it answers, and what it tells those
//! who serve.
//!
//! | file | holds |
//! |---|---|
//! | [`feed`] | events to the gates and the publisher, and their answers |
//! | `secret` | secret bytes inside messages |

#![forbid(unsafe_code)]

pub mod feed;
mod secret;

pub use secret::WireSecret;
