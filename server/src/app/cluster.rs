//! Starts a node of a cluster: checks that its store is a member, and connects to the log.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc};

use nearby_cluster::{
    archive::{Archive, ArchiveLimits},
    identity::{ClusterId, ProcessId, Sequence},
    jetstream::{JetStreamLog, required_settings},
    message::NEWEST_FORMAT,
    protocol::Config,
    replica::Position,
};
use nearby_store::LogPosition;
use tokio::runtime::Handle;

use super::{
    Progress,
    bootstrap::{self, Compared},
    error::StartError,
    startup::{self, OpenStore},
};
use crate::{
    clock,
    cluster::{ClusterParts, ClusterSettings, ClusterView},
    config::Settings,
    page_token::HistoryId,
    record,
};

/// Directory of the last messages of the log, in the data directory.
pub(crate) const ARCHIVE: &str = "cluster-log";

/// Opens the store, and connects to the log of the cluster that it belongs to. A node that lacks messages which the log no longer
/// contains becomes a copy of another one first. Without a listener, no connection is made.
pub(super) async fn open(
    settings: &Settings,
    progress: &Progress,
    listens_on: Option<SocketAddr>,
) -> Result<(OpenStore, Option<ClusterParts>), StartError> {
    let mut opened = open_store(settings, progress).await?;
    let Some(listens_on) = listens_on else { return Ok((opened, None)) };
    if let (Some(cluster), Some(position)) = (&settings.cluster, opened.position) {
        match bootstrap::compare(cluster, &position).await {
            Compared::Current => {}
            Compared::Other(found) => {
                let stream = cluster.brokers.stream.clone();
                return Err(StartError::OtherCluster { stream, found, own: ClusterId(position.cluster) });
            }
            Compared::Behind(first) => {
                drop(opened);
                copy_another(settings, cluster, (&position, first)).await;
                opened = open_store(settings, progress).await?;
            }
        }
    }
    // Kept messages are cut to the position, which is not the right one if the store is damaged.
    let is_damaged = opened.health.failure().is_some();
    let (settings, position) = (settings.clone(), opened.position);
    let runtime = Handle::current();
    // Reads all kept messages.
    let connecting = tokio::task::spawn_blocking(move || {
        let _entered = runtime.enter();
        node(&settings, (position.as_ref(), is_damaged), listens_on)
    });
    let parts = connecting.await.map_err(|error| StartError::Internal(error.to_string()))??;
    Ok((opened, parts))
}

/// Replaces the copy of a node that is behind. Without another node, searches are served as of what is here.
async fn copy_another(
    settings: &Settings,
    cluster: &ClusterSettings,
    (position, first): (&LogPosition, Sequence),
) {
    let applied = position.sequence;
    tracing::warn!(applied, "the log no longer contains the next message; copying another node");
    match bootstrap::refresh(&settings.data_dir, cluster, (ClusterId(position.cluster), first)).await {
        Ok(copied) => tracing::info!(applied = copied.sequence, "copied another node"),
        Err(error) => {
            tracing::error!(%error, "cannot copy another node; restart this one when there is another");
        }
    }
}

async fn open_store(settings: &Settings, progress: &Progress) -> Result<OpenStore, StartError> {
    let (settings, progress) = (settings.clone(), progress.clone());
    let opening = tokio::task::spawn_blocking(move || startup::open(&settings, &progress));
    opening.await.map_err(|error| StartError::Internal(error.to_string()))?
}

/// The parts of a node: none for a single node, whose store must belong to no cluster.
fn node(
    settings: &Settings,
    (position, is_damaged): (Option<&LogPosition>, bool),
    listens_on: SocketAddr,
) -> Result<Option<ClusterParts>, StartError> {
    let data_dir = || settings.data_dir.clone();
    match (&settings.cluster, position) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(StartError::Member { data_dir: data_dir() }),
        (Some(_), None) => Err(StartError::NotAMember { data_dir: data_dir() }),
        (Some(_), Some(_)) if is_damaged => {
            tracing::error!("the store is damaged or read-only: this server is no node of its cluster");
            Ok(None)
        }
        (Some(cluster), Some(position)) => {
            if cluster.address.is_none() && listens_on.ip().is_unspecified() {
                return Err(StartError::NoClusterAddress);
            }
            let scheme = if settings.tls.is_some() { "https" } else { "http" };
            let address = cluster.address.clone().unwrap_or_else(|| format!("{scheme}://{listens_on}"));
            connect(cluster, position, &settings.data_dir, address).map(Some)
        }
    }
}

/// Connects to the log, which missing brokers do not prevent.
fn connect(
    settings: &ClusterSettings,
    position: &LogPosition,
    data_dir: &Path,
    address: String,
) -> Result<ClusterParts, StartError> {
    let internal = |error: &dyn std::fmt::Display| StartError::Internal(error.to_string());
    let cluster = ClusterId(position.cluster);
    let position = Position::from(position);
    let brokers = settings.brokers.clone();
    if brokers.allow_older_brokers {
        tracing::warn!("brokers of unsupported releases are accepted");
    }
    let archive = Archive::open(&data_dir.join(ARCHIVE), ArchiveLimits::default(), position.applied)
        .map_err(|error| internal(&error))?;
    let mut process = [0; 16];
    getrandom::fill(&mut process).map_err(|error| internal(&error))?;
    let config = Config {
        cluster,
        node: brokers.node.clone(),
        process: ProcessId(process),
        address,
        max_format: NEWEST_FORMAT,
        settings: required_settings(&brokers, cluster),
        max_lag: settings.max_lag,
        derive_fields: Arc::new(|stored| record::derive_fields(stored).0),
    };
    let names = (brokers.stream.clone(), config.address.clone());
    let view = ClusterView::new(cluster, brokers.node.clone(), names, clock::Monotonic::system());
    let log = JetStreamLog::connect(brokers, &Handle::current()).map_err(|error| internal(&error))?;
    tracing::info!(%cluster, node = %config.node, applied = position.applied.0, "node of a cluster");
    Ok(ClusterParts { config, wake: log.wake(), log: Box::new(log), position, archive, view })
}

/// Keeps the last messages of a cluster that is replaced under another name.
pub(crate) fn keep_archive(data_dir: &Path, cluster: ClusterId) -> io::Result<()> {
    let archive = data_dir.join(ARCHIVE);
    if !archive.is_dir() {
        return Ok(());
    }
    // An earlier attempt may have kept some.
    let name = |number: u32| data_dir.join(format!("{ARCHIVE}-{cluster}-{number}"));
    let free = (1..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0));
    fs::rename(archive, free)
}

/// Removes the files of a node from a directory that belongs to a cluster no longer. Its history of revisions is a new one: the
/// cluster goes on with other changes.
pub(crate) fn remove_files(data_dir: &Path) -> io::Result<()> {
    let ignore_missing = |result: io::Result<()>| match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    };
    ignore_missing(fs::remove_dir_all(data_dir.join(ARCHIVE)))?;
    ignore_missing(fs::remove_file(data_dir.join(HistoryId::FILE)))
}
