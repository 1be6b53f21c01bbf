//! Decides commands: on top of a snapshot, and of the commands of the batch that are decided already.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use nearby_index::{Change, Merchant, MerchantId, Revision, Snapshot, StoredMerchant, UnixMicros};
use nearby_store::{CompletedRequest, RequestId};

use super::{
    Command, Expect, RequestKey, Transaction, WriteOptions,
    idempotency::CompletedRequests,
    limited_keys::{self, PendingReviews},
};
use crate::{
    error::ServiceError,
    merchant_scope::MerchantScope,
    reason,
    record::{self, LimitedEdit, Update, VersionMeta},
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

/// The kinds of commands that are decided differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandKind {
    /// A row of an import.
    Row,
    /// A review.
    Review,
    /// An update of some fields.
    Fields,
    /// Any other.
    Whole,
}

impl CommandKind {
    fn of(command: &Command) -> Self {
        match command {
            Command::Put { expect: Expect::Anything, .. } => Self::Row,
            Command::Put { .. } | Command::Delete { .. } => Self::Whole,
            Command::Patch(patch) => match patch.update {
                Update::Overlay { .. } => Self::Row,
                Update::Review(_) => Self::Review,
                Update::Fields(_) => Self::Fields,
                Update::Replace(_) => Self::Whole,
            },
        }
    }
}

/// Size limit of the merchants of one transaction, so that the response stays below the 4 MiB that clients accept.
pub(super) const MAX_BYTES: usize = 3_500_000;

/// All that a batch is decided by, besides its commands.
pub(super) struct BatchContext<'a> {
    /// The merchants before.
    pub(super) base: Arc<Snapshot>,
    /// Requests that were completed before.
    pub(super) completed_before: &'a CompletedRequests,
    /// The pending reviews of the snapshot, once they are needed.
    pub(super) pending_before: &'a OnceCell<PendingReviews>,
    /// True if changes by API keys that are limited to merchants have to be reviewed.
    pub(super) review_changes: bool,
    /// The time of the batch.
    pub(super) now: UnixMicros,
}

