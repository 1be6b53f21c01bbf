//! Errors of starting and stopping a server.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use nearby_cluster::identity::ClusterId;
use nearby_store::StoreError;
use thiserror::Error;

use crate::{auth::AuthConfigError, config::Setting, net::tls::TlsError, opening_hours::HolidayError};

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}, {setting}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: Setting,
        /// The cause.
        source: io::Error,
    },
    /// A file beside the store cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file of holidays is not valid.
    #[error("cannot use the file of {setting}, {}: {source}", .path.as_deref().unwrap_or(Path::new("")).display(), setting = Setting("holidays"))]
    Holidays {
        /// The file.
        path: Option<PathBuf>,
        /// The cause.
        source: HolidayError,
    },
    /// Authentication cannot be set up.
    #[error(transparent)]
    Auth(#[from] AuthConfigError),
    /// Tracing cannot be set up.
    #[error("invalid {setting}: {reason}", setting = Setting("otlp_endpoint"))]
    Traces {
        /// The cause.
        reason: String,
    },
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store is damaged.
    #[error("{fault}\n{}", remedies(.data_dir))]
    Damaged {
        /// The damage.
        fault: StoreError,
        /// The directory of the store.
        data_dir: PathBuf,
    },
    /// The store is the copy of a node of a cluster.
    #[error(
        "{} belongs to a cluster: start the server with --cluster and --cluster-node, or run `nearby cluster leave --data-dir {}` to \
         make it the store of a single node", .data_dir.display(), .data_dir.display()
    )]
    Member {
        /// The directory of the store.
        data_dir: PathBuf,
    },
    /// The stream is the log of another cluster.
    #[error(
        "the stream {stream} is the log of {}, and the data directory belongs to the cluster {own}; set --cluster-stream and --cluster to \
         those of that cluster", .found.map_or_else(|| "no cluster".to_owned(), |id| format!("the cluster {id}"))
    )]
    OtherCluster {
        /// Name of the stream.
        stream: String,
        /// Its cluster.
        found: Option<ClusterId>,
        /// The cluster of the directory.
        own: ClusterId,
    },
    /// Other nodes would not know the address of this one.
    #[error(
        "{} is required with a listener on all addresses: other nodes call this one there",
        Setting("cluster_address")
    )]
    NoClusterAddress,
    /// The store belongs to no cluster.
    #[error(
        "{} belongs to no cluster: run `nearby cluster join` to make it a copy of a running node, or `nearby cluster init` to begin \
         a cluster with its content", .data_dir.display()
    )]
    NotAMember {
        /// The directory of the store.
        data_dir: PathBuf,
    },
    /// A fault of this program or of the system.
    #[error("cannot start: {0}")]
    Internal(String),
}

/// Remedies for a damaged store.
fn remedies(data_dir: &Path) -> String {
    let directory = data_dir.display();
    format!(
        "Nothing in it was changed. Keep it as it is until its merchants are safe:\n  \
         nearby verify {directory}                                       lists all damage\n  \
         nearby restore BACKUP --data-dir NEW_DIRECTORY            restores a backup\n  \
         nearby serve --serve-damaged-read-only --data-dir {directory}   serves the intact part, read-only\n  \
         nearby backup --salvage BACKUPS --data-dir {directory}          backs up the intact part, to be restored"
    )
}

/// Calls were still in flight at the end of the grace period and were cut off. No acknowledged change is lost.
#[derive(Debug, Error)]
#[error("calls were still in flight after the grace period of {} s and were cut off", .0.as_secs())]
pub struct GracePeriodExceeded(pub(super) Duration);
