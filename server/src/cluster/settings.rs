//! Settings of a node of a cluster.

use std::path::PathBuf;

use nearby_cluster::jetstream::JetStreamSettings;

/// Settings of a node that have been checked.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// The brokers, the stream, and the name of the node.
    pub brokers: JetStreamSettings,
    /// Address of this node for others; `None` for the one that it listens on.
    pub address: Option<String>,
    /// Monitoring endpoints of the brokers.
    pub monitors: Vec<String>,
    /// File of the API key for other nodes.
    pub peer_key: Option<PathBuf>,
    /// Certificate authorities of other nodes.
    pub peer_ca: Option<PathBuf>,
    /// Messages that the node may lack and still be ready.
    pub max_lag: u64,
}
