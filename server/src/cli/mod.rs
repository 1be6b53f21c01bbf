//! The command line: a client of the contract like any other. One file per subcommand.
//!
//! | module | contents |
//! |---|---|
//! | `serve`, `demo`, … | one subcommand each |
//! | `target` | the server that a command calls: a running one, or one on a closed store in this process |
//! | `filter`, `single_merchant`, `closed_store` | helpers that several subcommands share |
//! | `output_file` | files that commands write |
//! | `terminal`, `escape` | output: text, tables, progress; text of others is escaped |
//! | [`exit_code`] | errors and exit codes |

mod approve;
mod backup;
mod closed_store;
mod cluster;
mod compact;
mod delete;
mod demo;
mod escape;
pub mod exit_code;
mod export;
mod filter;
mod get;
mod hide;
mod hours;
mod import;
mod keys;
mod output_file;
mod put;
mod reject;
mod restore;
mod search;
mod serve;
mod show;
mod single_merchant;
mod status;
mod target;
mod terminal;
mod verify;
mod watch;

use std::{ffi::OsString, path::Path, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use self::exit_code::CliError;
use crate::{
    config,
    formats::FileFormat,
    telemetry::{self, LogArgs},
};

/// Finds the merchants near a point, nearest first, with exact distances on the WGS-84 ellipsoid
#[derive(Debug, Parser)]
#[command(name = "nearby", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    log: LogArgs,

    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  nearby demo                                   serve a sample of 1,042 places in Helsinki
  nearby serve --data-dir /var/lib/nearby       run a server
  nearby import shops.csv.gz                    load merchants into the running server
  nearby import shops.csv --data-dir DIR        load them into a closed store
  nearby search --at 60.1699,24.9384            search
  nearby backup /backups                        back up the running server

Exit codes are those of sysexits.h: 64 usage, 65 bad data, 66 no input,
69 server unavailable, 70 internal error, 73 cannot create a file,
74 input or output error, 75 temporary failure, 77 permission denied, 78 configuration.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server until SIGTERM or SIGINT
    Serve(Box<serve::ServeArgs>),
    /// Load merchants from a file (CSV, NDJSON or GeoJSON; plain, gzip or zstd)
    Import(import::ImportArgs),
    /// Write all merchants to a file (CSV, NDJSON or GeoJSON)
    Export(export::ExportArgs),
    /// List the merchants near a point, nearest first
    Search(search::SearchArgs),
    /// Print merchants as JSON
    Get(get::GetArgs),
    /// Create or replace merchants given as JSON
    Put(put::PutArgs),
    /// Hide a merchant from searches
    Hide(single_merchant::SingleMerchantArgs),
    /// Approve a merchant, so that searches return it; requires the role review
    Approve(single_merchant::SingleMerchantArgs),
    /// Reject a merchant, so that searches do not return it; requires the role review
    Reject(reject::RejectArgs),
    /// Make a hidden merchant visible
    Show(single_merchant::SingleMerchantArgs),
    /// Delete a merchant
    Delete(single_merchant::SingleMerchantArgs),
    /// Print changes of merchants as they are committed, of all or of those around a point, one per line, until Ctrl-C
    Watch(watch::WatchArgs),
    /// Back up a running server or a closed store
    Backup(backup::BackupArgs),
    /// Create a store from a backup
    Restore(restore::RestoreArgs),
    /// Verify a backup or a closed store, and list all damage
    Verify(verify::VerifyArgs),
    /// Rewrite the base and the snapshot file of a closed store and empty its journal
    Compact(compact::CompactArgs),
    /// List merchants without an expression whose displayed hours differ from the stored ones, and correct them
    Hours(hours::HoursArgs),
    /// Show the status of a running server
    Status(status::StatusArgs),
    /// Create, join, show and repair a cluster: several servers with the same merchants
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Manage API keys: add, list, revoke
    Keys(keys::KeysArgs),
    /// Serve a sample of real places and run a search
    Demo(demo::DemoArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Runs the binary `nearby` with its arguments, the first of which is its name.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    if let Some(message) = renamed_setting(&arguments) {
        return exit_code::of_error(&CliError::usage(message));
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(usage) => return exit_code::of_usage(&escaped_usage(&arguments).unwrap_or(usage)),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return exit_code::of_error(&error.into()),
    };
    let done = runtime.block_on(cli.run());
    // A thread that is still waiting for the disk must not delay the exit.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit_code::of_error(&error),
    }
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// The error, with its exit code.
    pub async fn run(self) -> Result<(), CliError> {
        let default_filter = if matches!(self.command, Command::Serve(_)) { "info" } else { "warn" };
        let log = telemetry::start(&self.log, default_filter)
            .map_err(|error| CliError::usage(format!("--log: {error}")))?;
        match self.command {
            Command::Serve(args) => serve::run(*args, log).await,
            Command::Import(args) => import::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Search(args) => search::run(args).await,
            Command::Get(args) => get::run(args).await,
            Command::Put(args) => put::run(args).await,
            Command::Hide(args) => hide::run(args).await,
            Command::Approve(args) => approve::run(args).await,
            Command::Reject(args) => reject::run(args).await,
            Command::Show(args) => show::run(args).await,
            Command::Delete(args) => delete::run(args).await,
            Command::Watch(args) => watch::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Restore(args) => restore::run(&args),
            Command::Verify(args) => verify::run(&args),
            Command::Compact(args) => compact::run(&args),
            Command::Hours(args) => hours::run(args).await,
            Command::Status(args) => status::run(args).await,
            Command::Cluster(command) => cluster::run(command).await,
            Command::Keys(args) => keys::run(args),
            Command::Demo(args) => demo::run(args).await,
            Command::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(shell, &mut Self::command(), "nearby", &mut script);
                Ok(terminal::out(String::from_utf8_lossy(&script))?)
            }
        }
    }
}

/// Returns the error for the arguments as they are displayed. The message quotes them, among them names of files that a shell has
/// expanded, and a line break in one would begin a new line of it.
fn escaped_usage(arguments: &[OsString]) -> Option<clap::Error> {
    let escaped = arguments.iter().map(|argument| escape::value(&argument.to_string_lossy()).into_owned());
    Cli::try_parse_from(escaped).err()
}

/// Returns the error message for a renamed flag of `serve` or `status`, or a renamed environment variable.
fn renamed_setting(arguments: &[OsString]) -> Option<String> {
    let is_command = |name: &str| arguments.iter().skip(1).any(|argument| argument == name);
    // `--salvage` is still an option of `nearby backup`.
    let flags = arguments.iter().filter(|_| is_command("serve") || is_command("status"));
    let variables = std::env::vars_os().map(|(name, _)| name);
    flags.cloned().chain(variables).find_map(|name| {
        let name = name.to_str()?;
        config::renamed(name.split_once('=').map_or(name, |(name, _)| name))
    })
}

/// Returns the given format, or the one that the file's name implies.
fn format_of(given: Option<FileFormat>, file: &Path) -> Result<FileFormat, CliError> {
    given.or_else(|| FileFormat::of_name(&file.to_string_lossy())).ok_or_else(|| {
        CliError::usage(
            "unknown format: the file's name has no known extension; set --format csv, ndjson or geojson",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
