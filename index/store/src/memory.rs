//! The in-memory engine, for tests and trials. Persists nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use nearby_index::{Change, MerchantId, Revision, StoredMerchant};

use crate::{
    Batch, CompletedRequest, Contents, Forget, LogPosition, RecoveredState, RecoverySource, RequestId,
    StateDigest, Store, StoreError, StoreHealth,
};

/// An engine that keeps merchants in memory. Clones share the content, so a test can "reopen" a store by
/// cloning it.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<MemoryState>>,
}

#[derive(Debug, Default)]
struct MemoryState {
    merchants: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    deletions: BTreeMap<Revision, MerchantId>,
    requests: BTreeMap<RequestId, Arc<CompletedRequest>>,
    digest: StateDigest,
    position: Option<LogPosition>,
}

impl MemoryStore {
    /// Returns the current state.
    #[must_use]
    pub fn loaded(&self) -> RecoveredState {
        let state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        RecoveredState {
            merchants: state.merchants.values().cloned().collect(),
            deletions: state.deletions.iter().map(|(revision, id)| (*revision, id.clone())).collect(),
            requests: state.requests.values().cloned().collect(),
            digest: state.digest,
            position: state.position,
            source: RecoverySource::Journal,
            corruption: Vec::new(),
        }
    }

    /// Creates a store with a state.
    #[cfg(test)]
    pub(crate) fn with_state(state: &RecoveredState) -> Self {
        let merchants = state.merchants.iter().map(|stored| (stored.merchant.id.clone(), Arc::clone(stored)));
        let requests = state.requests.iter().map(|request| (request.id, Arc::clone(request)));
        let state = MemoryState {
            merchants: merchants.collect(),
            deletions: state.deletions.iter().cloned().collect(),
            requests: requests.collect(),
            digest: state.digest,
            position: state.position,
        };
        Self { shared: Arc::new(Mutex::new(state)) }
    }
}

impl Store for MemoryStore {
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let mut state = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for forget in batch.forget {
            match forget {
                Forget::Deletion(revision) => drop(state.deletions.remove(revision)),
                Forget::Request { id, .. } => drop(state.requests.remove(id)),
            }
        }
        for change in batch.changes {
            match change {
                Change::Put(stored) => {
                    state.merchants.insert(stored.merchant.id.clone(), Arc::clone(stored));
                }
                Change::Delete { id, revision } => {
                    state.merchants.remove(id);
                    state.deletions.insert(*revision, id.clone());
                }
            }
        }
        state.requests.extend(batch.completed.iter().map(|request| (request.id, Arc::clone(request))));
        state.digest = batch.apply_to(state.digest);
        state.position = batch.position.or(state.position);
        Ok(())
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.commit(batch)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn digest(&self) -> StateDigest {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).digest
    }

    fn position(&self) -> Option<LogPosition> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).position
    }

    fn health(&self) -> Arc<StoreHealth> {
        Arc::default()
    }

    fn is_checkpoint_due(&mut self) -> bool {
        false
    }

    fn checkpoint(&mut self, _: Contents) {}

    fn close(self: Box<Self>, _: Contents) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_conformance_suite() {
        crate::conformance::run(|| {
            let shared = MemoryStore::default();
            Box::new(move || (Box::new(shared.clone()), shared.loaded()))
        });
    }
}
