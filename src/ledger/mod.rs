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
mod entry;
mod error;
mod head;
mod index;
mod record;
mod store;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::path::Path;

use der::asn1::OctetString;

pub use entry::{
    ClockConfirmed, CrlSigned, Custody, Digest, Entry, Event, Intended, Issued, Numbered, Profile,
    Revoked, VaultMark, sha256,
};
pub use error::LedgerError;
pub use head::HeadKey;
pub use record::{Holder, Record, RevocationMark, State};

use crate::ground::clock::Timestamp;
use head::Head;
use store::{
    CERTIFICATES, ENTRIES, HOLDERS, KEYS, NAMES, OPEN_INTENTS, RECORDS, REQUESTS, REVOKED,
    ReadView, STATE, Store, View, WriteView,
};

/// The open ledger. Only one process has it open at a time.
pub struct Ledger {
    store: Store,
    head_key: Option<HeadKey>,
}

/// The vault file that the ledger knows, and the change it was told of but has not seen done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultMarks {
    /// The last file that was seen done.
    pub current: Option<VaultMark>,
    /// The file that was announced after it.
    pub pending: Option<VaultMark>,
}

const HEAD: &[u8] = b"head";
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
        Ok(Self { store: Store::create(path)?, head_key: None })
    }

    /// Opens a ledger, waiting up to 10 seconds while another process has it.
    ///
    /// # Errors
    /// `File`, `Busy`, `Damaged`.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { store: Store::open(path)?, head_key: None })
    }

    /// Reads the last committed state.
    ///
    /// # Errors
    /// `System` or `Damaged`.
    pub fn reader(&self) -> Result<Reader<'_>, LedgerError> {
        Ok(Reader { view: self.store.read()?, ledger: PhantomData })
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
        self.view.put(ENTRIES, &entry.sequence.to_be_bytes(), &bytes)?;
        self.head.advance(entry.sequence, sha256(&bytes));
        self.newest = time;
        Ok(())
    }

    /// Stores the personal fields of a certificate, and the names it is found by.
    ///
    /// # Errors
    /// As any write.
    pub fn put_holder(
        &mut self,
        number: u64,
        holder: &Holder,
        names: &[&str],
    ) -> Result<(), LedgerError> {
        self.view.put(HOLDERS, &number.to_be_bytes(), &holder.to_bytes()?)?;
        for name in names {
            self.view.put(NAMES, &name_key(name, number), &[])?;
        }
        Ok(())
    }

    /// Stores a signed certificate.
    ///
    /// # Errors
    /// As any write.
    pub fn put_certificate(&mut self, number: u64, certificate: &[u8]) -> Result<(), LedgerError> {
        self.view.put(CERTIFICATES, &number.to_be_bytes(), certificate)
    }

    /// Stores a sealed private key, in place of the one that is there.
    ///
    /// # Errors
    /// As any write.
    pub fn put_sealed_key(&mut self, number: u64, sealed: &[u8]) -> Result<(), LedgerError> {
        self.view.put(KEYS, &number.to_be_bytes(), sealed)
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

/// The last committed state of the ledger.
pub struct Reader<'ledger> {
    view: ReadView,
    /// The store answers only while the ledger is open.
    ledger: PhantomData<&'ledger Ledger>,
}

