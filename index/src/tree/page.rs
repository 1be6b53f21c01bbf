//! A few hundred neighbouring merchants: a packed part that never changes, and what has changed since it was packed.

use std::sync::Arc;

use super::{
    Point,
    bitset::{Bits, PAGE, ones},
    bounding_boxes::{Boxes, Extent, LEAVES},
    bulk_load,
    leaf_points::{FarLeaf, LEAF, Leaves},
    postings::Postings,
};
use crate::{Ecef, Filter, MerchantId, Shown, StoredMerchant, Term, Visibility};

/// Merchants that a page may take before it is packed anew. Every search that comes by looks at all of them.
pub(crate) const RECENT: usize = 32;

/// What never changes. What every search that comes by reads lies together at the front.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Packed {
    boxes: Boxes<LEAVES>,
    visible: Bits,
    leaves: Leaves,
    records: Box<[Arc<StoredMerchant>]>,
    /// Leaves whose points all lie on one place, one bit each.
    on_one_place: u64,
    /// Whether those of all leaves do.
    is_one_place: bool,
    hidden: Bits,
    extent: Extent,
    postings: Postings,
}

/// What has changed since.
#[derive(Clone, Debug)]
struct Edits {
    /// Packed points that are still there, and can be seen or not.
    visible: Bits,
    hidden: Bits,
    recent: Arc<Recent>,
}

/// Points that came since the page was packed, at most [`RECENT`], in no order.
#[derive(Clone, Debug)]
pub(crate) struct Recent {
    leaves: Vec<FarLeaf>,
    records: Vec<Arc<StoredMerchant>>,
    /// Those that can be seen, one bit each.
    visible: u64,
    extent: Extent,
}

/// A page as one snapshot sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    packed: Arc<Packed>,
    edits: Option<Arc<Edits>>,
}

/// Where in a page a merchant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Packed(usize),
    Recent(usize),
}

/// What a page becomes.
pub(crate) enum Edited {
    Page(Page),
    /// Too much has changed: these are its points, to be packed anew.
    Points(Vec<Point>),
}

