//! The tables of the embedded store. Every value carries a digest over its table, key and bytes,
//! and is checked when read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest;
use redb::{
    Builder, Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTableMetadata,
    TableDefinition, TableError, WriteTransaction,
};
use rustix::fs::{FlockOperation, MemfdFlags, Mode, OFlags};

use super::LedgerError;
use super::blocks::CheckedBlocks;
use crate::ground::clock;
use crate::ground::files::{self, FileError, PRIVATE};

/// A table; its keys and values are octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Table {
    name: &'static str,
    /// What the digests of its values begin with.
    label: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table { name: $name, label: concat!($name, "<&[u8], &[u8]>") }
    };
}

/// Sequence -> entry.
pub(super) const ENTRIES: Table = table!("entries");
/// Number -> record.
pub(super) const RECORDS: Table = table!("records");
/// Serial -> number.
pub(super) const SERIALS: Table = table!("serials");
/// Issuer and number of what is revoked or abandoned -> nothing.
pub(super) const REVOKED: Table = table!("revoked");
/// Number of what is intended and no more -> nothing.
pub(super) const OPEN_INTENTS: Table = table!("open-intents");
/// Digest of an asking -> number.
pub(super) const REQUESTS: Table = table!("requests");
/// The head, the vault's mark, the counters.
pub(super) const STATE: Table = table!("state");
/// A number and that of one that renews it -> nothing.
pub(super) const RENEWALS: Table = table!("renewals");
/// End and number of what is issued and has no issued renewal -> nothing.
pub(super) const ENDINGS: Table = table!("endings");
/// Issuer and number -> how the serial stands for admission, and the serial.
pub(super) const STANDINGS: Table = table!("standings");
/// Issuer and serial -> the revocation of a serial of which nothing else is known.
pub(super) const LOST: Table = table!("lost");
/// Number -> personal fields. Erasable.
pub(super) const HOLDERS: Table = table!("holders");
/// A name and a number -> nothing. Erasable.
pub(super) const NAMES: Table = table!("names");
/// Number -> certificate. Erasable.
pub(super) const CERTIFICATES: Table = table!("certificates");
/// Number -> sealed private key. Erasable.
pub(super) const KEYS: Table = table!("keys");

const ALL: [Table; 15] = [
    ENTRIES,
    RECORDS,
    SERIALS,
    REVOKED,
    OPEN_INTENTS,
    REQUESTS,
    STATE,
    RENEWALS,
    ENDINGS,
    STANDINGS,
    LOST,
    HOLDERS,
    NAMES,
    CERTIFICATES,
    KEYS,
];

/// Octets of the digest before each value.
const DIGEST: usize = 16;
/// Memory the store may use for its cache.
const CACHE: usize = 64 << 20;
/// How long an open waits for another process to let go.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// A key and a value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// The open store.
pub(super) struct Store {
    database: Database,
    /// Held for the lock on it; nothing in memory needs one.
    _lock: Option<OwnedFd>,
}

