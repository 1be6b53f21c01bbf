//! The rules by which a message counts.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use nearby_index::{Change, MerchantId, Revision};
use nearby_store::OwnedBatch;

use super::{Config, Fault};
use crate::{
    identity::Sequence,
    message::{Header, Message, MessageError, MessageHash},
    replica::{Position, Replica, ResolvedBatch},
};

/// The reason that a message does not count, on every node alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// It is not a message of this cluster.
    Stray,
    /// It was decided on another message than the one before it.
    Stale,
    /// It was decided on another history.
    ForeignHistory,
}

/// Confirmation of a message by the authoritative copy. Each value includes those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Evidence {
    /// Nothing: the message was delivered.
    #[default]
    Delivered,
    /// It contains the message.
    Confirmed,
    /// It contains our last message, too.
    HistoryConfirmed,
}

/// Result of an examination.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Accept(Box<(Header, ResolvedBatch)>),
    Void(Void),
    /// The message must be compared with the authoritative copy.
    Confirm,
    /// Our last message must be compared with the authoritative copy.
    ConfirmHistory,
    Fault(Fault),
}

/// Examines the message after the last one that was applied. Changes nothing.
///
/// Only a message that follows from our state is accepted as it was delivered. Everything else is decided on the authoritative
/// copy: a broker whose copy has another history, because the log was restored while it was away, delivers that history until
/// its store is wiped.
pub(super) fn examine(
    replica: &impl Replica,
    position: &Position,
    config: &Config,
    bytes: &Bytes,
    evidence: Evidence,
) -> Verdict {
    match examine_confirmed(replica, position, config, bytes, evidence) {
        Verdict::Accept(accepted) => Verdict::Accept(accepted),
        _ if evidence < Evidence::Confirmed => Verdict::Confirm,
        verdict => verdict,
    }
}

/// Examines a message as the authoritative copy contains it.
///
/// The order of the checks matters. A stray message must not stop the cluster, and it cannot be removed from the log. A stale
/// message counts nowhere, whatever its other fields.
fn examine_confirmed(
    replica: &impl Replica,
    position: &Position,
    config: &Config,
    bytes: &Bytes,
    evidence: Evidence,
) -> Verdict {
    let sequence = position.applied.next();
    let decoded = Message::decode(bytes, config.cluster, config.max_format, config.derive_fields.as_ref());
    let message = match decoded {
        Ok(message) => message,
        Err(MessageError::Foreign) => return Verdict::Void(Void::Stray),
        Err(MessageError::UnsupportedFormat(format)) => {
            return Verdict::Fault(Fault::UnsupportedFormat { sequence, format });
        }
        Err(error) => return Verdict::Fault(Fault::Damaged { sequence, reason: error.to_string() }),
    };
    let Message { header, batch } = message;
    if header.base.next() != sequence {
        return Verdict::Void(Void::Stale);
    }
    if header.previous != position.hash {
        return if evidence < Evidence::HistoryConfirmed {
            Verdict::ConfirmHistory
        } else {
            Verdict::Void(Void::ForeignHistory)
        };
    }
    if header.next_format > config.max_format {
        return Verdict::Fault(Fault::UnsupportedFormat { sequence, format: header.next_format });
    }
    let batch = resolve(replica, batch);
    let before = replica.digest();
    let after = batch.batch.as_batch(&batch.replaces).apply_to(before);
    if header.before != before || header.after != after {
        return Verdict::Fault(Fault::Diverged { sequence });
    }
    Verdict::Accept(Box::new((header, batch)))
}

/// Adds the revision that each change replaces, which may be that of an earlier change of the batch.
pub(super) fn resolve(replica: &impl Replica, batch: OwnedBatch) -> ResolvedBatch {
    let mut changed: HashMap<&MerchantId, Option<Revision>> = HashMap::with_capacity(batch.changes.len());
    let mut replaces = Vec::with_capacity(batch.changes.len());
    for change in &batch.changes {
        let after = match change {
            Change::Put(stored) => Some(stored.revision),
            Change::Delete { .. } => None,
        };
        let before = changed.insert(change.id(), after);
        replaces.push(before.unwrap_or_else(|| replica.revision(change.id())));
    }
    drop(changed);
    ResolvedBatch { batch, replaces }
}

/// Hashes of the last messages.
#[derive(Debug, Default)]
pub(super) struct RecentHashes {
    /// Consecutive, the newest last.
    hashes: VecDeque<(Sequence, MessageHash)>,
}

/// At two thousand commits per second, a message that comes back two seconds later is still known.
const MAX_RECENT: usize = 4_096;

impl RecentHashes {
    pub(super) fn push(&mut self, sequence: Sequence, hash: MessageHash) {
        if self.hashes.len() == MAX_RECENT {
            self.hashes.pop_front();
        }
        self.hashes.push_back((sequence, hash));
    }

    pub(super) fn get(&self, sequence: Sequence) -> Option<MessageHash> {
        let (first, _) = self.hashes.front()?;
        let at = usize::try_from(sequence.0.checked_sub(first.0)?).ok()?;
        self.hashes.get(at).map(|(_, hash)| *hash)
    }
}
