//! `nearby serve`: runs a server.

use std::{
    collections::HashSet,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use clap::{Arg, Args, Command, CommandFactory};

use super::{Cli, closed_store::progress, exit_code::CliError};
use crate::{
    app::{
        ServerHandle,
        signals::{SignalAction, Signals},
    },
    config::{ConfigError, ServerArgs, Setting, log_filter_of},
    telemetry::{LogControl, panics},
};

#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    /// Settings file in TOML, with the names of the flags below as keys, such as data_dir = "…"; flags and environment variables
    /// take precedence
    #[arg(long, env = "NEARBY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: ServeArgs, log: LogControl) -> Result<(), CliError> {
    let settings = args.server.settings(args.config.as_deref())?;
    configure_log(&log, settings.log.as_deref())?;
    panics::watch();
    for name in unknown_variables(&Cli::command(), std::env::vars_os()) {
        tracing::warn!(name, "unknown environment variable; see nearby serve --help");
    }
    let mut signals = Signals::listen()?;
    let server = tokio::select! {
        started = ServerHandle::start(&settings, progress(), Some(log.clone())) => started?,
        signal = signals.stop() => {
            tracing::info!(signal, "stopping while loading");
            return Ok(());
        }
    };
    let signal = loop {
        match signals.received().await {
            SignalAction::Stop { signal } => break signal,
            SignalAction::Reload => {
                tracing::info!("SIGHUP: reloading certificates, keys and the log filter");
                server.reload();
                if let Err(error) = reload_log(&log, args.config.as_deref()) {
                    tracing::error!(%error, "cannot reload the log filter; keeping the current one");
                }
            }
        }
    };
    stop(server, signal).await
}

fn configure_log(log: &LogControl, of_file: Option<&str>) -> Result<(), ConfigError> {
    log.configure(of_file).map_err(|reason| ConfigError::Invalid { setting: Setting("log"), reason })
}

/// Sets the log filter of the settings file as it is now, unless the command line or the environment sets one.
fn reload_log(log: &LogControl, config: Option<&Path>) -> Result<(), ConfigError> {
    configure_log(log, config.map(log_filter_of).transpose()?.flatten().as_deref())
}

/// Returns the variables that look like settings but are none, most likely misspelt ones. Variables that Kubernetes sets for a
/// service named `nearby`, for its clients, are excluded.
fn unknown_variables(cli: &Command, variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<String> {
    fn collect(command: &Command, names: &mut HashSet<OsString>) {
        names.extend(command.get_arguments().filter_map(Arg::get_env).map(OsStr::to_owned));
        command.get_subcommands().for_each(|command| collect(command, names));
    }
    let mut names = HashSet::new();
    collect(cli, &mut names);
    let is_set_by_kubernetes = |name: &str, value: &OsStr| {
        name.contains("_SERVICE_")
            || name.contains("_PORT_")
            || value.as_encoded_bytes().starts_with(b"tcp://")
    };
    let unknown = |(name, value): (OsString, OsString)| {
        let text = name.to_str().filter(|name| name.starts_with("NEARBY_"))?;
        (!names.contains(&name) && !is_set_by_kubernetes(text, &value)).then(|| text.to_owned())
    };
    variables.filter_map(unknown).collect()
}

/// Shuts down gracefully.
pub(super) async fn stop(server: ServerHandle, signal: &'static str) -> Result<(), CliError> {
    tracing::info!(signal, "stopping");
    server.stop().await?;
    tracing::info!("stopped");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_found_and_those_of_kubernetes_ignored() {
        let variables = [
            ("NEARBY_DATADIR", "/srv"),
            ("NEARBY_DATA_DIR", "/srv"),
            ("NEARBY_LOG", "info"),
            ("NEARBY_API_KEY_FILE", "key"),
            ("NEARBY_PORT", "50051"),
            ("NEARBY_WEB_PORT", "tcp://10.0.0.1:80"),
            ("NEARBY_SERVICE_HOST", "10.0.0.1"),
            ("NEARBY_PORT_50051_TCP_ADDR", "10.0.0.1"),
            ("PATH", "/bin"),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        assert_eq!(unknown_variables(&Cli::command(), variables), ["NEARBY_DATADIR", "NEARBY_PORT"]);
    }
}
