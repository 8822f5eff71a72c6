//! `sekisho serve` and `sekisho config check`: the gate in front of a web application.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

use super::logging;
use super::orca::secrets_in;
use super::session::Session;
use crate::config::jma_receipt;
use crate::gate::{self, Gate, Limits, Metrics, Settings};
use crate::ground::messages::{Refusal, Text};
use crate::ground::untrusted::Untrusted;
use crate::hardening;

/// What makes a gate's settings.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct GateOptions {
    #[arg(long, value_name = "FILE")]
    pub(super) jma_receipt_conf: PathBuf,
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) listen: Option<String>,
    #[arg(long, value_name = "URL")]
    pub(super) upstream: Option<String>,
    #[arg(long)]
    pub(super) allow_clear_text_upstream: bool,
    #[arg(long, value_name = "FILE")]
    pub(super) crl: Vec<PathBuf>,
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub(super) crl_grace_days: u16,
    #[arg(long)]
    pub(super) tls12: bool,
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().handshakes_per_second)]
    pub(super) handshakes_per_second: u32,
}

/// What `serve` takes.
#[derive(Args, Debug)]
#[allow(missing_docs, reason = "each argument is described in the message catalogue")]
pub(super) struct ServeOptions {
    #[command(flatten)]
    pub(super) gate: GateOptions,
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,
}

/// The form of log lines.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogFormat {
    /// As in the WebORCA log: local time, then what happened.
    Text,
    /// One JSON object a line.
    Json,
}

/// Serves until it is told to stop.
pub(super) fn serve(options: ServeOptions) -> Result<(), Refusal> {
    logging::start(options.log_format);
    warn_of_passphrases(&options.gate.jma_receipt_conf);
    run(settings(options.gate)?, || ())
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

/// Checks everything that `serve` would check, and serves nobody.
pub(super) fn check(session: &Session, options: GateOptions) -> Result<(), Refusal> {
    gate::check(&settings(options)?)?;
    session.screen.say(&Text::ConfigurationGood {});
    session.screen.json(&serde_json::json!({ "configuration": "good" }));
    Ok(())
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

fn settings(options: GateOptions) -> Result<Settings, Refusal> {
    let mut settings =
        jma_receipt::load(&options.jma_receipt_conf)?.with_grace_days(options.crl_grace_days);
    if let Some(address) = &options.listen {
        settings = settings.with_listen(address)?;
    }
    if let Some(url) = &options.upstream {
        settings = settings.with_upstream(url, options.allow_clear_text_upstream)?;
    }
    for list in options.crl {
        settings = settings.with_revocation_list(list);
    }
    settings = settings.with_limits(Limits {
        handshakes_per_second: options.handshakes_per_second,
        handshake_burst: options.handshakes_per_second.saturating_mul(4),
        ..Limits::default()
    });
    if options.tls12 {
        settings = settings.with_tls12();
    }
    Ok(settings)
}
