//! The log on standard error, as text for people or as JSON for machines.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;
use crate::gate::WEBORCA;
use crate::ground::clock;

/// Starts the log of this process. A second call changes nothing.
pub(super) fn start(format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(Level::INFO)
        .with_ansi(false)
        // It would be told on standard error, whose failure is what failed: a panic.
        .log_internal_errors(false);
    // It fails only when a log was started before.
    let _ = match format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(builder.event_format(WebOrcaLines).finish())
        }
        LogFormat::Json => tracing::subscriber::set_global_default(
            builder.json().flatten_event(true).with_timer(MachineTime).finish(),
        ),
    };
}

/// `2023/09/07 12:56:10 Server Mode: HTTPS`, the form of the WebORCA log. Lines that are not in
/// its words carry their level when it is not INFO.
struct WebOrcaLines;

impl<S, N> FormatEvent<S, N> for WebOrcaLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "{} ", clock::now().weborca_log())?;
        let metadata = event.metadata();
        if metadata.target() != WEBORCA && *metadata.level() != Level::INFO {
            write!(writer, "{} ", metadata.level())?;
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// RFC 3339 in UTC.
struct MachineTime;

impl tracing_subscriber::fmt::time::FormatTime for MachineTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", clock::now().rfc3339())
    }
}
