//! `sekisho quickstart`: a CA, a server certificate, a client certificate and a running gate, with
//! no question asked. Run again, it goes on with what is there.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::arguments::{Quickstart, SubjectOptions};
use super::init::{self, subject};
use super::logging;
use super::screen::Table;
use super::secrets::{KEY_FILE, make_key_file};
use super::serve;
use super::session::Session;
use crate::authority::{Authority, Initialise, Selector, Standing};
use crate::ca::{AUTHORITY_DAYS, Bundle, IssueRequest, KeySource, Purpose, Validity};
use crate::config::LogFormat;
use crate::gate::{Files, Settings};
use crate::ground::files::{self, PRIVATE, PRIVATE_FOLDER, PUBLIC};
use crate::ground::messages::{Refusal, Text};
use crate::pki::pkcs12::Encryption;
use crate::pki::{Certificate, KeyAlgorithm, SubjectAlternativeName};
use crate::vault::SlotKind;

/// Where everything lies unless another folder is named.
pub(super) const FOLDER: &str = "./sekisho-data";
/// The client certificate it makes.
const CLIENT: &str = "user1";
/// The name everybody can open from this machine.
const LOCALHOST: &str = "localhost";
/// Days a server certificate lasts.
const SERVER_DAYS: u32 = 397;
/// Days the client certificate lasts.
const CLIENT_DAYS: u32 = 1095;
/// Days before its end at which the server certificate is made anew.
const RENEW: i64 = 30;

pub(super) fn run(session: &Session, arguments: &Quickstart) -> Result<(), Refusal> {
    let authority =
        if session.folder.is_initialised() { session.open()? } else { create(session)? };
    let gate = gate_files(session, &authority)?;
    let client = client_files(session, &authority)?;
    let crl = authority.sign_crl(super::crl::DEFAULT_DAYS)?;
    let crl = session.publish(&crl, session.folder.path())?;
    drop(authority);

    let mut settings =
        Settings::new(gate).with_revocation_list(crl.pem).with_listen(&arguments.listen)?;
    settings = match &arguments.upstream {
        Some(url) => settings.with_upstream(url, false)?,
        None => settings.with_greeting(),
    };
    logging::start(LogFormat::Text);
    serve::run(settings, || tell(session, &client, &arguments.listen))
}

fn create(session: &Session) -> Result<Authority, Refusal> {
    let folder = session.folder.path();
    files::ensure_folder(folder, PRIVATE_FOLDER)?;
    // Left by an earlier attempt that made no CA: it opens nothing.
    let key_file = folder.join(KEY_FILE);
    if files::exists(&key_file) {
        std::fs::remove_file(&key_file)
            .map_err(|error| files::FileError::from_io(&key_file, &error))?;
    }
    let secrets = vec![make_key_file(&key_file)?];
    let request = Initialise {
        subject: subject("Sekisho CA", &subject_options())?,
        days: AUTHORITY_DAYS,
        algorithm: KeyAlgorithm::EcdsaP256,
        secrets,
    };
    init::create(session, request)
}

/// The gate's certificate and key. They are made anew when the names of this machine have changed,
/// or the end is near.
fn gate_files(session: &Session, authority: &Authority) -> Result<Files, Refusal> {
    let folder = session.folder.path().join("gate");
    files::ensure_folder(&folder, PRIVATE_FOLDER)?;
    let paths = Files {
        server_certificate: folder.join("server.crt"),
        server_key: folder.join("server.pem"),
        authorities: session.folder.path().join("ca.crt"),
    };
    let names = names_of_this_machine();
    if serves(&paths, &names, session)? {
        return Ok(paths);
    }
    let bundle = issue(authority, LOCALHOST, Purpose::Server(names), SERVER_DAYS, false)?;
    if let Some(key) = &bundle.key {
        files::write_atomic(&paths.server_key, key.plain_pem.expose(), PRIVATE)?;
    }
    files::write_atomic(&paths.server_certificate, bundle.chain_pem().as_bytes(), PUBLIC)?;
    let root = bundle.root.pem();
    files::write_atomic(&paths.authorities, root.as_bytes(), PUBLIC)?;
    Ok(paths)
}

/// Whether the gate's files are there and good for these names.
fn serves(
    paths: &Files,
    names: &[SubjectAlternativeName],
    session: &Session,
) -> Result<bool, Refusal> {
    let there = [&paths.server_certificate, &paths.server_key, &paths.authorities];
    if !there.into_iter().all(|path| files::exists(path)) {
        return Ok(false);
    }
    let bytes = files::read(&paths.server_certificate, LARGEST_CERTIFICATE)?;
    let Ok(chain) = Certificate::chain_from_pem(&bytes) else { return Ok(false) };
    let Some(leaf) = chain.first() else { return Ok(false) };
    let known = leaf.subject_alternative_names();
    let lasts = leaf.not_after() > session.now.plus_days(RENEW);
    Ok(lasts && names.iter().all(|name| known.contains(name)))
}

