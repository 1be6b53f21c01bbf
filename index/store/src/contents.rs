//! All that a store keeps, as it is in memory at one revision.

use std::sync::Arc;

use nearby_index::{MerchantId, Revision, Snapshot};

use crate::{
    DoneRequest,
    codec::{encode_deletion, encode_merchant, encode_request, merchant_key},
    sled::Record,
};

/// All that a store keeps, at one revision. Holds on to what it has without copying merchants.
#[derive(Clone, Debug)]
pub struct Content {
    /// The merchants.
    pub snapshot: Arc<Snapshot>,
    /// The deletions that are kept.
    pub deletions: Vec<(Revision, MerchantId)>,
    /// The requests that are remembered.
    pub requests: Vec<Arc<DoneRequest>>,
}

impl Content {
    /// The records of it all, but for the tally, in the order of their keys.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        let merchants = self.snapshot.list(None);
        let merchants = merchants.map(|stored| (merchant_key(&stored.merchant.id), encode_merchant(stored)));
        self.deletion_records().chain(merchants).chain(self.request_records())
    }

    /// The records of the deletions, in the order of their keys.
    pub(crate) fn deletion_records(&self) -> impl Iterator<Item = Record> {
        let mut deletions: Vec<&(Revision, MerchantId)> = self.deletions.iter().collect();
        deletions.sort_unstable_by_key(|(revision, _)| *revision);
        deletions.into_iter().map(|(revision, id)| encode_deletion(id, *revision))
    }

    /// The records of the requests, in the order of their keys; made as they are asked for, as there may be many.
    pub(crate) fn request_records(&self) -> impl Iterator<Item = Record> {
        let mut requests: Vec<&Arc<DoneRequest>> = self.requests.iter().collect();
        requests.sort_unstable_by_key(|request| request.id);
        requests.into_iter().flat_map(|request| encode_request(request))
    }
}
