//! Pages: a few hundred neighbouring merchants as an immutable packed part, plus the edits since it was
//! packed.

use std::sync::Arc;

use super::{
    Point,
    bitset::{BitSet, PAGE_SIZE, set_bits},
    bounding_boxes::{Aabb, BoundingBoxes, MAX_LEAVES, rounded_up},
    bulk_load,
    leaf_points::{LEAF_SIZE, LeafPoints, WideLeaf},
    page_areas::PageAreas,
    postings::Postings,
};
use crate::{Ecef, Filter, MerchantId, StoredMerchant, Term, Visibility, VisibilityFilter};

/// Maximum number of merchants added to a page before it is repacked. Every search that visits the page scans
/// all of them.
pub(crate) const MAX_RECENT: usize = 32;

/// The immutable part. Fields that every visiting search reads come first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Packed {
    boxes: BoundingBoxes<MAX_LEAVES>,
    visible: BitSet,
    leaves: LeafPoints,
    records: Box<[Arc<StoredMerchant>]>,
    /// Leaves whose points all share one position, one bit each.
    coincident_leaves: u64,
    /// All points of the page share one position.
    is_coincident: bool,
    areas: Option<Box<PageAreas>>,
    hidden: BitSet,
    extent: Aabb,
    postings: Postings,
}

/// Changes since the page was packed.
#[derive(Clone, Debug)]
struct Edits {
    /// Remaining packed points, split by visibility.
    visible: BitSet,
    hidden: BitSet,
    recent: Arc<Recent>,
}

/// Points added since the page was packed, at most [`MAX_RECENT`], unordered.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    leaves: Vec<WideLeaf>,
    records: Vec<Arc<StoredMerchant>>,
    /// Visible points, one bit each.
    visible: u64,
    /// Largest reach of a service area, in metres, rounded up; 0 if there is none.
    reach_m: f32,
    extent: Aabb,
}

/// A version of a page, as one snapshot sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    packed: Arc<Packed>,
    edits: Option<Arc<Edits>>,
}

/// Location of a merchant in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Packed(usize),
    Recent(usize),
}

/// Result of editing a page.
pub(crate) enum EditOutcome {
    Page(Page),
    /// Too many changes: the points of the page, to be repacked.
    Repack(Vec<Point>),
}

impl Page {
    /// Packs at least one and at most [`PAGE_SIZE`] points.
    pub(crate) fn pack(points: &mut [Point]) -> Self {
        bulk_load::sort_into_leaves(points);
        let extents: Vec<Aabb> = points
            .chunks(LEAF_SIZE)
            .map(|leaf| Aabb::around(leaf.iter().map(|point| point.position)))
            .collect();
        let boxes = BoundingBoxes::new(&extents);
        let records: Box<[_]> = points.iter().map(|point| Arc::clone(&point.stored)).collect();
        let (mut visible, mut hidden) = (BitSet::EMPTY, BitSet::EMPTY);
        for (number, stored) in records.iter().enumerate() {
            if is_visible(stored) { visible.insert(number) } else { hidden.insert(number) }
        }
        let coincident_leaves =
            (0..).zip(&extents).map(|(leaf, extent)| u64::from(extent.is_coincident()) << leaf);
        let extent = extents.iter().fold(Aabb::EMPTY, Aabb::with);
        Self {
            packed: Arc::new(Packed {
                leaves: LeafPoints::new(points, &boxes),
                visible,
                hidden,
                coincident_leaves: coincident_leaves.sum(),
                is_coincident: extent.is_coincident(),
                areas: PageAreas::new(&records),
                extent,
                postings: Postings::new(&records),
                boxes,
                records,
            }),
            edits: None,
        }
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }

