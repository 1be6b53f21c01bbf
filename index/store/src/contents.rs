//! The full content of a store at one revision, as it is in memory.

use std::sync::Arc;

use nearby_index::{MerchantId, Revision, Snapshot};
use twox_hash::XxHash3_128;

use crate::{
    CompletedRequest,
    blocks::write_record,
    codec::{encode_deletion, encode_merchant, encode_request, merchant_key},
    sled::Record,
};

/// Bytes that are hashed at once.
const HASHED_BYTES: usize = 64 * 1024;

/// Hash of the content of a store, to compare the stores of two nodes. Covers the keys and the encoding of all records, which may
/// differ between releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentHash {
    /// XXH3-128.
    pub hash: u128,
    /// Number of records: merchants, deletions and outcomes of requests.
    pub records: u64,
}

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
    /// Returns a hash that is the same for equal content, whatever the history of the stores. Encodes all records, which takes
    /// about as long as a backup.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let (mut hasher, mut records) = (XxHash3_128::new(), 0);
        // In blocks of records with their lengths, as in a backup: the hasher is slow on short inputs, and no two sequences of
        // records have the same bytes.
        let mut block = Vec::with_capacity(2 * HASHED_BYTES);
        for record in self.records() {
            write_record(&mut block, &record);
            records += 1;
            if block.len() >= HASHED_BYTES {
                hasher.write(&block);
                block.clear();
            }
        }
        hasher.write(&block);
        ContentHash { hash: hasher.finish_128(), records }
    }

    /// Returns all records except the digest and the position, in key order.
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
