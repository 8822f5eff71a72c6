//! What the feed tells of the ledger.

use super::Authority;
use crate::door::feed::{Change, Event, IssuerSnapshot, Sequence, Snapshot};
use crate::ground::messages::Refusal;
use crate::ledger::{self, Profile, Record, State};
use crate::pki::SerialNumber;

/// Records or entries read at a time.
const PAGE: usize = 4096;

impl Authority {
    /// Everything that admission needs of the ledger, as it is now.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn snapshot(&self) -> Result<Snapshot, Refusal> {
        let reader = self.ledger.reader()?;
        let mut issuers = Vec::new();
        let mut numbers = Vec::new();
        let mut first = 1;
        loop {
            let records = reader.records(first, PAGE)?;
            let Some(last) = records.last() else { break };
            first = last.number() + 1;
            for record in &records {
                let serial = serial(record)?;
                if matches!(record.profile(), Profile::Root | Profile::Issuing) {
                    numbers.push(record.number());
                    let certificate = self.certificate(record)?.der().to_vec();
                    let (standing, revoked) = (Vec::new(), Vec::new());
                    issuers.push(IssuerSnapshot { certificate, standing, revoked });
                    continue;
                }
                let place = numbers.iter().position(|number| *number == record.issuer());
                let Some(issuer) = place.and_then(|place| issuers.get_mut(place)) else { continue };
                match record.state() {
                    State::Revoked | State::Abandoned => issuer.revoked.push(serial),
                    State::Issued if record.profile() == Profile::Client => {
                        issuer.standing.push(serial);
                    }
                    State::Issued | State::Intended => {}
                }
            }
        }
        Ok(Snapshot { epoch: reader.entries()?, floor: reader.newest_time()?, issuers })
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
                let issuer = self.certificate(&self.record(record.issuer())?)?.sha256();
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

    fn record(&self, number: u64) -> Result<Record, Refusal> {
        let record = self.ledger.reader()?.record(number)?;
        record.ok_or(Refusal::NoCertificateAuthority {})
    }
}

fn serial(record: &Record) -> Result<SerialNumber, Refusal> {
    SerialNumber::from_der_integer(record.serial())
        .map_err(|_| Refusal::LedgerDamaged { reason: format!("record {}", record.number()) })
}
