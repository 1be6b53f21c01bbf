//! # What it withstands
//!
//! `cargo crash {kill,power,fsync,disk-full,flip,model} --count N --seed S` does to a server what happens to servers, and compares
//! what is left with what was acknowledged. It ends with an error on any loss. The last line has the totals; each failure
//! says its case, which `--case` runs alone, and where its evidence is kept.
//!
//! | fault | what is done | what must hold |
//! |---|---|---|
//! | `kill` | SIGKILL at a random moment under load, or during a start | it starts again, with all that was acknowledged |
//! | `power` | images of the disk, cut at any operation and short of any unsynced one | each opens, the same |
//! | `fsync` | the n-th sync fails with EIO, for every n | nothing is acknowledged after it; searches go on |
//! | `disk-full` | no room left, then room again | a clear refusal, no loss, and changes again without a restart |
//! | `flip` | bits flipped, sectors zeroed, files cut | an error that says so, or exactly the right content |
//! | `model` | changes, checkpoints, stops, crashes, backups, restores in random sequences | the store holds what the model does |
//!
//! How the power goes off: the server runs under `shim.c`, which writes down every operation on files in one order. Sure is
//! what `fsync` or `fdatasync` of a file, or `fsync` of a directory for the names in it, has covered; `sync_file_range`
//! covers nothing. Of the rest an image has nothing, all, any subset, or any 512-byte sectors. A length may survive without
//! its bytes and reads as zeros then; names survive in order within a directory. That is harsher than ext4 or XFS, which
//! bind some of it together, and what POSIX and their manuals leave open. Each acknowledgement knows how long the trace was
//! when it came: an image that is cut there or later must have it.
//!
//! | file | what it is |
//! |---|---|
//! | `check` | opens a store; the only place that knows which |
//! | `child` | the server as a process; the only place that knows its flags |
//! | `load`, `model` | what is sent, and what must be there after it |
//! | `shim`, `trace`, `disk` | operations on files, and images of what a disk may hold |
//! | `kill`, `power`, `fsync`, `full`, `flip` | the faults |
//! | `sequences` | random sequences of everything, beside a model |
//! | `report` | what is said and kept |

mod check;
mod child;
mod disk;
mod flip;
mod fsync;
mod full;
mod kill;
mod load;
mod model;
mod power;
mod report;
mod sequences;
mod shim;
mod trace;

use std::{
    error::Error,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

/// Something, or why the harness itself cannot go on.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The hidden subcommand that is a server.
const SERVE: &str = "serve-child";
/// The hidden subcommand that opens stores.
const LOOK: &str = "look-child";

/// Do to a server what happens to servers, and see whether it loses anything
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    fault: Fault,
}

#[derive(Clone, Debug, clap::Args)]
struct Args {
    /// How many cases
    #[arg(long, default_value_t = 100)]
    count: u64,

    /// Seed of the cases
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Run this case alone
    #[arg(long)]
    case: Option<u64>,

    /// Directory to work in [default: /dev/shm where there is one]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Directory to keep evidence of failures in
    #[arg(long, value_name = "DIR", default_value = "target/crash")]
    keep: PathBuf,
}

impl Args {
    /// A fresh directory to work in.
    fn work(&self) -> Outcome<TempDir> {
        let shared = Path::new("/dev/shm");
        let builder = |place: &Path| tempfile::Builder::new().prefix("nearby-crash-").tempdir_in(place);
        Ok(match &self.dir {
            Some(place) => {
                std::fs::create_dir_all(place)?;
                builder(&place.canonicalize()?)?
            }
            None if shared.is_dir() => builder(shared)?,
            None => builder(&std::env::temp_dir().canonicalize()?)?,
        })
    }

    /// The cases to run.
    fn cases(&self) -> std::ops::Range<u64> {
        match self.case {
            Some(case) => case..case + 1,
            None => 0..self.count,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Fault {
    /// Kill the server under load and during starts
    Kill(kill::KillArgs),
    /// Turn the power off, by images of what a disk may hold then
    Power(power::PowerArgs),
    /// Let one sync after the other fail
    Fsync(fsync::FsyncArgs),
    /// Fill the disk, and make room again
    DiskFull(full::FullArgs),
    /// Damage a file of the store
    Flip(flip::FlipArgs),
    /// Let random sequences of everything happen to a store, beside a model
    Model(sequences::ModelArgs),
}

/// What is random about a case.
fn random_of(seed: u64, case: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd134_2543_de82_ef95),
    )
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = std::env::args().nth(1);
    let done = match first.as_deref() {
        Some(SERVE) => {
            arguments.next();
            return child::serve(arguments);
        }
        Some(LOOK) => check::serve().map(|()| ExitCode::SUCCESS),
        _ => run(Cli::parse()),
    };
    done.unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "crash: {error}"));
        ExitCode::from(70)
    })
}

fn run(cli: Cli) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match cli.fault {
            Fault::Kill(args) => kill::run(args).await,
            Fault::Power(args) => power::run(args).await,
            Fault::Fsync(args) => fsync::run(args).await,
            Fault::DiskFull(args) => full::run(args).await,
            Fault::Flip(args) => flip::run(args).await,
            Fault::Model(args) => sequences::run(&args),
        }
    })
}
