//! The command line: a caller of the contract like any other.
//!
//! | module | what it is |
//! |---|---|
//! | `target` | a running server, or a closed store that is served within the process |
//! | `serve`, `demo` | servers |
//! | `search`, `merchants` | questions and single changes |
//! | `watch` | changes as they are made |
//! | `import`, `export` | files |
//! | `care` | backups, and whether what is stored is sound |
//! | `status` | how a server is, as its metrics say |
//! | `keys` | API keys |
//! | `filter` | which merchants a command means |
//! | `terminal`, [`exit`] | what people see, and what scripts see |

mod care;
mod demo;
pub mod exit_code;
mod export;
mod filter;
mod import;
mod keys;
mod merchants;
mod search;
mod serve;
mod status;
mod target;
mod terminal;
mod watch;

use std::{ffi::OsString, path::Path, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use self::exit_code::CliError;
use crate::{
    formats::FileFormat,
    telemetry::{self, LogArgs},
};

/// Which merchants are near? Nearest first, exact on the ellipsoid, and nothing but distance decides.
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
  nearby demo                                   try it on a thousand real places in Helsinki
  nearby serve --data-dir /var/lib/nearby       run a server
  nearby import shops.csv.gz                    load merchants into the running server
  nearby import shops.csv --data-dir DIR        load them into a store that no server uses
  nearby search --at 60.1699,24.9384            ask it
  nearby backup /backups                        take a backup of it while it runs

Exit codes are those of sysexits.h: 64 usage, 65 bad data, 66 no such input,
69 server not there, 70 fault of this program, 73 cannot create a file,
74 input or output failed, 75 try again later, 77 not allowed, 78 wrong settings.";

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
    /// Show merchants by id, as JSON
    Get(merchants::GetArgs),
    /// Store one or more merchants given as JSON, new or not
    Put(merchants::PutArgs),
    /// Let no search find a merchant, and keep it
    Hide(merchants::OneArgs),
    /// Let searches find a merchant that was hidden
    Show(merchants::OneArgs),
    /// Remove a merchant
    Delete(merchants::OneArgs),
    /// Print changes of merchants as they are made, one a line, until Ctrl-C
    Watch(watch::WatchArgs),
    /// Take a backup of a running server, or of a closed store
    Backup(care::BackupArgs),
    /// Make a store of a backup
    Restore(care::RestoreArgs),
    /// Look a backup or a closed store over, and say all that is wrong with it
    Verify(care::VerifyArgs),
    /// Write the base and the image of a closed store afresh and empty its journal, for a quick start
    Compact(care::CompactArgs),
    /// Say how a running server is, first what an operator wants first
    Status(status::StatusArgs),
    /// API keys: make them, list them, take them back
    Keys(keys::KeysArgs),
    /// Serve a sample of real merchants and show a search
    Demo(demo::DemoArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What the binary `nearby` does with its arguments, the first of which is its name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => return exit_code::of_usage(&usage),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit_code::of_error(&error.into()),
    };
    let done = runtime.block_on(cli.run());
    // A thread that still waits for the disk must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit_code::of_error(&error),
    }
}

impl Cli {
    /// Does what the command says.
    ///
    /// # Errors
    /// With what to tell the person and which code to exit with.
    pub async fn run(self) -> Result<(), CliError> {
        let default_filter = if matches!(self.command, Command::Serve(_)) { "info" } else { "warn" };
        let log = telemetry::start(&self.log, default_filter)
            .map_err(|error| CliError::usage(format!("--log: {error}")))?;
        match self.command {
            Command::Serve(args) => serve::run(*args, log).await,
            Command::Import(args) => import::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Search(args) => search::run(args).await,
            Command::Get(args) => merchants::get(args).await,
            Command::Put(args) => merchants::put(args).await,
            Command::Hide(args) => merchants::hide(args).await,
            Command::Show(args) => merchants::show(args).await,
            Command::Delete(args) => merchants::delete(args).await,
            Command::Watch(args) => watch::run(args).await,
            Command::Backup(args) => care::back_up(args).await,
            Command::Restore(args) => care::restore(&args),
            Command::Verify(args) => care::verify(&args),
            Command::Compact(args) => care::compact(&args),
            Command::Status(args) => status::run(args).await,
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

/// The form that was said, or else the one that a file's name tells.
fn form_of(said: Option<FileFormat>, file: &Path) -> Result<FileFormat, CliError> {
    said.or_else(|| FileFormat::of_name(&file.to_string_lossy())).ok_or_else(|| {
        CliError::usage("the file's name does not tell its form: say --format csv, ndjson or geojson")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
