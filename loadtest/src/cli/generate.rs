//! `generate`: a world as a file, or straight into a server.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use nearby_client::{
    Access, Client,
    v1::{ImportMerchantsRequest, ImportRow, ImportState},
};
use nearby_proto::v1::Merchant;

use super::{Failure, output};
use crate::dataset::World;

#[derive(Args, Debug)]
pub(super) struct GenerateArgs {
    /// Seed of the world
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Merchants in the world
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    merchants: u64,

    #[command(flatten)]
    cities: super::dataset::CityOptions,

    /// The form of the file [default: what its name ends in, or else ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Load it into a server instead
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    server: Option<String>,

    #[command(flatten)]
    access: super::auth::AccessOptions,

    /// The file; standard output without it
    #[arg(value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line of JSON each, with all that a merchant has.
    Ndjson,
    /// What tables hold: without opening hours.
    Csv,
}

/// Rows of a message and messages of a call: 10,000 rows.
const ROWS: u64 = 500;
const MESSAGES: u64 = 20;
/// Calls under way.
const CALLS: usize = 2;

pub(super) fn generate(args: &GenerateArgs) -> Result<ExitCode, Failure> {
    let world = World::new(args.seed, args.merchants, &args.cities.source())?;
    if let Some(server) = &args.server {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(into_server(&world, server, &args.access.of_client()?))?;
        output::line(&format!("{} merchants of seed {} are in {server}", args.merchants, args.seed));
        return Ok(ExitCode::SUCCESS);
    }
    match &args.output {
        Some(path) => {
            let failed = |error| Failure::Output(path.clone(), error);
            into_file(&world, args.form(), File::create(path).map_err(failed)?).map_err(failed)?;
            output::line(&format!(
                "{} merchants of seed {} are in {}",
                args.merchants,
                args.seed,
                path.display()
            ));
        }
        None => match into_file(&world, args.form(), io::stdout().lock()) {
            // Who reads no further, as `head` does, has what it wants.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

impl GenerateArgs {
    fn form(&self) -> Format {
        let is_csv =
            |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let of_name = if self.output.as_ref().is_some_and(is_csv) { Format::Csv } else { Format::Ndjson };
        self.format.unwrap_or(of_name)
    }
}

fn into_file(world: &World, form: Format, file: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let bar = bar(world.count());
    match form {
        Format::Ndjson => ndjson(world, &mut out, &bar)?,
        Format::Csv => csv(world, &mut out, &bar)?,
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(())
}

fn ndjson(world: &World, out: &mut impl Write, bar: &ProgressBar) -> io::Result<()> {
    for number in 0..world.count() {
        serde_json::to_writer(&mut *out, &world.merchant(number))?;
        out.write_all(b"\n")?;
        bar.inc(1);
    }
    Ok(())
}

fn csv(world: &World, out: &mut impl Write, bar: &ProgressBar) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record([
        "id",
        "name",
        "lat",
        "lon",
        "datum",
        "brand",
        "category",
        "services",
        "address",
        "city",
        "country",
        "phone",
        "website",
        "visibility",
    ])?;
    for number in 0..world.count() {
        let merchant: Merchant = world.merchant(number);
        let position = merchant.position.unwrap_or_default();
        let address = merchant.address.unwrap_or_default();
        let visibility = if world.is_visible(number) { "visible" } else { "hidden" };
        rows.write_record([
            merchant.name.trim_start_matches("merchants/"),
            &merchant.display_name,
            &position.latitude.to_string(),
            &position.longitude.to_string(),
            "WGS84",
            &merchant.brand,
            &merchant.categories.join(";"),
            &merchant.services.join(";"),
            &address.address_lines.join(", "),
            &address.locality,
            &address.region_code,
            &merchant.phone,
            &merchant.website_uri,
            visibility,
        ])?;
        bar.inc(1);
    }
    rows.flush()
}

/// Loads a world into a server. What is there of it already is stored again.
pub(crate) async fn into_server(world: &World, server: &str, access: &Access) -> Result<(), Failure> {
    let client = Client::connect_with(server, access)
        .await
        .map_err(|error| Failure::Unreachable(server.to_owned(), root_of(&error)))?;
    let bar = Arc::new(bar(world.count()));
    let calls = (0..world.count()).step_by(usize::try_from(ROWS * MESSAGES).unwrap_or(1));
    let calls = stream::iter(calls).map(|from| {
        let (client, world, bar) = (client.clone(), world.clone(), Arc::clone(&bar));
        async move {
            let until = world.count().min(from + ROWS * MESSAGES);
            let messages = (from..until).step_by(usize::try_from(ROWS).unwrap_or(1)).map(move |first| {
                let rows = first..until.min(first + ROWS);
                let row = |number: u64| ImportRow {
                    row_number: i64::try_from(number).unwrap_or_default(),
                    merchant: Some(world.merchant(number)),
                };
                ImportMerchantsRequest { rows: rows.map(row).collect(), allow_null_island: false }
            });
            let answer = client.import_merchants(stream::iter(messages)).await.map_err(io::Error::other)?;
            let rejected =
                answer.outcomes.iter().find(|outcome| outcome.state == i32::from(ImportState::Rejected));
            if let Some(rejected) = rejected {
                let why = rejected
                    .violations
                    .first()
                    .map(|violation| violation.description.clone())
                    .unwrap_or_default();
                return Err(io::Error::other(format!(
                    "merchant {} was rejected: {why}",
                    rejected.row_number
                )));
            }
            bar.inc(until - from);
            Ok::<(), io::Error>(())
        }
    });
    calls.buffer_unordered(CALLS).try_collect::<()>().await?;
    bar.finish_and_clear();
    Ok(())
}

/// What is at the bottom of an error: the layers above it only say where.
fn root_of(error: &dyn std::error::Error) -> io::Error {
    error.source().map_or_else(|| io::Error::other(error.to_string()), root_of)
}

fn bar(merchants: u64) -> ProgressBar {
    let bar = ProgressBar::new(merchants);
    // The template is right; the default one would do.
    if let Ok(style) =
        ProgressStyle::with_template("{msg:24} [{bar:24}] {human_pos}/{human_len}  {per_sec}  {eta}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message("merchants");
    bar
}
