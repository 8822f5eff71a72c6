//! `sekisho backup`: a copy of everything under a passphrase of its own, and trying one out.

use std::path::Path;

use serde_json::json;

use super::arguments::{Backup, BackupDrill, BackupVerify};
use super::handout;
use super::progress::Progress;
use super::screen::Table;
use super::secrets;
use super::session::Session;
use crate::authority::drill;
use crate::door::Door;
use crate::ground::files::{self, FileError, FileProblem, NewFile};
use crate::ground::messages::{Refusal, Text};
use crate::vault::stream::{Opener, Sealer, StreamError};
use crate::vault::{SlotKind, SlotSummary};

/// Makes a backup, or tries one out.
pub(super) fn run(session: &Session, arguments: &Backup) -> Result<(), Refusal> {
    let passphrase_file = arguments.backup_passphrase_file.as_deref();
    match (&arguments.drill, &arguments.to) {
        (Some(BackupDrill::Verify(options)), _) => verify(session, options),
        (None, Some(to)) => make(session, to, passphrase_file),
        (None, None) => Err(Refusal::UsageMissing { argument: "--to".to_owned() }),
    }
}

/// Makes a backup. The file is ours alone, and appears only once it is whole.
fn make(session: &Session, to: &Path, passphrase_file: Option<&Path>) -> Result<(), Refusal> {
    // Before anybody types a passphrase for nothing.
    if files::exists(to) {
        return Err(FileError { path: to.to_owned(), problem: FileProblem::Exists }.into());
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    handout::check_writable(folder.unwrap_or(Path::new(".")))?;
    let language = session.screen.language();
    let passphrase = secrets::new_backup_passphrase(passphrase_file, language)?;
    let failed = |error| written_to(to, error);
    let sealer = Sealer::begin(NewFile::create(to)?, &passphrase).map_err(failed)?;
    let mut door = session.open_sealed()?;
    let (backup, items) = copy(session, &mut door, sealer, to)?;
    // The file is whole, whether that can be recorded or not.
    let recorded = door.finish_backup(backup);

    session.screen.say(&Text::BackupMade {});
    let mut table = Table::default();
    table.field(&Text::LabelFile {}, to.display().to_string(), language);
    session.screen.table(&table);
    if let Err(refusal) = recorded {
        let reason = refusal.what(language);
        session.screen.warn(&Text::BackupNotRecorded { reason });
    }
    // A service's folder may be closed to whoever gives it commands.
    if session.folder.slots().is_ok_and(|slots| only_key_files(&slots)) {
        session.screen.warn(&Text::BackupWithoutKeyFile {});
    }
    session.screen.line("");
    let (program, file) = (session.program.clone(), to.display().to_string());
    session.screen.say(&Text::BackupNext { program, file });
    session.screen.json(&json!({ "file": to, "items": items }));
    Ok(())
}

/// Copies everything into a file, part by part; what names the copy, and how many items it was.
fn copy(
    session: &Session,
    door: &mut Door,
    mut sealer: Sealer<NewFile>,
    to: &Path,
) -> Result<([u8; 16], u64), Refusal> {
    let mut part = door.begin_backup()?;
    let mut progress = Progress::new(session, part.of);
    let items = loop {
        sealer.write(part.octets.get().expose()).map_err(|error| written_to(to, error))?;
        progress.at(part.items);
        match part.next {
            Some(next) => part = door.continue_backup(part.backup, next)?,
            None => break part.items,
        }
    };
    progress.finish();
    sealer.finish().map_err(|error| written_to(to, error))?.finish()?;
    Ok((part.backup, items))
}

/// Brings a backup back in memory, and has it issue, revoke and sign.
fn verify(session: &Session, options: &BackupVerify) -> Result<(), Refusal> {
    let language = session.screen.language();
    let file = files::open(&options.file)?;
    let passphrase_file = options.backup_passphrase_file.as_deref();
    let passphrase = secrets::backup_passphrase(passphrase_file, language)?;
    let opener = Opener::begin(std::io::BufReader::new(file), &passphrase)?;
    drop(passphrase);
    // The vault in the backup opens as the one it is a copy of did.
    let secret = session.secrets.secret(&session.folder, language, true)?;
    let mut progress: Option<Progress> = None;
    let drilled = drill(opener, &secret, session.now, |item, items| {
        progress.get_or_insert_with(|| Progress::new(session, items)).at(item);
    });
    if let Some(progress) = progress {
        progress.finish();
    }
    let drill = drilled?;

    session.screen.say(&Text::BackupIsGood {});
    let mut table = Table::default();
    table.field(&Text::LabelBackedUp {}, drill.made.local(), language);
    table.field(&Text::LabelName {}, &drill.authority, language);
    table.field(&Text::LabelAuthorityUntil {}, drill.authority_ends.local(), language);
    table.field(&Text::LabelCertificates {}, drill.whole.certificates.to_string(), language);
    table.field(&Text::LabelLedgerEntries {}, drill.whole.entries.to_string(), language);
    table.field(&Text::LabelKeptKeys {}, drill.keys.to_string(), language);
    session.screen.table(&table);
    session.screen.say(&Text::BackupDrilled {
        number: format!("{:06}", drill.issued),
        entries: drill.crl_entries.to_string(),
    });
    session.screen.json(&json!({
        "backed_up": drill.made.rfc3339(),
        "subject": drill.authority,
        "authority_ends": drill.authority_ends.rfc3339(),
        "certificates": drill.whole.certificates,
        "entries": drill.whole.entries,
        "kept_keys": drill.keys,
        "issued_and_revoked": drill.issued,
        "crl_entries": drill.crl_entries,
    }));
    Ok(())
}

/// Whether nothing but key files opens a vault: a backup of it is worth nothing without one.
pub(super) fn only_key_files(slots: &[SlotSummary]) -> bool {
    slots.iter().all(|slot| slot.kind == SlotKind::KeyFile)
}

fn written_to(path: &Path, error: StreamError) -> Refusal {
    match error {
        StreamError::System(error) => FileError::from_io(path, &error).into(),
        error => error.into(),
    }
}