impl Store {
    /// Makes a new store; there must be none.
    pub(super) fn create(path: &Path) -> Result<Self, LedgerError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let store = Self::open_with(path, flags)?;
        store.create_tables()?;
        Ok(store)
    }

    /// Something to hold while there is no store: a confined process may make no file in memory.
    pub(super) fn of_nothing() -> Result<Self, LedgerError> {
        let nothing = redb::backends::InMemoryBackend::new();
        Ok(Self { database: Builder::new().create_with_backend(nothing)?, _lock: None })
    }

    /// Makes a new store in memory that the kernel gives back with the process, however it ends.
    pub(super) fn create_in_memory() -> Result<Self, LedgerError> {
        let file = rustix::fs::memfd_create("sekisho-ledger", MemfdFlags::CLOEXEC);
        let store = Self::over(file.map_err(std::io::Error::from)?)?;
        store.create_tables()?;
        Ok(store)
    }

    /// Opens the store, waiting up to 10 seconds for another process to let go of it.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, OFlags::RDWR)
    }

    fn open_with(path: &Path, flags: OFlags) -> Result<Self, LedgerError> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::from_raw_mode(PRIVATE))
            .map_err(|errno| FileError::from_io(path, &errno.into()))?;
        files::check_secret(path, &file)?;
        Self::over(file)
    }

    fn over(file: OwnedFd) -> Result<Self, LedgerError> {
        let lock = rustix::io::fcntl_dupfd_cloexec(&file, 0).map_err(std::io::Error::from)?;
        wait_for_lock(&lock)?;
        let blocks = CheckedBlocks::new(File::from(file))?;
        let database = Builder::new().set_cache_size(CACHE).create_with_backend(blocks)?;
        Ok(Self { database, _lock: Some(lock) })
    }

    fn create_tables(&self) -> Result<(), LedgerError> {
        let transaction = self.begin_write()?;
        for table in ALL {
            transaction.open_table(table.definition())?;
        }
        Ok(transaction.commit()?)
    }

    /// A view of the last committed state.
    pub(super) fn read(&self) -> Result<ReadView, LedgerError> {
        let transaction = self.database.begin_read()?;
        Ok(ReadView { transaction, tables: RefCell::default() })
    }

    /// One durable change of everything written through it. Only one at a time.
    pub(super) fn write(&self) -> Result<WriteView, LedgerError> {
        let transaction = self.begin_write()?;
        // Nobody else writes now: this stays the state that is changed.
        let before = self.read()?;
        Ok(WriteView { transaction, before, changes: RefCell::default() })
    }

    /// Whether a store of an earlier version lacks this table.
    pub(super) fn lacks(&self, table: Table) -> Result<bool, LedgerError> {
        match self.database.begin_read()?.open_table(table.definition()) {
            Ok(_) => Ok(false),
            Err(TableError::TableDoesNotExist(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the store what an earlier version left.
    #[cfg(test)]
    pub(super) fn drop_tables(&self, tables: &[Table]) -> Result<(), LedgerError> {
        let transaction = self.begin_write()?;
        for table in tables {
            transaction.delete_table(table.definition())?;
        }
        Ok(transaction.commit()?)
    }

    fn begin_write(&self) -> Result<WriteTransaction, LedgerError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        Ok(transaction)
    }
}

impl Table {
    fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Reading, from the committed state or from within a transaction.
pub(super) trait View {
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError>;
    /// At most `limit` pairs in the order of their keys, from the first key at or after `from` and
    /// before `until`.
    fn range(
        &self,
        table: Table,
        from: &[u8],
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, LedgerError>;
}

/// The last committed state.
pub(super) struct ReadView {
    transaction: ReadTransaction,
    /// The tables that were read so far, kept open.
    tables: RefCell<BTreeMap<Table, Open>>,
}

type Open = ReadOnlyTable<&'static [u8], &'static [u8]>;

impl ReadView {
    fn with<T>(
        &self,
        table: Table,
        read: impl FnOnce(&Open) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if let Some(open) = self.tables.borrow().get(&table) {
            return read(open);
        }
        let open = self.transaction.open_table(table.definition())?;
        let read = read(&open);
        self.tables.borrow_mut().insert(table, open);
        read
    }
}

impl ReadView {
    /// How many pairs a table has.
    pub(super) fn count(&self, table: Table) -> Result<u64, LedgerError> {
        self.with(table, |open| Ok(open.len()?))
    }
}

impl View for ReadView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        self.with(table, |open| match open.get(key)? {
            Some(stored) => checked(table, key, stored.value()).map(Some),
            None => Ok(None),
        })
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, LedgerError> {
        self.with(table, |open| {
            let mut pairs = Vec::new();
            for pair in open.range(from..until)?.take(limit) {
                let (key, value) = pair?;
                pairs.push((key.value().to_vec(), checked(table, key.value(), value.value())?));
            }
            Ok(pairs)
        })
    }
}

/// A transaction that is not committed yet; dropped, it leaves nothing.
pub(super) struct WriteView {
    transaction: WriteTransaction,
    before: ReadView,
    /// What the commit will write; none removes. Until then the store is not touched: each table
    /// is opened once, and its keys come in their order.
    changes: RefCell<BTreeMap<Table, Changes>>,
}

type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl WriteView {
    pub(super) fn put(&self, table: Table, key: &[u8], value: &[u8]) {
        self.change(table, key, Some(value.to_vec()));
    }

    /// Makes a table, when there is none.
    pub(super) fn create(&self, table: Table) {
        self.changes.borrow_mut().entry(table).or_default();
    }

    pub(super) fn remove(&self, table: Table, key: &[u8]) {
        self.change(table, key, None);
    }

    pub(super) fn commit(self) -> Result<(), LedgerError> {
        // What it saw need not be kept any longer.
        drop(self.before);
        for (table, changes) in self.changes.into_inner() {
            let mut open = self.transaction.open_table(table.definition())?;
            for (key, value) in changes {
                match value {
                    Some(value) => {
                        let digest = value_digest(table, &key, &value);
                        let stored = [digest.as_slice(), &value].concat();
                        open.insert(key.as_slice(), stored.as_slice())?;
                    }
                    None => drop(open.remove(key.as_slice())?),
                }
            }
        }
        Ok(self.transaction.commit()?)
    }

    fn change(&self, table: Table, key: &[u8], value: Option<Vec<u8>>) {
        self.changes.borrow_mut().entry(table).or_default().insert(key.to_vec(), value);
    }
}

impl View for WriteView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        if let Some(value) = self.changes.borrow().get(&table).and_then(|rows| rows.get(key)) {
            return Ok(value.clone());
        }
        self.before.get(table, key)
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, LedgerError> {
        let changes = self.changes.borrow();
        let Some(changes) = changes.get(&table) else {
            return self.before.range(table, from, until, limit);
        };
        let before = self.before.range(table, from, until, usize::MAX)?;
        let mut pairs: BTreeMap<Vec<u8>, Vec<u8>> = before.into_iter().collect();
        let within = |key: &[u8]| from <= key && key < until;
        for (key, value) in changes.iter().filter(|(key, _)| within(key)) {
            match value {
                Some(value) => pairs.insert(key.clone(), value.clone()),
                None => pairs.remove(key),
            };
        }
        Ok(pairs.into_iter().take(limit).collect())
    }
}

fn checked(table: Table, key: &[u8], stored: &[u8]) -> Result<Vec<u8>, LedgerError> {
    let damaged = || LedgerError::Damaged(format!("a record of {table}"));
    let (digest, value) = stored.split_at_checked(DIGEST).ok_or_else(damaged)?;
    if digest != value_digest(table, key, value) {
        return Err(damaged());
    }
    Ok(value.to_vec())
}

fn value_digest(table: Table, key: &[u8], value: &[u8]) -> [u8; DIGEST] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(table.label.as_bytes());
    context.update(&key.len().to_be_bytes());
    context.update(key);
    context.update(value);
    let mut short = [0; DIGEST];
    for (to, from) in short.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    short
}

fn wait_for_lock(file: &OwnedFd) -> Result<(), LedgerError> {
    let start = clock::monotonic();
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::WOULDBLOCK) if start.elapsed() < PATIENCE => {
                std::thread::sleep(LOOK);
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(LedgerError::Busy),
            Err(errno) => return Err(LedgerError::System(errno.into())),
        }
    }
}
