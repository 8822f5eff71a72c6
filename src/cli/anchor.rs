//! `sekisho anchor`: what is kept elsewhere, so that a rollback of the data folder is noticed.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::arguments::{AnchorCheck, AnchorExport};
use super::session::Session;
use super::{ROLLED_BACK, finish};
use crate::authority::anchor;
use crate::door::reply::{Anchor, AnchorStanding};
use crate::ground::files::{self, PUBLIC};
use crate::ground::messages::{Refusal, Text};

/// Octets of a file with an anchor.
const LARGEST: u64 = 16 * 1024;

/// Shows where the ledger ends now, or writes it to a file.
pub(super) fn export(session: &Session, options: &AnchorExport) -> Result<(), Refusal> {
    let anchor = session.open_sealed()?.export_anchor()?;
    let text = anchor::text(&anchor);
    match &options.to {
        Some(path) => {
            files::write_new(path, text.as_bytes(), PUBLIC)?;
            session.screen.say(&Text::AnchorWritten { path: path.display().to_string() });
        }
        None => session.screen.line(text.trim_end()),
    }
    if options.to.is_some() || std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        session.screen.say(&Text::AnchorKeep {});
    }
    session.screen.json(&json!({
        "anchor": text,
        "vault": hex(&anchor.vault),
        "sequence": anchor.sequence,
        "time": anchor.time.rfc3339(),
        "hash": hex(&anchor.hash),
        "sealed": anchor.seal.is_some(),
        "file": options.to,
    }));
    Ok(())
}

/// Holds the ledger against an anchor. Exits with 0 when the ledger has grown from it, 4 when it was
/// rolled back, 1 when that cannot be told.
pub(super) fn check(session: &Session, options: &AnchorCheck) -> ExitCode {
    let rolled_back = match checked(session, &options.kept) {
        Ok(()) => return finish(session.screen.check_printed(), &session.screen),
        Err(refusal @ (Refusal::LedgerRolledBack { .. } | Refusal::LedgerForked { .. })) => refusal,
        Err(refusal) => return finish(Err(refusal), &session.screen),
    };
    session.screen.refuse(&rolled_back);
    ExitCode::from(ROLLED_BACK)
}

fn checked(session: &Session, kept: &[String]) -> Result<(), Refusal> {
    let anchor = read(kept)?;
    let (sequence, time) = (anchor.sequence.to_string(), anchor.time.local());
    let check = session.open_sealed()?.check_anchor(anchor)?;
    let entries = check.entries.to_string();
    match check.standing {
        AnchorStanding::Contained => {}
        AnchorStanding::Shorter => {
            return Err(Refusal::LedgerRolledBack { entries, sequence, time });
        }
        AnchorStanding::Different => return Err(Refusal::LedgerForked { sequence, time }),
        AnchorStanding::OtherVault => return Err(Refusal::AnchorOfAnother {}),
    }
    if check.seal_fits == Some(false) {
        return Err(Refusal::AnchorForged {});
    }
    session.screen.say(&Text::AnchorContained { sequence, time, entries });
    session.screen.json(&json!({
        "contained": true,
        "entries": check.entries,
        "seal_fits": check.seal_fits,
    }));
    Ok(())
}

/// An anchor from the file that is named, or as it was typed.
fn read(kept: &[String]) -> Result<Anchor, Refusal> {
    if let [name] = kept
        && files::exists(Path::new(name))
    {
        let bytes = files::read(Path::new(name), LARGEST)?;
        let text = String::from_utf8(bytes).map_err(|_| Refusal::NotAnAnchor {})?;
        return anchor::parse(&text);
    }
    anchor::parse(&kept.join(" "))
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
