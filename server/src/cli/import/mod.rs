//! `nearby import`: loads merchants from a file.

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
use crate::{
    formats::{DatumArg, FileFormat, HoursConverter, Input},
    opening_hours::{HolidayCalendar, is_time_zone},
};

/// The columns of CSV files and the properties of GeoJSON features, which `formats` converts.
const COLUMNS: &str = "\
Columns of a CSV file, and properties of GeoJSON features; others are ignored:
  id, name, lat, lon         required
  datum                      wgs84, gcj02 or bd09
  brand
  category, services         lists, separated by semicolons
  address, city, state, postal_code, country
  phone, website
  hours, tz                  OpenStreetMap opening_hours, IANA time zone
  visibility                 visible or hidden
  app_id, app_path           link to a mini program";

#[derive(Args, Debug)]
#[command(after_help = COLUMNS)]
pub(super) struct ImportArgs {
    /// File to load: plain, gzip or zstd; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file [default: by the file's extension]
    #[arg(long)]
    format: Option<FileFormat>,

    /// Datum of positions that name none [default: wgs84 for CSV, none for NDJSON]; GeoJSON is always WGS-84
    #[arg(long, ignore_case = true)]
    datum: Option<DatumArg>,

    /// Accept merchants at exactly 0,0, which nearly always means that the position is unknown
    #[arg(long)]
    allow_null_island: bool,

    /// Time zone of opening hours that name none, such as Europe/Helsinki [default: the zone at the merchant's position]
    #[arg(long, value_name = "ZONE", value_parser = time_zone_name)]
    time_zone: Option<String>,

    /// Public and school holidays, in TOML, that are added to the built-in calendar or replace it for a country; give the server
    /// the same file
    #[arg(long, value_name = "FILE")]
    holidays: Option<PathBuf>,

    /// File for rejected rows, with the reason of each [default: FILE.rejected.csv, if there are any]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// Parses the name of a time zone.
pub(super) fn time_zone_name(text: &str) -> Result<String, &'static str> {
    if is_time_zone(text) {
        Ok(text.to_owned())
    } else {
        Err("not a name from IANA's time zone database, such as Asia/Shanghai")
    }
}

/// Stores valid rows and reports rejected ones. Fails only if all rows are rejected.
pub(super) async fn run(args: ImportArgs) -> Result<(), CliError> {
    let name = args.file.to_string_lossy();
    let format = format_of(args.format, &args.file)?;
    let rejected = args.rejected.unwrap_or_else(|| PathBuf::from(format!("{name}.rejected.csv")));
    if rejected.canonicalize().is_ok_and(|path| args.file.canonicalize().is_ok_and(|file| file == path)) {
        return Err(CliError::usage("--rejected names the file to load itself"));
    }
    let calendar = HolidayCalendar::load(args.holidays.as_deref())
        .map_err(|error| CliError::usage(format!("cannot use the file of --holidays: {error}")))?;
    let input = Input::open(&args.file, format, args.datum).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => CliError::data(format!("{name}: {error}")),
        _ => CliError::no_input(format!("cannot read {name}: {error}")),
    })?;
    let input = input.with_hours(HoursConverter::new(args.time_zone, calendar));
    // Rejected rows of an earlier import. The file usually does not exist, which is not an error.
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

/// Imports all rows of an input with ImportMerchants.
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
