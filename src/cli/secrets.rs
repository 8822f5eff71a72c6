//! Where the vault's secret comes from: a named file, or the terminal. Never an argument, never the
//! environment.

use std::path::{Path, PathBuf};

use super::terminal::Terminal;
use crate::authority::DataFolder;
use crate::door::WireSecret;
use crate::door::command::Secret;
use crate::ground::files;
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::secret::{Passphrase, SecretBytes};
use crate::vault::{LEAST_THRESHOLD, SHORTEST_PASSPHRASE, Share, SlotKind, SlotSecret};

/// Octets of a passphrase or key file at most.
const LARGEST: u64 = 4096;
/// The key file that `quickstart` makes.
pub(super) const KEY_FILE: &str = "vault.key";

/// What the command line says about the vault's secret.
#[derive(Debug, Clone, Default)]
pub(super) struct SecretSource {
    /// A file that holds the passphrase.
    pub(super) passphrase_file: Option<PathBuf>,
    /// A key file.
    pub(super) key_file: Option<PathBuf>,
    /// Whether the recovery code is asked for.
    pub(super) recovery_code: bool,
    /// Whether shares are asked for.
    pub(super) shares: bool,
}

impl SecretSource {
    /// Whether the command line names one.
    pub(super) fn is_named(&self) -> bool {
        let file = self.passphrase_file.is_some() || self.key_file.is_some();
        file || self.recovery_code || self.shares
    }

    /// The secret that opens the vault of a folder: what the command line names; else the key file
    /// beside the data when the vault has a slot for one; else the passphrase, typed. With `served`
    /// a running service answers for the folder, which may be closed to this user.
    ///
    /// # Errors
    /// A file that cannot be used, or a question nobody can answer.
    pub(super) fn secret(
        &self,
        folder: &DataFolder,
        language: Language,
        served: bool,
    ) -> Result<SlotSecret, Refusal> {
        if let Some(path) = &self.passphrase_file {
            return read_passphrase(path).map(SlotSecret::Passphrase);
        }
        if let Some(path) = &self.key_file {
            // The packaged service has its key file as a user of its own; root reads it, too.
            return Ok(SlotSecret::KeyFile(files::read_secret_of_service(path, LARGEST)?));
        }
        if self.recovery_code {
            let code = ask(&Text::AskRecoveryCode {}, language)?;
            return Ok(SlotSecret::RecoveryCode(code));
        }
        if self.shares {
            return ask_shares(folder, language, served).map(SlotSecret::Shares);
        }
        let beside = folder.path().join(KEY_FILE);
        // Whoever gives commands to a service of another user cannot look into its folder.
        let slots = match folder.slots() {
            Err(Refusal::NotInitialised { .. }) if served => Vec::new(),
            slots => slots?,
        };
        let has_key_file_slot = slots.iter().any(|slot| slot.kind == SlotKind::KeyFile);
        if has_key_file_slot && files::exists(&beside) {
            return Ok(SlotSecret::KeyFile(files::read_secret(&beside, LARGEST)?));
        }
        ask(&Text::AskPassphrase {}, language).map(SlotSecret::Passphrase)
    }

    /// A new passphrase: from the named file, or typed twice.
    ///
    /// # Errors
    /// Shorter than 12 characters, typed differently the second time, or nobody to ask.
    pub(super) fn new_passphrase(&self, language: Language) -> Result<Passphrase, Refusal> {
        if let Some(path) = &self.passphrase_file {
            return checked(read_passphrase(path)?);
        }
        let first = checked(ask(
            &Text::AskNewPassphrase { least: SHORTEST_PASSPHRASE.to_string() },
            language,
        )?)?;
        let second = ask(&Text::AskPassphraseAgain {}, language)?;
        if first.expose() != second.expose() {
            return Err(Refusal::PassphrasesDiffer {});
        }
        Ok(first)
    }
}

/// A new passphrase for a backup: from the named file, or typed twice.
///
/// # Errors
/// Shorter than 12 characters, typed differently the second time, or nobody to ask.
pub(super) fn new_backup_passphrase(
    file: Option<&Path>,
    language: Language,
) -> Result<Passphrase, Refusal> {
    if let Some(path) = file {
        return checked(read_passphrase(path)?);
    }
    let question = Text::AskNewBackupPassphrase { least: SHORTEST_PASSPHRASE.to_string() };
    let first = checked(ask_for_backup(&question, language)?)?;
    let second = ask_for_backup(&Text::AskPassphraseAgain {}, language)?;
    if first.expose() != second.expose() {
        return Err(Refusal::PassphrasesDiffer {});
    }
    Ok(first)
}

/// The passphrase of a backup: from the named file, or typed.
///
/// # Errors
/// The file cannot be used, or nobody to ask.
pub(super) fn backup_passphrase(
    file: Option<&Path>,
    language: Language,
) -> Result<Passphrase, Refusal> {
    match file {
        Some(path) => read_passphrase(path),
        None => ask_for_backup(&Text::AskBackupPassphrase {}, language),
    }
}

