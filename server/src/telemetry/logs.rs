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
    /// Log level (error, warn, info, debug, trace) or a filter such as info,nearby=debug, where nearby stands for the crates of this program [default: info for serve, warn
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

/// The crates of this program, which `nearby` in a filter stands for.
const OWN_CRATES: [&str; 5] =
    ["nearby_server", "nearby_index", "nearby_store", "nearby_client", "nearby_proto"];
/// Crates that the server depends on and that log.
const OTHER_CRATES: [&str; 15] = [
    "axum",
    "h2",
    "hyper",
    "hyper_util",
    "mio",
    "opentelemetry",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "rustls",
    "sled",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tonic",
    "tower",
];

/// Parses a filter, each part of which must name a level. The library takes a single unknown word for the name of a module, so that
/// a misspelt level would turn logging off, and accepts modules of crates that do not exist.
fn parse_filter(filter: &str) -> Result<EnvFilter, String> {
    let parts: Vec<String> = filter.split(',').map(|part| part_of_own_crates(part.trim())).collect();
    let filter = parts.join(",");
    for part in filter.split(',') {
        if part.is_empty() || !part.contains(['=', '[', ']']) && part.parse::<LevelFilter>().is_err() {
            return Err(format!(
                "`{part}` is not a level; use error, warn, info, debug, trace or off, and MODULE=LEVEL for one module"
            ));
        }
        let module = part.split(['=', '[']).next().unwrap_or_default();
        let name = module.split("::").next().unwrap_or_default();
        let has_module = part.contains(['=', '[']) && !name.is_empty();
        if has_module && !OWN_CRATES.iter().chain(&OTHER_CRATES).any(|known| *known == name) {
            let known = OTHER_CRATES.join(", ");
            return Err(format!(
                "`{name}` is no crate of this program that logs; use nearby for its own, or one of {known}"
            ));
        }
    }
    filter.parse().map_err(|error: ParseError| error.to_string())
}

/// Replaces `nearby=LEVEL` by a part for each crate of this program.
fn part_of_own_crates(part: &str) -> String {
    match part.strip_prefix("nearby=") {
        Some(level) => OWN_CRATES.map(|name| format!("{name}={level}")).join(","),
        None => part.to_owned(),
    }
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

    #[test]
    fn a_filter_names_crates_of_this_program() {
        for invalid in ["nearbi=debug", "info,nearby_sever::grpc=trace", "serde[call]=trace"] {
            assert!(parse_filter(invalid).unwrap_err().contains("no crate of this program"), "{invalid}");
        }
        for valid in
            ["nearby_server::grpc=debug", "warn,h2=info,tonic::transport=debug", "nearby_store[commit]=trace"]
        {
            assert!(parse_filter(valid).is_ok(), "{valid}");
        }
        let filter = parse_filter("warn,nearby=debug").unwrap().to_string();
        for name in OWN_CRATES {
            assert!(filter.contains(&format!("{name}=debug")), "{filter}");
        }
        let lock = include_str!("../../../Cargo.lock");
        for name in OTHER_CRATES {
            let package = [name.replace('_', "-"), name.to_owned()];
            let is_locked = package.iter().any(|name| lock.contains(&format!("name = \"{name}\"\n")));
            assert!(is_locked, "{name}");
        }
    }
}
