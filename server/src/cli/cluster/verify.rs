//! `nearby cluster verify`: compares the contents of all nodes as of one commit.

use std::time::{Duration, Instant};

use clap::Args;
use nearby_client::Client;
use nearby_proto::v1::{self as wire, cluster_node::State};
use serde::Serialize;
use tokio::{task::JoinSet, time::sleep};

use super::{REMEDY, print};
use crate::{
    cli::{escape, exit_code::CliError, target::ServerAddress, terminal},
    reason,
};

/// Commits from now to the one that is compared: all nodes must have been asked before they reach it. With two thousand commits
/// per second, this is an eighth of a second; without other writes, empty commits take about as long.
const AHEAD: u64 = 256;
/// Attempts, each with a later commit: some node has passed the one that was chosen.
const MAX_ATTEMPTS: u64 = 5;
/// Limit for all nodes to reach the commit and to compute their hash: servers end a unary call after a minute.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Limit for nodes to become ready: they join again after a change of the leading broker, and when a machine is busy.
const READY_TIMEOUT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(500);

#[derive(Args, Debug)]
pub(in crate::cli) struct VerifyArgs {
    #[command(flatten)]
    server: ServerAddress,

    /// Number of nodes that the cluster must have; others may be down, and are then not compared
    #[arg(long, value_name = "NUMBER")]
    expect: Option<usize>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Verified {
    sequence: u64,
    equal: bool,
    nodes: Vec<NodeHash>,
}

#[derive(Serialize)]
struct NodeHash {
    name: String,
    hash: String,
    records: u64,
    /// The fault because of which it is not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

pub(super) async fn run(args: VerifyArgs) -> Result<(), CliError> {
    let verified = verify(&args.server).await?;
    if let Some(expected) = args.expect.filter(|expected| *expected != verified.nodes.len()) {
        let found = verified.nodes.len();
        return Err(CliError::data(format!("{found} of {expected} nodes announce themselves")));
    }
    print(args.json, &verified, || report(&verified))?;
    if verified.equal {
        Ok(())
    } else {
        Err(CliError::data("the nodes have different contents, or could not all be compared"))
    }
}

async fn verify(server: &ServerAddress) -> Result<Verified, CliError> {
    let first = server.connect(REMEDY).await?;
    let status = status_when_ready(&first).await?;
    let mut clients: Vec<(String, Client)> = Vec::new();
    // A node with a fault applies nothing more, and will never be as far as the others.
    let (faulty, sound): (Vec<_>, Vec<_>) = status.nodes.iter().partition(|node| !node.fault.is_empty());
    if faulty.iter().any(|node| node.name == status.node) {
        return Err(CliError::data(format!("the node {} has a fault; ask another one", status.node)));
    }
    for node in sound {
        let remedy = format!("the node {} must run, and be reachable from here", node.name);
        let client = if node.name == status.node {
            first.clone()
        } else {
            server.at(&node.address).connect(&remedy).await?
        };
        clients.push((node.name.clone(), client.with_deadline(TIMEOUT)));
    }
    let mut attempt = 1;
    loop {
        let status = first.get_cluster_status(wire::GetClusterStatusRequest {}).await?;
        let applied = status.nodes.iter().map(|node| node.applied).max().unwrap_or_default();
        let sequence = applied + AHEAD * attempt;
        match hashes(&clients, (sequence, &status.node)).await {
            Ok(mut nodes) => {
                let equal = faulty.is_empty()
                    && nodes
                        .windows(2)
                        .all(|pair| (&pair[0].hash, pair[0].records) == (&pair[1].hash, pair[1].records));
                nodes.extend(faulty.iter().map(|node| NodeHash {
                    name: node.name.clone(),
                    hash: String::new(),
                    records: 0,
                    fault: Some(node.fault.clone()),
                }));
                return Ok(Verified { sequence, equal, nodes });
            }
            Err(HashError::Passed) if attempt < MAX_ATTEMPTS => attempt += 1,
            Err(HashError::Passed) => {
                return Err(CliError::data("the nodes commit too fast to be compared; retry"));
            }
            Err(HashError::Other(error)) => return Err(error),
        }
    }
}

/// Waits until all nodes without a fault can be compared: without a majority the log does not grow, and no message is reached.
async fn status_when_ready(client: &Client) -> Result<wire::GetClusterStatusResponse, CliError> {
    let start = Instant::now();
    loop {
        let status = client.get_cluster_status(wire::GetClusterStatusRequest {}).await?;
        let is_ready = |state| matches!(state, State::Serving | State::CatchingUp);
        let Some(node) = status.nodes.iter().find(|node| node.fault.is_empty() && !is_ready(node.state()))
        else {
            return Ok(status);
        };
        if start.elapsed() >= READY_TIMEOUT {
            let reason = match node.blocked.as_str() {
                "" => "it is joining, stopping or without a majority of the brokers",
                blocked => blocked,
            };
            return Err(CliError::unavailable(format!(
                "the node {} cannot be compared now: {reason}",
                node.name
            )));
        }
        sleep(POLL).await;
    }
}

/// The nodes could not be compared.
enum HashError {
    /// A node has passed the message.
    Passed,
    Other(CliError),
}

/// Asks all nodes at once. One of them commits nothing until the log is long enough.
async fn hashes(
    clients: &[(String, Client)],
    (sequence, advancing): (u64, &str),
) -> Result<Vec<NodeHash>, HashError> {
    let mut asking = JoinSet::new();
    for (name, client) in clients.iter().cloned() {
        let request = wire::HashContentsRequest { sequence, advance: name == advancing };
        asking.spawn(async move { (client.hash_contents(request).await, name) });
    }
    let mut nodes = Vec::new();
    while let Some(Ok((hashed, name))) = asking.join_next().await {
        let hashed = hashed.map_err(|error| match error.reason() {
            Some(found) if found == reason::CLUSTER_OPERATION_FAILED.as_str() => HashError::Passed,
            _ => HashError::Other(error.into()),
        })?;
        let wire::HashContentsResponse { hash, records, node, .. } = hashed;
        if node != name {
            // Several nodes that announce one address would be compared with themselves.
            return Err(HashError::Other(CliError::data(format!(
                "the address of the node {name} leads to {node}: set --cluster-address on {name}"
            ))));
        }
        nodes.push(NodeHash { name, hash, records, fault: None });
    }
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(nodes)
}

fn report(verified: &Verified) -> String {
    let lines = verified.nodes.iter().map(|node| {
        let records = match &node.fault {
            Some(fault) => format!("not compared: it has the fault {fault}"),
            None => terminal::count(node.records, "record", "records"),
        };
        format!("{}  {}  {records}\n", node.hash, escape::value(&node.name))
    });
    let nodes = terminal::count(verified.nodes.len() as u64, "node", "nodes");
    let result = if verified.equal { format!("{nodes}, all equal") } else { "THE NODES DIFFER".to_owned() };
    lines.chain([format!("{result} as of message {}\n", verified.sequence)]).collect()
}
