//! `watchers`: writes beside few and many watches.

use std::{ffi::OsStr, io, path::PathBuf, process::ExitCode};

use clap::Args;

use super::{output, report_files::write, seconds};
use crate::{
    error::Error,
    server::{CpuSplit, ServerProcess},
    watchers::{self, CONCERNED, Plan, Row},
};

#[derive(Args, Debug)]
pub(super) struct WatchersArgs {
    /// Numbers of watches elsewhere, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1000,20000", value_name = "NUMBER,…")]
    elsewhere: Vec<usize>,

    /// Writes per second (UpdateMerchant), each of which concerns one of 100 further watches
    #[arg(long, default_value_t = 2_000.0, value_name = "RATE")]
    writes_per_s: f64,

    /// Duration of each window in seconds
    #[arg(long, default_value_t = 20.0, value_name = "SECONDS")]
    seconds: f64,

    /// Number of interleaved windows of each number of watches
    #[arg(long, default_value_t = 3, value_name = "NUMBER")]
    rounds: u64,

    /// File for the figures as JSON
    #[arg(long, default_value = "target/watchers.json", value_name = "FILE")]
    json: PathBuf,
}

pub(super) async fn run(args: &WatchersArgs) -> Result<ExitCode, Error> {
    let length = seconds(args.seconds)?;
    if !(args.writes_per_s.is_finite() && args.writes_per_s >= 1.0) {
        return Err(Error::Usage("--writes-per-s must be at least 1"));
    }
    let split = CpuSplit::take().ok_or(Error::Usage("watchers needs two processors, and taskset"))?.single();
    let mut rows: Vec<Row> =
        args.elsewhere.iter().map(|elsewhere| Row { elsewhere: *elsewhere, windows: Vec::new() }).collect();
    for _ in 0..args.rounds {
        for row in &mut rows {
            let server = start(&split, row.elsewhere).await?;
            let plan = Plan { elsewhere: row.elsewhere, writes_per_s: args.writes_per_s, length };
            row.windows.push(watchers::measure(&server.url, server.pid(), plan).await?);
        }
    }
    output::text(&watchers::summary(&rows));
    write(&args.json, &serde_json::to_string_pretty(&rows).map_err(io::Error::other)?)?;
    Ok(if watchers::is_scalable(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts a server whose limits allow one client as many watches.
async fn start(split: &CpuSplit, elsewhere: usize) -> io::Result<ServerProcess> {
    let watchers = (elsewhere + CONCERNED).to_string();
    let limits = [
        ["--max-watchers", &watchers],
        ["--max-principal-fraction", "1"],
        ["--change-feed-reserve", "0"],
        ["--max-connections-per-ip", "10000"],
    ];
    ServerProcess::start_with(
        Some(split),
        limits.as_flattened().iter().map(OsStr::new).collect::<Vec<_>>().as_slice(),
    )
    .await
}
