//! Helpers of the commands that open a closed store: settings, progress, summary.

use std::path::{Path, PathBuf};

use clap::Args;
use nearby_index::IndexWriter;
use nearby_store::{Contents, DurableStore, RecoveredState, VerifyReport, check_directory};

use super::{exit_code::CliError, terminal};
use crate::{
    app::Progress,
    config::{ServerArgs, Settings},
};

/// The option for a closed store on a read-only file system.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ScratchArgs {
    /// Directory for a temporary copy of the base, if the store is on a read-only file system and neither its snapshot file nor its
    /// journal have all records [default: NEARBY_SCRATCH]
    #[arg(long, value_name = "DIR")]
    pub(super) scratch: Option<PathBuf>,
}

/// Returns the settings from the environment, for a store in `data_dir`.
pub(super) fn settings(data_dir: Option<&Path>) -> Result<Settings, CliError> {
    let given = ServerArgs::from_environment().map_err(|error| CliError::usage(error.to_string()))?;
    let data_dir = data_dir.map(Path::to_owned).or(given.data_dir.clone());
    Ok(ServerArgs { data_dir, ..given }.settings(None)?)
}

/// Checks that a directory holds a store.
pub(super) fn require_store(data_dir: &Path) -> Result<(), CliError> {
    if is_store(data_dir)? {
        return Ok(());
    }
    Err(CliError::no_input(format!("no store in {}", data_dir.display())))
}

/// Returns true if a directory holds a store. Fails if the path cannot be a directory.
pub(super) fn is_store(data_dir: &Path) -> Result<bool, CliError> {
    check_directory(data_dir)?;
    Ok(DurableStore::exists(data_dir))
}

/// Returns the contents of a store that was opened.
pub(super) fn contents_of(state: RecoveredState) -> Contents {
    let index = IndexWriter::load(state.merchants, state.digest.watermarks.last);
    Contents { snapshot: index.reader().snapshot(), deletions: state.deletions, requests: state.requests }
}

/// Reports progress as a bar on a terminal, as log lines elsewhere.
pub(super) fn progress() -> Progress {
    let Some(bar) = terminal::records_bar() else { return Progress::to_log() };
    Progress::to(move |records, total| {
        if total > 0 {
            bar.set_length(total);
        }
        bar.set_position(records);
        if total > 0 && records >= total {
            bar.finish_and_clear();
        }
    })
}

pub(super) fn summary(report: &VerifyReport) -> String {
    format!(
        "{}, {} in all, as of revision {}, in {}",
        terminal::count(report.merchants, "merchant", "merchants"),
        terminal::count(report.digest.records, "record", "records"),
        report.digest.watermarks.last.0,
        megabytes(report.bytes),
    )
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
