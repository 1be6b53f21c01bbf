//! Requests to the log, and outcomes for callers.

use std::sync::Arc;

use bytes::Bytes;

use super::fault::HealError;
use crate::{
    identity::Sequence,
    log::{CommitLog, Proposal},
    replica::ResolvedBatch,
};

/// A request to the log.
#[derive(Clone, Debug)]
pub enum LogAction {
    /// See [`CommitLog::propose`].
    Propose {
        /// See [`Proposal::attempt`].
        attempt: u64,
        /// See [`Proposal::base`].
        base: Sequence,
        /// The batch.
        batch: Arc<ResolvedBatch>,
        /// The encoded commit.
        message: Bytes,
    },
    /// See [`CommitLog::follow`].
    Follow(Sequence),
    /// See [`CommitLog::read`].
    Read {
        /// Number of the request.
        request: u64,
        /// Position of the message.
        sequence: Sequence,
    },
    /// See [`CommitLog::inspect`].
    Inspect(u64),
    /// See [`CommitLog::announce`].
    Announce(Bytes),
    /// See [`CommitLog::reconnect`].
    Reconnect,
}

impl LogAction {
    /// Sends the request to a log.
    pub fn perform(self, log: &mut (impl CommitLog + ?Sized)) {
        match self {
            Self::Propose { attempt, base, batch, message } => {
                let batch = batch.batch.as_batch(&batch.replaces);
                log.propose(&Proposal { attempt, base, batch: &batch, message });
            }
            Self::Follow(after) => log.follow(after),
            Self::Read { request, sequence } => log.read(request, sequence),
            Self::Inspect(request) => log.inspect(request),
            Self::Announce(announcement) => log.announce(announcement),
            Self::Reconnect => log.reconnect(),
        }
    }
}

/// An action of the protocol. `T` identifies the submissions of a batch.
#[derive(Clone, Debug)]
pub enum Action<T> {
    /// A request to the log.
    Log(LogAction),
    /// The batch is durable and applied: answer its callers.
    Acknowledge(T, Sequence),
    /// Another commit was stored first: decide the submissions again.
    DecideAgain(T),
    /// The outcome of the batch stays unknown here: its callers must repeat their requests.
    Unresolved(T),
    /// The log refuses the batch for its size.
    TooLarge(T),
    /// The log has everything again that this node has applied.
    Healed {
        /// Messages that were published again.
        republished: u64,
    },
    /// The log cannot be restored by this node.
    NotHealed(HealError),
}
