//! The merchants in memory, and everything else that a commit changes: decides batches on top of them, and applies them.

use std::{cell::OnceCell, collections::HashMap, sync::Arc};

use nearby_index::{Change, IndexReader, IndexWriter, MerchantId, Revision, StoredMerchant, UnixMicros};
use nearby_store::{CompletedRequest, Contents, Forget, OwnedBatch};

use super::{
    Results, Transaction, Work, WriteOptions,
    idempotency::CompletedRequests,
    limited_keys::PendingReviews,
    transaction::{BatchBuilder, BatchContext, Committed, Decided},
};
use crate::{change_feed::ChangeFeed, commit::Command, error::ServiceError, watch_registry::WatchRegistry};

/// The version that each change of a batch replaces.
pub(super) type Replaced = Vec<Option<Arc<StoredMerchant>>>;

/// The state of this server.
pub(super) struct LocalCopy {
    index: IndexWriter,
    reader: IndexReader,
    feed: ChangeFeed,
    watches: WatchRegistry,
    completed: CompletedRequests,
    review_changes: bool,
    /// Known from the first change by an API key that is limited by a label: it takes a pass over all merchants.
    pending: OnceCell<PendingReviews>,
}

/// Parts of a local copy.
pub(super) struct LocalParts {
    pub(super) index: IndexWriter,
    pub(super) feed: ChangeFeed,
    pub(super) watches: WatchRegistry,
    pub(super) completed: Vec<Arc<CompletedRequest>>,
    pub(super) review_changes: bool,
}

/// A batch that is decided and not applied.
pub(super) struct DecidedBatch {
    pub(super) batch: OwnedBatch,
    pub(super) replaced: Replaced,
    /// One for each work, in order.
    pub(super) results: Vec<Results>,
}

impl LocalCopy {
    pub(super) fn new(parts: LocalParts) -> Self {
        let LocalParts { index, feed, watches, completed, review_changes } = parts;
        Self {
            reader: index.reader(),
            index,
            feed,
            watches,
            completed: CompletedRequests::new(completed),
            review_changes,
            pending: OnceCell::new(),
        }
    }

    /// Decides works in order. Changes nothing.
    pub(super) fn decide(&self, works: impl IntoIterator<Item = Work>, now: UnixMicros) -> DecidedBatch {
        let mut builder = BatchBuilder::new(BatchContext {
            base: self.reader.snapshot(),
            completed_before: &self.completed,
            pending_before: &self.pending,
            review_changes: self.review_changes,
            now,
        });
        let results = works.into_iter().map(|work| decide(&mut builder, work)).collect();
        let Decided { changes, replaced, mut completed } = builder.into_decided();
        let (deletions, deletions_since) = self.feed.to_forget(&changes);
        let mut forget: Vec<Forget> = deletions.into_iter().map(Forget::Deletion).collect();
        if changes.is_empty() {
            // Repeated, a request that changes nothing has the same result.
            completed.clear();
        } else {
            forget.append(&mut self.completed.to_forget(&completed, now));
        }
        DecidedBatch { batch: OwnedBatch { changes, completed, forget, deletions_since }, replaced, results }
    }

    /// Applies a batch that is durable: makes it visible, and notifies watchers.
    pub(super) fn apply(&mut self, batch: &OwnedBatch, replaced: &Replaced) {
        let OwnedBatch { changes, completed, forget, deletions_since } = batch;
        self.completed.replace(forget, completed);
        if changes.is_empty() {
            return;
        }
        self.index.apply(changes);
        if let Some(pending) = self.pending.get_mut() {
            changes.iter().for_each(|change| pending.apply(change));
        }
        self.feed.push(changes, *deletions_since);
        let replaced = replaced.iter().map(Option::as_deref);
        self.watches.notify(changes.iter().zip(replaced));
    }

    /// Returns the version that each change replaces, which may be that of an earlier change.
    pub(super) fn replaced_by(&self, changes: &[Change]) -> Replaced {
        let before = self.reader.snapshot();
        let mut changed: HashMap<&MerchantId, Option<Arc<StoredMerchant>>> =
            HashMap::with_capacity(changes.len());
        let mut replaced = Vec::with_capacity(changes.len());
        for change in changes {
            let after = match change {
                Change::Put(stored) => Some(Arc::clone(stored)),
                Change::Delete { .. } => None,
            };
            let earlier = changed.insert(change.id(), after);
            replaced.push(earlier.unwrap_or_else(|| before.get(change.id()).cloned()));
        }
        replaced
    }

    /// Returns the revision of a merchant, if it exists.
    pub(super) fn revision(&self, id: &MerchantId) -> Option<Revision> {
        self.reader.snapshot().get(id).map(|stored| stored.revision)
    }

    /// Returns everything as of the last commit.
    pub(super) fn contents(&self) -> Contents {
        Contents {
            snapshot: self.reader.snapshot(),
            deletions: self.feed.deletions(),
            requests: self.completed.all(),
        }
    }
}

/// Returns the revision of each version.
pub(super) fn revisions_of(replaced: &Replaced) -> Vec<Option<Revision>> {
    replaced.iter().map(|before| before.as_ref().map(|before| before.revision)).collect()
}

fn decide(builder: &mut BatchBuilder<'_>, work: Work) -> Results {
    match work {
        Work::Independent(commands, options) => {
            Ok(commands.into_iter().map(|command| decide_one(builder, command, &options)).collect())
        }
        Work::Transaction(transaction) => {
            let decided = builder.decide_transaction(transaction)?;
            Ok(decided.into_iter().map(Ok).collect())
        }
    }
}

fn decide_one(
    builder: &mut BatchBuilder<'_>,
    command: Command,
    options: &WriteOptions,
) -> Result<Committed, ServiceError> {
    if !options.validate_only {
        return builder.decide(command, options.scope.as_deref());
    }
    let transaction = Transaction { commands: vec![command], request: None, options: options.clone() };
    let decided = builder.decide_transaction(transaction)?;
    decided.into_iter().next().ok_or(ServiceError::Internal("a command has no result"))
}
