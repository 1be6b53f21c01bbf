//! The operations of the server, without wire types: shared by both gRPC services and the admin endpoint.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use nearby_index::{IndexReader, Merchant, MerchantId, Revision, Snapshot, StoredMerchant};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};

use crate::{
    change_feed::ChangeFeed,
    cluster::ClusterView,
    commit::{
        BackupContents, Command, CommitHandle, Committed, Expect, Submitted, Transaction, WriteOptions,
    },
    error::{LimitedResource, ServiceError},
    opening_hours::HolidayCalendar,
    page_token::PageTokens,
    record::{FieldSet, MerchantPatch, Update},
    watch_registry::WatchRegistry,
};

/// Longest wait of a call for a revision that its caller has seen at another node.
pub(crate) const MAX_REVISION_WAIT: Duration = Duration::from_secs(2);

/// Reads and writes merchants.
#[derive(Debug)]
pub struct Service {
    /// The merchants.
    pub reader: IndexReader,
    /// The commit thread, through which every change goes.
    pub commits: CommitHandle,
    /// Recent changes.
    pub feed: ChangeFeed,
    /// The watches that changes wake.
    pub watches: WatchRegistry,
    /// Seals and opens page tokens.
    pub tokens: PageTokens,
    /// The holidays of opening hours.
    pub calendar: Arc<HolidayCalendar>,
    /// Permits for backups, each of which keeps all merchants of its revision in memory.
    pub backups: Arc<Semaphore>,
    /// Time of the last backup that was sent completely since the start, in seconds since 1970; 0 if there was none.
    pub last_backup_s: Arc<AtomicI64>,
    /// The cluster, unless the server is a single node.
    pub cluster: Option<ClusterView>,
}

impl Service {
    /// The current merchants.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.reader.snapshot()
    }

    /// One merchant, hidden or not.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn get(&self, id: &MerchantId) -> Result<Arc<StoredMerchant>, ServiceError> {
        self.snapshot().get(id).cloned().ok_or_else(|| ServiceError::NotFound(id.clone()))
    }

    /// Commits all commands of a request, or none.
    ///
    /// # Errors
    /// The error of the first command that fails, or of the store.
    pub async fn change(&self, transaction: Transaction) -> Result<Vec<Committed>, ServiceError> {
        self.commits.submit(transaction).await
    }

    /// Stores merchants over whatever exists, each on its own, in order and after those of earlier calls. With `fields`, only
    /// these are replaced in a merchant that exists.
    ///
    /// # Errors
    /// Only when none of them was submitted.
    pub async fn import(
        &self,
        merchants: Vec<(Merchant, Option<FieldSet>)>,
        options: &WriteOptions,
    ) -> Result<Submitted, ServiceError> {
        let command = |(merchant, fields): (Merchant, Option<FieldSet>)| match fields {
            None => Command::Put { merchant, expect: Expect::Anything },
            Some(fields) => Command::Patch(overlay(merchant, fields)),
        };
        self.commits.submit_each(merchants.into_iter().map(command).collect(), options).await
    }

    /// Waits until the server has reached a revision.
    ///
    /// # Errors
    /// [`ServiceError::RevisionNotReached`] when it has not in time.
    pub async fn wait_for_revision(&self, min: Revision, limit: Duration) -> Result<(), ServiceError> {
        let mut latest = self.feed.subscribe();
        let reached = timeout(limit, latest.wait_for(|latest| *latest >= min)).await;
        if matches!(reached, Ok(Ok(_))) {
            return Ok(());
        }
        Err(ServiceError::RevisionNotReached { asked: min, now: self.snapshot().revision() })
    }

    /// The merchants as of a revision that the caller has seen at another node, or later. A single node does not wait: it has all
    /// revisions of its history.
    ///
    /// # Errors
    /// As [`Self::wait_for_revision`].
    pub async fn snapshot_since(&self, seen: Option<Revision>) -> Result<Arc<Snapshot>, ServiceError> {
        if let (Some(seen), Some(_)) = (seen, &self.cluster) {
            self.wait_for_revision(seen, MAX_REVISION_WAIT).await?;
        }
        Ok(self.snapshot())
    }

    /// Everything as of the last commit, and the permit of the backup.
    ///
    /// # Errors
    /// [`ServiceError::LimitReached`] when all permits are taken.
    pub async fn back_up(&self) -> Result<(BackupContents, OwnedSemaphorePermit), ServiceError> {
        let permit = Arc::clone(&self.backups).try_acquire_owned();
        let permit = permit.map_err(|_| ServiceError::LimitReached(LimitedResource::Backups))?;
        Ok((self.commits.backup_contents().await?, permit))
    }
}

/// The patch of a row that replaces some fields.
fn overlay(merchant: Merchant, fields: FieldSet) -> MerchantPatch {
    let id = merchant.id.clone();
    MerchantPatch { id, version: None, update: Update::Overlay { merchant, fields }, if_missing: None }
}

/// The service, while there is one: not before the store is loaded, and not after the server has stopped. Clones share it.
#[derive(Clone, Debug)]
pub struct ServiceHandle {
    service: Arc<ArcSwapOption<Service>>,
    is_stopping: Arc<watch::Sender<bool>>,
}

impl ServiceHandle {
    /// A handle without a service.
    #[must_use]
    pub fn not_ready() -> Self {
        Self { service: Arc::new(ArcSwapOption::empty()), is_stopping: Arc::new(watch::Sender::new(false)) }
    }

    /// Sets the service: calls are served from now on.
    pub fn set(&self, service: Service) {
        self.service.store(Some(Arc::new(service)));
    }

    /// Removes the service. It is dropped when the last call that uses it ends.
    pub fn clear(&self) {
        self.service.store(None);
    }

    /// The service, for the duration of a call.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] while the server loads, or after it has stopped.
    pub fn service(&self) -> Result<Arc<Service>, ServiceError> {
        self.service.load_full().ok_or(NOT_READY)
    }

    /// Returns whether calls are served and the server is not stopping.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let is_current =
            |service: &Arc<Service>| service.cluster.as_ref().is_none_or(ClusterView::is_current);
        self.service.load().as_ref().is_some_and(is_current) && !*self.is_stopping.borrow()
    }

    /// Asks calls without an end to stop.
    pub fn begin_stop(&self) {
        self.is_stopping.send_replace(true);
    }

    /// Completes when calls without an end have to stop.
    pub async fn stopping(&self) {
        // The sender lives as long as this handle.
        drop(self.is_stopping.subscribe().wait_for(|is_stopping| *is_stopping).await);
    }
}

/// The error of calls while there is no service.
pub(crate) const NOT_READY: ServiceError = ServiceError::NotReady("loading or stopping");
