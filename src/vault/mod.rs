//! The vault: the private keys of the certificate authorities, sealed under a data key that each
//! key slot can open. It holds nothing else.
//!
//! The file is replaced as a whole, and atomically. Every change counts the generation up; the
//! ledger is told of the file before it is written ([`NewFile`]), so that start-up can tell a
//! finished change from an unfinished one, and an old copy from the current vault.
//!
//! A change of slots makes a new data key: whoever had the old secret and an old copy keeps that
//! copy's secrets, but opens nothing newer. The data key before stays in the vault, sealed under
//! the new one, until the ledger's escrow is sealed anew ([`OpenVault::drop_retired_data_key`]).

#![forbid(unsafe_code)]

mod cipher;
mod error;
mod file;
mod shares;
mod slot;
pub mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};

pub use error::VaultError;
pub use shares::{LEAST_THRESHOLD, MOST_SHARES, Share, ShareCounts};
pub use slot::{SHORTEST_PASSPHRASE, SlotKind, SlotSecret, SlotSummary};

use crate::ground::files;
use crate::ground::secret::SecretBytes;
use crate::hardening::LockedKey;
use crate::pki::PrivateKey;
use cipher::{Place, Purpose, Sealed};
use file::{Body, Record, RecordKind};
use slot::Slot;

/// A vault file as it lies on the disk: everything but its secrets.
pub struct SealedVault {
    body: Body,
    sha256: [u8; 32],
}

/// An open vault.
pub struct OpenVault {
    body: Body,
    data_key: DataKey,
    retired: Option<DataKey>,
    authority_keys: BTreeMap<u64, PrivateKey>,
}

/// A data key and the generation that made it.
struct DataKey {
    id: u64,
    key: LockedKey,
}

/// A vault file that is not written yet. The ledger is told of it first.
pub struct NewFile {
    bytes: Vec<u8>,
    generation: u64,
}

/// A private key as it lies in the ledger's side table.
#[derive(Sequence)]
struct EscrowedKey {
    version: u8,
    data_key: u64,
    sealed: Sealed,
}

/// Version of the escrowed key's form.
const ESCROW_VERSION: u8 = 1;
const ESCROW: &[u8] = b"escrow";
const AUTHORITY_KEY: &[u8] = b"authority key";
const RETIRED: &[u8] = b"retired data key";

impl SealedVault {
    /// Reads a vault file: ours, closed to others, undamaged.
    ///
    /// # Errors
    /// `File`, `NotAVault`, `Truncated`, `Damaged`, `UnknownVersion`, `CostsOutOfBounds`.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        Self::from_bytes(files::read_secret(path, file::LARGEST)?.expose())
    }

    /// A vault from the octets of its file.
    ///
    /// # Errors
    /// As [`SealedVault::read`], but `File`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        Ok(Self { body: Body::from_file(bytes)?, sha256: sha256(bytes) })
    }

    /// The slots of the vault at a path, also for root, whose vault it need not be.
    ///
    /// # Errors
    /// As [`SealedVault::read`].
    pub fn slots_at(path: &Path) -> Result<Vec<SlotSummary>, VaultError> {
        let bytes = files::read_secret_of_service(path, file::LARGEST)?;
        Self::from_bytes(bytes.expose()).map(|vault| vault.slots())
    }

    /// The name of the vault at a path as its shares show it, eight digits; also for root, whose vault
    /// it need not be.
    ///
    /// # Errors
    /// As [`SealedVault::read`].
    pub fn mark_at(path: &Path) -> Result<String, VaultError> {
        let bytes = files::read_secret_of_service(path, file::LARGEST)?;
        Self::from_bytes(bytes.expose())
            .map(|vault| shares::vault_mark(vault.body.vault.as_bytes()))
    }

    /// The octets of the file at a path, for a copy of it; they are a vault.
    ///
    /// # Errors
    /// As [`SealedVault::read`].
    pub fn read_bytes(path: &Path) -> Result<SecretBytes, VaultError> {
        let bytes = files::read_secret(path, file::LARGEST)?;
        Self::from_bytes(bytes.expose()).map(|_| bytes)
    }

    /// 16 random octets that name this vault for as long as it lives.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        self.body.vault.as_bytes()
    }

    /// Counts the changes of the vault, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.body.generation
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// What anyone may know of the slots.
    #[must_use]
    pub fn slots(&self) -> Vec<SlotSummary> {
        summaries(&self.body.slots)
    }

    /// Opens the vault with a secret; every slot of its kind is tried.
    ///
    /// # Errors
    /// `WrongSecret`, `NoSlotOfKind`, `RecoveryCodeMistyped`, `ShareOfAnotherVault`,
    /// `SharesTooFew`, `Damaged`.
    pub fn open(&self, secret: &SlotSecret) -> Result<OpenVault, VaultError> {
        let body = self.body.clone();
        let vault = body.vault.as_bytes();
        if let SlotSecret::Shares(shares) = secret {
            shares::check_vault(shares, vault)?;
        }
        let mut refused = VaultError::NoSlotOfKind;
        for slot in body.slots.iter().filter(|slot| slot.kind == secret.kind()) {
            if let Some(key) = slot.open(vault, secret)? {
                return OpenVault::from_parts(body.clone(), DataKey { id: body.data_key, key });
            }
            refused = VaultError::WrongSecret { kind: secret.kind() };
        }
        Err(refused)
    }
}