impl Page {
    /// Packs points, at least one and at most [`PAGE`].
    pub(crate) fn pack(points: &mut [Point]) -> Self {
        bulk_load::into_leaves(points);
        let extents: Vec<Extent> =
            points.chunks(LEAF).map(|leaf| Extent::around(leaf.iter().map(|point| point.place))).collect();
        let boxes = Boxes::new(&extents);
        let records: Box<[_]> = points.iter().map(|point| Arc::clone(&point.stored)).collect();
        let (mut visible, mut hidden) = (Bits::NONE, Bits::NONE);
        for (number, stored) in records.iter().enumerate() {
            if is_visible(stored) { visible.insert(number) } else { hidden.insert(number) }
        }
        let on_one_place = (0..).zip(&extents).map(|(leaf, extent)| u64::from(extent.is_one_place()) << leaf);
        let extent = extents.iter().fold(Extent::NOTHING, Extent::with);
        Self {
            packed: Arc::new(Packed {
                leaves: Leaves::new(points, &boxes),
                visible,
                hidden,
                on_one_place: on_one_place.sum(),
                is_one_place: extent.is_one_place(),
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

    /// Has the processor fetch what a visit will look at first.
    #[inline(always)]
    pub(crate) fn fetch(&self) {
        self.packed.boxes.fetch();
        std::hint::black_box(self.packed.on_one_place);
    }

    pub(crate) fn recent(&self) -> Option<&Recent> {
        self.edits.as_deref().map(|edits| &*edits.recent)
    }

    /// Packed points that can be seen.
    #[inline(always)]
    pub(crate) fn visible(&self) -> &Bits {
        match &self.edits {
            None => &self.packed.visible,
            Some(edits) => &edits.visible,
        }
    }

    fn hidden(&self) -> &Bits {
        match &self.edits {
            None => &self.packed.hidden,
            Some(edits) => &edits.hidden,
        }
    }

    /// Packed points that pass a filter.
    pub(crate) fn matching(&self, filter: &Filter) -> Bits {
        let mut among = match filter.shown {
            Shown::Hidden => self.hidden().clone(),
            Shown::Visible | Shown::All => self.visible().clone(),
        };
        if filter.shown == Shown::All {
            among.combine(self.hidden(), |visible, hidden| visible | hidden);
        }
        self.packed.postings.matching(filter, &self.packed.records, &among)
    }

    pub(crate) fn visible_len(&self) -> usize {
        self.visible().len() + self.recent().map_or(0, |recent| recent.visible.count_ones() as usize)
    }

    /// Merchants, hidden ones too.
    pub(crate) fn len(&self) -> usize {
        self.visible().len() + self.hidden().len() + self.recent().map_or(0, |recent| recent.records.len())
    }

    pub(crate) fn extent(&self) -> Extent {
        self.recent().map_or(self.packed.extent, |recent| self.packed.extent.with(&recent.extent))
    }

    /// Hashes of all terms that its merchants have, some of them more than once.
    pub(crate) fn term_hashes(&self) -> impl Iterator<Item = u64> {
        let recent = self.recent().into_iter().flat_map(|recent| &recent.records);
        let records = self.packed.records.iter().chain(recent);
        records.flat_map(|stored| stored.merchant.terms.as_slice()).map(Term::hash)
    }

    /// Where this very version of a merchant is.
    pub(crate) fn find(&self, point: &Point) -> Option<Slot> {
        let is_it = |stored: &Arc<StoredMerchant>| Arc::ptr_eq(stored, &point.stored);
        if self.packed.is_one_place {
            // A mall: in the order of ids.
            let number = self.packed.count_up_to(&point.stored.merchant.id).checked_sub(1);
            let packed = number.filter(|number| is_it(&self.packed.records[*number]) && self.holds(*number));
            return packed.map(Slot::Packed).or_else(|| self.find_recent(point));
        }
        let among = |leaf: usize| leaf * LEAF..self.packed.records.len().min((leaf + 1) * LEAF);
        let packed = ones(self.packed.boxes.containing(point.place))
            .flat_map(among)
            .find(|number| is_it(&self.packed.records[*number]) && self.holds(*number));
        packed.map(Slot::Packed).or_else(|| self.find_recent(point))
    }

    fn find_recent(&self, point: &Point) -> Option<Slot> {
        let is_it = |stored: &Arc<StoredMerchant>| Arc::ptr_eq(stored, &point.stored);
        self.recent()?.records.iter().position(is_it).map(Slot::Recent)
    }

    /// Whether a packed point is still there.
    fn holds(&self, number: usize) -> bool {
        self.visible().contains(number) || self.hidden().contains(number)
    }

    /// The page without what is in some slots and with some more points.
    pub(crate) fn edited(&self, removed: &[Slot], added: Vec<Point>) -> Edited {
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
        if is_empty || kept + added.len() > RECENT || still_packed < self.packed.records.len() * 3 / 4 {
            fetch(&self.packed.records);
            let packed =
                edits.visible.iter().chain(edits.hidden.iter()).map(|number| self.packed.point(number));
            let recent = edits.recent.points().enumerate().filter(|(number, _)| is_kept(*number));
            return Edited::Points(packed.chain(recent.map(|(_, point)| point)).chain(added).collect());
        }
        if kept < edits.recent.records.len() || !added.is_empty() {
            fetch(&edits.recent.records);
            let recent = edits.recent.points().enumerate().filter(|(number, _)| is_kept(*number));
            edits.recent = Arc::new(Recent::new(recent.map(|(_, point)| point).chain(added).collect()));
        }
        Edited::Page(Self { packed: Arc::clone(&self.packed), edits: Some(Arc::new(edits)) })
    }

    /// All merchants, hidden ones too.
    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        let packed =
            self.visible().iter().chain(self.hidden().iter()).map(|number| self.packed.point(number));
        packed.chain(self.recent().into_iter().flat_map(Recent::points))
    }
}

impl Packed {
    pub(crate) fn boxes(&self) -> &Boxes<LEAVES> {
        &self.boxes
    }

    pub(crate) fn leaves(&self) -> &Leaves {
        &self.leaves
    }

    pub(crate) fn record(&self, number: usize) -> &Arc<StoredMerchant> {
        &self.records[number]
    }

    /// If all points of the page lie on one place, where that is; they are in the order of their ids then.
    pub(crate) fn one_place(&self) -> Option<Ecef> {
        self.is_one_place.then(|| Ecef::from_grid(self.extent.low_m))
    }

    /// The merchant of the least id in a leaf whose points all lie on one place.
    #[inline(always)]
    pub(crate) fn least_on_one_place(&self, leaf: usize) -> Option<&Arc<StoredMerchant>> {
        (self.on_one_place >> leaf & 1 == 1).then(|| &self.records[leaf * LEAF])
    }

    /// How many points come before a place in the order of ids. Only where all lie on one place.
    pub(crate) fn count_up_to(&self, id: &MerchantId) -> usize {
        self.records.partition_point(|stored| stored.merchant.id <= *id)
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    fn point(&self, number: usize) -> Point {
        Point { place: self.leaves.place(number, &self.boxes), stored: Arc::clone(&self.records[number]) }
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
                .chunks(LEAF)
                .map(|leaf| FarLeaf::new(leaf.iter().map(|point| point.place)))
                .collect(),
            visible: visible.sum(),
            extent: Extent::around(points.iter().map(|point| point.place)),
            records: points.into_iter().map(|point| point.stored).collect(),
        }
    }

    pub(crate) fn leaves(&self) -> &[FarLeaf] {
        &self.leaves
    }

    pub(crate) fn record(&self, number: usize) -> &Arc<StoredMerchant> {
        &self.records[number]
    }

    /// Those that a filter may let through by whether they can be seen, one bit each.
    #[inline(always)]
    pub(crate) fn shown(&self, shown: Shown) -> u64 {
        let all = (1 << self.records.len()) - 1;
        match shown {
            Shown::Visible => self.visible,
            Shown::Hidden => all & !self.visible,
            Shown::All => all,
        }
    }

    fn points(&self) -> impl Iterator<Item = Point> {
        self.records.iter().enumerate().map(|(number, stored)| Point {
            place: self.leaves[number / LEAF].place(number % LEAF),
            stored: Arc::clone(stored),
        })
    }
}

/// Has the processor fetch merchants whose reference counts and terms will be wanted one after the other: misses that
/// happen together cost little more than one.
fn fetch(records: &[Arc<StoredMerchant>]) {
    for stored in records {
        std::hint::black_box(stored.revision);
    }
    for stored in records {
        std::hint::black_box(stored.merchant.terms.as_slice().first().map(Term::hash));
    }
}

fn is_visible(stored: &StoredMerchant) -> bool {
    stored.merchant.visibility == Visibility::Visible
}

const _: () = assert!(RECENT < 64, "a bit each");
const _: () = assert!(PAGE == LEAVES * LEAF);
