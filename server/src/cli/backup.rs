//! `nearby backup`: backs up a running server or a closed store.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::{Timestamp, fmt::strtime};

use super::{
    closed_store::{progress, settings, summary},
    escape,
    exit_code::CliError,
    target::{IfMissing, Target, TargetArgs},
    terminal,
};
use crate::app::{
    receive_backup::{ReceiveError, receive_backup},
    startup,
};

#[derive(Args, Debug)]
pub(super) struct BackupArgs {
    /// Directory for the backup file, nearby-TIME-rREVISION.backup; created if it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Back up the intact part of the damaged store in --data-dir
    #[arg(long, requires = "data_dir")]
    salvage: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// Backs up a running server or a closed store. The file gets its final name once it is complete, on disk and verified.
pub(super) async fn run(args: BackupArgs) -> Result<(), CliError> {
    let directory = &args.directory;
    let cannot_write = |path: &Path, error: io::Error| {
        CliError::cannot_create(format!("cannot write {}: {error}", path.display()))
    };
    let target = if args.salvage {
        Target::open_damaged(&args.target).await?
    } else {
        Target::open(&args.target, IfMissing::Fail).await?
    };
    fs::create_dir_all(directory).map_err(|error| cannot_write(directory, error))?;
    let unfinished = directory.join(format!("nearby-{}.unfinished", std::process::id()));
    let received = receive_backup(target.client(), &unfinished).await;
    // A complete backup is kept even if the store does not close cleanly.
    let closed = target.close().await;
    let received = received.map_err(|error| match error {
        ReceiveError::Call(error) => error.into(),
        ReceiveError::File(error) => cannot_write(&unfinished, error),
    });
    let finish = |revision: u64| {
        let found = startup::verify(&unfinished, &settings(None)?, &progress())?;
        if let Some(fault) = found.corruption.first() {
            return Err(CliError::data(format!("the written backup is corrupt: {fault}")));
        }
        let time = strtime::format("%Y%m%dT%H%M%SZ", Timestamp::now()).unwrap_or_default();
        let path = directory
            .join(format!("nearby-{time}-r{revision}{}.backup", if args.salvage { "-salvaged" } else { "" }));
        fs::rename(&unfinished, &path).map_err(|error| cannot_write(&path, error))?;
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| cannot_write(directory, error))?;
        Ok((path, found))
    };
    let (path, found) = received.and_then(finish).inspect_err(|_| {
        // The first error is the one to report.
        drop(fs::remove_file(&unfinished));
    })?;
    let partial =
        if args.salvage { "; the damaged part is missing: nearby verify lists the damage" } else { "" };
    terminal::err(format!("{}{partial}\n", summary(&found)));
    terminal::out(format!("{}\n", escape::path(&path)))?;
    closed
}
