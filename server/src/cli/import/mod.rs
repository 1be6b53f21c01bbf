//! `nearby import`.

mod report;
mod send;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;

use self::{report::Report, send::Sender};
use super::{
    exit_code::CliError,
    format_of,
    target::{IfMissing, Target, TargetArgs},
    terminal,
};
use crate::formats::{DatumArg, FileFormat, Input};

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// File to load: plain, gzip or zstd; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Form of the file [default: told by its name]
    #[arg(long)]
    format: Option<FileFormat>,

    /// Datum of positions that name none [default: wgs84 in CSV; NDJSON must name its own]; GeoJSON is WGS-84 always
    #[arg(long, ignore_case = true)]
    datum: Option<DatumArg>,

    /// Store merchants at exactly 0,0 too, which nearly always means that the position is unknown
    #[arg(long)]
    allow_null_island: bool,

    /// File to write rejected rows to, with the reason of each [default: FILE.rejected.csv, if there are any]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// Good rows are stored, bad ones reported; that there are some is no failure, that there are only such is one.
pub(super) async fn run(args: ImportArgs) -> Result<(), CliError> {
    let name = args.file.to_string_lossy();
    let format = format_of(args.format, &args.file)?;
    let rejected = args.rejected.unwrap_or_else(|| PathBuf::from(format!("{name}.rejected.csv")));
    if rejected.canonicalize().is_ok_and(|path| args.file.canonicalize().is_ok_and(|file| file == path)) {
        return Err(CliError::usage("--rejected names the file to load itself"));
    }
    let input = Input::open(&args.file, format, args.datum).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => CliError::data(format!("{name}: {error}")),
        _ => CliError::no_input(format!("cannot read {name}: {error}")),
    })?;
    // What an earlier import rejected says nothing of this one. Where there is nothing, there is nothing to remove.
    drop(std::fs::remove_file(&rejected));
    let target = Target::open(&args.target, IfMissing::Create).await?;
    let imported = import(&target, input, args.allow_null_island, &rejected).await;
    target.close().await?;
    let report = imported?;
    let text = if args.json { format!("{}\n", report.to_json()?) } else { report.to_text() };
    terminal::out(text)?;
    if report.is_all_rejected() {
        return Err(CliError::data(format!("no row of {name} could be stored")));
    }
    Ok(())
}

/// Loads all rows of an input through the contract.
pub(super) async fn import(
    target: &Target,
    input: Input,
    allow_null_island: bool,
    rejected: &Path,
) -> Result<Report, CliError> {
    let bar = terminal::progress(input.length);
    let report = Report::new(rejected.to_owned(), input.ignored_columns.clone());
    let mut sender = Sender::new(target.client().clone(), report, allow_null_island);
    let reading = send::read_ahead(input);
    let position = reading.position.clone();
    let sent = sender.send_all(reading, |report, rate| {
        bar.set_position(position.bytes());
        bar.set_message(format!(
            "{} rows, {} rows/s",
            terminal::grouped(report.rows()),
            terminal::grouped(rate)
        ));
    });
    let sent = tokio::select! {
        sent = sent => Some(sent),
        _ = tokio::signal::ctrl_c() => None,
    };
    bar.finish_and_clear();
    let sent = sent.unwrap_or_else(|| Err(sender.stopped(CliError::stopped("interrupted"))));
    let report = sender.finish()?;
    sent.map(|()| report)
}
