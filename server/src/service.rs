//! What the server can do, in the words of the house: no wire types, no HTTP.

use std::sync::{Arc, OnceLock};

use nearby_index::{Hits, IndexReader, Merchant, MerchantId, Query, Revision, Snapshot, StoredMerchant};

use crate::{
    committer::{Command, Committed, CommitterHandle, Expect},
    error::ServiceError,
};

/// Reads and writes merchants.
#[derive(Debug)]
pub struct Service {
    reader: IndexReader,
    committer: CommitterHandle,
}

impl Service {
    /// A service on an index and the committer that writes to it.
    #[must_use]
    pub fn new(reader: IndexReader, committer: CommitterHandle) -> Self {
        Self { reader, committer }
    }

    /// The merchants as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.reader.snapshot()
    }

    /// The nearest merchants, and the revision they were read at.
    #[must_use]
    pub fn search(&self, query: &Query) -> (Hits, Revision) {
        let snapshot = self.snapshot();
        (snapshot.search(query), snapshot.revision())
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

/// Where requests find the service: nobody home until everything is loaded, nor once the server stops.
#[derive(Clone, Debug, Default)]
pub struct Door {
    service: Arc<OnceLock<Service>>,
}

impl Door {
    /// Lets requests in from now on.
    pub fn open(&self, service: Service) {
        // A door is opened once, by the start; a second service would have a second committer, which cannot be.
        drop(self.service.set(service));
    }

    /// The service.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] while it loads.
    pub fn service(&self) -> Result<&Service, ServiceError> {
        self.service.get().ok_or(ServiceError::NotReady("loading its merchants"))
    }
}
