//! `sekisho issue`: one certificate.

use serde_json::{Value, json};

use super::arguments::{IssueClient, IssueOptions, IssueServer};
use super::handout::{self, Written};
use super::init::{algorithm, subject};
use super::screen::Table;
use super::session::Session;
use crate::authority::Authority;
use crate::ca::{
    IssueRequest, IssuedCertificate, KeySource, Purpose, Validity, beyond_apple_limit,
};
use crate::ground::files;
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::pki::pkcs12::Encryption;
use crate::pki::request::CertificateRequest;
use crate::pki::{CommonName, SubjectAlternativeName};

/// The largest request that is read, in octets.
const LARGEST_REQUEST: u64 = 64 * 1024;

/// Issues a server certificate; its name is the first host.
pub(super) fn server(session: &Session, arguments: &IssueServer) -> Result<(), Refusal> {
    let names: Vec<SubjectAlternativeName> =
        arguments.hosts.iter().map(|host| alternative_name(host)).collect::<Result<_, _>>()?;
    let name = arguments.hosts.first().map_or("", String::as_str);
    let request = request(name, Purpose::Server(names), arguments.days, &arguments.options)?;
    one(session, request, &arguments.options)
}

/// Issues a client certificate.
pub(super) fn client(session: &Session, arguments: &IssueClient) -> Result<(), Refusal> {
    if let Some(file) = &arguments.from {
        return super::bulk::run(session, arguments, file);
    }
    let name = arguments.name.as_deref().unwrap_or_default();
    let mut request = request(name, Purpose::Client, arguments.days, &arguments.options)?;
    request.person.clone_from(&arguments.person);
    request.device.clone_from(&arguments.device);
    one(session, request, &arguments.options)
}

fn one(session: &Session, request: IssueRequest, options: &IssueOptions) -> Result<(), Refusal> {
    handout::check_writable(&options.out)?;
    let authority = session.open()?;
    warn_of_look_alikes(session, &authority, request.subject.common_name())?;
    let outcome = authority.issue(vec![request], encryption(options.legacy))?.pop();
    let issued = outcome.ok_or(Refusal::CryptographyFailed {})??;
    let written = session.deliver(&authority, &issued, |issued| {
        handout::write(&issued.bundle, &options.out, options.pem)
    })?;
    show(session, &issued, &written);
    Ok(())
}

/// The request that these options make.
pub(super) fn request(
    name: &str,
    purpose: Purpose,
    days: u32,
    options: &IssueOptions,
) -> Result<IssueRequest, Refusal> {
    let key = match &options.csr {
        Some(path) => {
            let bytes = files::read(path, LARGEST_REQUEST)?;
            KeySource::Requested(Box::new(CertificateRequest::read(&bytes)?))
        }
        None => KeySource::Generate { algorithm: algorithm(&options.key)?, escrow: options.escrow },
    };
    let source = options.csr.as_ref().map(|path| path.display().to_string());
    Ok(IssueRequest {
        subject: subject(name, &options.subject)?,
        purpose,
        validity: Validity { days, shorten: false },
        key,
        person: None,
        device: None,
        source,
        request: None,
    })
}

/// How PKCS#12 files are encrypted.
pub(super) fn encryption(legacy: bool) -> Encryption {
    if legacy { Encryption::Legacy } else { Encryption::Modern }
}

/// A host name, or an IP address.
pub(super) fn alternative_name(host: &str) -> Result<SubjectAlternativeName, Refusal> {
    if let Ok(address) = SubjectAlternativeName::parse_address(host) {
        return Ok(address);
    }
    Ok(SubjectAlternativeName::parse_dns(host)?)
}

/// Warns of certificates in force whose name could be taken for this one.
pub(super) fn warn_of_look_alikes(
    session: &Session,
    authority: &Authority,
    name: &CommonName,
) -> Result<(), Refusal> {
    for view in authority.look_alikes(name)? {
        let other = view.holder.map(|holder| holder.common_name).unwrap_or_default();
        session.screen.warn(&Text::LookAlike {
            name: Untrusted(name.as_str()).to_string(),
            other: Untrusted(&other).to_string(),
            number: format!("{:06}", view.record.number()),
        });
    }
    Ok(())
}

fn show(session: &Session, issued: &IssuedCertificate, written: &Written) {
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
pub(super) fn json_of(issued: &IssuedCertificate, written: &Written) -> Value {
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

fn hosts(issued: &IssuedCertificate) -> String {
    let names = issued.certificate.subject_alternative_names().iter();
    names.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
