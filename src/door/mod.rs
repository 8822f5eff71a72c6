//! The one door to the authority: what may be asked of it, what it answers, and what it tells those
//! who serve.
//!
//! | file | holds |
//! |---|---|
//! | [`command`], [`reply`] | commands and what is answered to them |
//! | [`client`] | asking: over the control socket, or in this process |
//! | [`descriptors`] | sockets on their way to a process that opens none |
//! | [`feed`] | events to the gates and the publisher, and their answers |
//! | [`figures`] | what a gate counts, for the publisher |
//! | [`frame`] | messages on a stream |
//! | [`opening`] | how the process of a role begins |
//! | `secret` | secret octets inside messages |

#![forbid(unsafe_code)]

pub mod client;
pub mod command;
pub mod descriptors;
pub mod feed;
pub mod figures;
pub mod frame;
pub mod opening;
pub mod reply;
mod secret;

pub use client::{Door, Handler};
pub use secret::WireSecret;
