//! `nearby cluster init`: creates the log of a cluster.
//!
//! It can be repeated whenever it was interrupted: the directory is a member from the first step on, and keeps its cluster.

use std::path::Path;

use clap::Args;
use nearby_cluster::{
    archive::{Archive, ArchiveLimits},
    identity::{ClusterId, CommitId, ProcessId, Sequence},
    jetstream::{Administrator, LogDescription, LogShape},
    message::Header,
};
use nearby_store::{DurableStore, LogPosition, RecoveredState, StateDigest, Store};
use serde::Serialize;

use super::{
    member::{self, MemberArgs},
    print,
};
use crate::{
    app::{bootstrap, cluster},
    cli::exit_code::CliError,
    clock,
    cluster::ClusterSettings,
    config::Settings,
};

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

    /// Begin a new cluster with the content of this member, and delete the log of the old one: of two histories, this one is right. The
    /// other nodes then join with --replace. The last messages of the old log are kept in the data directory, in cluster-log-ID
    #[arg(long)]
    replace: bool,

    /// Make the log of this member again, which its brokers have lost, from the first message that the data directory has kept. After
    /// that, `nearby cluster heal` publishes the messages
    #[arg(long, conflicts_with = "replace")]
    recreate: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Created {
    cluster: String,
    stream: String,
    sequence: u64,
    change: Change,
}

/// Effect of the command.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    /// The directory is the first member of a new cluster, or would have been after an interrupted attempt.
    Begun,
    /// The log was made again.
    Recreated,
    /// The directory is a member, and its log exists.
    None,
}

pub(super) async fn run(args: InitArgs) -> Result<(), CliError> {
    let InitArgs { member, replicas, max_gib, replace, recreate, json } = args;
    if ![1, 3, 5].contains(&replicas) || max_gib == 0 {
        return Err(CliError::usage("--replicas must be 1, 3 or 5, and --max-gib above 0"));
    }
    let (settings, cluster) = member.settings()?;
    let administrator = Administrator::connect(&cluster.brokers).await?;
    let log = administrator.describe().await?;
    let (mut store, mut state) = member::open(&settings)?;
    if replace {
        state.position = Some(begin_again(&mut store, (&settings, &state), log)?);
    }
    if recreate && state.position.is_none_or(|position| position.sequence == 0) {
        return Err(CliError::data(format!(
            "{} has applied no message of a log that could be made again; leave --recreate out, or check --data-dir",
            settings.data_dir.display()
        )));
    }
    let id = cluster_id(&state, log, &cluster)?;
    if state.position.is_none() {
        member::mark(&mut store, id)?;
    }
    if replace && log.is_some_and(|log| log.cluster != Some(id)) {
        administrator.delete().await?;
    }
    let stream = cluster.brokers.stream.clone();
    let (first, change) = match (log, state.position) {
        (None, Some(position)) if recreate => (first_kept(&settings, position)?, Change::Recreated),
        (None, Some(position)) if !replace && position.sequence > 0 => {
            return Err(CliError::data(format!(
                "{} is a member of the cluster {id}, and the brokers have no stream {stream}: check --cluster-stream, or if they have \
                 lost it, add --recreate",
                settings.data_dir.display()
            )));
        }
        (Some(_), Some(position)) if !replace && position.sequence > 0 => (Sequence(1), Change::None),
        _ => (Sequence(1), Change::Begun),
    };
    let shape = LogShape { replicas, max_bytes: i64::from(max_gib) << 30, first };
    administrator.create(id, shape).await?;
    let commit = CommitId { process: ProcessId(uuid::Uuid::new_v4().into_bytes()), counter: 0 };
    let genesis =
        Header::genesis(id, (commit, cluster.brokers.node.clone()), store.digest(), clock::system()());
    let message = genesis.encode_empty().map_err(|error| CliError::data(error.to_string()))?;
    let applied = state.position.map_or(0, |position| position.sequence);
    if !(applied == 0 && administrator.publish(Sequence::ZERO, message).await?) {
        check_genesis(&administrator, id, (applied == 0).then(|| store.digest())).await?;
    }
    let created = Created { cluster: id.to_string(), stream, sequence: first.0, change };
    print(json, &created, || report(&created, &settings.data_dir))
}

