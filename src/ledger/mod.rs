//! The record of what happened: a hash chain of entries, the indexes that follow from it, and
//! erasable side tables for what must be forgettable.
//!
//! Every change is one durable transaction of entries and of what they mean for the indexes. The
//! chain's head is sealed with a key of the vault whenever that is open. This finds accidents, and
//! edits by somebody without that key; it does not find a rollback of the whole folder.
//!
//! Nothing in the interface names the store beneath it.

#![forbid(unsafe_code)]

mod blocks;
mod copy;
mod entry;
mod error;
mod head;
mod index;
mod reader;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use der::asn1::OctetString;

pub use copy::{CopyWriter, Item, ItemKind, LedgerCopy};
pub use entry::{
    BackedUp, ClockConfirmed, CrlSigned, Custody, Digest, Entry, Event, Intended, Issued,
    LostSerial, Numbered, Profile, Reconciled, Restored, Revoked, VaultMark, sha256,
};
pub use error::LedgerError;
pub use head::{HeadKey, HeadMark, HeadSeal};
pub use reader::{Reader, Standings, Whole};
pub use record::{Holder, Record, RevocationMark, State};

use crate::ground::clock::Timestamp;
use head::Head;
use store::{
    CERTIFICATES, ENTRIES, HOLDERS, KEYS, NAMES, RECORDS, RENEWALS, STATE, Store, View, WriteView,
};

/// The open ledger. Only one process has it open at a time.
pub struct Ledger {
    store: Store,
    head_key: Option<HeadKey>,
    /// Where the chain ended when this process last verified it.
    verified: Mutex<Option<Place>>,
}

/// A place in the chain: an entry's sequence and hash.
type Place = (u64, Digest);

/// The vault file that the ledger knows, and the change it was told of but has not seen done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultMarks {
    /// The last file that was seen done.
    pub current: Option<VaultMark>,
    /// The file that was announced after it.
    pub pending: Option<VaultMark>,
}

/// That the ledger was brought back from a copy.
#[derive(Debug, Clone, PartialEq, Eq, der::Sequence)]
pub struct Restoration {
    /// When, in seconds since the epoch.
    pub restored: u64,
    /// When the copy was made, in seconds since the epoch.
    pub backed_up: u64,
    /// When it was reconciled; until then nothing is signed and nobody is served.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub reconciled: Option<u64>,
    /// The number of the CRL that was merged; none when it was given up.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub merged: Option<u64>,
}

const HEAD: &[u8] = b"head";
/// When the last copy was begun.
const BACKED_UP: &[u8] = b"backed-up";
/// When the last copy was begun that was written to its end.
const BACKUP_WRITTEN: &[u8] = b"backup-written";
const RESTORATION: &[u8] = b"restoration";
const CRL_FLOOR: &[u8] = b"crl-floor";
const VAULT_CURRENT: &[u8] = b"vault-current";
const VAULT_PENDING: &[u8] = b"vault-pending";
const NEXT_NUMBER: &[u8] = b"next-number";
const CRL: &[u8] = b"crl-";
/// Pairs read at a time when a whole table is walked.
const PAGE: usize = 512;

impl Ledger {
    /// Makes a new, empty ledger.
    ///
    /// # Errors
    /// `File` when there is one already, or as any write.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { store: Store::create(path)?, head_key: None, verified: Mutex::default() })
    }

    /// Opens a ledger, waiting up to 10 seconds while another process has it.
    ///
    /// # Errors
    /// `File`, `Busy`, `Damaged`.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let store = Store::open(path)?;
        index::add_missing(&store)?;
        Ok(Self { store, head_key: None, verified: Mutex::default() })
    }

    /// Opens it again after [`LedgerError::Interrupted`]; it is sealed with the same key as before. On an error the ledger is to be dropped: it
    /// holds nothing.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn reopen(&mut self, path: &Path) -> Result<(), LedgerError> {
        // The file is free only once nobody holds it.
        drop(std::mem::replace(&mut self.store, Store::of_nothing()?));
        self.store = Store::open(path)?;
        Ok(())
    }

    /// Reads the last committed state.
    ///
    /// # Errors
    /// `System` or `Damaged`.
    pub fn reader(&self) -> Result<Reader<'_>, LedgerError> {
        Ok(Reader::new(self, self.store.read()?))
    }

    fn verified(&self) -> Option<Place> {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_verified(&self, place: Place) {
        *self.verified.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// Begins one durable change. Dropped without [`Transaction::commit`], it leaves nothing.
    ///
    /// # Errors
    /// `System` or `Damaged`.
    pub fn begin(&self, now: Timestamp, actor: &str) -> Result<Transaction<'_>, LedgerError> {
        let view = self.store.write()?;
        let head = Head::load(&view)?;
        let newest = newest_time(&view, &head)?;
        let (actor, key) = (actor.to_owned(), self.head_key.as_ref());
        Ok(Transaction { view, head, now, newest, actor, key })
    }

    /// Checks the chain's sealed head against the vault's keys, then seals what was written while
    /// the vault was closed, and every commit from here on.
    ///
    /// # Errors
    /// `HeadForged` when the sealed head is not what the keys sealed, `ChainBroken` when what
    /// follows it does not hang together.
    pub fn seal_with(&mut self, keys: Vec<HeadKey>) -> Result<(), LedgerError> {
        let view = self.store.write()?;
        let mut head = Head::load(&view)?;
        head.check(&view, &keys)?;
        let key = keys.into_iter().next();
        if let Some(key) = &key {
            head.seal(key);
            head.save(&view)?;
            view.commit()?;
        }
        self.head_key = key;
        Ok(())
    }
}

