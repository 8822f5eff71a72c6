//! A CA brought back from a backup onto a blank folder: everything, or nothing.
//!
//! What happened since the backup is not in it. So the numbers of certificates and CRLs jump, beyond
//! those that may have been given since; and nothing is signed, and nobody is served, until the newest
//! published CRL is merged, or somebody says that there is none. Certificates that were issued since
//! the backup are unknown, and an unknown serial is refused.

use std::io::Read;
use std::path::Path;

use super::content::{self, Manifest};
use super::initialise::{lock, remove_unfinished};
use super::{Authority, DataFolder};
use crate::door::reply::Restoration;
use crate::ground::clock::Timestamp;
use crate::ground::files::{self, FileError, FileProblem, PRIVATE, PRIVATE_FOLDER, PUBLIC};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::ledger::{self, CopyWriter, Event, Whole};
use crate::pki::RevocationList;
use crate::revocation::{self, Merged};
use crate::vault::SlotSummary;
use crate::vault::stream::Opener;

/// How a restored CA learns what was revoked since the backup.
pub enum Reconcile {
    /// Later, with a command of its own.
    Later,
    /// From the newest CRL that was published, DER or PEM.
    With(Vec<u8>),
    /// Not at all.
    Without,
}

/// A CA that was brought back.
pub struct Restored {
    /// When the backup was made.
    pub made: Timestamp,
    /// What the ledger has.
    pub whole: Whole,
    /// The next certificate's number.
    pub next_number: u64,
    /// What was merged; none when that is left for later.
    pub merged: Option<Merged>,
    /// What opens the vault.
    pub slots: Vec<SlotSummary>,
}

/// Certificates, and CRLs, that may have been issued since the backup: so many, or as many as there
/// were before it.
const UNSEEN: u64 = 10_000;

/// Names that may lie in a folder that counts as blank: what an interrupted attempt leaves.
const LEFT_BEHIND: [&str; 2] = [UNFINISHED, ROOT];
const UNFINISHED: &str = ".new";
const ROOT: &str = "ca.crt";

/// Makes a CA of a backup in a blank folder. `progress` is told of steps done, and of how many.
///
/// # Errors
/// The folder is not blank, the backup is damaged, or the list does not fit; nothing counts then.
pub fn restore(
    from: Opener<impl Read>,
    folder: &DataFolder,
    reconcile: Reconcile,
    now: Timestamp,
    actor: &str,
    progress: impl FnMut(u64, u64),
) -> Result<Restored, Refusal> {
    require_blank(folder)?;
    files::ensure_folder(folder.path(), PRIVATE_FOLDER)?;
    let _lock = lock(folder)?;
    require_blank(folder)?;
    let new = DataFolder::new(&folder.path().join(UNFINISHED));
    remove_unfinished(&new)?;
    files::ensure_folder(&new.authority(), PRIVATE_FOLDER)?;
    let made = fill(from, &new, reconcile, now, actor, progress);
    // The rename of the second is the moment at which the CA exists.
    let restored = made.and_then(|restored| {
        put_root_in_place(&new.path().join(ROOT), &folder.path().join(ROOT))?;
        files::rename(&new.authority(), &folder.authority())?;
        Ok(restored)
    });
    // What came of it matters more than an unfinished folder, which the next attempt removes.
    let _ = remove_unfinished(&new);
    restored
}

/// Refuses a folder in which anything lies.
///
/// # Errors
/// `FolderNotBlank`.
pub fn require_blank(folder: &DataFolder) -> Result<(), Refusal> {
    let path = folder.path();
    if !files::exists(path) {
        return Ok(());
    }
    let failed = |error: std::io::Error| Refusal::from(FileError::from_io(path, &error));
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !LEFT_BEHIND.iter().any(|known| name == *known) {
            return Err(Refusal::FolderNotBlank {
                folder: Untrusted(&path.to_string_lossy()).to_string(),
                name: Untrusted(&name.to_string_lossy()).to_string(),
            });
        }
    }
    Ok(())
}

