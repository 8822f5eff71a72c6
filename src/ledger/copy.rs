//! A copy of the ledger, item by item, and a ledger made from one. It holds the chain and what lies
//! beside it; every index is made anew from the chain, so that no version's tables are in a copy, and
//! nothing that was erased is.

use std::path::Path;
use std::sync::Mutex;

use super::entry::{Entry, sha256};
use super::head::Head;
use super::index::{self, AFTER_ALL};
use super::store::{
    CERTIFICATES, ENTRIES, HOLDERS, KEYS, NAMES, ReadView, STATE, Store, Table, View, WriteView,
};
use super::{HEAD, Ledger, LedgerError, PAGE};

/// One thing of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub kind: ItemKind,
    /// What it is found by.
    pub key: Vec<u8>,
    /// Its octets, as they are hashed.
    pub value: Vec<u8>,
}

/// What there is in a ledger, in the order of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKind {
    /// An entry of the chain, by its place.
    Entry,
    /// The personal fields of a certificate, by its number.
    Holder,
    /// A name that a certificate is found by.
    Name,
    /// A certificate, by its number.
    Certificate,
    /// A sealed private key, by its certificate's number.
    SealedKey,
    /// Where the chain ends, with its seal: the last of a copy.
    Head,
}

/// The ledger as it was at one moment, read bit by bit while others go on.
pub struct LedgerCopy {
    view: ReadView,
    stage: usize,
    /// The first key that was not read yet.
    from: Vec<u8>,
}

/// A ledger in the making.
pub struct CopyWriter {
    store: Store,
    view: WriteView,
    head: Head,
    /// Items since the last commit.
    waiting: usize,
}

/// What is copied, and where it lies.
const STAGES: [(ItemKind, Table); 5] = [
    (ItemKind::Entry, ENTRIES),
    (ItemKind::Holder, HOLDERS),
    (ItemKind::Name, NAMES),
    (ItemKind::Certificate, CERTIFICATES),
    (ItemKind::SealedKey, KEYS),
];

/// Items of one commit.
const BATCH: usize = 8192;

impl Ledger {
    /// Begins a copy of the last committed state.
    ///
    /// # Errors
    /// `System` or `Damaged`.
    pub fn copy(&self) -> Result<LedgerCopy, LedgerError> {
        Ok(LedgerCopy { view: self.store.read()?, stage: 0, from: Vec::new() })
    }
}

impl LedgerCopy {
    /// How many items it has, the head included.
    ///
    /// # Errors
    /// As any read.
    pub fn count(&self) -> Result<u64, LedgerError> {
        STAGES.iter().try_fold(1, |sum, (_, table)| Ok(sum + self.view.count(*table)?))
    }

    /// The items that come next, some hundreds at most; none at the end.
    ///
    /// # Errors
    /// As any read.
    pub fn next_items(&mut self) -> Result<Vec<Item>, LedgerError> {
        while let Some((kind, table)) = STAGES.get(self.stage) {
            let pairs = self.view.range(*table, &self.from, &AFTER_ALL, PAGE)?;
            if let Some((last, _)) = pairs.last() {
                self.from = [last.as_slice(), &[0]].concat();
                let item = |(key, value)| Item { kind: *kind, key, value };
                return Ok(pairs.into_iter().map(item).collect());
            }
            self.stage += 1;
            self.from.clear();
        }
        if self.stage > STAGES.len() {
            return Ok(Vec::new());
        }
        self.stage += 1;
        let head = self.view.get(STATE, HEAD)?.unwrap_or_default();
        Ok(vec![Item { kind: ItemKind::Head, key: Vec::new(), value: head }])
    }
}

impl CopyWriter {
    /// Begins a new ledger at a path.
    ///
    /// # Errors
    /// `File` when there is one already, or as any write.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        Self::over(Store::create(path)?)
    }

    /// Begins a new ledger in memory, which is gone with the process.
    ///
    /// # Errors
    /// As any write.
    pub fn in_memory() -> Result<Self, LedgerError> {
        Self::over(Store::create_in_memory()?)
    }

    fn over(store: Store) -> Result<Self, LedgerError> {
        let view = store.write()?;
        Ok(Self { store, view, head: Head::empty(), waiting: 0 })
    }

    /// Adds an item; they come in the order of a copy, but for the head, which ends it.
    ///
    /// # Errors
    /// `ChainBroken` when an entry does not follow the one before it, `OutOfOrder`, `Encoding`, and
    /// as any write.
    pub fn with(mut self, item: &Item) -> Result<Self, LedgerError> {
        let table = match item.kind {
            ItemKind::Entry => {
                self.add_entry(item)?;
                return self.committed_now_and_then();
            }
            ItemKind::Holder => HOLDERS,
            ItemKind::Name => NAMES,
            ItemKind::Certificate => CERTIFICATES,
            ItemKind::SealedKey => KEYS,
            ItemKind::Head => return Err(LedgerError::Encoding),
        };
        self.view.put(table, &item.key, &item.value);
        self.committed_now_and_then()
    }

    /// Ends it with the stored head of the ledger that was copied.
    ///
    /// # Errors
    /// `ChainBroken` when the chain does not end there, and as any write.
    pub fn finish(mut self, head: &[u8]) -> Result<Ledger, LedgerError> {
        let stored = Head::from_bytes(head)?;
        if stored.sequence() != self.head.sequence() || stored.hash() != self.head.hash() {
            return Err(LedgerError::ChainBroken { sequence: stored.sequence() });
        }
        self.head.take_seal_of(stored);
        self.head.save(&self.view)?;
        self.view.commit()?;
        Ok(Ledger { store: self.store, head_key: None, verified: Mutex::default() })
    }

    fn add_entry(&mut self, item: &Item) -> Result<(), LedgerError> {
        let entry = Entry::from_bytes(&item.value)?;
        let sequence = self.head.sequence() + 1;
        let follows = entry.sequence == sequence && entry.previous == self.head.hash();
        if !follows || item.key != sequence.to_be_bytes() {
            return Err(LedgerError::ChainBroken { sequence });
        }
        index::index(&self.view, &entry)?;
        self.view.put(ENTRIES, &item.key, &item.value);
        self.head.advance(sequence, sha256(&item.value));
        Ok(())
    }

    fn committed_now_and_then(mut self) -> Result<Self, LedgerError> {
        self.waiting += 1;
        if self.waiting < BATCH {
            return Ok(self);
        }
        self.head.save(&self.view)?;
        self.view.commit()?;
        self.view = self.store.write()?;
        self.waiting = 0;
        Ok(self)
    }
}
