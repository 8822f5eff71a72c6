//! Reading the ledger.

use super::entry::{CrlSigned, Digest, Entry, LostSerial, VaultMark, sha256, timestamp};
use super::head::{Head, HeadMark, follow};
use super::record::{Holder, Record};
use super::store::{
    CERTIFICATES, ENDINGS, HOLDERS, KEYS, LOST, NAMES, OPEN_INTENTS, RECORDS, REQUESTS, REVOKED,
    ReadView, SERIALS, STANDINGS, STATE, View,
};
use super::{
    BACKUP_WRITTEN, CRL_FLOOR, Ledger, LedgerError, PAGE, RESTORATION, Restoration, VAULT_CURRENT,
    VAULT_PENDING, VaultMarks, crl_key, index, name_key, newest_time, next_number, number_of,
    pair_key, record, renewals, second_of,
};
use crate::ground::clock::Timestamp;
use crate::pki::SerialNumber;

/// The last committed state of the ledger.
pub struct Reader<'ledger> {
    ledger: &'ledger Ledger,
    view: ReadView,
}

/// What was read when everything was held against everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// Entries of the chain.
    pub entries: u64,
    /// Certificates with a record.
    pub certificates: u64,
}

/// The serials of one issuer that admission must know.
#[derive(Debug, Default)]
pub struct Standings {
    /// Of client certificates that are issued and not revoked, expired ones among them.
    pub standing: Vec<SerialNumber>,
    /// Of everything that is revoked or abandoned.
    pub revoked: Vec<SerialNumber>,
}

