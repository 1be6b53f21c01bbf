//! The state of a node in tests: commands, their decision, and a local copy that can lose its unsynced end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;
use nearby_index::{Change, MerchantId, Revision, StoredMerchant, UnixMicros};
use nearby_store::{CompletedRequest, Forget, OwnedBatch, RequestId, StateDigest};

use crate::{
    identity::Sequence,
    message::tests::put,
    replica::{Position, Replica, ReplicaError, ResolvedBatch},
};

/// Deletions that are kept.
const MAX_DELETIONS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Stores a merchant.
    Put(u8),
    /// Creates a merchant, which must not exist.
    Create(u8),
    /// Deletes a merchant, which must exist.
    Delete(u8),
}

impl Command {
    fn id(self) -> MerchantId {
        let (Self::Put(id) | Self::Create(id) | Self::Delete(id)) = self;
        MerchantId::parse(&format!("m{id}")).unwrap()
    }
}

/// A command with a request id, which is also the content of what it stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Submission {
    pub(crate) number: u64,
    pub(crate) command: Command,
    /// The highest sequence that was acknowledged anywhere when it was submitted.
    pub(crate) acknowledged_before: Sequence,
}

/// Result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored(Revision),
    Refused,
}

#[derive(Clone, Debug)]
pub(crate) struct TestReplica {
    pub(crate) position: Position,
    pub(crate) digest: StateDigest,
    pub(crate) merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    pub(crate) deletions: BTreeSet<Revision>,
    pub(crate) requests: BTreeMap<RequestId, Arc<CompletedRequest>>,
    /// The messages, verbatim.
    pub(crate) messages: BTreeMap<Sequence, Bytes>,
    /// Sequence at which each request was committed.
    pub(crate) committed: BTreeMap<u64, Sequence>,
    pub(crate) failure: Option<ReplicaError>,
}

impl TestReplica {
    pub(crate) fn new() -> Self {
        Self {
            position: Position::START,
            digest: StateDigest::default(),
            merchants: BTreeMap::new(),
            deletions: BTreeSet::new(),
            requests: BTreeMap::new(),
            messages: BTreeMap::new(),
            committed: BTreeMap::new(),
            failure: None,
        }
    }

    /// Decides submissions on the present state.
    pub(crate) fn decide(&self, submissions: &[Submission], now: UnixMicros) -> (OwnedBatch, Vec<Outcome>) {
        let mut batch =
            OwnedBatch { deletions_since: self.digest.watermarks.deletions_since, ..OwnedBatch::default() };
        let mut exists: BTreeMap<MerchantId, bool> = BTreeMap::new();
        let mut revision = self.digest.watermarks.last;
        let mut outcomes = Vec::new();
        for submission in submissions {
            let request = request_id(submission.number);
            let earlier = batch.completed.iter().find(|earlier| earlier.id == request);
            if let Some(earlier) = earlier.or(self.requests.get(&request)) {
                outcomes.push(Outcome::Stored(earlier.outcomes[0].revision()));
                continue;
            }
            let id = submission.command.id();
            let is_there = exists.get(&id).copied().unwrap_or_else(|| self.merchants.contains_key(&id));
            let is_refused = match submission.command {
                Command::Put(_) => false,
                Command::Create(_) => is_there,
                Command::Delete(_) => !is_there,
            };
            if is_refused {
                outcomes.push(Outcome::Refused);
                continue;
            }
            revision = revision.next();
            let change = match submission.command {
                Command::Delete(_) => Change::Delete { id: id.clone(), revision },
                _ => put(id.as_str(), revision.0, &submission.number.to_le_bytes()),
            };
            exists.insert(id, !matches!(change, Change::Delete { .. }));
            batch.changes.push(change.clone());
            batch.completed.push(Arc::new(CompletedRequest {
                id: request,
                fingerprint: [0; 16],
                completed_at: now,
                outcomes: vec![change],
            }));
            outcomes.push(Outcome::Stored(revision));
        }
        if !batch.changes.is_empty() {
            for deletion in self.deletions.iter().rev().skip(MAX_DELETIONS) {
                batch.forget.push(Forget::Deletion(*deletion));
                batch.deletions_since = batch.deletions_since.max(*deletion);
            }
        }
        (batch, outcomes)
    }
}

fn request_id(number: u64) -> RequestId {
    RequestId(u128::from(number).to_le_bytes())
}

impl Replica for TestReplica {
    fn position(&self) -> Position {
        self.position
    }

    fn digest(&self) -> StateDigest {
        self.digest
    }

    fn revision(&self, id: &MerchantId) -> Option<Revision> {
        self.merchants.get(id).map(|stored| stored.revision)
    }

    fn message(&self, sequence: Sequence) -> Option<Bytes> {
        self.messages.get(&sequence).cloned()
    }

    fn apply(
        &mut self,
        position: &Position,
        message: &Bytes,
        batch: Option<&ResolvedBatch>,
    ) -> Result<(), ReplicaError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        assert_eq!(position.applied, self.position.applied.next());
        self.messages.insert(position.applied, message.clone());
        self.position = *position;
        let Some(ResolvedBatch { batch, replaces }) = batch else { return Ok(()) };
        self.digest = batch.as_batch(replaces).apply_to(self.digest);
        for forget in &batch.forget {
            match forget {
                Forget::Deletion(revision) => assert!(self.deletions.remove(revision)),
                Forget::Request { id, .. } => assert!(self.requests.remove(id).is_some()),
            }
        }
        for change in &batch.changes {
            match change {
                Change::Put(stored) => {
                    self.merchants.insert(change.id().clone(), Arc::clone(stored));
                }
                Change::Delete { id, revision } => {
                    self.merchants.remove(id);
                    self.deletions.insert(*revision);
                }
            }
        }
        for request in &batch.completed {
            let number = u64::from_le_bytes(request.id.0[..8].try_into().unwrap());
            let earlier = self.committed.insert(number, position.applied);
            assert_eq!(earlier, None, "request {number} is applied twice");
            self.requests.insert(request.id, Arc::clone(request));
        }
        Ok(())
    }
}