fn ask_for_backup(question: &Text, language: Language) -> Result<Passphrase, Refusal> {
    let mut terminal = Terminal::open().ok_or(Refusal::NoTerminalForBackup {})?;
    terminal.ask_secret(&question.render(language))
}

/// A slot's secret, as it goes through the door.
#[must_use]
pub(super) fn through_the_door(secret: SlotSecret) -> Secret {
    let text = |text: &Passphrase| WireSecret::from(SecretBytes::copy_of(text.expose().as_bytes()));
    match secret {
        SlotSecret::Passphrase(passphrase) => Secret::Passphrase(text(&passphrase)),
        SlotSecret::RecoveryCode(code) => Secret::RecoveryCode(text(&code)),
        SlotSecret::KeyFile(bytes) => Secret::KeyFile(WireSecret::from(bytes)),
        SlotSecret::Shares(shares) => {
            // A share that was read can be written.
            let texts = shares.iter().filter_map(|share| share.text().ok());
            Secret::Shares(texts.map(|share| text(&share)).collect())
        }
    }
}

/// Asks for one share after another until there are enough. What is mistyped, was given already or
/// belongs to another vault is said at once, and asked for again. With `served` the folder may be
/// closed to this user; the service finds out then.
fn ask_shares(
    folder: &DataFolder,
    language: Language,
    served: bool,
) -> Result<Vec<Share>, Refusal> {
    let vault = match folder.vault_mark() {
        Err(Refusal::NotInitialised { .. }) if served => None,
        vault => Some(vault?),
    };
    let mut terminal = Terminal::open().ok_or(Refusal::NoTerminal {})?;
    let mut given: Vec<Share> = Vec::new();
    loop {
        let needed = given.first().map_or(LEAST_THRESHOLD, Share::threshold);
        if given.len() >= needed.into() {
            return Ok(given);
        }
        let place = (given.len() + 1).to_string();
        let question = match given.first() {
            None => Text::AskFirstShare {},
            Some(_) => Text::AskShare { place, needed: needed.to_string() },
        };
        let typed = terminal.ask_secret(&question.render(language))?;
        match check_share(&typed, &given, vault.as_deref()) {
            Ok(share) => {
                let number = share.number().to_string();
                terminal.show(&Text::ShareTaken { number }.render(language));
                given.push(share);
            }
            Err(refusal) => {
                let mark = Text::ErrorMark {}.render(language);
                let (what, next) = (refusal.what(language), refusal.next(language));
                terminal.show(&format!("{mark}{what}\n  → {next}"));
            }
        }
        terminal.show("\n");
    }
}

fn check_share(typed: &Passphrase, given: &[Share], vault: Option<&str>) -> Result<Share, Refusal> {
    let share = Share::parse(typed)?;
    let of = given.first().map(Share::vault);
    if let Some(vault) = vault.or(of.as_deref())
        && share.vault() != vault
    {
        let (found, vault) = (share.vault(), vault.to_owned());
        return Err(Refusal::ShareOfAnotherVault { found, vault });
    }
    if !given.iter().all(|other| other.fits(&share)) {
        return Err(Refusal::ShareOfAnotherSet {});
    }
    if given.iter().any(|other| other.number() == share.number()) {
        return Err(Refusal::ShareTwice { number: share.number().to_string() });
    }
    Ok(share)
}

/// Reads a passphrase from a file that is closed to others; its line ending does not count.
///
/// # Errors
/// The file cannot be used, or is not UTF-8.
pub(super) fn read_passphrase(path: &Path) -> Result<Passphrase, Refusal> {
    let bytes = files::read_secret(path, LARGEST)?.without_line_ending();
    Passphrase::from_bytes(&bytes).ok_or(Refusal::PassphraseNotText {})
}

/// A new key file: 256 random bits in hexadecimal, so that it survives being copied as text.
///
/// # Errors
/// The random number generator failed, or the file could not be written.
pub(super) fn make_key_file(path: &Path) -> Result<SlotSecret, Refusal> {
    let mut random = zeroize::Zeroizing::new([0_u8; 32]);
    aws_lc_rs::rand::fill(random.as_mut_slice()).map_err(|_| Refusal::CryptographyFailed {})?;
    let mut text = data_encoding::HEXLOWER.encode(random.as_slice()).into_bytes();
    text.push(b'\n');
    let text = SecretBytes::new(text);
    files::write_new(path, text.expose(), files::PRIVATE)?;
    Ok(SlotSecret::KeyFile(text))
}

fn ask(question: &Text, language: Language) -> Result<Passphrase, Refusal> {
    let mut terminal = Terminal::open().ok_or(Refusal::NoTerminal {})?;
    terminal.ask_secret(&question.render(language))
}

fn checked(passphrase: Passphrase) -> Result<Passphrase, Refusal> {
    if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
        return Err(Refusal::PassphraseTooShort { least: SHORTEST_PASSPHRASE.to_string() });
    }
    Ok(passphrase)
}
