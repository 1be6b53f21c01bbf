//! The way of a search through the tree: into the nearest child first, past whatever lies beyond the reach.
//!
//! Boxes are compared by bounds in `f32`, points by their exact chord, and what is left is decided by distance and id: see
//! [`bounding_boxes`](crate::tree::bounding_boxes) and [`bounds`](super::bounds) for why nothing is passed over that belongs in the answer.
//! A walk allocates nothing; what it finds it gives to a [`Sink`].

use std::{marker::PhantomData, sync::Arc};

use pulp::{Arch, NullaryFnOnce};

use super::bounds::{Reach, Within};
use crate::{
    Ecef, Hit, Meters, Query, Shown, Snapshot, Steering, StoredMerchant,
    ecef::distance_of_chord2,
    tree::{
        Child, Node, Page,
        bitset::{Bits, ones},
        bounding_boxes::FAN,
        leaf_points::LEAF,
        page::{Packed, Recent},
    },
};

/// What becomes of the merchants that a walk finds.
pub(super) trait Sink<'s> {
    /// Takes one more.
    fn take(&mut self, hit: Hit<'s>);

    /// A nearer limit than before, if there is one by now.
    fn reach(&mut self) -> Option<Meters>;

    /// Whether this merchant, and so all that come after it, cannot belong to the answer any more.
    fn is_beyond(&self, hit: &Hit<'s>) -> bool;

    /// Whether it only wants to know how many there are.
    fn counts(&self) -> bool;

    /// Takes so many merchants that nobody has looked at. Only where it counts.
    fn take_unseen(&mut self, merchants: usize);
}

/// A search under way.
pub(super) struct Walk<'q, 's, S> {
    /// What this processor can do at once.
    arch: Arch,
    query: &'q Query,
    steering: Steering<'q>,
    sink: S,
    reach: Reach,
    in_order: bool,
    /// What lies before the ring or the page, if anything does.
    before: Option<Within>,
    /// What lies within the radius, where that can be counted unseen.
    within: Option<Within>,
    /// Whether every merchant that can be seen is wanted.
    is_plain: bool,
    stopped: bool,
    /// Of what was left out when the walk was stopped, the bound of the nearest.
    frontier2: f32,
    /// The sink takes hits that live as long as the snapshot.
    snapshot: PhantomData<&'s Snapshot>,
}

impl<'q, 's, S: Sink<'s>> Walk<'q, 's, S> {
    /// A walk as far as `reach`. In order it looks at what is near first, so that a limit soon tells how far is far
    /// enough; that is wasted where there is no limit.
    pub(super) fn new(
        query: &'q Query,
        steering: Steering<'q>,
        reach: Meters,
        in_order: bool,
        sink: S,
    ) -> Self {
        let floor = query.after.as_ref().map_or(Meters::ZERO, |after| after.distance).max(query.min_distance);
        let is_plain = query.filter.shown == Shown::Visible && !query.filter.asks_for_terms();
        let takes_unseen = sink.counts()
            && is_plain
            && steering.accepts.is_none()
            && query.after.is_none()
            && floor == Meters::ZERO;
        Self {
            arch: Arch::new(),
            query,
            steering,
            sink,
            reach: Reach::new(reach),
            in_order,
            before: (query.after.is_some() || floor > Meters::ZERO).then(|| Within::new(floor)),
            within: takes_unseen.then(|| Within::new(query.radius.meters())),
            is_plain,
            stopped: false,
            frontier2: f32::INFINITY,
            snapshot: PhantomData,
        }
    }

    /// Walks a tree. Returns the sink, and where the walk was stopped, the bound of the nearest that was left out.
    pub(super) fn run(mut self, root: Option<&'s Node>) -> (S, Option<f32>) {
        if let Some(root) = root {
            self.node(root);
        }
        (self.sink, self.stopped.then_some(self.frontier2))
    }

    fn node(&mut self, node: &'s Node) {
        self.arch.dispatch(IntoNode(self, node));
    }

    #[inline(always)]
    fn children(&mut self, node: &'s Node) {
        let mut among = node.all();
        if !self.is_plain {
            among &= node.summary().may_hold(&self.query.filter);
        }
        if let Some(before) = self.before {
            among &= !nearer(&node.boxes().farthest2(self.query.origin), before);
        }
        if let Some(within) = self.within {
            for child in ones(among & nearer(&node.boxes().farthest2(self.query.origin), within)) {
                self.sink.take_unseen(node.children()[child].visible_len());
                among &= !(1 << child);
            }
        }
        let nearest2 = node.boxes().nearest2(self.query.origin);
        let fetch = |child: usize| match &node.children()[child] {
            Child::Node(node) => node.boxes().fetch(),
            Child::Page(page) => page.fetch(),
        };
        self.each(Bounds::new(&nearest2, among), AT_A_TIME, fetch, |walk, child, nearest2| {
            match &node.children()[child] {
                Child::Node(node) => walk.node(node),
                Child::Page(page) => walk.page(page, nearest2),
            }
        });
    }

    fn page(&mut self, page: &'s Page, nearest2: f32) {
        if self.steering.goes_on.is_some_and(|goes_on| !goes_on()) {
            self.stopped = true;
            self.frontier2 = self.frontier2.min(nearest2);
            return;
        }
        self.arch.dispatch(IntoPage(self, page));
    }

    #[inline(always)]
    fn points(&mut self, page: &'s Page) {
        if self.is_plain {
            self.packed(page.packed(), page.visible());
        } else {
            self.packed(page.packed(), &page.matching(&self.query.filter));
        }
        if let Some(recent) = page.recent() {
            self.recent(recent);
        }
    }

    #[inline(always)]
    fn packed(&mut self, packed: &'s Packed, among: &Bits) {
        if let Some(place) = packed.one_place() {
            return self.one_place(packed, among, place);
        }
        let boxes = packed.boxes();
        let mut leaves = among.leaves();
        if let Some(before) = self.before {
            leaves &= !nearer(&boxes.farthest2(self.query.origin), before);
        }
        let nearest2 = boxes.nearest2(self.query.origin);
        self.each(
            Bounds::new(&nearest2, leaves),
            MOST_AT_A_TIME,
            |leaf| packed.leaves().fetch(leaf),
            #[inline(always)]
            |walk, leaf, _| {
                let chords2_m2 = packed.leaves().chords2_m2(leaf, boxes, walk.query.origin.xyz_m());
                if let Some(least) = packed.least_on_one_place(leaf) {
                    let distance = distance_of_chord2(chords2_m2[0]);
                    if walk.sink.is_beyond(&Hit { distance, merchant: least }) {
                        return;
                    }
                }
                walk.leaf(&chords2_m2, among.leaf(leaf), |lane| Some(packed.record(leaf * LEAF + lane)));
            },
        );
    }

    /// A mall: thousands on one place, in the order of their ids. Only as many are looked at as are wanted.
    fn one_place(&mut self, packed: &'s Packed, among: &Bits, place: Ecef) {
        let distance = self.query.origin.distance(place);
        let first = match &self.query.after {
            Some(after) if after.distance == distance => packed.count_up_to(&after.id),
            _ => 0,
        };
        for number in (first..packed.len()).filter(|number| among.contains(*number)) {
            let hit = Hit { distance, merchant: packed.record(number) };
            if distance > self.reach.distance || self.sink.is_beyond(&hit) {
                return;
            }
            self.offer(hit);
            self.tighten();
        }
    }

    #[inline(always)]
    fn recent(&mut self, recent: &'s Recent) {
        let shown = recent.shown(self.query.filter.shown);
        for (number, leaf) in recent.leaves().iter().enumerate() {
            let chords2_m2 = leaf.chords2_m2(self.query.origin.xyz_m());
            #[expect(clippy::cast_possible_truncation, reason = "takes the bits of this leaf")]
            let lanes = (shown >> (number * LEAF)) as u16;
            let (query, is_plain) = (self.query, self.is_plain);
            self.leaf(&chords2_m2, lanes, |lane| {
                let stored = recent.record(number * LEAF + lane);
                (is_plain || query.filter.lets_through(stored)).then_some(stored)
            });
        }
    }

    /// The points of a leaf that are within reach, found without a branch each.
    #[inline(always)]
    fn leaf(
        &mut self,
        chords2_m2: &[f64; LEAF],
        among: u16,
        record: impl Fn(usize) -> Option<&'s Arc<StoredMerchant>>,
    ) {
        let (floor2, reach2) = (self.before.map_or(0.0, |before| before.chord2_m2), self.reach.chord2_m2);
        let is_near = |chord2_m2: f64| (chord2_m2 >= floor2) & (chord2_m2 <= reach2);
        if self.before.is_some() && !chords2_m2.iter().fold(false, |any, chord2_m2| any | is_near(*chord2_m2))
        {
            return;
        }
        let mut near = [0u8; LEAF];
        let mut count = 0;
        for (lane, number) in (0..LEAF).zip(0u8..) {
            near[count % LEAF] = number;
            count += usize::from(is_near(chords2_m2[lane])) & usize::from(among >> lane & 1);
        }
        for lane in near.iter().take(count).map(|lane| usize::from(*lane) % LEAF) {
            let distance = distance_of_chord2(chords2_m2[lane]);
            if distance <= self.reach.distance
                && let Some(merchant) = record(lane)
            {
                self.offer(Hit { distance, merchant });
            }
        }
        self.tighten();
    }

    /// Gives a merchant that is within reach to the sink, if nothing else speaks against it.
    #[inline(always)]
    fn offer(&mut self, hit: Hit<'s>) {
        if self.before.is_some() && self.is_before(&hit) {
            return;
        }
        if self.steering.accepts.is_none_or(|accepts| accepts(hit.merchant)) {
            self.sink.take(hit);
        }
    }

    /// Whether a merchant lies before the ring, or was on an earlier page.
    fn is_before(&self, hit: &Hit<'s>) -> bool {
        let id = &hit.merchant.merchant.id;
        hit.distance < self.query.min_distance
            || self
                .query
                .after
                .as_ref()
                .is_some_and(|after| (hit.distance, id) <= (after.distance, &after.id))
    }

    #[inline(always)]
    fn tighten(&mut self) {
        if let Some(distance) = self.sink.reach() {
            self.reach = Reach::new(distance);
        }
    }

    /// Visits those of the children that are within reach, the nearest first: a few at a time, which are
    /// fetched together.
    #[inline(always)]
    fn each<const N: usize>(
        &mut self,
        bounds: Bounds<N>,
        at_a_time: usize,
        fetch: impl Fn(usize),
        mut visit: impl FnMut(&mut Self, usize, f32),
    ) {
        if !self.in_order {
            let reach2 = self.reach.nearest2;
            let within_reach = bounds.0.iter().filter(|bound| **bound <= reach2);
            within_reach.for_each(|bound| fetch(child_of(*bound)));
            for bound in bounds.0.into_iter().filter(|bound| *bound <= reach2) {
                if self.stopped {
                    self.frontier2 = self.frontier2.min(bound);
                } else {
                    visit(self, child_of(bound), bound);
                }
            }
            return;
        }
        // Bounds are never below 0.
        let mut least = -1.0;
        loop {
            let mut next = [f32::MAX; MOST_AT_A_TIME];
            let mut count = 0;
            while count < at_a_time {
                least = bounds.least_above(least);
                if least > self.reach.nearest2 {
                    break;
                }
                next[count] = least;
                count += 1;
            }
            next.iter().take(count).for_each(|bound| fetch(child_of(*bound)));
            for bound in next.into_iter().take(count) {
                if !self.stopped && bound <= self.reach.nearest2 {
                    visit(self, child_of(bound), bound);
                } else {
                    self.frontier2 = self.frontier2.min(bound);
                }
            }
            if self.stopped {
                self.frontier2 = self.frontier2.min(bounds.least_above(least));
                return;
            }
            if count < at_a_time {
                return;
            }
        }
    }
}

