//! A question that is valid and an answer that is sorted, by construction.

use std::sync::Arc;

use crate::{Ecef, Limit, MerchantId, Meters, Radius, StoredMerchant};

/// Where a page ended, and so what the next one comes after. Ordered as results are: by distance, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Distance of the last merchant.
    pub distance: Meters,
    /// Its id.
    pub id: MerchantId,
}

/// The `limit` nearest visible merchants within `radius` of `origin`.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The point to search around.
    pub origin: Ecef,
    /// How far to search; the edge is inclusive.
    pub radius: Radius,
    /// The most merchants to return.
    pub limit: Limit,
    /// Only merchants after this one, if given.
    pub after: Option<Cursor>,
}

/// One merchant found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The version of the merchant that was visible.
    pub merchant: Arc<StoredMerchant>,
    /// How far it is from the origin.
    pub distance: Meters,
}

impl Hit {
    /// The place of this hit in the order of results.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { distance: self.distance, id: self.merchant.merchant.id.clone() }
    }
}

/// The merchants found, by distance and then by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    pub(crate) hits: Vec<Hit>,
    pub(crate) more: bool,
}

impl Hits {
    /// The merchants, nearest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Hit] {
        &self.hits
    }

    /// Where the next page starts; `None` when nothing more lies within the radius.
    #[must_use]
    pub fn next(&self) -> Option<Cursor> {
        if self.more { self.hits.last().map(Hit::cursor) } else { None }
    }
}