/// The largest certificate file that is read, in octets.
const LARGEST_CERTIFICATE: u64 = 64 * 1024;

/// What the person needs to get in.
struct Client {
    pkcs12: PathBuf,
    passphrase: String,
    certificate: PathBuf,
    key: PathBuf,
    root: PathBuf,
}

/// The client certificate's files, written anew under a new passphrase at every start: the
/// passphrase is shown, not stored.
fn client_files(session: &Session, authority: &Authority) -> Result<Client, Refusal> {
    let selector = Selector::CommonName(CLIENT.to_owned());
    let usable = match authority.resolve(&selector) {
        Ok(number) => {
            let view = authority.show(number)?;
            view.record.escrowed() && view.standing(session.now) == Standing::Valid
        }
        Err(_) => false,
    };
    let bundle = if usable {
        authority.export(&selector, Encryption::Modern)?
    } else {
        issue(authority, CLIENT, Purpose::Client, CLIENT_DAYS, true)?
    };
    let path = |ending: &str| session.folder.path().join(format!("{CLIENT}.{ending}"));
    let key = bundle.key.as_ref().ok_or(Refusal::CryptographyFailed {})?;
    files::write_atomic(&path("p12"), &key.pkcs12, PRIVATE)?;
    files::write_atomic(&path("pem"), key.plain_pem.expose(), PRIVATE)?;
    files::write_atomic(&path("crt"), bundle.chain_pem().as_bytes(), PUBLIC)?;
    Ok(Client {
        pkcs12: path("p12"),
        passphrase: key.passphrase.expose().to_owned(),
        certificate: path("crt"),
        key: path("pem"),
        root: session.folder.path().join("ca.crt"),
    })
}

fn issue(
    authority: &Authority,
    name: &str,
    purpose: Purpose,
    days: u32,
    escrow: bool,
) -> Result<Bundle, Refusal> {
    let request = IssueRequest {
        subject: subject(name, &subject_options())?,
        purpose,
        validity: Validity { days, shorten: true },
        key: KeySource::Generate { algorithm: KeyAlgorithm::EcdsaP256, escrow },
        person: None,
        device: None,
        source: Some("quickstart".to_owned()),
        request: None,
    };
    let outcome = authority.issue(vec![request], Encryption::Modern)?.pop();
    Ok(outcome.ok_or(Refusal::CryptographyFailed {})??.bundle)
}

fn subject_options() -> SubjectOptions {
    SubjectOptions { country: "JP".to_owned(), organization: "orca".to_owned(), unit: None }
}

/// localhost, this machine's name, and every address of it that others can reach.
fn names_of_this_machine() -> Vec<SubjectAlternativeName> {
    let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut names: Vec<SubjectAlternativeName> = [LOCALHOST, node.as_str()]
        .into_iter()
        .filter_map(|name| SubjectAlternativeName::parse_dns(name).ok())
        .collect();
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces.iter().map(if_addrs::Interface::ip).collect();
    addresses.retain(|address| match address {
        IpAddr::V4(address) => !address.is_link_local(),
        // An address of the link needs a zone, which a certificate cannot hold.
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    });
    addresses.push(IpAddr::from([127, 0, 0, 1]));
    addresses.sort_unstable();
    addresses.dedup();
    names.extend(addresses.into_iter().map(SubjectAlternativeName::Address));
    names.dedup();
    names
}

fn tell(session: &Session, client: &Client, listen: &str) {
    let (screen, language) = (&session.screen, session.screen.language());
    let port = listen.rsplit(':').next().unwrap_or_default();
    let url = format!("https://{LOCALHOST}:{port}/");
    let folder = quoted(session.folder.path());
    let program = quoted(Path::new(&session.program));
    screen.say(&Text::QuickstartReady { url: url.clone() });
    screen.line("");
    screen.line(&format!(
        "curl --cacert {} --cert {} --key {} {url}",
        quoted(&client.root),
        quoted(&client.certificate),
        quoted(&client.key),
    ));
    screen.line("");
    screen.say(&Text::QuickstartBrowser {});
    let mut table = Table::default();
    table.field(&Text::LabelFile {}, client.pkcs12.display().to_string(), language);
    table.field(&Text::LabelPassphrase {}, &client.passphrase, language);
    table.field(&Text::LabelAuthorityFile {}, client.root.display().to_string(), language);
    screen.table(&table);
    let key_file = session
        .folder
        .slots()
        .is_ok_and(|slots| slots.iter().any(|slot| slot.kind == SlotKind::KeyFile));
    if key_file {
        screen.line("");
        screen.say(&Text::QuickstartKeyFile { folder: folder.clone() });
        screen.line(&format!("  {program} vault passwd --dir {folder}"));
    }
    screen.line("");
    screen.say(&Text::QuickstartNext { program, folder });
    screen.json(&serde_json::json!({
        "url": url,
        "p12": client.pkcs12,
        "passphrase": client.passphrase,
        "ca_certificate": client.root,
        "certificate_file": client.certificate,
        "key_file": client.key,
    }));
}

/// A path as one word for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
