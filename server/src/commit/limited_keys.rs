//! Commands of API keys that are limited to merchants.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use nearby_index::{Change, MerchantId, Snapshot, StoredMerchant};

use super::{Command, Expect};
use crate::{
    error::ServiceError,
    merchant_scope::MerchantScope,
    record::{self, Update},
};

/// Checks that a command changes a merchant that the key is limited to. `before` is the version that exists.
///
/// # Errors
/// The same whether a merchant that is none of the key's exists or not, except that a key that is limited by a label cannot
/// create a merchant with an id that is taken.
pub(super) fn check(
    command: &Command,
    before: Option<&StoredMerchant>,
    scope: &MerchantScope,
) -> Result<(), ServiceError> {
    let id = command.id();
    if before.map_or_else(|| scope.may_create(id), |before| record::is_in_scope(before, scope)) {
        return match command {
            Command::Delete { .. } => Err(ServiceError::KeyLimited),
            Command::Patch(patch) if matches!(patch.update, Update::Review(_)) => {
                Err(ServiceError::KeyLimited)
            }
            Command::Put { .. } | Command::Patch(_) => Ok(()),
        };
    }
    let may_create = match command {
        Command::Put { expect: Expect::Absent, .. } if scope.may_create(id) => {
            return Err(ServiceError::AlreadyExists(id.clone()));
        }
        Command::Put { .. } => true,
        Command::Patch(patch) => patch.if_missing.is_some() || matches!(patch.update, Update::Overlay { .. }),
        Command::Delete { .. } => false,
    };
    Err(if may_create { ServiceError::NotInScope(id.clone()) } else { ServiceError::NotFound(id.clone()) })
}

/// The merchants whose review is pending, by their labels.
#[derive(Debug, Default)]
pub(super) struct PendingReviews {
    labels: HashMap<MerchantId, BTreeMap<String, String>>,
    by_label: HashMap<(String, String), BTreeSet<MerchantId>>,
}

impl PendingReviews {
    /// Those of a snapshot.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut all = Self::default();
        snapshot.list(None).for_each(|stored| all.add(stored));
        all
    }

    /// Follows a change that has been committed.
    pub(super) fn apply(&mut self, change: &Change) {
        for label in self.labels.remove(change.id()).into_iter().flatten() {
            if let Some(ids) = self.by_label.get_mut(&label) {
                ids.remove(change.id());
                if ids.is_empty() {
                    self.by_label.remove(&label);
                }
            }
        }
        if let Change::Put(stored) = change {
            self.add(stored);
        }
    }

    fn add(&mut self, stored: &StoredMerchant) {
        if !record::is_review_pending(&stored.merchant) {
            return;
        }
        let (id, labels) = (&stored.merchant.id, record::labels_of(&stored.merchant.profile));
        for (label, value) in &labels {
            self.by_label.entry((label.clone(), value.clone())).or_default().insert(id.clone());
        }
        self.labels.insert(id.clone(), labels);
    }

    /// Those with a label.
    pub(super) fn with_label(&self, label: &str, value: &str) -> impl Iterator<Item = &MerchantId> {
        self.by_label.get(&(label.to_owned(), value.to_owned())).into_iter().flatten()
    }
}
