//! `sekisho serve`: the gate in front of a web application.

use std::path::Path;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::configuration::{self, ConfigurationOptions};
use super::logging;
use super::orca::secrets_in;
use super::screen::Screen;
use crate::config::LogFormat;
use crate::gate::{Gate, Metrics, Settings};
use crate::ground::messages::Refusal;
use crate::ground::untrusted::Untrusted;
use crate::hardening;

/// What `serve` takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) configuration: ConfigurationOptions,
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
}

/// Serves until it is told to stop.
pub(super) fn serve(screen: &Screen, options: &ServeOptions) -> Result<(), Refusal> {
    let config = configuration::read(screen, &options.configuration)?;
    logging::start(options.log_format.unwrap_or(config.log_format()));
    if let Some(file) = &options.configuration.jma_receipt_conf {
        warn_of_passphrases(file);
    }
    match config.gates() {
        [gate] => run(gate.clone(), || ()),
        _ => Err(Refusal::NothingToServe {}),
    }
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

/// Serves with these settings until SIGTERM or SIGINT; `ready` is called once it listens.
pub(super) fn run(settings: Settings, ready: impl FnOnce()) -> Result<(), Refusal> {
    if let Err(error) = hardening::raise_descriptor_limit() {
        tracing::warn!(%error, "the number of open files could not be raised");
    }
    let unavailable =
        |error: std::io::Error| Refusal::SignalsUnavailable { reason: error.to_string() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(unavailable)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        let gate = Gate::open(settings, None, &Metrics::default()).await?;
        ready();
        let shutdown = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        gate.serve(shutdown).await;
        Ok(())
    })
}
