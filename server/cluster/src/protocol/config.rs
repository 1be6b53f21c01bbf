//! Settings and time.

use std::{collections::BTreeMap, fmt, sync::Arc};

use nearby_index::{StoredMerchant, UnixMicros};

use crate::{
    identity::{ClusterId, NodeName, ProcessId},
    log::Monotonic,
};

/// Derives the fields of a decoded record; see [`nearby_store::DeriveFields`].
pub type SharedDeriveFields = Arc<dyn Fn(StoredMerchant) -> StoredMerchant + Send + Sync>;

/// Settings of a node.
#[derive(Clone)]
pub struct Config {
    /// The cluster.
    pub cluster: ClusterId,
    /// Name of this node.
    pub node: NodeName,
    /// This run of the node.
    pub process: ProcessId,
    /// Address of this node for other nodes.
    pub address: String,
    /// Newest format of messages that this node reads.
    pub max_format: u16,
    /// Settings that the log must have.
    pub settings: BTreeMap<String, String>,
    /// Messages that a node may lack and still be ready.
    pub max_lag: u64,
    /// Derives the fields of decoded records.
    pub derive_fields: SharedDeriveFields,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cluster, node, process, address, max_format, settings, max_lag, .. } = self;
        f.debug_struct("Config")
            .field("cluster", cluster)
            .field("node", node)
            .field("process", process)
            .field("address", address)
            .field("max_format", max_format)
            .field("settings", settings)
            .field("max_lag", max_lag)
            .finish_non_exhaustive()
    }
}

/// The current time.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For timers.
    pub monotonic: Monotonic,
    /// For times of commits.
    pub clock: UnixMicros,
}
