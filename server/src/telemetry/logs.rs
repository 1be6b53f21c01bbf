//! Logs: for people on a terminal, JSON otherwise. Never with a user's coordinates.

use std::{
    fmt,
    io::{self, IsTerminal},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use tracing_subscriber::{
    EnvFilter,
    filter::{LevelFilter, ParseError},
    fmt as lines, reload,
    util::SubscriberInitExt,
};

/// Heading of the flags that every command takes.
pub(crate) const EVERYWHERE: &str = "Everywhere";

/// How to log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// What to log: error, warn, info, debug, trace, or a filter such as info,nearby_server=debug [default: info for
    /// serve, warn otherwise]
    #[arg(long, env = "NEARBY_LOG", value_name = "FILTER", global = true, help_heading = EVERYWHERE)]
    pub log: Option<String>,

    /// Form of the log: auto is text on a terminal and JSON otherwise
    #[arg(long, env = "NEARBY_LOG_FORMAT", value_name = "FORMAT", default_value = "auto", global = true, help_heading = EVERYWHERE)]
    pub log_format: LogFormat,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One readable line an event.
    Text,
    /// One JSON object an event.
    Json,
}

/// Changes what is logged while the process runs; shared by its clones.
#[derive(Clone)]
pub struct LogControl {
    set: Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
    now: Arc<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for LogControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogControl({})", (self.now)())
    }
}

impl LogControl {
    /// Logs what a filter says from now on.
    ///
    /// # Errors
    /// Where the filter cannot be understood, which is told.
    pub fn set(&self, filter: &str) -> Result<(), String> {
        (self.set)(understood(filter)?).map_err(|error| error.to_string())
    }

    /// What is logged.
    #[must_use]
    pub fn now(&self) -> String {
        (self.now)()
    }
}

/// A filter, if each part of it names a level: a word alone is the name of a module to the library, so that a level that is
/// misspelt would turn the log off.
fn understood(filter: &str) -> Result<EnvFilter, String> {
    for part in filter.split(',').map(str::trim) {
        if part.is_empty() || !part.contains(['=', '[', ']']) && part.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "`{part}` is no level: error, warn, info, debug, trace or off; for a module alone, nearby_server=debug"
            ));
        }
    }
    filter.trim().parse().map_err(|error: ParseError| error.to_string())
}

/// Starts logging to standard error; `default_filter` is what to log where nothing was said.
///
/// # Errors
/// Where the filter cannot be understood.
pub fn start(args: &LogArgs, default_filter: &str) -> Result<LogControl, String> {
    let filter = understood(args.log.as_deref().unwrap_or(default_filter))?;
    let builder = lines().with_env_filter(filter).with_writer(io::stderr);
    let text = match args.log_format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // A second start in one process, as in tests, keeps the first.
    macro_rules! begin {
        ($builder:expr) => {{
            let builder = $builder.with_filter_reloading();
            let (handle, of_now) = (builder.reload_handle(), builder.reload_handle());
            drop(builder.finish().try_init());
            let now = move || of_now.with_current(ToString::to_string).unwrap_or_default();
            LogControl { set: Arc::new(move |filter| handle.reload(filter)), now: Arc::new(now) }
        }};
    }
    Ok(if text {
        begin!(builder.with_target(false).with_ansi(io::stderr().is_terminal()))
    } else {
        begin!(builder.json().flatten_event(true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_is_misspelt_does_not_turn_the_log_off() {
        for wrong in ["debgu", "", "info,debgu", "nearby_server"] {
            assert!(understood(wrong).unwrap_err().contains("is no level"), "{wrong}");
        }
        for right in ["info", " WARN", "off", "info,nearby_server=debug", "warn,[call]=trace"] {
            assert!(understood(right).is_ok(), "{right}");
        }
    }
}
