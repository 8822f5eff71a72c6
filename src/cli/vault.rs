//! `sekisho vault`: what opens the vault.

use serde_json::json;

use super::arguments::Passwd;
use super::init::new_secrets;
use super::owner;
use super::screen::{Table, Tone};
use super::secrets::{KEY_FILE, SecretSource, make_key_file, through_the_door};
use super::session::Session;
use crate::door::Door;
use crate::ground::files;
use crate::ground::messages::{Language, Refusal, Text};
use crate::vault::{SlotKind, SlotSummary};

/// Shows what opens the vault.
pub(super) fn slots(session: &Session) -> Result<(), Refusal> {
    let slots = session.folder.slots()?;
    let language = session.screen.language();
    let mut table = Table::default();
    for slot in &slots {
        let id = format!("  {}", slot.id);
        table.row([(id, Tone::Plain), (kind(slot, language), Tone::Plain)]);
    }
    session.screen.table(&table);
    let named: Vec<_> =
        slots.iter().map(|slot| json!({"slot": slot.id, "kind": code(slot.kind)})).collect();
    session.screen.json(&json!({ "slots": named }));
    Ok(())
}

/// Sets a new passphrase. The vault gets a new data key, and every other slot is gone: the old
/// passphrase, the old recovery code and a key file beside the data open nothing any more.
pub(super) fn passwd(session: &Session, arguments: &Passwd) -> Result<(), Refusal> {
    let language = session.screen.language();
    // The old secret is asked for first, and tried before the new one is asked for; a running
    // service tries it with the rest, and changes nothing when it is wrong.
    let served = session.service()?.is_some();
    let old = session.secrets.secret(&session.folder, language, served)?;
    let here = if served {
        None
    } else if owner::of(&session.folder)?.is_some() {
        session.local(None).map(|(door, _)| Some(door))?
    } else {
        let mut authority = session.authority()?;
        authority.unlock(&old)?;
        Some(Door::here(Box::new(authority), &session.actor))
    };
    let source = SecretSource {
        passphrase_file: arguments.new_passphrase_file.clone(),
        ..SecretSource::default()
    };
    let mut secrets = new_secrets(&source, language)?;
    // Asked before the new key file is made, which may take this place, but never this file's.
    let beside = session.folder.path().join(KEY_FILE);
    let left_behind = files::exists(&beside);
    let mut handed_over = false;
    if let Some(path) = &arguments.new_key_file {
        secrets.push(make_key_file(path)?);
        handed_over = owner::hand_over(path, &session.folder)?;
    }
    let secrets = secrets.into_iter().map(through_the_door).collect();
    // A service does not wait for whoever is typing: it is asked when everything is there.
    let mut door = match here {
        Some(door) => door,
        None => session.service()?.ok_or(Refusal::ServiceNotRunning {})?,
    };
    door.change_slots(through_the_door(old), secrets, arguments.rewrap_only)?;
    if left_behind {
        // It opens nothing any more; left behind it would only mislead.
        std::fs::remove_file(&beside)
            .map_err(|error| files::FileError::from_io(&beside, &error))?;
    }
    if handed_over {
        session.screen.say(&Text::KeyFileHandedOver {});
    }
    session.screen.say(&Text::PassphraseChanged {});
    if arguments.rewrap_only {
        session.screen.warn(&Text::RewrapOnly {});
    }
    // A service's folder may be closed to whoever gives it commands.
    if served { Ok(()) } else { slots(session) }
}

fn kind(slot: &SlotSummary, language: Language) -> String {
    match slot.kind {
        SlotKind::Passphrase => Text::SlotPassphrase {},
        SlotKind::RecoveryCode => Text::SlotRecoveryCode {},
        SlotKind::KeyFile => Text::SlotKeyFile {},
        SlotKind::Shares => {
            let counts = slot.shares.map(|counts| (counts.threshold, counts.shares));
            let (threshold, shares) = counts.unwrap_or_default();
            let (threshold, shares) = (threshold.to_string(), shares.to_string());
            Text::SlotShares { threshold, shares }
        }
    }
    .render(language)
}

fn code(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::RecoveryCode => "recovery_code",
        SlotKind::KeyFile => "key_file",
        SlotKind::Shares => "shares",
    }
}
