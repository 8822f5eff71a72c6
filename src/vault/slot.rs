//! Key slots: each opens the vault's data key with a secret of its own.
//!
//! | kind | secret | key derivation |
//! |---|---|---|
//! | passphrase | what a person types | Argon2id (RFC 9106 section 4, second choice: 64 MiB, 3 passes, 4 lanes), 16-octet salt |
//! | recovery code | 136 random bits and a 24-bit checksum, on paper | HKDF: the secret is random already |
//! | key file | 256 random bits in a file | HKDF |
//! | shares | 136 random bits, of which each share is a part (see [`super::shares`]) | HKDF |
//!
//! AES-256-GCM-SIV does not commit to its key, so a slot carries a commitment as well: a value
//! derived from the slot's key, compared before the data key is opened.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf;
use data_encoding::{Encoding, Specification};
use der::asn1::OctetString;
use der::{Enumerated, Sequence};
use zeroize::{Zeroize, Zeroizing};

use super::VaultError;
use super::cipher::{self, Place, Purpose, Sealed};
use super::shares::{self, Share, ShareCounts};
use crate::ground::secret::{Passphrase, SecretBytes};
use crate::hardening::LockedKey;

/// A secret that opens a slot, or that a new slot is made for.
pub enum SlotSecret {
    /// What a person types.
    Passphrase(Passphrase),
    /// The code on paper, as typed: case, spaces and dashes do not matter.
    RecoveryCode(Passphrase),
    /// The bytes of a key file.
    KeyFile(SecretBytes),
    /// Shares, in any order. A new slot for shares is made with [`Slot::shared`] only.
    Shares(Vec<Share>),
}

/// The kind of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub enum SlotKind {
    /// Opened by a passphrase.
    Passphrase = 1,
    /// Opened by a recovery code.
    RecoveryCode = 2,
    /// Opened by a key file.
    KeyFile = 3,
    /// Opened by some of the shares of a set.
    Shares = 4,
}

/// What anyone may know of a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSummary {
    /// Its number, which commands use.
    pub id: u64,
    /// Its kind.
    pub kind: SlotKind,
    /// How many shares there are, and how many are needed, for one of shares.
    pub shares: Option<ShareCounts>,
}

/// Argon2id's costs, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Sequence)]
pub(super) struct Costs {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A slot as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Slot {
    pub(super) id: u64,
    pub(super) kind: SlotKind,
    salt: OctetString,
    commitment: OctetString,
    data_key: Sealed,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    costs: Option<Costs>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) shares: Option<ShareCounts>,
}

/// The costs of every new slot: RFC 9106 section 4, the second recommended choice.
pub(super) const COSTS: Costs = Costs { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// The highest costs a file may ask for; checked before any memory is taken.
const HIGHEST: Costs = Costs { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };
/// Octets of a salt.
pub(super) const SALT: usize = 16;
/// The associated data's kind of a wrapped data key.
const WRAPPED: &[u8] = b"slot";

impl Slot {
    /// A slot for a secret, around a data key.
    pub(super) fn new(
        vault: &[u8],
        id: u64,
        secret: &SlotSecret,
        data_key: &LockedKey,
    ) -> Result<Self, VaultError> {
        if let SlotSecret::Passphrase(passphrase) = secret
            && passphrase.expose().chars().count() < SHORTEST_PASSPHRASE
        {
            return Err(VaultError::PassphraseTooShort { least: SHORTEST_PASSPHRASE });
        }
        let salt = new_salt()?;
        let costs = (secret.kind() == SlotKind::Passphrase).then_some(COSTS);
        // A salt nobody made shares for: no shares come through here.
        let slot_key =
            secret.stretch(&salt, costs)?.ok_or(VaultError::WrongSecret { kind: secret.kind() })?;
        let lock = Lock { vault, id, kind: secret.kind(), salt, slot_key };
        Ok(Self { costs, ..lock.around(data_key)? })
    }

    /// A slot that shares open, around a data key; and the shares.
    pub(super) fn shared(
        vault: &[u8],
        id: u64,
        counts: ShareCounts,
        data_key: &LockedKey,
    ) -> Result<(Self, Vec<Share>), VaultError> {
        let salt = new_salt()?;
        let (secret, made) = shares::make(vault, &salt, counts)?;
        let slot_key = extract(&secret, &salt)?;
        let lock = Lock { vault, id, kind: SlotKind::Shares, salt, slot_key };
        Ok((Self { shares: Some(counts), ..lock.around(data_key)? }, made))
    }

    /// The data key; `None` when the secret is not this slot's.
    pub(super) fn open(
        &self,
        vault: &[u8],
        secret: &SlotSecret,
    ) -> Result<Option<LockedKey>, VaultError> {
        let salt = self.salt.as_bytes();
        let Some(slot_key) = secret.stretch(salt, self.costs)? else { return Ok(None) };
        let commitment = cipher::derive(&slot_key, salt, Purpose::SlotCommitment)?;
        if verify_slices_are_equal(commitment.expose(), self.commitment.as_bytes()).is_err() {
            return Ok(None);
        }
        let wrap = cipher::derive(&slot_key, salt, Purpose::SlotWrap)?;
        let place = Place { vault, kind: WRAPPED, id: self.id };
        // The commitment proved the secret right: what does not open now is damaged.
        let opened = cipher::open(&wrap, &place, &self.data_key)?.ok_or(VaultError::Damaged)?;
        LockedKey::copy_of(opened.expose()).map(Some).ok_or(VaultError::Damaged)
    }

    /// Refuses what no version of this program writes, before anything is computed from it.
    pub(super) fn check(&self) -> Result<(), VaultError> {
        let bounded = match (self.kind, self.costs) {
            (SlotKind::Passphrase, Some(costs)) => costs.are_bounded(),
            (SlotKind::RecoveryCode | SlotKind::KeyFile, None) => true,
            (SlotKind::Shares, None) => true,
            _ => false,
        };
        let counted = match (self.kind, self.shares) {
            (SlotKind::Shares, Some(counts)) => counts.are_legal(),
            (kind, None) => kind != SlotKind::Shares,
            _ => false,
        };
        if bounded && counted && self.salt.as_bytes().len() >= SALT {
            Ok(())
        } else {
            Err(VaultError::CostsOutOfBounds { slot: self.id })
        }
    }
}

impl Costs {
    /// Whether they are such as this program writes; asked before any memory is taken.
    pub(super) fn are_bounded(self) -> bool {
        (COSTS.memory_kib..=HIGHEST.memory_kib).contains(&self.memory_kib)
            && (COSTS.passes..=HIGHEST.passes).contains(&self.passes)
            && (1..=HIGHEST.lanes).contains(&self.lanes)
    }
}

/// What a new slot is made of.
struct Lock<'a> {
    vault: &'a [u8],
    id: u64,
    kind: SlotKind,
    salt: [u8; SALT],
    slot_key: LockedKey,
}

