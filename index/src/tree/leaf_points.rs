//! The coordinates of a page: sixteen points a leaf, each axis in a row of its own, so that the compiler computes
//! several distances at once.

use std::hint::black_box;

use super::{
    Point,
    bounding_boxes::{Boxes, LEAVES},
};
use crate::{Ecef, ecef::GRID_M};

/// Points of a leaf.
pub(crate) const LEAF: usize = 16;

/// The leaves of a page. Those smaller than 4 km, nearly all where people live, take three cache lines each instead of
/// six.
#[derive(Debug)]
pub(crate) struct Leaves {
    near: Box<[NearLeaf]>,
    far: Box<[FarLeaf]>,
    /// Which leaves are among the far ones, one bit each.
    is_far: u64,
}

/// Points as whole numbers of grid steps from [`HALF_M`] beyond the low corner of their leaf's box, which lies on the
/// grid too. Corner plus offset is exact, and so the very coordinate that [`Ecef`] had.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct NearLeaf([[i32; LEAF]; 3]);

/// Points in metres from the centre of the earth.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct FarLeaf([[f64; LEAF]; 3]);

/// Half of what 2³² grid steps reach.
const HALF_M: f64 = 2_048.0;

impl Leaves {
    /// The leaves of some points, sixteen each in their order.
    pub(crate) fn new(points: &[Point], boxes: &Boxes<LEAVES>) -> Self {
        let (mut near, mut far, mut is_far) = (Vec::new(), Vec::new(), 0);
        for (leaf, points) in points.chunks(LEAF).enumerate() {
            match NearLeaf::new(points, boxes.corner_m(leaf)) {
                Some(leaf) => near.push(leaf),
                None => {
                    far.push(FarLeaf::new(points.iter().map(|point| point.place)));
                    is_far |= 1 << leaf;
                }
            }
        }
        Self { near: near.into(), far: far.into(), is_far }
    }

    /// Squares of the chords from an origin to the points of a leaf, bit by bit those of [`Ecef::chord2_m2`]. Lanes
    /// without a point have any value.
    #[inline(always)]
    pub(crate) fn chords2_m2(&self, leaf: usize, boxes: &Boxes<LEAVES>, origin_m: [f64; 3]) -> [f64; LEAF] {
        match self.leaf(leaf) {
            Leaf::Near(near) => near.chords2_m2(boxes.corner_m(leaf), origin_m),
            Leaf::Far(far) => far.chords2_m2(origin_m),
        }
    }

    /// Where a point is, by its number in the page.
    pub(crate) fn place(&self, number: usize, boxes: &Boxes<LEAVES>) -> Ecef {
        match self.leaf(number / LEAF) {
            Leaf::Near(near) => near.place(number % LEAF, boxes.corner_m(number / LEAF)),
            Leaf::Far(far) => far.place(number % LEAF),
        }
    }

    /// Has the processor fetch a leaf that will soon be looked at: misses that happen together cost little more than
    /// one. A prefetch in all but name, which safe code has none of.
    #[inline(always)]
    pub(crate) fn fetch(&self, leaf: usize) {
        match self.leaf(leaf) {
            Leaf::Near(near) => (0..3).for_each(|axis| {
                black_box(near.0[axis][0]);
            }),
            Leaf::Far(far) => (0..3).for_each(|axis| {
                black_box(far.0[axis][0]);
            }),
        }
    }

    #[inline(always)]
    fn leaf(&self, leaf: usize) -> Leaf<'_> {
        let far_before = (self.is_far & ((1 << leaf) - 1)).count_ones() as usize;
        if self.is_far >> leaf & 1 == 0 {
            Leaf::Near(&self.near[leaf - far_before])
        } else {
            Leaf::Far(&self.far[far_before])
        }
    }
}

enum Leaf<'a> {
    Near(&'a NearLeaf),
    Far(&'a FarLeaf),
}

impl NearLeaf {
    /// `None` where a point is too far from the corner.
    fn new(points: &[Point], corner_m: [f64; 3]) -> Option<Self> {
        let mut offsets = [[0; LEAF]; 3];
        for (lane, point) in points.iter().enumerate() {
            for axis in 0..3 {
                let offset = (point.place.xyz_m()[axis] - (corner_m[axis] + HALF_M)) / GRID_M;
                #[expect(clippy::cast_possible_truncation, reason = "saturates, which the next line sees")]
                let whole = offset as i32;
                if f64::from(whole) != offset {
                    return None;
                }
                offsets[axis][lane] = whole;
            }
        }
        Some(Self(offsets))
    }

    fn place(&self, lane: usize, corner_m: [f64; 3]) -> Ecef {
        let along = |axis: usize| corner_m[axis] + HALF_M + f64::from(self.0[axis][lane]) * GRID_M;
        Ecef::from_grid([along(0), along(1), along(2)])
    }

    #[inline(always)]
    fn chords2_m2(&self, corner_m: [f64; 3], origin_m: [f64; 3]) -> [f64; LEAF] {
        let from_m = corner_m.map(|corner_m| corner_m + HALF_M);
        let along = |axis: usize, lane: usize| from_m[axis] + f64::from(self.0[axis][lane]) * GRID_M;
        chords2_m2(origin_m, along)
    }
}

impl FarLeaf {
    pub(crate) fn new(places: impl IntoIterator<Item = Ecef>) -> Self {
        let mut leaf = [[0.0; LEAF]; 3];
        for (lane, place) in places.into_iter().enumerate() {
            for (row, axis_m) in leaf.iter_mut().zip(place.xyz_m()) {
                row[lane] = axis_m;
            }
        }
        Self(leaf)
    }

    pub(crate) fn place(&self, lane: usize) -> Ecef {
        Ecef::from_grid([0, 1, 2].map(|axis| self.0[axis][lane]))
    }

    #[inline(always)]
    pub(crate) fn chords2_m2(&self, origin_m: [f64; 3]) -> [f64; LEAF] {
        chords2_m2(origin_m, |axis, lane| self.0[axis][lane])
    }
}

/// Squares of the chords from an origin to all lanes, of which the coordinate on each axis is given: the same operations in
/// the same order as [`Ecef::chord2_m2`].
#[inline(always)]
fn chords2_m2(origin_m: [f64; 3], along: impl Fn(usize, usize) -> f64) -> [f64; LEAF] {
    let mut chords2_m2 = [0.0; LEAF];
    for (lane, chord2_m2) in chords2_m2.iter_mut().enumerate() {
        let [dx, dy, dz] = [0, 1, 2].map(|axis| origin_m[axis] - along(axis, lane));
        *chord2_m2 = dx * dx + dy * dy + dz * dz;
    }
    chords2_m2
}
