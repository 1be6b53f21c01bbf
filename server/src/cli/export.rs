//! `nearby export`: writes all merchants to a file.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    filter::{self, FilterArgs},
    format_of,
    output_file::OutputFile,
    target::{IfMissing, Target, TargetArgs},
    terminal,
    watch::ResumePoint,
};
use crate::formats::{FileFormat, LeftOut, Writer};

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// File to write: a regular file is replaced only once the new one is complete, a device or FIFO is written to; - writes to standard
    /// output
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file [default: by the file's extension; ndjson on standard output]
    #[arg(long)]
    format: Option<FileFormat>,

    /// Write cells of a CSV file that a spreadsheet would evaluate as they are, without an apostrophe before them
    #[arg(long)]
    no_formula_escapes: bool,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    target: TargetArgs,
}

/// The form of the file.
#[derive(Clone, Copy)]
struct Form {
    format: FileFormat,
    escapes_formulas: bool,
}

/// The outcome of an export.
struct Exported<W> {
    output: W,
    merchants: u64,
    point: ResumePoint,
    left_out: LeftOut,
}

pub(super) async fn run(args: ExportArgs) -> Result<(), CliError> {
    let to_stdout = args.file == Path::new("-");
    let name = args.file.to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".gz") || name.ends_with(".zst") {
        return Err(CliError::usage(
            "export writes uncompressed files; omit .gz or .zst, and compress the file afterwards",
        ));
    }
    let given = args.format.or(to_stdout.then_some(FileFormat::Ndjson));
    let format = format_of(given, &args.file)?;
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    let request = wire::ExportMerchantsRequest { filter: args.filter.to_wire(), ..Default::default() };
    let form = Form { format, escapes_formulas: !args.no_formula_escapes };
    let written = if to_stdout {
        let written = write_all(&target, request, BufWriter::new(terminal::contents()), form).await;
        written.map(|written| Exported {
            output: (),
            merchants: written.merchants,
            point: written.point,
            left_out: written.left_out,
        })
    } else {
        write_file(&target, request, &args.file, form).await
    };
    target.close().await?;
    let Exported { merchants, point, left_out, .. } = written?;
    let merchants = terminal::count(merchants, "merchant", "merchants");
    terminal::err(format!("{merchants} written, as of revision {}\n", point.revision));
    terminal::err(format!("changes since: nearby watch --from {point}\n"));
    terminal::err(left_out_text(left_out));
    Ok(())
}

/// Returns a line that says what a CSV file lacks, or nothing.
fn left_out_text(left_out: LeftOut) -> String {
    let LeftOut {
        photos,
        labels,
        external_ids,
        sources,
        service_links,
        reviews,
        opening_hours,
        service_areas,
    } = left_out;
    let kinds = [
        (photos, "photos"),
        (labels, "labels"),
        (external_ids, "external ids"),
        (sources, "sources"),
        (service_links, "links of services"),
        (reviews, "reviews"),
        (opening_hours, "opening hours that their text does not state"),
        (service_areas, "service areas that are polygons"),
    ];
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter(|(merchants, _)| *merchants > 0)
        .map(|(merchants, kind)| format!("{kind} of {}", terminal::count(merchants, "merchant", "merchants")))
        .collect();
    if kinds.is_empty() {
        return String::new();
    }
    let kinds = kinds.join(", ");
    format!("left out, as CSV has no room for them: {kinds}; NDJSON and GeoJSON keep everything\n")
}

async fn write_file(
    target: &Target,
    request: wire::ExportMerchantsRequest,
    path: &Path,
    form: Form,
) -> Result<Exported<()>, CliError> {
    let cannot_write =
        |error: io::Error| CliError::cannot_create(format!("cannot write {}: {error}", path.display()));
    let file = BufWriter::new(OutputFile::create(path).map_err(cannot_write)?);
    let written = write_all(target, request, file, form).await?;
    let Exported { output, merchants, point, left_out } = written;
    let file = output.into_inner().map_err(|error| cannot_write(error.into_error()))?;
    file.finish().map_err(cannot_write)?;
    Ok(Exported { output: (), merchants, point, left_out })
}

async fn write_all<W: Write>(
    target: &Target,
    request: wire::ExportMerchantsRequest,
    output: W,
    form: Form,
) -> Result<Exported<W>, CliError> {
    let mut writer = Writer::new(output, form.format, form.escapes_formulas)?;
    let call = target.client().export_merchants(request).await;
    let mut messages = call.map_err(|error| CliError::of_call(&error, filter::flag_of))?;
    let (mut merchants, mut point) = (0, ResumePoint::default());
    while let Some(message) = messages.message().await? {
        point = ResumePoint { revision: message.revision, history_id: message.history_id };
        for merchant in &message.merchants {
            writer.write(merchant)?;
            merchants += 1;
        }
    }
    let (mut output, left_out) = writer.finish()?;
    output.flush()?;
    Ok(Exported { output, merchants, point, left_out })
}
