//! What an entry means for the indexes. One set of rules writes them with every entry, and builds
//! them anew from the chain to hold them against it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::entry::{
    Entry, Event, Intended, Issued, LostSerial, Numbered, Profile, Reconciled, Restored, Revoked,
    VaultMark,
};
use super::head::{Head, follow};
use super::record::{Record, State};
use super::store::{
    ENDINGS, KEYS, LOST, OPEN_INTENTS, Pair, RECORDS, RENEWALS, REQUESTS, REVOKED, ReadView,
    SERIALS, STANDINGS, STATE, Store, Table, View, WriteView,
};
use super::{
    BACKED_UP, BACKUP_WRITTEN, CRL_FLOOR, CrlSigned, HEAD, LedgerError, NEXT_NUMBER, PAGE,
    RESTORATION, Restoration, VAULT_CURRENT, VAULT_PENDING, crl_key, number_of, pair_key,
};

/// The tables that follow from the chain alone.
const DERIVED: [Table; 10] =
    [RECORDS, SERIALS, REVOKED, OPEN_INTENTS, REQUESTS, STATE, RENEWALS, ENDINGS, STANDINGS, LOST];

/// Those that an earlier version did not have.
const ADDED: [Table; 4] = [RENEWALS, ENDINGS, STANDINGS, LOST];

/// After every key of any table.
pub(super) const AFTER_ALL: [u8; 64] = [0xFF; 64];

/// Entries between two tellings of progress.
const PROGRESS: u64 = 512;

/// In [`STANDINGS`], before the serial: a client certificate that stands.
pub(super) const STANDS: u8 = 1;
/// In [`STANDINGS`], before the serial: revoked or abandoned, of any profile.
pub(super) const REVOKED_OR_ABANDONED: u8 = 2;

/// Where indexes are kept: in a transaction, or in memory.
trait Tables {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError>;
    fn keys(&self, table: Table, from: &[u8], until: &[u8]) -> Result<Vec<Vec<u8>>, LedgerError>;
    fn put(&self, table: Table, key: &[u8], value: &[u8]);
    fn remove(&self, table: Table, key: &[u8]);
}

/// Brings the indexes of a transaction up to an entry.
pub(super) fn index(view: &WriteView, entry: &Entry) -> Result<(), LedgerError> {
    apply(view, entry)
}

/// Reads the chain from its first entry, builds every index anew, and holds the stored ones against
/// that. Returns the records, in the order of their numbers.
pub(super) fn rebuild(
    view: &ReadView,
    progress: impl FnMut(u64),
) -> Result<Vec<Record>, LedgerError> {
    let mut rebuilt = from_chain(view, progress)?;
    let mut records = Vec::new();
    for table in DERIVED {
        let said = rebuilt.remove(&table).unwrap_or_default();
        compare(view, table, &said)?;
        if table == RECORDS {
            records =
                said.values().map(|bytes| Record::from_bytes(bytes)).collect::<Result<_, _>>()?;
        }
    }
    Ok(records)
}

