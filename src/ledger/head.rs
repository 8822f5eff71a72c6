//! The chain's head: where it ends, and the seal of a key of the vault over that.

use aws_lc_rs::hmac;
use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};

use super::LedgerError;
use super::entry::{Digest, Entry, digest_of, sha256};
use super::store::{ENTRIES, STATE, View, WriteView};

/// Version of the head's form.
const VERSION: u8 = 1;
/// Distinguishes this use of HMAC from every other.
const LABEL: &[u8] = b"sekisho ledger head v1";
/// Entries read at a time.
const PAGE: usize = 512;

/// A key of the vault that seals heads.
pub struct HeadKey {
    /// Which of the vault's keys it is.
    id: u64,
    key: hmac::Key,
}

impl HeadKey {
    /// A key from its id and its bytes.
    #[must_use]
    pub fn new(id: u64, key: &[u8]) -> Self {
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }
}

/// Where a chain ends, for whoever keeps it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadMark {
    /// The last entry's place.
    pub sequence: u64,
    /// Its hash.
    pub hash: Digest,
    /// The seal of a key of the vault over both; none while entries follow what was sealed.
    pub seal: Option<HeadSeal>,
}

/// A key's seal over a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadSeal {
    /// Which of the vault's keys.
    pub key: u64,
    /// HMAC-SHA256.
    pub mac: Digest,
}

impl HeadMark {
    /// Whether one of these keys made its seal; `None` without a seal, or without its key.
    #[must_use]
    pub fn is_sealed_by(&self, keys: &[HeadKey]) -> Option<bool> {
        let seal = self.seal.as_ref()?;
        let key = keys.iter().find(|key| key.id == seal.key)?;
        let mut head = Head::empty();
        head.advance(self.sequence, self.hash);
        Some(hmac::verify(&key.key, &head.sealed_bytes(), &seal.mac).is_ok())
    }
}

/// Where the chain ends, and up to where it is sealed.
pub(super) struct Head {
    sequence: u64,
    /// Of the last entry; zeros before the first.
    hash: Digest,
    seal: Option<Seal>,
}

/// The head as it is stored.
#[derive(Sequence)]
struct StoredHead {
    version: u8,
    sequence: u64,
    hash: OctetString,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    seal: Option<Seal>,
}

#[derive(Clone, Sequence)]
struct Seal {
    key: u64,
    sequence: u64,
    mac: OctetString,
}

impl Head {
    pub(super) fn empty() -> Self {
        Self { sequence: 0, hash: [0; 32], seal: None }
    }

    pub(super) fn load(view: &impl View) -> Result<Self, LedgerError> {
        match view.get(STATE, super::HEAD)? {
            Some(bytes) => Self::from_bytes(&bytes),
            None => Ok(Self::empty()),
        }
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerError> {
        let stored = StoredHead::from_der(bytes)?;
        if stored.version != VERSION {
            return Err(LedgerError::UnknownVersion { found: stored.version });
        }
        let hash = digest_of(&stored.hash)?;
        Ok(Self { sequence: stored.sequence, hash, seal: stored.seal })
    }

    pub(super) fn save(&self, view: &WriteView) -> Result<(), LedgerError> {
        let stored = StoredHead {
            version: VERSION,
            sequence: self.sequence,
            hash: OctetString::new(self.hash.as_slice())?,
            seal: self.seal.clone(),
        };
        view.put(STATE, super::HEAD, &stored.to_der()?);
        Ok(())
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn hash(&self) -> Digest {
        self.hash
    }

    pub(super) fn advance(&mut self, sequence: u64, hash: Digest) {
        self.sequence = sequence;
        self.hash = hash;
    }

    /// Takes over the seal of a stored head of the same place.
    pub(super) fn take_seal_of(&mut self, stored: Self) {
        self.seal = stored.seal;
    }

    /// Where the chain ends, with the seal if it covers that.
    pub(super) fn mark(&self) -> Result<HeadMark, LedgerError> {
        let seal = self.seal.as_ref().filter(|seal| seal.sequence == self.sequence);
        let seal = seal.map(|seal| -> Result<_, LedgerError> {
            Ok(HeadSeal { key: seal.key, mac: digest_of(&seal.mac)? })
        });
        Ok(HeadMark { sequence: self.sequence, hash: self.hash, seal: seal.transpose()? })
    }

    pub(super) fn seal(&mut self, key: &HeadKey) {
        let tag = hmac::sign(&key.key, &self.sealed_bytes());
        self.seal = OctetString::new(tag.as_ref()).ok().map(|mac| Seal {
            key: key.id,
            sequence: self.sequence,
            mac,
        });
    }

    /// Holds the sealed head against the keys, and follows the chain from there to its end.
    pub(super) fn check(&self, view: &impl View, keys: &[HeadKey]) -> Result<(), LedgerError> {
        let mut at = Self::empty();
        if let Some(seal) = &self.seal {
            let forged = LedgerError::HeadForged { sequence: seal.sequence };
            at = Self::at(view, seal.sequence)?;
            let key = keys.iter().find(|key| key.id == seal.key);
            let sealed = at.sealed_bytes();
            let holds =
                |key: &HeadKey| hmac::verify(&key.key, &sealed, seal.mac.as_bytes()).is_ok();
            if !key.is_some_and(holds) {
                return Err(forged);
            }
        } else if self.sequence > 0 {
            // The first seal is older than the first entry: somebody took it away.
            return Err(LedgerError::HeadForged { sequence: 0 });
        }
        follow(view, at, |_| Ok(()))
    }

    /// The entries after this place, each held against the hash before it, with its own hash.
    pub(super) fn following(
        &self,
        view: &impl View,
        limit: usize,
    ) -> Result<Vec<(Entry, Digest)>, LedgerError> {
        let first = self.sequence + 1;
        let pairs = view.range(ENTRIES, &first.to_be_bytes(), &u64::MAX.to_be_bytes(), limit)?;
        let mut previous = self.hash;
        let mut entries = Vec::with_capacity(pairs.len());
        for (sequence, (_, bytes)) in (first..).zip(&pairs) {
            let entry = Entry::from_bytes(bytes)?;
            if entry.sequence != sequence || entry.previous != previous {
                return Err(LedgerError::ChainBroken { sequence });
            }
            previous = sha256(bytes);
            entries.push((entry, previous));
        }
        Ok(entries)
    }

    /// The head as it was after an entry.
    pub(super) fn at(view: &impl View, sequence: u64) -> Result<Self, LedgerError> {
        let mut head = Self::empty();
        if sequence > 0 {
            let bytes = view.get(ENTRIES, &sequence.to_be_bytes())?;
            let bytes = bytes.ok_or(LedgerError::ChainBroken { sequence })?;
            head.advance(sequence, sha256(&bytes));
        }
        Ok(head)
    }

    fn sealed_bytes(&self) -> Vec<u8> {
        [LABEL, &self.sequence.to_be_bytes(), &self.hash].concat()
    }
}

/// Follows the chain from a place to its end, which must be the head.
pub(super) fn follow(
    view: &impl View,
    mut at: Head,
    mut visit: impl FnMut(&Entry) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let head = Head::load(view)?;
    while at.sequence < head.sequence {
        let page = at.following(view, PAGE)?;
        if page.is_empty() {
            return Err(LedgerError::ChainBroken { sequence: at.sequence + 1 });
        }
        for (entry, hash) in page {
            visit(&entry)?;
            at.advance(entry.sequence, hash);
        }
    }
    if at.hash != head.hash {
        return Err(LedgerError::ChainBroken { sequence: head.sequence });
    }
    Ok(())
}
