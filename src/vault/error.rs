//! What can go wrong with the vault.

use crate::ground::files::FileError;

/// Why the vault could not be read, opened or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultError {
    /// The file could not be used.
    File(FileError),
    /// The file does not begin as a vault does.
    NotAVault,
    /// The file ends too early.
    Truncated,
    /// The file is whole, but not what was written.
    Damaged,
    /// The file is of a later version of this program.
    UnknownVersion {
        /// The version found.
        found: u8,
    },
    /// A slot asks for more, or for less, work and memory than any version of this program writes.
    CostsOutOfBounds {
        /// The slot's number.
        slot: u64,
    },
    /// The secret opens no slot.
    WrongSecret,
    /// There is no slot of the kind this secret is for.
    NoSlotOfKind,
    /// The recovery code has a typing error: its checksum does not fit.
    RecoveryCodeMistyped,
    /// The key file has fewer than 32 octets.
    KeyFileTooShort,
    /// There is no such slot.
    NoSuchSlot {
        /// The slot's number.
        slot: u64,
    },
    /// The last slot cannot be removed.
    LastSlot,
    /// There is no such certificate authority key in the vault.
    NoSuchKey {
        /// The certificate's number.
        number: u64,
    },
    /// The random number generator failed.
    Random,
    /// The cryptographic library refused what it accepts by its own documentation.
    Cryptography,
}

impl From<FileError> for VaultError {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl From<der::Error> for VaultError {
    fn from(_: der::Error) -> Self {
        Self::Damaged
    }
}
