//! What a backup holds, inside its seal: items, each `kind (u8), length of the key (u32), length of
//! the value (u32), key, value`, big endian. The first is the [`Manifest`], then the vault's file, as
//! it lies (its secrets stay sealed under its own slots), then the ledger's items; the last counts
//! them. The gates' server certificates are not in it: they are issued anew.

use std::io::Read;

use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};
use zeroize::Zeroizing;

use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ground::secret::SecretBytes;
use crate::ledger::{CopyWriter, Item, ItemKind, Ledger};
use crate::vault::stream::{Opener, StreamError};

/// Version of what is inside.
const VERSION: u8 = 1;

/// Octets of a key and of a value at most; none that this program writes comes near.
const LONGEST: (usize, usize) = (64 * 1024, 16 << 20);

/// Octets of an item before its key.
const HEAD: usize = 9;

const MANIFEST: u8 = 1;
const VAULT: u8 = 2;
const END: u8 = 255;
/// The ledger's items, and their kinds here.
const LEDGER: [(ItemKind, u8); 6] = [
    (ItemKind::Entry, 16),
    (ItemKind::Holder, 17),
    (ItemKind::Name, 18),
    (ItemKind::Certificate, 19),
    (ItemKind::SealedKey, 20),
    (ItemKind::Head, 21),
];

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub(super) struct Manifest {
    pub(super) version: u8,
    /// 16 random octets that name it.
    pub(super) backup: OctetString,
    /// When it was made, in seconds since the epoch.
    pub(super) made: u64,
    /// What names the vault.
    pub(super) vault: OctetString,
    /// Where the ledger's chain ends.
    pub(super) sequence: u64,
    /// SHA-256 of its last entry.
    pub(super) hash: OctetString,
    /// Items of the ledger, for whoever waits.
    pub(super) items: u64,
    /// The version of the program that made it.
    pub(super) program: String,
}

/// A backup, read to its end.
pub(super) struct Content {
    pub(super) manifest: Manifest,
    pub(super) vault: SecretBytes,
    pub(super) ledger: Ledger,
}

