//! A server as a node of a cluster: its settings, and what it knows of the cluster.
//!
//! The protocol is in the crate `nearby-cluster`; the commit thread runs it.
//!
//! | module | contents |
//! |---|---|
//! | `brokers` | the brokers, as their monitoring endpoints describe them |
//! | `settings` | [`ClusterSettings`], and the connection that follows from them |
//! | `view` | [`ClusterView`]: the state of the node, for other threads |
//! | `staleness` | how long the node has known of something newer |
//! | `slow_peers` | the peers for which imports wait |

pub mod brokers;
pub mod settings;
pub(crate) mod slow_peers;
pub mod staleness;
pub mod view;

use std::sync::Arc;

use nearby_cluster::{archive::Archive, log::CommitLog, protocol::Config, replica::Position};
use tokio::sync::Notify;

pub use self::{
    settings::ClusterSettings,
    view::{ClusterView, WriteState},
};

/// Parts of the commit thread of a node.
pub struct ClusterParts {
    /// Settings of the protocol.
    pub config: Config,
    /// The log.
    pub log: Box<dyn CommitLog + Send>,
    /// Notified when the log has an event.
    pub wake: Arc<Notify>,
    /// The position of the store.
    pub position: Position,
    /// The last messages.
    pub archive: Archive,
    /// Receives the state.
    pub view: ClusterView,
}
