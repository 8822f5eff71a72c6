//! `orca-catool`, as the WebORCA manual describes it, on the same CA as everything else.
//!
//! Where the manual shows output, it is this to the letter. The one question it does not show is
//! the vault's passphrase; it is asked on the terminal, not in standard output.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::environment::Environment;
use super::init;
use super::list::{row, shown_name};
use super::screen::{Screen, Table};
use super::secrets::SecretSource;
use super::session::{Session, actor};
use super::terminal::read_answer;
use super::{help, issue, revoke};
use crate::authority::{DataFolder, Initialise, orders};
use crate::ca::{AUTHORITY_DAYS, beyond_apple_limit};
use crate::config::orca_catool::{self, OrcaCatool};
use crate::door::command::{Handout, Key, Order, Purpose, Selector};
use crate::ground::clock;
use crate::ground::files::{self, PRIVATE, PRIVATE_FOLDER};
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::pki::{KeyAlgorithm, SubjectAlternativeName};

/// The subcommands, in the manual's order.
const SUBCOMMANDS: [&str; 6] = [
    "issue_server_cert",
    "issue_client_cert",
    "export_cert",
    "revoke_cert",
    "issue_crl",
    "list_cert",
];

/// Certificates read at a time.
const PAGE: u32 = 512;

/// The manual's places: `~/.orca_catool` and `~/certs`.
struct Places {
    settings: PathBuf,
    configuration: PathBuf,
    certificates: PathBuf,
}

/// Runs `orca-catool` with these words after its name.
///
/// # Errors
/// A refusal for a person; `Ok(Err(_))` is a mistake in the words themselves.
pub(super) fn run(
    words: Vec<OsString>,
    environment: &Environment,
) -> Result<Result<(), clap::Error>, Refusal> {
    let language = environment.language;
    let command = help::localise(command(), "orca-catool", language);
    let name = std::iter::once(OsString::from("orca-catool"));
    let matches = match command.try_get_matches_from(name.chain(words)) {
        Ok(matches) => matches,
        Err(error) => return Ok(Err(error)),
    };
    let places = Places::of(environment)?;
    let session = Session {
        screen: Screen::new(language, false, environment.colours),
        folder: DataFolder::new(&places.settings),
        names_folder: false,
        secrets: SecretSource {
            passphrase_file: environment.passphrase_file.clone(),
            ..SecretSource::default()
        },
        now: clock::now(),
        actor: actor(),
        program: environment.program.clone(),
        owners: std::cell::RefCell::default(),
    };
    if !files::exists(&places.configuration) && !initialise(&session, &places)? {
        return Ok(Ok(()));
    }
    let settings = read_configuration(&session, &places)?;
    match matches.subcommand() {
        Some(("issue_server_cert", words)) => issue_server(&session, &places, &settings, words),
        Some(("issue_client_cert", words)) => issue_client(&session, &places, &settings, words),
        Some(("export_cert", words)) => export(&session, &places, words),
        Some(("revoke_cert", words)) => revoke_certificate(&session, words),
        Some(("issue_crl", _)) => issue_crl(&session, &places, &settings),
        Some(("list_cert", _)) => list(&session, &places),
        _ => {
            specify_subcommand(&session.screen);
            Ok(())
        }
    }
    .and_then(|()| session.screen.check_printed())
    .map(Ok)
}

pub(super) fn command() -> Command {
    let repeatable = |id: &'static str, short: char| {
        Arg::new(id).short(short).value_name("NAME").action(ArgAction::Append)
    };
    let number = Arg::new("number").value_name("NUMBER");
    Command::new("orca-catool")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("issue_server_cert")
                .arg(repeatable("host", 'c').value_name("HOST"))
                .arg(repeatable("address", 'i').value_name("IP")),
        )
        .subcommand(
            Command::new("issue_client_cert")
                .arg(Arg::new("name").short('c').value_name("NAME").required(true)),
        )
        .subcommand(Command::new("export_cert").arg(number.clone().required(true)))
        .subcommand(
            Command::new("revoke_cert")
                .arg(number.required_unless_present("name"))
                .arg(Arg::new("name").short('c').value_name("NAME").conflicts_with("number"))
                .arg(
                    Arg::new("reason").short('r').value_name("REASON").default_value("unspecified"),
                ),
        )
        .subcommand(Command::new("issue_crl"))
        .subcommand(Command::new("list_cert"))
}