    /// Touches what a visit reads first, to load it into the cache.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        self.packed.boxes.prefetch();
        std::hint::black_box(self.packed.coincident_leaves);
    }

    pub(crate) fn recent(&self) -> Option<&Recent> {
        self.edits.as_deref().map(|edits| &*edits.recent)
    }

    /// Returns the visible packed points.
    #[inline(always)]
    pub(crate) fn visible(&self) -> &BitSet {
        match &self.edits {
            None => &self.packed.visible,
            Some(edits) => &edits.visible,
        }
    }

    fn hidden(&self) -> &BitSet {
        match &self.edits {
            None => &self.packed.hidden,
            Some(edits) => &edits.hidden,
        }
    }

    /// Returns the packed points that match a filter.
    pub(crate) fn matching(&self, filter: &Filter) -> BitSet {
        let mut among = match filter.visibility {
            VisibilityFilter::Hidden => self.hidden().clone(),
            VisibilityFilter::Visible | VisibilityFilter::All => self.visible().clone(),
        };
        if filter.visibility == VisibilityFilter::All {
            among.combine(self.hidden(), |visible, hidden| visible | hidden);
        }
        self.packed.postings.matching(filter, &self.packed.records, &among)
    }

    pub(crate) fn visible_len(&self) -> usize {
        self.visible().len() + self.recent().map_or(0, |recent| recent.visible.count_ones() as usize)
    }

    /// Returns the number of merchants, including hidden ones.
    pub(crate) fn len(&self) -> usize {
        self.visible().len() + self.hidden().len() + self.recent().map_or(0, |recent| recent.records.len())
    }

    pub(crate) fn extent(&self) -> Aabb {
        self.recent().map_or(self.packed.extent, |recent| self.packed.extent.with(&recent.extent))
    }

    /// Returns the largest reach of a service area, in metres, rounded up; 0 if there is none.
    pub(crate) fn reach_m(&self) -> f32 {
        let packed_m = self.packed.areas.as_ref().map_or(0.0, |areas| areas.reach_m());
        self.recent().map_or(packed_m, |recent| packed_m.max(recent.reach_m))
    }

    /// Returns the hashes of all terms of the page's merchants, with duplicates.
    pub(crate) fn term_hashes(&self) -> impl Iterator<Item = u64> {
        let recent = self.recent().into_iter().flat_map(|recent| &recent.records);
        let records = self.packed.records.iter().chain(recent);
        records.flat_map(|stored| stored.merchant.terms.as_slice()).map(Term::hash)
    }

    /// Finds the slot of this exact version of a merchant.
    pub(crate) fn find(&self, point: &Point) -> Option<Slot> {
        let is_it = |stored: &Arc<StoredMerchant>| Arc::ptr_eq(stored, &point.stored);
        if self.packed.is_coincident {
            // The points are sorted by id.
            let number = self.packed.count_up_to(&point.stored.merchant.id).checked_sub(1);
            let packed = number.filter(|number| is_it(&self.packed.records[*number]) && self.holds(*number));
            return packed.map(Slot::Packed).or_else(|| self.find_recent(point));
        }
        let among = |leaf: usize| leaf * LEAF_SIZE..self.packed.records.len().min((leaf + 1) * LEAF_SIZE);
        let packed = set_bits(self.packed.boxes.containing(point.position))
            .flat_map(among)
            .find(|number| is_it(&self.packed.records[*number]) && self.holds(*number));
        packed.map(Slot::Packed).or_else(|| self.find_recent(point))
    }

    fn find_recent(&self, point: &Point) -> Option<Slot> {
        let is_it = |stored: &Arc<StoredMerchant>| Arc::ptr_eq(stored, &point.stored);
        self.recent()?.records.iter().position(is_it).map(Slot::Recent)
    }

    /// Returns whether a packed point has not been removed.
    fn holds(&self, number: usize) -> bool {
        self.visible().contains(number) || self.hidden().contains(number)
    }

    /// Applies edits: removes some slots and adds some points.
    pub(crate) fn with_edits(&self, removed: &[Slot], added: Vec<Point>) -> EditOutcome {
        let mut edits = match &self.edits {
            Some(edits) => Edits::clone(edits),
            None => Edits {
                visible: self.packed.visible.clone(),
                hidden: self.packed.hidden.clone(),
                recent: Arc::default(),
            },
        };
        for slot in removed {
            if let Slot::Packed(number) = *slot {
                edits.visible.remove(number);
                edits.hidden.remove(number);
            }
        }
        let is_kept = |number: usize| !removed.contains(&Slot::Recent(number));
        let kept = (0..edits.recent.records.len()).filter(|number| is_kept(*number)).count();
        let still_packed = edits.visible.len() + edits.hidden.len();
        let is_empty = still_packed + kept + added.len() == 0;
        if is_empty || kept + added.len() > MAX_RECENT || still_packed < self.packed.records.len() * 3 / 4 {
            prefetch(&self.packed.records);
            let packed =
                edits.visible.iter().chain(edits.hidden.iter()).map(|number| self.packed.point(number));
            let recent = edits.recent.points().enumerate().filter(|(number, _)| is_kept(*number));
            return EditOutcome::Repack(packed.chain(recent.map(|(_, point)| point)).chain(added).collect());
        }
        if kept < edits.recent.records.len() || !added.is_empty() {
            prefetch(&edits.recent.records);
            let recent = edits.recent.points().enumerate().filter(|(number, _)| is_kept(*number));
            edits.recent = Arc::new(Recent::new(recent.map(|(_, point)| point).chain(added).collect()));
        }
        EditOutcome::Page(Self { packed: Arc::clone(&self.packed), edits: Some(Arc::new(edits)) })
    }

    /// Returns all merchants, including hidden ones.
    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        let packed =
            self.visible().iter().chain(self.hidden().iter()).map(|number| self.packed.point(number));
        packed.chain(self.recent().into_iter().flat_map(Recent::points))
    }
}

