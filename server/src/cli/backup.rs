//! `nearby backup`: backs up a running server or a closed store.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::{Timestamp, fmt::strtime};
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    store::{progress, settings, summary},
    target::{Missing, Target, TargetArgs},
    terminal,
};
use crate::app::startup;

#[derive(Args, Debug)]
pub(super) struct BackupArgs {
    /// Directory to put the backup into, as nearby-TIME-rREVISION.backup; made if it is not there
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Save what is sound of a damaged store, which --data-dir names
    #[arg(long, requires = "data_dir")]
    salvage: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// Takes a backup of a running server or a closed store. It has its name only once it is whole, on disk and read again.
pub(super) async fn run(args: BackupArgs) -> Result<(), CliError> {
    let directory = &args.directory;
    let cannot = |path: &Path, error: io::Error| {
        CliError::cannot_create(format!("cannot write {}: {error}", path.display()))
    };
    let target = if args.salvage {
        Target::open_salvaged(&args.target).await?
    } else {
        Target::open(&args.target, Missing::Refuse).await?
    };
    fs::create_dir_all(directory).map_err(|error| cannot(directory, error))?;
    let unfinished = directory.join(format!("nearby-{}.unfinished", std::process::id()));
    let received = receive(&target, &unfinished).await;
    // A backup that is whole is kept, however the server ends.
    let closed = target.close().await;
    let named = received.map_err(|error| match error {
        Received::Call(error) => error,
        Received::File(error) => cannot(&unfinished, error),
    });
    let finish = |revision: u64| {
        let found = startup::verify(&unfinished, &settings(None)?, &progress())?;
        if let Some(fault) = found.corruption.first() {
            return Err(CliError::data(format!("the backup is not what the server sent: {fault}")));
        }
        let time = strtime::format("%Y%m%dT%H%M%SZ", Timestamp::now()).unwrap_or_default();
        let path = directory
            .join(format!("nearby-{time}-r{revision}{}.backup", if args.salvage { "-salvaged" } else { "" }));
        fs::rename(&unfinished, &path).map_err(|error| cannot(&path, error))?;
        File::open(directory).and_then(|it| it.sync_all()).map_err(|error| cannot(directory, error))?;
        Ok((path, found))
    };
    let (path, found) = named.and_then(finish).inspect_err(|_| {
        // The fault that is being reported comes first.
        drop(fs::remove_file(&unfinished));
    })?;
    let partial = if args.salvage { "; what could not be read is not in it: see nearby verify" } else { "" };
    terminal::err(format!("{}{partial}\n", summary(&found)));
    terminal::out(format!("{}\n", path.display()))?;
    closed
}

/// Why a backup was not received.
enum Received {
    Call(CliError),
    File(io::Error),
}

impl From<io::Error> for Received {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

async fn receive(target: &Target, path: &Path) -> Result<u64, Received> {
    let mut file = BufWriter::new(File::create(path)?);
    let failed = |error: nearby_client::ClientError| Received::Call(error.into());
    let asked = target.client().back_up_merchants(wire::BackUpMerchantsRequest {}).await;
    let mut messages = asked.map_err(failed)?;
    let mut revision = 0;
    while let Some(message) = messages.message().await.map_err(failed)? {
        revision = message.revision;
        file.write_all(&message.data)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(revision)
}
