//! One run of the command line: whose it is, over which data folder, and how it opens the CA.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::{LanguageChoice, Shared};
use super::environment::Environment;
use super::handout::Received;
use super::owner::{self, OwnersAuthority};
use super::screen::Screen;
use super::secrets::{SecretSource, through_the_door};
use crate::authority::{Authority, DataFolder, SERVICE_FOLDER};
use crate::door::Door;
use crate::door::command::Selector;
use crate::door::reply::Repairs;
use crate::ground::clock::{self, Timestamp};
use crate::ground::files::{self, PUBLIC};
use crate::ground::messages::{Language, Refusal, Text};
use crate::pki::revocation_list::{Reason, pem_of};
use crate::vault::SlotSecret;

/// One run of the command line.
pub(super) struct Session {
    /// Where results go.
    pub(super) screen: Screen,
    /// The data folder.
    pub(super) folder: DataFolder,
    /// Whether it was named on the command line.
    pub(super) names_folder: bool,
    /// Where the vault's secret comes from.
    pub(super) secrets: SecretSource,
    /// When it began.
    pub(super) now: Timestamp,
    /// Who runs it.
    pub(super) actor: String,
    /// How the program is called.
    pub(super) program: String,
    /// The authority of the folder's owner, once it was needed.
    pub(super) owners: RefCell<Option<OwnersAuthority>>,
}

/// The files of a published CRL.
pub(super) struct CrlFiles {
    /// In PEM.
    pub(super) pem: PathBuf,
    /// In DER.
    pub(super) der: PathBuf,
}

impl Session {
    /// A run with these arguments, in this environment.
    #[must_use]
    pub(super) fn new(
        shared: &Shared,
        environment: &Environment,
        default_folder: Option<&str>,
    ) -> Self {
        let folder = match (&shared.dir, default_folder) {
            (Some(folder), _) => folder.clone(),
            (None, Some(folder)) => PathBuf::from(folder),
            (None, None) => data_folder(environment),
        };
        // Commands are shown to be copied into other terminals, so paths must hold there too.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let language = language(shared, environment);
        Self {
            screen: Screen::new(language, shared.json, environment.colours),
            folder: DataFolder::new(&folder),
            names_folder: shared.dir.is_some(),
            secrets: SecretSource {
                passphrase_file: shared.passphrase_file.clone(),
                key_file: shared.key_file.clone(),
                recovery_code: shared.recovery_code,
                shares: shared.shares,
            },
            now: clock::now(),
            actor: actor(),
            program: environment.program.clone(),
            owners: RefCell::new(None),
        }
    }

    /// The door of the service that runs over the data folder; none when none runs.
    ///
    /// # Errors
    /// It does not take commands from this user, or has been starting for ten seconds.
    pub(super) fn service(&self) -> Result<Option<Door>, Refusal> {
        for _ in 0..CALLS {
            match Door::at(&self.folder.control_socket(), &self.actor)? {
                // Its authority is starting: commands wait for it, and the gates hear of them.
                None if self.folder.is_reserved() => std::thread::sleep(BETWEEN_CALLS),
                door => return Ok(door),
            }
        }
        Err(Refusal::ServiceStarting {})
    }

