//! `nearby import`: loads merchants from a file.
//!
//! | module | contents |
//! |---|---|
//! | `send` | sends the rows in calls, and counts their outcomes |
//! | `stored` | asks the server which rows of a failed call it has stored |
//! | `report`, `suspicion` | counts of rows and warnings |
//! | `names` | the names of the merchants in the file |
//! | `replace` | removes the merchants of a source that the file lacks |
//! | `rejected_file`, `warnings_file` | the files that an import writes |

mod names;
mod rejected_file;
mod replace;
mod report;
mod send;
mod stored;
mod suspicion;
mod warnings_file;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;

use self::{
    rejected_file::RejectedFile,
    replace::{MissingAction, ReplaceOptions, Replacement},
    report::{Report, Tally},
    send::Sender,
    warnings_file::WarningsFile,
};
use super::{
    exit_code::CliError,
    format_of,
    output_file::is_same_file,
    target::{IfMissing, Target, TargetArgs},
    terminal,
};
use crate::{
    formats::{
        Charset, DatumArg, Delimiter, FileFormat, HoursConverter, Input, Mapping, ReadOptions, StoreOptions,
    },
    opening_hours::{HolidayCalendar, is_time_zone},
};

/// The columns of CSV files and the properties of GeoJSON features, which `formats` converts.
const COLUMNS: &str = "\
Columns of a CSV file, and properties of GeoJSON features; others are ignored
and listed:
  id, name                   required; node/123, way/123 and relation/123 of
                             OpenStreetMap become node-123 and so on
  lat, lon                   required in CSV: degrees with a point or a comma,
                             or degrees, minutes and seconds
  point                      instead of lat and lon: lat,lon or WKT POINT(lon lat)
  datum                      wgs84, gcj02 or bd09
  accuracy_m                 metres
  brand
  categories, services       lists, separated by semicolons; \\; is a semicolon
  address, district, city, state, postal_code
  country                    ISO 3166-1 code, or name in English or Chinese
  phone, website
  hours, tz                  OpenStreetMap opening_hours, IANA time zone
  visibility                 visible or hidden
  app_id, app_path           link to a mini program
  business_status            operational, closed_temporarily or closed_permanently
  reopening_date             2026-03-01
  valid_from, valid_until    2026-03-01T08:00:00+02:00
  attributes                 key=number, separated by semicolons
  localized_names            tag=name, such as zh-Hans=咖啡, separated by semicolons;
                             or columns such as name:fi

A row of a CSV file updates the fields of its columns in a merchant that exists;
the other fields stay, as do visibility and known hours where the row has none.
The columns of a position are one field, and so are those of hours and tz, and
of a mini program. A GeoJSON feature updates all fields above up to app_path, and
those below it that it has. Rows of NDJSON,
and of GeoJSON that `nearby export` has written, replace the merchant.

The position of a GeoJSON feature is its Point, the first point of a MultiPoint,
or a point within a Polygon or MultiPolygon: the centroid of its outline, if that
lies within.

The file of rejected rows can be corrected and imported, with the options of the
first import: its column reason, with the reason or empty, is ignored. Reasons
of NDJSON and GeoJSON are in a file beside it, with .reasons.csv at the end of
its name. The next import of FILE replaces or removes both. Rejected rows do not
change the exit code, unless all are rejected (65).

An Overpass file needs --map 'categories=amenity/{amenity}', --map
'categories=shop/{shop}' and --map 'address={addr:street} {addr:housenumber}'.

With --source NAME --replace, the file is all that the source contains: once it
is read to its end, merchants of the source that no row names are hidden, and
shown again by the next import of a source that has them. Merchants of rejected
rows, of other sources and of none stay. A row of a merchant of another source
takes it over, with a warning. Run one import of a source at a time; one that was
stopped can be run again.";