impl Manifest {
    pub(super) fn new(backup: &[u8], vault: &[u8], made: Timestamp) -> Result<Self, Refusal> {
        Ok(Self {
            version: VERSION,
            backup: octets(backup)?,
            made: made.unix_unsigned(),
            vault: octets(vault)?,
            sequence: 0,
            hash: octets(&[])?,
            items: 0,
            program: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// Steps of reading it and of verifying its ledger, for whoever waits.
    pub(super) fn steps(&self) -> u64 {
        self.items.saturating_add(self.sequence)
    }

    pub(super) fn made(&self) -> Timestamp {
        Timestamp::from_unix(i64::try_from(self.made).unwrap_or(i64::MAX))
    }
}

/// The octets of the manifest and the vault's file.
///
/// # Errors
/// None that this program's own could be: they are short enough.
pub(super) fn beginning(manifest: &Manifest, vault: &SecretBytes) -> Result<SecretBytes, Refusal> {
    let manifest = manifest.to_der().map_err(|_| damaged())?;
    written(&[], &[(MANIFEST, &[], &manifest), (VAULT, &[], vault.expose())]).map(SecretBytes::from)
}

/// The octets of a part: what it begins with, items of the ledger, and, where the copy ends with it, how
/// many items there were in all.
///
/// # Errors
/// `LedgerDamaged`: an item is longer than any that this program writes.
pub(super) fn part(
    beginning: &SecretBytes,
    items: &[Item],
    end: Option<u64>,
) -> Result<SecretBytes, Refusal> {
    let mut parts: Vec<(u8, &[u8], &[u8])> = Vec::with_capacity(items.len() + 1);
    for item in items {
        let (_, kind) = LEDGER.iter().find(|(kind, _)| *kind == item.kind).ok_or_else(damaged)?;
        parts.push((*kind, &item.key, &item.value));
    }
    let end = end.map(u64::to_be_bytes);
    parts.extend(end.iter().map(|counted| (END, &[][..], counted.as_slice())));
    written(beginning.expose(), &parts).map(SecretBytes::from)
}

/// Octets of an item.
pub(super) fn length(item: &Item) -> usize {
    HEAD + item.key.len() + item.value.len()
}

/// Reads a backup to its end into a new ledger. `progress` is told of steps done, and of how many; verifying
/// the ledger is the rest of them.
///
/// # Errors
/// Damaged, not whole, or the new ledger could not be written.
pub(super) fn read(
    mut from: Opener<impl Read>,
    mut ledger: CopyWriter,
    progress: &mut impl FnMut(u64, u64),
) -> Result<Content, Refusal> {
    let (MANIFEST, _, manifest) = read_part(&mut from)? else { return Err(damaged()) };
    let manifest = Manifest::from_der(&manifest).map_err(|_| damaged())?;
    if manifest.version != VERSION {
        let version = manifest.version.to_string();
        return Err(Refusal::NewerFormat { what: "backup".to_owned(), version });
    }
    let (VAULT, _, vault) = read_part(&mut from)? else { return Err(damaged()) };
    let vault = SecretBytes::copy_of(&vault);
    let mut items = 0;
    let head = loop {
        let (kind, key, value) = read_part(&mut from)?;
        let (kind, _) = *LEDGER.iter().find(|(_, known)| *known == kind).ok_or_else(damaged)?;
        items += 1;
        progress(items, manifest.steps());
        if kind == ItemKind::Head {
            break value;
        }
        ledger = ledger.with(&Item { kind, key: key.to_vec(), value: value.to_vec() })?;
    };
    let (END, _, counted) = read_part(&mut from)? else { return Err(damaged()) };
    from.finish()?;
    if counted.as_slice() != items.to_be_bytes() {
        return Err(damaged());
    }
    let ledger = ledger.finish(&head)?;
    Ok(Content { manifest, vault, ledger })
}

/// A kind, a key and a value. They may hold personal fields: their buffers are wiped.
type Part = (u8, Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>);

fn read_part(from: &mut Opener<impl Read>) -> Result<Part, Refusal> {
    let mut kind = [0];
    from.read_exact(&mut kind)?;
    let mut length = |longest: usize| -> Result<usize, Refusal> {
        let mut octets = [0; 4];
        from.read_exact(&mut octets)?;
        let length = usize::try_from(u32::from_be_bytes(octets)).map_err(|_| damaged())?;
        if length > longest { Err(damaged()) } else { Ok(length) }
    };
    let (key, value) = (length(LONGEST.0)?, length(LONGEST.1)?);
    let mut take = |length| -> Result<Zeroizing<Vec<u8>>, StreamError> {
        let mut octets = Zeroizing::new(vec![0; length]);
        from.read_exact(&mut octets).map(|()| octets)
    };
    let [kind] = kind;
    Ok((kind, take(key)?, take(value)?))
}

/// Kinds, keys and values as they are written, after what was written before. The buffer never grows: a
/// smaller one would stay behind in memory.
fn written(before: &[u8], parts: &[(u8, &[u8], &[u8])]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let sizes = parts.iter().map(|(_, key, value)| HEAD + key.len() + value.len());
    let mut out = Zeroizing::new(Vec::with_capacity(before.len() + sizes.sum::<usize>()));
    out.extend_from_slice(before);
    for (kind, key, value) in parts {
        if key.len() > LONGEST.0 || value.len() > LONGEST.1 {
            return Err(Refusal::LedgerDamaged { reason: "an item too long".to_owned() });
        }
        out.push(*kind);
        for part in [key, value] {
            let length = u32::try_from(part.len()).map_err(|_| damaged())?;
            out.extend_from_slice(&length.to_be_bytes());
        }
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    Ok(out)
}

fn octets(bytes: &[u8]) -> Result<OctetString, Refusal> {
    OctetString::new(bytes).map_err(|_| damaged())
}

fn damaged() -> Refusal {
    Refusal::BackupDamaged {}
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches a size that is counted wrong: the buffer would grow, and leave what it held before in
    // memory that nobody wipes.
    #[test]
    fn a_part_is_written_into_a_buffer_of_its_size() {
        let parts: [(u8, &[u8], &[u8]); 3] =
            [(VAULT, &[], &[7; 5000]), (16, &[1; 8], &[2; 300]), (END, &[], &[3; 8])];
        let out = written(b"before", &parts).unwrap();
        assert_eq!(out.len(), 6 + 3 * HEAD + 5000 + 308 + 8);
        assert_eq!(out.capacity(), out.len());
    }
}
