//! Giving out a copy of everything, part by part. The parts are one state: the ledger as it was when
//! the copy began, and the vault's file that belonged to it. Between two parts other commands have
//! their turn, so that no revocation waits for a large copy. The caller seals and writes the file.

use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::Authority;
use super::content::{self, Manifest};
use crate::door::WireSecret;
use crate::door::reply::BackupPart;
use crate::ground::clock;
use crate::ground::messages::Refusal;
use crate::ground::secret::SecretBytes;
use crate::ledger::{BackedUp, Event, LedgerCopy, octets};
use crate::vault::SealedVault;

/// Octets of a part, more or less: what takes a millisecond to read.
const PART: usize = 64 * 1024;

/// How long a caller may take between two parts: while a copy is under way, the ledger's file keeps
/// what it shows.
const PATIENCE: Duration = Duration::from_secs(60);

/// A copy under way. There is one at a time.
pub(super) struct UnderWay {
    backup: [u8; 16],
    copy: LedgerCopy,
    /// The part that comes next.
    part: u64,
    items: u64,
    of: u64,
    asked: Instant,
}

impl Authority {
    /// Begins a copy, and gives its first part. It takes the place of one that is under way. It needs
    /// no open vault.
    ///
    /// # Errors
    /// Vault or ledger could not be read, or that it was given could not be recorded.
    pub fn begin_backup(&mut self) -> Result<BackupPart, Refusal> {
        let mut backup = [0; 16];
        aws_lc_rs::rand::fill(&mut backup).map_err(|_| Refusal::CryptographyFailed {})?;
        let vault = SealedVault::read_bytes(&self.folder.vault())?;
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::BackedUp(BackedUp { backup: octets(&backup)? }))?;
        transaction.commit()?;

        let copy = self.ledger.copy()?;
        let head = self.ledger.reader()?.head()?;
        let id = SealedVault::from_bytes(vault.expose())?.id().to_vec();
        let mut manifest = Manifest::new(&backup, &id, self.now)?;
        manifest.sequence = head.sequence;
        manifest.hash = octets(&head.hash)?;
        manifest.items = copy.count()?;
        let mut octets = Zeroizing::new(Vec::new());
        content::write_beginning(&manifest, &vault, &mut octets)?;
        let (of, asked) = (manifest.items, clock::monotonic());
        let under_way = UnderWay { backup, copy, part: 0, items: 0, of, asked };
        self.give_part(under_way, octets)
    }

    /// The next part of the copy under way.
    ///
    /// # Errors
    /// That copy is not under way any more, or the ledger could not be read.
    pub fn continue_backup(&mut self, backup: [u8; 16], part: u64) -> Result<BackupPart, Refusal> {
        let under_way = self.backup.take();
        let under_way = under_way.filter(|copy| copy.backup == backup && copy.part == part);
        let under_way = under_way.ok_or(Refusal::BackupInterrupted {})?;
        self.give_part(under_way, Zeroizing::default())
    }

    /// Lets go of a copy whose caller does not come back.
    pub(super) fn forget_stale_backup(&mut self) {
        if self.backup.as_ref().is_some_and(|copy| copy.asked.elapsed() > PATIENCE) {
            self.backup = None;
        }
    }

    fn give_part(
        &mut self,
        mut under_way: UnderWay,
        mut octets: Zeroizing<Vec<u8>>,
    ) -> Result<BackupPart, Refusal> {
        let mut last = false;
        while octets.len() < PART && !last {
            let items = under_way.copy.next_items()?;
            for item in &items {
                content::write_item(item, &mut octets)?;
                under_way.items += 1;
            }
            if items.is_empty() {
                content::write_end(under_way.items, &mut octets)?;
                last = true;
            }
        }
        under_way.part += 1;
        under_way.asked = clock::monotonic();
        let UnderWay { backup, part, items, of, .. } = under_way;
        let octets = WireSecret::from(SecretBytes::copy_of(&octets));
        self.backup = (!last).then_some(under_way);
        Ok(BackupPart { backup, next: (!last).then_some(part), octets, items, of })
    }
}