impl Places {
    /// The places under the home folder, which must be the caller's own: `sudo` without `-H` keeps
    /// another user's.
    fn of(environment: &Environment) -> Result<Self, Refusal> {
        let home = environment.home.clone().ok_or(Refusal::NoHome {})?;
        files::check_owned_folder(&home)?;
        let settings = home.join(".orca_catool");
        let configuration = settings.join("config.yml");
        Ok(Self { settings, configuration, certificates: home.join("certs") })
    }
}

/// The manual's first dialogue. Returns whether there is a CA now.
fn initialise(session: &Session, places: &Places) -> Result<bool, Refusal> {
    let screen = &session.screen;
    screen.line("");
    screen.line(&format!(
        "config file({}) does not exist.",
        Untrusted(&places.configuration.to_string_lossy())
    ));
    screen.line("");
    screen.line("initialize ca?");
    let answer = read_answer(|| screen.ask("y or n> ")).ok_or(Refusal::Cancelled {})?;
    if !answer.trim().eq_ignore_ascii_case("y") {
        return Ok(false);
    }
    // A CA without its configuration file: somebody deleted that alone.
    if !session.folder.is_initialised() {
        let language = screen.language();
        let secrets = init::new_secrets(&session.secrets, language)?;
        let subject = orders::subject(&issue::subject("orca-ca", &subject_options()))?;
        let algorithm = KeyAlgorithm::EcdsaP256;
        let request = Initialise { subject, days: AUTHORITY_DAYS, algorithm, secrets };
        init::create(session, request)?;
    }
    // Written last: the manual's tool takes the file for the CA.
    files::write_atomic(&places.configuration, orca_catool::NEW_FILE.as_bytes(), PRIVATE)?;
    Ok(true)
}

fn specify_subcommand(screen: &Screen) {
    screen.line("  specify subcommand");
    screen.line("");
    for name in SUBCOMMANDS {
        screen.line(&format!("  {name}"));
    }
}

fn read_configuration(session: &Session, places: &Places) -> Result<OrcaCatool, Refusal> {
    let path = Untrusted(&places.configuration.to_string_lossy()).to_string();
    let bytes = files::read(&places.configuration, orca_catool::LARGEST)?;
    let malformed = || Refusal::OrcaConfigMalformed { path: path.clone() };
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
    let settings = OrcaCatool::parse(text).map_err(|error| error.refusal(&path))?;
    if !settings.unknown.is_empty() {
        let keys: Vec<String> =
            settings.unknown.iter().map(|key| Untrusted(key).to_string()).collect();
        session.screen.warn(&Text::OrcaUnknownKeys { path, keys: keys.join(", ") });
    }
    Ok(settings)
}

fn issue_server(
    session: &Session,
    places: &Places,
    settings: &OrcaCatool,
    words: &ArgMatches,
) -> Result<(), Refusal> {
    let hosts: Vec<&String> = words.get_many("host").into_iter().flatten().collect();
    let addresses: Vec<&String> = words.get_many("address").into_iter().flatten().collect();
    let name = hosts.first().or(addresses.first()).ok_or(Refusal::OrcaServerNameMissing {})?;
    for address in &addresses {
        SubjectAlternativeName::parse_address(address)?;
    }
    let purpose =
        Purpose::Server { hosts: hosts.iter().chain(&addresses).copied().cloned().collect() };
    issue_one(session, places, name, purpose, settings.server_days)
}

fn issue_client(
    session: &Session,
    places: &Places,
    settings: &OrcaCatool,
    words: &ArgMatches,
) -> Result<(), Refusal> {
    let name = words.get_one::<String>("name").map_or("", String::as_str);
    issue_one(session, places, name, Purpose::Client, settings.client_days)
}

