//! The log.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::printable::PlainLines;
use vestibule_config::LogFormat;

/// Starts the log on stderr. What is logged before is lost; a second call changes nothing.
pub fn start(format: LogFormat, level: &str) {
    // `NO_COLOR` is heeded by the subscriber itself.
    let color = format == LogFormat::Text
        && stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        // A line that cannot be written is lost. Told so on stderr, which is the same full disk,
        // the library would panic, and the hook below with it: the end of the whole server.
        .log_internal_errors(false)
        // Whatever a field holds, such as an error with words of an identity provider in it.
        .with_writer(move || PlainLines::new(stderr(), color));
    let started = match format {
        LogFormat::Text => builder.with_ansi(color).with_target(false).try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init(),
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string);
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let cause = text.or_else(|| payload.downcast_ref::<&str>().copied());
            tracing::error!(place, cause, "a panic");
        }));
    }
}
