//! What an entry means for the indexes. One set of rules writes them with every entry, and builds
//! them anew from the chain to hold them against it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::entry::{Entry, Event, Intended, Issued, Numbered, Revoked, VaultMark};
use super::head::Head;
use super::record::Record;
use super::store::{
    KEYS, OPEN_INTENTS, Pair, RECORDS, REQUESTS, REVOKED, ReadView, SERIALS, STATE, Table, View,
    WriteView,
};
use super::{
    CrlSigned, HEAD, LedgerError, NEXT_NUMBER, PAGE, VAULT_CURRENT, VAULT_PENDING, crl_key,
    number_of, revoked_key,
};

/// The tables that follow from the chain alone.
const DERIVED: [Table; 6] = [RECORDS, SERIALS, REVOKED, OPEN_INTENTS, REQUESTS, STATE];

/// After every key of those tables.
const AFTER_ALL: [u8; 64] = [0xFF; 64];

/// Where indexes are kept: in a transaction, or in memory.
trait Tables {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError>;
    fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), LedgerError>;
    fn remove(&self, table: Table, key: &[u8]) -> Result<(), LedgerError>;
}

/// Brings the indexes of a transaction up to an entry.
pub(super) fn index(view: &WriteView, entry: &Entry) -> Result<(), LedgerError> {
    apply(view, entry)
}

/// Reads the chain from its first entry, builds every index anew, and holds the stored ones against
/// that. Returns the records, in the order of their numbers.
pub(super) fn rebuild(
    view: &ReadView,
    mut progress: impl FnMut(u64),
) -> Result<Vec<Record>, LedgerError> {
    let head = Head::load(view)?;
    let rebuilt = Rebuilt::default();
    let mut at = Head::empty();
    while at.sequence() < head.sequence() {
        let page = at.following(view, PAGE)?;
        if page.is_empty() {
            return Err(LedgerError::ChainBroken { sequence: at.sequence() + 1 });
        }
        for (entry, hash) in page {
            apply(&rebuilt, &entry)?;
            at.advance(entry.sequence, hash);
        }
        progress(at.sequence());
    }
    if at.hash() != head.hash() {
        return Err(LedgerError::ChainBroken { sequence: head.sequence() });
    }
    let mut rebuilt = rebuilt.0.into_inner();
    let mut records = Vec::new();
    for table in DERIVED {
        let said = rebuilt.remove(&table.to_string()).unwrap_or_default();
        compare(view, table, &said)?;
        if table.to_string() == RECORDS.to_string() {
            records =
                said.values().map(|bytes| Record::from_bytes(bytes)).collect::<Result<_, _>>()?;
        }
    }
    Ok(records)
}

/// Holds a stored table against what the chain says it must be: the same keys, the same values.
fn compare(view: &ReadView, table: Table, said: &Rows) -> Result<(), LedgerError> {
    let disagrees = |key: &[u8]| {
        if table.to_string() == RECORDS.to_string() {
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
            if table.to_string() == STATE.to_string() && key == HEAD {
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
            tables.remove(STATE, VAULT_PENDING)?;
            put_mark(tables, VAULT_CURRENT, mark)
        }
        Event::CrlSigned(crl) => put_crl(tables, crl),
        Event::ClockConfirmed(_) => Ok(()),
        Event::Intended(intended) => apply_intent(tables, entry, intended),
        Event::Issued(Issued { number, .. }) => {
            tables.remove(OPEN_INTENTS, &number.to_be_bytes())?;
            apply_record(tables, entry, *number).map(drop)
        }
        Event::Abandoned(Numbered { number }) => {
            tables.remove(OPEN_INTENTS, &number.to_be_bytes())?;
            apply_revoked(tables, entry, *number)
        }
        Event::Revoked(Revoked { number, .. }) => apply_revoked(tables, entry, *number),
        Event::KeyExported(Numbered { number }) => apply_record(tables, entry, *number).map(drop),
        Event::KeyForgotten(Numbered { number }) => {
            tables.remove(KEYS, &number.to_be_bytes())?;
            apply_record(tables, entry, *number).map(drop)
        }
    }
}

fn apply_intent(
    tables: &impl Tables,
    entry: &Entry,
    intended: &Intended,
) -> Result<(), LedgerError> {
    let number = intended.number.to_be_bytes();
    let serial = intended.serial.as_bytes();
    let next = tables.get(STATE, NEXT_NUMBER)?.map_or(Ok(1), |bytes| number_of(&bytes))?;
    if intended.number != next || tables.get(SERIALS, serial)?.is_some() {
        return Err(LedgerError::OutOfOrder { sequence: entry.sequence });
    }
    tables.put(STATE, NEXT_NUMBER, &(intended.number + 1).to_be_bytes())?;
    tables.put(SERIALS, serial, &number)?;
    tables.put(OPEN_INTENTS, &number, &[])?;
    if let Some(request) = &intended.request {
        tables.put(REQUESTS, request.as_bytes(), &number)?;
    }
    apply_record(tables, entry, intended.number).map(drop)
}

fn apply_revoked(tables: &impl Tables, entry: &Entry, number: u64) -> Result<(), LedgerError> {
    let record = apply_record(tables, entry, number)?;
    tables.put(REVOKED, &revoked_key(record.issuer(), number), &[])
}

fn apply_record(tables: &impl Tables, entry: &Entry, number: u64) -> Result<Record, LedgerError> {
    let key = number.to_be_bytes();
    let before = tables.get(RECORDS, &key)?.map(|bytes| Record::from_bytes(&bytes)).transpose()?;
    let record = Record::after(before, entry)?;
    tables.put(RECORDS, &key, &record.to_bytes()?)?;
    Ok(record)
}

fn put_mark(tables: &impl Tables, key: &[u8], mark: &VaultMark) -> Result<(), LedgerError> {
    tables.put(STATE, key, &der::Encode::to_der(mark)?)
}

fn put_crl(tables: &impl Tables, crl: &CrlSigned) -> Result<(), LedgerError> {
    tables.put(STATE, &crl_key(crl.issuer), &der::Encode::to_der(crl)?)
}

impl Tables for WriteView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        View::get(self, table, key)
    }

    fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), LedgerError> {
        Self::put(self, table, key, value)
    }

    fn remove(&self, table: Table, key: &[u8]) -> Result<(), LedgerError> {
        Self::remove(self, table, key)
    }
}

/// Indexes built from the chain, in memory: by table, then by key.
#[derive(Default)]
struct Rebuilt(RefCell<BTreeMap<String, Rows>>);

/// Keys and values of one table.
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

impl Tables for Rebuilt {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, LedgerError> {
        Ok(self.0.borrow().get(&table.to_string()).and_then(|rows| rows.get(key)).cloned())
    }

    fn put(&self, table: Table, key: &[u8], value: &[u8]) -> Result<(), LedgerError> {
        let mut tables = self.0.borrow_mut();
        tables.entry(table.to_string()).or_default().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn remove(&self, table: Table, key: &[u8]) -> Result<(), LedgerError> {
        if let Some(rows) = self.0.borrow_mut().get_mut(&table.to_string()) {
            rows.remove(key);
        }
        Ok(())
    }
}
