//! `nearby cluster heal`: publishes again what the log has lost.

use clap::Args;
use nearby_proto::v1 as wire;
use serde::Serialize;

use super::{REMEDY, print};
use crate::cli::{escape, exit_code::CliError, target::ServerAddress, terminal};

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
    /// Names of nodes that have applied more.
    ahead: Vec<String>,
}

pub(super) async fn run(args: HealArgs) -> Result<(), CliError> {
    let client = args.server.connect(REMEDY).await?;
    let wire::HealClusterResponse { republished } = client.heal_cluster(wire::HealClusterRequest {}).await?;
    // Nodes that have applied more restore the rest.
    let status = client.get_cluster_status(wire::GetClusterStatusRequest {}).await?;
    let own = status.nodes.iter().find(|node| node.name == status.node).map_or(0, |node| node.applied);
    let ahead = status.nodes.iter().filter(|node| node.applied > own && node.fault == "rewound");
    let ahead: Vec<String> = ahead.map(|node| escape::value(&node.name).into_owned()).collect();
    print(args.json, &Healed { republished, ahead: ahead.clone() }, || report(republished, &ahead))
}

fn report(republished: u64, ahead: &[String]) -> String {
    let said = if republished == 0 {
        "nothing was published: the log has everything that this node has applied\n".to_owned()
    } else {
        format!("{} published again\n", terminal::count(republished, "message", "messages"))
    };
    match ahead {
        [] => said,
        names => format!("{said}these nodes have applied more, heal there as well: {}\n", names.join(", ")),
    }
}
