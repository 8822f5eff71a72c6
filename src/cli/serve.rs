//! `sekisho serve`, and the processes that it starts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use clap::Args;
use rustix::net::{AddressFamily, sockopt};

use super::SEALED;
use super::appliance;
use super::configuration::{self, ConfigurationOptions};
use super::environment::Environment;
use super::logging;
use super::orca::secrets_in;
use super::screen::Screen;
use super::session::Session;
use crate::authority::service::{self, End};
use crate::config::LogFormat;
use crate::gate::process::ConfinedGate;
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening::Layer;
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
    #[arg(long, hide = true)]
    pub(super) landlock_abi: Option<u8>,
}

/// What the process of a role takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "nobody but `serve` runs it")]
pub(super) struct RoleOptions {
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
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
    appliance::run(&config, log, screen.language(), &session.secrets, environment, || ())
}

/// The authority's own process: `serve` starts it, with its messages as its standard input. Returns
/// the exit code.
pub(super) fn authority(options: &RoleOptions) -> Result<u8, Refusal> {
    logging::start(options.log_format);
    Ok(match service::run(UnixStream::from(socket(std::io::stdin().as_fd())?))? {
        End::Sealed => SEALED,
        End::FeedEnded => 0,
    })
}

/// The process of a gate: `serve` starts it, with its messages as its standard input and its
/// descriptors as its standard output.
pub(super) fn gate(options: &RoleOptions) -> Result<(), Refusal> {
    logging::start(options.log_format);
    let messages = UnixStream::from(socket(std::io::stdin().as_fd())?);
    let descriptors = socket(std::io::stdout().as_fd())?;
    ConfinedGate::begin(messages)?.serve(descriptors)
}

/// The publisher's process, started as that of a gate is.
pub(super) fn publisher(options: &RoleOptions) -> Result<(), Refusal> {
    logging::start(options.log_format);
    let messages = UnixStream::from(socket(std::io::stdin().as_fd())?);
    let descriptors = socket(std::io::stdout().as_fd())?;
    publisher::process::run(messages, descriptors)
}

fn socket(stream: BorrowedFd<'_>) -> Result<OwnedFd, Refusal> {
    let socket = stream.try_clone_to_owned().map_err(|_| Refusal::NotForPeople {})?;
    let is_ours = sockopt::socket_domain(&socket).is_ok_and(|of| of == AddressFamily::UNIX);
    if is_ours { Ok(socket) } else { Err(Refusal::NotForPeople {}) }
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
