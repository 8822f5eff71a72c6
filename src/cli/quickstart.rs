//! `sekisho quickstart`: a CA, a client certificate, and the whole appliance in front of a greeting
//! page, with no question asked. Run again, it goes on with what is there.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::appliance::{self, Words};
use super::arguments::{Quickstart, SubjectOptions};
use super::environment::Environment;
use super::handout;
use super::init;
use super::issue::{self, subject};
use super::logging;
use super::screen::Table;
use super::secrets::{KEY_FILE, make_key_file};
use super::session::Session;
use crate::authority::{Initialise, orders};
use crate::ca::AUTHORITY_DAYS;
use crate::config::{Config, LogFormat, Unseal};
use crate::door::Door;
use crate::door::command::{Handout, Key, Order, Purpose, Selector};
use crate::door::reply::{CertificateView, KeyPlace, Standing};
use crate::ground::files::{self, PRIVATE, PRIVATE_FOLDER, PUBLIC};
use crate::ground::messages::{Refusal, Text};
use crate::ground::secret::Passphrase;
use crate::pki::{KeyAlgorithm, SubjectAlternativeName};
use crate::vault::SlotKind;

/// Where everything lies unless another folder is named.
pub(super) const FOLDER: &str = "./sekisho-data";
/// The client certificate it makes.
const CLIENT: &str = "user1";
/// What is recorded as the source of that certificate, by which it is found again.
const SOURCE: &str = "quickstart";
/// The name everybody can open from this machine.
const LOCALHOST: &str = "localhost";
/// Days the client certificate lasts.
const CLIENT_DAYS: u32 = 1095;
/// Certificates read at a time.
const PAGE: u32 = 512;

pub(super) fn run(
    session: &Session,
    arguments: &Quickstart,
    environment: &Environment,
) -> Result<(), Refusal> {
    if session.folder.is_reserved() {
        let folder = session.folder.path().display().to_string();
        return Err(Refusal::ServiceRunsAlready { folder });
    }
    if !session.folder.is_initialised() {
        create(session)?;
    }
    let client = client_files(session, &mut session.open()?)?;
    let names = names_of_this_machine().iter().map(ToString::to_string).collect();
    let folder = session.folder.path();
    let config = Config::of_quickstart(
        folder.to_owned(),
        unseal(session),
        names,
        &arguments.listen,
        arguments.upstream.as_deref(),
    )?;
    logging::start(LogFormat::Text);
    let language = session.screen.language();
    let (log, secrets) = (LogFormat::Text, &session.secrets);
    let words = Words { log, roles_from: None, language, secrets };
    appliance::run(&config, &words, environment, || {
        tell(session, &client, &arguments.listen);
    })
}

/// The key file beside the data as long as it opens the vault; after `vault passwd`, the passphrase.
fn unseal(session: &Session) -> Unseal {
    let key_file = session.folder.path().join(KEY_FILE);
    if has_key_file_slot(session) && files::exists(&key_file) {
        return Unseal::KeyFile(key_file);
    }
    Unseal::Terminal
}

fn has_key_file_slot(session: &Session) -> bool {
    let slots = session.folder.slots();
    slots.is_ok_and(|slots| slots.iter().any(|slot| slot.kind == SlotKind::KeyFile))
}

fn create(session: &Session) -> Result<(), Refusal> {
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
        subject: orders::subject(&subject("Sekisho CA", &subject_options()))?,
        days: AUTHORITY_DAYS,
        algorithm: KeyAlgorithm::EcdsaP256,
        secrets,
    };
    init::create(session, request).map(drop)
}

/// What the person needs to get in.
struct Client {
    pkcs12: PathBuf,
    passphrase: Passphrase,
    certificate: PathBuf,
    key: PathBuf,
    root: PathBuf,
}

/// The client certificate's files, written anew under a new passphrase at every start: the
/// passphrase is shown, not stored.
fn client_files(session: &Session, door: &mut Door) -> Result<Client, Refusal> {
    let bundle = match own_client(session, door)? {
        Some(number) => handout::bundle(door.export(Selector::Number(number), Handout::Modern)?)?,
        None => issue::issue(door, client_order(), Handout::Modern)?.bundle,
    };
    let path = |ending: &str| session.folder.path().join(format!("{CLIENT}.{ending}"));
    let chain = bundle.chain_pem();
    let key = bundle.key.ok_or(Refusal::CryptographyFailed {})?;
    files::write_atomic(&path("p12"), &key.pkcs12, PRIVATE)?;
    files::write_atomic(&path("pem"), key.plain_pem.expose(), PRIVATE)?;
    files::write_atomic(&path("crt"), chain.as_bytes(), PUBLIC)?;
    let root = session.folder.path().join("ca.crt");
    files::write_atomic(&root, bundle.root.pem().as_bytes(), PUBLIC)?;
    Ok(Client {
        pkcs12: path("p12"),
        passphrase: key.passphrase,
        certificate: path("crt"),
        key: path("pem"),
        root,
    })
}

/// The client certificate of an earlier quickstart, while it is good and its key is kept; whoever
/// else was called `user1` since is somebody else.
fn own_client(session: &Session, door: &mut Door) -> Result<Option<u64>, Refusal> {
    let is_own = |view: &CertificateView| {
        let by_us = view.holder.as_ref().is_some_and(|holder| {
            holder.common_name == CLIENT && holder.source.as_deref() == Some(SOURCE)
        });
        let good = view.standing(session.now) == Standing::Valid;
        by_us && good && view.key == KeyPlace::Escrowed
    };
    let mut first = 1;
    loop {
        let page = door.list(first, PAGE)?;
        let Some(last) = page.last() else { return Ok(None) };
        if let Some(view) = page.iter().find(|view| is_own(view)) {
            return Ok(Some(view.number));
        }
        first = last.number + 1;
    }
}

fn client_order() -> Order {
    Order {
        subject: subject(CLIENT, &subject_options()),
        purpose: Purpose::Client,
        days: CLIENT_DAYS,
        shorten: true,
        key: Key::Generate { algorithm: KeyAlgorithm::EcdsaP256.name().to_owned(), escrow: true },
        person: None,
        device: None,
        source: Some(SOURCE.to_owned()),
        request: None,
    }
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
    table.field(&Text::LabelPassphrase {}, client.passphrase.expose(), language);
    table.field(&Text::LabelAuthorityFile {}, client.root.display().to_string(), language);
    screen.table(&table);
    if has_key_file_slot(session) {
        screen.line("");
        screen.say(&Text::QuickstartKeyFile { folder: folder.clone() });
        screen.line(&format!("  {program} vault passwd --dir {folder}"));
    }
    screen.line("");
    screen.say(&Text::QuickstartNext { program, folder });
    screen.json(&serde_json::json!({
        "url": url,
        "p12": client.pkcs12,
        "passphrase": client.passphrase.expose(),
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
