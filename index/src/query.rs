//! Queries and their results.

use std::{cell::Cell, fmt, sync::Arc};

use crate::{
    Ecef, Effort, Filter, Limit, MerchantId, Meters, Radius, SearchArea, ServedPoint, ServiceArea,
    StoredMerchant,
};

/// A position in the result order, after which the next page starts. Ordered like results, by distance and
/// then by id (`rank`, which follows from the two, compares last).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Distance of the last merchant of the page.
    pub distance: Meters,
    /// Id of the last merchant of the page.
    pub id: MerchantId,
    /// Number of results up to and including this merchant, or 0 if unknown. A hint for the radius of the
    /// next page: a wrong value costs time but never changes the result.
    pub rank: usize,
}

/// A search for the `limit` nearest merchants between `min_distance` and `radius` of `origin` that match a
/// filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Centre of the search.
    pub origin: Ecef,
    /// Inner radius, inclusive. [`Meters::ZERO`] for a full circle.
    pub min_distance: Meters,
    /// Outer radius, inclusive.
    pub radius: Radius,
    /// Maximum number of results.
    pub limit: Limit,
    /// Start of the page: only merchants after this cursor are returned.
    pub after: Option<Cursor>,
    /// Conditions on merchants.
    pub filter: Filter,
    /// Relation of the merchants to the origin.
    pub reach: Reach,
    /// Area that the positions of the merchants lie in, if not everywhere within the radius.
    pub area: Option<Arc<SearchArea>>,
}

/// Relation of merchants to the origin of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Reach {
    /// Merchants within the radius.
    #[default]
    Near,
    /// Merchants within the radius whose service area contains a point, which is the origin.
    Serving(ServedPoint),
    /// Merchants within the radius, and those within another radius whose service area contains a point, which is
    /// the origin.
    NearOrServing {
        /// The point to be served.
        point: ServedPoint,
        /// Radius of those that serve it.
        radius: Radius,
    },
}

impl Query {
    /// A query for the first page of visible merchants in a full circle.
    #[must_use]
    pub fn nearest(origin: Ecef, radius: Radius, limit: Limit) -> Self {
        Self {
            origin,
            min_distance: Meters::ZERO,
            radius,
            limit,
            after: None,
            filter: Filter::default(),
            reach: Reach::Near,
            area: None,
        }
    }

    /// Returns whether the position and the service area of a merchant allow it to be in the result, whatever its
    /// other properties.
    #[must_use]
    pub fn covers(&self, stored: &StoredMerchant, effort: &Effort) -> bool {
        let wgs84 = stored.merchant.position.to_wgs84();
        let position = Ecef::from(wgs84);
        let distance = self.origin.distance(position);
        let serves = |point, radius: Radius| {
            let area = stored.merchant.service_area();
            distance <= radius.meters()
                && area.is_some_and(|area: &ServiceArea| area.serves(point, distance, effort))
        };
        let is_within_reach = match &self.reach {
            Reach::Near => distance <= self.radius.meters(),
            Reach::Serving(point) => serves(point, self.radius),
            Reach::NearOrServing { point, radius } => {
                distance <= self.radius.meters() || serves(point, *radius)
            }
        };
        is_within_reach && self.area.as_ref().is_none_or(|area| area.contains(position, || wgs84, effort))
    }
}

/// Callbacks that control a running search. The default accepts every merchant and never stops.
#[derive(Clone, Copy, Default)]
pub struct SearchControl<'a> {
    /// Additional condition on merchants that match the filter and which no term can express, such as being
    /// open at a given time. Rejected merchants count towards neither the limit nor a page.
    pub predicate: Option<&'a dyn Fn(&StoredMerchant) -> bool>,
    /// Returns whether to continue, such as whether a deadline has not passed. Called at the start, then
    /// about once per two hundred merchants examined, and as often again for conditions whose work on these takes as long.
    pub should_continue: Option<&'a dyn Fn() -> bool>,
    /// Counts the pages that the search visits.
    pub pages: Option<&'a Cell<usize>>,
    /// Adds up the work of conditions on single merchants, but for [`Self::predicate`].
    pub effort: Option<&'a Effort>,
}

impl fmt::Debug for SearchControl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { predicate, should_continue, pages: _, effort: _ } = self;
        write!(
            f,
            "SearchControl {{ predicate: {}, should_continue: {} }}",
            predicate.is_some(),
            should_continue.is_some()
        )
    }
}

/// A search result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'s> {
    /// Distance from the origin.
    pub distance: Meters,
    /// The version of the merchant in the snapshot.
    pub merchant: &'s Arc<StoredMerchant>,
}

impl Hit<'_> {
    /// Returns the cursor of this hit. `rank` is the number of results up to and including it.
    #[must_use]
    pub fn cursor(&self, rank: usize) -> Cursor {
        Cursor { distance: self.distance, id: self.merchant.merchant.id.clone(), rank }
    }

    /// Compares by distance, then by id.
    pub(crate) fn cmp_rank(&self, other: &Self) -> std::cmp::Ordering {
        self.distance
            .cmp(&other.distance)
            .then_with(|| self.merchant.merchant.id.cmp(&other.merchant.merchant.id))
    }
}

/// The reason why a search returned no more hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// The radius contains no further merchants.
    #[default]
    Complete,
    /// The limit was reached, and there are more merchants.
    Limit,
    /// [`SearchControl::should_continue`] returned false. The hits are a prefix of the full result, without a
    /// gap; it is empty if the search had not yet covered the surroundings of the origin. A search with a
    /// large limit can confirm few hits before it is nearly complete: under a deadline,
    /// `Snapshot::search_iter` gets further.
    Stopped,
}

/// Search results, by distance and then by id. Keeps its allocations: when it is passed to the next search of
/// the same snapshot, that search allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Hits<'s> {
    pub(crate) hits: Vec<Hit<'s>>,
    pub(crate) end: End,
    /// Number of results before this page, as far as the query's cursor knows.
    pub(crate) preceding: usize,
    /// Working memory of the search: all candidates seen, and the keys that order them.
    pub(crate) candidates: Vec<Hit<'s>>,
    pub(crate) keys: Vec<u64>,
}

impl<'s> Hits<'s> {
    /// Returns the hits, nearest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Hit<'s>] {
        &self.hits
    }

    /// Returns the reason why there are no more hits.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// Returns the start of the next page: `None` if the radius contains no further merchants, and also if
    /// the search stopped before it found anything ([`Self::end`] distinguishes the two); in that case the
    /// next page starts where this one did.
    #[must_use]
    pub fn next(&self) -> Option<Cursor> {
        match self.end {
            End::Complete => None,
            End::Limit | End::Stopped => self.cursor(self.hits.len()),
        }
    }

    /// Returns the cursor after the first `count` hits, or `None` if `count` is 0 or exceeds their number.
    #[must_use]
    pub fn cursor(&self, count: usize) -> Option<Cursor> {
        let last = self.hits.get(count.checked_sub(1)?)?;
        Some(last.cursor(self.preceding.saturating_add(count)))
    }
}

/// Number of merchants that match a query, after its cursor if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The number of merchants counted.
    pub merchants: usize,
    /// Set if [`SearchControl::should_continue`] ended the count, so that it is a lower bound.
    pub stopped: bool,
}