/// A step into a node, compiled for each kind of processor.
struct IntoNode<'w, 'q, 's, S>(&'w mut Walk<'q, 's, S>, &'s Node);

impl<'s, S: Sink<'s>> NullaryFnOnce for IntoNode<'_, '_, 's, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.children(self.1);
    }
}

/// A step into a page, compiled for each kind of processor.
struct IntoPage<'w, 'q, 's, S>(&'w mut Walk<'q, 's, S>, &'s Page);

impl<'s, S: Sink<'s>> NullaryFnOnce for IntoPage<'_, '_, 's, S> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.points(self.1);
    }
}

/// Leaves that are fetched together, and the most of anything that is.
const MOST_AT_A_TIME: usize = 5;
/// Pages, and nodes, that are fetched together: a search rarely needs more of them.
const AT_A_TIME: usize = 2;

/// Bounds of the children, each with the number of its child in place of its last five bits, which moves it a little
/// ([`SLACK`](crate::tree::bounding_boxes::SLACK) allows for it) and makes all of them different. So the least of them, which the
/// processor finds for many at a time, says whose it is. `f32::MAX`, more or less, where there is nothing to visit.
#[derive(Clone, Copy)]
struct Bounds<const N: usize>([f32; N]);

const CHILD_BITS: u32 = 31;
const _: () = assert!(FAN == 32, "the number of a child fits");

