//! The only way anything changes.

use std::sync::Arc;

use crate::{MerchantId, StoredMerchant};

/// The number of a change. Every change has one of its own, one higher than the change before, so that a revision
/// both names a version of a merchant (its etag) and says how far a snapshot or a store has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// Before the first change.
    pub const ZERO: Self = Self(0);

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One change, decided and numbered: what the store makes durable and the index makes visible.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The merchant is now this version, whether or not there was one before.
    Put(Arc<StoredMerchant>),
    /// The merchant is gone.
    Delete {
        /// Which merchant.
        id: MerchantId,
        /// The number of this change.
        revision: Revision,
    },
}

impl Change {
    /// The merchant that changes.
    #[must_use]
    pub fn id(&self) -> &MerchantId {
        match self {
            Self::Put(stored) => &stored.merchant.id,
            Self::Delete { id, .. } => id,
        }
    }

    /// The number of this change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        match self {
            Self::Put(stored) => stored.revision,
            Self::Delete { revision, .. } => *revision,
        }
    }
}
