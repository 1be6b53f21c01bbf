//! The commands.

mod attack;
mod auth;
mod dataset;
mod generate;
mod output;
mod prepare;

use std::{io, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

#[cfg(feature = "rivals")]
pub(crate) use self::generate::into_server;
use self::prepare::{Loaded, Options};
use crate::{
    cost,
    dataset::CityError,
    h2_client::TargetError,
    report::{Phase, Report, ReportError},
    runner::{Spacing, Stage, judge},
    sweep,
    workload::{READY, Scenario, ScenarioError},
};

/// Load a Nearby server and say how much it bears
#[derive(Debug, Parser)]
#[command(name = "nearby-loadtest", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 1 an answer was wrong or no call was answered well, 64 usage, 65 bad data, 69 server not there,
73 cannot write a file, 74 the run broke, 75 INVALID: the generator was not up to it, 78 the server has other merchants.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a world of merchants: to a file, or straight into a server
    Generate(generate::GenerateArgs),
    /// Run a scenario at a rate (open loop) or with so many callers (closed loop)
    Run(RunArgs),
    /// Find the peak, then offer 10 to 300 % of it, and see how it recovers
    Sweep(SweepArgs),
    /// The server's processor time for a call over that of an empty one; writes target/cost.json
    Cost(CostArgs),
    /// Be hostile to the server in many ways, and see how long it bears each and what others notice
    Abuse(attack::AbuseArgs),
    /// Put the reports of several generators together
    Merge(MergeArgs),
    /// List the scenarios that come with this
    Scenarios,
    /// The same questions to Nearby and to what people use today
    #[cfg(feature = "rivals")]
    Compare(crate::compare::CompareArgs),
}

#[derive(Args, Debug)]
struct RunArgs {
    #[command(flatten)]
    options: Options,

    /// A ready scenario or a file
    #[arg(long, default_value = "lunch-rush", value_name = "NAME|FILE")]
    scenario: String,

    /// Calls a second, whatever becomes of the answers; walkers have a rate of their own
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "callers")]
    rate: Option<f64>,

    /// Callers that call again as soon as they are answered
    #[arg(long, value_name = "NUMBER")]
    callers: Option<usize>,

    /// How calls are spaced
    #[arg(long, value_enum, default_value_t)]
    spacing: Spacing,

    /// How long, in seconds
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    seconds: f64,

    #[command(flatten)]
    outputs: Outputs,
}

#[derive(Args, Debug)]
struct SweepArgs {
    #[command(flatten)]
    options: Options,

    /// A ready scenario or a file
    #[arg(long, default_value = "lunch-rush", value_name = "NAME|FILE")]
    scenario: String,

    /// How calls are spaced
    #[arg(long, value_enum, default_value_t)]
    spacing: Spacing,

    /// How long each step is, in seconds
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    step: f64,

    /// Latency against offered load, as a figure
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    #[command(flatten)]
    outputs: Outputs,
}

#[derive(Args, Debug)]
struct CostArgs {
    #[command(flatten)]
    options: Options,

    /// How often each call is measured, in turns
    #[arg(long, default_value_t = 7, value_name = "NUMBER")]
    rounds: usize,

    /// How long each time, in seconds
    #[arg(long, default_value_t = 1.5, value_name = "SECONDS")]
    slice: f64,

    /// Callers at the same time
    #[arg(long, default_value_t = 32, value_name = "NUMBER")]
    callers: usize,

    /// Where the figures go
    #[arg(long, default_value = "target/cost.json", value_name = "FILE")]
    output: PathBuf,
}

#[derive(Args, Debug)]
struct MergeArgs {
    /// What each generator wrote
    #[arg(required = true, value_name = "REPORT.json")]
    reports: Vec<PathBuf>,

    #[command(flatten)]
    outputs: Outputs,
}

