//! The state of a node, for operators.

use std::time::Duration;

use super::{chain::Void, fault::Fault};
use crate::{announcement::NodeState, replica::Position};

/// Numbers of events since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Commits of this node that were stored.
    pub commits: u64,
    /// Commits of this node that were decided again.
    pub conflicts: u64,
    /// Proposals that were sent again.
    pub republished: u64,
    /// Proposals that were stored at a sequence at which they do not count.
    pub misplaced: u64,
    /// Messages that are none of this cluster's.
    pub stray: u64,
    /// Messages that were decided on another message than the one before them.
    pub stale: u64,
    /// Messages that were decided on another history.
    pub foreign_history: u64,
    /// Reads from the leader.
    pub leader_reads: u64,
    /// Deliveries that were started again.
    pub follows: u64,
    /// Announcements of peers with another history than the log's.
    pub peer_mismatches: u64,
    /// Announcements of another process under the name of this node.
    pub duplicates: u64,
}

impl Counters {
    pub(super) fn count(&mut self, void: Void) {
        let counter = match void {
            Void::Stray => &mut self.stray,
            Void::Stale => &mut self.stale,
            Void::ForeignHistory => &mut self.foreign_history,
        };
        *counter += 1;
    }
}

/// State of a node, for operators.
#[derive(Clone, Debug)]
pub struct Status {
    /// The state.
    pub state: NodeState,
    /// The fault, if there is one.
    pub fault: Option<Fault>,
    /// Position of the local copy.
    pub position: Position,
    /// Messages that the log is known to contain beyond it.
    pub lag: u64,
    /// Age of the publish in flight.
    pub in_flight: Option<Duration>,
    /// The median of all clocks minus ours, in microseconds.
    pub clock_offset: i64,
    /// True if copies of the log have lagged behind for half a minute.
    pub has_lost_redundancy: bool,
    /// Numbers of events.
    pub counters: Counters,
}
