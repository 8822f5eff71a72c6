//! `sekisho serve`, and the authority's process that it starts.

use std::os::fd::{AsFd, OwnedFd};
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
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;

/// What `serve` takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) configuration: ConfigurationOptions,
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
}

/// What the authority's process takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "nobody but `serve` runs it")]
pub(super) struct AuthorityOptions {
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
    let log = options.log_format.unwrap_or(config.log_format());
    logging::start(log);
    if let Some(file) = &options.configuration.jma_receipt_conf {
        warn_of_passphrases(file);
    }
    appliance::run(&config, log, screen.language(), &session.secrets, environment, || ())
}

/// The authority's own process: `serve` starts it, with the feed as its standard input. Returns the
/// exit code.
pub(super) fn authority(options: &AuthorityOptions) -> Result<u8, Refusal> {
    logging::start(options.log_format);
    let feed = std::io::stdin().as_fd().try_clone_to_owned();
    let feed = feed.map_err(|_| Refusal::NotForPeople {})?;
    if !is_unix_socket(&feed) {
        return Err(Refusal::NotForPeople {});
    }
    Ok(match service::run(UnixStream::from(feed))? {
        End::Sealed => SEALED,
        End::FeedEnded => 0,
    })
}

fn is_unix_socket(feed: &OwnedFd) -> bool {
    sockopt::socket_domain(feed).is_ok_and(|domain| domain == AddressFamily::UNIX)
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