impl Packed {
    pub(crate) fn boxes(&self) -> &BoundingBoxes<MAX_LEAVES> {
        &self.boxes
    }

    pub(crate) fn leaves(&self) -> &LeafPoints {
        &self.leaves
    }

    pub(crate) fn record(&self, number: usize) -> &Arc<StoredMerchant> {
        &self.records[number]
    }

    /// Returns the service areas of the page, if it has any.
    pub(crate) fn areas(&self) -> Option<&PageAreas> {
        self.areas.as_deref()
    }

    /// Returns the position that all points of the page share, if they do; they are sorted by id then.
    pub(crate) fn coincident_position(&self) -> Option<Ecef> {
        self.is_coincident.then(|| Ecef::from_grid(self.extent.low_m))
    }

    /// Returns the merchant with the smallest id of a leaf whose points all share one position.
    #[inline(always)]
    pub(crate) fn min_id_if_coincident(&self, leaf: usize) -> Option<&Arc<StoredMerchant>> {
        (self.coincident_leaves >> leaf & 1 == 1).then(|| &self.records[leaf * LEAF_SIZE])
    }

    /// Returns the number of points with an id up to `id`. Valid only if all points share one position.
    pub(crate) fn count_up_to(&self, id: &MerchantId) -> usize {
        self.records.partition_point(|stored| stored.merchant.id <= *id)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    fn point(&self, number: usize) -> Point {
        Point {
            position: self.leaves.position(number, &self.boxes),
            stored: Arc::clone(&self.records[number]),
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Recent {
    fn new(points: Vec<Point>) -> Self {
        let visible =
            (0..).zip(&points).map(|(number, point)| u64::from(is_visible(&point.stored)) << number);
        Self {
            leaves: points
                .chunks(LEAF_SIZE)
                .map(|leaf| WideLeaf::new(leaf.iter().map(|point| point.position)))
                .collect(),
            visible: visible.sum(),
            extent: Aabb::around(points.iter().map(|point| point.position)),
            reach_m: points.iter().map(|point| point_reach_m(&point.stored)).fold(0.0, f32::max),
            records: points.into_iter().map(|point| point.stored).collect(),
        }
    }

    pub(crate) fn leaves(&self) -> &[WideLeaf] {
        &self.leaves
    }

    pub(crate) fn record(&self, number: usize) -> &Arc<StoredMerchant> {
        &self.records[number]
    }

    /// Returns the points that pass a visibility filter, one bit each.
    #[inline(always)]
    pub(crate) fn with_visibility(&self, visibility: VisibilityFilter) -> u64 {
        let all = (1 << self.records.len()) - 1;
        match visibility {
            VisibilityFilter::Visible => self.visible,
            VisibilityFilter::Hidden => all & !self.visible,
            VisibilityFilter::All => all,
        }
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        self.records.iter().enumerate().map(|(number, stored)| Point {
            position: self.leaves[number / LEAF_SIZE].position(number % LEAF_SIZE),
            stored: Arc::clone(stored),
        })
    }
}

/// Touches merchants whose reference counts and terms are read one after another: overlapping cache misses
/// cost little more than one.
fn prefetch(records: &[Arc<StoredMerchant>]) {
    for stored in records {
        std::hint::black_box(stored.revision);
    }
    for stored in records {
        std::hint::black_box(stored.merchant.terms.as_slice().first().map(Term::hash));
    }
}

fn point_reach_m(stored: &Arc<StoredMerchant>) -> f32 {
    stored.merchant.service_area().map_or(0.0, |area| rounded_up(area.reach().get()))
}

fn is_visible(stored: &StoredMerchant) -> bool {
    stored.merchant.visibility == Visibility::Visible
}

const _: () = assert!(MAX_RECENT < 64, "one bit per recent point");
const _: () = assert!(PAGE_SIZE == MAX_LEAVES * LEAF_SIZE);