impl Reader<'_> {
    /// What is known of a certificate.
    ///
    /// # Errors
    /// `System` or `Damaged`, as all that follow.
    pub fn record(&self, number: u64) -> Result<Option<Record>, LedgerError> {
        record(&self.view, number)
    }

    /// At most `limit` records, in the order of their numbers, from `first` on.
    ///
    /// # Errors
    /// As any read.
    pub fn records(&self, first: u64, limit: usize) -> Result<Vec<Record>, LedgerError> {
        let pairs =
            self.view.range(RECORDS, &first.to_be_bytes(), &u64::MAX.to_be_bytes(), limit)?;
        pairs.iter().map(|(_, bytes)| Record::from_bytes(bytes)).collect()
    }

    /// At most `limit` entries of the chain, in order, after a place in it.
    ///
    /// # Errors
    /// As any read.
    pub fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        let first = sequence.saturating_add(1).to_be_bytes();
        let pairs = self.view.range(ENTRIES, &first, &u64::MAX.to_be_bytes(), limit)?;
        pairs.iter().map(|(_, bytes)| Entry::from_bytes(bytes)).collect()
    }

    /// The numbers of the certificates that were stored under this name.
    ///
    /// # Errors
    /// As any read.
    pub fn numbers_of_name(&self, name: &str) -> Result<Vec<u64>, LedgerError> {
        let pairs =
            self.view.range(NAMES, &name_key(name, 0), &name_key(name, u64::MAX), usize::MAX)?;
        pairs.iter().map(|(key, _)| number_of(key.get(key.len() - 8..).unwrap_or(&[]))).collect()
    }

    /// The number of the certificate that was made for this asking.
    ///
    /// # Errors
    /// As any read.
    pub fn number_of_request(&self, request: &Digest) -> Result<Option<u64>, LedgerError> {
        self.view.get(REQUESTS, request)?.map(|bytes| number_of(&bytes)).transpose()
    }

    /// The numbers that are intended and no more: a crash left them.
    ///
    /// # Errors
    /// As any read.
    pub fn open_intents(&self) -> Result<Vec<u64>, LedgerError> {
        let pairs = self.view.range(OPEN_INTENTS, &[], &u64::MAX.to_be_bytes(), usize::MAX)?;
        pairs.iter().map(|(key, _)| number_of(key)).collect()
    }

    /// The records of everything of an issuer that is revoked or abandoned, in order of number.
    ///
    /// # Errors
    /// As any read.
    pub fn revoked(&self, issuer: u64) -> Result<Vec<Record>, LedgerError> {
        let until = revoked_key(issuer, u64::MAX);
        let pairs = self.view.range(REVOKED, &revoked_key(issuer, 0), &until, usize::MAX)?;
        let mut records = Vec::with_capacity(pairs.len());
        for (key, _) in &pairs {
            let number = number_of(key.get(8..).unwrap_or(&[]))?;
            let record = self.record(number)?;
            records.push(record.ok_or(LedgerError::RecordDisagrees { number })?);
        }
        Ok(records)
    }

    /// The personal fields of a certificate; none once they are erased. They are checked against
    /// the digest in the chain.
    ///
    /// # Errors
    /// `RecordDisagrees` when they are not what the chain digests.
    pub fn holder(&self, record: &Record) -> Result<Option<Holder>, LedgerError> {
        let Some(bytes) = self.view.get(HOLDERS, &record.number().to_be_bytes())? else {
            return Ok(None);
        };
        let holder = Holder::from_bytes(&bytes)?;
        if sha256(&bytes) != record.holder_sha256() {
            return Err(LedgerError::RecordDisagrees { number: record.number() });
        }
        Ok(Some(holder))
    }

    /// The signed certificate, checked against the digest in the chain.
    ///
    /// # Errors
    /// `RecordDisagrees` when it is not what the chain digests.
    pub fn certificate(&self, record: &Record) -> Result<Option<Vec<u8>>, LedgerError> {
        let bytes = self.view.get(CERTIFICATES, &record.number().to_be_bytes())?;
        match &bytes {
            Some(bytes) if Some(sha256(bytes)) != record.certificate_sha256() => {
                Err(LedgerError::RecordDisagrees { number: record.number() })
            }
            _ => Ok(bytes),
        }
    }

    /// The sealed private key of a certificate.
    ///
    /// # Errors
    /// As any read.
    pub fn sealed_key(&self, number: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.view.get(KEYS, &number.to_be_bytes())
    }

    /// At most `limit` sealed private keys with their numbers, from `first` on.
    ///
    /// # Errors
    /// As any read.
    pub fn sealed_keys(
        &self,
        first: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let pairs = self.view.range(KEYS, &first.to_be_bytes(), &u64::MAX.to_be_bytes(), limit)?;
        pairs.into_iter().map(|(key, value)| Ok((number_of(&key)?, value))).collect()
    }

    /// The vault files the ledger knows of.
    ///
    /// # Errors
    /// As any read.
    pub fn vault_marks(&self) -> Result<VaultMarks, LedgerError> {
        let mark = |key| -> Result<Option<VaultMark>, LedgerError> {
            let bytes = self.view.get(STATE, key)?;
            bytes.map(|bytes| Ok(der::Decode::from_der(&bytes)?)).transpose()
        };
        Ok(VaultMarks { current: mark(VAULT_CURRENT)?, pending: mark(VAULT_PENDING)? })
    }

    /// The last CRL that was signed for an issuer.
    ///
    /// # Errors
    /// As any read.
    pub fn last_crl(&self, issuer: u64) -> Result<Option<CrlSigned>, LedgerError> {
        let bytes = self.view.get(STATE, &crl_key(issuer))?;
        bytes.map(|bytes| Ok(der::Decode::from_der(&bytes)?)).transpose()
    }

    /// The next certificate number.
    ///
    /// # Errors
    /// As any read.
    pub fn next_number(&self) -> Result<u64, LedgerError> {
        next_number(&self.view)
    }

    /// The newest time that the ledger has seen: that of its last entry. 1970 when it is empty.
    ///
    /// # Errors
    /// As any read.
    pub fn newest_time(&self) -> Result<Timestamp, LedgerError> {
        newest_time(&self.view, &Head::load(&self.view)?)
    }

    /// How many entries the chain has.
    ///
    /// # Errors
    /// As any read.
    pub fn entries(&self) -> Result<u64, LedgerError> {
        Ok(Head::load(&self.view)?.sequence())
    }

    /// Reads the whole chain, follows every link, and holds every index and record against what the
    /// chain says of it. Returns the number of entries. `progress` is told of each page of entries read.
    ///
    /// # Errors
    /// `ChainBroken`, `RecordDisagrees`, `IndexDisagrees`, `Damaged`.
    pub fn verify(&self, progress: impl FnMut(u64)) -> Result<u64, LedgerError> {
        for record in index::rebuild(&self.view, progress)? {
            self.holder(&record)?;
            self.certificate(&record)?;
        }
        self.entries()
    }
}

fn record(view: &impl View, number: u64) -> Result<Option<Record>, LedgerError> {
    let bytes = view.get(RECORDS, &number.to_be_bytes())?;
    bytes.map(|bytes| Record::from_bytes(&bytes)).transpose()
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

fn revoked_key(issuer: u64, number: u64) -> Vec<u8> {
    [issuer.to_be_bytes(), number.to_be_bytes()].concat()
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
