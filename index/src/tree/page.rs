//! Pages: a few hundred neighbouring merchants as an immutable packed part, plus the edits since it was
//! packed.

use std::{borrow::Cow, sync::Arc};

use super::{
    Point,
    attribute_columns::AttributeColumns,
    bitset::{BitSet, PAGE_SIZE, set_bits},
    bloom::NameColumn,
    bounding_boxes::{Aabb, BoundingBoxes, MAX_LEAVES, rounded_up},
    bulk_load,
    leaf_points::{LEAF_SIZE, LeafPoints, WideLeaf},
    name_rows::{NameRows, Signature},
    page_areas::PageAreas,
    postings::Postings,
};
use crate::{
    Ecef, Filter, MerchantId, NamesOf, StoredMerchant, Term, TextQuery, Visibility, VisibilityFilter,
    text::for_each_feature,
};

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
    /// Visible points whose validity is limited, if there are any.
    limited: Option<Box<BitSet>>,
    extent: Aabb,
    postings: Postings,
    attributes: AttributeColumns,
    /// Features of the names, if they are indexed.
    names: Option<NameRows>,
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
    /// Features of the names of each, if they are indexed.
    signatures: Vec<Signature>,
    /// Visible points, one bit each.
    visible: u64,
    /// Largest reach of a service area, in metres, rounded up; 0 if there is none.
    reach_m: f32,
    /// The validity of a visible point is limited.
    has_limited: bool,
    extent: Aabb,
}

/// A version of a page, as one snapshot sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    packed: Arc<Packed>,
    edits: Option<Arc<Edits>>,
    /// Features of the names, from the packing of the page until a node takes them.
    fresh_names: Option<Arc<NameColumn>>,
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
    /// Packs at least one and at most [`PAGE_SIZE`] points. With `names`, it indexes their names.
    pub(crate) fn pack(points: &mut [Point], names: Option<NamesOf>) -> Self {
        bulk_load::sort_into_leaves(points);
        let extents: Vec<Aabb> = points
            .chunks(LEAF_SIZE)
            .map(|leaf| Aabb::around(leaf.iter().map(|point| point.position)))
            .collect();
        let boxes = BoundingBoxes::new(&extents);
        let records: Box<[_]> = points.iter().map(|point| Arc::clone(&point.stored)).collect();
        let (mut visible, mut hidden) = (BitSet::EMPTY, BitSet::EMPTY);
        let mut limited: Option<Box<BitSet>> = None;
        for (number, stored) in records.iter().enumerate() {
            if is_visible(stored) {
                visible.insert(number)
            } else {
                hidden.insert(number)
            }
            if is_limited(stored) {
                limited.get_or_insert_with(|| Box::new(BitSet::EMPTY)).insert(number);
            }
        }
        let coincident_leaves =
            (0..).zip(&extents).map(|(leaf, extent)| u64::from(extent.is_coincident()) << leaf);
        let extent = extents.iter().fold(Aabb::EMPTY, Aabb::with);
        let (names, fresh_names) = names.map(|names| NameRows::new(&records, names)).unzip();
        Self {
            packed: Arc::new(Packed {
                leaves: LeafPoints::new(points, &boxes),
                visible,
                hidden,
                limited,
                coincident_leaves: coincident_leaves.sum(),
                is_coincident: extent.is_coincident(),
                areas: PageAreas::new(&records),
                extent,
                postings: Postings::new(&records),
                attributes: AttributeColumns::new(&records),
                boxes,
                records,
                names,
            }),
            edits: None,
            fresh_names: fresh_names.map(Arc::new),
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

    /// Returns the visible packed points that are valid at the times of a filter.
    #[inline(always)]
    pub(crate) fn valid(&self, filter: &Filter) -> Cow<'_, BitSet> {
        match &self.packed.limited {
            None => Cow::Borrowed(self.visible()),
            Some(limited) => Cow::Owned(self.without_invalid(limited, filter)),
        }
    }

    #[cold]
    fn without_invalid(&self, limited: &BitSet, filter: &Filter) -> BitSet {
        let mut valid = self.visible().clone();
        let is_invalid = |number: &usize| !filter.is_valid(&self.packed.records[*number]);
        limited.iter().filter(is_invalid).for_each(|number| valid.remove(number));
        valid
    }

    fn hidden(&self) -> &BitSet {
        match &self.edits {
            None => &self.packed.hidden,
            Some(edits) => &edits.hidden,
        }
    }

    /// Returns the packed points that match a filter, except that their names may not match its text.
    pub(crate) fn matching(&self, filter: &Filter) -> BitSet {
        let mut among = match filter.visibility {
            VisibilityFilter::Visible => self.valid(filter).into_owned(),
            VisibilityFilter::Hidden | VisibilityFilter::All => self.visible().clone(),
        };
        if filter.visibility == VisibilityFilter::Hidden {
            among.combine(&self.valid(filter), |visible, valid| visible & !valid);
        }
        if filter.visibility != VisibilityFilter::Visible {
            among.combine(self.hidden(), |visible, hidden| visible | hidden);
        }
        among = self.packed.postings.matching(filter, &self.packed.records, &among);
        self.packed.attributes.retain(&filter.ranges, &mut among);
        if let (Some(text), Some(names)) = (&filter.text, &self.packed.names) {
            names.retain(text.query(), &mut among);
        }
        among
    }

    /// Returns the function that reads the names of merchants, if they are indexed.
    pub(crate) fn names(&self) -> Option<NamesOf> {
        self.packed.names.as_ref().map(NameRows::names)
    }

    /// Takes the features of the names of a page that has just been packed.
    pub(crate) fn take_fresh_names(&mut self) -> Option<Arc<NameColumn>> {
        self.fresh_names.take()
    }

    /// Reads the features of all names.
    pub(crate) fn name_column(&self) -> Option<NameColumn> {
        let names = self.names()?;
        let mut column = NameColumn::default();
        for stored in self.records() {
            for_each_feature(&stored.merchant.profile, names, |feature| column.add(feature));
        }
        Some(column)
    }

    /// Returns whether the validity of a visible merchant is limited, so that [`Self::visible_len`] depends on the time.
    pub(crate) fn has_limited(&self) -> bool {
        self.packed.limited.is_some() || self.recent().is_some_and(|recent| recent.has_limited)
    }

    /// Returns the number of visible merchants, valid or not.
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

    /// Returns the hashes under which nodes know the page's merchants, with duplicates.
    pub(crate) fn term_hashes(&self) -> impl Iterator<Item = u64> {
        self.records().flat_map(|stored| stored.merchant.indexed_hashes())
    }

    /// Returns all merchants, and those that have been removed since the page was packed.
    fn records(&self) -> impl Iterator<Item = &Arc<StoredMerchant>> {
        self.packed.records.iter().chain(self.recent().into_iter().flat_map(|recent| &recent.records))
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
            let signatures =
                edits.recent.signatures.iter().enumerate().filter(|(number, _)| is_kept(*number));
            let mut signatures: Vec<Signature> = signatures.map(|(_, signature)| signature.clone()).collect();
            if let Some(names) = self.names() {
                signatures.extend(added.iter().map(|point| Signature::of(&point.stored, names, |_| ())));
            }
            let points = recent.map(|(_, point)| point).chain(added).collect();
            edits.recent = Arc::new(Recent::new(points, signatures));
        }
        EditOutcome::Page(Self {
            packed: Arc::clone(&self.packed),
            edits: Some(Arc::new(edits)),
            fresh_names: None,
        })
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
        Self::new(Vec::new(), Vec::new())
    }
}

