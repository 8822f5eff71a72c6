//! What those who serve are told, in order: a snapshot first, then what changed since.

use super::{Crl, Cut, Service, Trouble};
use crate::door::feed::{Change, Event, Heartbeat, PublishedCrl};
use crate::ground::clock::Timestamp;
use crate::ground::messages::Refusal;
use crate::pki::SerialNumber;

impl Service {
    /// Tells what somebody who knows nothing needs. Of a restored ledger that is not reconciled they
    /// hear nothing but that it is there, and let nobody in.
    pub(super) fn tell_everything(&mut self, now: Timestamp) -> Result<(), Trouble> {
        if self.authority.awaits_reconciling()? {
            tracing::error!("nobody is let in: {}", self.authority.not_reconciled());
            return self.stand();
        }
        let snapshot = self.authority.snapshot()?;
        self.told = snapshot.epoch;
        let revoked: Vec<SerialNumber> =
            snapshot.issuers.iter().flat_map(|issuer| &issuer.revoked).copied().collect();
        self.feed.tell(&Event::Snapshot(snapshot))?;
        if let Some(crl) = self.upkeep.published_before(&self.authority, now) {
            self.feed.tell(&Event::Crl(crl))?;
        }
        for identity in self.upkeep.stored_identities(&revoked, now) {
            self.feed.tell(&Event::ServerIdentity(identity))?;
        }
        self.stand()
    }

    /// As [`Self::tell_everything`], after what the others have not been told yet.
    pub(super) fn tell_again(&mut self, now: Timestamp) -> Result<(), Trouble> {
        self.tell_changes()?;
        self.tell_everything(now)
    }

    /// Tells what the ledger has that was not told, and where it stands now; then waits for the
    /// gates: a new certificate opens them, and a revoked one does not, when this returns.
    pub(super) fn tell_changes(&mut self) -> Result<Vec<Cut>, Trouble> {
        let entries = self.authority.entries()?;
        let (mut issued, mut revoked) = (None, Vec::new());
        if self.authority.awaits_reconciling()? {
            self.told = entries;
            self.stand()?;
            return Ok(Vec::new());
        }
        for event in self.authority.changes_since(self.told)? {
            match &event {
                Event::Issued(Change { epoch, .. }) => issued = Some(*epoch),
                Event::Revoked(Change { epoch, .. }) => revoked.push(*epoch),
                _ => {}
            }
            self.feed.tell(&event)?;
        }
        // Only now: a heartbeat covers everything up to its epoch.
        self.told = entries;
        self.stand()?;
        if let Some(epoch) = issued {
            self.gates.wait_for_reports(epoch);
        }
        if revoked.is_empty() {
            return Ok(Vec::new());
        }
        self.upkeep.crl_is_incomplete();
        Ok(self.gates.cuts(&revoked))
    }

    /// Tells of a CRL, and keeps it.
    ///
    /// # Errors
    /// Nobody hears it, or it could not be written.
    pub(super) fn tell_crl(&mut self, crl: &Crl) -> Result<(), Refusal> {
        let published = PublishedCrl {
            der: crl.der.clone(),
            number: crl.number,
            this_update: crl.this_update,
            next_update: crl.next_update,
            root: self.authority.issuer()?.root().der().to_vec(),
        };
        self.feed.tell(&Event::Crl(published)).map_err(|_| Refusal::ServiceGone {})?;
        self.upkeep.keep_crl(crl)
    }

    /// Says where what was told stands, from here on in every heartbeat.
    fn stand(&mut self) -> Result<(), Trouble> {
        let (epoch, unsealed) = (self.told, self.authority.is_unsealed());
        let floor = self.authority.floor()?;
        Ok(self.feed.stand_at(Heartbeat { epoch, floor, unsealed })?)
    }
}
