//! `nearby verify`: verifies a backup or a closed store.

use std::path::PathBuf;

use clap::Args;
use nearby_store::DurableStore;

use super::{
    exit_code::CliError,
    store::{progress, settings, summary},
    terminal,
};
use crate::app::startup;

#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// A backup, or the directory of a store that no server uses
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), CliError> {
    if !args.path.is_file() && !DurableStore::exists(&args.path) {
        return Err(CliError::no_input(format!(
            "there is neither a backup nor a store at {}",
            args.path.display()
        )));
    }
    let found = startup::verify(&args.path, &settings(None)?, &progress())?;
    for fault in &found.corruption {
        terminal::err(format!("{fault}\n"));
    }
    terminal::out(format!("{}\n", summary(&found)))?;
    if found.corruption.is_empty() {
        return Ok(());
    }
    Err(CliError::data(format!("{} is damaged", args.path.display())))
}