#[derive(Args, Debug)]
#[command(after_help = COLUMNS)]
pub(super) struct ImportArgs {
    /// File to load: plain, gzip or zstd; - reads standard input, of which GeoJSON beyond 16 MiB is copied to the directory for
    /// temporary files (TMPDIR)
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file [default: by the file's extension]
    #[arg(long)]
    format: Option<FileFormat>,

    /// Datum of positions that name none [default: wgs84 for CSV, none for NDJSON]; GeoJSON is always WGS-84
    #[arg(long, ignore_case = true)]
    datum: Option<DatumArg>,

    /// Encoding of the file, such as gbk, big5, shift_jis or windows-1252 [default: by its byte order mark, or else utf-8]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Charset>,

    /// Delimiter of a CSV file: , ; | : or tab [default: the one that its header uses]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<Delimiter>,

    /// Take a field from a column or property with another name, such as id=ref, or from a template, such as id=fi-{ref}; of several
    /// for one field, the first that is not empty counts
    #[arg(long = "map", value_name = "FIELD=COLUMN")]
    mappings: Vec<Mapping>,

    /// Replace merchants as a whole: fields for which a CSV file or GeoJSON properties have no room, such as photos, are cleared
    #[arg(long)]
    replace_fields: bool,

    /// Keep an apostrophe before cells of a CSV file that a spreadsheet would evaluate; `nearby export` adds one
    #[arg(long)]
    no_formula_escapes: bool,

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

    /// File for rejected rows, in the form of the loaded file [default: FILE.rejected.csv and the like, if there are any]
    #[arg(long, value_name = "FILE")]
    rejected: Option<PathBuf>,

    /// File for warnings, with the row of each, as CSV
    #[arg(long, value_name = "FILE")]
    warnings: Option<PathBuf>,

    /// Source of all rows, such as osm-finland: 1 to 64 bytes, stored with each merchant
    #[arg(long, value_name = "NAME", value_parser = source_name)]
    source: Option<String>,

    /// Remove merchants of the source that the file lacks
    #[arg(long, requires = "source")]
    replace: bool,

    /// Treatment of merchants that the file lacks
    #[arg(long, value_name = "ACTION", default_value = "hide", requires = "replace")]
    missing: MissingAction,

    /// Share of the source's merchants, in per cent, beyond which none is removed: the file is most likely incomplete
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, requires = "replace", value_parser = percent)]
    max_removed: f64,

    /// Remove merchants even if the ids of some rejected rows cannot be read, which may be theirs
    #[arg(long, requires = "replace")]
    ignore_unreadable: bool,

    /// Check all rows and report what an import would do, without storing anything; only files that are named are written
    #[arg(long)]
    dry_run: bool,

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

/// Parses the name of a source.
fn source_name(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() || text.len() > 64 {
        return Err("must be 1 to 64 bytes and not blank");
    }
    Ok(text.to_owned())
}

/// Parses a share in per cent.
fn percent(text: &str) -> Result<f64, &'static str> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse().ok();
    percent.filter(|percent| (0.0..=100.0).contains(percent)).ok_or("must be a number from 0 to 100")
}

/// Checks that each file that is written, named by a flag or otherwise, is neither read nor written for another purpose.
fn check_written(written: &[(&str, &Path)], read: &[&Path]) -> Result<(), CliError> {
    for (at, (flag, path)) in written.iter().enumerate() {
        let others = written.iter().skip(at + 1).map(|(_, other)| other).chain(read);
        if let Some(other) = others.into_iter().find(|other| is_same_file(path, other)) {
            let message =
                format!("{flag} is {}, which the import reads or writes otherwise", other.display());
            return Err(CliError::usage(message));
        }
    }
    Ok(())
}

