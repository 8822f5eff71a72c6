//! The tables of the embedded store. Every value carries a digest over its table, key and bytes,
//! and is checked when read.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use rustix::fs::{FlockOperation, Mode, OFlags};

use super::LedgerError;
use super::blocks::CheckedBlocks;
use super::entry::sha256;
use crate::ground::clock;
use crate::ground::files::{self, FileError, PRIVATE};

/// A table by its name; keys and values are bytes.
pub(super) type Table = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Sequence -> entry.
pub(super) const ENTRIES: Table = Table::new("entries");
/// Number -> record.
pub(super) const RECORDS: Table = Table::new("records");
/// Serial -> number.
pub(super) const SERIALS: Table = Table::new("serials");
/// Issuer and number of what is revoked or abandoned -> nothing.
pub(super) const REVOKED: Table = Table::new("revoked");
/// Number of what is intended and no more -> nothing.
pub(super) const OPEN_INTENTS: Table = Table::new("open-intents");
/// Digest of an asking -> number.
pub(super) const REQUESTS: Table = Table::new("requests");
/// The head, the vault's mark, the counters.
pub(super) const STATE: Table = Table::new("state");
/// Number -> personal fields. Erasable.
pub(super) const HOLDERS: Table = Table::new("holders");
/// A name and a number -> nothing. Erasable.
pub(super) const NAMES: Table = Table::new("names");
/// Number -> certificate. Erasable.
pub(super) const CERTIFICATES: Table = Table::new("certificates");
/// Number -> sealed private key. Erasable.
pub(super) const KEYS: Table = Table::new("keys");

const ALL: [Table; 11] = [
    ENTRIES,
    RECORDS,
    SERIALS,
    REVOKED,
    OPEN_INTENTS,
    REQUESTS,
    STATE,
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
    /// Held for the lock on it.
    _lock: OwnedFd,
}

impl Store {
    /// Makes a new store; there must be none.
    pub(super) fn create(path: &Path) -> Result<Self, LedgerError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let store = Self::open_with(path, flags)?;
        let transaction = store.write()?;
        for table in ALL {
            transaction.0.open_table(table)?;
        }
        transaction.commit()?;
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
        let lock = rustix::io::fcntl_dupfd_cloexec(&file, 0).map_err(std::io::Error::from)?;
        wait_for_lock(&lock)?;
        let blocks = CheckedBlocks::new(File::from(file))?;
        let database = Builder::new().set_cache_size(CACHE).create_with_backend(blocks)?;
        Ok(Self { database, _lock: lock })
    }

    /// A view of the last committed state.
    pub(super) fn read(&self) -> Result<ReadView, LedgerError> {
        Ok(ReadView(self.database.begin_read()?))
    }

    /// One durable change of everything written through it. Only one at a time.
    pub(super) fn write(&self) -> Result<WriteView, LedgerError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        Ok(WriteView(transaction))
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
pub(super) struct ReadView(redb::ReadTransaction);

impl View for ReadView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        get(&self.0.open_table(table)?, table, key)
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, LedgerError> {
        range(&self.0.open_table(table)?, table, from, until, limit)
    }
}

/// A transaction that is not committed yet; dropped, it leaves nothing.
pub(super) struct WriteView(WriteTransaction);

impl WriteView {
    pub(super) fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), LedgerError> {
        let mut stored = value_digest(table, key, value).to_vec();
        stored.extend_from_slice(value);
        self.0.open_table(table)?.insert(key, stored.as_slice())?;
        Ok(())
    }

    pub(super) fn remove(&self, table: Table, key: &[u8]) -> Result<(), LedgerError> {
        self.0.open_table(table)?.remove(key)?;
        Ok(())
    }

    pub(super) fn commit(self) -> Result<(), LedgerError> {
        Ok(self.0.commit()?)
    }
}

impl View for WriteView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        get(&self.0.open_table(table)?, table, key)
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        until: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, LedgerError> {
        range(&self.0.open_table(table)?, table, from, until, limit)
    }
}

fn get(
    open: &impl ReadableTable<&'static [u8], &'static [u8]>,
    table: Table,
    key: &[u8],
) -> Result<Option<Vec<u8>>, LedgerError> {
    match open.get(key)? {
        Some(stored) => checked(table, key, stored.value()).map(Some),
        None => Ok(None),
    }
}

fn range(
    open: &impl ReadableTable<&'static [u8], &'static [u8]>,
    table: Table,
    from: &[u8],
    until: &[u8],
    limit: usize,
) -> Result<Vec<Pair>, LedgerError> {
    let mut pairs = Vec::new();
    for pair in open.range(from..until)?.take(limit) {
        let (key, value) = pair?;
        pairs.push((key.value().to_vec(), checked(table, key.value(), value.value())?));
    }
    Ok(pairs)
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
    let mut bytes = table.to_string().into_bytes();
    bytes.extend_from_slice(&key.len().to_be_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(value);
    let mut short = [0; DIGEST];
    for (to, from) in short.iter_mut().zip(sha256(&bytes)) {
        *to = from;
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
