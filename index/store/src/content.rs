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
        let (before, after) = self.other_records();
        before.into_iter().chain(merchants).chain(after)
    }

    /// The records that are no merchants': those with keys before theirs, and those with keys after.
    pub(crate) fn other_records(&self) -> (Vec<Record>, Vec<Record>) {
        let mut deletions: Vec<Record> =
            self.deletions.iter().map(|(revision, id)| encode_deletion(id, *revision)).collect();
        let mut requests: Vec<Record> =
            self.requests.iter().flat_map(|request| encode_request(request)).collect();
        deletions.sort_unstable();
        requests.sort_unstable();
        (deletions, requests)
    }
}
