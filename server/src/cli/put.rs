//! `nearby put`: creates or replaces merchants.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    single_merchant::print,
    target::{IfMissing, Target, TargetArgs},
};

#[derive(Args, Debug)]
pub(super) struct PutArgs {
    /// File with one or more nearby.v1.Merchant as JSON; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Check the merchants and print the result, but store nothing
    #[arg(long)]
    validate_only: bool,

    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: PutArgs) -> Result<(), CliError> {
    let text = read(&args.file)?;
    let text = text.trim_start_matches('\u{feff}');
    let merchants = serde_json::Deserializer::from_str(text).into_iter::<wire::Merchant>();
    let merchants = merchants.collect::<Result<Vec<_>, _>>().map_err(|error| {
        CliError::data(format!(
            "{} does not contain nearby.v1.Merchant as JSON: {error}",
            args.file.display()
        ))
    })?;
    // A check must not create a store.
    let if_missing = if args.validate_only { IfMissing::Fail } else { IfMissing::Create };
    let target = Target::open(&args.target, if_missing).await?;
    for merchant in merchants {
        let request = wire::UpdateMerchantRequest {
            merchant: Some(merchant),
            update_mask: Some(nearby_proto::well_known::FieldMask { paths: vec!["*".to_owned()] }),
            allow_missing: true,
            validate_only: args.validate_only,
            ..Default::default()
        };
        print(&target.client().update_merchant(request).await?)?;
    }
    target.close().await
}

fn read(path: &Path) -> Result<String, CliError> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path)
        .map_err(|error| CliError::no_input(format!("cannot read {}: {error}", path.display())))
}
