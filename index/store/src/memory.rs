//! An engine that forgets: for tests, and for trying things out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nearby_index::{Change, MerchantId, Revision, StoredMerchant};

use crate::{Batch, DoneRequest, Extent, Forget, Kept, RequestId, Store, StoreError};

/// Keeps merchants in memory. A clone shares them, which is how a test opens "the same store" again.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    deletions: BTreeMap<Revision, MerchantId>,
    requests: BTreeMap<RequestId, Arc<DoneRequest>>,
    extent: Extent,
}

impl Store for MemoryStore {
    fn load(&mut self, visit: &mut dyn FnMut(Kept)) -> Result<Extent, StoreError> {
        let content = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        content.merchants.values().for_each(|stored| visit(Kept::Merchant(StoredMerchant::clone(stored))));
        for (revision, id) in &content.deletions {
            visit(Kept::Deletion { id: id.clone(), revision: *revision });
        }
        content.requests.values().for_each(|request| visit(Kept::Request(DoneRequest::clone(request))));
        Ok(content.extent)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut content = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for forget in batch.forget {
            match forget {
                Forget::Deletion(revision) => drop(content.deletions.remove(revision)),
                Forget::Request { id, .. } => drop(content.requests.remove(id)),
            }
        }
        for change in batch.changes {
            match change {
                Change::Put(stored) => {
                    content.merchants.insert(stored.merchant.id.clone(), Arc::clone(stored));
                }
                Change::Delete { id, revision } => {
                    content.merchants.remove(id);
                    content.deletions.insert(*revision, id.clone());
                }
            }
            content.extent.last = change.revision();
        }
        content.requests.extend(batch.done.iter().map(|request| (request.id, Arc::clone(request))));
        content.extent.deletions_since = batch.deletions_since;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        crate::conformance::run(|| {
            let shared = MemoryStore::default();
            Box::new(move || Box::new(shared.clone()))
        });
    }
}
