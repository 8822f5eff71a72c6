//! `sekisho restore`: a CA brought back from a backup, and what it must learn before it works again.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::arguments::{ReconcileOptions, Restore, RestoreStep};
use super::backup::only_key_files;
use super::owner::TakenFolder;
use super::progress::Progress;
use super::screen::Table;
use super::secrets;
use super::session::Session;
use crate::authority::{self, Reconcile, require_blank};
use crate::door::frame::COMMAND_LIMIT;
use crate::door::reply::Restoration;
use crate::ground::clock::Timestamp;
use crate::ground::files;
use crate::ground::messages::{Refusal, Text};
use crate::pki::revocation_list::LARGEST_REVOCATION_LIST;
use crate::vault::stream::Opener;

/// Brings a CA back, or reconciles one that was.
pub(super) fn run(session: &Session, arguments: &Restore) -> Result<(), Refusal> {
    match (&arguments.step, &arguments.file) {
        (Some(RestoreStep::Reconcile(options)), _) => reconcile(session, options),
        (None, Some(file)) => restore(session, file, arguments),
        (None, None) => Err(Refusal::UsageMissing { argument: "FILE".to_owned() }),
    }
}

fn restore(session: &Session, file: &Path, arguments: &Restore) -> Result<(), Refusal> {
    let (screen, language) = (&session.screen, session.screen.language());
    // Before anybody types a passphrase for nothing.
    require_blank(&session.folder)?;
    let backup = files::open(file)?;
    let reconcile = match &arguments.crl {
        Some(crl) => Reconcile::With(files::read(crl, LARGEST_LIST)?),
        None if arguments.without_crl => Reconcile::Without,
        None => Reconcile::Later,
    };
    let passphrase_file = arguments.backup_passphrase_file.as_deref();
    let passphrase = secrets::backup_passphrase(passphrase_file, language)?;
    let opener = Opener::begin(std::io::BufReader::new(backup), &passphrase)?;
    drop(passphrase);
    let mut progress: Option<Progress> = None;
    let (now, actor) = (session.now, &session.actor);
    let _taken = TakenFolder::take(&session.folder)?;
    let restored =
        authority::restore(opener, &session.folder, reconcile, now, actor, |item, items| {
            progress.get_or_insert_with(|| Progress::new(session, items)).at(item);
        });
    if let Some(progress) = progress {
        progress.finish();
    }
    let restored = restored?;

    let folder = session.folder.path().display().to_string();
    screen.say(&Text::Restored {});
    let mut table = Table::default();
    table.field(&Text::LabelFolder {}, &folder, language);
    table.field(&Text::LabelBackedUp {}, restored.made.local(), language);
    table.field(&Text::LabelCertificates {}, restored.whole.certificates.to_string(), language);
    let next_number = format!("{:06}", restored.next_number);
    table.field(&Text::LabelNextNumber {}, next_number, language);
    screen.table(&table);
    screen.say(&Text::RestoredUnknown {});
    if only_key_files(&restored.slots) {
        screen.warn(&Text::RestoredNeedsKeyFile { folder: folder.clone() });
    }
    match restored.merged {
        Some(merged) => say_reconciled(session, merged.revoked, merged.lost, merged.number),
        None => {
            screen.warn(&Text::RestoredWaits {});
            let program = session.program.clone();
            screen.say(&Text::ReconcileNext { program, folder: folder.clone() });
        }
    }
    screen.json(&json!({
        "folder": folder,
        "backed_up": restored.made.rfc3339(),
        "certificates": restored.whole.certificates,
        "entries": restored.whole.entries,
        "next_number": restored.next_number,
        "reconciled": restored.merged.map(|merged| json!({
            "revoked": merged.revoked,
            "unknown": merged.lost,
            "crl_number": merged.number,
        })),
    }));
    Ok(())
}

/// Ends the waiting of a restored CA, in the running service or here.
fn reconcile(session: &Session, options: &ReconcileOptions) -> Result<(), Refusal> {
    let read = |path: &PathBuf| files::read(path, LARGEST_THROUGH_THE_DOOR);
    let list = options.crl.as_ref().map(read).transpose()?;
    let (revoked, lost, number) = session.open_sealed()?.reconcile(list)?;
    say_reconciled(session, revoked, lost, number);
    session.screen.json(&json!({ "revoked": revoked, "unknown": lost, "crl_number": number }));
    Ok(())
}

/// What became of a restored CA, in one sentence.
pub(super) fn story(restoration: Restoration) -> Text {
    let (restored, backed_up) = (restoration.restored.local(), restoration.backed_up.local());
    match (restoration.reconciled, restoration.merged) {
        (None, _) => Text::StoryWaiting { restored, backed_up },
        (Some(_), Some(number)) => {
            Text::StoryMerged { restored, backed_up, number: number.to_string() }
        }
        (Some(_), None) => Text::StoryGivenUp { restored, backed_up },
    }
}

/// The same for a machine.
pub(super) fn json_of(restoration: Restoration) -> Value {
    json!({
        "restored": restoration.restored.rfc3339(),
        "backed_up": restoration.backed_up.rfc3339(),
        "reconciled": restoration.reconciled.map(Timestamp::rfc3339),
        "crl_number": restoration.merged,
    })
}

fn say_reconciled(session: &Session, revoked: u64, lost: u64, number: Option<u64>) {
    match number {
        Some(number) => session.screen.say(&Text::ReconciledWithCrl {
            number: number.to_string(),
            revoked: revoked.to_string(),
            unknown: lost.to_string(),
        }),
        None => session.screen.warn(&Text::ReconciledWithout {}),
    }
    let folder = session.folder.path().display().to_string();
    session.screen.say(&Text::RestoredNext { program: session.program.clone(), folder });
}

/// Octets of a CRL that is read here: in PEM it is a third longer than as it is signed.
const LARGEST_LIST: u64 = 2 * LARGEST_REVOCATION_LIST as u64;

/// Octets of a CRL that goes to the authority in one command, with room for what is around it.
const LARGEST_THROUGH_THE_DOOR: u64 = COMMAND_LIMIT as u64 - 1024;
