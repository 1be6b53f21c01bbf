//! Bootstrap of a node: an exact copy of another one takes the place of its store.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use nearby_client::{Access, Client};
use nearby_cluster::{
    announcement::NodeState,
    identity::{ClusterId, Sequence},
    jetstream::{Administrator, JetStreamError, LogDescription},
    message::{Message, MessageError, NEWEST_FORMAT},
};
use nearby_store::{LogPosition, StateDigest, StoreError, backup, prepare_staging, replace_store};
use thiserror::Error;
use tokio::{task::spawn_blocking, time::timeout};

use super::receive_backup::{ReceiveError, receive_backup};
use crate::{cluster::ClusterSettings, record};

/// Time for the announcements of all nodes, which send two a second.
const LISTEN_TIME: Duration = Duration::from_millis(1_500);
/// Limit for the question whether the log has everything that a node lacks. Missing brokers do not keep searches waiting.
const BEHIND_TIMEOUT: Duration = Duration::from_secs(3);
/// File of the copy while it is received, in the data directory.
const RECEIVED: &str = "bootstrap.tmp";

/// A node cannot be bootstrapped.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// The brokers do not answer, or their answer is unexpected.
    #[error(transparent)]
    Brokers(#[from] JetStreamError),
    /// There is nothing to join.
    #[error("{0}")]
    NothingToJoin(String),
    /// The other node does not send its copy.
    #[error("cannot copy the node {node}: {reason}")]
    Peer {
        /// Its address.
        node: String,
        /// The cause.
        reason: String,
    },
    /// The copy cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The copy cannot be stored.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// The content that a new node begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A copy of the node at this address.
    Node(String),
    /// The log: it contains all messages, and the cluster began empty.
    Log,
}

/// Finds the cluster of the brokers, and the content for a new node.
pub(crate) async fn find(
    settings: &ClusterSettings,
    from: Option<String>,
) -> Result<(ClusterId, Source), BootstrapError> {
    let administrator = Administrator::connect(&settings.brokers).await?;
    let nothing = |text: String| BootstrapError::NothingToJoin(text);
    let stream = &settings.brokers.stream;
    let log = administrator.describe().await?.ok_or_else(|| {
        nothing(format!("the brokers have no stream {stream}: run `nearby cluster init` on the first node"))
    })?;
    let cluster =
        log.cluster.ok_or_else(|| nothing(format!("the stream {stream} is not the log of a cluster")))?;
    if let Some(node) = from {
        return Ok((cluster, Source::Node(node)));
    }
    // Only a node that will not be behind itself.
    let needed = Sequence(log.first.0.saturating_sub(1));
    if let Some(node) = freshest(&administrator, settings, (cluster, needed)).await? {
        return Ok((cluster, Source::Node(node)));
    }
    if begins_empty(&administrator, cluster, log).await? {
        return Ok((cluster, Source::Log));
    }
    Err(nothing("no node announces itself: start one, or name one with --from".to_owned()))
}

/// The address of the node that is furthest, of those without a fault and at least as far as is needed.
async fn freshest(
    administrator: &Administrator,
    settings: &ClusterSettings,
    (cluster, needed): (ClusterId, Sequence),
) -> Result<Option<String>, JetStreamError> {
    let announced = administrator.listen(cluster, LISTEN_TIME).await?;
    let others = announced
        .into_iter()
        .filter(|node| node.node != settings.brokers.node && node.state != NodeState::Faulty)
        .filter(|node| node.applied >= needed);
    Ok(others.max_by_key(|node| node.applied).map(|node| node.address))
}

/// Returns whether the log contains all messages, and the cluster began without merchants.
async fn begins_empty(
    administrator: &Administrator,
    cluster: ClusterId,
    log: LogDescription,
) -> Result<bool, BootstrapError> {
    if log.first > Sequence(1) || log.last == Sequence::ZERO {
        return Ok(false);
    }
    let genesis = genesis_state(administrator, cluster).await?;
    Ok(genesis.is_some_and(|state| state == Ok(StateDigest::default())))
}

