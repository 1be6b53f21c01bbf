//! `nearby backup`, `restore`, `verify` and `compact`: care of what is stored.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::{Timestamp, fmt::strtime};
use nearby_index::IndexWriter;
use nearby_proto::v1 as wire;
use nearby_store::{Content, DurableStore, Verified, backup, bytes_below};

use super::{
    exit_code::CliError,
    target::{Missing, Target, TargetArgs},
    terminal,
};
use crate::{
    app::startup::{self, Loading},
    config::{ServerArgs, Settings},
};

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

#[derive(Args, Debug)]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    backup: PathBuf,

    /// Directory that the store is to be in; it must not hold one
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    /// A backup, or the directory of a store that no server uses
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct CompactArgs {
    /// Directory of a store that no server uses
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,
}

/// Takes a backup of a running server or a closed store. It has its name only once it is whole, on disk and read again.
pub(super) async fn back_up(args: BackupArgs) -> Result<(), CliError> {
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
        let found = startup::verify(&unfinished, &settings_of(None)?)?;
        if let Some(fault) = found.faults.first() {
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

pub(super) fn restore(args: &RestoreArgs) -> Result<(), CliError> {
    if !args.backup.is_file() {
        return Err(CliError::no_input(format!("there is no backup {}", args.backup.display())));
    }
    let restored = backup::restore(&args.backup, &args.data_dir)?;
    let records = terminal::grouped(restored.tally.records);
    terminal::err(format!(
        "{records} records of {} restored as of revision {}; revisions go on after {}, and whoever follows the changes \
         starts anew\n",
        Timestamp::from_microsecond(restored.made.0).unwrap_or_default(),
        restored.tally.extent.last.0,
        restored.tally.extent.last.0 + backup::REVISIONS_SKIPPED,
    ));
    Ok(())
}

pub(super) fn verify(args: &VerifyArgs) -> Result<(), CliError> {
    if !args.path.is_file() && !DurableStore::is_in(&args.path) {
        return Err(CliError::no_input(format!(
            "there is neither a backup nor a store at {}",
            args.path.display()
        )));
    }
    let found = startup::verify(&args.path, &settings_of(None)?)?;
    for fault in &found.faults {
        terminal::err(format!("{fault}\n"));
    }
    terminal::out(format!("{}\n", summary(&found)))?;
    if found.faults.is_empty() {
        return Ok(());
    }
    Err(CliError::data(format!("{} is damaged", args.path.display())))
}

pub(super) fn compact(args: &CompactArgs) -> Result<(), CliError> {
    if !DurableStore::is_in(&args.data_dir) {
        return Err(CliError::no_input(format!("there is no store in {}", args.data_dir.display())));
    }
    let before = bytes_below(&args.data_dir);
    let (mut store, loaded) = startup::open(&settings_of(Some(&args.data_dir))?)?;
    let index = IndexWriter::load(loaded.merchants, loaded.tally.extent.last);
    let snapshot = index.reader().snapshot();
    let content =
        Content { snapshot: Arc::clone(&snapshot), deletions: loaded.deletions, requests: loaded.requests };
    store.compact(content)?;
    let (tally, merchants) = (loaded.tally, snapshot.len() as u64);
    let found = Verified { tally, merchants, bytes: bytes_below(&args.data_dir), faults: Vec::new() };
    terminal::err(format!("{}, where it had {} before\n", summary(&found), megabytes(before)));
    Ok(())
}

/// Settings to open a store with: those of the environment, and a bar where somebody looks.
fn settings_of(data_dir: Option<&Path>) -> Result<Settings, CliError> {
    let said = ServerArgs::from_environment().map_err(|error| CliError::usage(error.to_string()))?;
    let data_dir = data_dir.map(Path::to_owned).or(said.data_dir.clone());
    let settings = ServerArgs { data_dir, ..said }.settings(None)?;
    Ok(Settings { loading: loading_bar().unwrap_or(settings.loading), ..settings })
}

/// A bar that shows how far the loading has come, where somebody looks.
pub(super) fn loading_bar() -> Option<Loading> {
    let bar = terminal::records_bar()?;
    Some(Loading::told(move |records, of| {
        if of > 0 {
            bar.set_length(of);
        }
        bar.set_position(records);
        if of > 0 && records >= of {
            bar.finish_and_clear();
        }
    }))
}

fn summary(found: &Verified) -> String {
    format!(
        "{}, {} in all, as of revision {}, in {}",
        terminal::count(found.merchants, "merchant", "merchants"),
        terminal::count(found.tally.records, "record", "records"),
        found.tally.extent.last.0,
        megabytes(found.bytes),
    )
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
