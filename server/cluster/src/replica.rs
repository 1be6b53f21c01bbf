//! The local copy of a node, as the protocol uses it.

use bytes::Bytes;
use nearby_index::{MerchantId, Revision, UnixMicros};
use nearby_store::{LogPosition, OwnedBatch, StateDigest};
use thiserror::Error;

use crate::{
    identity::Sequence,
    message::{MessageHash, NEWEST_FORMAT},
};

/// Position of a local copy in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Sequence of the last message that was applied.
    pub applied: Sequence,
    /// Hash of that message.
    pub hash: MessageHash,
    /// Time of the last commit that counted.
    pub time: UnixMicros,
    /// Format of the messages that follow.
    pub format: u16,
}

impl Position {
    /// The position before the first message.
    pub const START: Self =
        Self { applied: Sequence::ZERO, hash: MessageHash::ZERO, time: UnixMicros(0), format: NEWEST_FORMAT };
}

impl From<&LogPosition> for Position {
    fn from(stored: &LogPosition) -> Self {
        Self {
            applied: Sequence(stored.sequence),
            hash: MessageHash(stored.hash),
            time: stored.time,
            format: stored.format,
        }
    }
}

/// A batch with the revision that each of its changes replaces here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResolvedBatch {
    /// The batch.
    pub batch: OwnedBatch,
    /// For each change, the revision that it replaces.
    pub replaces: Vec<Option<Revision>>,
}

/// A local copy: a store, and the index of its merchants.
pub trait Replica {
    /// Returns the position of the state.
    fn position(&self) -> Position;

    /// Returns the digest of the state.
    fn digest(&self) -> StateDigest;

    /// Returns the revision of a merchant, if it exists.
    fn revision(&self, id: &MerchantId) -> Option<Revision>;

    /// Returns a message that is kept, verbatim.
    fn message(&self, sequence: Sequence) -> Option<Bytes>;

    /// Moves to a position: keeps the message, stores the batch together with the position, and makes it visible. `None`
    /// stands for a message that does not count.
    ///
    /// # Errors
    /// See [`ReplicaError`]. Nothing has changed then.
    fn apply(
        &mut self,
        position: &Position,
        message: &Bytes,
        batch: Option<&ResolvedBatch>,
    ) -> Result<(), ReplicaError>;
}

/// A local copy cannot store a commit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplicaError {
    /// There is no space. The commit can be stored later.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The copy accepts nothing more until it is opened again.
    #[error("{0}")]
    Failed(String),
}
