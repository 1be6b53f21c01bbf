//! Decides commands: on top of a snapshot, and of the commands of the batch that are decided already.

use std::{collections::HashMap, sync::Arc};

use nearby_index::{Change, MerchantId, Revision, Snapshot, StoredMerchant, UnixMicros};
use nearby_store::{CompletedRequest, RequestId};

use super::{Command, Expect, RequestKey, idempotency::CompletedRequests};
use crate::{
    error::ServiceError,
    reason,
    record::{self, Update, VersionMeta},
};

/// The result of a command.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The change.
    pub change: Change,
    /// The version before; `None` if there was none. A row of an import that changes nothing leaves it as it is.
    pub before: Option<Arc<StoredMerchant>>,
}

impl Committed {
    /// The new version; `None` for a deletion.
    #[must_use]
    pub fn stored(&self) -> Option<&Arc<StoredMerchant>> {
        match &self.change {
            Change::Put(stored) => Some(stored),
            Change::Delete { .. } => None,
        }
    }
}

/// Size limit of the merchants of one transaction, so that the response stays below the 4 MiB that clients accept.
pub(super) const MAX_BYTES: usize = 3_500_000;

/// A batch that is being decided, on top of a snapshot.
pub(super) struct BatchBuilder<'a> {
    base: Arc<Snapshot>,
    completed_before: &'a CompletedRequests,
    now: UnixMicros,
    /// The merchants that the batch changes, as it leaves them.
    touched: HashMap<MerchantId, Option<Arc<StoredMerchant>>>,
    changes: Vec<Change>,
    /// The version that each change replaces.
    replaced: Vec<Option<Arc<StoredMerchant>>>,
    completed: Vec<Arc<CompletedRequest>>,
    last: Revision,
}

/// A batch that has been decided.
pub(super) struct Decided {
    pub(super) changes: Vec<Change>,
    pub(super) replaced: Vec<Option<Arc<StoredMerchant>>>,
    pub(super) completed: Vec<Arc<CompletedRequest>>,
}

impl<'a> BatchBuilder<'a> {
    pub(super) fn new(base: Arc<Snapshot>, completed_before: &'a CompletedRequests, now: UnixMicros) -> Self {
        let last = base.revision();
        let (touched, changes, replaced, completed) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        Self { base, completed_before, now, touched, changes, replaced, completed, last }
    }

    pub(super) fn into_decided(self) -> Decided {
        Decided { changes: self.changes, replaced: self.replaced, completed: self.completed }
    }

    /// Adds all commands of a transaction to the batch, or none. A request that was completed before returns the result of
    /// then.
    pub(super) fn decide_transaction(
        &mut self,
        commands: Vec<Command>,
        request: Option<RequestKey>,
        validate_only: bool,
    ) -> Result<Vec<Committed>, ServiceError> {
        if let Some(outcomes) = request.map(|request| self.repeated(request)).transpose()?.flatten() {
            return Ok(outcomes.into_iter().map(|change| Committed { change, before: None }).collect());
        }
        let (changes, last) = (self.changes.len(), self.last);
        let mut undo = Vec::new();
        let decided = self.decide_all(commands, &mut undo);
        if decided.is_err() || validate_only {
            self.changes.truncate(changes);
            self.replaced.truncate(changes);
            self.last = last;
            for (id, before) in undo.into_iter().rev() {
                match before {
                    Some(before) => self.touched.insert(id, before),
                    None => self.touched.remove(&id),
                };
            }
        } else if let (Some(RequestKey { id, fingerprint }), Ok(committed)) = (request, &decided) {
            let outcomes = committed.iter().map(|one| one.change.clone()).collect();
            self.completed.push(Arc::new(CompletedRequest {
                id,
                fingerprint,
                completed_at: self.now,
                outcomes,
            }));
        }
        decided
    }

