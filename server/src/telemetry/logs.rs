//! Logs: human-readable on a terminal, JSON otherwise. They never contain a user's coordinates.

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

/// Help heading of the options that every command has.
pub(crate) const GLOBAL_OPTIONS: &str = "Global options";

/// Options of logging.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Log level (error, warn, info, debug, trace) or a filter such as info,nearby_server=debug [default: info for serve, warn
    /// otherwise]. For serve, the key log of its settings file is an alternative
    #[arg(long, env = "NEARBY_LOG", value_name = "FILTER", global = true, help_heading = GLOBAL_OPTIONS)]
    pub log: Option<String>,

    /// Log format; auto is text on a terminal and JSON otherwise
    #[arg(long, env = "NEARBY_LOG_FORMAT", value_name = "FORMAT", default_value = "auto", global = true, help_heading = GLOBAL_OPTIONS)]
    pub log_format: LogFormat,
}

/// Format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One human-readable line per event.
    Text,
    /// One JSON object per event.
    Json,
}

/// Changes the log filter while the process runs. Clones share it.
#[derive(Clone)]
pub struct LogControl {
    /// The filter of the flag or the environment variable.
    given: Option<String>,
    default: &'static str,
    set: Arc<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
    current: Arc<dyn Fn() -> String + Send + Sync>,
}

impl fmt::Debug for LogControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogControl({})", (self.current)())
    }
}

impl LogControl {
    /// Replaces the filter.
    ///
    /// # Errors
    /// The reason, when the filter is invalid.
    pub fn set(&self, filter: &str) -> Result<(), String> {
        (self.set)(parse_filter(filter)?).map_err(|error| error.to_string())
    }

    /// Sets the filter of the settings: that of the flag or the environment variable, else that of the settings file, else the
    /// default.
    ///
    /// # Errors
    /// The reason, when the filter is invalid.
    pub(crate) fn configure(&self, of_file: Option<&str>) -> Result<(), String> {
        self.set(self.given.as_deref().or(of_file).unwrap_or(self.default))
    }

    /// Returns the current filter.
    #[must_use]
    pub fn now(&self) -> String {
        (self.current)()
    }
}

/// Parses a filter, each part of which must name a level. The library takes a single unknown word for the name of a module, so that
/// a misspelt level would turn logging off.
fn parse_filter(filter: &str) -> Result<EnvFilter, String> {
    for part in filter.split(',').map(str::trim) {
        if part.is_empty() || !part.contains(['=', '[', ']']) && part.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "`{part}` is not a level; use error, warn, info, debug, trace or off, and MODULE=LEVEL for one module"
            ));
        }
    }
    filter.trim().parse().map_err(|error: ParseError| error.to_string())
}

/// Starts logging to standard error, with `default_filter` unless `args` has a filter.
///
/// # Errors
/// The reason, when the filter is invalid.
pub fn start(args: &LogArgs, default_filter: &'static str) -> Result<LogControl, String> {
    let filter = parse_filter(args.log.as_deref().unwrap_or(default_filter))?;
    let builder = lines().with_env_filter(filter).with_writer(io::stderr);
    let text = match args.log_format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // A further start in the same process, as in tests, has no effect.
    macro_rules! init {
        ($builder:expr) => {{
            let builder = $builder.with_filter_reloading();
            let (handle, current_handle) = (builder.reload_handle(), builder.reload_handle());
            drop(builder.finish().try_init());
            let current = move || current_handle.with_current(ToString::to_string).unwrap_or_default();
            LogControl {
                given: args.log.clone(),
                default: default_filter,
                set: Arc::new(move |filter| handle.reload(filter)),
                current: Arc::new(current),
            }
        }};
    }
    Ok(if text {
        init!(builder.with_target(false).with_ansi(io::stderr().is_terminal()))
    } else {
        init!(builder.json().flatten_event(true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_is_rejected_instead_of_turning_the_log_off() {
        for invalid in ["debgu", "", "info,debgu", "nearby_server"] {
            assert!(parse_filter(invalid).unwrap_err().contains("is not a level"), "{invalid}");
        }
        for valid in ["info", " WARN", "off", "info,nearby_server=debug", "warn,[call]=trace"] {
            assert!(parse_filter(valid).is_ok(), "{valid}");
        }
    }
}