impl<'ledger> Reader<'ledger> {
    pub(super) fn new(ledger: &'ledger Ledger, view: ReadView) -> Self {
        Self { ledger, view }
    }

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
        let until = pair_key(issuer, u64::MAX);
        let pairs = self.view.range(REVOKED, &pair_key(issuer, 0), &until, usize::MAX)?;
        let mut records = Vec::with_capacity(pairs.len());
        for (key, _) in &pairs {
            let number = second_of(key)?;
            let record = self.record(number)?;
            records.push(record.ok_or(LedgerError::RecordDisagrees { number })?);
        }
        Ok(records)
    }

    /// How every serial of an issuer stands for admission, in order of number.
    ///
    /// # Errors
    /// As any read.
    pub fn standings(&self, issuer: u64) -> Result<Standings, LedgerError> {
        let mut standings = Standings::default();
        let (mut from, until) = (pair_key(issuer, 0), pair_key(issuer, u64::MAX));
        loop {
            let page = self.view.range(STANDINGS, &from, &until, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(standings) };
            from = [last.as_slice(), &[0]].concat();
            for (_, value) in &page {
                let (standing, serial) = value.split_first().ok_or(LedgerError::Encoding)?;
                let serial = SerialNumber::from_der_integer(serial);
                let serial = serial.map_err(|_| LedgerError::Encoding)?;
                match *standing {
                    index::STANDS => standings.standing.push(serial),
                    index::REVOKED_OR_ABANDONED => standings.revoked.push(serial),
                    _ => return Err(LedgerError::Encoding),
                }
            }
        }
    }

    /// The numbers of at most `limit` certificates that end from a time on and before another, and
    /// that no issued certificate renews, the first to end first.
    ///
    /// # Errors
    /// As any read.
    pub fn endings(
        &self,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<u64>, LedgerError> {
        let key = |time: Timestamp| pair_key(time.unix_unsigned(), 0);
        let pairs = self.view.range(ENDINGS, &key(from), &key(until), limit)?;
        pairs.iter().map(|(key, _)| second_of(key)).collect()
    }

    /// The numbers of those that renew a certificate.
    ///
    /// # Errors
    /// As any read.
    pub fn renewals(&self, number: u64) -> Result<Vec<u64>, LedgerError> {
        renewals(&self.view, number)
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

    /// At most `limit` entries after a place of the chain, each held against the one before it.
    ///
    /// # Errors
    /// `ChainBroken`, and as any read.
    pub fn entries_after(&self, sequence: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        let entries = Head::at(&self.view, sequence)?.following(&self.view, limit)?;
        Ok(entries.into_iter().map(|(entry, _)| entry).collect())
    }

    /// The serials of an issuer that are revoked and of which nothing else is known.
    ///
    /// # Errors
    /// As any read.
    pub fn lost(&self, issuer: u64) -> Result<Vec<LostSerial>, LedgerError> {
        let (from, until) = (issuer.to_be_bytes(), issuer.saturating_add(1).to_be_bytes());
        let pairs = self.view.range(LOST, &from, &until, usize::MAX)?;
        pairs.iter().map(|(_, value)| Ok(der::Decode::from_der(value)?)).collect()
    }

    /// The number of the certificate with this serial.
    ///
    /// # Errors
    /// As any read.
    pub fn number_of_serial(&self, serial: &[u8]) -> Result<Option<u64>, LedgerError> {
        self.view.get(SERIALS, serial)?.map(|bytes| number_of(&bytes)).transpose()
    }

    /// Above what every CRL's number must be: 0 unless the ledger was restored.
    ///
    /// # Errors
    /// As any read.
    pub fn crl_floor(&self) -> Result<u64, LedgerError> {
        self.view.get(STATE, CRL_FLOOR)?.map_or(Ok(0), |bytes| number_of(&bytes))
    }

    /// How the ledger was last brought back from a copy, if it ever was.
    ///
    /// # Errors
    /// As any read.
    pub fn restoration(&self) -> Result<Option<Restoration>, LedgerError> {
        let bytes = self.view.get(STATE, RESTORATION)?;
        bytes.map(|bytes| Ok(der::Decode::from_der(&bytes)?)).transpose()
    }

    /// When the last copy was begun that was written to its end.
    ///
    /// # Errors
    /// As any read.
    pub fn backed_up(&self) -> Result<Option<Timestamp>, LedgerError> {
        let bytes = self.view.get(STATE, BACKUP_WRITTEN)?;
        bytes.map(|bytes| Ok(timestamp(number_of(&bytes)?))).transpose()
    }

    /// Where the chain ends.
    ///
    /// # Errors
    /// As any read.
    pub fn head(&self) -> Result<HeadMark, LedgerError> {
        Head::load(&self.view)?.mark()
    }

    /// Whether the chain has an entry with this hash at this place, and hangs together from there to
    /// its end; `None` when it is shorter.
    ///
    /// # Errors
    /// `ChainBroken`, and as any read.
    pub fn descends_from(&self, sequence: u64, hash: &Digest) -> Result<Option<bool>, LedgerError> {
        if sequence > self.entries()? {
            return Ok(None);
        }
        let at = Head::at(&self.view, sequence)?;
        if at.hash() != *hash {
            return Ok(Some(false));
        }
        follow(&self.view, at, |_| Ok(()))?;
        Ok(Some(true))
    }

    /// Reads the whole chain, follows every link, and holds every index and record against what the
    /// chain says of it. `progress` is told of each page of entries read.
    ///
    /// # Errors
    /// `ChainBroken`, `RecordDisagrees`, `IndexDisagrees`, `Damaged`.
    pub fn verify(&self, progress: impl FnMut(u64)) -> Result<Whole, LedgerError> {
        let records = index::rebuild(&self.view, progress)?;
        let certificates = u64::try_from(records.len()).unwrap_or(u64::MAX);
        for record in records {
            self.holder(&record)?;
            self.certificate(&record)?;
        }
        let head = Head::load(&self.view)?;
        self.ledger.set_verified((head.sequence(), head.hash()));
        Ok(Whole { entries: head.sequence(), certificates })
    }

    /// Verifies the ledger, but only what was appended since this process did so before: it has the
    /// file to itself, and whatever it reads again is checked again block by block.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_appended(&self) -> Result<(), LedgerError> {
        let Some((sequence, hash)) = self.ledger.verified() else {
            return self.verify(|_| ()).map(drop);
        };
        let mut at = Head::empty();
        at.advance(sequence, hash);
        follow(&self.view, at, |entry| index::check_revoked(&self.view, entry))?;
        let head = Head::load(&self.view)?;
        self.ledger.set_verified((head.sequence(), head.hash()));
        Ok(())
    }
}
