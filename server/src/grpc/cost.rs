//! The cost of calls, which rate limits count. `server/ACCESS.md` documents the table.
//!
//! One unit is a plain search: the 20 nearest merchants in the BASIC view. The other costs were chosen from the CPU time of a release
//! build with 40,000 merchants of 300 bytes on two shared cores, with 32 calls in flight, and rounded: a plain search takes 34 µs (25
//! on a quiet machine), so that a microsecond is about 30 thousandths of a unit.
//!
//! | work | µs | thousandths | charged |
//! |---|---|---|---|
//! | each further result, BASIC; FULL | 0.21; 0.43 | 6; 13 | 10; 20 |
//! | each merchant of a list; of a batch; of an export (FULL) | 0.38; 0.83; 0.57 | 11; 24; 17 | 20; 30; 20 |
//! | each page of the index: totals, filters, accuracy | 0.8 to 1.6 | 24 to 48 | 40 |
//! | each merchant whose opening hours are evaluated, or that is grouped or counted by brand | 0.08; 0.07 | 2 | 2 |
//! | each microsecond of comparing names, labels and areas of single merchants, as estimated by what is read | 1 | 30 | 30 |
//! | each vertex of the area of a search | 1.9 | 57 | 60 |
//! | density: each merchant; each cell | 0.76; 0.41 | 22; 12 | 25; 10 |
//! | one change; each change of a batch | 113; 24 | 3,300; 700 | 3,000; 1,000 |
//! | each row of an import that changes something; that does not | 24; 11 | 720; 320 | 1,000 |
//! | a step of a watch of 20; each of 1,000 merchants that moved; that entered | 55; 0.4 to 0.5; 0.8 to 1.3 | 1,600; 13; 23 to 38 | 1,000; 13; 13 to 23 |
//! | backup, each KiB | 2.6 | 76 | 80 |
//!
//! Batches of searches cost less than their price, 7 µs a search, so that a search costs the same whichever way it is sent.

use std::ops::AddAssign;

use nearby_index::{Change, Effort};

use super::convert::View;
use crate::auth::rate_limit::Cost;

/// Every call, before it begins. It pays for the first search, name, change or message of the call, and for [`INCLUDED`].
pub(crate) const CALL: Cost = Cost::units(1);
/// Each further search of a batch or a stream, before it begins, and each further response of a watch.
pub(crate) const SEARCH: Cost = Cost::units(1);
/// Each further change of a batch, before it begins.
pub(crate) const CHANGE: Cost = Cost::units(1);
/// The commit of a change or a batch.
pub(crate) const COMMIT: Cost = Cost::units(2);
/// Each row of an import.
pub(crate) const IMPORT_ROW: Cost = Cost::units(1);
/// Each name of a batch, before it is looked up.
pub(crate) const NAME: Cost = Cost::thousandths(10);
/// A step of a watch that has its response together with others.
pub(crate) const MERGED_STEP: Cost = Cost::thousandths(50);

/// Returned merchants that the unit of a call, a search or a response pays for: 20 in the BASIC view.
const INCLUDED: Cost = Cost::thousandths(200);
/// A name without its merchant, such as one that left a watch.
const REFERENCE: Cost = Cost::thousandths(10);
/// Each KiB of a response beyond one per merchant: a merchant may have 32 KiB.
const KIB: Cost = Cost::thousandths(20);
/// A page of the index, a few hundred merchants.
const PAGE: Cost = Cost::thousandths(40);
/// Pages that the unit of a search pays for: the 20 nearest lie on two or three, the 500 nearest on ten.
const INCLUDED_PAGES: usize = 10;
/// A merchant that is examined on its own: its opening hours are evaluated, it is grouped, or the filter of a list skips it.
const EXAMINED: Cost = Cost::thousandths(2);
/// A vertex of the area of a search or of a merchant, which is projected and checked.
const VERTEX: Cost = Cost::thousandths(60);
/// A microsecond of conditions on single merchants.
const EFFORT_US: Cost = Cost::thousandths(30);
/// A merchant of a watch, which is compared with its state in the last response.
const COMPARED: Cost = Cost::thousandths(3);
/// A merchant that is assigned to its cell.
const COUNTED: Cost = Cost::thousandths(25);
/// A cell of a density response.
const CELL: Cost = Cost::thousandths(10);
/// Each KiB of a backup, which is read, encoded and summed.
const BACKUP_KIB: Cost = Cost::thousandths(80);

/// The contents of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Merchants in the BASIC view or less, and names of others.
    pub(crate) short: usize,
    /// Merchants with all fields.
    pub(crate) full: usize,
    /// Length of the response.
    pub(crate) bytes: usize,
}