impl Lock<'_> {
    fn around(&self, data_key: &LockedKey) -> Result<Slot, VaultError> {
        let commitment = cipher::derive(&self.slot_key, &self.salt, Purpose::SlotCommitment)?;
        let wrap = cipher::derive(&self.slot_key, &self.salt, Purpose::SlotWrap)?;
        let place = Place { vault: self.vault, kind: WRAPPED, id: self.id };
        Ok(Slot {
            id: self.id,
            kind: self.kind,
            salt: OctetString::new(self.salt.as_slice())?,
            commitment: OctetString::new(commitment.expose().as_slice())?,
            data_key: cipher::seal(&wrap, &place, data_key.expose())?,
            costs: None,
            shares: None,
        })
    }
}

impl SlotSecret {
    /// A new recovery code, in eight groups of four characters.
    ///
    /// # Errors
    /// The random number generator failed.
    pub fn generate_recovery_code() -> Result<Passphrase, VaultError> {
        let mut bytes = Zeroizing::new([0_u8; CODE + CHECKSUM]);
        let (code, checksum) = bytes.split_at_mut(CODE);
        aws_lc_rs::rand::fill(code).map_err(|_| VaultError::Random)?;
        checksum.copy_from_slice(&self::checksum(code));
        Ok(grouped(&code_alphabet()?, bytes.as_slice()))
    }

    /// The kind of slot this secret is for.
    #[must_use]
    pub fn kind(&self) -> SlotKind {
        match self {
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::RecoveryCode(_) => SlotKind::RecoveryCode,
            Self::KeyFile(_) => SlotKind::KeyFile,
            Self::Shares(_) => SlotKind::Shares,
        }
    }

    /// The slot's key from the secret; `None` from shares of another set.
    fn stretch(&self, salt: &[u8], costs: Option<Costs>) -> Result<Option<LockedKey>, VaultError> {
        match (self, costs) {
            (Self::Passphrase(passphrase), Some(costs)) => {
                stretch_passphrase(passphrase.expose().as_bytes(), salt, costs)
            }
            (Self::RecoveryCode(code), None) => extract(&decode_recovery_code(code)?, salt),
            (Self::KeyFile(bytes), None) => {
                if bytes.expose().len() < LEAST_KEY_FILE {
                    return Err(VaultError::KeyFileTooShort);
                }
                extract(bytes, salt)
            }
            (Self::Shares(shares), None) => match shares::join(shares, salt)? {
                Some(secret) => extract(&secret, salt),
                None => return Ok(None),
            },
            _ => Err(VaultError::Damaged),
        }
        .map(Some)
    }
}

