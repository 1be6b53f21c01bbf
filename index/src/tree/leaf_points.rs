//! Coordinates of the points of a page: sixteen points per leaf, each axis in its own row, so that the
//! compiler vectorises distance computations.

use std::hint::black_box;

use super::{
    Point,
    bounding_boxes::{BoundingBoxes, MAX_LEAVES},
};
use crate::{Ecef, ecef::GRID_M};

/// Number of points of a leaf.
pub(crate) const LEAF_SIZE: usize = 16;

/// The leaves of a page. Leaves smaller than 4 km, nearly all in populated areas, take three cache lines each
/// instead of six.
#[derive(Debug)]
pub(crate) struct LeafPoints {
    compact: Box<[CompactLeaf]>,
    wide: Box<[WideLeaf]>,
    /// The leaves stored in `wide`, one bit each.
    is_wide: u64,
}

/// Points as integer multiples of the grid spacing, relative to [`HALF_RANGE_M`] beyond the low corner of the
/// leaf's box, which lies on the grid too. Corner plus offset is exact and equals the coordinate of the
/// original [`Ecef`].
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct CompactLeaf([[i32; LEAF_SIZE]; 3]);

/// Points in metres from the earth's centre.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct WideLeaf([[f64; LEAF_SIZE]; 3]);

/// Half of the range of 2³² grid steps.
const HALF_RANGE_M: f64 = 2_048.0;

impl LeafPoints {
    /// Creates the leaves of some points, sixteen each, in order.
    pub(crate) fn new(points: &[Point], boxes: &BoundingBoxes<MAX_LEAVES>) -> Self {
        let (mut compact, mut wide, mut is_wide) = (Vec::new(), Vec::new(), 0);
        for (leaf, points) in points.chunks(LEAF_SIZE).enumerate() {
            match CompactLeaf::new(points, boxes.corner_m(leaf)) {
                Some(leaf) => compact.push(leaf),
                None => {
                    wide.push(WideLeaf::new(points.iter().map(|point| point.position)));
                    is_wide |= 1 << leaf;
                }
            }
        }
        Self { compact: compact.into(), wide: wide.into(), is_wide }
    }

    /// Returns the squared chords from an origin to the points of a leaf, bit for bit equal to
    /// [`Ecef::chord2_m2`]. Lanes without a point have arbitrary values.
    #[inline(always)]
    pub(crate) fn chords2_m2(
        &self,
        leaf: usize,
        boxes: &BoundingBoxes<MAX_LEAVES>,
        origin_m: [f64; 3],
    ) -> [f64; LEAF_SIZE] {
        match self.leaf(leaf) {
            Leaf::Compact(compact) => compact.chords2_m2(boxes.corner_m(leaf), origin_m),
            Leaf::Wide(wide) => wide.chords2_m2(origin_m),
        }
    }

    /// Returns the position of a point by its index in the page.
    pub(crate) fn position(&self, number: usize, boxes: &BoundingBoxes<MAX_LEAVES>) -> Ecef {
        match self.leaf(number / LEAF_SIZE) {
            Leaf::Compact(compact) => {
                compact.position(number % LEAF_SIZE, boxes.corner_m(number / LEAF_SIZE))
            }
            Leaf::Wide(wide) => wide.position(number % LEAF_SIZE),
        }
    }

    /// Touches a leaf that is about to be scanned: overlapping cache misses cost little more than one. Safe
    /// Rust has no prefetch instruction, so this reads one value per cache line.
    #[inline(always)]
    pub(crate) fn prefetch(&self, leaf: usize) {
        match self.leaf(leaf) {
            Leaf::Compact(compact) => (0..3).for_each(|axis| {
                black_box(compact.0[axis][0]);
            }),
            Leaf::Wide(wide) => (0..3).for_each(|axis| {
                black_box(wide.0[axis][0]);
            }),
        }
    }

    #[inline(always)]
    fn leaf(&self, leaf: usize) -> Leaf<'_> {
        let wide_before = (self.is_wide & ((1 << leaf) - 1)).count_ones() as usize;
        if self.is_wide >> leaf & 1 == 0 {
            Leaf::Compact(&self.compact[leaf - wide_before])
        } else {
            Leaf::Wide(&self.wide[wide_before])
        }
    }
}

enum Leaf<'a> {
    Compact(&'a CompactLeaf),
    Wide(&'a WideLeaf),
}

impl CompactLeaf {
    /// Returns `None` if a point is too far from the corner.
    fn new(points: &[Point], corner_m: [f64; 3]) -> Option<Self> {
        let mut offsets = [[0; LEAF_SIZE]; 3];
        for (lane, point) in points.iter().enumerate() {
            for axis in 0..3 {
                let offset = (point.position.xyz_m()[axis] - (corner_m[axis] + HALF_RANGE_M)) / GRID_M;
                #[expect(clippy::cast_possible_truncation, reason = "saturates; the next line detects it")]
                let steps = offset as i32;
                if f64::from(steps) != offset {
                    return None;
                }
                offsets[axis][lane] = steps;
            }
        }
        Some(Self(offsets))
    }

    fn position(&self, lane: usize, corner_m: [f64; 3]) -> Ecef {
        let along = |axis: usize| corner_m[axis] + HALF_RANGE_M + f64::from(self.0[axis][lane]) * GRID_M;
        Ecef::from_grid([along(0), along(1), along(2)])
    }

    #[inline(always)]
    fn chords2_m2(&self, corner_m: [f64; 3], origin_m: [f64; 3]) -> [f64; LEAF_SIZE] {
        let from_m = corner_m.map(|corner_m| corner_m + HALF_RANGE_M);
        let along = |axis: usize, lane: usize| from_m[axis] + f64::from(self.0[axis][lane]) * GRID_M;
        chords2_m2(origin_m, along)
    }
}

impl WideLeaf {
    pub(crate) fn new(positions: impl IntoIterator<Item = Ecef>) -> Self {
        let mut leaf = [[0.0; LEAF_SIZE]; 3];
        for (lane, position) in positions.into_iter().enumerate() {
            for (row, axis_m) in leaf.iter_mut().zip(position.xyz_m()) {
                row[lane] = axis_m;
            }
        }
        Self(leaf)
    }

    pub(crate) fn position(&self, lane: usize) -> Ecef {
        Ecef::from_grid([0, 1, 2].map(|axis| self.0[axis][lane]))
    }

    #[inline(always)]
    pub(crate) fn chords2_m2(&self, origin_m: [f64; 3]) -> [f64; LEAF_SIZE] {
        chords2_m2(origin_m, |axis, lane| self.0[axis][lane])
    }
}

/// Returns the squared chords from an origin to all lanes, given their coordinates per axis: the same
/// operations in the same order as [`Ecef::chord2_m2`].
#[inline(always)]
fn chords2_m2(origin_m: [f64; 3], along: impl Fn(usize, usize) -> f64) -> [f64; LEAF_SIZE] {
    let mut chords2_m2 = [0.0; LEAF_SIZE];
    for (lane, chord2_m2) in chords2_m2.iter_mut().enumerate() {
        let [dx, dy, dz] = [0, 1, 2].map(|axis| origin_m[axis] - along(axis, lane));
        *chord2_m2 = dx * dx + dy * dy + dz * dz;
    }
    chords2_m2
}