/// Gives a store of an earlier version the indexes that came later.
pub(super) fn add_missing(store: &Store) -> Result<(), LedgerError> {
    let mut missing = Vec::new();
    for table in ADDED {
        if store.lacks(table)? {
            missing.push(table);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let view = store.write()?;
    let mut rebuilt = from_chain(&view, |_| ())?;
    for table in missing {
        view.create(table);
        for (key, value) in rebuilt.remove(&table).unwrap_or_default() {
            view.put(table, &key, &value);
        }
    }
    view.commit()
}

/// Holds the indexes against an entry by which something was revoked or abandoned.
pub(super) fn check_revoked(view: &ReadView, entry: &Entry) -> Result<(), LedgerError> {
    let (number, state) = match &entry.event {
        Event::Revoked(Revoked { number, .. }) => (*number, State::Revoked),
        Event::Abandoned(Numbered { number }) => (*number, State::Abandoned),
        Event::LostRevoked(lost) => {
            let listed = view.get(LOST, &lost_key(lost))?;
            let disagrees = LedgerError::IndexDisagrees { table: LOST.to_string() };
            return listed.map(drop).ok_or(disagrees);
        }
        _ => return Ok(()),
    };
    let record = super::record(view, number)?;
    let record = record.filter(|record| record.state() == state);
    let record = record.ok_or(LedgerError::RecordDisagrees { number })?;
    let disagrees = || LedgerError::IndexDisagrees { table: REVOKED.to_string() };
    let listed = view.get(REVOKED, &pair_key(record.issuer(), number))?;
    listed.map(drop).ok_or_else(disagrees)
}

/// Follows the chain from its first entry to its head; the indexes it makes.
fn from_chain(
    view: &impl View,
    mut progress: impl FnMut(u64),
) -> Result<BTreeMap<Table, Rows>, LedgerError> {
    let rebuilt = Rebuilt::default();
    follow(view, Head::empty(), |entry| {
        if entry.sequence % PROGRESS == 0 {
            progress(entry.sequence);
        }
        apply(&rebuilt, entry)
    })?;
    Ok(rebuilt.0.into_inner())
}

/// Holds a stored table against what the chain says it must be: the same keys, the same values.
fn compare(view: &ReadView, table: Table, said: &Rows) -> Result<(), LedgerError> {
    let disagrees = |key: &[u8]| {
        if table == RECORDS {
            let number = number_of(key).unwrap_or(0);
            return LedgerError::RecordDisagrees { number };
        }
        LedgerError::IndexDisagrees { table: table.to_string() }
    };
    let mut expected = said.iter();
    let mut from = Vec::new();
    loop {
        let page: Vec<Pair> = view.range(table, &from, &AFTER_ALL, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        from = [last.as_slice(), &[0]].concat();
        for (key, value) in &page {
            if table == STATE && key == HEAD {
                continue;
            }
            if expected.next() != Some((key, value)) {
                return Err(disagrees(key));
            }
        }
    }
    match expected.next() {
        Some((missing, _)) => Err(disagrees(missing)),
        None => Ok(()),
    }
}

fn apply(tables: &impl Tables, entry: &Entry) -> Result<(), LedgerError> {
    match &entry.event {
        Event::VaultChanging(mark) => put_mark(tables, VAULT_PENDING, mark),
        Event::VaultChanged(mark) | Event::VaultKept(mark) => {
            tables.remove(STATE, VAULT_PENDING);
            put_mark(tables, VAULT_CURRENT, mark)
        }
        Event::CrlSigned(crl) => put_crl(tables, crl),
        Event::ClockConfirmed(_) => Ok(()),
        Event::BackedUp(_) => {
            tables.put(STATE, BACKED_UP, &entry.time.unix_unsigned().to_be_bytes());
            Ok(())
        }
        Event::BackupWritten(_) => {
            // What came after the copy was begun is not in it.
            let out_of_order = || LedgerError::OutOfOrder { sequence: entry.sequence };
            let begun = tables.get(STATE, BACKED_UP)?.ok_or_else(out_of_order)?;
            tables.put(STATE, BACKUP_WRITTEN, &begun);
            Ok(())
        }
        Event::Restored(restored) => apply_restored(tables, entry, restored),
        Event::LostRevoked(lost) => {
            tables.put(LOST, &lost_key(lost), &der::Encode::to_der(lost)?);
            Ok(())
        }
        Event::Reconciled(reconciled) => apply_reconciled(tables, entry, *reconciled),
        Event::Intended(intended) => apply_intent(tables, entry, intended),
        Event::Issued(Issued { number, .. }) => apply_issued(tables, entry, *number),
        Event::Abandoned(Numbered { number }) => {
            tables.remove(OPEN_INTENTS, &number.to_be_bytes());
            apply_revoked(tables, entry, *number).map(drop)
        }
        Event::Revoked(Revoked { number, .. }) => {
            let record = apply_revoked(tables, entry, *number)?;
            tables.remove(ENDINGS, &ending_key(&record));
            match record.renews() {
                Some(renewed) => apply_renewal_revoked(tables, renewed),
                None => Ok(()),
            }
        }
        Event::KeyExported(Numbered { number }) => apply_record(tables, entry, *number).map(drop),
        Event::KeyForgotten(Numbered { number }) => {
            tables.remove(KEYS, &number.to_be_bytes());
            apply_record(tables, entry, *number).map(drop)
        }
    }
}

fn apply_intent(
    tables: &impl Tables,
    entry: &Entry,
    intended: &Intended,
) -> Result<(), LedgerError> {
    let out_of_order = || LedgerError::OutOfOrder { sequence: entry.sequence };
    let number = intended.number.to_be_bytes();
    let serial = intended.serial.as_bytes();
    let next = tables.get(STATE, NEXT_NUMBER)?.map_or(Ok(1), |bytes| number_of(&bytes))?;
    if intended.number != next || tables.get(SERIALS, serial)?.is_some() {
        return Err(out_of_order());
    }
    tables.put(STATE, NEXT_NUMBER, &(intended.number + 1).to_be_bytes());
    tables.put(SERIALS, serial, &number);
    tables.put(OPEN_INTENTS, &number, &[]);
    if let Some(request) = &intended.request {
        tables.put(REQUESTS, request.as_bytes(), &number);
    }
    if let Some(renewed) = intended.renews {
        // What is revoked has no heirs.
        let record = stored(tables, renewed)?;
        record.filter(|record| record.state() == State::Issued).ok_or_else(out_of_order)?;
        tables.put(RENEWALS, &pair_key(renewed, intended.number), &[]);
    }
    apply_record(tables, entry, intended.number).map(drop)
}

fn apply_issued(tables: &impl Tables, entry: &Entry, number: u64) -> Result<(), LedgerError> {
    tables.remove(OPEN_INTENTS, &number.to_be_bytes());
    let record = apply_record(tables, entry, number)?;
    tables.put(ENDINGS, &ending_key(&record), &[]);
    if let Some(renewed) = record.renews().map(|renewed| stored(tables, renewed)).transpose()? {
        renewed.iter().for_each(|renewed| tables.remove(ENDINGS, &ending_key(renewed)));
    }
    if record.profile() == Profile::Client {
        put_standing(tables, &record, STANDS);
    }
    Ok(())
}

fn apply_revoked(tables: &impl Tables, entry: &Entry, number: u64) -> Result<Record, LedgerError> {
    let record = apply_record(tables, entry, number)?;
    tables.put(REVOKED, &pair_key(record.issuer(), number), &[]);
    put_standing(tables, &record, REVOKED_OR_ABANDONED);
    Ok(record)
}

/// What was renewed ends without a successor again, unless another renewal is in force.
fn apply_renewal_revoked(tables: &impl Tables, renewed: u64) -> Result<(), LedgerError> {
    let is_issued = |record: &Option<Record>| {
        record.as_ref().is_some_and(|record| record.state() == State::Issued)
    };
    let record = stored(tables, renewed)?;
    let Some(record) = record.filter(|record| record.state() == State::Issued) else {
        return Ok(());
    };
    for key in tables.keys(RENEWALS, &pair_key(renewed, 0), &pair_key(renewed, u64::MAX))? {
        if is_issued(&stored(tables, number_of(key.get(8..).unwrap_or(&[]))?)?) {
            return Ok(());
        }
    }
    tables.put(ENDINGS, &ending_key(&record), &[]);
    Ok(())
}

/// Numbers only grow, so that none is given twice.
fn apply_restored(
    tables: &impl Tables,
    entry: &Entry,
    restored: &Restored,
) -> Result<(), LedgerError> {
    let next = tables.get(STATE, NEXT_NUMBER)?.map_or(Ok(1), |bytes| number_of(&bytes))?;
    if restored.next_number < next {
        return Err(LedgerError::OutOfOrder { sequence: entry.sequence });
    }
    tables.put(STATE, NEXT_NUMBER, &restored.next_number.to_be_bytes());
    raise_crl_floor(tables, restored.crl_number)?;
    let restoration = Restoration {
        restored: entry.time.unix_unsigned(),
        backed_up: restored.backed_up,
        reconciled: None,
        merged: None,
    };
    tables.put(STATE, RESTORATION, &der::Encode::to_der(&restoration)?);
    Ok(())
}

fn apply_reconciled(
    tables: &impl Tables,
    entry: &Entry,
    reconciled: Reconciled,
) -> Result<(), LedgerError> {
    let out_of_order = || LedgerError::OutOfOrder { sequence: entry.sequence };
    let stored = tables.get(STATE, RESTORATION)?.ok_or_else(out_of_order)?;
    let restoration: Restoration = der::Decode::from_der(&stored)?;
    if restoration.reconciled.is_some() {
        return Err(out_of_order());
    }
    raise_crl_floor(tables, reconciled.crl_number)?;
    let restoration = Restoration {
        reconciled: Some(entry.time.unix_unsigned()),
        merged: reconciled.merged,
        ..restoration
    };
    tables.put(STATE, RESTORATION, &der::Encode::to_der(&restoration)?);
    Ok(())
}

fn raise_crl_floor(tables: &impl Tables, floor: u64) -> Result<(), LedgerError> {
    let before = tables.get(STATE, CRL_FLOOR)?.map_or(Ok(0), |bytes| number_of(&bytes))?;
    tables.put(STATE, CRL_FLOOR, &floor.max(before).to_be_bytes());
    Ok(())
}

fn lost_key(lost: &LostSerial) -> Vec<u8> {
    [&lost.issuer.to_be_bytes(), lost.serial.as_bytes()].concat()
}

fn apply_record(tables: &impl Tables, entry: &Entry, number: u64) -> Result<Record, LedgerError> {
    let record = Record::after(stored(tables, number)?, entry)?;
    tables.put(RECORDS, &number.to_be_bytes(), &record.to_bytes()?);
    Ok(record)
}

fn stored(tables: &impl Tables, number: u64) -> Result<Option<Record>, LedgerError> {
    let bytes = tables.get(RECORDS, &number.to_be_bytes())?;
    bytes.map(|bytes| Record::from_bytes(&bytes)).transpose()
}

fn put_standing(tables: &impl Tables, record: &Record, standing: u8) {
    let key = pair_key(record.issuer(), record.number());
    tables.put(STANDINGS, &key, &[&[standing], record.serial()].concat());
}

fn put_mark(tables: &impl Tables, key: &[u8], mark: &VaultMark) -> Result<(), LedgerError> {
    tables.put(STATE, key, &der::Encode::to_der(mark)?);
    Ok(())
}

fn put_crl(tables: &impl Tables, crl: &CrlSigned) -> Result<(), LedgerError> {
    tables.put(STATE, &crl_key(crl.issuer), &der::Encode::to_der(crl)?);
    Ok(())
}

fn ending_key(record: &Record) -> Vec<u8> {
    pair_key(record.not_after().unix_unsigned(), record.number())
}

impl Tables for WriteView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        View::get(self, table, key)
    }

    fn keys(&self, table: Table, from: &[u8], until: &[u8]) -> Result<Vec<Vec<u8>>, LedgerError> {
        let pairs = View::range(self, table, from, until, usize::MAX)?;
        Ok(pairs.into_iter().map(|(key, _)| key).collect())
    }

    fn put(&self, table: Table, key: &[u8], value: &[u8]) {
        Self::put(self, table, key, value);
    }

    fn remove(&self, table: Table, key: &[u8]) {
        Self::remove(self, table, key);
    }
}

/// Indexes built from the chain, in memory.
#[derive(Default)]
struct Rebuilt(RefCell<BTreeMap<Table, Rows>>);

/// Keys and values of one table.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

impl Tables for Rebuilt {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.0.borrow().get(&table).and_then(|rows| rows.get(key)).cloned())
    }

    fn keys(&self, table: Table, from: &[u8], until: &[u8]) -> Result<Vec<Vec<u8>>, LedgerError> {
        let tables = self.0.borrow();
        let rows = tables.get(&table).into_iter();
        Ok(rows
            .flat_map(|rows| rows.range(from.to_vec()..until.to_vec()))
            .map(|(key, _)| key.clone())
            .collect())
    }

    fn put(&self, table: Table, key: &[u8], value: &[u8]) {
        self.0.borrow_mut().entry(table).or_default().insert(key.to_vec(), value.to_vec());
    }

    fn remove(&self, table: Table, key: &[u8]) {
        if let Some(rows) = self.0.borrow_mut().get_mut(&table) {
            rows.remove(key);
        }
    }
}
