//! `sekisho init`: a new CA.

use serde_json::json;

use super::arguments::Init;
use super::issue::subject;
use super::owner::TakenFolder;
use super::screen::Table;
use super::secrets::SecretSource;
use super::session::Session;
use super::terminal::Terminal;
use crate::authority::{Authority, Initialise, orders};
use crate::ground::messages::{Language, Refusal, Text};
use crate::ground::secret::Passphrase;
use crate::ground::untrusted::Untrusted;
use crate::vault::SlotSecret;

/// Makes a CA whose vault opens with a passphrase, and with a recovery code when somebody sits at
/// the terminal to write it down.
pub(super) fn run(session: &Session, arguments: &Init) -> Result<(), Refusal> {
    refuse_initialised(session)?;
    let subject = orders::subject(&subject(&arguments.name, &arguments.subject))?;
    let algorithm = orders::algorithm(&arguments.key)?;
    let language = session.screen.language();
    let secrets = new_secrets(&session.secrets, language)?;
    let request = Initialise { subject, days: arguments.days, algorithm, secrets };
    let _taken = TakenFolder::take(&session.folder)?;
    let authority = create(session, request)?;
    let crl = authority.sign_crl(super::crl::DEFAULT_DAYS)?;
    session.publish(&crl.der, session.folder.path())?;

    let issuer = authority.issuer()?;
    let certificate = issuer.certificate();
    let folder = session.folder.path().display().to_string();
    let root = session.folder.path().join("ca.crt").display().to_string();
    session.screen.say(&Text::AuthorityCreated {});
    let mut table = Table::default();
    table.field(&Text::LabelName {}, certificate.subject_text(), language);
    table.field(&Text::LabelUntil {}, certificate.not_after().local(), language);
    table.field(&Text::LabelFolder {}, &folder, language);
    table.field(&Text::LabelAuthorityFile {}, &root, language);
    session.screen.table(&table);
    session.screen.say(&Text::NextIssue { folder: folder.clone() });
    session.screen.json(&json!({
        "folder": folder,
        "ca_certificate": root,
        "subject": certificate.subject_text(),
        "not_after": certificate.not_after().rfc3339(),
    }));
    Ok(())
}

/// Refuses early, before anything is asked.
pub(super) fn refuse_initialised(session: &Session) -> Result<(), Refusal> {
    if session.folder.is_initialised() {
        let folder = Untrusted(&session.folder.path().to_string_lossy()).to_string();
        return Err(Refusal::AlreadyInitialised { folder });
    }
    Ok(())
}

/// Makes the CA, and opens it.
pub(super) fn create(session: &Session, request: Initialise) -> Result<Authority, Refusal> {
    Authority::initialise(&session.folder, request, session.now, &session.actor)
}

/// The secrets of a new vault: a passphrase, and a recovery code when the passphrase was typed. The
/// code is shown before anything is made, so that no vault has one that nobody saw.
pub(super) fn new_secrets(
    source: &SecretSource,
    language: Language,
) -> Result<Vec<SlotSecret>, Refusal> {
    let passphrase = source.new_passphrase(language)?;
    let mut secrets = vec![SlotSecret::Passphrase(passphrase)];
    if source.passphrase_file.is_none() {
        let code = SlotSecret::generate_recovery_code()?;
        show_recovery_code(&code, language)?;
        secrets.push(SlotSecret::RecoveryCode(code));
    }
    Ok(secrets)
}

/// Shows the recovery code once, on the terminal and nowhere else.
fn show_recovery_code(code: &Passphrase, language: Language) -> Result<(), Refusal> {
    let mut terminal = Terminal::open().ok_or(Refusal::NoTerminal {})?;
    terminal.show(&Text::RecoveryCode {}.render(language));
    terminal.show("\n\n    ");
    terminal.show(code.expose());
    terminal.show("\n\n");
    Ok(())
}
