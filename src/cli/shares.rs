//! `sekisho vault shares`: a secret that several people keep in parts.

use serde_json::json;

use super::arguments::CreateShares;
use super::qr_code;
use super::secrets::through_the_door;
use super::session::Session;
use super::terminal::Terminal;
use crate::door::Door;
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::secret::Passphrase;
use crate::vault::{Share, ShareCounts};

/// Clears the screen and what was scrolled out of it (ECMA-48 section 8.3.39; xterm's 3).
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Makes shares and shows one after another, on the terminal and nowhere else.
pub(super) fn create(session: &Session, arguments: &CreateShares) -> Result<(), Refusal> {
    let (threshold, count) = (arguments.threshold, arguments.count);
    let counts = ShareCounts { threshold, shares: count };
    if !counts.are_legal() {
        return Err(crate::vault::VaultError::ShareCounts.into());
    }
    // Before anything is made that nobody would see.
    let mut terminal = Terminal::open().ok_or(Refusal::NoTerminal {})?;
    let language = session.screen.language();
    let (mut door, proof) = proven(session)?;
    let made = door.make_shares(through_the_door(proof), threshold, count)?;
    for text in made {
        let text = Passphrase::from_bytes(text.get()).ok_or(Refusal::PassphraseNotText {})?;
        show(&mut terminal, &text, count, language).map_err(|_| Refusal::SharesMadeNotShown {})?;
    }
    let (threshold, shares) = (threshold.to_string(), count.to_string());
    session.screen.say(&Text::SharesMade { threshold, shares });
    session.screen.say(&Text::SharesAdvice {});
    session.screen.json(&json!({ "threshold": arguments.threshold, "shares": count }));
    Ok(())
}

/// Lets the shares open the vault no more.
pub(super) fn remove(session: &Session) -> Result<(), Refusal> {
    let (mut door, proof) = proven(session)?;
    door.remove_shares(through_the_door(proof))?;
    session.screen.say(&Text::SharesRemoved {});
    session.screen.warn(&Text::SharesKeepDataKey {});
    session.screen.json(&json!({ "shares": null }));
    Ok(())
}

/// The door, and what opens the vault: who has a running service's socket alone changes no slots.
fn proven(session: &Session) -> Result<(Door, crate::vault::SlotSecret), Refusal> {
    let served = session.service()?.is_some();
    let language = session.screen.language();
    let proof = session.secrets.secret(&session.folder, language, served)?;
    // A service does not wait for whoever is typing: it is asked when everything is there.
    Ok((session.open_sealed()?, proof))
}

fn show(
    terminal: &mut Terminal,
    text: &Passphrase,
    count: u8,
    language: Language,
) -> Result<(), Refusal> {
    let share = Share::parse(text)?;
    let heading = Text::ShareHeading {
        number: share.number().to_string(),
        shares: count.to_string(),
        threshold: share.threshold().to_string(),
        vault: share.vault(),
    };
    terminal.show(CLEAR);
    terminal.show(&heading.render(language));
    terminal.show("\n\n    ");
    terminal.show(text.expose());
    terminal.show("\n\n");
    for line in qr_code::lines(text.expose()) {
        terminal.show("    ");
        terminal.show(&line);
        terminal.show("\n");
    }
    terminal.show("\n");
    let copied = terminal.ask_secret(&Text::ShareCopy {}.render(language));
    terminal.show(CLEAR);
    copied.map(drop)
}
