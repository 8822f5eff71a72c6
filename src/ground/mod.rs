//! What everything stands on: time, secrets, files, text from outside, and the words we use.

#![forbid(unsafe_code)]

pub mod access;
pub mod clock;
pub mod files;
pub mod messages;
pub mod secret;
pub mod untrusted;
