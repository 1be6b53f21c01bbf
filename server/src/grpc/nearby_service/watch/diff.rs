//! What a watcher holds, and what the difference is to what it shall hold.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use nearby_index::{Hit, MerchantId, Meters, Revision, StoredMerchant};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;

use crate::{
    error::ServiceError,
    grpc::{
        convert::{MOST_PAGE_BYTES, OutputDatum, name_of},
        response_encoder::{Marks, put_field, put_result, viewed},
    },
};

/// A merchant of the set.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) distance: Meters,
    /// Whether it may not belong here.
    pub(super) uncertain: bool,
    pub(super) merchant: Arc<StoredMerchant>,
}

/// The ranked merchants that the caller holds.
#[derive(Debug, Default)]
pub(super) struct Set {
    by_id: HashMap<MerchantId, (Meters, bool, Revision)>,
    digest: u64,
}

/// How one set becomes another.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) entered: Vec<Held>,
    pub(super) updated: Vec<Held>,
    pub(super) moved: Vec<Held>,
    pub(super) left: Vec<MerchantId>,
}

impl Difference {
    pub(super) fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.updated.is_empty() && self.moved.is_empty() && self.left.is_empty()
    }
}

impl Set {
    pub(super) fn holds(&self, id: &MerchantId) -> bool {
        self.by_id.contains_key(id)
    }

    /// Tells one set from another.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Becomes the set of these merchants, which are ranked.
    pub(super) fn become_these(&mut self, found: Vec<Held>) -> Difference {
        let mut difference = Difference::default();
        let mut hasher = DefaultHasher::new();
        let mut by_id = HashMap::with_capacity(found.len());
        for held in found {
            let (id, revision) = (held.merchant.merchant.id.clone(), held.merchant.revision);
            (id.as_str(), held.distance.get().to_bits(), held.uncertain, revision).hash(&mut hasher);
            let now = (held.distance, held.uncertain, revision);
            match self.by_id.remove(&id) {
                None => difference.entered.push(held),
                Some((_, _, before)) if before != revision => difference.updated.push(held),
                Some(before) if before != now => difference.moved.push(held),
                Some(_) => {}
            }
            by_id.insert(id, now);
        }
        difference.left = self.by_id.drain().map(|(id, _)| id).collect();
        difference.left.sort_unstable();
        (self.by_id, self.digest) = (by_id, hasher.finish());
        difference
    }
}

/// How merchants are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) view: wire::MerchantView,
    pub(super) output: Option<OutputDatum>,
}

impl Shown {
    /// Writes a `WatchNearbyResponse`.
    pub(super) fn encode(
        &self,
        difference: &Difference,
        revision: Revision,
        reset: bool,
        steps: u64,
        resume_token: &str,
    ) -> Result<Encoded<wire::WatchNearbyResponse>, ServiceError> {
        let mut answer = Vec::new();
        encoding::uint64::encode(1, &revision.0, &mut answer);
        if reset {
            encoding::bool::encode(2, &true, &mut answer);
        }
        for (tag, merchants) in [(3, &difference.entered), (4, &difference.updated), (5, &difference.moved)] {
            let view = if tag == 5 { wire::MerchantView::IdOnly } else { self.view };
            for Held { distance, uncertain, merchant } in merchants {
                let hit = Hit { distance: *distance, merchant };
                let position = self.output.map(|datum| datum.position_of(merchant.merchant.position));
                let marks = Marks { uncertain: *uncertain, position, ..Marks::default() };
                put_result(&mut answer, tag, &hit, viewed(merchant, view), &marks);
            }
        }
        for id in &difference.left {
            put_field(&mut answer, 6, name_of(id).as_bytes());
        }
        encoding::uint64::encode(7, &steps, &mut answer);
        put_field(&mut answer, 8, resume_token.as_bytes());
        if answer.len() > MOST_PAGE_BYTES {
            return Err(ServiceError::AnswerTooLarge(MOST_PAGE_BYTES));
        }
        Ok(Encoded::from_bytes(answer))
    }
}