/// A batch that is being decided, on top of a snapshot.
pub(super) struct BatchBuilder<'a> {
    context: BatchContext<'a>,
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
    pub(super) fn new(context: BatchContext<'a>) -> Self {
        let last = context.base.revision();
        let (touched, changes, replaced, completed) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        Self { context, touched, changes, replaced, completed, last }
    }

    pub(super) fn into_decided(self) -> Decided {
        Decided { changes: self.changes, replaced: self.replaced, completed: self.completed }
    }

    /// Adds all commands of a transaction to the batch, or none. A request that was completed before returns the result of
    /// then.
    pub(super) fn decide_transaction(
        &mut self,
        transaction: Transaction,
    ) -> Result<Vec<Committed>, ServiceError> {
        let Transaction { commands, request, options: WriteOptions { scope, validate_only } } = transaction;
        if let Some(outcomes) = request.map(|request| self.repeated(request)).transpose()?.flatten() {
            return Ok(outcomes.into_iter().map(|change| Committed { change, before: None }).collect());
        }
        let (changes, last) = (self.changes.len(), self.last);
        let mut undo = Vec::new();
        let decided = self.decide_all(commands, scope.as_deref(), &mut undo);
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
                completed_at: self.context.now,
                outcomes,
            }));
        }
        decided
    }

    fn decide_all(
        &mut self,
        commands: Vec<Command>,
        scope: Option<&MerchantScope>,
        undo: &mut Vec<(MerchantId, Option<Option<Arc<StoredMerchant>>>)>,
    ) -> Result<Vec<Committed>, ServiceError> {
        let mut bytes = 0;
        let mut all = Vec::with_capacity(commands.len());
        for command in commands {
            let id = command.id().clone();
            let before = self.touched.get(&id).cloned();
            let committed = self.decide(command, scope)?;
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
                .or_else(|| self.context.completed_before.get(id, self.context.now))
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

    /// Adds one command to the batch, of a caller that may change the merchants of `scope`, or all.
    pub(super) fn decide(
        &mut self,
        command: Command,
        scope: Option<&MerchantScope>,
    ) -> Result<Committed, ServiceError> {
        let before = self.current(command.id());
        if let Some(scope) = scope {
            limited_keys::check(&command, before.as_deref(), scope)?;
        }
        let kind = CommandKind::of(&command);
        let merchant = match command {
            Command::Put { merchant, expect } => {
                if expect == Expect::Absent && before.is_some() {
                    return Err(ServiceError::AlreadyExists(merchant.id));
                }
                merchant
            }
            Command::Patch(patch) => patch.apply(before.as_deref())?,
            Command::Delete { id, version } => {
                let Some(before) = before else { return Err(ServiceError::NotFound(id)) };
                if version.is_some_and(|version| version != before.revision) {
                    return Err(ServiceError::Conflict(id));
                }
                return Ok(self.add(Change::Delete { id, revision: self.last.next() }, Some(before)));
            }
        };
        let is_review = kind == CommandKind::Review;
        let mut merchant = record::keep_review(merchant, before.as_deref().filter(|_| !is_review))?;
        if let Some(scope) = scope {
            merchant = self.limited(merchant, before.as_deref(), (scope, kind))?;
        }
        // A periodic import of a source mostly finds the merchants as they are: their versions, and so their etags, stay.
        if let Some(before) = before
            .as_ref()
            .filter(|before| kind == CommandKind::Row && record::is_same(&before.merchant, &merchant))
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
            create_time: before.as_ref().map_or(self.context.now, |before| before.create_time),
            // The clock may have been set back since: a version is never older than the one that it replaces.
            update_time: before
                .as_ref()
                .map_or(self.context.now, |before| self.context.now.max(before.update_time)),
        };
        let stored = Arc::new(record::make_version(merchant, meta));
        Ok(self.add(Change::Put(stored), before))
    }

    /// The merchant that a change by a limited key makes.
    fn limited(
        &self,
        merchant: Merchant,
        before: Option<&StoredMerchant>,
        (scope, kind): (&MerchantScope, CommandKind),
    ) -> Result<Merchant, ServiceError> {
        let names_fields = kind == CommandKind::Fields;
        let review_changes = self.context.review_changes;
        let path = if kind == CommandKind::Row { "" } else { "merchant" };
        let edit = LimitedEdit { scope, before, names_fields, review_changes };
        let merchant = edit.apply(merchant).map_err(|error| error.below(path))?;
        let becomes_pending = record::is_review_pending(&merchant)
            && !before.is_some_and(|before| record::is_review_pending(&before.merchant));
        match becomes_pending.then(|| self.other_pending(&merchant.id, scope)).flatten() {
            Some(other) => Err(ServiceError::ReviewPending(other)),
            None => Ok(merchant),
        }
    }

    /// Another merchant of a scope whose review is pending.
    fn other_pending(&self, id: &MerchantId, scope: &MerchantScope) -> Option<MerchantId> {
        let is_pending = |stored: &StoredMerchant| {
            record::is_review_pending(&stored.merchant)
                && stored.merchant.id != *id
                && record::is_in_scope(stored, scope)
        };
        match scope {
            MerchantScope::Ids(ids) => ids
                .iter()
                .find(|other| self.current(other).is_some_and(|stored| is_pending(&stored)))
                .cloned(),
            MerchantScope::Label { label, value } => {
                let of_snapshot = || PendingReviews::of(&self.context.base);
                let pending = self.context.pending_before.get_or_init(of_snapshot);
                let mut before =
                    pending.with_label(label, value).filter(|other| !self.touched.contains_key(*other));
                let touched = || self.touched.values().flatten().find(|stored| is_pending(stored));
                before
                    .find(|other| *other != id)
                    .or_else(|| touched().map(|stored| &stored.merchant.id))
                    .cloned()
            }
        }
    }

    fn current(&self, id: &MerchantId) -> Option<Arc<StoredMerchant>> {
        match self.touched.get(id) {
            Some(touched) => touched.clone(),
            None => self.context.base.get(id).cloned(),
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
