//! The trait of commit logs: order and durability.
//!
//! A log accepts a commit only if the caller knows the whole history before it: of several writers that decide on the same
//! state, at most one succeeds. Requests return at once, and their results arrive as events, in any order and possibly never: a
//! caller repeats what it needs.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use nearby_store::Batch;

use crate::identity::Sequence;

/// Time since an arbitrary start, which only moves forward. Tests pass virtual time.
pub type Monotonic = Duration;

/// A log of commits.
pub trait CommitLog {
    /// Proposes a commit as the message after [`Proposal::base`]. The result is [`LogEvent::Answer`].
    fn propose(&mut self, proposal: &Proposal<'_>);

    /// Delivers the messages after a position in order, as [`LogEvent::Message`], and replaces the delivery that was active. Earlier
    /// messages may come first: of that delivery, or from a copy of the log that ends before the position.
    fn follow(&mut self, after: Sequence);

    /// Reads one message from the authoritative copy of the log. The result is [`LogEvent::Read`] with the same number.
    fn read(&mut self, request: u64, sequence: Sequence);

    /// Asks for the state of the log. The result is [`LogEvent::Info`] with the same number.
    fn inspect(&mut self, request: u64);

    /// Sends an announcement to all nodes including this one, as [`LogEvent::Announcement`]. Announcements are not kept.
    fn announce(&mut self, announcement: Bytes);

    /// Gives up the connection, which may be to a broker that hangs, and makes another.
    fn reconnect(&mut self);

    /// Returns the next event, if any has arrived.
    fn poll(&mut self, now: Monotonic) -> Option<LogEvent>;
}

/// A request of a [`CommitLog`], for engines that queue requests.
#[derive(Debug)]
pub(crate) enum Request {
    Propose { attempt: u64, base: Sequence, message: Bytes },
    Follow(Sequence),
    Read { request: u64, sequence: Sequence },
    Inspect(u64),
    Announce(Bytes),
    Reconnect,
}

/// An engine that queues requests: such an engine is a [`CommitLog`].
pub(crate) trait RequestQueue {
    fn send(&mut self, request: Request);

    /// See [`CommitLog::poll`].
    fn next_event(&mut self, now: Monotonic) -> Option<LogEvent>;
}

impl<Q: RequestQueue> CommitLog for Q {
    fn propose(&mut self, proposal: &Proposal<'_>) {
        let Proposal { attempt, base, ref message, .. } = *proposal;
        self.send(Request::Propose { attempt, base, message: message.clone() });
    }

    fn follow(&mut self, after: Sequence) {
        self.send(Request::Follow(after));
    }

    fn read(&mut self, request: u64, sequence: Sequence) {
        self.send(Request::Read { request, sequence });
    }

    fn inspect(&mut self, request: u64) {
        self.send(Request::Inspect(request));
    }

    fn announce(&mut self, announcement: Bytes) {
        self.send(Request::Announce(announcement));
    }

    fn reconnect(&mut self) {
        self.send(Request::Reconnect);
    }

    fn poll(&mut self, now: Monotonic) -> Option<LogEvent> {
        self.next_event(now)
    }
}

/// A decided commit.
#[derive(Clone, Debug)]
pub struct Proposal<'a> {
    /// Repeated in the answer. A commit that is proposed again gets another number.
    pub attempt: u64,
    /// The commit counts only directly after this message.
    pub base: Sequence,
    /// The batch, for a log with an encoding of its own.
    pub batch: &'a Batch<'a>,
    /// The encoded commit, for a log of messages. A log with an encoding of its own ignores it.
    pub message: Bytes,
}

/// Result of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The commit is durable at this sequence. It counts only if that is the one after its base.
    Stored(Sequence),
    /// The commit was refused, because the last message, or one that is being stored, is another than its base.
    WrongLast(Sequence),
    /// The commit was refused for its size, and will always be.
    TooLarge,
    /// The commit was refused, and can be proposed again.
    Refused(String),
    /// The commit may or may not be stored, now or later.
    Unknown(String),
}

/// Name of the setting that has the id of the cluster to which the log belongs.
pub const CLUSTER_SETTING: &str = "nearby.cluster";

/// State of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogInfo {
    /// True if the answer is from the authoritative copy. Any other may be arbitrarily old.
    pub is_authoritative: bool,
    /// Sequence of the first message that is kept; one more than the last if there is none.
    pub first: Sequence,
    /// Sequence of the last message.
    pub last: Sequence,
    /// Changes when the log is deleted and created again.
    pub incarnation: u64,
    /// Settings on which the protocol relies, by name.
    pub settings: BTreeMap<String, String>,
    /// Name of the leading broker.
    pub leader: String,
    /// Copies of the log that lag behind.
    pub lagging: Vec<String>,
}

/// An event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogEvent {
    /// Result of [`CommitLog::propose`].
    Answer {
        /// Number of the proposal.
        attempt: u64,
        /// The result.
        answer: Answer,
    },
    /// A message that is delivered to followers. Messages may be missing, repeated, or damaged.
    Message {
        /// Its position.
        sequence: Sequence,
        /// The message.
        message: Bytes,
    },
    /// Result of [`CommitLog::read`].
    Read {
        /// Number of the request.
        request: u64,
        /// The message; `None` if there is none at that position.
        message: Option<Bytes>,
    },
    /// Result of [`CommitLog::inspect`].
    Info {
        /// Number of the request.
        request: u64,
        /// The state.
        info: LogInfo,
    },
    /// Result of [`CommitLog::inspect`] if the brokers know of no log.
    NoLog {
        /// Number of the request.
        request: u64,
    },
    /// An announcement of any node.
    Announcement(Bytes),
    /// The delivery of messages has ended.
    Unfollowed,
    /// The connection was lost and is established again.
    Reconnected,
}
