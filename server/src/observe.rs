//! Logs: for people on a terminal, JSON otherwise. Never with a user's coordinates.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

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

/// Starts logging to standard error; `default_filter` is what to log where nothing was said.
///
/// # Errors
/// Where the filter cannot be understood.
pub fn start(args: &LogArgs, default_filter: &str) -> Result<(), ParseError> {
    let filter: EnvFilter = args.log.as_deref().unwrap_or(default_filter).parse()?;
    let subscriber = fmt().with_env_filter(filter).with_writer(io::stderr);
    let text = match args.log_format {
        LogFormat::Auto => io::stderr().is_terminal(),
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // A second start in one process, as in tests, keeps the first.
    drop(if text {
        subscriber.with_target(false).with_ansi(io::stderr().is_terminal()).try_init()
    } else {
        subscriber.json().flatten_event(true).try_init()
    });
    Ok(())
}
