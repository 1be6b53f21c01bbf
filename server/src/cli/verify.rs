//! `nearby verify`: verifies a backup or a closed store.

use std::path::PathBuf;

use clap::Args;
use nearby_store::{DurableStore, check_directory};

use super::{
    closed_store::{ScratchArgs, progress, settings, summary},
    escape,
    exit_code::CliError,
    terminal,
};
use crate::app::startup;

#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// Backup file, or directory of a closed store
    #[arg(value_name = "PATH")]
    path: PathBuf,

    #[command(flatten)]
    scratch: ScratchArgs,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), CliError> {
    if !args.path.is_file() {
        check_directory(&args.path)?;
    }
    if !args.path.is_file() && !DurableStore::exists(&args.path) {
        return Err(CliError::no_input(format!("neither a backup nor a store at {}", args.path.display())));
    }
    let mut settings = settings(None)?;
    settings.scratch = args.scratch.scratch.clone().or(settings.scratch);
    let report = startup::verify(&args.path, &settings, &progress())?;
    for fault in &report.corruption {
        terminal::err(format!("{}\n", escape::value(fault)));
    }
    terminal::out(format!("{}\n", summary(&report)))?;
    if report.skipped_base {
        terminal::err(
            "the file system is read-only: snapshot file and journal were verified, and the base was not; --scratch DIR verifies a \
             copy of it\n",
        );
    }
    if report.corruption.is_empty() {
        return Ok(());
    }
    Err(CliError::data(format!("{} is damaged", args.path.display())))
}
