//! `nearby compact`: rewrites a closed store.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use nearby_index::IndexWriter;
use nearby_store::{Contents, DurableStore, VerifyReport, disk_usage};

use super::{
    exit_code::CliError,
    store::{megabytes, progress, settings, summary},
    terminal,
};
use crate::app::startup;

#[derive(Args, Debug)]
pub(super) struct CompactArgs {
    /// Directory of a store that no server uses
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &CompactArgs) -> Result<(), CliError> {
    if !DurableStore::exists(&args.data_dir) {
        return Err(CliError::no_input(format!("there is no store in {}", args.data_dir.display())));
    }
    let before = disk_usage(&args.data_dir);
    let (mut store, loaded) = startup::open_store(&settings(Some(&args.data_dir))?, &progress())?;
    let index = IndexWriter::load(loaded.merchants, loaded.digest.watermarks.last);
    let snapshot = index.reader().snapshot();
    let content =
        Contents { snapshot: Arc::clone(&snapshot), deletions: loaded.deletions, requests: loaded.requests };
    store.compact(content)?;
    let (digest, merchants) = (loaded.digest, snapshot.len() as u64);
    let found = VerifyReport { digest, merchants, bytes: disk_usage(&args.data_dir), corruption: Vec::new() };
    terminal::err(format!("{}, where it had {} before\n", summary(&found), megabytes(before)));
    Ok(())
}
