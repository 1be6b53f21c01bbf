//! `fairness`: a normal client beside noisy ones.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use clap::Args;
use nearby_client::Access;
use nearby_testkit::NearbyBinary;

use super::{output, report_files::write, seconds};
use crate::{
    dataset::{Dataset, Source},
    error::Error,
    fairness::{self, Load, NOISY_CALLERS, NORMAL_DEADLINE, NoisyCaller, Row},
    h2_client::Target,
    import::import,
    runner::{Progress, Runner, Settings},
    server::{CpuSplit, ServerProcess},
    workload::{Kind, Operation, RequestGenerator, Scenario},
};

#[derive(Args, Debug)]
pub(super) struct FairnessArgs {
    /// Number of interleaved windows of each row
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    windows: u64,

    /// Duration of each window in seconds
    #[arg(long, default_value_t = 20.0, value_name = "SECONDS")]
    seconds: f64,

    /// Number of merchants in the dataset
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    merchants: u64,

    /// File for the figures as JSON
    #[arg(long, default_value = "target/fairness.json", value_name = "FILE")]
    output: PathBuf,

    /// Names of the noisy callers [default: all]
    #[arg(value_name = "NOISY_CALLER")]
    only: Vec<String>,

    /// URL of a server: only loads it, as this command starts itself
    #[arg(long, hide = true, requires = "noisy_key")]
    load: Option<String>,

    /// API key file of the noisy caller
    #[arg(long, hide = true)]
    noisy_key: Option<PathBuf>,
}

/// Time for which a noisy process runs if it is not ended before.
const MAX_LOAD: Duration = Duration::from_secs(3_600);
const SEED: u64 = 1;

impl FairnessArgs {
    fn dataset(&self) -> Result<Dataset, Error> {
        Ok(Dataset::new(SEED, self.merchants, &Source::BuiltIn)?)
    }

    fn noisy_callers(&self) -> Result<Vec<&'static NoisyCaller>, Error> {
        let names = || NOISY_CALLERS.iter().map(|noisy| noisy.name);
        if let Some(unknown) = self.only.iter().find(|only| !names().any(|name| name == only.as_str())) {
            return Err(Error::UnknownNoisyCaller(unknown.clone(), names().collect::<Vec<_>>().join(", ")));
        }
        let is_wanted =
            |noisy: &&NoisyCaller| self.only.is_empty() || self.only.iter().any(|only| only == noisy.name);
        Ok(NOISY_CALLERS.iter().filter(is_wanted).collect())
    }
}

pub(super) async fn run(args: &FairnessArgs) -> Result<ExitCode, Error> {
    let noisy_callers = args.noisy_callers()?;
    if let (Some(url), Some(key)) = (&args.load, &args.noisy_key) {
        let target = Target::new(url, NORMAL_DEADLINE)?.with_key_file(key)?;
        for noisy in noisy_callers {
            noisy.run(&target, &args.dataset()?, SEED, MAX_LOAD).await?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let length = seconds(args.seconds)?;
    let split = CpuSplit::take().ok_or(Error::Usage("fairness needs two processors, and taskset"))?.single();
    let processor = split.server.clone();
    let keys = Keys::create()?;
    let dataset = args.dataset()?;
    let server = ServerProcess::start_with(Some(&split), &["--keys".as_ref(), keys.file.as_os_str()]).await?;
    let access = Access::default().with_api_key(&keys.secret("import")?).map_err(io::Error::other)?;
    import(&dataset, &server.url, &access).await?;
    let normal = normal_client(&server, &dataset, &keys.path("normal")).await?;
    let mut rows = Vec::new();
    for noisy in noisy_callers {
        let mut row = Row { noisy: noisy.description.to_owned(), baseline: Vec::new(), beside: Vec::new() };
        for seed in 0..args.windows {
            let baseline = Load::busy_loop(&processor)?;
            row.baseline.push(fairness::window(&normal, baseline, length, seed).await?);
            let load = Load::this_program(&[
                "fairness".to_owned(),
                noisy.name.to_owned(),
                format!("--load={}", server.url),
                format!("--noisy-key={}", keys.path("noisy").display()),
                format!("--merchants={}", args.merchants),
            ])?;
            row.beside.push(fairness::window(&normal, load, length, seed).await?);
        }
        output::text(&fairness::summary(std::slice::from_ref(&row)));
        rows.push(row);
    }
    output::text(&fairness::summary(&rows));
    write(&args.output, &serde_json::to_string_pretty(&rows).map_err(io::Error::other)?)?;
    Ok(if rows.iter().all(Row::is_fair) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Connects the normal client, which sends plain searches on two connections.
async fn normal_client(server: &ServerProcess, dataset: &Dataset, key: &PathBuf) -> Result<Runner, Error> {
    let target = Target::new(&server.url, NORMAL_DEADLINE)?.with_key_file(key)?;
    let settings = Settings {
        target,
        connections: 2,
        streams: 100,
        retries: 0,
        server_pid: Some(server.pid()),
        threads: 1,
    };
    let scenario = Scenario::of(Operation::of(Kind::Search));
    let requests = RequestGenerator::new(dataset, &scenario, SEED + 1, 0);
    let unreachable = |error| Error::Unreachable(server.url.clone(), error);
    Runner::connect(settings, requests, Progress::on_terminal()).await.map_err(unreachable)
}

/// API keys of the importer and of both clients, without rate limits.
struct Keys {
    directory: tempfile::TempDir,
    file: PathBuf,
}

impl Keys {
    fn create() -> Result<Self, Error> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("keys.toml");
        let nearby = NearbyBinary::find(None)?.path;
        for (name, role) in [("import", "manage"), ("normal", "search"), ("noisy", "search")] {
            let output = Command::new(&nearby)
                .args(["keys", "add", name, "--role", role, "--keys"])
                .arg(&file)
                .output()?;
            if !output.status.success() {
                let message = String::from_utf8_lossy(&output.stderr).into_owned();
                return Err(Error::Io(io::Error::other(message)));
            }
            std::fs::write(directory.path().join(name), output.stdout)?;
        }
        Ok(Self { directory, file })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn secret(&self, name: &str) -> io::Result<String> {
        std::fs::read_to_string(Path::new(&self.path(name)))
    }
}