/// Stores valid rows and reports rejected ones. Fails if all rows are rejected, or a file that the user has named cannot be written.
pub(super) async fn run(args: ImportArgs) -> Result<(), CliError> {
    let name = args.file.to_string_lossy();
    let format = format_of(args.format, &args.file)?;
    let named = [("--rejected", &args.rejected), ("--warnings", &args.warnings)];
    let named =
        named.into_iter().filter_map(|(flag, path)| Some((flag, path.as_deref()?))).collect::<Vec<_>>();
    let read = [Some(args.file.as_path()), args.holidays.as_deref()];
    let read = read.into_iter().flatten().collect::<Vec<_>>();
    check_written(&named, &read)?;
    let calendar = HolidayCalendar::load(args.holidays.as_deref()).map_err(|error| {
        CliError::usage("cannot use the file of --holidays").with_detail(&error.to_string())
    })?;
    let options = ReadOptions {
        datum: args.datum,
        charset: args.encoding,
        delimiter: args.delimiter,
        mappings: args.mappings,
        unescapes_formulas: !args.no_formula_escapes,
        ..ReadOptions::new(format, HoursConverter::new(args.time_zone, calendar))
    };
    let input = Input::open(&args.file, &options).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => CliError::data(format!("{name}: {error}")),
        _ => CliError::no_input(format!("cannot read {name}: {error}")),
    })?;
    let rejected = (!args.dry_run || args.rejected.is_some())
        .then(|| RejectedFile::new(args.rejected, &args.file, input.layout.clone()))
        .transpose()?;
    let rejected_paths =
        rejected.iter().flat_map(RejectedFile::paths).map(|path| ("the file of rejected rows", path));
    let warnings_path = args.warnings.iter().map(|path| ("--warnings", path.as_path()));
    check_written(&rejected_paths.chain(warnings_path).collect::<Vec<_>>(), &read)?;
    let warnings = args.warnings.map(WarningsFile::create).transpose()?;
    let tally = Tally::new(rejected, warnings, input.ignored.clone(), args.dry_run);
    let if_missing = if args.dry_run { IfMissing::UseEmpty } else { IfMissing::Create };
    let target = Target::open(&args.target, if_missing).await?;
    let store = StoreOptions {
        allow_null_island: args.allow_null_island,
        replace_fields: args.replace_fields,
        source: args.source.clone(),
        dry_run: args.dry_run,
    };
    let replace = args.source.filter(|_| args.replace).map(|source| ReplaceOptions {
        source,
        action: args.missing,
        max_removed_percent: args.max_removed,
        ignores_unreadable: args.ignore_unreadable,
        dry_run: args.dry_run,
    });
    let imported = send(&target, input, tally, store, replace).await;
    target.close().await?;
    let (report, failure) = imported?;
    let text = if args.json { format!("{}\n", report.to_json()?) } else { report.to_text() };
    terminal::out(text)?;
    if report.is_all_rejected() {
        let removed = if args.replace { ", and no merchant was removed" } else { "" };
        return Err(CliError::data(format!("no row of {name} could be stored{removed}")));
    }
    failure.map_or(Ok(()), Err)
}

/// Imports all rows of an input with ImportMerchants. Rejected rows are written to the default file beside `file`.
pub(super) async fn import(target: &Target, input: Input, file: &Path) -> Result<Report, CliError> {
    let rejected = RejectedFile::new(None, file, input.layout.clone())?;
    let tally = Tally::new(Some(rejected), None, input.ignored.clone(), false);
    let (report, _) = send(target, input, tally, StoreOptions::default(), None).await?;
    Ok(report)
}

async fn send(
    target: &Target,
    input: Input,
    tally: Tally,
    options: StoreOptions,
    replace: Option<ReplaceOptions>,
) -> Result<(Report, Option<CliError>), CliError> {
    let bar = terminal::progress(input.length);
    let mut sender = Sender::new(target.client().clone(), tally, options);
    let reading = send::read_ahead(input);
    let position = reading.position.clone();
    let sent = async {
        let replacement = match replace {
            Some(options) => Some(Replacement::begin(target.client(), options).await?),
            None => None,
        };
        let progress = |rows, rate| {
            bar.set_position(position.bytes());
            bar.set_message(format!("{} rows, {} rows/s", terminal::grouped(rows), terminal::grouped(rate)));
        };
        sender.send_all(reading, progress).await?;
        // Without any accepted row, the file is most likely another one.
        let Some(replacement) = replacement.filter(|_| !sender.tally().is_all_rejected()) else {
            return Ok(None);
        };
        let (removal, refusal) = replacement.finish(sender.tally().names()).await?;
        sender.tally().set_missing(removal);
        Ok(refusal)
    };
    let sent = tokio::select! {
        sent = sent => sent,
        _ = tokio::signal::ctrl_c() => Err(CliError::stopped("interrupted")),
    };
    bar.finish_and_clear();
    let sent = match sent {
        Ok(refusal) => Ok(refusal),
        Err(error) => Err(sender.stopped(error).await),
    };
    let finished = sender.into_tally().finish();
    let refusal = sent?;
    finished.map(|(report, failure)| (report, refusal.or(failure)))
}