fn issue_one(
    session: &Session,
    places: &Places,
    name: &str,
    purpose: Purpose,
    days: u32,
) -> Result<(), Refusal> {
    let order = Order {
        subject: issue::subject(name, &subject_options()),
        purpose,
        days,
        shorten: true,
        key: Key::Generate { algorithm: KeyAlgorithm::EcdsaP256.name().to_owned(), escrow: true },
        person: None,
        device: None,
        source: Some("orca-catool".to_owned()),
        request: None,
    };
    orders::check(order.clone())?;
    files::ensure_folder(&places.certificates, PRIVATE_FOLDER)?;
    super::handout::check_writable(&places.certificates)?;
    let mut door = session.open()?;
    issue::warn_of_look_alikes(session, &mut door, &order)?;
    let issued = issue::issue(&mut door, order, Handout::Manual)?;
    let path = session.deliver(&mut door, &issued, |issued| {
        let path = places.certificates.join(format!("{}.zip", issued.bundle.stem));
        files::write_new(&path, issued.bundle.manual_zip(session.now)?.expose(), PRIVATE)?;
        Ok(path)
    })?;
    session.screen.line(&path.display().to_string());
    let certificate = &issued.certificate;
    if issued.shortened {
        let until = certificate.not_after().local();
        session.screen.warn(&Text::ValidityShortened { until });
    }
    if !certificate.allows_client_auth()
        && beyond_apple_limit(certificate.not_before(), certificate.not_after())
    {
        session.screen.say(&Text::AppleLimit {});
    }
    Ok(())
}

fn export(session: &Session, places: &Places, words: &ArgMatches) -> Result<(), Refusal> {
    let number = number(words)?;
    files::ensure_folder(&places.certificates, PRIVATE_FOLDER)?;
    let mut door = session.open()?;
    let bundle = door.export(Selector::Number(number), Handout::Manual)?;
    let bundle = super::handout::bundle(bundle)?;
    let path = places.certificates.join(format!("{}.zip", bundle.stem));
    files::write_atomic(&path, bundle.manual_zip(session.now)?.expose(), PRIVATE)?;
    session.screen.line(&path.display().to_string());
    Ok(())
}

fn revoke_certificate(session: &Session, words: &ArgMatches) -> Result<(), Refusal> {
    let reason = words.get_one::<String>("reason").map_or("unspecified", String::as_str);
    let reason = revoke::reason(reason)?;
    let selector = match words.get_one::<String>("name") {
        Some(name) => Selector::CommonName(name.clone()),
        None => Selector::Number(number(words)?),
    };
    let mut door = session.open_sealed()?;
    let reply = door.revoke(selector, reason, None, false)?;
    for view in &reply.revoked {
        let number = format!("{:06}", view.number);
        session.screen.say(&Text::Revoked { number, name: shown_name(view) });
    }
    session.screen.say(&Text::OrcaNextCrl {});
    Ok(())
}

fn issue_crl(session: &Session, places: &Places, settings: &OrcaCatool) -> Result<(), Refusal> {
    files::ensure_folder(&places.certificates, PRIVATE_FOLDER)?;
    let mut door = session.open()?;
    let crl = door.sign_crl(settings.crl_days)?;
    let files = session.publish(&crl.der, &places.certificates)?;
    session.screen.line(&files.pem.display().to_string());
    session.screen.line(&files.der.display().to_string());
    Ok(())
}

fn list(session: &Session, places: &Places) -> Result<(), Refusal> {
    let mut door = session.open_sealed()?;
    let language = session.screen.language();
    let mut table = Table::default();
    let mut first = 1;
    loop {
        let page = door.list(first, PAGE)?;
        let Some(last) = page.last() else { break };
        first = last.number + 1;
        for view in &page {
            table.row(row(view, session.now, language));
        }
    }
    session.screen.table(&table);
    let zips = secrets_in(&places.certificates, ".zip");
    if zips > 0 {
        let folder = places.certificates.display().to_string();
        session.screen.warn(&Text::ZipsLieAbout { folder, count: zips.to_string() });
    }
    Ok(())
}

/// A certificate's number, with or without its zeros in front.
fn number(words: &ArgMatches) -> Result<u64, Refusal> {
    let text = words.get_one::<String>("number").map_or("", String::as_str);
    text.parse().map_err(|_| Refusal::NotANumber { text: Untrusted(text).to_string() })
}

fn subject_options() -> super::arguments::SubjectOptions {
    super::arguments::SubjectOptions {
        country: "JP".to_owned(),
        organization: "orca".to_owned(),
        unit: None,
    }
}

/// How many files of the manual's names lie in a folder: six digits, two underscores, this ending.
pub(super) fn secrets_in(folder: &Path, ending: &str) -> usize {
    let is_ours = |name: &str| {
        let digits = name.bytes().take_while(u8::is_ascii_digit).count();
        digits >= 6 && name.contains("__") && name.ends_with(ending)
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_ours)).count()
}

/// Whether a program's name is that of the manual's tool.
pub(super) fn is_called(program: &Path) -> bool {
    program.file_name().is_some_and(|name| name == "orca-catool")
}
