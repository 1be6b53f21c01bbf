//! `nearby cluster upgrade`: raises the format of the log.

use clap::Args;
use nearby_proto::v1 as wire;
use serde::Serialize;

use super::{REMEDY, print};
use crate::cli::{exit_code::CliError, target::ServerAddress};

#[derive(Args, Debug)]
pub(in crate::cli) struct UpgradeArgs {
    /// The format, which every node must be able to read
    #[arg(long, value_name = "NUMBER")]
    format: u16,

    #[command(flatten)]
    server: ServerAddress,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Upgraded {
    format: u16,
    sequence: u64,
}

pub(super) async fn run(args: UpgradeArgs) -> Result<(), CliError> {
    let client = args.server.connect(REMEDY).await?;
    let request = wire::UpgradeClusterFormatRequest { format: args.format.into() };
    let sequence = client.upgrade_cluster_format(request).await?.sequence;
    let upgraded = Upgraded { format: args.format, sequence };
    print(args.json, &upgraded, || format!("messages after {sequence} have the format {}\n", args.format))
}
