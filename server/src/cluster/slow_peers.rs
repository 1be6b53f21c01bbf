//! The peers that are so far behind that imports wait for them.

use std::{collections::VecDeque, time::Duration};

use nearby_cluster::{
    announcement::NodeState,
    identity::{NodeName, Sequence},
    log::Monotonic,
    protocol::Peer,
};

/// A peer is slow if it does not have what this node had applied so long before it announced itself.
const MAX_DELAY: Duration = Duration::from_secs(2);
/// Time for which a silent peer counts, and what this node had applied before its last announcement.
const REMEMBERED: Duration = Duration::from_secs(12);

/// Sequences that this node has applied in the last seconds.
#[derive(Debug, Default)]
pub(crate) struct SlowPeers {
    /// Ascending in both.
    applied: VecDeque<(Monotonic, Sequence)>,
}

impl SlowPeers {
    /// Records what this node has applied. Returns the slow ones of the peers that serve: others would hold up imports until they
    /// have caught up, or an operator has seen to them.
    pub(crate) fn update<'a>(
        &mut self,
        applied: Sequence,
        now: Monotonic,
        peers: impl Iterator<Item = &'a Peer>,
    ) -> Vec<NodeName> {
        self.applied.push_back((now, applied));
        let oldest = now.saturating_sub(REMEMBERED);
        while self.applied.get(1).is_some_and(|(at, _)| *at <= oldest) {
            self.applied.pop_front();
        }
        let is_slow = |peer: &&Peer| {
            let announcement = &peer.announcement;
            let serves = announcement.state == NodeState::Serving;
            serves && self.at(peer.heard.saturating_sub(MAX_DELAY)) > announcement.applied
        };
        peers.filter(is_slow).map(|peer| peer.announcement.node.clone()).collect()
    }

    /// The last sequence that was applied at a time; zero if it is not known.
    fn at(&self, time: Monotonic) -> Sequence {
        let after = self.applied.partition_point(|(at, _)| *at <= time);
        after.checked_sub(1).map_or(Sequence::ZERO, |last| self.applied[last].1)
    }
}

#[cfg(test)]
mod tests {
    use nearby_cluster::{
        announcement::Announcement,
        identity::{ClusterId, ProcessId},
        message::MessageHash,
    };
    use nearby_index::{Revision, UnixMicros};

    use super::*;

    fn peer(state: NodeState, applied: u64, heard: u64) -> Peer {
        let announcement = Announcement {
            cluster: ClusterId([1; 16]),
            node: NodeName::parse("peer").unwrap(),
            process: ProcessId([2; 16]),
            sent: Monotonic::ZERO,
            applied: Sequence(applied),
            hash: MessageHash::ZERO,
            revision: Revision(0),
            clock: UnixMicros(0),
            max_format: 1,
            state,
            address: String::new(),
            fault: String::new(),
        };
        Peer { announcement, heard: Duration::from_millis(heard), clock_offset: 0 }
    }

    #[test]
    fn a_peer_is_slow_that_lacks_what_was_applied_here_two_seconds_before_it_announced_itself() {
        let mut slow = SlowPeers::default();
        let mut is_slow = |applied: u64, now, peer: &Peer| {
            !slow.update(Sequence(applied), Duration::from_millis(now), [peer].into_iter()).is_empty()
        };
        let serving = |applied, heard| peer(NodeState::Serving, applied, heard);
        assert!(!is_slow(10, 1_000, &serving(1, 900)), "what was applied before is not known");
        assert!(!is_slow(20, 2_000, &serving(5, 1_900)));
        assert!(is_slow(30, 3_000, &serving(9, 3_000)));
        assert!(!is_slow(30, 3_100, &serving(10, 3_000)));
        assert!(is_slow(30, 13_000, &serving(19, 4_000)), "a silent one stays as it was");
        for state in [
            NodeState::CatchingUp,
            NodeState::Faulty,
            NodeState::Joining,
            NodeState::Draining,
            NodeState::NoQuorum,
        ] {
            assert!(!is_slow(30, 13_100, &peer(state, 1, 13_000)), "{state:?}");
        }
        assert!(!is_slow(30, 30_000, &serving(30, 30_000)));
        assert_eq!(slow.applied.len(), 2, "{slow:?}");
    }
}
