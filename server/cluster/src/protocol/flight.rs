//! The publish in flight: when to send it again.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    identity::{CommitId, Sequence},
    log::{Answer, Monotonic},
    message::Header,
    replica::ResolvedBatch,
};

/// Time after which a first attempt without an answer is repeated; more for each mebibyte, and twice as much each time, until there
/// is another leader.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
const TIMEOUT_PER_MIB: Duration = Duration::from_millis(500);
const MAX_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an attempt whose outcome depends on a message that is not known yet.
pub(super) const RETRY_AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// A commit that was proposed and whose outcome is not known. Only the message after its base tells.
#[derive(Debug)]
pub(super) struct Flight<T> {
    pub(super) header: Header,
    pub(super) batch: Arc<ResolvedBatch>,
    pub(super) message: Bytes,
    pub(super) ticket: T,
    pub(super) began: Monotonic,
    /// Numbers of the first and the last attempt: an answer to any of them is an answer to the same bytes.
    pub(super) attempts: (u64, u64),
    /// The leader of the log, if there is one, and the number of attempts since.
    leader: Option<String>,
    attempts_at_leader: u32,
    wait: Wait,
}

#[derive(Clone, Copy, Debug)]
enum Wait {
    Answer {
        until: Monotonic,
    },
    Pause {
        until: Monotonic,
    },
    /// The log ends before the base. Sent again once it does not.
    Rewound {
        until: Monotonic,
    },
}

/// Meaning of an answer for a commit in flight.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// The commit is the message after its base.
    Stored,
    /// Another message may be there.
    Behind,
    /// The commit will be proposed again.
    Pending,
    /// The commit will be proposed again once the log has its base. The log has lost messages, unless the answer is late.
    Shorter,
    /// The commit can never be stored.
    TooLarge,
}

impl<T> Flight<T> {
    pub(super) fn new(
        (header, batch, message): (Header, ResolvedBatch, Bytes),
        ticket: T,
        leader: Option<String>,
        now: Monotonic,
    ) -> Self {
        Self {
            header,
            batch: Arc::new(batch),
            message,
            ticket,
            began: now,
            attempts: (0, 0),
            leader,
            attempts_at_leader: 0,
            wait: Wait::Pause { until: now },
        }
    }

    pub(super) fn commit(&self) -> CommitId {
        self.header.commit
    }

    /// Sequence at which the commit counts.
    pub(super) fn target(&self) -> Sequence {
        self.header.base.next()
    }

    /// Number of attempts so far.
    pub(super) fn tries(&self) -> u32 {
        if self.attempts.0 == 0 {
            return 0;
        }
        u32::try_from(self.attempts.1 - self.attempts.0 + 1).unwrap_or(u32::MAX)
    }

    /// Returns whether the commit is to be proposed now. `last` is the end of the log.
    pub(super) fn is_due(&self, now: Monotonic, last: Sequence) -> bool {
        match self.wait {
            Wait::Answer { .. } => false,
            Wait::Pause { until } => now >= until,
            Wait::Rewound { until } => now >= until && last >= self.header.base,
        }
    }

    /// Returns whether an attempt waits for its answer.
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self.wait, Wait::Answer { .. })
    }

    /// Returns whether the last attempt has timed out.
    pub(super) fn has_timed_out(&self, now: Monotonic) -> bool {
        matches!(self.wait, Wait::Answer { until } if now >= until)
    }

    /// Time of the next decision. `last` is the end of the log: until it is far enough, there is nothing to decide.
    pub(super) fn timer(&self, last: Sequence) -> Option<Monotonic> {
        match self.wait {
            Wait::Answer { until } | Wait::Pause { until } => Some(until),
            Wait::Rewound { until } => (last >= self.header.base).then_some(until),
        }
    }

    /// Records an attempt.
    pub(super) fn sent(&mut self, attempt: u64, now: Monotonic) {
        if self.attempts.0 == 0 {
            self.attempts.0 = attempt;
        }
        self.attempts.1 = attempt;
        let mebibytes = u32::try_from(self.message.len() >> 20).unwrap_or(u32::MAX);
        let timeout = ATTEMPT_TIMEOUT + TIMEOUT_PER_MIB.saturating_mul(mebibytes);
        let timeout = timeout.saturating_mul(1 << self.attempts_at_leader.min(8)).min(MAX_ATTEMPT_TIMEOUT);
        self.attempts_at_leader += 1;
        self.wait = Wait::Answer { until: now + timeout };
    }

    /// Records the leader of the log. If a new one was elected, an attempt without an answer is sent again at once: the new leader may
    /// not have received it, and waiting for the timeout would double the time without writes.
    pub(super) fn is_led_by(&mut self, leader: Option<&str>, now: Monotonic) {
        if self.leader.as_deref() == leader {
            return;
        }
        self.leader = leader.map(str::to_owned);
        if leader.is_some() {
            self.attempts_at_leader = 0;
            if matches!(self.wait, Wait::Answer { .. }) {
                self.wait = Wait::Pause { until: now };
            }
        }
    }

    /// Waits for the message after the base before the commit is sent again.
    pub(super) fn wait_for_message(&mut self, now: Monotonic) {
        self.wait = Wait::Pause { until: now + RETRY_AFTER_CONFLICT };
    }

    /// Sends the commit again after a pause: its outcome is unknown.
    pub(super) fn back_off(&mut self, now: Monotonic) {
        let pause = Duration::from_millis(20 << self.tries().min(5));
        self.wait = Wait::Pause { until: now + pause };
    }

    /// Handles an answer to an attempt. Answers to attempts of other commits are ignored.
    pub(super) fn answered(&mut self, attempt: u64, answer: &Answer, now: Monotonic) -> Option<Resolution> {
        if !(self.attempts.0..=self.attempts.1).contains(&attempt) {
            return None;
        }
        let until = now + RETRY_AFTER_CONFLICT;
        Some(match answer {
            // Stored anywhere else it does not count, and the message after the base tells what became of it.
            Answer::Stored(sequence) if *sequence == self.target() => Resolution::Stored,
            Answer::Stored(_) => {
                self.wait = Wait::Pause { until };
                Resolution::Behind
            }
            Answer::WrongLast(last) if *last > self.header.base => {
                self.wait = Wait::Pause { until };
                Resolution::Behind
            }
            Answer::WrongLast(last) if *last < self.header.base => {
                self.wait = Wait::Rewound { until };
                Resolution::Shorter
            }
            Answer::WrongLast(_) | Answer::Refused(_) | Answer::Unknown(_) => {
                self.back_off(now);
                Resolution::Pending
            }
            Answer::TooLarge => Resolution::TooLarge,
        })
    }
}
