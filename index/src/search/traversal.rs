//! The traversal of the tree: nearest child first, skipping everything outside the bounds.
//!
//! Boxes are compared by `f32` bounds, points by their exact squared chord, and the remaining candidates by
//! distance and id. [`bounding_boxes`](crate::tree::bounding_boxes) and [`bounds`](super::bounds) explain why
//! no prune can drop a result. A traversal allocates nothing; hits go to a [`Collector`].

use std::{marker::PhantomData, sync::Arc};

use pulp::{Arch, NullaryFnOnce};

use super::{
    bounds::{InnerBound, OuterBound, entirely_within},
    collector::Collector,
    restriction::{AreaOfPoint, Restriction},
    tagged_bounds::{TaggedBounds, child_index},
};
use crate::{
    Ecef, Effort, Hit, Meters, Query, SearchControl, StoredMerchant, TextFilter,
    ecef::distance_of_chord2,
    tree::{
        Child, Node, Page, Tree,
        bitset::{BitSet, set_bits},
        leaf_points::LEAF_SIZE,
        page::{Packed, Recent},
    },
};

/// State of a running search.
pub(super) struct Traversal<'q, 's, S> {
    /// SIMD level of this processor, detected at run time.
    arch: Arch,
    query: &'q Query,
    control: SearchControl<'q>,
    collector: S,
    outer: OuterBound,
    nearest_first: bool,
    /// Region before the ring or the page, if there is one.
    inner: Option<InnerBound>,
    /// Region within which whole subtrees are counted unvisited, if that is allowed.
    counted: Option<InnerBound>,
    /// The query matches every visible merchant and no other.
    is_unfiltered: bool,
    /// Conditions on service areas and positions, if there are any.
    restriction: Option<Restriction<'q>>,
    /// Every merchant that passes the filter within the outer bound is a hit.
    is_plain: bool,
    /// The condition on names, which is checked last.
    text: Option<&'q TextFilter>,
    /// The work of conditions on single merchants.
    effort: Effort,
    /// The effort at which the caller is asked again whether to continue.
    next_check_ns: u64,
    stopped: bool,
    /// Bound of the page that is being visited.
    page_nearest2: f32,
    /// Smallest box bound among what a stopped traversal skipped.
    frontier2: f32,
    /// The collector keeps hits that borrow from the tree.
    tree: PhantomData<&'s Tree>,
}

