//! `nearby restore`: creates a store from a backup.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use nearby_store::backup;

use super::{exit_code::CliError, terminal};

#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    backup: PathBuf,

    /// Directory that the store is to be in; it must not hold one
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

pub(super) fn run(args: &RestoreArgs) -> Result<(), CliError> {
    if !args.backup.is_file() {
        return Err(CliError::no_input(format!("there is no backup {}", args.backup.display())));
    }
    let restored = backup::restore(&args.backup, &args.data_dir)?;
    let records = terminal::grouped(restored.digest.records);
    terminal::err(format!(
        "{records} records of {} restored as of revision {}; revisions go on after {}, and whoever follows the changes \
         starts anew\n",
        Timestamp::from_microsecond(restored.created_at.0).unwrap_or_default(),
        restored.digest.watermarks.last.0,
        restored.digest.watermarks.last.0 + backup::REVISIONS_SKIPPED,
    ));
    Ok(())
}