impl OpenVault {
    /// A new vault without slots or keys. It is written only once it has a slot.
    ///
    /// # Errors
    /// The random number generator failed.
    pub fn create() -> Result<Self, VaultError> {
        let mut name = [0_u8; 16];
        aws_lc_rs::rand::fill(&mut name).map_err(|_| VaultError::Random)?;
        let vault = OctetString::new(name.as_slice())?;
        let (slots, records) = (Vec::new(), Vec::new());
        let version = file::VERSION;
        Ok(Self {
            body: Body { version, vault, generation: 0, data_key: 1, slots, records },
            data_key: DataKey::generate(1)?,
            retired: None,
            authority_keys: BTreeMap::new(),
        })
    }

    fn from_parts(body: Body, data_key: DataKey) -> Result<Self, VaultError> {
        let vault = body.vault.as_bytes();
        let mut retired = None;
        let mut authority_keys = BTreeMap::new();
        for record in &body.records {
            let secret = data_key.open_record(vault, record)?;
            match record.kind {
                RecordKind::AuthorityKey => {
                    let key = PrivateKey::from_pkcs8(&secret).map_err(|_| VaultError::Damaged)?;
                    authority_keys.insert(record.id, key);
                }
                RecordKind::RetiredDataKey => {
                    let key = LockedKey::copy_of(secret.expose()).ok_or(VaultError::Damaged)?;
                    retired = Some(DataKey { id: record.id, key });
                }
            }
        }
        Ok(Self { body, data_key, retired, authority_keys })
    }

    /// What anyone may know of the slots.
    #[must_use]
    pub fn slots(&self) -> Vec<SlotSummary> {
        summaries(&self.body.slots)
    }

    /// The private key of a certificate authority.
    ///
    /// # Errors
    /// `NoSuchKey`.
    pub fn authority_key(&self, number: u64) -> Result<&PrivateKey, VaultError> {
        self.authority_keys.get(&number).ok_or(VaultError::NoSuchKey { number })
    }

    /// Adds the private key of a certificate authority.
    ///
    /// # Errors
    /// `Random` or `Cryptography`.
    pub fn add_authority_key(&mut self, number: u64, key: PrivateKey) -> Result<(), VaultError> {
        let pkcs8 = key.pkcs8().map_err(|_| VaultError::Cryptography)?;
        let vault = self.body.vault.as_bytes();
        let sealed = self.data_key.seal_record(vault, RecordKind::AuthorityKey, number, &pkcs8)?;
        self.body.records.push(sealed);
        self.authority_keys.insert(number, key);
        Ok(())
    }

    /// Adds a slot that shares open, around the same data key, in place of the one before. Returns
    /// the shares.
    ///
    /// # Errors
    /// `ShareCounts`, `Random`.
    pub fn add_shares(&mut self, counts: ShareCounts) -> Result<Vec<Share>, VaultError> {
        let id = self.next_slot();
        let vault = self.body.vault.as_bytes();
        let (slot, shares) = Slot::shared(vault, id, counts, &self.data_key.key)?;
        self.body.slots.retain(|slot| slot.kind != SlotKind::Shares);
        self.body.slots.push(slot);
        Ok(shares)
    }

