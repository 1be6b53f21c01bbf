//! `nearby export`.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit::CliError,
    form_of,
    target::{Missing, Target, TargetArgs},
    terminal,
};
use crate::files::{FileFormat, Writer};

#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// File to write, replaced only once it is whole; - writes to standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Form of the file [default: told by its name; ndjson on standard output]
    #[arg(long)]
    format: Option<FileFormat>,

    #[command(flatten)]
    target: TargetArgs,
}

/// Page by page: what changes meanwhile may be in the file in its old or in its new form.
pub(super) async fn run(args: ExportArgs) -> Result<(), CliError> {
    let to_stdout = args.file == Path::new("-");
    let name = args.file.to_string_lossy().to_ascii_lowercase();
    if name.ends_with(".gz") || name.ends_with(".zst") {
        return Err(CliError::usage(
            "export writes plain files: leave .gz or .zst off the name and compress the file",
        ));
    }
    let said = args.format.or(to_stdout.then_some(FileFormat::Ndjson));
    let format = form_of(said, &args.file)?;
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let written = if to_stdout {
        write_all(&target, BufWriter::new(terminal::Stdout), format).await.map(|(count, _)| count)
    } else {
        write_file(&target, &args.file, format).await
    };
    target.close().await?;
    let count = written?;
    terminal::err(format!("{} written\n", terminal::count(count, "merchant", "merchants")));
    Ok(())
}

async fn write_file(target: &Target, path: &Path, format: FileFormat) -> Result<u64, CliError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let cannot =
        |error: io::Error| CliError::cannot_create(format!("cannot write {}: {error}", path.display()));
    let file = BufWriter::new(File::create(&unfinished).map_err(cannot)?);
    let (count, file) = match write_all(target, file, format).await {
        Ok(written) => written,
        Err(error) => {
            // The fault that is being reported comes first.
            drop(std::fs::remove_file(&unfinished));
            return Err(error);
        }
    };
    let file = file.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.sync_all().map_err(cannot)?;
    std::fs::rename(&unfinished, path).map_err(cannot)?;
    Ok(count)
}

async fn write_all<W: Write>(target: &Target, output: W, format: FileFormat) -> Result<(u64, W), CliError> {
    let mut writer = Writer::new(output, format)?;
    let mut client = target.merchants();
    let mut request = wire::ListMerchantsRequest { page_size: 1_000, page_token: String::new() };
    let mut count = 0;
    loop {
        let page = client.list_merchants(request.clone()).await?.into_inner();
        for merchant in &page.merchants {
            writer.write(merchant)?;
            count += 1;
        }
        if page.next_page_token.is_empty() {
            let mut output = writer.finish()?;
            output.flush()?;
            return Ok((count, output));
        }
        request.page_token = page.next_page_token;
    }
}
