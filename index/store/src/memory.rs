//! An engine that forgets: for tests, and for trying things out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nearby_index::{Change, MerchantId, Revision, StoredMerchant};

use crate::{Store, StoreError};

/// Keeps merchants in memory. A clone shares them, which is how a test opens "the same store" again.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    last: Revision,
}

impl Store for MemoryStore {
    fn load(&mut self, visit: &mut dyn FnMut(StoredMerchant)) -> Result<Revision, StoreError> {
        let content = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        content.merchants.values().for_each(|stored| visit(StoredMerchant::clone(stored)));
        Ok(content.last)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        let mut content = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(stored) => {
                    content.merchants.insert(stored.merchant.id.clone(), Arc::clone(stored));
                }
                Change::Delete { id, .. } => {
                    content.merchants.remove(id);
                }
            }
            content.last = change.revision();
        }
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
