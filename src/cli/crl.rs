//! `sekisho crl` and `sekisho export`.

use serde_json::json;

use super::arguments::{Crl, Export};
use super::handout;
use super::issue;
use super::screen::Table;
use super::session::Session;
use crate::door::command::Selector;
use crate::door::reply::Crl as Signed;
use crate::ground::messages::{Refusal, Text};

/// How long a CRL is valid unless something else is asked for.
pub(super) const DEFAULT_DAYS: u32 = 30;

/// Signs a CRL and writes it.
pub(super) fn run(session: &Session, arguments: &Crl) -> Result<(), Refusal> {
    // A running service writes it beside the data itself, where others may not.
    let served = session.service()?.is_some();
    let beside = (!served).then(|| session.folder.path());
    let folder = arguments.out.as_deref().or(beside);
    folder.map_or(Ok(()), handout::check_writable)?;
    let mut door = session.open()?;
    let crl = door.sign_crl(arguments.days)?;
    let files = folder.map(|folder| session.publish(&crl.der, folder)).transpose()?;
    say_written(session, &crl);
    if let Some(files) = &files {
        session.screen.line(&format!("  {}\n  {}", files.pem.display(), files.der.display()));
    }
    session.screen.json(&json!({
        "number": crl.number,
        "entries": crl.entries,
        "this_update": crl.this_update.rfc3339(),
        "next_update": crl.next_update.rfc3339(),
        "pem": files.as_ref().map(|files| &files.pem),
        "der": files.as_ref().map(|files| &files.der),
    }));
    Ok(())
}

/// Says which CRL was signed.
pub(super) fn say_written(session: &Session, crl: &Signed) {
    session.screen.say(&Text::CrlWritten {
        number: crl.number.to_string(),
        entries: crl.entries.to_string(),
        until: crl.next_update.local(),
    });
}

/// Hands a bundle out again, under a new passphrase.
pub(super) fn export(session: &Session, arguments: &Export) -> Result<(), Refusal> {
    handout::check_writable(&arguments.out)?;
    let which = Selector::Text(arguments.which.clone());
    let mut door = session.open()?;
    let bundle = door.export(which, issue::handout(arguments.legacy))?;
    let bundle = handout::bundle(bundle)?;
    let written = handout::write(&bundle, &arguments.out, arguments.pem)?;
    let language = session.screen.language();
    session.screen.say(&Text::Exported {});
    let mut table = Table::default();
    let files = [Some(&written.main), written.certificate.as_ref(), written.key.as_ref()];
    for path in files.into_iter().flatten() {
        table.field(&Text::LabelFile {}, path.display().to_string(), language);
    }
    let passphrase = bundle.key.as_ref().map(|key| key.passphrase.expose());
    if let Some(passphrase) = passphrase {
        table.field(&Text::LabelPassphrase {}, passphrase, language);
    }
    session.screen.table(&table);
    session.screen.json(&json!({
        "file": written.main,
        "certificate_file": written.certificate,
        "key_file": written.key,
        "passphrase": passphrase,
    }));
    Ok(())
}
