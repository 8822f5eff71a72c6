//! `sekisho serve`, and the processes that it starts.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::net::sockopt;
use rustix::process::Signal;

use super::appliance::{self, Words};
use super::configuration::{self, ConfigurationOptions};
use super::environment::Environment;
use super::logging;
use super::orca::secrets_in;
use super::roles::Users;
use super::screen::Screen;
use super::session::Session;
use crate::authority::service;
use crate::config::{LogFormat, sekisho_toml};
use crate::door::feed::Hello;
use crate::door::opening::{self, LogForm, Opening, Order};
use crate::gate::process::ConfinedGate;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening::{Layer, Role, Terms};
use crate::publisher;

/// What `serve` takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) configuration: ConfigurationOptions,
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
    #[arg(long, value_name = "LAYER", value_parser = Layer::required)]
    pub(super) accept_missing: Vec<Layer>,
    #[arg(long, value_name = "FOLDER")]
    pub(super) roles_from: Option<PathBuf>,
    #[arg(long, hide = true)]
    pub(super) landlock_abi: Option<u8>,
}

/// What the authority's process takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct AuthorityOptions {
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Serves until it is told to stop.
pub(super) fn serve(
    session: &Session,
    screen: &Screen,
    options: &ServeOptions,
    environment: &Environment,
) -> Result<(), Refusal> {
    let config = configuration::read(session, screen, &options.configuration)?;
    let config = config.accepting(&options.accept_missing).with_landlock_abi(options.landlock_abi);
    let log = options.log_format.unwrap_or(config.log_format());
    logging::start(log);
    if let Some(file) = &options.configuration.jma_receipt_conf {
        warn_of_passphrases(file);
    }
    let roles_from = options.roles_from.as_deref();
    let words = Words { log, roles_from, language: screen.language(), secrets: &session.secrets };
    appliance::run(&config, &words, environment, || ())
}

/// The authority's own process.
pub(super) fn authority(options: &AuthorityOptions) -> Result<(), Refusal> {
    let Some(Opening { messages, descriptors, .. }) = opening()? else { return Ok(()) };
    let own = options.config.as_deref().map(|path| own_words(path, &messages)).transpose()?;
    service::run(messages, descriptors, own)
}

/// What the configuration says to the authority where somebody else started it: nobody else need be
/// believed then.
fn own_words(path: &Path, supervisor: &UnixStream) -> Result<Hello, Refusal> {
    let config = sekisho_toml::load(path).map_err(|findings| configuration::refused(&findings))?;
    let settings = config.authority().ok_or(Refusal::NotForPeople {})?;
    let supervisor = sockopt::socket_peercred(supervisor).map_err(|_| Refusal::ServiceGone {})?;
    let (supervisor, users) = (supervisor.uid.as_raw(), Users::of_accounts());
    if users == Users::Ours {
        return Err(Refusal::RoleAccountsMissing {});
    }
    let others = [Role::Gate, Role::Publisher].into_iter().filter_map(|role| users.of(role));
    Ok(Hello {
        roles: users.all().into_iter().chain([supervisor]).collect(),
        terms: Terms {
            accept_missing: config.accept_missing().clone(),
            other_users: others.map(|user| user.uid).chain([supervisor]).collect(),
            landlock_abi: config.landlock_abi(),
        },
        ..appliance::configured(&config, settings)
    })
}

/// The process of a gate.
pub(super) fn gate() -> Result<(), Refusal> {
    match opening()? {
        Some(opening) => ConfinedGate::begin(opening.messages)?.serve(opening.descriptors),
        None => Ok(()),
    }
}

/// The publisher's process.
pub(super) fn publisher() -> Result<(), Refusal> {
    match opening()? {
        Some(opening) => publisher::process::run(opening.messages, opening.descriptors),
        None => Ok(()),
    }
}

/// What the process of a role begins with; `None` when it was there to end another, and has.
fn opening() -> Result<Option<Opening>, Refusal> {
    let gone = |_| Refusal::ServiceGone {};
    let input = std::io::stdin().as_fd().try_clone_to_owned().map_err(gone)?;
    let opening = match opening::receive(input).map_err(|_| Refusal::NotForPeople {})? {
        Order::Serve(opening) => opening,
        Order::End(other) => {
            // It may have ended just now.
            let _ = rustix::process::pidfd_send_signal(other, Signal::KILL);
            return Ok(None);
        }
    };
    if let Some(log) = &opening.log {
        rustix::stdio::dup2_stderr(log).map_err(|errno| gone(errno.into()))?;
    }
    // Where the service was started is nothing to it.
    std::env::set_current_dir("/").map_err(gone)?;
    logging::start(match opening.form {
        LogForm::Text => LogFormat::Text,
        LogForm::Json => LogFormat::Json,
    });
    Ok(Some(opening))
}

/// The manual's zip holds passphrases in the clear; installed with the rest, they lie about.
fn warn_of_passphrases(configuration: &Path) {
    let folder = configuration.parent().unwrap_or(Path::new("."));
    let files = secrets_in(folder, ".pass") + secrets_in(folder, ".zip");
    if files > 0 {
        let folder = folder.to_string_lossy();
        tracing::warn!(
            folder = %Untrusted(&folder),
            files,
            "passphrases or zips of certificates lie here: delete them"
        );
    }
}
