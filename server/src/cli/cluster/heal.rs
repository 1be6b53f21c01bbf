//! `nearby cluster heal`: publishes again what the log has lost.

use clap::Args;
use nearby_client::Code;
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
    /// Addresses of nodes that have applied more.
    ahead: Vec<String>,
}

pub(super) async fn run(args: HealArgs) -> Result<(), CliError> {
    let client = args.server.connect(REMEDY).await?;
    let republished = loop {
        match client.heal_cluster(wire::HealClusterRequest {}).await {
            Ok(healed) => break healed.republished,
            // The node goes on: it publishes a message per round trip to the brokers.
            Err(error) if error.code() == Code::DeadlineExceeded => {}
            Err(error) => return Err(error.into()),
        }
    };
    let status = client.get_cluster_status(wire::GetClusterStatusRequest {}).await.ok();
    let ahead = status.map(|status| nodes_ahead(&status)).unwrap_or_default();
    let healed = Healed { republished, ahead };
    print(args.json, &healed, || report(&healed))
}

/// Returns the addresses of nodes that have applied more, and can restore the rest.
fn nodes_ahead(status: &wire::GetClusterStatusResponse) -> Vec<String> {
    let own = status.nodes.iter().find(|node| node.name == status.node).map_or(0, |node| node.applied);
    let ahead = status.nodes.iter().filter(|node| node.applied > own && node.fault == "rewound");
    ahead.map(|node| node.address.clone()).collect()
}

fn report(healed: &Healed) -> String {
    let Healed { republished, ahead } = healed;
    let mut text = match republished {
        0 => "the log has everything that this node has applied\n".to_owned(),
        count => format!("{} published again\n", terminal::count(*count, "message", "messages")),
    };
    for address in ahead {
        let address = escape::value(address);
        text +=
            &format!("another node has applied more: run `nearby cluster heal --server {address}` as well\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_can_restore_more_are_named() {
        let node = |name: &str, applied, fault: &str| wire::ClusterNode {
            name: name.to_owned(),
            address: format!("http://{name}"),
            applied,
            fault: fault.to_owned(),
            ..wire::ClusterNode::default()
        };
        let nodes =
            vec![node("a", 7, ""), node("b", 9, "rewound"), node("c", 9, "rewritten"), node("d", 7, "")];
        let status = wire::GetClusterStatusResponse {
            node: "a".to_owned(),
            nodes,
            ..wire::GetClusterStatusResponse::default()
        };
        let healed = Healed { republished: 2, ahead: nodes_ahead(&status) };
        let expected = "2 messages published again\n\
                        another node has applied more: run `nearby cluster heal --server http://b` as well\n";
        assert_eq!(report(&healed), expected);
        let nothing = Healed { republished: 0, ahead: Vec::new() };
        assert_eq!(report(&nothing), "the log has everything that this node has applied\n");
    }
}
