//! `run`: one scenario, in an open or a closed loop.

use std::process::ExitCode;

use clap::Args;

use super::{
    prepare::{PreparedRun, RunOptions},
    report_files::ReportFiles,
    seconds,
};
use crate::{
    error::Error,
    report::{Phase, Report},
    runner::{Spacing, Stage, verify_samples},
    workload::Scenario,
};

#[derive(Args, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) options: RunOptions,

    /// Built-in scenario or file
    #[arg(long, default_value = "lunch-rush", value_name = "NAME|FILE")]
    scenario: String,

    /// Calls per second, sent regardless of responses (open loop); scenarios with walkers have a default rate
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "callers")]
    rate: Option<f64>,

    /// Number of callers, each of which sends its next call when the previous one is answered (closed loop)
    #[arg(long, value_name = "NUMBER")]
    callers: Option<usize>,

    /// Distribution of the gaps between calls
    #[arg(long, value_enum, default_value_t)]
    spacing: Spacing,

    /// Duration in seconds
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,

    #[command(flatten)]
    files: ReportFiles,
}

/// The pacing of a run.
enum LoadMode {
    /// Open loop at a rate per second.
    Open(f64),
    /// Closed loop with a number of callers.
    Closed(usize),
}

pub(super) async fn run(args: &RunArgs) -> Result<ExitCode, Error> {
    let scenario = Scenario::load(&args.scenario)?;
    let length = seconds(args.seconds)?;
    args.files.check_writable()?;
    let mode = args.load_mode(&scenario)?;
    let prepared = PreparedRun::prepare(&args.options, &scenario).await?;
    let runner = &prepared.runner;
    let mut records = match mode {
        LoadMode::Open(rate) => {
            let stage = Stage::new("run", rate, length);
            runner.run_open_loop(&[stage], args.spacing, args.options.requests_seed()).await?
        }
        LoadMode::Closed(callers) => vec![runner.run_closed_loop("run", callers, length).await?],
    };
    let mut phases = Vec::new();
    for record in &mut records {
        verify_samples(record, prepared.oracle.as_ref()).await;
        phases.push(Phase::of(record));
    }
    prepared.progress.finish();
    let report = Report { setup: prepared.setup(&args.options), phases, sweep: None };
    args.files.finish(&report, |_| true)
}

impl RunArgs {
    fn load_mode(&self, scenario: &Scenario) -> Result<LoadMode, Error> {
        match (self.rate.or(scenario.walker_rate_per_s()), self.callers) {
            (_, Some(callers)) => Ok(LoadMode::Closed(callers)),
            (Some(rate), None) if rate > 0.0 && rate.is_finite() => Ok(LoadMode::Open(rate)),
            (Some(_), None) => Err(Error::Usage("--rate must be above 0")),
            (None, None) => Err(Error::Usage("pass --rate (calls per second) or --callers")),
        }
    }
}
