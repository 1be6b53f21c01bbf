//! `nearby cluster status`: the nodes, the log and the brokers.

use std::fmt::Write;

use clap::Args;
use comfy_table::{Table, presets};
use nearby_proto::v1::{self as wire, cluster_node::State};
use serde::Serialize;

use super::{REMEDY, print};
use crate::cli::{escape, exit_code::CliError, target::ServerAddress};

#[derive(Args, Debug)]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    server: ServerAddress,

    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Status {
    cluster: String,
    stream: String,
    /// The node that was asked.
    node: String,
    first: Option<u64>,
    last: Option<u64>,
    leader: Option<String>,
    lagging: Vec<String>,
    format: u32,
    has_lost_redundancy: bool,
    nodes: Vec<Node>,
    brokers: Vec<Broker>,
}

#[derive(Serialize)]
struct Node {
    name: String,
    address: String,
    applied: u64,
    lag: u64,
    state: &'static str,
    fault: String,
    blocked: String,
    revision: u64,
    clock_offset_us: i64,
    max_format: u32,
}

#[derive(Serialize)]
struct Broker {
    url: String,
    name: String,
    version: String,
    syncs: bool,
    error: String,
}

pub(super) async fn run(args: StatusArgs) -> Result<(), CliError> {
    let client = args.server.connect(REMEDY).await?;
    let status = of_response(client.get_cluster_status(wire::GetClusterStatusRequest {}).await?);
    print(args.json, &status, || report(&status))
}

fn of_response(response: wire::GetClusterStatusResponse) -> Status {
    let log = response.log;
    Status {
        cluster: response.cluster_id,
        stream: response.stream,
        node: response.node,
        first: log.as_ref().map(|log| log.first),
        last: log.as_ref().map(|log| log.last),
        leader: log.as_ref().map(|log| log.leader.clone()),
        lagging: log.map(|log| log.lagging).unwrap_or_default(),
        format: response.format,
        has_lost_redundancy: response.has_lost_redundancy,
        nodes: response.nodes.into_iter().map(node).collect(),
        brokers: response.brokers.into_iter().map(broker).collect(),
    }
}

fn node(node: wire::ClusterNode) -> Node {
    let state = match node.state() {
        State::Unspecified => "unknown",
        State::Joining => "joining",
        State::CatchingUp => "catching-up",
        State::Serving => "serving",
        State::NoQuorum => "no-quorum",
        State::Draining => "draining",
        State::Faulty => "faulty",
    };
    Node {
        state,
        name: node.name,
        address: node.address,
        applied: node.applied,
        lag: node.lag,
        fault: node.fault,
        blocked: node.blocked,
        revision: node.revision,
        clock_offset_us: node.clock_offset_us,
        max_format: node.max_format,
    }
}

fn broker(broker: wire::ClusterBroker) -> Broker {
    let wire::ClusterBroker { monitor: url, name, version, syncs, error } = broker;
    Broker { url, name, version, syncs, error }
}

fn report(status: &Status) -> String {
    let mut text = format!("cluster {} · stream {}", status.cluster, escape::value(&status.stream));
    // Writing to a string cannot fail.
    let _ = match (status.first, status.last, &status.leader) {
        (Some(first), Some(last), Some(leader)) if leader.is_empty() => {
            writeln!(text, " · messages {first} to {last} when the brokers had a leader · no leader")
        }
        (Some(first), Some(last), Some(leader)) => {
            writeln!(text, " · messages {first} to {last} · leader {}", escape::value(leader))
        }
        _ => writeln!(text, " · the brokers have not answered {}", status.node),
    };
    let mut nodes = table(&["node", "state", "applied", "lag", "revision", "clock", "address", "blocked"]);
    for node in &status.nodes {
        let state =
            if node.fault.is_empty() { node.state.to_owned() } else { format!("faulty: {}", node.fault) };
        nodes.add_row([
            escape::value(&node.name).into_owned(),
            escape::value(&state).into_owned(),
            node.applied.to_string(),
            node.lag.to_string(),
            node.revision.to_string(),
            format!("{:+} ms", node.clock_offset_us / 1_000),
            escape::value(&node.address).into_owned(),
            escape::value(&node.blocked).into_owned(),
        ]);
    }
    let _ = writeln!(text, "{nodes}");
    if !status.brokers.is_empty() {
        let mut brokers = table(&["broker", "version", "syncs each message", "monitor"]);
        for broker in &status.brokers {
            let syncs = match (broker.error.is_empty(), broker.syncs) {
                (false, _) => broker.error.as_str(),
                (true, true) => "yes",
                (true, false) => "NO: set sync_interval: always",
            };
            brokers.add_row([&broker.name, &broker.version, syncs, &broker.url].map(escape::value));
        }
        let _ = writeln!(text, "{brokers}");
    }
    let confirmed = status.brokers.iter().filter(|broker| broker.syncs).count();
    let _ = match status.brokers.len() {
        0 => {
            writeln!(text, "whether the brokers sync is unknown: name their monitors with --cluster-monitors")
        }
        count => writeln!(text, "{confirmed} of {count} brokers confirmed to sync"),
    };
    if !status.lagging.is_empty() {
        let since = if status.has_lost_redundancy { " for half a minute: redundancy is lost" } else { "" };
        let _ =
            writeln!(text, "copies that lag behind{since}: {}", escape::value(&status.lagging.join(", ")));
    }
    text
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(head);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_faults_and_brokers_that_do_not_sync() {
        let node = |name: &str, fault: &str| wire::ClusterNode {
            name: name.to_owned(),
            applied: 42,
            state: if fault.is_empty() { State::Serving } else { State::Faulty }.into(),
            fault: fault.to_owned(),
            ..wire::ClusterNode::default()
        };
        let broker = |name: &str, syncs, error: &str| wire::ClusterBroker {
            name: name.to_owned(),
            syncs,
            error: error.to_owned(),
            ..wire::ClusterBroker::default()
        };
        let response = wire::GetClusterStatusResponse {
            cluster_id: "id".to_owned(),
            stream: "NEARBY".to_owned(),
            node: "a".to_owned(),
            nodes: vec![node("a", ""), node("b", "rewound")],
            log: Some(wire::ClusterLog {
                first: 1,
                last: 43,
                leader: "n2".to_owned(),
                lagging: vec!["n3".to_owned()],
            }),
            brokers: vec![broker("n1", true, ""), broker("n2", false, ""), broker("", false, "refused")],
            format: 1,
            has_lost_redundancy: true,
        };
        let report = report(&of_response(response.clone()));
        for part in [
            "messages 1 to 43 · leader n2",
            "serving",
            "faulty: rewound",
            "NO: set sync_interval: always",
            "refused",
            "1 of 3 brokers confirmed",
            "redundancy is lost: n3",
        ] {
            assert!(report.contains(part), "{part}: {report}");
        }
        let log = Some(wire::ClusterLog { first: 1, last: 43, ..wire::ClusterLog::default() });
        let leaderless =
            super::report(&of_response(wire::GetClusterStatusResponse { log, ..response.clone() }));
        assert!(leaderless.contains("when the brokers had a leader · no leader"), "{leaderless}");
        let unknown = super::report(&of_response(wire::GetClusterStatusResponse { log: None, ..response }));
        assert!(unknown.contains("the brokers have not answered a"), "{unknown}");
    }
}
