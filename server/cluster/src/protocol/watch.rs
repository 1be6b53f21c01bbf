//! The state of the log, as its leader describes it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    identity::Sequence,
    log::{LogInfo, Monotonic},
};

/// Age at which a description no longer says where the log ends.
const MAX_INFO_AGE: Duration = Duration::from_secs(2);
/// Time for which the log must end before what we have until it counts as rewound: a deposed leader that does not know yet
/// answers so too, for at most ten seconds.
const REWIND_TIMEOUT: Duration = Duration::from_secs(15);
/// Time after which a copy that lags behind is reported.
const LAGGING_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests whose time is remembered.
const MAX_REQUESTS: usize = 64;

/// Requests for the state of the log, and the latest answer of the leader.
#[derive(Debug, Default)]
pub(super) struct Watch {
    requests: BTreeMap<u64, Monotonic>,
    next_request: u64,
    /// Time of the request, and the answer.
    latest: Option<(Monotonic, LogInfo)>,
    rewound_since: Option<Monotonic>,
    /// Times of the first and the last answer without a break that there is no log.
    missing: Option<(Monotonic, Monotonic)>,
    lagging_since: Option<Monotonic>,
}

/// Meaning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inspected {
    /// The leader's, and newer than all before.
    Latest {
        /// Another leader has been elected since the answer before, or may have been: the log may have lost messages, and others
        /// may have been stored in their place.
        is_interrupted: bool,
    },
    /// There is no leader, and there was none when the latest answer was requested.
    NoLeader,
    /// An answer to a later request is known.
    Outdated,
}

impl Watch {
    /// Records a request and returns its number.
    pub(super) fn request(&mut self, now: Monotonic) -> u64 {
        self.next_request += 1;
        self.requests.insert(self.next_request, now);
        if self.requests.len() > MAX_REQUESTS {
            self.requests.pop_first();
        }
        self.next_request
    }

    /// Records an answer. An answer is as old as its request, whenever it arrives.
    pub(super) fn answered(&mut self, request: u64, info: LogInfo, now: Monotonic) -> Inspected {
        let Some(sent) = self.requests.remove(&request) else { return Inspected::Outdated };
        self.missing = None;
        let is_outdated = self.latest.as_ref().is_some_and(|(latest, _)| *latest > sent);
        if !info.is_authoritative {
            self.rewound_since = None;
            return if is_outdated { Inspected::Outdated } else { Inspected::NoLeader };
        }
        if is_outdated {
            return Inspected::Outdated;
        }
        if info.lagging.is_empty() {
            self.lagging_since = None;
        } else {
            self.lagging_since.get_or_insert(now);
        }
        let is_interrupted = self.latest.as_ref().is_some_and(|(before, latest)| {
            let is_same = (&latest.leader, latest.incarnation) == (&info.leader, info.incarnation);
            // An election takes at least four seconds, unless the leader hands over.
            !is_same || sent - *before > MAX_INFO_AGE
        });
        if is_interrupted {
            self.rewound_since = None;
        }
        self.latest = Some((sent, info));
        Inspected::Latest { is_interrupted }
    }

    /// Time of the request for the latest answer.
    pub(super) fn requested(&self) -> Monotonic {
        self.latest.as_ref().map(|(sent, _)| *sent).unwrap_or_default()
    }

    /// Records that the brokers know of no log. Returns whether they have said so for too long: after their start they may not know it
    /// yet.
    pub(super) fn is_missing(&mut self, request: u64, now: Monotonic) -> bool {
        if self.requests.remove(&request).is_none() {
            return false;
        }
        self.rewound_since = None;
        let since = match self.missing {
            Some((since, last)) if now.saturating_sub(last) <= MAX_INFO_AGE => since,
            _ => now,
        };
        self.missing = Some((since, now));
        now.saturating_sub(since) >= REWIND_TIMEOUT
    }

    /// The latest answer to a request since a time.
    pub(super) fn since(&self, time: Monotonic) -> Option<&LogInfo> {
        self.latest.as_ref().filter(|(sent, _)| *sent >= time).map(|(_, info)| info)
    }

    /// The latest answer, unless it is too old to say where the log ends.
    pub(super) fn fresh(&self, now: Monotonic) -> Option<&LogInfo> {
        self.since(now.saturating_sub(MAX_INFO_AGE))
    }

    /// The end of the log as far as it is known.
    pub(super) fn last(&self) -> Sequence {
        self.latest.as_ref().map(|(_, info)| info.last).unwrap_or_default()
    }

    /// Returns whether the log has ended before a position for too long.
    pub(super) fn is_rewound(&mut self, applied: Sequence, now: Monotonic) -> bool {
        if self.last() >= applied {
            self.rewound_since = None;
            return false;
        }
        let since = *self.rewound_since.get_or_insert(now);
        now.saturating_sub(since) >= REWIND_TIMEOUT
    }

    /// Returns whether copies of the log have lagged behind for too long: redundancy is lost.
    pub(super) fn has_lost_redundancy(&self, now: Monotonic) -> bool {
        self.lagging_since.is_some_and(|since| now.saturating_sub(since) >= LAGGING_TIMEOUT)
    }
}
