//! `nearby get`, `nearby put`, `nearby hide`, `nearby show` and `nearby delete`.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    target::{Missing, Target, TargetArgs},
    terminal,
};

#[derive(Args, Debug)]
pub(super) struct GetArgs {
    /// Ids of the merchants
    #[arg(required = true)]
    ids: Vec<String>,

    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
pub(super) struct PutArgs {
    /// File with one or more nearby.v1.Merchant in JSON; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Check the merchants and print what they would be, but store nothing
    #[arg(long)]
    validate_only: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// Which merchant to hide, show or delete.
#[derive(Args, Debug)]
pub(super) struct OneArgs {
    /// Id of the merchant
    id: String,

    /// Do it only if this is still its etag
    #[arg(long, default_value = "")]
    etag: String,

    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn get(args: GetArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, Missing::Refuse).await?;
    for id in &args.ids {
        print(&target.client().get_merchant(wire::GetMerchantRequest { name: name_of(id) }).await?)?;
    }
    target.close().await
}

pub(super) async fn put(args: PutArgs) -> Result<(), CliError> {
    let text = read(&args.file)?;
    let text = text.trim_start_matches('\u{feff}');
    let merchants = serde_json::Deserializer::from_str(text).into_iter::<wire::Merchant>();
    let merchants = merchants.collect::<Result<Vec<_>, _>>().map_err(|error| {
        CliError::data(format!("{} does not hold nearby.v1.Merchant in JSON: {error}", args.file.display()))
    })?;
    // Who only checks wants nothing made.
    let missing = if args.validate_only { Missing::Refuse } else { Missing::Create };
    let target = Target::open(&args.target, missing).await?;
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

pub(super) async fn hide(args: OneArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let request =
        wire::HideMerchantRequest { name: name_of(&args.id), etag: args.etag, ..Default::default() };
    print(&target.client().hide_merchant(request).await?)?;
    target.close().await
}

pub(super) async fn show(args: OneArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let request =
        wire::ShowMerchantRequest { name: name_of(&args.id), etag: args.etag, ..Default::default() };
    print(&target.client().show_merchant(request).await?)?;
    target.close().await
}

pub(super) async fn delete(args: OneArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let request =
        wire::DeleteMerchantRequest { name: name_of(&args.id), etag: args.etag, ..Default::default() };
    target.client().delete_merchant(request).await?;
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

fn print(merchant: &wire::Merchant) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(merchant).map_err(io::Error::from)?;
    Ok(terminal::out(format!("{text}\n"))?)
}

/// Both `cafe` and `merchants/cafe` are understood.
fn name_of(id: &str) -> String {
    if id.starts_with("merchants/") { id.to_owned() } else { format!("merchants/{id}") }
}
