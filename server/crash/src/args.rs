//! Arguments that all faults share, and the random numbers of a case.

use std::{
    env, fs,
    io::Write,
    ops::Range,
    path::{Path, PathBuf},
};

use nearby_testkit::NearbyBinary;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tempfile::TempDir;

use crate::error::Result;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Number of cases
    #[arg(long, default_value_t = 100)]
    pub(crate) count: u64,

    /// Seed of the cases
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Run this case only
    #[arg(long)]
    pub(crate) case: Option<u64>,

    #[command(flatten)]
    pub(crate) paths: Paths,
}

/// Directories, and the executable to test.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Paths {
    /// Working directory [default: /dev/shm if it exists]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Directory for the evidence of failures
    #[arg(long, value_name = "DIR", default_value = "target/crash")]
    pub(crate) keep: PathBuf,

    /// `nearby` executable to test [default: the one beside this executable]
    #[arg(long, value_name = "PATH")]
    nearby: Option<PathBuf>,
}

impl Paths {
    /// Creates a temporary working directory.
    pub(crate) fn work_dir(&self) -> Result<TempDir> {
        let shared_memory = Path::new("/dev/shm");
        let create_in = |parent: &Path| tempfile::Builder::new().prefix("nearby-crash-").tempdir_in(parent);
        Ok(match &self.directory {
            Some(parent) => {
                fs::create_dir_all(parent)?;
                create_in(&parent.canonicalize()?)?
            }
            None if shared_memory.is_dir() => create_in(shared_memory)?,
            None => create_in(&env::temp_dir().canonicalize()?)?,
        })
    }

    /// Returns the path of the `nearby` executable to test, after printing which one it is.
    pub(crate) fn nearby(&self) -> Result<PathBuf> {
        let nearby = NearbyBinary::find(self.nearby.as_deref())?;
        writeln!(std::io::stderr(), "testing {}", nearby.description)?;
        Ok(nearby.path)
    }
}

impl Args {
    /// Returns the cases to run.
    pub(crate) fn cases(&self) -> Range<u64> {
        match self.case {
            Some(case) => case..case + 1,
            None => 0..self.count,
        }
    }
}

/// Returns the random number generator of a case. A case is the same whichever other cases run.
pub(crate) fn rng_of(seed: u64, case: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ case.wrapping_mul(0xd134_2543_de82_ef95),
    )
}