/// Where reports go.
#[derive(Args, Clone, Debug)]
struct Outputs {
    /// For programs, and for `merge`
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// For people: one page that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Why a command did not do what it was told.
#[derive(Debug, Error)]
pub enum Failure {
    /// The address is none, or what it needs cannot be had.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The world cannot be made.
    #[error(transparent)]
    Cities(#[from] CityError),
    /// There is no such scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A report cannot be read or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Nobody answers there.
    #[error("no server answers at {0}: {1}")]
    Unreachable(String, io::Error),
    /// The server has another world, or none.
    #[error(
        "the server does not hold the world of seed {seed} and {merchants} merchants: give the --seed and --merchants that it was loaded with, load it with `nearby-loadtest generate --seed {seed} --merchants {merchants} --server {server}`, or say --foreign to judge order and distances alone"
    )]
    OtherWorld {
        /// The seed.
        seed: u64,
        /// How many.
        merchants: u64,
        /// Where.
        server: String,
    },
    /// There is no such attack.
    #[error("there is no attack {0}, only {1}")]
    NoAttack(String, String),
    /// There is no such process.
    #[error("there is no process {0} on this machine that --server-pid could mean")]
    NoProcess(u32),
    /// The run broke, or a world could not be loaded.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// A file cannot be written.
    #[error("cannot write {path}: {reason}", path = .0.display(), reason = .1)]
    Output(PathBuf, io::Error),
    /// A value cannot be.
    #[error("{0}")]
    Usage(&'static str),
}

impl Failure {
    /// As of sysexits.h.
    fn code(&self) -> u8 {
        match self {
            Self::Target(_)
            | Self::Scenario(_)
            | Self::Usage(_)
            | Self::NoProcess(_)
            | Self::NoAttack(..) => USAGE,
            Self::Cities(_) | Self::Report(_) => 65,
            Self::Unreachable(..) => 69,
            Self::OtherWorld { .. } => 78,
            Self::Output(..) => 73,
            Self::Broken(_) => 74,
        }
    }
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(usage) => {
            // Nowhere to say it is no reason to fail.
            drop(usage.print());
            return if usage.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match act(&command) {
        Ok(code) => code,
        Err(failure) => {
            output::error(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn act(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Generate(args) => generate::generate(args),
        Command::Run(args) => args.options.runtime()?.block_on(until_told(run(args))),
        Command::Sweep(args) => args.options.runtime()?.block_on(until_told(run_sweep(args))),
        Command::Cost(args) => args.options.runtime()?.block_on(until_told(run_cost(args))),
        Command::Abuse(args) => args.options().runtime()?.block_on(until_told(attack::run(args))),
        Command::Merge(args) => {
            let reports =
                args.reports.iter().map(|path| Report::read(path)).collect::<Result<Vec<_>, _>>()?;
            args.outputs.try_out()?;
            finish_valid(&Report::merge(reports)?, &args.outputs, |_| true)
        }
        Command::Scenarios => {
            for (name, _) in READY {
                let scenario = Scenario::load(name)?;
                output::line(&format!("{:12} {}", scenario.name, scenario.summary));
            }
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "rivals")]
        Command::Compare(args) => crate::compare::compare(args),
    }
}

/// Does it until it is done, or until ^C or SIGTERM: a server of our own must not stay behind.
async fn until_told(work: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
        _ = terminate.recv() => Ok(ExitCode::from(143)),
    }
}

async fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let scenario = Scenario::load(&args.scenario)?;
    let length = seconds(args.seconds)?;
    args.outputs.try_out()?;
    let how = args.how(&scenario)?;
    let loaded = Loaded::prepare(&args.options, &scenario).await?;
    let driver = &loaded.driver;
    let mut records = match how {
        How::Open(rate) => {
            let stage = Stage::new("run", rate, length);
            driver.open(&[stage], args.spacing, args.options.requests_seed()).await?
        }
        How::Closed(callers) => vec![driver.closed("run", callers, length).await?],
    };
    let mut phases = Vec::new();
    for record in &mut records {
        judge(record, loaded.oracle.as_ref()).await;
        phases.push(Phase::of(record));
    }
    loaded.live.finish();
    finish_valid(
        &Report { subject: loaded.subject(&args.options), phases, sweep: None },
        &args.outputs,
        |_| true,
    )
}

enum How {
    Open(f64),
    Closed(usize),
}

impl RunArgs {
    fn how(&self, scenario: &Scenario) -> Result<How, Failure> {
        match (self.rate.or(scenario.own_rate_per_s()), self.callers) {
            (_, Some(callers)) => Ok(How::Closed(callers)),
            (Some(rate), None) if rate > 0.0 && rate.is_finite() => Ok(How::Open(rate)),
            (Some(_), None) => Err(Failure::Usage("--rate must be above 0")),
            (None, None) => {
                Err(Failure::Usage("say with --rate how many calls a second, or how many --callers"))
            }
        }
    }
}

/// As of sysexits.h: wrong usage.
const USAGE: u8 = 64;
/// As of sysexits.h: try again later, or from elsewhere.
const INVALID: u8 = 75;

async fn run_sweep(args: &SweepArgs) -> Result<ExitCode, Failure> {
    let scenario = Scenario::load(&args.scenario)?;
    let plan =
        sweep::Plan { step: seconds(args.step)?, spacing: args.spacing, seed: args.options.requests_seed() };
    args.outputs.try_out()?;
    args.svg.as_ref().map_or(Ok(()), try_out)?;
    let loaded = Loaded::prepare(&args.options, &scenario).await?;
    let (phases, found) = sweep::sweep(&loaded.driver, &plan, loaded.oracle.as_ref()).await?;
    loaded.live.finish();
    let report = Report { subject: loaded.subject(&args.options), phases, sweep: Some(found) };
    if let Some(path) = &args.svg {
        write(path, &crate::report::overview(&report))?;
    }
    // It goes on until the generator or the server gives way; but where half the peak could not be measured, nothing was.
    finish_valid(&report, &args.outputs, |phase| phase == "50 %")
}

async fn run_cost(args: &CostArgs) -> Result<ExitCode, Failure> {
    let plan = cost::Plan {
        rounds: args.rounds.max(1),
        slice: seconds(args.slice)?,
        callers: args.callers,
        seed: args.options.requests_seed(),
    };
    if args.options.is_process_unknown() {
        return Err(Failure::Usage("say with --server-pid which process of this machine the server is"));
    }
    if let Some(directory) = args.output.parent() {
        std::fs::create_dir_all(directory)?;
    }
    try_out(&args.output)?;
    let loaded = Loaded::prepare(&args.options, &Scenario::load("lunch-rush")?).await?;
    let costs = cost::costs(&loaded.driver, &loaded.world, loaded.oracle.as_ref(), plan).await?;
    loaded.live.finish();
    let json = serde_json::to_string_pretty(&costs).map_err(io::Error::other)?;
    write(&args.output, &json)?;
    output::line(&json);
    Ok(ExitCode::SUCCESS)
}

fn seconds(seconds: f64) -> Result<Duration, Failure> {
    let length = Duration::try_from_secs_f64(seconds).ok().filter(|length| !length.is_zero());
    length.ok_or(Failure::Usage("seconds must be above 0"))
}

/// Tells all; a run with a wrong answer fails, and one without any that was good.
fn finish(report: &Report, outputs: &Outputs) -> Result<ExitCode, Failure> {
    output::text(&crate::report::summary(report));
    if let Some(path) = &outputs.json {
        write(path, &serde_json::to_string(report).map_err(io::Error::other)?)?;
    }
    if let Some(path) = &outputs.html {
        write(path, &crate::report::html(report))?;
    }
    let is_failed = !report.is_right() || report.phases.iter().any(|phase| phase.good_share == 0.0);
    Ok(if is_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The same; a report that says nothing of the server is none. Which runs that hangs on is said by name.
fn finish_valid(
    report: &Report,
    outputs: &Outputs,
    hangs_on: impl Fn(&str) -> bool,
) -> Result<ExitCode, Failure> {
    let code = finish(report, outputs)?;
    let is_valid = !report.faults().any(|(phase, _)| hangs_on(phase));
    Ok(if report.is_right() && !is_valid { ExitCode::from(INVALID) } else { code })
}

impl Outputs {
    fn try_out(&self) -> Result<(), Failure> {
        [&self.json, &self.html].into_iter().flatten().try_for_each(try_out)
    }
}

/// Whether a file can be written: better known before a long run than after it.
fn try_out(path: &PathBuf) -> Result<(), Failure> {
    let tried = std::fs::OpenOptions::new().append(true).create(true).open(path);
    tried.map(drop).map_err(|error| Failure::Output(path.clone(), error))
}

fn write(path: &PathBuf, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::Output(path.clone(), error))
}
