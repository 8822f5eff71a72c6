//! What can go wrong with the vault.

use super::{LEAST_THRESHOLD, MOST_SHARES, SlotKind};
use crate::ground::files::FileError;
use crate::ground::messages::Refusal;

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
    /// The secret opens no slot of its kind.
    WrongSecret {
        /// The kind.
        kind: SlotKind,
    },
    /// There is no slot of the kind this secret is for.
    NoSlotOfKind,
    /// The recovery code has a typing error: its checksum does not fit.
    RecoveryCodeMistyped,
    /// The key file has fewer than 32 octets.
    KeyFileTooShort,
    /// A new passphrase has fewer characters than it must.
    PassphraseTooShort {
        /// Characters at least.
        least: usize,
    },
    /// So many shares are not made: 2 or more needed, and 16 at most.
    ShareCounts,
    /// The share has a typing error, or is none.
    ShareMistyped,
    /// The share is of another vault.
    ShareOfAnotherVault {
        /// The vault it is of.
        found: String,
        /// This vault.
        vault: String,
    },
    /// More shares are needed.
    SharesTooFew {
        /// Different shares that are there.
        given: u8,
        /// Shares that are needed.
        needed: u8,
    },
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

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::File(error) => error.into(),
            VaultError::NotAVault => Self::NotAVault {},
            VaultError::Truncated => Self::VaultTruncated {},
            VaultError::Damaged => Self::VaultDamaged {},
            VaultError::UnknownVersion { found } => {
                Self::NewerFormat { what: "vault".to_owned(), version: found.to_string() }
            }
            VaultError::CostsOutOfBounds { slot } => Self::VaultCosts { slot: slot.to_string() },
            VaultError::WrongSecret { kind: SlotKind::Passphrase } => Self::WrongPassphrase {},
            VaultError::WrongSecret { kind: SlotKind::RecoveryCode } => Self::WrongRecoveryCode {},
            VaultError::WrongSecret { kind: SlotKind::KeyFile } => Self::WrongKeyFile {},
            VaultError::WrongSecret { kind: SlotKind::Shares } => Self::WrongShares {},
            VaultError::PassphraseTooShort { least } => {
                Self::PassphraseTooShort { least: least.to_string() }
            }
            VaultError::ShareCounts => Self::ShareCounts {
                least: LEAST_THRESHOLD.to_string(),
                most: MOST_SHARES.to_string(),
            },
            VaultError::ShareMistyped => Self::ShareMistyped {},
            VaultError::ShareOfAnotherVault { found, vault } => {
                Self::ShareOfAnotherVault { found, vault }
            }
            VaultError::SharesTooFew { given, needed } => {
                Self::SharesTooFew { given: given.to_string(), needed: needed.to_string() }
            }
            VaultError::NoSlotOfKind => Self::NoSlotOfKind {},
            VaultError::RecoveryCodeMistyped => Self::RecoveryCodeMistyped {},
            VaultError::KeyFileTooShort => Self::KeyFileTooShort {},
            VaultError::NoSuchSlot { slot } => Self::NoSuchSlot { slot: slot.to_string() },
            VaultError::LastSlot => Self::LastSlot {},
            VaultError::NoSuchKey { .. } => Self::NoCertificateAuthority {},
            VaultError::Random | VaultError::Cryptography => Self::CryptographyFailed {},
        }
    }
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
