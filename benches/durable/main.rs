//! `cargo durable`: what the disk costs. How many changes a second are acknowledged, each on disk before its answer; how fast a
//! file of merchants becomes a store; how soon a server that starts again serves, beside Redis with the same merchants.
//!
//! `cargo durable [--merchants N] [PART…]` runs only some of puts, import, restart, redis. Servers and importers are this
//! same binary, run again as `nearby` is, on loopback; all they write lies in a directory of its own below `target`, which
//! has to be on a real disk and is removed at the end, as no process stays behind. Prints lines of a name, a figure and
//! its unit, and writes the figures to `target/durable.json`.
//!
//! Restarts of ours and of Redis take turns, so that a noisy neighbour slows both, and a figure is the median of the
//! turns. Files are in the system's cache at all of them: what is timed is a restart, not a cold machine.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the house: what it found and what failed shows here"
)]

mod error;
mod import;
mod merchants;
mod process;
mod puts;
mod redis;
mod report;
mod resp;
mod restart;
mod server;

use std::{env, fs, process::ExitCode, time::Duration};

use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

use self::{
    error::{Failed, Result, failed},
    merchants::Merchants,
    redis::Redis,
    report::Report,
    restart::Restarts,
};

/// The allocator of the server.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

/// How often ours and Redis start again in turns.
const TURNS: usize = 3;

/// Time what the disk costs
#[derive(Debug, Parser)]
#[command(name = "durable")]
struct Args {
    /// Merchants to import and to start again with
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    merchants: u32,

    /// What to time; everything where nothing is named
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Changes from 64 callers, each acknowledged on disk
    Puts,
    /// A file of merchants, from the command line to the store
    Import,
    /// Starts of a server on that store
    Restart,
    /// Starts of Redis with the same merchants
    Redis,
}

impl Args {
    fn asks(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|argument| argument == server::NEARBY) {
        return nearby_server::cli::main(env::args_os().skip(1));
    }
    let args = Args::parse();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report_failure(&failed("cannot start a runtime")(error)),
    };
    let done = runtime.block_on(async {
        // Whichever ends first, what the other holds is dropped: processes are ended and files removed.
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

fn report_failure(error: &Failed) -> ExitCode {
    eprintln!("durable: {error}");
    ExitCode::FAILURE
}

async fn interrupted() -> Result<()> {
    let listen = |kind| signal(kind).map_err(failed("cannot listen for signals"));
    let mut signals =
        [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?];
    let [interrupt, terminate, hangup] = &mut signals;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Err(Failed::new("interrupted"))
}

async fn run(args: &Args) -> Result<()> {
    let count = usize::try_from(args.merchants).map_err(failed("--merchants"))?;
    if args.asks(Part::Redis) {
        redis::version().await?;
    }
    fs::create_dir_all("target").map_err(failed("cannot make target"))?;
    let target = fs::canonicalize("target").map_err(failed("cannot find target"))?;
    // Declared first and so dropped last: nothing runs in it any more when it is removed.
    let place = tempfile::Builder::new()
        .prefix("durable-")
        .tempdir_in(&target)
        .map_err(failed("cannot make a directory below target"))?;
    let mut report = Report::new(target.join("durable.json"), count);
    if args.asks(Part::Puts) {
        puts::run(place.path(), &mut report).await?;
        report.save()?;
    }
    let needs_store = args.asks(Part::Import) || args.asks(Part::Restart);
    if needs_store || args.asks(Part::Redis) {
        let merchants = Merchants::new(count)?;
        if needs_store {
            import::run(place.path(), &merchants, &mut report).await?;
            report.save()?;
        }
        let ours = args.asks(Part::Restart).then(|| Restarts::of(place.path(), &merchants));
        let redis = if args.asks(Part::Redis) {
            Some(Redis::load(place.path(), &merchants, &mut report).await?)
        } else {
            None
        };
        take_turns(ours, redis, &mut report).await?;
        report.save()?;
    }
    place.close().map_err(failed("cannot remove what was written below target"))
}

async fn take_turns(
    mut ours: Option<Restarts<'_>>,
    mut redis: Option<Redis>,
    report: &mut Report,
) -> Result<()> {
    for turn in 1..=TURNS {
        if let Some(ours) = &mut ours {
            ours.turn(turn).await?;
        }
        if let Some(redis) = &mut redis {
            redis.turn().await?;
        }
    }
    if let Some(ours) = &ours {
        ours.add_to(report);
    }
    if let Some(redis) = &redis {
        redis.add_to(report);
    }
    if ours.is_some() && redis.is_some() {
        report.add_ratio("redis_restart_vs_ours", "redis_restart_s", "restart_snapshot_s");
        report.add_ratio("redis_restart_vs_our_scan", "redis_restart_s", "restart_scan_s");
        report.add_ratio("redis_restart_log_vs_ours", "redis_restart_log_s", "restart_snapshot_s");
        report.add_ratio("redis_restart_log_vs_our_scan", "redis_restart_log_s", "restart_scan_s");
    }
    Ok(())
}
