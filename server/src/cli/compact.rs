//! `nearby compact`: rewrites a closed store.

use std::path::PathBuf;

use clap::Args;
use nearby_store::{VerifyReport, disk_usage};

use super::{
    closed_store::{contents_of, megabytes, progress, require_store, settings, summary},
    exit_code::CliError,
    terminal,
};
use crate::app::startup;

#[derive(Args, Debug)]
pub(super) struct CompactArgs {
    /// Directory of a closed store: no server may use it
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &CompactArgs) -> Result<(), CliError> {
    require_store(&args.data_dir)?;
    let before = disk_usage(&args.data_dir);
    let (mut store, recovered) = startup::open_store(&settings(Some(&args.data_dir))?, &progress())?;
    let (digest, contents) = (recovered.digest, contents_of(recovered));
    let merchants = contents.snapshot.len() as u64;
    store.compact(contents)?;
    let report = VerifyReport {
        digest,
        merchants,
        bytes: disk_usage(&args.data_dir),
        corruption: Vec::new(),
        skipped_base: false,
    };
    terminal::err(format!("{} (before: {})\n", summary(&report), megabytes(before)));
    Ok(())
}
