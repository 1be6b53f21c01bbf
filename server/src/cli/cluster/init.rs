//! `nearby cluster init`: creates the log of a cluster.
//!
//! It can be repeated whenever it was interrupted: the directory is a member from the first step on, and keeps its cluster.

use clap::Args;
use nearby_cluster::{
    identity::{ClusterId, CommitId, ProcessId, Sequence},
    jetstream::{Administrator, LogShape},
    message::{Header, Message, NEWEST_FORMAT},
};
use nearby_store::{StateDigest, Store};
use serde::Serialize;

use super::{
    member::{self, MemberArgs},
    print,
};
use crate::{cli::exit_code::CliError, clock, record};

#[derive(Args, Debug)]
pub(in crate::cli) struct InitArgs {
    #[command(flatten)]
    member: MemberArgs,

    /// Copies of the log, each at another broker: 1, 3 or 5
    #[arg(long, default_value_t = 3, value_name = "NUMBER")]
    replicas: usize,

    /// Size of the log at which its oldest messages are discarded, in GiB
    #[arg(long, default_value_t = 64, value_name = "GIB")]
    max_gib: u32,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Created {
    cluster: String,
    stream: String,
    sequence: u64,
}

pub(super) async fn run(args: InitArgs) -> Result<(), CliError> {
    let InitArgs { member, replicas, max_gib, json } = args;
    if ![1, 3, 5].contains(&replicas) || max_gib == 0 {
        return Err(CliError::usage("--replicas must be 1, 3 or 5, and --max-gib above 0"));
    }
    let (settings, cluster) = member.settings()?;
    let administrator = Administrator::connect(&cluster.brokers).await?;
    let log = administrator.describe().await?;
    let (mut store, state) = member::open(&settings)?;
    let id = match (state.position, log) {
        (Some(position), _) => ClusterId(position.cluster),
        (None, Some(log)) if log.last > Sequence::ZERO => {
            return Err(CliError::data(format!(
                "the stream {} is the log of {} already: run `nearby cluster join`, or choose another --cluster-stream",
                cluster.brokers.stream,
                log.cluster.map_or_else(|| "another program".to_owned(), |id| format!("the cluster {id}")),
            )));
        }
        // Left by an earlier attempt in another directory.
        (None, Some(log)) if log.cluster.is_some() => log.cluster.unwrap_or(ClusterId([0; 16])),
        (None, _) => ClusterId(uuid::Uuid::new_v4().into_bytes()),
    };
    if state.position.is_none() {
        member::mark(&mut store, id)?;
    }
    let shape = LogShape { replicas, max_bytes: i64::from(max_gib) << 30, first: Sequence(1) };
    administrator.create(id, shape).await?;
    let commit = CommitId { process: ProcessId(uuid::Uuid::new_v4().into_bytes()), counter: 0 };
    let genesis =
        Header::genesis(id, (commit, cluster.brokers.node.clone()), store.digest(), clock::system()());
    let message = genesis.encode_empty().map_err(|error| CliError::data(error.to_string()))?;
    let applied = state.position.map_or(0, |position| position.sequence);
    if !(applied == 0 && administrator.publish(Sequence::ZERO, message).await?) {
        check_genesis(&administrator, id, (applied == 0).then(|| store.digest())).await?;
    }
    let created = Created { cluster: id.to_string(), stream: cluster.brokers.stream, sequence: 1 };
    print(json, &created, || {
        let Created { cluster, stream, .. } = &created;
        format!(
            "cluster {cluster}: its log is the stream {stream}, and {} is its first member; start `nearby serve` with the same \
             settings\n",
            settings.data_dir.display()
        )
    })
}

/// Checks that the first message of a log is that of this cluster, and begins with a state if it is still the first one kept.
async fn check_genesis(
    administrator: &Administrator,
    id: ClusterId,
    state: Option<StateDigest>,
) -> Result<(), CliError> {
    let Some(bytes) = administrator.read(Sequence(1)).await? else { return Ok(()) };
    let derive_fields = |stored| record::derive_fields(stored).0;
    let genesis = Message::decode(&bytes, id, NEWEST_FORMAT, &derive_fields)
        .map_err(|error| CliError::data(format!("the log does not begin as a cluster's: {error}")))?;
    match state {
        Some(state) if genesis.header.after != state => Err(CliError::data(
            "the log of this cluster begins with other merchants than those of this directory: run `nearby cluster leave`, then \
             `nearby cluster join`",
        )),
        _ => Ok(()),
    }
}