    fn decide_all(
        &mut self,
        commands: Vec<Command>,
        undo: &mut Vec<(MerchantId, Option<Option<Arc<StoredMerchant>>>)>,
    ) -> Result<Vec<Committed>, ServiceError> {
        let mut bytes = 0;
        let mut all = Vec::with_capacity(commands.len());
        for command in commands {
            let id = command.id().clone();
            let before = self.touched.get(&id).cloned();
            let committed = self.decide(command)?;
            undo.push((id, before));
            bytes += committed.stored().map_or(0, |stored| stored.merchant.profile.full_len() + 8);
            all.push(committed);
        }
        if bytes > MAX_BYTES && all.len() > 1 {
            return Err(ServiceError::ResponseTooLarge(MAX_BYTES));
        }
        Ok(all)
    }

    /// The result of a request that was completed before.
    fn repeated(&self, request: RequestKey) -> Result<Option<Vec<Change>>, ServiceError> {
        let of = |id: RequestId| {
            self.completed
                .iter()
                .find(|request| request.id == id)
                .or_else(|| self.completed_before.get(id, self.now))
        };
        match of(request.id) {
            None => Ok(None),
            Some(first) if first.fingerprint == request.fingerprint => Ok(Some(first.outcomes.clone())),
            Some(_) => Err(ServiceError::invalid(
                "request_id",
                reason::REQUEST_ID_REUSED,
                "was used for another request; use a new UUID for each request, and repeat a request unchanged",
            )),
        }
    }

    /// Adds one command to the batch.
    pub(super) fn decide(&mut self, command: Command) -> Result<Committed, ServiceError> {
        let is_review =
            matches!(&command, Command::Patch(patch) if matches!(patch.update, Update::Review(_)));
        let (before, merchant, is_row) = match command {
            Command::Put { merchant, expect } => {
                let before = self.current(&merchant.id);
                if expect == Expect::Absent && before.is_some() {
                    return Err(ServiceError::AlreadyExists(merchant.id));
                }
                (before, merchant, expect == Expect::Anything)
            }
            Command::Patch(patch) => {
                let before = self.current(&patch.id);
                let is_row = matches!(patch.update, Update::Overlay { .. });
                let merchant = patch.apply(before.as_deref())?;
                (before, merchant, is_row)
            }
            Command::Delete { id, version } => {
                let Some(before) = self.current(&id) else { return Err(ServiceError::NotFound(id)) };
                if version.is_some_and(|version| version != before.revision) {
                    return Err(ServiceError::Conflict(id));
                }
                return Ok(self.add(Change::Delete { id, revision: self.last.next() }, Some(before)));
            }
        };
        let merchant = record::keep_review(merchant, before.as_deref().filter(|_| !is_review))?;
        // A periodic import of a source mostly finds the merchants as they are: their versions, and so their etags, stay.
        if let Some(before) =
            before.as_ref().filter(|before| is_row && record::is_same(&before.merchant, &merchant))
        {
            return Ok(Committed {
                change: Change::Put(Arc::clone(before)),
                before: Some(Arc::clone(before)),
            });
        }
        let unmoved = before.as_ref().filter(|before| before.merchant.position == merchant.position);
        let meta = VersionMeta {
            revision: self.last.next(),
            position_revision: unmoved.map_or(self.last.next(), |before| before.position_revision),
            create_time: before.as_ref().map_or(self.now, |before| before.create_time),
            // The clock may have been set back since: a version is never older than the one that it replaces.
            update_time: before.as_ref().map_or(self.now, |before| self.now.max(before.update_time)),
        };
        let stored = Arc::new(record::make_version(merchant, meta));
        Ok(self.add(Change::Put(stored), before))
    }

    fn current(&self, id: &MerchantId) -> Option<Arc<StoredMerchant>> {
        match self.touched.get(id) {
            Some(touched) => touched.clone(),
            None => self.base.get(id).cloned(),
        }
    }

    fn add(&mut self, change: Change, before: Option<Arc<StoredMerchant>>) -> Committed {
        let after = match &change {
            Change::Put(stored) => Some(Arc::clone(stored)),
            Change::Delete { .. } => None,
        };
        self.touched.insert(change.id().clone(), after);
        self.last = change.revision();
        self.changes.push(change.clone());
        self.replaced.push(before.clone());
        Committed { change, before }
    }
}
