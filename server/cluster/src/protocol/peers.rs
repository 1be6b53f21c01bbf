//! The announcements of all nodes.

use std::{collections::BTreeMap, time::Duration};

use nearby_index::UnixMicros;

use crate::{
    announcement::Announcement,
    identity::{NodeName, ProcessId, Sequence},
    log::Monotonic,
};

/// Time for which a node counts that announces nothing more.
pub(super) const PEER_TIMEOUT: Duration = Duration::from_secs(10);
/// Our own announcements must come back without a longer break …
const MAX_ECHO_BREAK: Duration = Duration::from_secs(2);
/// … for so long: three announcements of each peer were received meanwhile, or could have been.
const LISTENING_TIME: Duration = Duration::from_millis(1_500);

/// Another node.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its last announcement.
    pub announcement: Announcement,
    /// Time of arrival.
    pub heard: Monotonic,
    /// Its clock minus ours, in microseconds.
    pub clock_offset: i64,
}

/// All nodes that announce themselves.
#[derive(Debug, Default)]
pub(super) struct Peers {
    pub(super) by_name: BTreeMap<NodeName, Peer>,
    /// Time of sending of the first and the last of our announcements that came back without a break.
    echoes: Option<(Monotonic, Monotonic)>,
}

impl Peers {
    /// Records that one of our announcements came back. The time of sending counts: a buffered one proves nothing.
    pub(super) fn echoed(&mut self, sent: Monotonic) {
        self.echoes = match self.echoes {
            Some((_, last)) if sent <= last => return,
            Some((first, last)) if sent - last <= MAX_ECHO_BREAK => Some((first, sent)),
            _ => Some((sent, sent)),
        };
    }

    /// Returns whether we would have heard of peers that are ahead.
    pub(super) fn is_listening(&self, now: Monotonic) -> bool {
        self.echoes.is_some_and(|(first, last)| {
            now.saturating_sub(last) <= MAX_ECHO_BREAK && last.saturating_sub(first) >= LISTENING_TIME
        })
    }

    pub(super) fn heard(&mut self, announcement: Announcement, now: Monotonic, clock: UnixMicros) {
        let clock_offset = announcement.clock.0.saturating_sub(clock.0);
        let peer = Peer { heard: now, clock_offset, announcement };
        self.by_name.insert(peer.announcement.node.clone(), peer);
    }

    /// Peers that were heard lately.
    pub(super) fn present(&self, now: Monotonic) -> impl Iterator<Item = &Peer> {
        self.by_name.values().filter(move |peer| now.saturating_sub(peer.heard) <= PEER_TIMEOUT)
    }

    /// The peer that is furthest ahead of a sequence.
    pub(super) fn ahead(&self, applied: Sequence, now: Monotonic) -> Option<&Peer> {
        let ahead = self.present(now).filter(|peer| peer.announcement.applied > applied);
        ahead.max_by_key(|peer| peer.announcement.applied)
    }

    /// The median of all clocks minus ours, in microseconds. Our own clock is one of them: of three nodes, only the one whose
    /// clock is wrong differs from the median.
    pub(super) fn clock_offset(&self, now: Monotonic) -> i64 {
        let mut offsets: Vec<i64> = self.present(now).map(|peer| peer.clock_offset).chain([0]).collect();
        offsets.sort_unstable();
        let upper = offsets.len() / 2;
        let lower = (offsets.len() - 1) / 2;
        offsets[lower] / 2 + offsets[upper] / 2
    }
}

/// Returns whether an announcement is from another process under our name.
pub(super) fn is_duplicate(announcement: &Announcement, name: &NodeName, process: ProcessId) -> bool {
    announcement.node == *name && announcement.process != process
}
