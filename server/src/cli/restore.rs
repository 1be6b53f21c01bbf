//! `nearby restore`: creates a store from a backup.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use nearby_store::backup;

use super::{exit_code::CliError, terminal};

#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// Backup file
    #[arg(value_name = "FILE")]
    backup: PathBuf,

    /// Directory of the new store; it must not contain one
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &RestoreArgs) -> Result<(), CliError> {
    if !args.backup.is_file() {
        return Err(CliError::no_input(format!("no backup file {}", args.backup.display())));
    }
    let restored = backup::restore(&args.backup, &args.data_dir)?;
    let records = terminal::grouped(restored.digest.records);
    terminal::err(format!(
        "{records} records of {} restored, as of revision {}; new revisions start after {}, and clients that watch changes \
         must start again with an export\n",
        Timestamp::from_microsecond(restored.created_at.0).unwrap_or_default(),
        restored.digest.watermarks.last.0,
        restored.digest.watermarks.last.0 + backup::REVISIONS_SKIPPED,
    ));
    Ok(())
}
