//! Giving out a copy of everything, part by part. The parts are one state: the ledger as it was when
//! the copy began, and the vault's file that belonged to it. Between two parts other commands have
//! their turn, so that no revocation waits for a large copy. The caller seals and writes the file.

use std::time::{Duration, Instant};

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

/// The copy that somebody is being given. There is one at a time.
pub(super) enum UnderWay {
    /// Parts of it are left.
    Giving(Box<Giving>),
    /// The last part was given. Whether it was written is not known yet.
    Given([u8; 16]),
}

/// A copy of which parts are left.
pub(super) struct Giving {
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
        self.record_backup(Event::BackedUp(BackedUp { backup: octets(&backup)? }))?;

        let copy = self.ledger.copy()?;
        let head = self.ledger.reader()?.head()?;
        let id = SealedVault::from_bytes(vault.expose())?.id().to_vec();
        let mut manifest = Manifest::new(&backup, &id, self.now)?;
        manifest.sequence = head.sequence;
        manifest.hash = octets(&head.hash)?;
        manifest.items = copy.count()?;
        let beginning = content::beginning(&manifest, &vault)?;
        let (of, asked) = (manifest.items, clock::monotonic());
        let giving = Giving { backup, copy, part: 0, items: 0, of, asked };
        self.give_part(Box::new(giving), &beginning)
    }

    /// The next part of the copy under way.
    ///
    /// # Errors
    /// That copy is not under way any more, or the ledger could not be read.
    pub fn continue_backup(&mut self, backup: [u8; 16], part: u64) -> Result<BackupPart, Refusal> {
        match self.backup.take() {
            Some(UnderWay::Giving(giving)) if giving.backup == backup && giving.part == part => {
                self.give_part(giving, &SecretBytes::new(Vec::new()))
            }
            _ => Err(Refusal::BackupInterrupted {}),
        }
    }

    /// Takes down that a copy was written to its end. Only then it counts as one.
    ///
    /// # Errors
    /// Its last part was not given, another copy was begun since, or the ledger could not be written.
    pub fn finish_backup(&mut self, backup: [u8; 16]) -> Result<(), Refusal> {
        match self.backup {
            Some(UnderWay::Given(given)) if given == backup => {
                self.record_backup(Event::BackupWritten(BackedUp { backup: octets(&backup)? }))
            }
            _ => Err(Refusal::BackupForgotten {}),
        }
    }

    /// Lets go of a copy whose caller does not come back.
    pub(super) fn forget_stale_backup(&mut self) {
        if let Some(UnderWay::Giving(giving)) = &self.backup
            && giving.asked.elapsed() > PATIENCE
        {
            self.backup = None;
        }
    }

    fn give_part(
        &mut self,
        mut giving: Box<Giving>,
        beginning: &SecretBytes,
    ) -> Result<BackupPart, Refusal> {
        let (mut items, mut size) = (Vec::new(), beginning.expose().len());
        let mut last = false;
        while size < PART && !last {
            let next = giving.copy.next_items()?;
            last = next.is_empty();
            size += next.iter().map(content::length).sum::<usize>();
            items.extend(next);
        }
        giving.items += u64::try_from(items.len()).unwrap_or(u64::MAX);
        giving.part += 1;
        giving.asked = clock::monotonic();
        let Giving { backup, part, items: given, of, .. } = *giving;
        let octets = WireSecret::from(content::part(beginning, &items, last.then_some(given))?);
        self.backup = Some(if last { UnderWay::Given(backup) } else { UnderWay::Giving(giving) });
        Ok(BackupPart { backup, next: (!last).then_some(part), octets, items: given, of })
    }

    fn record_backup(&self, event: Event) -> Result<(), Refusal> {
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(event)?;
        Ok(transaction.commit()?)
    }
}