/// A whole CA in a folder that does not count yet.
fn fill(
    from: Opener<impl Read>,
    new: &DataFolder,
    reconcile: Reconcile,
    now: Timestamp,
    actor: &str,
    mut progress: impl FnMut(u64, u64),
) -> Result<Restored, Refusal> {
    let content = content::read(from, CopyWriter::create(&new.ledger())?, &mut progress)?;
    files::write_new(&new.vault(), content.vault.expose(), PRIVATE)?;
    drop(content.ledger);
    let (authority, _) = Authority::open(new, now, actor)?;
    authority.mark_restored(&content.manifest)?;
    let merged = match reconcile {
        Reconcile::Later => None,
        Reconcile::With(list) => Some(authority.reconcile(Some(&list))?),
        Reconcile::Without => Some(authority.reconcile(None)?),
    };
    let (items, steps) = (content.manifest.items, content.manifest.steps());
    let whole = authority.verify(|entry| progress(items.saturating_add(entry), steps))?;
    let root = authority.issuer()?.root().pem();
    files::write_new(&new.path().join(ROOT), root.as_bytes(), PUBLIC)?;
    Ok(Restored {
        made: content.manifest.made(),
        whole,
        next_number: authority.ledger.reader()?.next_number()?,
        merged,
        slots: authority.slots()?,
    })
}

/// What an interrupted attempt left is this CA's; another CA's is not written over.
fn put_root_in_place(new: &Path, place: &Path) -> Result<(), Refusal> {
    if files::exists(place) && files::read(place, LARGEST_ROOT)? != files::read(new, LARGEST_ROOT)?
    {
        let (path, problem) = (place.to_owned(), FileProblem::Exists);
        return Err(FileError { path, problem }.into());
    }
    Ok(files::rename(new, place)?)
}

const LARGEST_ROOT: u64 = 64 * 1024;

impl Authority {
    /// Records that this ledger is a copy, and lets its numbers jump.
    fn mark_restored(&self, manifest: &Manifest) -> Result<(), Refusal> {
        let reader = self.ledger.reader()?;
        let jumped = |next: u64| next.saturating_add(UNSEEN.max(next));
        let last_crl = reader.last_crl(self.issuer()?.number())?.map_or(0, |crl| crl.number);
        let restored = ledger::Restored {
            backup: manifest.backup.clone(),
            backed_up: manifest.made,
            next_number: jumped(reader.next_number()?),
            crl_number: jumped(last_crl.max(reader.crl_floor()?)),
        };
        let mut transaction = self.ledger.begin(self.now, &self.actor)?;
        transaction.append(Event::Restored(restored))?;
        Ok(transaction.commit()?)
    }

    /// Takes over what the newest published CRL says; without one, what was revoked since the backup
    /// is given up. From here on the CA signs and serves again. It needs no open vault.
    ///
    /// # Errors
    /// It was not restored, or is reconciled; the list is not this CA's, or older than the backup.
    pub fn reconcile(&self, list: Option<&[u8]>) -> Result<Merged, Refusal> {
        if self.ledger.reader()?.restoration()?.is_none_or(|known| known.reconciled.is_some()) {
            return Err(Refusal::NothingToReconcile {});
        }
        let issuer = self.issuer()?;
        let verified =
            list.map(|list| RevocationList::verify(list, issuer.certificate(), self.now));
        let list = verified.transpose()?;
        revocation::merge(&self.ledger, &issuer, list.as_ref(), self.now, &self.actor)
    }

    /// How it was last brought back from a backup, if it ever was.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn restoration(&self) -> Result<Option<Restoration>, Refusal> {
        let time = |seconds| Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX));
        Ok(self.ledger.reader()?.restoration()?.map(|known| Restoration {
            restored: time(known.restored),
            backed_up: time(known.backed_up),
            reconciled: known.reconciled.map(time),
            merged: known.merged,
        }))
    }

    /// When the last backup was begun that is known to be whole: its writer said so, or this ledger was
    /// restored from it.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn backed_up(&self) -> Result<Option<Timestamp>, Refusal> {
        let restored = self.restoration()?.map(|restoration| restoration.backed_up);
        Ok(self.ledger.reader()?.backed_up()?.max(restored))
    }

    /// Whether it was restored and is not reconciled: it signs nothing and serves nobody.
    ///
    /// # Errors
    /// The ledger could not be read.
    pub fn awaits_reconciling(&self) -> Result<bool, Refusal> {
        let restoration = self.ledger.reader()?.restoration()?;
        Ok(restoration.is_some_and(|known| known.reconciled.is_none()))
    }

    /// What those are told who ask for more than it does by then.
    pub(super) fn not_reconciled(&self) -> Refusal {
        let folder = Untrusted(&self.folder.path().to_string_lossy()).to_string();
        Refusal::NotReconciled { folder }
    }

    /// Refuses to sign for a ledger that may have lost revocations.
    pub(super) fn require_reconciled(&self) -> Result<(), Refusal> {
        if self.awaits_reconciling()? { Err(self.not_reconciled()) } else { Ok(()) }
    }
}
