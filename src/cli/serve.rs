//! `sekisho serve`: the gate in front of a web application.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::logging::{self, Format};
use crate::config::jma_receipt;
use crate::gate::{Gate, Limits};
use crate::ground::messages::Refusal;

/// Lets holders of client certificates through to a web application.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// WebORCA's jma-receipt.conf, with SERVER_CRT, SERVER_PEM and CA_CRT
    #[arg(long, value_name = "FILE")]
    jma_receipt_conf: PathBuf,
    /// Where to listen [default: 0.0.0.0:8000 and [::]:8000]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// The application [default: http://127.0.0.1:8001]
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Allow an application on another machine, although the way there is not encrypted
    #[arg(long)]
    allow_clear_text_upstream: bool,
    /// A revocation list to enforce, DER or PEM; may be given once for each CA
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Days a revocation list still counts after its next update was due
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    crl_grace_days: u16,
    /// Accept TLS 1.2 as well as 1.3
    #[arg(long)]
    tls12: bool,
    /// Handshakes one address may begin in a second, in the long run
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().handshakes_per_second)]
    handshakes_per_second: u32,
    /// The form of log lines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Refusal> {
    logging::start(arguments.log_format);
    if let Err(error) = crate::hardening::forbid_memory_dumps() {
        tracing::warn!(%error, "memory dumps of this process could not be forbidden");
    }
    let mut settings =
        jma_receipt::load(&arguments.jma_receipt_conf)?.with_grace_days(arguments.crl_grace_days);
    if let Some(address) = &arguments.listen {
        settings = settings.with_listen(address)?;
    }
    if let Some(url) = &arguments.upstream {
        settings = settings.with_upstream(url, arguments.allow_clear_text_upstream)?;
    }
    for list in arguments.crl {
        settings = settings.with_revocation_list(list);
    }
    settings = settings.with_limits(Limits {
        handshakes_per_second: arguments.handshakes_per_second,
        handshake_burst: arguments.handshakes_per_second.saturating_mul(4),
        ..Limits::default()
    });
    if arguments.tls12 {
        settings = settings.with_tls12();
    }
    let unavailable =
        |error: std::io::Error| Refusal::SignalsUnavailable { reason: error.to_string() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(unavailable)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        let gate = Gate::open(settings).await?;
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
