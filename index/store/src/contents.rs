//! The full content of a store at one revision, as it is in memory.

use std::sync::Arc;

use nearby_index::{MerchantId, Revision, Snapshot};

use crate::{
    CompletedRequest,
    codec::{encode_deletion, encode_merchant, encode_request, merchant_key},
    sled::Record,
};

/// The full content of a store at one revision. Shares merchants instead of copying them.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Merchants.
    pub snapshot: Arc<Snapshot>,
    /// Retained deletions.
    pub deletions: Vec<(Revision, MerchantId)>,
    /// Retained completed requests.
    pub requests: Vec<Arc<CompletedRequest>>,
}

impl Contents {
    /// Returns all records except the digest, in key order.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        let merchants = self.snapshot.list(None);
        let merchants = merchants.map(|stored| (merchant_key(&stored.merchant.id), encode_merchant(stored)));
        self.deletion_records().chain(merchants).chain(self.request_records())
    }

    /// Returns the records of the deletions, in key order.
    pub(crate) fn deletion_records(&self) -> impl Iterator<Item = Record> {
        let mut deletions: Vec<&(Revision, MerchantId)> = self.deletions.iter().collect();
        deletions.sort_unstable_by_key(|(revision, _)| *revision);
        deletions.into_iter().map(|(revision, id)| encode_deletion(id, *revision))
    }

    /// Returns the records of the requests, in key order, encoded lazily since there may be many.
    pub(crate) fn request_records(&self) -> impl Iterator<Item = Record> {
        let mut requests: Vec<&Arc<CompletedRequest>> = self.requests.iter().collect();
        requests.sort_unstable_by_key(|request| request.id);
        requests.into_iter().flat_map(|request| encode_request(request))
    }
}
