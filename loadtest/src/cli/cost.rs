//! `cost`: the server's CPU time per call.

use std::{io, path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    output,
    prepare::{PreparedRun, RunOptions},
    report_files::{check_writable, write},
    seconds,
};
use crate::{cost, error::Error, workload::Scenario};

#[derive(Args, Debug)]
pub(super) struct CostArgs {
    #[command(flatten)]
    pub(super) options: RunOptions,

    /// Number of interleaved measurements of each call
    #[arg(long, default_value_t = 7, value_name = "NUMBER")]
    rounds: usize,

    /// Duration of each measurement in seconds
    #[arg(long, default_value_t = 1.5, value_name = "SECONDS")]
    slice: f64,

    /// Number of concurrent callers; at most 8 for batches and streams
    #[arg(long, default_value_t = 32, value_name = "NUMBER")]
    callers: usize,

    /// File for the figures as JSON
    #[arg(long, default_value = "target/cost.json", value_name = "FILE")]
    output: PathBuf,
}

pub(super) async fn run(args: &CostArgs) -> Result<ExitCode, Error> {
    let plan = cost::Plan {
        rounds: args.rounds.max(1),
        slice: seconds(args.slice)?,
        callers: args.callers,
        seed: args.options.requests_seed(),
    };
    if args.options.is_process_unknown() {
        return Err(Error::Usage("pass the server's process on this machine with --server-pid"));
    }
    if let Some(directory) = args.output.parent() {
        std::fs::create_dir_all(directory)?;
    }
    check_writable(&args.output)?;
    let prepared = PreparedRun::prepare(&args.options, &Scenario::load("lunch-rush")?).await?;
    let costs = cost::costs(&prepared.runner, &prepared.dataset, prepared.oracle.as_ref(), plan).await?;
    prepared.progress.finish();
    let json = serde_json::to_string_pretty(&costs).map_err(io::Error::other)?;
    write(&args.output, &json)?;
    output::line(&json);
    Ok(ExitCode::SUCCESS)
}
