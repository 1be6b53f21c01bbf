//! `cargo durable`: the cost of durability. Measures acknowledged changes per second, import throughput, and the time until a
//! restarted server is ready, next to Redis with the same merchants.
//!
//! `cargo durable [--merchants N] [--seconds S] [PART…]` runs only these parts of puts, import, restart, cluster, redis. The server and the importer are
//! the `nearby` executable beside this one, which is built if it is missing, or that of `--nearby PATH`, on loopback. All files are in a temporary directory below `target`, which must be on a real disk; it is removed at the end, and no
//! process stays behind. Prints one figure per line and writes all to `target/durable.json`.
//!
//! | part | compared with |
//! |---|---|
//! | `puts` | `fdatasync` of a plain file, the floor of a store that syncs each change |
//! | `cluster` | a single node, interleaved with a node of a cluster on three brokers; only if it is named |
//! | `restart` | `redis`: the start of an in-memory store that loads the same merchants from its log |
//!
//! The part `redis` requires `redis-server` and the feature `rivals`. Starts of both are timed in interleaved rounds, so that other
//! load on the machine affects both; figures are medians. Files are in the page cache: a restart is timed, not a cold boot.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a development tool: figures go to stdout, failures to stderr"
)]

mod brokers;
mod cluster;
mod error;
mod import;
mod merchants;
mod process;
mod puts;
#[cfg(feature = "rivals")]
mod redis;
mod report;
mod restart;
mod server;

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use self::{
    error::{Error, Result, context},
    merchants::Merchants,
    redis::Redis,
    report::Report,
    restart::Restarts,
    server::Nearby,
};

/// The server's allocator, so that the clients take little of the CPU time that they share with the server.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

/// Number of interleaved rounds of starts.
const ROUNDS: usize = 3;

/// Measure the cost of durability
#[derive(Debug, Parser)]
#[command(name = "durable")]
struct Args {
    /// Merchants to import and to restart with
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    merchants: u32,

    /// Duration of each of the five rounds of puts
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    seconds: f64,

    /// `nearby` executable [default: the one beside this executable]
    #[arg(long, value_name = "PATH")]
    nearby: Option<PathBuf>,

    /// `nats-server` executable of the part cluster [default: the one that server/cluster/tests/run.sh installs]
    #[arg(long, value_name = "PATH")]
    nats_server: Option<PathBuf>,

    /// Parts to run [default: all but cluster; redis only if built with the feature rivals]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Changes of 64 clients, each acknowledged once it is on disk
    Puts,
    /// Import of a file of merchants
    Import,
    /// Starts of a server on the imported store
    Restart,
    /// Changes, batches and imports of a node of a cluster on three brokers, next to a single node
    Cluster,
    /// Starts of Redis with the same merchants (feature rivals)
    Redis,
}

impl Args {
    fn includes(&self, part: Part) -> bool {
        let is_default = part != Part::Cluster && (part != Part::Redis || cfg!(feature = "rivals"));
        self.parts.contains(&part) || (self.parts.is_empty() && is_default)
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report_failure(&context("cannot start a runtime")(error)),
    };
    let done = runtime.block_on(async {
        // Whichever ends first, the other is dropped: its processes are killed and its files removed.
        tokio::select! {
            done = run(&args) => done,
            stopped = interrupted() => stopped,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report_failure(&error),
    }
}

fn report_failure(error: &Error) -> ExitCode {
    eprintln!("durable: {error}");
    ExitCode::FAILURE
}

async fn interrupted() -> Result<()> {
    let listen = |kind| signal(kind).map_err(context("cannot listen for signals"));
    let mut signals =
        [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
    let [interrupt, terminate, hangup] = &mut signals;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Err(Error::new("interrupted"))
}

async fn run(args: &Args) -> Result<()> {
    let count = usize::try_from(args.merchants).map_err(context("--merchants"))?;
    let round = Duration::try_from_secs_f64(args.seconds).map_err(context("--seconds"))?;
    let executable = Nearby::find(args.nearby.as_deref())?;
    if args.includes(Part::Redis) {
        redis::version().await?;
    }
    fs::create_dir_all("target").map_err(context("cannot create target"))?;
    let target = fs::canonicalize("target").map_err(context("cannot find target"))?;
    // Declared first and so dropped last: no process uses the directory when it is removed.
    let directory = tempfile::Builder::new()
        .prefix("durable-")
        .tempdir_in(&target)
        .map_err(context("cannot create a directory below target"))?;
    let mut report = Report::new(target.join("durable.json"), count);
    if args.includes(Part::Puts) {
        puts::run(&executable, directory.path(), round, &mut report).await?;
        report.save()?;
    }
    if args.includes(Part::Cluster) {
        let nats_server = args.nats_server.as_deref();
        cluster::run(&executable, nats_server, directory.path(), round, &mut report).await?;
        report.save()?;
    }
    let needs_store = args.includes(Part::Import) || args.includes(Part::Restart);
    if needs_store || args.includes(Part::Redis) {
        let merchants = Merchants::new(count)?;
        if needs_store {
            import::run(&executable, directory.path(), &merchants, &mut report).await?;
            report.save()?;
        }
        let nearby =
            args.includes(Part::Restart).then(|| Restarts::of(&executable, directory.path(), &merchants));
        let redis = if args.includes(Part::Redis) {
            Some(Redis::load(directory.path(), &merchants, &mut report).await?)
        } else {
            None
        };
        run_rounds(nearby, redis, &mut report).await?;
        report.save()?;
    }
    directory.close().map_err(context("cannot remove the files below target"))
}

/// Times starts of Nearby and Redis in interleaved rounds.
async fn run_rounds(
    mut nearby: Option<Restarts<'_>>,
    mut redis: Option<Redis>,
    report: &mut Report,
) -> Result<()> {
    for round in 1..=ROUNDS {
        if let Some(nearby) = &mut nearby {
            nearby.round(round).await?;
        }
        if let Some(redis) = &mut redis {
            redis.round().await?;
        }
    }
    if let Some(nearby) = &nearby {
        nearby.add_to(report);
    }
    if let Some(redis) = &redis {
        redis.add_to(report);
    }
    if nearby.is_some() && redis.is_some() {
        report.add_ratio("redis_restart_vs_ours", "redis_restart_s", "restart_snapshot_s");
        report.add_ratio("redis_restart_vs_our_scan", "redis_restart_s", "restart_scan_s");
        report.add_ratio("redis_restart_log_vs_ours", "redis_restart_log_s", "restart_snapshot_s");
        report.add_ratio("redis_restart_log_vs_our_scan", "redis_restart_log_s", "restart_scan_s");
    }
    Ok(())
}

/// The part `redis` of a build without its client library: it cannot be run, and says how to build it.
#[cfg(not(feature = "rivals"))]
mod redis {
    use std::path::Path;

    use crate::{
        error::{Error, Result},
        merchants::Merchants,
        report::Report,
    };

    const MISSING: &str = "built without Redis: run `cargo run --release --package nearby-benches --features rivals --bin durable -- restart redis`";

    /// Never constructed.
    pub(crate) enum Redis {}

    pub(crate) async fn version() -> Result<()> {
        Err(Error::new(MISSING))
    }

    impl Redis {
        pub(crate) async fn load(_: &Path, _: &Merchants, _: &mut Report) -> Result<Self> {
            Err(Error::new(MISSING))
        }

        pub(crate) async fn round(&mut self) -> Result<()> {
            match *self {}
        }

        pub(crate) fn add_to(&self, _: &mut Report) {
            match *self {}
        }
    }
}
