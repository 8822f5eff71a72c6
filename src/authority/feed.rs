//! What the feed tells of the ledger.

use super::Authority;
use crate::ca;
use crate::door::feed::{Change, Event, IssuerSnapshot, Sequence, Snapshot};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::ledger::{self, LostSerial, Profile, Record, Standings};
use crate::pki::SerialNumber;

/// Records or entries read at a time.
const PAGE: usize = 4096;

impl Authority {
    /// Everything that admission needs of the ledger, as it is now. It is read from an index (half
    /// a second for 10^6 certificates), which is held against the chain first: an edit of the index
    /// must not bring anybody back in.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn snapshot(&self) -> Result<Snapshot, Refusal> {
        let reader = self.ledger.reader()?;
        reader.verify_appended()?;
        let mut issuers = Vec::new();
        for issuer in ca::authorities(&reader)? {
            let certificate = self.certificate(&issuer)?.der().to_vec();
            let Standings { standing, mut revoked } = reader.standings(issuer.number())?;
            for lost in reader.lost(issuer.number())? {
                revoked.push(lost_serial(&lost)?);
            }
            issuers.push(IssuerSnapshot { certificate, standing, revoked });
        }
        Ok(Snapshot { epoch: reader.entries()?, floor: reader.newest_time()?, issuers })
    }

    /// The serials that were revoked or abandoned at a time or later.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub(super) fn revoked_since(&self, time: Timestamp) -> Result<Vec<SerialNumber>, Refusal> {
        let (reader, issuer) = (self.ledger.reader()?, self.issuer()?.number());
        let since = time.unix_unsigned();
        let mut serials = Vec::new();
        for record in reader.revoked(issuer)? {
            if record.revocation().is_some_and(|mark| mark.time >= since) {
                serials.push(serial(&record)?);
            }
        }
        // Those were on a list already; when this ledger heard of them is another matter.
        for lost in reader.lost(issuer)? {
            serials.push(lost_serial(&lost)?);
        }
        Ok(serials)
    }

    /// What changed for admission after an epoch, in order.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn changes_since(&self, epoch: Sequence) -> Result<Vec<Event>, Refusal> {
        let reader = self.ledger.reader()?;
        let mut changes = Vec::new();
        let mut after = epoch;
        loop {
            let entries = reader.entries_after(after, PAGE)?;
            let Some(last) = entries.last() else { return Ok(changes) };
            after = last.sequence;
            for entry in &entries {
                let (number, revoked) = match &entry.event {
                    ledger::Event::Issued(issued) => (issued.number, false),
                    ledger::Event::Revoked(revoked) => (revoked.number, true),
                    ledger::Event::Abandoned(abandoned) => (abandoned.number, true),
                    _ => continue,
                };
                let Some(record) = reader.record(number)? else { continue };
                if record.profile() != Profile::Client {
                    continue;
                }
                let issuer = reader.record(record.issuer())?;
                let issuer = issuer.and_then(|issuer| issuer.certificate_sha256());
                let issuer = issuer.ok_or(Refusal::NoCertificateAuthority {})?;
                let serial = serial(&record)?;
                // What belongs together is told, and acknowledged, together.
                match (changes.last_mut(), revoked) {
                    (Some(Event::Revoked(change)), true) | (Some(Event::Issued(change)), false)
                        if change.issuer == issuer && change.serials.len() < PAGE =>
                    {
                        change.epoch = entry.sequence;
                        change.serials.push(serial);
                    }
                    (_, revoked) => {
                        let change =
                            Change { epoch: entry.sequence, issuer, serials: vec![serial] };
                        let event = if revoked { Event::Revoked } else { Event::Issued };
                        changes.push(event(change));
                    }
                }
            }
        }
    }
}

fn lost_serial(lost: &LostSerial) -> Result<SerialNumber, Refusal> {
    SerialNumber::from_der_integer(lost.serial.as_bytes())
        .map_err(|_| Refusal::LedgerDamaged { reason: "a lost serial".to_owned() })
}

fn serial(record: &Record) -> Result<SerialNumber, Refusal> {
    SerialNumber::from_der_integer(record.serial())
        .map_err(|_| Refusal::LedgerDamaged { reason: format!("record {}", record.number()) })
}
