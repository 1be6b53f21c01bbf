//! The command line.
//!
//! | module | contents |
//! |---|---|
//! | `generate` `run` `sweep` `cost` `fairness` `watchers` `attack` `merge` | one subcommand each (`compare` is in `crate::compare`) |
//! | `prepare` | the server, its dataset and the connections, common to all commands that load a server |
//! | `dataset`, `auth` | options shared by several subcommands |
//! | `report_files`, `output` | report files, terminal output |

mod attack;
mod auth;
mod cost;
mod dataset;
mod fairness;
mod generate;
mod merge;
mod output;
mod prepare;
mod report_files;
mod run;
mod sweep;
mod watchers;

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    error::{Error, USAGE},
    workload::{BUILT_IN, Scenario},
};

/// Load testing for Nearby servers
#[derive(Debug, Parser)]
#[command(name = "nearby-loadtest", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 1 a response was wrong or no call succeeded, 64 usage, 65 invalid data, 69 server unreachable,
73 cannot write a file, 74 the run failed, 75 INVALID: the generator did not keep up, 78 the server holds another dataset.";

/// The error of `compare` in a build without the feature `rivals`.
#[cfg(not(feature = "rivals"))]
const WITHOUT_RIVALS: &str = "this executable was built without the clients of Redis, Tile38 and PostGIS: run `cargo run --release --package nearby-loadtest --features rivals -- compare`, or `loadtest/rivals.sh -- cargo run …` with the same arguments, which also starts the other systems";

#[derive(Debug, Subcommand)]
enum Command {
    /// Generate a dataset of merchants: to a file, or into a server
    Generate(generate::GenerateArgs),
    /// Run a scenario at a rate (open loop) or with a number of callers (closed loop)
    Run(run::RunArgs),
    /// Find the peak throughput, offer 10 to 300 % of it, and measure the recovery
    Sweep(sweep::SweepArgs),
    /// Measure the server's CPU time per call relative to a health check; writes target/cost.json
    Cost(cost::CostArgs),
    /// Measure a normal client beside noisy ones, each with an API key of its own; writes target/fairness.json
    Fairness(fairness::FairnessArgs),
    /// Measure the CPU time of writes beside few and many watches, and how soon watches are notified; writes target/watchers.json
    Watchers(watchers::WatchersArgs),
    /// Attack the server with hostile clients; measure how soon it ends each and the effect on other callers
    Attack(attack::AttackArgs),
    /// Merge the reports of several generators
    Merge(merge::MergeArgs),
    /// List the built-in scenarios
    Scenarios,
    /// Compare Nearby with Redis, Tile38 and PostGIS
    #[cfg(feature = "rivals")]
    Compare(crate::compare::CompareArgs),
    /// Compare Nearby with Redis, Tile38 and PostGIS (this executable was built without their clients)
    #[cfg(not(feature = "rivals"))]
    Compare {
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        _arguments: Vec<String>,
    },
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(usage) => {
            // A closed stderr is no reason to fail differently.
            drop(usage.print());
            return if usage.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match dispatch(&command) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(command: &Command) -> Result<ExitCode, Error> {
    match command {
        Command::Generate(args) => generate::generate(args),
        Command::Run(args) => args.options.runtime()?.block_on(until_signalled(run::run(args))),
        Command::Sweep(args) => args.options.runtime()?.block_on(until_signalled(sweep::run(args))),
        Command::Cost(args) => args.options.runtime()?.block_on(until_signalled(cost::run(args))),
        Command::Fairness(args) => runtime()?.block_on(until_signalled(fairness::run(args))),
        Command::Watchers(args) => runtime()?.block_on(until_signalled(watchers::run(args))),
        Command::Attack(args) => args.options().runtime()?.block_on(until_signalled(attack::run(args))),
        Command::Merge(args) => merge::merge(args),
        Command::Scenarios => {
            for (name, _) in BUILT_IN {
                let scenario = Scenario::load(name)?;
                output::line(&format!("{:12} {}", scenario.name, scenario.summary));
            }
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "rivals")]
        Command::Compare(args) => crate::compare::compare(args),
        #[cfg(not(feature = "rivals"))]
        Command::Compare { .. } => Err(Error::Usage(WITHOUT_RIVALS)),
    }
}

/// A runtime of one thread: a connection then writes once for all calls that are ready.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Runs a command until it ends or SIGINT or SIGTERM arrives. Dropping the command then ends the server that it started.
async fn until_signalled(command: impl Future<Output = Result<ExitCode, Error>>) -> Result<ExitCode, Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = command => done,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
        _ = terminate.recv() => Ok(ExitCode::from(143)),
    }
}

fn seconds(seconds: f64) -> Result<Duration, Error> {
    let length = Duration::try_from_secs_f64(seconds).ok().filter(|length| !length.is_zero());
    length.ok_or(Error::Usage("seconds must be above 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(feature = "rivals"))]
    fn compare_without_its_feature_names_the_command_that_has_it() {
        for arguments in [&["--rounds", "1"][..], &[]] {
            let line = ["nearby-loadtest", "compare"].iter().chain(arguments);
            let error = dispatch(&Cli::try_parse_from(line).unwrap().command).unwrap_err();
            assert_eq!(error.exit_code(), USAGE);
            assert!(error.to_string().contains("--features rivals -- compare"), "{error}");
        }
    }

    #[test]
    fn renamed_options_fail_and_name_their_successor() {
        for (option, successor) in [
            (&["--foreign"][..], "--unknown-dataset"),
            (&["--judge-one-in", "5"], "--verify-one-in"),
            (&["--judge-one-in=5"], "--verify-one-in"),
        ] {
            let line = ["nearby-loadtest", "run", "--rate", "1"].iter().chain(option);
            let error = Cli::try_parse_from(line).map(drop).unwrap_err().to_string();
            assert!(error.contains(successor), "{error}");
        }
    }
}