/// Characters of a new passphrase at least.
pub const SHORTEST_PASSPHRASE: usize = 12;
/// Random octets of a recovery code.
pub(super) const CODE: usize = 17;
/// Octets of its checksum.
pub(super) const CHECKSUM: usize = 3;
/// Octets a key file has at least.
const LEAST_KEY_FILE: usize = 32;

pub(super) fn stretch_passphrase(
    passphrase: &[u8],
    salt: &[u8],
    costs: Costs,
) -> Result<LockedKey, VaultError> {
    let params = Params::new(costs.memory_kib, costs.passes, costs.lanes, Some(32))
        .map_err(|_| VaultError::Damaged)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let mut out = Zeroizing::new([0_u8; 32]);
    let stretched = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, out.as_mut_slice(), &mut memory);
    memory.zeroize();
    stretched.map_err(|_| VaultError::Cryptography)?;
    LockedKey::copy_of(out.as_slice()).ok_or(VaultError::Cryptography)
}

/// A secret of full entropy and any length as a key of 256 bits.
fn extract(secret: &SecretBytes, salt: &[u8]) -> Result<LockedKey, VaultError> {
    let mut out = Zeroizing::new([0_u8; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret.expose())
        .expand(&[b"sekisho vault v1 slot key"], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .map_err(|_| VaultError::Cryptography)?;
    LockedKey::copy_of(out.as_slice()).ok_or(VaultError::Cryptography)
}

fn decode_recovery_code(code: &Passphrase) -> Result<SecretBytes, VaultError> {
    let decoded = code_alphabet()?.decode(code.expose().trim().as_bytes());
    let bytes = SecretBytes::new(decoded.map_err(|_| VaultError::RecoveryCodeMistyped)?);
    match bytes.expose().split_at_checked(CODE) {
        Some((random, checksum)) if checksum == self::checksum(random) => {
            Ok(SecretBytes::copy_of(random))
        }
        _ => Err(VaultError::RecoveryCodeMistyped),
    }
}

/// Octets as people write them, in groups of four characters.
pub(super) fn grouped(alphabet: &Encoding, octets: &[u8]) -> Passphrase {
    let text = Zeroizing::new(alphabet.encode(octets));
    let mut grouped = String::with_capacity(text.len() * 2);
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push('-');
        }
        grouped.push(character);
    }
    Passphrase::new(grouped)
}

fn new_salt() -> Result<[u8; SALT], VaultError> {
    let mut salt = [0; SALT];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| VaultError::Random)?;
    Ok(salt)
}

/// Crockford's base 32: no I, L, O or U; typed I and L are read as 1, O as 0.
pub(super) fn code_alphabet() -> Result<Encoding, VaultError> {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzIiLlOo");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ111100");
    specification.ignore.push_str("- ");
    specification.encoding().map_err(|_| VaultError::Cryptography)
}

pub(super) fn checksum(code: &[u8]) -> [u8; CHECKSUM] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, code);
    let mut checksum = [0; CHECKSUM];
    for (to, from) in checksum.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    checksum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> SlotSecret {
        SlotSecret::RecoveryCode(Passphrase::new(text.to_owned()))
    }

    #[test]
    fn a_recovery_code_opens_however_it_is_typed() {
        let key = LockedKey::generate().unwrap();
        let printed = SlotSecret::generate_recovery_code().unwrap();
        assert_eq!(printed.expose().len(), 39);
        let slot = Slot::new(b"vault", 1, &code(printed.expose()), &key).unwrap();
        let typed = printed.expose().to_lowercase().replace('-', " ").replace('0', "o");
        let opened = slot.open(b"vault", &code(&typed)).unwrap().unwrap();
        assert_eq!(opened.expose(), key.expose());
    }

    #[test]
    fn a_mistyped_recovery_code_is_told_from_a_wrong_one() {
        let key = LockedKey::generate().unwrap();
        let printed = SlotSecret::generate_recovery_code().unwrap();
        let slot = Slot::new(b"vault", 1, &code(printed.expose()), &key).unwrap();
        let other = SlotSecret::generate_recovery_code().unwrap();
        assert!(slot.open(b"vault", &code(other.expose())).unwrap().is_none());
        let mut mistyped = printed.expose().to_owned();
        let last = mistyped.pop();
        mistyped.push(if last == Some('7') { '8' } else { '7' });
        let refused = slot.open(b"vault", &code(&mistyped)).unwrap_err();
        assert!(matches!(refused, VaultError::RecoveryCodeMistyped));
    }

    #[test]
    fn every_slot_has_a_salt_of_its_own() {
        let key = LockedKey::generate().unwrap();
        let secret = || SlotSecret::KeyFile(SecretBytes::new(vec![5; 32]));
        let first = Slot::new(b"vault", 1, &secret(), &key).unwrap();
        let second = Slot::new(b"vault", 1, &secret(), &key).unwrap();
        assert!(first.salt.as_bytes().len() >= 16);
        assert_ne!(first.salt, second.salt);
    }
}
