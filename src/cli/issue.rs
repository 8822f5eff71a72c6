//! `sekisho issue`: one certificate.

use serde_json::{Value, json};

use super::arguments::SubjectOptions;
use super::arguments::{IssueClient, IssueOptions, IssueServer};
use super::handout::{self, Received, Written};
use super::screen::Table;
use super::session::Session;
use crate::authority::orders;
use crate::ca::beyond_apple_limit;
use crate::door::Door;
use crate::door::command::{Handout, Key, Order, Purpose, Subject};
use crate::ground::files;
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;

/// The largest request that is read, in octets.
pub(super) const LARGEST_REQUEST: u64 = 64 * 1024;

/// Issues a server certificate; its name is the first host.
pub(super) fn server(session: &Session, arguments: &IssueServer) -> Result<(), Refusal> {
    let name = arguments.hosts.first().map_or("", String::as_str);
    let purpose = Purpose::Server { hosts: arguments.hosts.clone() };
    one(session, order(name, purpose, arguments.days, &arguments.options)?, &arguments.options)
}

/// Issues a client certificate.
pub(super) fn client(session: &Session, arguments: &IssueClient) -> Result<(), Refusal> {
    if let Some(file) = &arguments.from {
        return super::bulk::run(session, arguments, file);
    }
    let name = arguments.name.as_deref().unwrap_or_default();
    let mut order = order(name, Purpose::Client, arguments.days, &arguments.options)?;
    order.person.clone_from(&arguments.person);
    order.device.clone_from(&arguments.device);
    one(session, order, &arguments.options)
}

fn one(session: &Session, order: Order, options: &IssueOptions) -> Result<(), Refusal> {
    handout::check_writable(&options.out)?;
    let mut door = session.open()?;
    warn_of_look_alikes(session, &mut door, &order)?;
    let issued = issue(&mut door, order, handout(options.legacy))?;
    let written = session.deliver(&mut door, &issued, |issued| {
        handout::write(&issued.bundle, &options.out, options.pem)
    })?;
    show(session, &issued, &written);
    Ok(())
}

/// Issues one certificate.
pub(super) fn issue(door: &mut Door, order: Order, handout: Handout) -> Result<Received, Refusal> {
    let outcome = door.issue(vec![order], handout)?.pop();
    Received::of(outcome.ok_or(Refusal::ServiceOtherVersion {})??)
}

/// The order that these options make, checked before anybody is asked for a passphrase.
pub(super) fn order(
    name: &str,
    purpose: Purpose,
    days: u32,
    options: &IssueOptions,
) -> Result<Order, Refusal> {
    let source = options.csr.as_ref().map(|path| path.display().to_string());
    let order = Order {
        subject: subject(name, &options.subject),
        purpose,
        days,
        shorten: false,
        key: key(options)?,
        person: None,
        device: None,
        source,
        request: None,
    };
    orders::check(order.clone())?;
    Ok(order)
}

/// Where the key comes from: made by the authority, or a request in a file.
pub(super) fn key(options: &IssueOptions) -> Result<Key, Refusal> {
    Ok(match &options.csr {
        Some(path) => Key::Requested { request: files::read(path, LARGEST_REQUEST)? },
        None => Key::Generate { algorithm: options.key.clone(), escrow: options.escrow },
    })
}

/// The parts of a subject, as they were typed.
pub(super) fn subject(name: &str, options: &SubjectOptions) -> Subject {
    Subject {
        common_name: name.to_owned(),
        country: options.country.clone(),
        organization: options.organization.clone(),
        unit: options.unit.clone(),
    }
}

/// How private keys are handed out.
pub(super) fn handout(legacy: bool) -> Handout {
    if legacy { Handout::Legacy } else { Handout::Modern }
}

/// Warns of certificates in force whose name could be taken for this one.
pub(super) fn warn_of_look_alikes(
    session: &Session,
    door: &mut Door,
    order: &Order,
) -> Result<(), Refusal> {
    let name = &order.subject.common_name;
    for view in door.look_alikes(name)? {
        let other = view.holder.map(|holder| holder.common_name).unwrap_or_default();
        session.screen.warn(&Text::LookAlike {
            name: Untrusted(name).to_string(),
            other: Untrusted(&other).to_string(),
            number: format!("{:06}", view.number),
        });
    }
    Ok(())
}

pub(super) fn show(session: &Session, issued: &Received, written: &Written) {
    let (screen, language) = (&session.screen, session.screen.language());
    let certificate = &issued.certificate;
    let server = !certificate.allows_client_auth();
    screen.say(&Text::Issued { number: format!("{:06}", issued.number) });
    let mut table = Table::default();
    table.field(&Text::LabelName {}, certificate.subject_text(), language);
    if server {
        table.field(&Text::LabelHosts {}, hosts(issued), language);
    }
    table.field(&Text::LabelUntil {}, certificate.not_after().local(), language);
    table.field(&Text::LabelFile {}, written.main.display().to_string(), language);
    for path in [&written.certificate, &written.key].into_iter().flatten() {
        table.field(&Text::LabelFile {}, path.display().to_string(), language);
    }
    if let Some(key) = &issued.bundle.key {
        table.field(&Text::LabelPassphrase {}, key.passphrase.expose(), language);
    }
    screen.table(&table);
    if server && beyond_apple_limit(certificate.not_before(), certificate.not_after()) {
        screen.say(&Text::AppleLimit {});
    }
    if written.key.is_some() {
        screen.say(&Text::PlainKeyWritten {});
    }
    match (server, &issued.bundle.key) {
        (_, None) => {}
        (true, _) => screen.say(&Text::NextServer {}),
        (false, _) => screen.say(&Text::NextClient {}),
    }
    screen.json(&json!({ "issued": [json_of(issued, written)] }));
}

/// The fields of an issued certificate for machines.
pub(super) fn json_of(issued: &Received, written: &Written) -> Value {
    let certificate = &issued.certificate;
    json!({
        "number": issued.number,
        "serial": certificate.serial().to_string(),
        "subject": certificate.subject_text(),
        "hosts": certificate.subject_alternative_names().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "not_before": certificate.not_before().rfc3339(),
        "not_after": certificate.not_after().rfc3339(),
        "file": written.main,
        "certificate_file": written.certificate,
        "key_file": written.key,
        "passphrase": issued.bundle.key.as_ref().map(|key| key.passphrase.expose()),
    })
}

fn hosts(issued: &Received) -> String {
    let names = issued.certificate.subject_alternative_names().iter();
    names.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
