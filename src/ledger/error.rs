//! What can go wrong with the ledger.

use std::fmt;
use std::io;

use super::blocks::DamagedBlock;
use crate::ground::files::FileError;
use crate::ground::messages::Refusal;

/// Why the ledger could not be opened, read or written.
#[derive(Debug)]
pub enum LedgerError {
    /// An earlier write failed, and nothing more is written until the ledger is opened again.
    Interrupted,
    /// The file could not be used.
    File(FileError),
    /// Another process has it open.
    Busy,
    /// The disk is full; nothing of the transaction was written.
    DiskFull,
    /// The system refused to read or write.
    System(io::Error),
    /// A part of the file is not what was once written there.
    Damaged(String),
    /// An entry's link to the one before does not hold.
    ChainBroken {
        /// The entry's place in the chain.
        sequence: u64,
    },
    /// The chain was changed by somebody without the vault's key.
    HeadForged {
        /// The place of the last entry that was sealed.
        sequence: u64,
    },
    /// What is indexed of a certificate is not what the chain says.
    RecordDisagrees {
        /// The certificate's number.
        number: u64,
    },
    /// An index is not what the chain says.
    IndexDisagrees {
        /// Its name.
        table: String,
    },
    /// An event that cannot follow the ones before it.
    OutOfOrder {
        /// The entry's place in the chain.
        sequence: u64,
    },
    /// The form is of a later version of this program.
    UnknownVersion {
        /// The version found.
        found: u8,
    },
    /// The event is of a later version of this program.
    UnknownEvent {
        /// The kind found.
        found: u8,
    },
    /// Bytes that are not what they should be.
    Encoding,
    /// The random number generator failed.
    Random,
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => write!(f, "{}: {:?}", error.path.display(), error.problem),
            Self::Busy => f.write_str("another process has the ledger open"),
            Self::DiskFull => f.write_str("the disk is full"),
            Self::System(error) => write!(f, "the system refused: {error}"),
            Self::Damaged(what) => write!(f, "damaged: {what}"),
            Self::ChainBroken { sequence } => write!(f, "the chain is broken at entry {sequence}"),
            Self::HeadForged { sequence } => {
                write!(f, "the chain up to entry {sequence} is not what was sealed")
            }
            Self::RecordDisagrees { number } => {
                write!(f, "the record of certificate {number} is not what the chain says")
            }
            Self::IndexDisagrees { table } => {
                write!(f, "the index of {table} is not what the chain says")
            }
            Self::OutOfOrder { sequence } => {
                write!(f, "entry {sequence} cannot follow the ones before it")
            }
            Self::UnknownVersion { found } => write!(f, "version {found} is not known"),
            Self::UnknownEvent { found } => write!(f, "event kind {found} is not known"),
            Self::Interrupted => f.write_str("an earlier write failed"),
            Self::Encoding => f.write_str("bytes that are not what they should be"),
            Self::Random => f.write_str("the random number generator failed"),
        }
    }
}

impl std::error::Error for LedgerError {}

impl From<LedgerError> for Refusal {
    fn from(error: LedgerError) -> Self {
        let reason = error.to_string();
        match error {
            LedgerError::File(error) => error.into(),
            LedgerError::Busy => Self::LedgerBusy {},
            LedgerError::DiskFull => Self::DiskFull { path: "ledger".to_owned() },
            LedgerError::System(_) => Self::SystemRefused { reason },
            LedgerError::Interrupted => Self::LedgerInterrupted {},
            LedgerError::ChainBroken { .. }
            | LedgerError::HeadForged { .. }
            | LedgerError::RecordDisagrees { .. }
            | LedgerError::IndexDisagrees { .. } => Self::LedgerTampered { reason },
            LedgerError::Damaged(_) | LedgerError::OutOfOrder { .. } | LedgerError::Encoding => {
                Self::LedgerDamaged { reason }
            }
            LedgerError::UnknownVersion { found } | LedgerError::UnknownEvent { found } => {
                Self::NewerFormat { what: "ledger".to_owned(), version: found.to_string() }
            }
            LedgerError::Random => Self::CryptographyFailed {},
        }
    }
}

impl From<FileError> for LedgerError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<der::Error> for LedgerError {
    fn from(_: der::Error) -> Self {
        Self::Encoding
    }
}

impl From<io::Error> for LedgerError {
    fn from(error: io::Error) -> Self {
        if let Some(damaged) = error.get_ref().and_then(|e| e.downcast_ref::<DamagedBlock>()) {
            return Self::Damaged(damaged.to_string());
        }
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            // The store refers to blocks beyond the end only when the file was cut.
            io::ErrorKind::UnexpectedEof => Self::Damaged("the file is cut short".to_owned()),
            _ => Self::System(error),
        }
    }
}

impl From<redb::Error> for LedgerError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            redb::Error::DatabaseAlreadyOpen => Self::Busy,
            redb::Error::PreviousIo => Self::Interrupted,
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// The store's operations each have an error type of their own; all of them are `redb::Error`.
macro_rules! from_store {
    ($($kind:ty),*) => { $(
        impl From<$kind> for LedgerError {
            fn from(error: $kind) -> Self {
                redb::Error::from(error).into()
            }
        }
    )* };
}

from_store!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError
);