    /// The door to the CA for what needs no open vault: the running service's, else this process's.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub(super) fn open_sealed(&self) -> Result<Door, Refusal> {
        match self.service()? {
            Some(door) => Ok(door),
            None => self.local(None).map(|(door, _)| door),
        }
    }

    /// The door to the CA with its vault open. A running service that is open asks nobody: who may
    /// use its socket may use it. Else the secret is asked for before anything is locked.
    ///
    /// # Errors
    /// As [`Authority::open`] and [`Authority::unlock`], or nobody to ask.
    pub(super) fn open(&self) -> Result<Door, Refusal> {
        if let Some(door) = self.service()? {
            return Ok(door);
        }
        let secret = self.secrets.secret(&self.folder, self.screen.language(), false)?;
        let (door, unlocked) = self.local(Some(secret))?;
        unlocked.map(|()| door)
    }

    /// The door to the CA where no service runs, and what became of opening its vault.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub(super) fn local(
        &self,
        secret: Option<SlotSecret>,
    ) -> Result<(Door, Result<(), Refusal>), Refusal> {
        if let Some(mut door) = self.owners_door()? {
            let unlocked = secret.map_or(Ok(()), |secret| door.unseal(through_the_door(secret)));
            return Ok((door, unlocked));
        }
        let mut authority = self.authority()?;
        let unlocked = secret.map_or(Ok(()), |secret| authority.unlock(&secret));
        Ok((Door::here(Box::new(authority), &self.actor), unlocked))
    }

    /// The door of an authority of the folder's owner, where root must leave the folder to them.
    fn owners_door(&self) -> Result<Option<Door>, Refusal> {
        let Some(user) = owner::of(&self.folder)? else { return Ok(None) };
        let mut owners = self.owners.borrow_mut();
        let begins = owners.is_none();
        if begins {
            *owners = Some(OwnersAuthority::start(&self.folder, user)?);
        }
        let mut door = Door::at(&self.folder.control_socket(), &self.actor)?;
        if let Some(door) = door.as_mut().filter(|_| begins) {
            self.report(&door.repairs()?);
        }
        Ok(door)
    }

    /// The CA in this process, with its vault sealed.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub(super) fn authority(&self) -> Result<Authority, Refusal> {
        let (authority, repairs) = Authority::open(&self.folder, clock::now(), &self.actor)?;
        self.report(&repairs);
        Ok(authority)
    }

    /// Writes what was issued. A certificate whose files cannot be written is revoked at once, since
    /// nobody will ever hold it.
    ///
    /// # Errors
    /// The files could not be written.
    pub(super) fn deliver<T>(
        &self,
        door: &mut Door,
        issued: &Received,
        write: impl FnOnce(&Received) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        write(issued).inspect_err(|_| {
            let number = Selector::Number(issued.number);
            let number_text = format!("{:06}", issued.number);
            match door.revoke(number, Reason::CessationOfOperation, None, false) {
                Ok(_) => self.screen.warn(&Text::UndeliveredRevoked { number: number_text }),
                Err(_) => self.screen.warn(&Text::UndeliveredNotRevoked { number: number_text }),
            }
        })
    }

    /// Writes a CRL as `crl.pem` and `ca.crl` into a folder.
    ///
    /// # Errors
    /// A file could not be written.
    pub(super) fn publish(&self, crl: &[u8], folder: &Path) -> Result<CrlFiles, Refusal> {
        let files = CrlFiles { pem: folder.join("crl.pem"), der: folder.join("ca.crl") };
        // Its owner's authority has kept it there already.
        if self.owners.borrow().is_some() && folder == self.folder.path() {
            return Ok(files);
        }
        files::write_atomic(&files.der, crl, PUBLIC)?;
        files::write_atomic(&files.pem, pem_of(crl).as_bytes(), PUBLIC)?;
        Ok(files)
    }

    /// Tells a person what start-up repaired.
    fn report(&self, repairs: &Repairs) {
        if repairs.vault_change_finished {
            self.screen.warn(&Text::RepairedVaultFinished {});
        }
        if repairs.vault_change_undone {
            self.screen.warn(&Text::RepairedVaultUndone {});
        }
        if !repairs.abandoned.is_empty() {
            let numbers: Vec<String> =
                repairs.abandoned.iter().map(|number| format!("{number:06}")).collect();
            self.screen.warn(&Text::RepairedAbandoned { numbers: numbers.join(", ") });
        }
    }
}

/// How often, and how long after one another, a service that is starting is called.
const CALLS: u32 = 100;
const BETWEEN_CALLS: Duration = Duration::from_millis(100);

/// The language a person asked for, or that of the locale.
#[must_use]
pub(super) fn language(shared: &Shared, environment: &Environment) -> Language {
    match shared.lang {
        Some(LanguageChoice::Ja) => Language::Japanese,
        Some(LanguageChoice::En) => Language::English,
        None => environment.language,
    }
}

/// Who runs this, as the ledger records it.
#[must_use]
pub(super) fn actor() -> String {
    format!("uid:{}", rustix::process::getuid().as_raw())
}

fn data_folder(environment: &Environment) -> PathBuf {
    let service = PathBuf::from(SERVICE_FOLDER);
    if rustix::process::geteuid().is_root() {
        return service;
    }
    match (&environment.data_home, &environment.home) {
        (Some(data), _) => data.join("sekisho"),
        (None, Some(home)) => home.join(".local/share/sekisho"),
        (None, None) => service,
    }
}
