//! Where things lie in a data folder, whose it is, and who works in it.

use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::ground::files;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::vault::{SealedVault, SlotSummary};

/// Where things lie in a data folder.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

/// That a service runs over a data folder.
pub struct Reservation {
    lock: OwnedFd,
}

impl AsFd for Reservation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }
}

impl From<OwnedFd> for Reservation {
    fn from(lock: OwnedFd) -> Self {
        Self { lock }
    }
}

/// The data folder of the installed service.
pub const SERVICE_FOLDER: &str = "/var/lib/sekisho";

impl DataFolder {
    /// A data folder at a path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether there is a CA in it.
    #[must_use]
    pub fn is_initialised(&self) -> bool {
        files::exists(&self.authority())
    }

    /// Refuses a folder without a CA.
    ///
    /// # Errors
    /// `NotInitialised`.
    pub fn require_initialised(&self) -> Result<(), Refusal> {
        if self.is_initialised() {
            return Ok(());
        }
        let folder = Untrusted(&self.0.to_string_lossy()).to_string();
        Err(Refusal::NotInitialised { folder })
    }

    /// What anyone may know of the vault's slots.
    ///
    /// # Errors
    /// There is no CA here, or its vault is damaged.
    pub fn slots(&self) -> Result<Vec<SlotSummary>, Refusal> {
        self.require_initialised()?;
        Ok(SealedVault::slots_at(&self.vault())?)
    }

    /// The vault's name, as its shares show it.
    ///
    /// # Errors
    /// There is no CA here, or its vault is damaged.
    pub fn vault_mark(&self) -> Result<String, Refusal> {
        self.require_initialised()?;
        Ok(SealedVault::mark_at(&self.vault())?)
    }

    /// Reserves the folder for one service, for as long as the lock lives, also while the authority's
    /// process is being started again.
    ///
    /// # Errors
    /// There is no CA in it, it is closed to this user, or a service runs over it already.
    pub fn reserve(&self) -> Result<Reservation, Refusal> {
        let lock = self.open_for_lock().map_err(|errno| {
            let folder = Untrusted(&self.0.to_string_lossy()).to_string();
            match errno {
                Errno::NOENT => Refusal::NotInitialised { folder },
                Errno::ACCESS => Refusal::FolderNotTheAuthoritys { folder },
                errno => files::FileError::from_io(&self.authority(), &errno.into()).into(),
            }
        })?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            let folder = Untrusted(&self.0.to_string_lossy()).to_string();
            Refusal::ServiceRunsAlready { folder }
        })?;
        Ok(Reservation { lock })
    }

    /// Whether a service runs over it, as far as this user can tell.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.open_for_lock().is_ok_and(|lock| {
            rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
        })
    }

    /// Gives what root made to the authority's own user: the folder and all in it, and the folder of
    /// its control socket. What belongs to somebody else already stays as it is.
    ///
    /// # Errors
    /// The system refused.
    pub fn give_to(&self, uid: u32, gid: u32) -> Result<(), Refusal> {
        if self.0 == Path::new(SERVICE_FOLDER) {
            let runtime = Path::new(RUNTIME_FOLDER);
            if !files::exists(runtime) {
                files::ensure_folder(runtime, RUNTIME_FOLDER_MODE)?;
            }
            files::give(runtime, uid, gid)?;
        }
        Ok(files::give(&self.0, uid, gid)?)
    }

    /// Where a running service takes commands: beside the data, but for the installed service's
    /// folder, which other users cannot even look into.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        let folder =
            if self.0 == Path::new(SERVICE_FOLDER) { Path::new(RUNTIME_FOLDER) } else { &self.0 };
        folder.join("control.sock")
    }

    pub(super) fn authority(&self) -> PathBuf {
        self.0.join("authority")
    }

    pub(super) fn vault(&self) -> PathBuf {
        self.authority().join("vault")
    }

    pub(super) fn ledger(&self) -> PathBuf {
        self.authority().join("ledger")
    }

    /// What tells when an anchor was last found in the ledger.
    pub(super) fn anchor_check(&self) -> PathBuf {
        self.authority().join("anchor-check")
    }

    fn open_for_lock(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(self.authority(), flags, Mode::empty())
    }
}

/// Where the installed service's control socket lies.
const RUNTIME_FOLDER: &str = "/run/sekisho";

/// Its mode: administrators must get to the socket in it.
pub(super) const RUNTIME_FOLDER_MODE: u32 = 0o755;
