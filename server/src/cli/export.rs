//! `nearby export`: writes all merchants to a file.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    filter::{self, FilterArgs},
    format_of,
    target::{IfMissing, Target, TargetArgs},
    terminal,
};
use crate::formats::{FileFormat, Writer};

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// File to write, replaced only once it is complete; - writes to standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file [default: by the file's extension; ndjson on standard output]
    #[arg(long)]
    format: Option<FileFormat>,

    #[command(flatten)]
    filter: FilterArgs,

    #[command(flatten)]
    target: TargetArgs,
}

/// The outcome of an export.
struct Exported<W> {
    output: W,
    merchants: u64,
    revision: u64,
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
    let written = if to_stdout {
        let written = write_all(&target, request, BufWriter::new(terminal::Stdout), format).await;
        written.map(|written| (written.merchants, written.revision))
    } else {
        write_file(&target, request, &args.file, format).await
    };
    target.close().await?;
    let (merchants, revision) = written?;
    let merchants = terminal::count(merchants, "merchant", "merchants");
    terminal::err(format!("{merchants} written, as of revision {revision}\n"));
    Ok(())
}

async fn write_file(
    target: &Target,
    request: wire::ExportMerchantsRequest,
    path: &Path,
    format: FileFormat,
) -> Result<(u64, u64), CliError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let cannot_write =
        |error: io::Error| CliError::cannot_create(format!("cannot write {}: {error}", path.display()));
    let file = BufWriter::new(File::create(&unfinished).map_err(cannot_write)?);
    let written = match write_all(target, request, file, format).await {
        Ok(written) => written,
        Err(error) => {
            // The first error is the one to report.
            drop(std::fs::remove_file(&unfinished));
            return Err(error);
        }
    };
    let file = written.output.into_inner().map_err(|error| cannot_write(error.into_error()))?;
    file.sync_all().map_err(cannot_write)?;
    std::fs::rename(&unfinished, path).map_err(cannot_write)?;
    Ok((written.merchants, written.revision))
}

async fn write_all<W: Write>(
    target: &Target,
    request: wire::ExportMerchantsRequest,
    output: W,
    format: FileFormat,
) -> Result<Exported<W>, CliError> {
    let mut writer = Writer::new(output, format)?;
    let call = target.client().export_merchants(request).await;
    let mut messages = call.map_err(|error| CliError::of_call(&error, filter::flag_of))?;
    let (mut merchants, mut revision) = (0, 0);
    while let Some(message) = messages.message().await? {
        revision = message.revision;
        for merchant in &message.merchants {
            writer.write(merchant)?;
            merchants += 1;
        }
    }
    let mut output = writer.finish()?;
    output.flush()?;
    Ok(Exported { output, merchants, revision })
}