impl Returned {
    /// Merchants in a view.
    pub(crate) fn of(view: View, merchants: usize, bytes: usize) -> Self {
        match view {
            View::IdOnly | View::Basic => Self { short: merchants, full: 0, bytes },
            View::Public | View::Full => Self { short: 0, full: merchants, bytes },
        }
    }

    /// A change in the change feed: a merchant in a view, or the name of one that was deleted.
    pub(crate) fn of_change(view: View, change: &Change) -> Self {
        match change {
            Change::Put(_) => Self::of(view, 1, 0),
            Change::Delete { .. } => Self { short: 1, ..Self::default() },
        }
    }

    /// The cost of the merchants in it.
    pub(crate) fn cost(self) -> Cost {
        let Self { short, full, bytes } = self;
        REFERENCE * short + REFERENCE * 2 * full + KIB * (bytes / 1_024).saturating_sub(short + full)
    }

    /// The cost beyond what the unit of a call, a search or a response pays for.
    pub(crate) fn further_cost(self) -> Cost {
        self.cost().above(INCLUDED)
    }
}

impl AddAssign for Returned {
    fn add_assign(&mut self, other: Self) {
        self.short += other.short;
        self.full += other.full;
        self.bytes += other.bytes;
    }
}

/// The work of a search: the pages of the index that it visited, and the merchants that it examined on their own.
pub(crate) fn search_work(pages: usize, examined: usize) -> Cost {
    PAGE * pages.saturating_sub(INCLUDED_PAGES) + EXAMINED * examined
}

/// The vertices of areas.
pub(crate) fn vertices(vertices: usize) -> Cost {
    VERTEX * vertices
}

/// The work of conditions on single merchants: their names, labels and points.
pub(crate) fn effort(effort: &Effort) -> Cost {
    EFFORT_US * usize::try_from(effort.nanoseconds() / 1_000).unwrap_or(usize::MAX)
}

/// The merchants that the filter of a list or an export skipped.
pub(crate) fn skipped(merchants: usize) -> Cost {
    EXAMINED * merchants
}

/// The merchants of a watch, which were compared with the last response.
pub(crate) fn compared(merchants: usize) -> Cost {
    COMPARED * merchants
}

/// The merchants that were assigned to cells, and the cells.
pub(crate) fn density(merchants: usize, cells: usize) -> Cost {
    COUNTED * merchants + CELL * cells
}

/// A part of a backup.
pub(crate) fn backup(bytes: usize) -> Cost {
    BACKUP_KIB * bytes.div_ceil(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole cost of a search, besides its work in the index.
    fn search(view: View, results: usize, bytes: usize) -> String {
        (SEARCH + Returned::of(view, results, bytes).further_cost()).to_string()
    }

    #[test]
    fn a_plain_search_is_a_unit_and_others_cost_what_they_return() {
        for (view, results, bytes, units) in [
            (View::Basic, 0, 0, "1"),
            (View::Basic, 20, 2_000, "1"),
            (View::IdOnly, 20, 800, "1"),
            (View::Full, 10, 4_000, "1"),
            (View::Full, 20, 8_000, "1.2"),
            (View::Public, 20, 8_000, "1.2"),
            (View::Basic, 100, 10_000, "1.8"),
            (View::Basic, 500, 50_000, "5.8"),
            (View::Full, 500, 150_000, "10.8"),
            // Merchants of 32 KiB: 3,584 KiB, of which one per merchant is in the price of the merchant.
            (View::Full, 112, 3_670_016, "72.48"),
        ] {
            assert_eq!(search(view, results, bytes), units, "{results} {view:?} in {bytes} bytes");
        }
    }

    #[test]
    fn work_costs_its_share_of_a_unit() {
        for (cost, units) in [
            (search_work(2, 0), "0"),
            (search_work(10, 0), "0"),
            // The total of 31,000 merchants without a filter, by opening hours, and grouped by position.
            (search_work(56, 0), "1.84"),
            (search_work(433, 31_226), "79.372"),
            (search_work(699, 31_226), "90.012"),
            (skipped(4_000), "8"),
            (compared(1_000), "3"),
            (density(31_226, 1_013), "790.78"),
            (density(14, 3), "0.38"),
            (backup(256 * 1_024), "20.48"),
            (backup(0), "0"),
            (COMMIT + CHANGE * 500, "502"),
            (NAME * 1_000, "10"),
        ] {
            assert_eq!(cost.to_string(), units);
        }
    }

    #[test]
    fn a_long_response_costs_more_than_its_merchants() {
        let left = Returned { short: 30, full: 10, bytes: 100 * 1_024 };
        assert_eq!(left.cost().to_string(), "1.7");
        assert_eq!(left.further_cost().to_string(), "1.5");
    }
}
