//! The clock's discipline: nothing is signed by a wall clock that cannot be believed.

use super::Authority;
use crate::ground::clock::{ClockStanding, Timestamp};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::ledger::{ClockConfirmed, Event};

impl Authority {
    /// Whether the wall clock, as it was last told, can be believed.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn clock_standing(&self) -> Result<ClockStanding, Refusal> {
        Ok(self.clock.standing(self.floor()?))
    }

    /// Believes the wall clock as it was last told, and records that somebody said so. The ledger's
    /// newest time is from here on this one, even where it is earlier.
    ///
    /// # Errors
    /// The ledger could not be written.
    pub fn confirm_clock(&mut self) -> Result<(), Refusal> {
        let newest = self.floor()?.unix_unsigned();
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::ClockConfirmed(ClockConfirmed { newest }))?;
        transaction.commit()?;
        self.clock.confirm();
        Ok(())
    }

    /// The newest time of the ledger: no earlier one counts for admission.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn floor(&self) -> Result<Timestamp, Refusal> {
        Ok(self.ledger.reader()?.newest_time()?)
    }

    /// Refuses to sign, and so to prune, by a clock that cannot be believed.
    pub(super) fn require_good_clock(&self) -> Result<(), Refusal> {
        let now = self.now.local();
        let folder = Untrusted(&self.folder.path().to_string_lossy()).to_string();
        match self.clock_standing()? {
            ClockStanding::Good => Ok(()),
            ClockStanding::BehindLedger { .. } => {
                Err(Refusal::ClockBehindLedger { now, newest: self.floor()?.local(), folder })
            }
            ClockStanding::Diverged { seconds } => {
                let expected = self.now.plus_seconds(-seconds).local();
                Err(Refusal::ClockDiverged { now, expected, folder })
            }
        }
    }
}
