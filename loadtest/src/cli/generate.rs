//! `generate`: writes a dataset to a file, or imports it into a server.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use nearby_proto::v1::Merchant;

use super::output;
use crate::{
    dataset::Dataset,
    error::Error,
    import::{import, progress_bar},
};

#[derive(Args, Debug)]
pub(super) struct GenerateArgs {
    /// Seed of the dataset
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Number of merchants
    #[arg(long, default_value_t = 100_000, value_name = "NUMBER")]
    merchants: u64,

    #[command(flatten)]
    cities: super::dataset::CityOptions,

    /// Format of the file [default: by its extension, otherwise ndjson]
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Import into the server at this address instead
    #[arg(long, value_name = "URL", conflicts_with = "output")]
    server: Option<String>,

    #[command(flatten)]
    auth: super::auth::AuthOptions,

    /// Output file [default: standard output]
    #[arg(value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Format of a file.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON object per line, all fields.
    Ndjson,
    /// Tabular fields only: no opening hours.
    Csv,
}

pub(super) fn generate(args: &GenerateArgs) -> Result<ExitCode, Error> {
    let dataset = args.cities.dataset(args.seed, args.merchants)?;
    if let Some(server) = &args.server {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(import(&dataset, server, &args.auth.client_access()?))?;
        output::line(&format!("imported {} merchants of seed {} into {server}", args.merchants, args.seed));
        return Ok(ExitCode::SUCCESS);
    }
    match &args.output {
        Some(path) => {
            let failed = |error| Error::Write(path.clone(), error);
            write_file(&dataset, args.format(), File::create(path).map_err(failed)?).map_err(failed)?;
            output::line(&format!(
                "wrote {} merchants of seed {} to {}",
                args.merchants,
                args.seed,
                path.display()
            ));
        }
        None => match write_file(&dataset, args.format(), io::stdout().lock()) {
            // A reader that stops early, as `head` does, is not an error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

impl GenerateArgs {
    fn format(&self) -> Format {
        let is_csv =
            |path: &PathBuf| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let default = if self.output.as_ref().is_some_and(is_csv) { Format::Csv } else { Format::Ndjson };
        self.format.unwrap_or(default)
    }
}

fn write_file(dataset: &Dataset, format: Format, file: impl Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let bar = progress_bar(dataset.count());
    match format {
        Format::Ndjson => ndjson(dataset, &mut out, &bar)?,
        Format::Csv => csv(dataset, &mut out, &bar)?,
    }
    out.flush()?;
    bar.finish_and_clear();
    Ok(())
}

fn ndjson(dataset: &Dataset, out: &mut impl Write, bar: &ProgressBar) -> io::Result<()> {
    for number in 0..dataset.count() {
        serde_json::to_writer(&mut *out, &dataset.merchant(number))?;
        out.write_all(b"\n")?;
        bar.inc(1);
    }
    Ok(())
}

fn csv(dataset: &Dataset, out: &mut impl Write, bar: &ProgressBar) -> io::Result<()> {
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
    for number in 0..dataset.count() {
        let merchant: Merchant = dataset.merchant(number);
        let position = merchant.position.unwrap_or_default();
        let address = merchant.address.unwrap_or_default();
        let visibility = if dataset.is_visible(number) { "visible" } else { "hidden" };
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
