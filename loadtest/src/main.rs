//! # How much it bears
//!
//! Searches a running server from several connections at once, each asking again as soon as it is answered (a closed
//! loop), and prints how many answers came a second and how long they took. A caller like any other: it needs the
//! client, not the server's code.
//!
//! The same seed sends the same searches in the same order on each connection.

mod origins;
mod run;

use std::{io::Write, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{origins::Origins, run::Report};

/// Search a running Nearby server from several connections at once and say how fast it answered
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Address of the server
    #[arg(long, default_value = "http://127.0.0.1:50051", value_name = "URL")]
    server: String,

    /// Centre of the searches, in decimal degrees of WGS-84
    #[arg(long, default_value = "60.1719,24.9414", value_name = "LAT,LON", allow_hyphen_values = true)]
    around: Origins,

    /// Radius of each search in metres
    #[arg(long, default_value_t = 5_000.0, value_name = "METRES")]
    radius: f64,

    /// Results a search
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    results: i32,

    /// Connections that search at the same time
    #[arg(long, default_value_t = 8, value_name = "NUMBER")]
    connections: usize,

    /// How long to search, in seconds
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    seconds: u64,

    /// Seed of the origins
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let plan = run::Plan {
        server: args.server,
        origins: args.around,
        radius_m: args.radius,
        results: args.results,
        connections: args.connections,
        length: Duration::from_secs(args.seconds),
        seed: args.seed,
    };
    match run::run(&plan).await {
        Ok(report) => finish(&report),
        Err(error) => {
            say(&mut std::io::stderr(), &format!("nearby-loadtest: {error}\n"));
            // EX_UNAVAILABLE of sysexits.h.
            ExitCode::from(69)
        }
    }
}

/// A run with failed searches fails.
fn finish(report: &Report) -> ExitCode {
    say(&mut std::io::stdout(), &report.to_string());
    if report.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(to: &mut impl Write, text: &str) {
    // Nobody left to tell is no reason to fail.
    drop(to.write_all(text.as_bytes()));
}
