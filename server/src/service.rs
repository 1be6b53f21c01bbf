//! What the server can do, in the words of the house: no wire types, no HTTP.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use nearby_index::{IndexReader, Merchant, MerchantId, Snapshot, StoredMerchant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::{
    change_feed::Feed,
    commit::{Captured, Command, Committed, CommitterHandle, Expect, Submitted, Transaction},
    error::{Quota, ServiceError},
    page_token::PageTokens,
};

/// Reads and writes merchants.
#[derive(Debug)]
pub struct Service {
    /// The merchants.
    pub reader: IndexReader,
    /// The one way they change.
    pub committer: CommitterHandle,
    /// What changed lately.
    pub feed: Feed,
    /// Seals and opens page tokens.
    pub tokens: PageTokens,
    /// How many more calls may watch.
    pub watchers: Arc<Semaphore>,
    /// How many more backups may be taken: each holds on to all there is as of its revision.
    pub backups: Arc<Semaphore>,
}

impl Service {
    /// The merchants as they are now.
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

    /// Does all that a request asks for, or nothing of it.
    ///
    /// # Errors
    /// Where one of its commands cannot be done or the store does not take it.
    pub async fn change(&self, transaction: Transaction) -> Result<Vec<Committed>, ServiceError> {
        self.committer.submit(transaction).await
    }

    /// Stores merchants whatever is there, each on its own, in their order and after those of earlier calls.
    ///
    /// # Errors
    /// Only where none of them was looked at.
    pub async fn import(&self, merchants: Vec<Merchant>) -> Result<Submitted, ServiceError> {
        let commands =
            merchants.into_iter().map(|merchant| Command::Put { merchant, expect: Expect::Anything });
        self.committer.submit_each(commands.collect()).await
    }

    /// A place among those who watch, for as long as it is held.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] where there is none left.
    pub fn watch(&self) -> Result<OwnedSemaphorePermit, ServiceError> {
        let place = Arc::clone(&self.watchers).try_acquire_owned();
        place.map_err(|_| ServiceError::Overloaded(Quota::Watchers))
    }

    /// All that there is after the last commit, and a place among those who take a backup, for as long as it is held.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] where there is none left.
    pub async fn back_up(&self) -> Result<(Captured, OwnedSemaphorePermit), ServiceError> {
        let place = Arc::clone(&self.backups).try_acquire_owned();
        let place = place.map_err(|_| ServiceError::Overloaded(Quota::Backups))?;
        Ok((self.committer.capture().await?, place))
    }
}

/// Where calls find the service: nobody home until everything is loaded, nor once the server has stopped.
#[derive(Clone, Debug)]
pub struct Door {
    service: Arc<ArcSwapOption<Service>>,
    stopping: Arc<watch::Sender<bool>>,
}

impl Door {
    /// A door with nobody behind it yet.
    #[must_use]
    pub fn closed() -> Self {
        Self { service: Arc::new(ArcSwapOption::empty()), stopping: Arc::new(watch::Sender::new(false)) }
    }

    /// Lets calls in from now on.
    pub fn open(&self, service: Service) {
        self.service.store(Some(Arc::new(service)));
    }

    /// Asks calls that would go on for ever to end.
    pub fn announce_stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends when calls that would go on for ever are to end.
    pub async fn stopping(&self) {
        // The sender lives as long as this.
        drop(self.stopping.subscribe().wait_for(|stopping| *stopping).await);
    }

    /// Whether calls are let in, and the server is not about to stop.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.service.load().is_some() && !*self.stopping.borrow()
    }

    /// Lets no more calls in. The service goes when the last call that is inside has left.
    pub fn close(&self) {
        self.service.store(None);
    }

    /// The service, for the length of a call: hold it until the call is answered.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] while the server loads, or has stopped.
    pub fn enter(&self) -> Result<Arc<Service>, ServiceError> {
        self.service.load_full().ok_or(STOPPING)
    }
}

/// What callers are told while nobody is home.
pub(crate) const STOPPING: ServiceError = ServiceError::NotReady("loading its merchants or stopping");