fn report(created: &Created, data_dir: &Path) -> String {
    let Created { cluster, stream, sequence, change } = created;
    let data_dir = data_dir.display();
    match change {
        Change::Begun => format!(
            "cluster {cluster}: its log is the stream {stream}, and {data_dir} is its first member; start `nearby serve` with the same \
             settings\n"
        ),
        Change::Recreated => format!(
            "cluster {cluster}: the stream {stream} begins with message {sequence}; start `nearby serve`, and run `nearby cluster heal` \
             when `nearby cluster status` shows the fault rewound\n"
        ),
        Change::None => format!(
            "nothing was changed: {data_dir} is a member of the cluster {cluster}, whose log is the stream {stream}\n"
        ),
    }
}

/// The cluster of the directory, or a new one.
fn cluster_id(
    state: &RecoveredState,
    log: Option<LogDescription>,
    settings: &ClusterSettings,
) -> Result<ClusterId, CliError> {
    match (state.position, log) {
        (Some(position), _) => Ok(ClusterId(position.cluster)),
        (None, Some(log)) if log.last > Sequence::ZERO => Err(CliError::data(format!(
            "the stream {} is the log of {} already: run `nearby cluster join`, or choose another --cluster-stream",
            settings.brokers.stream,
            log.cluster.map_or_else(|| "another program".to_owned(), |id| format!("the cluster {id}")),
        ))),
        // An earlier attempt, in another directory, has left an empty one.
        (None, log) => Ok(log.and_then(|log| log.cluster).unwrap_or_else(new_id)),
    }
}

fn new_id() -> ClusterId {
    ClusterId(uuid::Uuid::new_v4().into_bytes())
}

/// Makes a member the first one of a new cluster. An interrupted attempt has done so already.
fn begin_again(
    store: &mut DurableStore,
    (settings, state): (&Settings, &RecoveredState),
    log: Option<LogDescription>,
) -> Result<LogPosition, CliError> {
    let Some(position) = state.position else {
        return Err(CliError::data(format!(
            "{} belongs to no cluster that could be replaced; leave --replace out",
            settings.data_dir.display()
        )));
    };
    let old = ClusterId(position.cluster);
    if position.sequence == 0 && log.is_none_or(|log| log.cluster != Some(old)) {
        return Ok(position);
    }
    cluster::keep_archive(&settings.data_dir, old)?;
    member::mark(store, new_id())?;
    store.position().ok_or_else(|| CliError::data("the store has no position"))
}

/// The first message that this member has kept: a log that its brokers have lost as a whole is made again from there, and
/// `nearby cluster heal` publishes what the nodes have kept.
fn first_kept(settings: &Settings, position: LogPosition) -> Result<Sequence, CliError> {
    let applied = Sequence(position.sequence);
    let archive = Archive::open(&settings.data_dir.join(cluster::ARCHIVE), ArchiveLimits::default(), applied)
        .map_err(|error| CliError::data(error.to_string()))?;
    match (archive.first(), archive.last()) {
        (Some(first), Some(last)) if last == applied => Ok(first),
        _ => Err(CliError::data(
            "the brokers have lost the log, and this directory has not kept its last messages; run this command on another member, or \
             with --replace instead of --recreate to begin a new cluster with the content of this one",
        )),
    }
}

/// Checks that the first message of a log is that of this cluster, and begins with a state if it is still the first one kept.
async fn check_genesis(
    administrator: &Administrator,
    id: ClusterId,
    state: Option<StateDigest>,
) -> Result<(), CliError> {
    let Some(genesis) = bootstrap::genesis_state(administrator, id).await? else { return Ok(()) };
    let genesis =
        genesis.map_err(|error| CliError::data(format!("the log does not begin as a cluster's: {error}")))?;
    match state {
        Some(state) if genesis != state => Err(CliError::data(
            "the log of this cluster begins with other merchants than those of this directory: run `nearby cluster leave`, then \
             `nearby cluster join`",
        )),
        _ => Ok(()),
    }
}