impl<'q, 's, S: Collector<'s>> Traversal<'q, 's, S> {
    /// Creates a traversal out to `reach`. Visiting the nearest first lets a limit tighten the outer bound
    /// early; without a limit that is wasted work.
    pub(super) fn new(
        query: &'q Query,
        control: SearchControl<'q>,
        reach: Meters,
        nearest_first: bool,
        collector: S,
    ) -> Self {
        let floor = query.after.as_ref().map_or(Meters::ZERO, |after| after.distance).max(query.min_distance);
        let is_unfiltered = query.filter.matches_all_visible();
        let restriction = Restriction::of(query);
        let inner = (query.after.is_some() || floor > Meters::ZERO).then(|| InnerBound::new(floor));
        let is_plain = inner.is_none()
            && control.predicate.is_none()
            && restriction.is_none()
            && query.filter.text.is_none()
            && query.filter.condition.is_none();
        let counts_subtrees = collector.is_count_only()
            && is_unfiltered
            && restriction.is_none()
            && control.predicate.is_none()
            && query.after.is_none()
            && floor == Meters::ZERO;
        Self {
            arch: Arch::new(),
            query,
            control,
            collector,
            outer: OuterBound::new(reach),
            nearest_first,
            inner,
            counted: counts_subtrees.then(|| InnerBound::new(query.radius.meters())),
            is_unfiltered,
            restriction,
            is_plain,
            text: query.filter.text.as_ref(),
            effort: Effort::default(),
            next_check_ns: Effort::CHECK_NS,
            stopped: false,
            page_nearest2: 0.0,
            frontier2: f32::INFINITY,
            tree: PhantomData,
        }
    }

    /// Traverses a tree. Returns the collector and, if the traversal was stopped, the smallest bound that was
    /// skipped.
    pub(super) fn run(mut self, root: Option<&'s Node>) -> (S, Option<f32>) {
        if let Some(root) = root {
            self.visit_node(root);
        }
        if let Some(effort) = self.control.effort {
            effort.add_nanoseconds(self.effort.nanoseconds());
        }
        (self.collector, self.stopped.then_some(self.frontier2))
    }

    fn visit_node(&mut self, node: &'s Node) {
        self.arch.dispatch(VisitNode(self, node));
    }

    #[inline(always)]
    fn visit_children(&mut self, node: &'s Node) {
        let mut among = node.all();
        if !self.is_unfiltered {
            // Prune by terms. A Bloom filter may report a child in vain but never miss one, so no match is
            // lost.
            among &= node.bloom().may_match(&self.query.filter);
            if let Some(text) = self.text {
                // Prune by names: likewise, a child that lacks a feature of the text holds no match.
                among &= node.names().may_match_text(text.query());
            }
        }
        if let Some(inner) = self.inner {
            // Prune what lies before the ring or the page. `farthest2` may be too small by a factor of SLACK,
            // and `inner` is rounded down by at least that factor: a pruned box lies strictly nearer than the
            // limit.
            among &= !entirely_within(&node.boxes().farthest2(self.query.origin), inner);
        }
        if let Some(within) = self.counted {
            // Count subtrees within the radius unvisited. The same rounding: a counted box lies strictly
            // within the radius. Boxes on the edge are visited, and their points are decided exactly.
            for child in set_bits(among & entirely_within(&node.boxes().farthest2(self.query.origin), within))
            {
                // Which of its merchants are valid depends on the time of the search.
                if !node.children()[child].has_limited() {
                    self.collector.add_count(node.children()[child].visible_len());
                    among &= !(1 << child);
                }
            }
        }
        let nearest2 = node.boxes().nearest2(self.query.origin);
        if let Some(restriction) = &self.restriction {
            among &= restriction.children(node, &nearest2);
        }
        let prefetch = |child: usize| match &node.children()[child] {
            Child::Node(node) => node.boxes().prefetch(),
            Child::Page(page) => page.prefetch(),
        };
        self.visit_nearest_first(
            TaggedBounds::new(&nearest2, among),
            NODE_PREFETCH,
            prefetch,
            |traversal, child, nearest2| match &node.children()[child] {
                Child::Node(node) => traversal.visit_node(node),
                Child::Page(page) => traversal.visit_page(page, nearest2),
            },
        );
    }

    /// Visits a page unless the caller stops the search. The check is per page, about every 200
    /// merchants.
    fn visit_page(&mut self, page: &'s Page, nearest2: f32) {
        if let Some(pages) = self.control.pages {
            pages.set(pages.get() + 1);
        }
        self.page_nearest2 = nearest2;
        if self.control.should_continue.is_some_and(|should_continue| !should_continue()) {
            return self.stop_in_page();
        }
        self.arch.dispatch(VisitPage(self, page));
    }

    /// Stops the search before or within a page, which counts as skipped: no merchant of it is nearer than its bound.
    fn stop_in_page(&mut self) {
        self.stopped = true;
        self.frontier2 = self.frontier2.min(self.page_nearest2);
    }

    /// Stops the search if the caller wants it to, once for each unit of work on the merchants of a page.
    fn check_effort(&mut self) {
        while self.effort.nanoseconds() >= self.next_check_ns && !self.stopped {
            self.next_check_ns += Effort::CHECK_NS;
            if self.control.should_continue.is_some_and(|should_continue| !should_continue()) {
                self.stop_in_page();
            }
        }
    }

    #[inline(always)]
    fn visit_points(&mut self, page: &'s Page) {
        if self.restriction.as_ref().is_some_and(Restriction::asks_who_serves) {
            self.visit_serving(page);
        } else if self.is_unfiltered {
            // `matching` intersects exact posting lists and ranges, so this prune involves no rounding.
            self.visit_packed(page.packed(), &page.valid(&self.query.filter));
        } else {
            self.visit_packed(page.packed(), &page.matching(&self.query.filter));
        }
        if let Some(recent) = page.recent() {
            self.visit_recent(recent);
        }
    }

    /// Visits the packed points that have a service area.
    #[inline(always)]
    fn visit_serving(&mut self, page: &'s Page) {
        let Some(areas) = page.packed().areas() else { return };
        let mut among = areas.points().clone();
        let combine = |having: u64, others: u64| having & others;
        if self.is_unfiltered {
            among.combine(&page.valid(&self.query.filter), combine);
        } else {
            among.combine(&page.matching(&self.query.filter), combine);
        }
        self.visit_packed(page.packed(), &among);
    }

    #[inline(always)]
    fn visit_packed(&mut self, packed: &'s Packed, among: &BitSet) {
        if let Some(position) = packed.coincident_position() {
            return self.visit_coincident(packed, among, position);
        }
        let boxes = packed.boxes();
        let mut leaves = among.leaves();
        if let Some(inner) = self.inner {
            // As in `visit_children`: rounded down, a pruned leaf lies strictly nearer than the limit.
            leaves &= !entirely_within(&boxes.farthest2(self.query.origin), inner);
        }
        let nearest2 = boxes.nearest2(self.query.origin);
        if let Some(restriction) = &self.restriction {
            leaves &= restriction.leaves(packed, &nearest2);
        }
        self.visit_nearest_first(
            TaggedBounds::new(&nearest2, leaves),
            MAX_PREFETCH,
            |leaf| packed.leaves().prefetch(leaf),
            #[inline(always)]
            |traversal, leaf, _| {
                let chords2_m2 = packed.leaves().chords2_m2(leaf, boxes, traversal.query.origin.xyz_m());
                // Prune a leaf of coincident points whose smallest id already ranks behind the k-th hit.
                // Exact: the distance and the id are those of the results.
                if let Some(least) = packed.min_id_if_coincident(leaf) {
                    let distance = distance_of_chord2(chords2_m2[0]);
                    if traversal.collector.is_beyond(&Hit { distance, merchant: least }) {
                        return;
                    }
                }
                traversal.scan_leaf(
                    &chords2_m2,
                    among.leaf(leaf),
                    |lane| Some(packed.record(leaf * LEAF_SIZE + lane)),
                    |lane| packed.leaves().position(leaf * LEAF_SIZE + lane, boxes),
                    |lane| Some((packed.areas()?, leaf * LEAF_SIZE + lane)),
                );
            },
        );
    }

    /// Visits a page whose points all share one position, such as a mall with thousands of shops, in the
    /// order of ids. Stops as soon as the collector has enough.
    fn visit_coincident(&mut self, packed: &'s Packed, among: &BitSet, position: Ecef) {
        let distance = self.query.origin.distance(position);
        let first = match &self.query.after {
            Some(after) if after.distance == distance => packed.count_up_to(&after.id),
            _ => 0,
        };
        for number in (first..packed.len()).filter(|number| among.contains(*number)) {
            let hit = Hit { distance, merchant: packed.record(number) };
            // Exact comparisons, no rounding: the following points have the same distance and larger ids.
            if distance > self.outer.distance || self.collector.is_beyond(&hit) {
                return;
            }
            self.offer(hit, || position, || Some((packed.areas()?, number)));
            self.tighten();
        }
    }

    #[inline(always)]
    fn visit_recent(&mut self, recent: &'s Recent) {
        let selected = recent.with_visibility(&self.query.filter);
        for (number, leaf) in recent.leaves().iter().enumerate() {
            let chords2_m2 = leaf.chords2_m2(self.query.origin.xyz_m());
            #[expect(clippy::cast_possible_truncation, reason = "keeps the bits of this leaf")]
            let lanes = (selected >> (number * LEAF_SIZE)) as u16;
            let (query, is_unfiltered, text) = (self.query, self.is_unfiltered, self.text);
            self.scan_leaf(
                &chords2_m2,
                lanes,
                |lane| {
                    let number = number * LEAF_SIZE + lane;
                    let stored = recent.record(number);
                    let may_match = |text: &TextFilter| recent.may_match(number, text.query());
                    (is_unfiltered || text.is_none_or(may_match) && query.filter.matches_indexed(stored))
                        .then_some(stored)
                },
                |lane| leaf.position(lane),
                |_| None,
            );
        }
    }

    /// Collects the points of a leaf that are within the bounds. Selects lanes without a branch per lane.
    #[inline(always)]
    fn scan_leaf(
        &mut self,
        chords2_m2: &[f64; LEAF_SIZE],
        among: u16,
        record: impl Fn(usize) -> Option<&'s Arc<StoredMerchant>>,
        position: impl Fn(usize) -> Ecef,
        area: impl Fn(usize) -> Option<AreaOfPoint<'s>>,
    ) {
        let (floor2, reach2) = (self.inner.map_or(0.0, |inner| inner.chord2_m2), self.outer.chord2_m2);
        // Both limits are conservative: `floor2` is rounded down and `reach2` up, so a lane outside them is
        // surely out of the result. Lanes near a limit pass, and the exact distance below and in `is_before`
        // decides.
        let is_in_range = |chord2_m2: f64| (chord2_m2 >= floor2) & (chord2_m2 <= reach2);
        if self.inner.is_some()
            && !chords2_m2.iter().fold(false, |any, chord2_m2| any | is_in_range(*chord2_m2))
        {
            return;
        }
        let mut in_range = [0u8; LEAF_SIZE];
        let mut count = 0;
        for (lane, number) in (0..LEAF_SIZE).zip(0u8..) {
            in_range[count % LEAF_SIZE] = number;
            count += usize::from(is_in_range(chords2_m2[lane])) & usize::from(among >> lane & 1);
        }
        for lane in in_range.iter().take(count).map(|lane| usize::from(*lane) % LEAF_SIZE) {
            let distance = distance_of_chord2(chords2_m2[lane]);
            if distance <= self.outer.distance
                && let Some(merchant) = record(lane)
            {
                self.offer(Hit { distance, merchant }, || position(lane), || area(lane));
            }
        }
        self.tighten();
    }

    /// Passes a merchant within the outer bound to the collector, unless it precedes the page, does not serve
    /// the point, lies outside the area, its names do not match, or the predicate rejects it.
    #[inline(always)]
    fn offer(
        &mut self,
        hit: Hit<'s>,
        position: impl Fn() -> Ecef,
        area: impl Fn() -> Option<AreaOfPoint<'s>>,
    ) {
        if self.is_plain || self.accepts(&hit, position, area) {
            self.collector.push(hit);
        }
    }

    fn accepts(
        &mut self,
        hit: &Hit<'s>,
        position: impl Fn() -> Ecef,
        area: impl Fn() -> Option<AreaOfPoint<'s>>,
    ) -> bool {
        let condition = self.query.filter.condition.as_ref();
        let is_skipped = self.stopped || self.inner.is_some() && self.is_before(hit);
        let accepts = !is_skipped
            && self
                .restriction
                .as_ref()
                .is_none_or(|restriction| restriction.allows(hit, position, area, &self.effort))
            && self.text.is_none_or(|text| names_match(text, hit.merchant, &self.effort))
            && condition.is_none_or(|condition| condition.is_met_by(hit.merchant, &self.effort))
            && self.control.predicate.is_none_or(|predicate| predicate(hit.merchant));
        self.check_effort();
        accepts
    }

    /// Returns whether a merchant lies inside the inner radius or was on an earlier page. Exact.
    fn is_before(&self, hit: &Hit<'s>) -> bool {
        let id = &hit.merchant.merchant.id;
        hit.distance < self.query.min_distance
            || self
                .query
                .after
                .as_ref()
                .is_some_and(|after| (hit.distance, id) <= (after.distance, &after.id))
    }

    /// Takes over a tighter outer bound from the collector.
    #[inline(always)]
    fn tighten(&mut self) {
        if let Some(distance) = self.collector.bound() {
            self.outer = OuterBound::new(distance);
        }
    }

    /// Visits the children within the outer bound, nearest first, in small batches that are prefetched
    /// together.
    ///
    /// Prunes every child whose bound is above `outer.nearest2`. The bound may be too large by a factor of
    /// SLACK (which covers the tag), and `nearest2` is rounded up by at least that factor: a pruned child
    /// lies strictly beyond the outer distance. As the outer bound only tightens, a child pruned once stays
    /// out.
    #[inline(always)]
    fn visit_nearest_first<const N: usize>(
        &mut self,
        bounds: TaggedBounds<N>,
        batch: usize,
        prefetch: impl Fn(usize),
        mut visit: impl FnMut(&mut Self, usize, f32),
    ) {
        if !self.nearest_first {
            let reach2 = self.outer.nearest2;
            let within_reach = bounds.0.iter().filter(|bound| **bound <= reach2);
            within_reach.for_each(|bound| prefetch(child_index(*bound)));
            for bound in bounds.0.into_iter().filter(|bound| *bound <= reach2) {
                if self.stopped {
                    self.frontier2 = self.frontier2.min(bound);
                } else {
                    visit(self, child_index(bound), bound);
                }
            }
            return;
        }
        // Bounds are non-negative.
        let mut least = -1.0;
        loop {
            let mut next = [f32::MAX; MAX_PREFETCH];
            let mut count = 0;
            while count < batch {
                least = bounds.min_above(least);
                if least > self.outer.nearest2 {
                    break;
                }
                next[count] = least;
                count += 1;
            }
            next.iter().take(count).for_each(|bound| prefetch(child_index(*bound)));
            for bound in next.into_iter().take(count) {
                if !self.stopped && bound <= self.outer.nearest2 {
                    visit(self, child_index(bound), bound);
                } else {
                    self.frontier2 = self.frontier2.min(bound);
                }
            }
            if self.stopped {
                self.frontier2 = self.frontier2.min(bounds.min_above(least));
                return;
            }
            if count < batch {
                return;
            }
        }
    }
}

/// Compares the names of a merchant with the text. Decides: features only exclude.
#[cold]
#[inline(never)]
fn names_match(text: &TextFilter, merchant: &StoredMerchant, effort: &Effort) -> bool {
    text.matches(merchant, effort)
}

/// The step into a node, compiled once per SIMD level.
struct VisitNode<'w, 'q, 's, S>(&'w mut Traversal<'q, 's, S>, &'s Node);

impl<'s, S: Collector<'s>> NullaryFnOnce for VisitNode<'_, '_, 's, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.visit_children(self.1);
    }
}

/// The step into a page, compiled once per SIMD level.
struct VisitPage<'w, 'q, 's, S>(&'w mut Traversal<'q, 's, S>, &'s Page);

impl<'s, S: Collector<'s>> NullaryFnOnce for VisitPage<'_, '_, 's, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.visit_points(self.1);
    }
}

/// Number of leaves prefetched together, and the maximum of any batch.
const MAX_PREFETCH: usize = 5;
/// Number of nodes or pages prefetched together: a search rarely needs more of them.
const NODE_PREFETCH: usize = 2;
