//! What a command comes to, given what is there and what the batch has decided already.

use std::{collections::HashMap, sync::Arc};

use nearby_index::{Change, MerchantId, Revision, Snapshot, StoredMerchant, UnixMicros};

use super::{Command, Expect};
use crate::error::ServiceError;

/// A command that was done.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The change that it came to.
    pub change: Change,
    /// Whether there was a merchant of that id before.
    pub existed: bool,
}

impl Committed {
    /// The version that a put made; `None` of a delete.
    #[must_use]
    pub fn stored(&self) -> Option<&Arc<StoredMerchant>> {
        match &self.change {
            Change::Put(stored) => Some(stored),
            Change::Delete { .. } => None,
        }
    }
}

/// A batch that is being decided on top of a snapshot.
pub(super) struct Draft {
    base: Arc<Snapshot>,
    /// What the batch makes of the merchants it touches.
    touched: HashMap<MerchantId, Option<Arc<StoredMerchant>>>,
    changes: Vec<Change>,
    last: Revision,
    now: UnixMicros,
}

impl Draft {
    pub(super) fn on(base: Arc<Snapshot>, now: UnixMicros) -> Self {
        let last = base.revision();
        Self { base, touched: HashMap::new(), changes: Vec::new(), last, now }
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// Adds one command to the batch, or says why not.
    pub(super) fn decide(&mut self, command: Command) -> Result<Committed, ServiceError> {
        match command {
            Command::Put { merchant, expect } => {
                let before = self.current(&merchant.id);
                match (expect, &before) {
                    (Expect::Anything, _) | (Expect::Absent, None) => {}
                    (Expect::Absent, Some(_)) => return Err(ServiceError::AlreadyExists(merchant.id)),
                    (Expect::Version(_), None) => return Err(ServiceError::NotFound(merchant.id)),
                    (Expect::Version(version), Some(before)) if before.revision == version => {}
                    (Expect::Version(_), Some(_)) => return Err(ServiceError::Conflict(merchant.id)),
                }
                let existed = before.is_some();
                let stored = Arc::new(StoredMerchant {
                    revision: self.last.next(),
                    create_time: before.map_or(self.now, |before| before.create_time),
                    update_time: self.now,
                    merchant,
                });
                Ok(self.add(Change::Put(stored), existed))
            }
            Command::Delete { id, version } => {
                let Some(before) = self.current(&id) else { return Err(ServiceError::NotFound(id)) };
                if version.is_some_and(|version| version != before.revision) {
                    return Err(ServiceError::Conflict(id));
                }
                Ok(self.add(Change::Delete { id, revision: self.last.next() }, true))
            }
        }
    }

    fn current(&self, id: &MerchantId) -> Option<Arc<StoredMerchant>> {
        match self.touched.get(id) {
            Some(touched) => touched.clone(),
            None => self.base.get(id).cloned(),
        }
    }

    fn add(&mut self, change: Change, existed: bool) -> Committed {
        let after = match &change {
            Change::Put(stored) => Some(Arc::clone(stored)),
            Change::Delete { .. } => None,
        };
        self.touched.insert(change.id().clone(), after);
        self.last = change.revision();
        self.changes.push(change.clone());
        Committed { change, existed }
    }
}
