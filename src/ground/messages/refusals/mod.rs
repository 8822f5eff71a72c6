//! The refusals: what is wrong and why, then what to do next.
//!
//! | file | holds what is said |
//! |---|---|
//! | `files` | of files, folders and disks |
//! | `certificates` | of names, certificates, requests, keys and revocation lists |
//! | `authority` | of the CA, its ledger, its vault and its clock |
//! | `backup` | of backups, restoring and anchors |
//! | `command_line` | of words that were typed |
//! | `configuration` | of configuration files |
//! | `gate` | of gates, their applications and the publisher |
//! | `service` | of the running service and its processes |
//!
//! Each file is a macro that hands its part on to the next; the last makes one enum of them all.

#[macro_use]
mod authority;
#[macro_use]
mod backup;
#[macro_use]
mod certificates;
#[macro_use]
mod command_line;
#[macro_use]
mod configuration;
#[macro_use]
mod files;
#[macro_use]
mod gate;
#[macro_use]
mod service;

use crate::ground::files::{FileError, FileProblem};
use crate::ground::untrusted::Untrusted;

files! { [certificates authority backup command_line configuration gate service refusals] }

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        let path = Untrusted(&error.path.to_string_lossy()).to_string();
        match error.problem {
            FileProblem::Missing => Self::FileMissing { path },
            FileProblem::Exists => Self::FileExists { path },
            FileProblem::SymbolicLink => Self::FileIsSymbolicLink { path },
            FileProblem::NotAFile => Self::FileIsNotAFile { path },
            FileProblem::NotAFolder => Self::FileIsNotAFolder { path },
            FileProblem::ForeignOwner { owner } => {
                Self::FileOfAnotherUser { path, owner: owner.to_string() }
            }
            FileProblem::LooseMode { mode } => {
                Self::FileModeTooOpen { path, mode: format!("{mode:04o}") }
            }
            FileProblem::TooLarge { limit } => {
                Self::FileTooLarge { path, limit: limit.to_string() }
            }
            FileProblem::DiskFull => Self::DiskFull { path },
            FileProblem::Denied => Self::FileDenied { path },
            FileProblem::DeniedToService => Self::ServiceFileDenied { path },
            FileProblem::System(number) => Self::FileSystemError {
                path,
                reason: std::io::Error::from_raw_os_error(number).to_string(),
            },
        }
    }
}
