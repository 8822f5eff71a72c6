//! The sentences that are no refusals.
//!
//! | file | holds what is said |
//! |---|---|
//! | `pages` | to visitors, in pages |
//! | `command_line` | of commands and their results |
//! | `vault` | of shares of the vault |
//! | `service` | of the running service, its status and its processes |
//! | `backup` | of backups, restoring and anchors |
//! | `guideline` | of a configuration that is held against a guideline |
//!
//! Each file is a macro that hands its part on to the next; the last makes one enum of them all.

#[macro_use]
mod backup;
#[macro_use]
mod command_line;
#[macro_use]
mod guideline;
#[macro_use]
mod pages;
#[macro_use]
mod service;
#[macro_use]
mod vault;

pages! { [command_line vault service backup guideline texts] }