impl Recent {
    fn new(points: Vec<Point>, signatures: Vec<Signature>) -> Self {
        let visible =
            (0..).zip(&points).map(|(number, point)| u64::from(is_visible(&point.stored)) << number);
        Self {
            leaves: points
                .chunks(LEAF_SIZE)
                .map(|leaf| WideLeaf::new(leaf.iter().map(|point| point.position)))
                .collect(),
            signatures,
            visible: visible.sum(),
            has_limited: points.iter().any(|point| is_limited(&point.stored)),
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

    /// Returns whether the names of a point may match a text.
    pub(crate) fn may_match(&self, number: usize, text: &TextQuery) -> bool {
        self.signatures.get(number).is_none_or(|signature| signature.may_match(text))
    }

    /// Returns the points that meet the condition of a filter on the visibility, one bit each.
    #[inline(always)]
    pub(crate) fn with_visibility(&self, filter: &Filter) -> u64 {
        let all = (1 << self.records.len()) - 1;
        if self.has_limited {
            let bit = |(number, stored): (u32, &Arc<StoredMerchant>)| {
                u64::from(filter.admits_visibility(stored)) << number
            };
            return (0..).zip(&self.records).map(bit).sum();
        }
        match filter.visibility {
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

/// Returns whether a merchant is visible at some times only.
fn is_limited(stored: &StoredMerchant) -> bool {
    is_visible(stored) && stored.merchant.limited_validity().is_some()
}

fn is_visible(stored: &StoredMerchant) -> bool {
    stored.merchant.visibility == Visibility::Visible
}

const _: () = assert!(MAX_RECENT < 64, "one bit per recent point");
const _: () = assert!(PAGE_SIZE == MAX_LEAVES * LEAF_SIZE);
