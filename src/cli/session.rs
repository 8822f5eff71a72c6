//! One run of the command line: whose it is, over which data folder, and how it opens the CA.

use std::path::{Path, PathBuf};

use super::arguments::{LanguageChoice, Shared};
use super::environment::Environment;
use super::screen::Screen;
use super::secrets::SecretSource;
use crate::authority::{Authority, DataFolder, Repairs, Selector};
use crate::ca::IssuedCertificate;
use crate::ground::clock::{self, Timestamp};
use crate::ground::files::{self, PUBLIC};
use crate::ground::messages::{Language, Refusal, Text};
use crate::pki::revocation_list::{Reason, pem_of};
use crate::revocation::SignedCrl;

/// The folder of a data folder's service installation.
const SERVICE_FOLDER: &str = "/var/lib/sekisho";

/// One run of the command line.
pub(super) struct Session {
    /// Where results go.
    pub(super) screen: Screen,
    /// The data folder.
    pub(super) folder: DataFolder,
    /// Where the vault's secret comes from.
    pub(super) secrets: SecretSource,
    /// When it began.
    pub(super) now: Timestamp,
    /// Who runs it.
    pub(super) actor: String,
    /// How the program is called.
    pub(super) program: String,
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
            secrets: SecretSource {
                passphrase_file: shared.passphrase_file.clone(),
                key_file: shared.key_file.clone(),
                recovery_code: shared.recovery_code,
            },
            now: clock::now(),
            actor: actor(),
            program: environment.program.clone(),
        }
    }

    /// The CA with its vault sealed.
    ///
    /// # Errors
    /// As [`Authority::open`].
    pub(super) fn open_sealed(&self) -> Result<Authority, Refusal> {
        // Read anew: a passphrase may have been long in coming, and others wrote meanwhile.
        let (authority, repairs) = Authority::open(&self.folder, clock::now(), &self.actor)?;
        self.report(&repairs);
        Ok(authority)
    }

    /// The CA with its vault open. The secret is asked for before anything is locked.
    ///
    /// # Errors
    /// As [`Authority::open`] and [`Authority::unlock`], or nobody to ask.
    pub(super) fn open(&self) -> Result<Authority, Refusal> {
        let secret = self.secrets.secret(&self.folder, self.screen.language())?;
        let mut authority = self.open_sealed()?;
        authority.unlock(&secret)?;
        Ok(authority)
    }

    /// Writes what was issued. A certificate whose files cannot be written is revoked at once, since
    /// nobody will ever hold it.
    ///
    /// # Errors
    /// The files could not be written.
    pub(super) fn deliver<T>(
        &self,
        authority: &Authority,
        issued: &IssuedCertificate,
        write: impl FnOnce(&IssuedCertificate) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        write(issued).inspect_err(|_| {
            let number = Selector::Number(issued.number);
            let number_text = format!("{:06}", issued.number);
            match authority.revoke(&number, Reason::CessationOfOperation, None) {
                Ok(_) => self.screen.warn(&Text::UndeliveredRevoked { number: number_text }),
                Err(_) => self.screen.warn(&Text::UndeliveredNotRevoked { number: number_text }),
            }
        })
    }

    /// Writes a CRL as `crl.pem` and `ca.crl` into a folder.
    ///
    /// # Errors
    /// A file could not be written.
    pub(super) fn publish(&self, crl: &SignedCrl, folder: &Path) -> Result<CrlFiles, Refusal> {
        let files = CrlFiles { pem: folder.join("crl.pem"), der: folder.join("ca.crl") };
        files::write_atomic(&files.der, &crl.der, PUBLIC)?;
        files::write_atomic(&files.pem, pem_of(&crl.der).as_bytes(), PUBLIC)?;
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

/// A certificate as a person names it: by number, or by common name. Few digits that are a number
/// and a name at once are refused; six digits are always a number.
///
/// # Errors
/// `NumberOrName`.
pub(super) fn selector(authority: &Authority, text: &str) -> Result<Selector, Refusal> {
    let name = Selector::CommonName(text.to_owned());
    let Ok(number) = text.parse() else { return Ok(name) };
    if text.len() < NUMBER_DIGITS
        && let Ok(named) = authority.resolve(&name)
        && named != number
    {
        return Err(Refusal::NumberOrName {
            text: text.to_owned(),
            number: format!("{number:06}"),
            named: format!("{named:06}"),
        });
    }
    Ok(Selector::Number(number))
}

/// Digits that numbers are shown with.
const NUMBER_DIGITS: usize = 6;

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
