//! What the server can do, in the words of the house: no wire types, no HTTP.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use nearby_index::{IndexReader, Merchant, MerchantId, Revision, Snapshot, StoredMerchant};

use crate::{
    committer::{Command, Committed, CommitterHandle, Expect},
    error::ServiceError,
    page_token::PageTokens,
};

/// Reads and writes merchants.
#[derive(Debug)]
pub struct Service {
    reader: IndexReader,
    committer: CommitterHandle,
    tokens: PageTokens,
}

impl Service {
    /// A service on an index, the committer that writes to it, and the tokens that its pages are joined by.
    #[must_use]
    pub fn new(reader: IndexReader, committer: CommitterHandle, tokens: PageTokens) -> Self {
        Self { reader, committer, tokens }
    }

    /// Seals and opens page tokens.
    #[must_use]
    pub fn tokens(&self) -> &PageTokens {
        &self.tokens
    }

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

    /// Stores a merchant and returns the version that was made.
    ///
    /// # Errors
    /// Where `expect` does not hold or the store does not take it.
    pub async fn put(&self, merchant: Merchant, expect: Expect) -> Result<Arc<StoredMerchant>, ServiceError> {
        let done = self.submit_one(Command::Put { merchant, expect }).await?;
        done.stored().cloned().ok_or(ServiceError::Internal("a put came to something else"))
    }

    /// Removes a merchant.
    ///
    /// # Errors
    /// Where it is not there, has another version, or the store does not take it.
    pub async fn delete(&self, id: MerchantId, version: Option<Revision>) -> Result<(), ServiceError> {
        self.submit_one(Command::Delete { id, version }).await.map(drop)
    }

    /// Stores merchants whatever is there, each on its own, in their order.
    ///
    /// # Errors
    /// Only where none of them was looked at.
    pub async fn import(
        &self,
        merchants: Vec<Merchant>,
    ) -> Result<Vec<Result<Committed, ServiceError>>, ServiceError> {
        let commands =
            merchants.into_iter().map(|merchant| Command::Put { merchant, expect: Expect::Anything });
        self.committer.submit_patiently(commands.collect()).await
    }

    async fn submit_one(&self, command: Command) -> Result<Committed, ServiceError> {
        let mut results = self.committer.submit(vec![command]).await?;
        results.pop().unwrap_or(Err(ServiceError::Internal("a command came to nothing")))
    }
}

/// Where calls find the service: nobody home until everything is loaded, nor once the server has stopped.
#[derive(Clone, Debug)]
pub struct Door {
    service: Arc<ArcSwapOption<Service>>,
}

impl Door {
    /// A door with nobody behind it yet.
    #[must_use]
    pub fn closed() -> Self {
        Self { service: Arc::new(ArcSwapOption::empty()) }
    }

    /// Lets calls in from now on.
    pub fn open(&self, service: Service) {
        self.service.store(Some(Arc::new(service)));
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
        self.service.load_full().ok_or(ServiceError::NotReady("loading its merchants or stopping"))
    }
}
