//! Questions that are valid and answers that are sorted, by construction.

use std::{fmt, sync::Arc};

use crate::{Ecef, Filter, Limit, MerchantId, Meters, Radius, StoredMerchant};

/// Where a page ended, and so what the next one comes after. Ordered as results are, by distance and then by id (the
/// rank, which follows from the two, comes last).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Distance of the last merchant.
    pub distance: Meters,
    /// Its id.
    pub id: MerchantId,
    /// How many merchants came up to it, 0 if nobody knows. It tells a search how far the next page may reach: off the
    /// mark it costs time and changes nothing else.
    pub rank: usize,
}

/// The `limit` nearest merchants from `min_distance` to `radius` of `origin` that pass a filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The point to search around.
    pub origin: Ecef,
    /// Where the ring begins; the edge is inclusive. [`Meters::ZERO`] for a full circle.
    pub min_distance: Meters,
    /// How far to search; the edge is inclusive.
    pub radius: Radius,
    /// The most merchants to return.
    pub limit: Limit,
    /// Only merchants after this one, if given.
    pub after: Option<Cursor>,
    /// What a merchant must be.
    pub filter: Filter,
}

impl Query {
    /// The nearest visible merchants in a full circle, from the first.
    #[must_use]
    pub fn nearest(origin: Ecef, radius: Radius, limit: Limit) -> Self {
        Self { origin, min_distance: Meters::ZERO, radius, limit, after: None, filter: Filter::default() }
    }
}

/// What a caller decides while a search is under way. The default lets it run and takes every merchant.
#[derive(Clone, Copy, Default)]
pub struct Steering<'a> {
    /// Whether a merchant that passes the filter is wanted: what no term can say, such as being open at a given time. A
    /// merchant that is not counts neither for the limit nor for a page.
    pub accepts: Option<&'a dyn Fn(&StoredMerchant) -> bool>,
    /// Whether the search may go on, such as that a deadline has not passed. Asked at the start, and then once for every
    /// two hundred merchants or so that are looked at.
    pub goes_on: Option<&'a dyn Fn() -> bool>,
}

impl fmt::Debug for Steering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepts, goes_on } = self;
        write!(f, "Steering {{ accepts: {}, goes_on: {} }}", accepts.is_some(), goes_on.is_some())
    }
}

/// One merchant found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit<'s> {
    /// How far it is from the origin.
    pub distance: Meters,
    /// The version of the merchant that was visible.
    pub merchant: &'s Arc<StoredMerchant>,
}

impl Hit<'_> {
    /// The place of this hit in the order of results. `rank` is how many merchants came up to it.
    #[must_use]
    pub fn cursor(&self, rank: usize) -> Cursor {
        Cursor { distance: self.distance, id: self.merchant.merchant.id.clone(), rank }
    }

    /// By distance, then by id.
    pub(crate) fn rank(&self, other: &Self) -> std::cmp::Ordering {
        self.distance
            .cmp(&other.distance)
            .then_with(|| self.merchant.merchant.id.cmp(&other.merchant.merchant.id))
    }
}

/// Why there are no more hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// There are none within the radius.
    #[default]
    Complete,
    /// The limit was reached, and there are more.
    Limit,
    /// [`Steering::goes_on`] said no. The hits are the nearest all the same, without a gap, but fewer than there are, and
    /// none where the search had not yet looked everywhere near by. A search for many is sure of little before it is
    /// nearly done: with a deadline, [`Snapshot::ranked`](crate::Snapshot::ranked) gets further.
    Stopped,
}

/// The merchants found, by distance and then by id. Holds on to its memory: hand it to the next search of the same
/// snapshot, and that one allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Hits<'s> {
    pub(crate) hits: Vec<Hit<'s>>,
    pub(crate) end: End,
    /// How many merchants came before these, as far as the query knew.
    pub(crate) earlier: usize,
    /// Room for the search to work in: all that it found on the way, and what it orders them by.
    pub(crate) found: Vec<Hit<'s>>,
    pub(crate) keys: Vec<u64>,
}

impl<'s> Hits<'s> {
    /// The merchants, nearest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Hit<'s>] {
        &self.hits
    }

    /// Why there are no more.
    #[must_use]
    pub fn end(&self) -> End {
        self.end
    }

    /// Where the next page starts; `None` when nothing more lies within the radius, and also when a search was stopped
    /// before it found anything, which [`Self::end`] tells apart: then the next page starts where this one did.
    #[must_use]
    pub fn next(&self) -> Option<Cursor> {
        match self.end {
            End::Complete => None,
            End::Limit | End::Stopped => self.cursor(self.hits.len()),
        }
    }

    /// Where a page starts that begins after the first so many of these; `None` for 0 and for more than there are.
    #[must_use]
    pub fn cursor(&self, count: usize) -> Option<Cursor> {
        let last = self.hits.get(count.checked_sub(1)?)?;
        Some(last.cursor(self.earlier.saturating_add(count)))
    }
}

/// How many merchants a query finds, after its cursor if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The number.
    pub merchants: usize,
    /// Whether the count was ended by [`Steering::goes_on`], so that there may be more.
    pub stopped: bool,
}
