//! The state of a node, for other threads than the commit thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use nearby_cluster::{
    announcement::Announcement,
    identity::{ClusterId, NodeName},
    log::{LogInfo, Monotonic},
    protocol::{Blocked, Status},
};
use nearby_index::Revision;
use tokio::{sync::watch, time::timeout};

use super::brokers::Broker;
use crate::{clock::Monotonic as MonotonicClock, error::ServiceError};

/// Acceptance of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteState {
    /// Changes are accepted.
    Writable,
    /// Changes are rejected for now.
    NoQuorum(&'static str),
    /// Changes are rejected until the fault has ended. The text is its label.
    Fault(&'static str),
}

impl WriteState {
    /// The error of changes.
    ///
    /// # Errors
    /// Unless changes are accepted.
    pub fn check(self) -> Result<(), ServiceError> {
        match self {
            Self::Writable => Ok(()),
            Self::NoQuorum(reason) => Err(ServiceError::NoQuorum(reason)),
            Self::Fault(label) => Err(ServiceError::ClusterFault(label)),
        }
    }
}

/// The state of a cluster as a node knows it.
#[derive(Clone, Debug)]
pub struct ClusterState {
    /// State of the node.
    pub status: Status,
    /// Revision of its last change.
    pub revision: Revision,
    /// Newest format of messages that it reads.
    pub max_format: u16,
    /// The reason that it decides nothing now, if there is one.
    pub blocked: Option<Blocked>,
    /// The latest description of the log by its leader.
    pub log: Option<LogInfo>,
    /// True if it is of the last two seconds.
    pub has_leader: bool,
    /// Changes of the leading broker since the start.
    pub leader_changes: u64,
    /// Time since the start in which no changes were accepted.
    pub unwritable: Duration,
    /// The peers for which imports wait.
    pub slow_peers: Vec<NodeName>,
    /// The last announcement of each other node that was heard of lately, and its clock minus ours, in microseconds.
    pub peers: Vec<(Announcement, i64)>,
}

/// The state of a node. Clones share it.
#[derive(Clone, Debug)]
pub struct ClusterView(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cluster: ClusterId,
    node: NodeName,
    stream: String,
    address: String,
    clock: MonotonicClock,
    start: Instant,
    brokers: ArcSwap<Vec<Broker>>,
    state: ArcSwapOption<ClusterState>,
    write_state: watch::Sender<WriteState>,
    /// True if the node is close enough to the end of the log to serve searches.
    is_current: watch::Sender<bool>,
    /// True if imports are to wait for a peer.
    has_slow_peer: watch::Sender<bool>,
    /// Microseconds after `start` since which something newer is known, plus one; 0 if nothing is.
    stale_since_us: AtomicU64,
}

impl ClusterView {
    /// The view of a node that knows nothing yet.
    #[must_use]
    pub fn new(
        cluster: ClusterId,
        node: NodeName,
        (stream, address): (String, String),
        clock: MonotonicClock,
    ) -> Self {
        Self(Arc::new(Shared {
            cluster,
            node,
            stream,
            address,
            start: clock.now(),
            clock,
            brokers: ArcSwap::default(),
            state: ArcSwapOption::empty(),
            // Changes are accepted from the start: they wait until the node may decide.
            write_state: watch::Sender::new(WriteState::Writable),
            is_current: watch::Sender::new(true),
            has_slow_peer: watch::Sender::new(false),
            stale_since_us: AtomicU64::new(0),
        }))
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> ClusterId {
        self.0.cluster
    }

    /// The node.
    #[must_use]
    pub fn node(&self) -> &NodeName {
        &self.0.node
    }

    /// Name of the stream.
    #[must_use]
    pub fn stream(&self) -> &str {
        &self.0.stream
    }

    /// Address of the node for others.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// The brokers, as they were when they were asked last.
    #[must_use]
    pub fn brokers(&self) -> Arc<Vec<Broker>> {
        self.0.brokers.load_full()
    }

    pub(crate) fn set_brokers(&self, brokers: Vec<Broker>) {
        self.0.brokers.store(Arc::new(brokers));
    }

    /// The time since the node has started.
    #[must_use]
    pub fn now(&self) -> Monotonic {
        self.0.clock.now().saturating_duration_since(self.0.start)
    }

    /// The latest state; `None` until the commit thread runs.
    #[must_use]
    pub fn state(&self) -> Option<Arc<ClusterState>> {
        self.0.state.load_full()
    }

    /// Returns whether the node accepts changes, or the reason.
    #[must_use]
    pub fn write_state(&self) -> WriteState {
        *self.0.write_state.borrow()
    }

    /// Wakes at every change of the write state.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<WriteState> {
        self.0.write_state.subscribe()
    }

    /// Returns whether the node is close enough to the end of the log to serve searches.
    #[must_use]
    pub fn is_current(&self) -> bool {
        *self.0.is_current.borrow()
    }

    /// Wakes when [`Self::is_current`] changes.
    #[must_use]
    pub fn subscribe_current(&self) -> watch::Receiver<bool> {
        self.0.is_current.subscribe()
    }

    /// Milliseconds for which the node has known of something newer than it has applied; `None` if it knows of nothing.
    #[must_use]
    pub fn staleness_ms(&self) -> Option<u64> {
        let since_us = self.0.stale_since_us.load(Ordering::Relaxed).checked_sub(1)?;
        Some(micros(self.now()).saturating_sub(since_us) / 1_000)
    }

    /// Waits until no peer is more than two seconds behind, or `limit` has passed. An import that overtakes the nodes that apply it
    /// makes their searches stale, and a fault then loses more. Returns the time that has passed.
    pub async fn wait_for_slow_peers(&self, limit: Duration) -> Duration {
        let mut has_slow_peer = self.0.has_slow_peer.subscribe();
        let start = Instant::now();
        // Either way the import goes on.
        drop(timeout(limit, has_slow_peer.wait_for(|has_slow_peer| !has_slow_peer)).await);
        start.elapsed()
    }

    pub(crate) fn set_stale_since(&self, since: Option<Monotonic>) {
        self.0.stale_since_us.store(since.map_or(0, |since| micros(since) + 1), Ordering::Relaxed);
    }

    pub(crate) fn set_write_state(&self, to: WriteState) {
        self.0.write_state.send_if_modified(|state| {
            let before = std::mem::replace(state, to);
            match to {
                WriteState::NoQuorum(reason) if before != to => {
                    tracing::warn!(reason, "changes are rejected; searches go on");
                }
                WriteState::Writable if before != to => tracing::info!("changes are accepted again"),
                _ => {}
            }
            before != to
        });
    }

    pub(crate) fn set_state(&self, state: ClusterState, is_current: bool) {
        let has_slow_peer = !state.slow_peers.is_empty();
        self.0.state.store(Some(Arc::new(state)));
        self.0.has_slow_peer.send_if_modified(|had| std::mem::replace(had, has_slow_peer) != has_slow_peer);
        self.0.is_current.send_if_modified(|current| std::mem::replace(current, is_current) != is_current);
    }
}

fn micros(time: Monotonic) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX - 1)
}