/// Reads the state digest of the genesis. `None` if the log no longer contains message 1; the inner error if that message is not a
/// genesis of this cluster.
pub(crate) async fn genesis_state(
    administrator: &Administrator,
    cluster: ClusterId,
) -> Result<Option<Result<StateDigest, MessageError>>, JetStreamError> {
    let Some(bytes) = administrator.read(Sequence(1)).await? else { return Ok(None) };
    let derive_fields = |stored| record::derive_fields(stored).0;
    let genesis = Message::decode(&bytes, cluster, NEWEST_FORMAT, &derive_fields);
    Ok(Some(genesis.map(|genesis| genesis.header.after)))
}

/// The log, compared with a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// The log contains the message after the position, or the brokers do not answer soon.
    Current,
    /// The log begins with a later message.
    Behind(Sequence),
    /// The stream is the log of another cluster, or of none.
    Other(Option<ClusterId>),
}

/// Compares the log with a position.
pub(super) async fn compare(settings: &ClusterSettings, position: &LogPosition) -> Compared {
    let described =
        timeout(BEHIND_TIMEOUT, async { Administrator::connect(&settings.brokers).await?.describe().await });
    match described.await {
        Ok(Ok(Some(log))) => {
            if log.cluster != Some(ClusterId(position.cluster)) {
                Compared::Other(log.cluster)
            } else if log.first.0 > position.sequence + 1 {
                Compared::Behind(log.first)
            } else {
                Compared::Current
            }
        }
        _ => Compared::Current,
    }
}

/// Replaces the store of a node that is behind by a copy of the node that is furthest.
pub(super) async fn refresh(
    data_dir: &Path,
    settings: &ClusterSettings,
    (cluster, first): (ClusterId, Sequence),
) -> Result<LogPosition, BootstrapError> {
    let administrator = Administrator::connect(&settings.brokers).await?;
    let node = freshest(&administrator, settings, (cluster, Sequence(first.0.saturating_sub(1)))).await?;
    let nothing =
        || BootstrapError::NothingToJoin("no other node that is far enough announces itself".to_owned());
    copy(data_dir, settings, (cluster, &node.ok_or_else(nothing)?)).await
}

/// Replaces the store of a stopped node, or creates one, by an exact copy of a running node.
pub(crate) async fn copy(
    data_dir: &Path,
    settings: &ClusterSettings,
    (cluster, node): (ClusterId, &str),
) -> Result<LogPosition, BootstrapError> {
    let failed = |reason: String| BootstrapError::Peer { node: node.to_owned(), reason };
    let access = access(settings)?;
    let client = Client::connect_with(node, &access).await.map_err(|error| failed(error.to_string()))?;
    let received = data_dir.join(RECEIVED);
    let unusable = |source| BootstrapError::File { path: data_dir.join(RECEIVED), source };
    fs::create_dir_all(data_dir).map_err(unusable)?;
    receive_backup(&client, &received).await.map_err(|error| match error {
        ReceiveError::Call(error) => failed(error.to_string()),
        ReceiveError::File(source) => unusable(source),
    })?;
    let directory = data_dir.to_owned();
    let replaced = spawn_blocking(move || replace(&directory, cluster)).await;
    replaced.unwrap_or_else(|_| Err(failed("the copy was not completed".to_owned())))
}

/// Makes the received copy the store.
fn replace(data_dir: &Path, cluster: ClusterId) -> Result<LogPosition, BootstrapError> {
    let received = data_dir.join(RECEIVED);
    let (_, position) = backup::restore_exact(&received, &prepare_staging(data_dir)?)?;
    fs::remove_file(&received).map_err(|source| BootstrapError::File { path: received, source })?;
    if ClusterId(position.cluster) != cluster {
        let found = ClusterId(position.cluster);
        return Err(BootstrapError::NothingToJoin(format!(
            "the node belongs to the cluster {found}, and not to {cluster}"
        )));
    }
    replace_store(data_dir)?;
    Ok(position)
}

fn access(settings: &ClusterSettings) -> Result<Access, BootstrapError> {
    let read = |path: &PathBuf| {
        fs::read_to_string(path).map_err(|source| BootstrapError::File { path: path.clone(), source })
    };
    let mut access = Access::default();
    if let Some(path) = &settings.peer_ca {
        access = access.with_ca_certificate(read(path)?);
    }
    if let Some(path) = &settings.peer_key {
        access = access.with_api_key(&read(path)?).map_err(|error| BootstrapError::File {
            path: path.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
        })?;
    }
    Ok(access)
}
