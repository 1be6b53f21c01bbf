//! The local copy of a node of a cluster: the store, the merchants in memory, and the last messages.

use std::collections::BTreeMap;

use bytes::Bytes;
use nearby_cluster::{
    archive::Archive,
    identity::{ClusterId, Sequence},
    replica::{Position, Replica, ReplicaError, ResolvedBatch},
};
use nearby_index::{MerchantId, Revision};
use nearby_store::{Batch, LogPosition, OwnedBatch, StateDigest, Store};
use tokio::sync::oneshot;

use super::{BackupContents, local_copy::LocalCopy};
use crate::{
    clock::Clock,
    write_availability::{State, WriteAvailability},
};

/// A store and its merchants in memory. Commits are appended without a sync: a majority of the brokers has them.
pub(super) struct StoreReplica {
    pub(super) store: Box<dyn Store>,
    pub(super) copy: LocalCopy,
    pub(super) archive: Archive,
    pub(super) cluster: ClusterId,
    pub(super) position: Position,
    pub(super) availability: WriteAvailability,
    pub(super) clock: Clock,
    /// True if a commit was appended since the last sync.
    pub(super) is_unsynced: bool,
    /// Callers that take the contents as of a message.
    pub(super) captures: BTreeMap<Sequence, Vec<oneshot::Sender<BackupContents>>>,
}

impl StoreReplica {
    /// Everything as of the last commit.
    pub(super) fn contents(&self) -> BackupContents {
        BackupContents {
            contents: self.copy.contents(),
            digest: self.store.digest(),
            position: Some(log_position(self.cluster, &self.position)),
        }
    }

    /// Takes the contents as of a message. The receiver sees an error if the message has passed.
    pub(super) fn capture(&mut self, sequence: Sequence, reply: oneshot::Sender<BackupContents>) {
        if sequence > self.position.applied {
            self.captures.entry(sequence).or_default().push(reply);
        } else if sequence == self.position.applied {
            drop(reply.send(self.contents()));
        }
    }

    /// Returns whether anyone still waits for the contents as of a message. Forgets those that do not.
    pub(super) fn is_captured(&mut self, sequence: Sequence) -> bool {
        self.captures.retain(|_, replies| {
            replies.retain(|reply| !reply.is_closed());
            !replies.is_empty()
        });
        self.captures.contains_key(&sequence)
    }

    /// Makes everything durable that was appended.
    pub(super) fn sync(&mut self) -> Result<(), ReplicaError> {
        if std::mem::take(&mut self.is_unsynced) {
            self.store.sync().map_err(|error| {
                self.availability.reject(&error);
                ReplicaError::Failed(error.to_string())
            })?;
            // The archive restores a log that its brokers have lost. Without its newest messages it restores less.
            if let Err(error) = self.archive.sync() {
                tracing::warn!(%error, "cannot sync the last messages of the log");
            }
        }
        Ok(())
    }

    fn keep(&mut self, sequence: Sequence, message: &Bytes) -> Result<(), ReplicaError> {
        // Kept already if there was no space for the commit afterwards.
        if self.archive.last() == Some(sequence) {
            return Ok(());
        }
        // As of the store, lack of space or of files ends by itself.
        self.archive.append(sequence, message, (self.clock)()).map_err(|error| {
            tracing::warn!(%error, "cannot keep a message of the log; nothing is applied meanwhile");
            if error.is_full() {
                self.availability.set(State::DiskFull);
            }
            if error.is_transient() {
                ReplicaError::Full(error.to_string())
            } else {
                ReplicaError::Failed(error.to_string())
            }
        })
    }
}

impl Replica for StoreReplica {
    fn position(&self) -> Position {
        self.position
    }

    fn digest(&self) -> StateDigest {
        self.store.digest()
    }

    fn revision(&self, id: &MerchantId) -> Option<Revision> {
        self.copy.revision(id)
    }

    fn message(&self, sequence: Sequence) -> Option<Bytes> {
        self.archive.read(sequence).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot read a message that is kept");
            None
        })
    }

    fn apply(
        &mut self,
        position: &Position,
        message: &Bytes,
        batch: Option<&ResolvedBatch>,
    ) -> Result<(), ReplicaError> {
        self.keep(position.applied, message)?;
        let deletions_since = self.store.digest().watermarks.deletions_since;
        let nothing = ResolvedBatch {
            batch: OwnedBatch { deletions_since, ..OwnedBatch::default() },
            replaces: Vec::new(),
        };
        let ResolvedBatch { batch, replaces } = batch.unwrap_or(&nothing);
        let replaced = self.copy.replaced_by(&batch.changes);
        let log_position = Some(log_position(self.cluster, position));
        self.store.append(&Batch { position: log_position, ..batch.as_batch(replaces) }).map_err(
            |error| {
                self.availability.reject(&error);
                let reason = error.to_string();
                if error.is_failure() { ReplicaError::Failed(reason) } else { ReplicaError::Full(reason) }
            },
        )?;
        self.copy.apply(batch, &replaced);
        self.position = *position;
        self.is_unsynced = true;
        while let Some(due) = self.captures.first_entry().filter(|due| *due.key() <= position.applied) {
            let (sequence, replies) = due.remove_entry();
            let is_due = |reply: &oneshot::Sender<_>| sequence == position.applied && !reply.is_closed();
            for reply in replies.into_iter().filter(is_due) {
                drop(reply.send(self.contents()));
            }
        }
        Ok(())
    }
}

/// A position as the store keeps it.
pub(super) fn log_position(cluster: ClusterId, position: &Position) -> LogPosition {
    LogPosition {
        cluster: cluster.0,
        sequence: position.applied.0,
        hash: position.hash.0,
        time: position.time,
        format: position.format,
    }
}
