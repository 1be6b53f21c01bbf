//! # Fault injection
//!
//! `cargo crash {kill,power,fsync,disk-full,flip,model,cluster} --seed S` injects faults into real servers under load, and
//! compares what is left with what was acknowledged. Any loss is a failure, and the exit code is then 1. The last line of output
//! has the totals; each failure prints its case, which `--case` runs alone, and the directory with its evidence.
//!
//! | fault | injected | required |
//! |---|---|---|
//! | `kill` | SIGKILL at a random moment under load, or during a start | the server starts again, with every acknowledged change |
//! | `power` | disk images cut at any operation, without any subset of the unsynced ones | each image opens, with the same |
//! | `fsync` | the n-th sync fails with EIO, for every n | nothing is acknowledged once the journal or the health status has failed; searches continue |
//! | `disk-full` | no free space, then free space again | a clear rejection, no loss, and changes again without a restart |
//! | `flip` | flipped bits, zeroed sectors, truncated files | an error that names the damage, or exactly the right content |
//! | `model` | random sequences of changes, checkpoints, stops, crashes, backups and restores | the store holds what the model holds |
//! | `cluster` | faults of brokers, nodes, networks, disks and clocks | every acknowledged change at every node, once, and searches without failures |
//!
//! The model of a power cut: the server runs under `shim.c`, which records every file operation in one order. Durable is what
//! `fsync` or `fdatasync` of a file, or `fsync` of a directory for the names in it, has covered; `sync_file_range` covers nothing.
//! Of everything else an image has nothing, all, any subset, or any 512-byte sectors. A length may survive without its bytes and
//! reads as zeros then; names survive in order within a directory. This is harsher than ext4 or XFS, which order some of these
//! operations, and within what POSIX and their manuals allow. Each acknowledgement records how long the trace was when it arrived:
//! an image that is cut there or later must contain the change.
//!
//! | file | contents |
//! |---|---|
//! | `args` | arguments that all faults share |
//! | `server` | the server under test; the only file that knows its flags |
//! | `open_store` | opens a store in a separate process; with `model`, the only file that knows the store |
//! | `load`, `change`, `expected` | the changes that are sent, and what must be stored afterwards |
//! | `shim`, `trace`, `disk` | recording of file operations, and the disk images that they allow |
//! | `namespaces`, `small_disk` | permission to mount disks and to cut networks, and a disk that can be filled |
//! | `kill`, `power`, `fsync`, `disk_full`, `flip` | the faults |
//! | `model` | random sequences of store operations, compared with a model |
//! | `cluster` | faults of several nodes |
//! | `report` | output and evidence |

mod args;
mod change;
mod cluster;
mod disk;
mod disk_full;
mod error;
mod expected;
mod flip;
mod fsync;
mod kill;
mod load;
mod model;
mod namespaces;
mod open_store;
mod power;
mod report;
mod server;
mod shim;
mod small_disk;
mod trace;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Result;

/// The server's allocator, for the stores that `model` opens in this process.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

/// Inject faults into servers and check that no acknowledged change is lost
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    fault: Fault,
}

#[derive(Debug, Subcommand)]
enum Fault {
    /// Kill the server under load and during starts
    Kill(kill::KillArgs),
    /// Cut the power: check the disk images that a power cut may leave
    Power(power::PowerArgs),
    /// Fail one sync after the other
    Fsync(fsync::FsyncArgs),
    /// Fill the disk, then free space again
    DiskFull(disk_full::DiskFullArgs),
    /// Damage a file of the store
    Flip(flip::FlipArgs),
    /// Fail brokers, nodes, networks, disks and clocks of a cluster
    Cluster(cluster::ClusterArgs),
    /// Run random sequences of operations on a store and compare it with a model
    Model(model::ModelArgs),
}

/// Exit code for an internal error (`EX_SOFTWARE` of sysexits.h): the harness itself cannot continue.
const SOFTWARE: u8 = 70;

fn main() -> ExitCode {
    let result = match std::env::args().nth(1).as_deref() {
        Some(open_store::SUBCOMMAND) => open_store::serve().map(|()| ExitCode::SUCCESS),
        _ => run(Cli::parse()),
    };
    result.unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "crash: {error}"));
        ExitCode::from(SOFTWARE)
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match cli.fault {
            Fault::Kill(args) => until_stopped(kill::run(args)).await,
            Fault::Power(args) => power::run(args).await,
            Fault::Fsync(args) => fsync::run(args).await,
            Fault::DiskFull(args) => disk_full::run(args).await,
            Fault::Flip(args) => flip::run(args).await,
            Fault::Cluster(args) => until_stopped(cluster::run(args)).await,
            Fault::Model(args) => model::run(&args),
        }
    })
}

/// Runs a fault until it ends, or until a signal asks for it: dropping it kills the processes that it has started.
async fn until_stopped(fault: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        result = fault => result,
        _ = terminate.recv() => Err("stopped by SIGTERM".into()),
        _ = interrupt.recv() => Err("stopped by SIGINT".into()),
    }
}
