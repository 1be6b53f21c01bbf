//! The result that a watching client has, and its difference to the next one.

use std::{collections::HashMap, hash::Hasher as _, sync::Arc};

use nearby_index::{Hit, MerchantId, Meters, Revision, StoredMerchant};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;
use twox_hash::XxHash3_64;

use super::super::serving::output_area;
use crate::{
    error::ServiceError,
    grpc::{
        convert::{MAX_PAGE_BYTES, OutputDatum, View},
        response_encoder::{ResultFlags, put_field, put_result, viewed},
    },
    language::Language,
    record::{localized_name, name_of},
};

/// A merchant of the set.
#[derive(Clone, Debug)]
pub(super) struct WatchedMerchant {
    pub(super) distance: Meters,
    /// True if it may be on the other side of an edge, by the accuracy of the origin.
    pub(super) uncertain: bool,
    /// True if its service area contains the origin.
    pub(super) serves_origin: bool,
    pub(super) merchant: Arc<StoredMerchant>,
}

/// The ranked merchants that the client has.
#[derive(Debug, Default)]
pub(super) struct WatchedSet {
    by_id: HashMap<MerchantId, (Meters, u8, Revision)>,
    digest: u64,
}

/// The difference between two sets.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) entered: Vec<WatchedMerchant>,
    pub(super) updated: Vec<WatchedMerchant>,
    pub(super) moved: Vec<WatchedMerchant>,
    pub(super) left: Vec<MerchantId>,
}

impl Difference {
    pub(super) fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.updated.is_empty() && self.moved.is_empty() && self.left.is_empty()
    }
}

impl WatchedSet {
    /// A hash of the set. It goes into resume tokens and outlives the process, so its function is fixed: XXH3 of the fields in
    /// ranked order, independent of Rust's release.
    pub(super) fn digest(&self) -> u64 {
        self.digest
    }

    /// Replaces the set by these ranked merchants.
    pub(super) fn update(&mut self, found: Vec<WatchedMerchant>) -> Difference {
        let mut difference = Difference::default();
        let mut hasher = XxHash3_64::with_seed(0);
        let mut by_id = HashMap::with_capacity(found.len());
        for watched in found {
            let (id, revision) = (watched.merchant.merchant.id.clone(), watched.merchant.revision);
            // Ids contain no zero byte, so that the fields cannot run into each other.
            hasher.write(id.as_str().as_bytes());
            let flags = u8::from(watched.uncertain) | u8::from(watched.serves_origin) << 1;
            hasher.write(&[0, flags]);
            hasher.write(&watched.distance.get().to_bits().to_le_bytes());
            hasher.write(&revision.0.to_le_bytes());
            let now = (watched.distance, flags, revision);
            match self.by_id.remove(&id) {
                None => difference.entered.push(watched),
                Some((_, _, before)) if before != revision => difference.updated.push(watched),
                Some(before) if before != now => difference.moved.push(watched),
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

/// The format of merchants in responses.
#[derive(Clone, Debug)]
pub(super) struct OutputFormat {
    pub(super) view: View,
    pub(super) output: Option<OutputDatum>,
    /// The language of names, if they are requested.
    pub(super) language: Option<Language>,
}

impl OutputFormat {
    /// Writes a `WatchNearbyResponse`.
    pub(super) fn encode(
        &self,
        difference: &Difference,
        revision: Revision,
        reset: bool,
        (steps, area_truncated): (u64, bool),
        resume_token: &str,
    ) -> Result<Encoded<wire::WatchNearbyResponse>, ServiceError> {
        let mut response = Vec::new();
        encoding::uint64::encode(1, &revision.0, &mut response);
        if reset {
            encoding::bool::encode(2, &true, &mut response);
        }
        for (tag, merchants) in [(3, &difference.entered), (4, &difference.updated), (5, &difference.moved)] {
            let view = if tag == 5 { View::IdOnly } else { self.view };
            for WatchedMerchant { distance, uncertain, serves_origin, merchant } in merchants {
                let hit = Hit { distance: *distance, merchant };
                let position = self.output.map(|datum| datum.position_of(merchant.merchant.position));
                let language = self.language.as_ref().filter(|_| view != View::IdOnly);
                let localized_name = language.map(|language| localized_name(merchant, language));
                let flags = ResultFlags {
                    uncertain: *uncertain,
                    position,
                    localized_name,
                    serves_origin: *serves_origin,
                    service_area: output_area(merchant, view, self.output),
                    ..ResultFlags::default()
                };
                put_result(&mut response, tag, &hit, viewed(merchant, view), &flags);
            }
        }
        for id in &difference.left {
            put_field(&mut response, 6, name_of(id).as_bytes());
        }
        encoding::uint64::encode(7, &steps, &mut response);
        put_field(&mut response, 8, resume_token.as_bytes());
        if area_truncated {
            encoding::bool::encode(9, &true, &mut response);
        }
        if response.len() > MAX_PAGE_BYTES {
            return Err(ServiceError::ResponseTooLarge(MAX_PAGE_BYTES));
        }
        Ok(Encoded::from_bytes(response))
    }
}
