//! Making a CA: vault, ledger and root certificate in a folder that appears all at once.

use rustix::fs::{FlockOperation, Mode, OFlags};

use super::{Authority, DataFolder};
use crate::ca::{self, Issuer};
use crate::ground::clock::{ClockWatch, Timestamp};
use crate::ground::files::{self, FileError, PRIVATE_FOLDER, PUBLIC};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::ledger::{Event, Ledger, VaultMark, octets};
use crate::pki::{DistinguishedName, KeyAlgorithm, PrivateKey};
use crate::vault::{OpenVault, SlotSecret};

/// What a new CA is asked to be.
pub struct Initialise {
    /// Its name.
    pub subject: DistinguishedName,
    /// How many days it lasts.
    pub days: u32,
    /// Its key's algorithm.
    pub algorithm: KeyAlgorithm,
    /// The secrets that will open its vault; at least one.
    pub secrets: Vec<SlotSecret>,
}

impl Authority {
    /// Makes a CA in a data folder that has none, with its `ca.crt`, and opens it. A crash on the way leaves
    /// nothing that counts.
    ///
    /// # Errors
    /// There is one already, or the folder could not be written.
    pub fn initialise(
        folder: &DataFolder,
        request: Initialise,
        now: Timestamp,
        actor: &str,
    ) -> Result<Self, Refusal> {
        files::ensure_folder(folder.path(), PRIVATE_FOLDER)?;
        let _lock = lock(folder)?;
        if folder.is_initialised() {
            let folder = Untrusted(&folder.path().to_string_lossy()).to_string();
            return Err(Refusal::AlreadyInitialised { folder });
        }
        let key =
            PrivateKey::generate(request.algorithm).map_err(|_| Refusal::CryptographyFailed {})?;
        let root = ca::prepare_root(request.subject, &key, request.days, now)?;

        let new = DataFolder::new(&folder.path().join(".new"));
        remove_unfinished(&new)?;
        files::ensure_folder(&new.authority(), PRIVATE_FOLDER)?;
        let mut ledger = Ledger::create(&new.ledger())?;

        let mut vault = OpenVault::create()?;
        for secret in &request.secrets {
            vault.add_slot(secret)?;
        }
        vault.add_authority_key(root.number(), key)?;
        let file = vault.next_file()?;
        let sha256 = octets(&file.sha256())?;
        let mark = VaultMark { generation: file.generation(), sha256 };
        file.write(&new.vault())?;

        let key = vault.authority_key(root.number())?;
        super::seal_ledger(&mut ledger, &vault)?;
        let mut transaction = ledger.begin(now, actor)?;
        transaction.append(Event::VaultChanging(mark.clone()))?;
        transaction.append(Event::VaultChanged(mark))?;
        root.record_intent(&mut transaction)?.sign(key)?.record_root(&mut transaction)?;
        transaction.commit()?;

        let root = Issuer::newest(&ledger.reader()?)?.root().pem();
        files::write_atomic(&folder.path().join("ca.crt"), root.as_bytes(), PUBLIC)?;
        // The rename is the moment at which the CA exists.
        files::rename(&new.authority(), &folder.authority())?;
        // An empty folder that stays harms nobody, and the next attempt removes it.
        let _ = remove_unfinished(&new);
        let (folder, actor, open_vault) = (folder.clone(), actor.to_owned(), Some(vault));
        let (clock, backup) = (ClockWatch::start(now, now), None);
        Ok(Self { folder, ledger, open_vault, actor, now, clock, backup })
    }
}

/// Keeps two processes from making a CA in the same folder at once.
pub(super) fn lock(folder: &DataFolder) -> Result<rustix::fd::OwnedFd, Refusal> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let lock = rustix::fs::open(folder.path(), flags, Mode::empty())
        .map_err(|errno| FileError::from_io(folder.path(), &errno.into()))?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Refusal::LedgerBusy {})?;
    Ok(lock)
}

/// Removes what a crash left of an earlier attempt. Only the folder's lock holder does.
pub(super) fn remove_unfinished(new: &DataFolder) -> Result<(), Refusal> {
    if !files::exists(new.path()) {
        return Ok(());
    }
    files::check_folder(new.path())?;
    std::fs::remove_dir_all(new.path())
        .map_err(|error| FileError::from_io(new.path(), &error).into())
}