    fn next_slot(&self) -> u64 {
        self.body.slots.iter().map(|slot| slot.id).max().unwrap_or(0) + 1
    }

    /// Adds a slot around the same data key. Returns its number.
    ///
    /// # Errors
    /// `PassphraseTooShort`, `Random`, `KeyFileTooShort`.
    pub fn add_slot(&mut self, secret: &SlotSecret) -> Result<u64, VaultError> {
        let id = self.next_slot();
        let vault = self.body.vault.as_bytes();
        let slot = Slot::new(vault, id, secret, &self.data_key.key)?;
        self.body.slots.push(slot);
        Ok(id)
    }

    /// Removes a slot but keeps the data key: whoever kept that slot's secret and a copy of this
    /// file can still open what is sealed later. [`OpenVault::replace_slots`] does not leave that.
    ///
    /// # Errors
    /// `NoSuchSlot`, `LastSlot`.
    pub fn remove_slot_keeping_data_key(&mut self, slot: u64) -> Result<(), VaultError> {
        if !self.body.slots.iter().any(|each| each.id == slot) {
            return Err(VaultError::NoSuchSlot { slot });
        }
        if self.body.slots.len() == 1 {
            return Err(VaultError::LastSlot);
        }
        self.body.slots.retain(|each| each.id != slot);
        Ok(())
    }

    /// Makes a new data key with new slots for these secrets, and seals every key anew. All other
    /// slots are gone. The data key before is kept, sealed, until
    /// [`OpenVault::drop_retired_data_key`].
    ///
    /// # Errors
    /// `LastSlot` without a secret, `Random`, `KeyFileTooShort`.
    pub fn replace_slots(&mut self, secrets: &[SlotSecret]) -> Result<(), VaultError> {
        if secrets.is_empty() {
            return Err(VaultError::LastSlot);
        }
        let vault = self.body.vault.as_bytes();
        let fresh = DataKey::generate(self.body.generation + 1)?;
        let mut slots = Vec::with_capacity(secrets.len());
        for (id, secret) in (1..).zip(secrets) {
            slots.push(Slot::new(vault, id, secret, &fresh.key)?);
        }
        let mut records = Vec::with_capacity(self.body.records.len() + 1);
        for (number, key) in &self.authority_keys {
            let kind = RecordKind::AuthorityKey;
            let pkcs8 = key.pkcs8().map_err(|_| VaultError::Cryptography)?;
            records.push(fresh.seal_record(vault, kind, *number, &pkcs8)?);
        }
        let old = SecretBytes::copy_of(self.data_key.key.expose());
        records.push(fresh.seal_record(
            vault,
            RecordKind::RetiredDataKey,
            self.data_key.id,
            &old,
        )?);
        self.body.data_key = fresh.id;
        self.body.slots = slots;
        self.body.records = records;
        self.retired = Some(std::mem::replace(&mut self.data_key, fresh));
        Ok(())
    }

    /// Whether a data key before this one is still kept.
    #[must_use]
    pub fn has_retired_data_key(&self) -> bool {
        self.retired.is_some()
    }

    /// Forgets the data key before this one, once nothing is sealed under it any more.
    pub fn drop_retired_data_key(&mut self) {
        self.body.records.retain(|record| record.kind != RecordKind::RetiredDataKey);
        self.retired = None;
    }

    /// Seals a certificate's private key for the ledger's side table.
    ///
    /// # Errors
    /// `Random` or `Cryptography`.
    pub fn seal_escrow(&self, number: u64, pkcs8: &SecretBytes) -> Result<Vec<u8>, VaultError> {
        let vault = self.body.vault.as_bytes();
        let key = cipher::derive(&self.data_key.key, vault, Purpose::Escrow)?;
        let place = Place { vault, kind: ESCROW, id: number };
        let sealed = cipher::seal(&key, &place, pkcs8.expose())?;
        let escrowed = EscrowedKey { version: ESCROW_VERSION, data_key: self.data_key.id, sealed };
        Ok(escrowed.to_der()?)
    }

