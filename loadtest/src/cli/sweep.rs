//! `sweep`: the peak, latency below and beyond it, and the recovery.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    prepare::{PreparedRun, RunOptions},
    report_files::{ReportFiles, check_writable, write},
    seconds,
};
use crate::{
    error::Error,
    report::{Report, overview},
    runner::Spacing,
    sweep,
    workload::Scenario,
};

#[derive(Args, Debug)]
pub(super) struct SweepArgs {
    #[command(flatten)]
    pub(super) options: RunOptions,

    /// Built-in scenario or file
    #[arg(long, default_value = "lunch-rush", value_name = "NAME|FILE")]
    scenario: String,

    /// Distribution of the gaps between calls
    #[arg(long, value_enum, default_value_t)]
    spacing: Spacing,

    /// Duration of each step in seconds
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    step: f64,

    /// Figure of latency against offered load
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    files: ReportFiles,
}

pub(super) async fn run(args: &SweepArgs) -> Result<ExitCode, Error> {
    let scenario = Scenario::load(&args.scenario)?;
    let plan =
        sweep::Plan { step: seconds(args.step)?, spacing: args.spacing, seed: args.options.requests_seed() };
    args.files.check_writable()?;
    args.svg.as_ref().map_or(Ok(()), check_writable)?;
    let prepared = PreparedRun::prepare(&args.options, &scenario).await?;
    let (phases, found) = sweep::sweep(&prepared.runner, &plan, prepared.oracle.as_ref()).await?;
    prepared.progress.finish();
    let report = Report { setup: prepared.setup(&args.options), phases, sweep: Some(found) };
    if let Some(path) = &args.svg {
        write(path, &overview(&report))?;
    }
    // A sweep loads until the generator or the server saturates, so high rates may be invalid. Half the peak must be valid:
    // the other figures are relative to it.
    args.files.finish(&report, |phase| phase == "50 %")
}
