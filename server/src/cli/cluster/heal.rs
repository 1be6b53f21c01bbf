//! `nearby cluster heal`: publishes again what the log has lost.

use clap::Args;
use nearby_proto::v1 as wire;
use serde::Serialize;

use super::{REMEDY, print};
use crate::cli::{exit_code::CliError, target::ServerAddress, terminal};

#[derive(Args, Debug)]
pub(in crate::cli) struct HealArgs {
    #[command(flatten)]
    server: ServerAddress,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Healed {
    republished: u64,
}

pub(super) async fn run(args: HealArgs) -> Result<(), CliError> {
    let client = args.server.connect(REMEDY).await?;
    let wire::HealClusterResponse { republished } = client.heal_cluster(wire::HealClusterRequest {}).await?;
    print(args.json, &Healed { republished }, || {
        format!("{} published again; the log is whole\n", terminal::count(republished, "message", "messages"))
    })
}
