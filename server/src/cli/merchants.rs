//! `nearby get`, `nearby put` and `nearby delete`.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit::CliError,
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

    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
pub(super) struct DeleteArgs {
    /// Id of the merchant
    id: String,

    /// Remove it only if this is still its etag
    #[arg(long, default_value = "")]
    etag: String,

    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn get(args: GetArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let mut client = target.merchants();
    for id in &args.ids {
        let merchant =
            client.get_merchant(wire::GetMerchantRequest { name: name_of(id) }).await?.into_inner();
        print(&merchant)?;
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
    let target = Target::open(&args.target, Missing::Create).await?;
    let mut client = target.merchants();
    for merchant in merchants {
        let request = wire::UpdateMerchantRequest {
            merchant: Some(merchant),
            update_mask: Some(nearby_proto::well_known::FieldMask { paths: vec!["*".to_owned()] }),
            allow_missing: true,
        };
        print(&client.update_merchant(request).await?.into_inner())?;
    }
    target.close().await
}

pub(super) async fn delete(args: DeleteArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, Missing::Refuse).await?;
    let request = wire::DeleteMerchantRequest { name: name_of(&args.id), etag: args.etag };
    target.merchants().delete_merchant(request).await?;
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