impl<const N: usize> Bounds<N> {
    #[inline(always)]
    fn new(nearest2: &[f32; N], among: u64) -> Self {
        let mut bounds = [0.0; N];
        for ((bound, nearest2), child) in bounds.iter_mut().zip(nearest2).zip(0u32..) {
            *bound = f32::from_bits(nearest2.to_bits() & !CHILD_BITS | child);
        }
        for child in ones(!among & (u64::MAX >> (64 - N))) {
            bounds[child] = f32::MAX;
        }
        Self(bounds)
    }

    /// The least bound above another. Nothing is taken out: to write one of them would make the processor wait before it
    /// can read them many at a time again.
    #[inline(always)]
    fn least_above(&self, other: f32) -> f32 {
        const LANES: usize = 16;
        let mut least = [f32::MAX; LANES];
        for bounds in self.0.chunks_exact(LANES) {
            for (least, bound) in least.iter_mut().zip(bounds) {
                // All bits set is not a number, and the least of it and a number is the number.
                let not_above = if *bound > other { 0 } else { u32::MAX };
                let above = f32::from_bits(bound.to_bits() | not_above);
                *least = if above < *least { above } else { *least };
            }
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                let other = least[lane + half];
                least[lane] = if other < least[lane] { other } else { least[lane] };
            }
        }
        least[0]
    }
}

fn child_of(bound: f32) -> usize {
    (bound.to_bits() & CHILD_BITS) as usize
}

/// The boxes that are nearer as a whole, one bit each. Not those that are not there.
#[inline(always)]
fn nearer<const N: usize>(farthest2: &[f32; N], within: Within) -> u64 {
    (0..N).fold(0, |boxes, number| boxes | u64::from(farthest2[number] < within.farthest2) << number)
}