/// One durable change of the ledger.
pub struct Transaction<'ledger> {
    view: WriteView,
    head: Head,
    now: Timestamp,
    /// The time of the last entry.
    newest: Timestamp,
    actor: String,
    key: Option<&'ledger HeadKey>,
}

impl Transaction<'_> {
    /// The next certificate number. It is used up once an intent with it is committed.
    ///
    /// # Errors
    /// As any read.
    pub fn next_number(&self) -> Result<u64, LedgerError> {
        next_number(&self.view)
    }

    /// What is known of a certificate, with what this transaction already changed.
    ///
    /// # Errors
    /// As any read.
    pub fn record(&self, number: u64) -> Result<Option<Record>, LedgerError> {
        record(&self.view, number)
    }

    /// The numbers of those that renew a certificate, with what this transaction already changed.
    ///
    /// # Errors
    /// As any read.
    pub fn renewals(&self, number: u64) -> Result<Vec<u64>, LedgerError> {
        renewals(&self.view, number)
    }

    /// Appends an event, and what it means for the indexes. Its time is now, but never before the
    /// entry before it: only a confirmation of the clock sets the ledger's time back.
    ///
    /// # Errors
    /// `OutOfOrder` for an event that cannot follow, such as revoking twice.
    pub fn append(&mut self, event: Event) -> Result<(), LedgerError> {
        let confirmed = matches!(event, Event::ClockConfirmed(_));
        let time = if confirmed { self.now } else { self.now.max(self.newest) };
        let entry = Entry {
            sequence: self.head.sequence() + 1,
            time,
            actor: self.actor.clone(),
            event,
            previous: self.head.hash(),
        };
        index::index(&self.view, &entry)?;
        let bytes = entry.to_bytes()?;
        self.view.put(ENTRIES, &entry.sequence.to_be_bytes(), &bytes);
        self.head.advance(entry.sequence, sha256(&bytes));
        self.newest = time;
        Ok(())
    }

    /// Stores the personal fields of a certificate, and the names it is found by.
    ///
    /// # Errors
    /// A field longer than DER allows.
    pub fn put_holder(
        &mut self,
        number: u64,
        holder: &Holder,
        names: &[&str],
    ) -> Result<(), LedgerError> {
        self.view.put(HOLDERS, &number.to_be_bytes(), &holder.to_bytes()?);
        for name in names {
            self.view.put(NAMES, &name_key(name, number), &[]);
        }
        Ok(())
    }

    /// Stores a signed certificate.
    pub fn put_certificate(&mut self, number: u64, certificate: &[u8]) {
        self.view.put(CERTIFICATES, &number.to_be_bytes(), certificate);
    }

    /// Stores a sealed private key, in place of the one that is there.
    pub fn put_sealed_key(&mut self, number: u64, sealed: &[u8]) {
        self.view.put(KEYS, &number.to_be_bytes(), sealed);
    }

    /// Makes everything durable, all of it or nothing.
    ///
    /// # Errors
    /// `DiskFull`, `System`; nothing was written then.
    pub fn commit(mut self) -> Result<(), LedgerError> {
        if let Some(key) = self.key {
            self.head.seal(key);
        }
        self.head.save(&self.view)?;
        self.view.commit()
    }
}

fn record(view: &impl View, number: u64) -> Result<Option<Record>, LedgerError> {
    let bytes = view.get(RECORDS, &number.to_be_bytes())?;
    bytes.map(|bytes| Record::from_bytes(&bytes)).transpose()
}

fn renewals(view: &impl View, number: u64) -> Result<Vec<u64>, LedgerError> {
    let until = pair_key(number, u64::MAX);
    let pairs = view.range(RENEWALS, &pair_key(number, 0), &until, usize::MAX)?;
    pairs.iter().map(|(key, _)| second_of(key)).collect()
}

/// Entries' times never go back, but for a confirmation of the clock: the last one's is the newest.
fn newest_time(view: &impl View, head: &Head) -> Result<Timestamp, LedgerError> {
    let Some(bytes) = view.get(ENTRIES, &head.sequence().to_be_bytes())? else {
        return match head.sequence() {
            0 => Ok(Timestamp::from_unix(0)),
            sequence => Err(LedgerError::ChainBroken { sequence }),
        };
    };
    Ok(Entry::from_bytes(&bytes)?.time)
}

fn next_number(view: &impl View) -> Result<u64, LedgerError> {
    view.get(STATE, NEXT_NUMBER)?.map_or(Ok(1), |bytes| number_of(&bytes))
}

fn number_of(bytes: &[u8]) -> Result<u64, LedgerError> {
    Ok(u64::from_be_bytes(bytes.try_into().map_err(|_| LedgerError::Encoding)?))
}

/// A key of two numbers, in the order of the first and then of the second.
fn pair_key(first: u64, second: u64) -> Vec<u8> {
    [first.to_be_bytes(), second.to_be_bytes()].concat()
}

/// The second number of such a key.
fn second_of(key: &[u8]) -> Result<u64, LedgerError> {
    number_of(key.get(8..).unwrap_or(&[]))
}

fn crl_key(issuer: u64) -> Vec<u8> {
    [CRL, &issuer.to_be_bytes()].concat()
}

/// A name's length keeps one name from being the beginning of another.
fn name_key(name: &str, number: u64) -> Vec<u8> {
    [&name.len().to_be_bytes(), name.as_bytes(), &number.to_be_bytes()].concat()
}

/// A digest as the octet string that events carry.
///
/// # Errors
/// Never for a digest; the type of an octet string asks for it.
pub fn octets(bytes: &[u8]) -> Result<OctetString, LedgerError> {
    Ok(OctetString::new(bytes)?)
}