    /// Opens a certificate's private key from the ledger's side table.
    ///
    /// # Errors
    /// `Damaged` when it was not sealed by this vault for this certificate.
    pub fn open_escrow(&self, number: u64, sealed: &[u8]) -> Result<SecretBytes, VaultError> {
        let escrowed = EscrowedKey::from_der(sealed)?;
        if escrowed.version != ESCROW_VERSION {
            return Err(VaultError::UnknownVersion { found: escrowed.version });
        }
        let data_key =
            self.data_keys().find(|key| key.id == escrowed.data_key).ok_or(VaultError::Damaged)?;
        let vault = self.body.vault.as_bytes();
        let key = cipher::derive(&data_key.key, vault, Purpose::Escrow)?;
        let place = Place { vault, kind: ESCROW, id: number };
        cipher::open(&key, &place, &escrowed.sealed)?.ok_or(VaultError::Damaged)
    }

    /// The keys that seal the ledger's head: the current one first, then the one before.
    ///
    /// # Errors
    /// `Cryptography`.
    pub fn ledger_head_keys(&self) -> Result<Vec<(u64, SecretBytes)>, VaultError> {
        let vault = self.body.vault.as_bytes();
        self.data_keys()
            .map(|data_key| {
                let key = cipher::derive(&data_key.key, vault, Purpose::LedgerHead)?;
                Ok((data_key.id, SecretBytes::copy_of(key.expose())))
            })
            .collect()
    }

    /// The next file: the current content under the next generation. It is written with
    /// [`NewFile::write`] once the ledger knows of it.
    ///
    /// # Errors
    /// `LastSlot` when nothing could open it.
    pub fn next_file(&mut self) -> Result<NewFile, VaultError> {
        if self.body.slots.is_empty() {
            return Err(VaultError::LastSlot);
        }
        self.body.generation += 1;
        Ok(NewFile { bytes: self.body.to_file()?, generation: self.body.generation })
    }

    fn data_keys(&self) -> impl Iterator<Item = &DataKey> {
        std::iter::once(&self.data_key).chain(&self.retired)
    }
}

impl NewFile {
    /// The generation it will be.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.bytes)
    }

    /// Replaces the vault file, all or nothing.
    ///
    /// # Errors
    /// `File`; the old file is untouched then.
    pub fn write(self, path: &Path) -> Result<(), VaultError> {
        Ok(files::write_atomic(path, &self.bytes, files::PRIVATE)?)
    }
}

impl DataKey {
    fn generate(id: u64) -> Result<Self, VaultError> {
        Ok(Self { id, key: LockedKey::generate().map_err(|_| VaultError::Random)? })
    }

    fn seal_record(
        &self,
        vault: &[u8],
        kind: RecordKind,
        id: u64,
        secret: &SecretBytes,
    ) -> Result<Record, VaultError> {
        let (purpose, place) = record_place(vault, kind, id);
        let key = cipher::derive(&self.key, vault, purpose)?;
        Ok(Record { kind, id, sealed: cipher::seal(&key, &place, secret.expose())? })
    }

    fn open_record(&self, vault: &[u8], record: &Record) -> Result<SecretBytes, VaultError> {
        let (purpose, place) = record_place(vault, record.kind, record.id);
        let key = cipher::derive(&self.key, vault, purpose)?;
        cipher::open(&key, &place, &record.sealed)?.ok_or(VaultError::Damaged)
    }
}

fn record_place(vault: &[u8], kind: RecordKind, id: u64) -> (Purpose, Place<'_>) {
    match kind {
        RecordKind::AuthorityKey => {
            (Purpose::AuthorityKeys, Place { vault, kind: AUTHORITY_KEY, id })
        }
        RecordKind::RetiredDataKey => (Purpose::RetiredDataKey, Place { vault, kind: RETIRED, id }),
    }
}

fn summaries(slots: &[Slot]) -> Vec<SlotSummary> {
    slots
        .iter()
        .map(|slot| SlotSummary { id: slot.id, kind: slot.kind, shares: slot.shares })
        .collect()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}
