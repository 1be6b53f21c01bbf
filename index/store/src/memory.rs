//! An engine that forgets: for tests, and for trying things out.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nearby_index::{Change, MerchantId, Revision, StoredMerchant};

use crate::{
    Batch, Condition, Content, DoneRequest, Forget, Loaded, RequestId, Source, Store, StoreError, Tally,
};

/// Keeps merchants in memory. A clone shares them, which is how a test opens "the same store" again.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    deletions: BTreeMap<Revision, MerchantId>,
    requests: BTreeMap<RequestId, Arc<DoneRequest>>,
    tally: Tally,
}

impl MemoryStore {
    /// What it holds.
    #[must_use]
    pub fn loaded(&self) -> Loaded {
        let kept = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        Loaded {
            merchants: kept.merchants.values().cloned().collect(),
            deletions: kept.deletions.iter().map(|(revision, id)| (*revision, id.clone())).collect(),
            requests: kept.requests.values().cloned().collect(),
            tally: kept.tally,
            source: Source::Journal,
            faults: Vec::new(),
        }
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut kept = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for forget in batch.forget {
            match forget {
                Forget::Deletion(revision) => drop(kept.deletions.remove(revision)),
                Forget::Request { id, .. } => drop(kept.requests.remove(id)),
            }
        }
        for change in batch.changes {
            match change {
                Change::Put(stored) => {
                    kept.merchants.insert(stored.merchant.id.clone(), Arc::clone(stored));
                }
                Change::Delete { id, revision } => {
                    kept.merchants.remove(id);
                    kept.deletions.insert(*revision, id.clone());
                }
            }
        }
        kept.requests.extend(batch.done.iter().map(|request| (request.id, Arc::clone(request))));
        kept.tally = kept.tally.after(batch);
        Ok(())
    }

    fn tally(&self) -> Tally {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).tally
    }

    fn condition(&self) -> Arc<Condition> {
        Arc::default()
    }

    fn is_checkpoint_due(&mut self) -> bool {
        false
    }

    fn checkpoint(&mut self, _: Content) {}

    fn close(self: Box<Self>, _: Content) -> Result<(), StoreError> {
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
            Box::new(move || (Box::new(shared.clone()), shared.loaded()))
        });
    }
}
