//! Changes: the only way the content of an index or a store is modified.

use std::sync::Arc;

use crate::{MerchantId, Revision, StoredMerchant};

/// One decided and numbered change: the store makes it durable, the index makes it visible.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Inserts or replaces a merchant.
    Put(Arc<StoredMerchant>),
    /// Deletes a merchant.
    Delete {
        /// The merchant to delete.
        id: MerchantId,
        /// Revision of this change.
        revision: Revision,
    },
}

impl Change {
    /// Returns the id of the merchant that changes.
    #[must_use]
    pub fn id(&self) -> &MerchantId {
        match self {
            Self::Put(stored) => &stored.merchant.id,
            Self::Delete { id, .. } => id,
        }
    }

    /// Returns the revision of this change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self {
            Self::Put(stored) => stored.revision,
            Self::Delete { revision, .. } => *revision,
        }
    }
}
