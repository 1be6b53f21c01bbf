//! Bounding boxes of children and leaves, and bounds on the distance to them.
//!
//! Bounds are squared chords in `f32`, computed for all boxes of a node at once. They may be inexact, but
//! only in one direction: [`nearest2`](BoundingBoxes::nearest2) is at most [`SLACK`] times the squared chord
//! to anything in the box, and [`farthest2`](BoundingBoxes::farthest2) is at least that squared chord divided
//! by [`SLACK`]. The argument, with `e = 2⁻²⁴` the maximum relative error of one `f32` operation:
//! - The sides of a box are rounded outward to whole steps: 16-bit integers times a power of two, which `f32`
//!   represents exactly. The offset from the origin to the reference corner is exact in `f64` and is then
//!   rounded away from the box.
//! - The gap on an axis, one addition of the two, is therefore at most `1 + e` times the true gap. If the box
//!   spans the origin on that axis, the gap is exactly 0.
//! - Its square is at most `(1 + e)³` times the true square, and two additions make that
//!   `(1 + e)⁵ < 1 + 2⁻²¹`.
//!
//! All points, and the origin, lie on a grid of 2⁻²⁰ m, so a non-zero gap is far too large for its square to
//! underflow. The argument for `farthest2` is the same with the directions reversed.

use crate::{Ecef, area::HalfSpace, ecef::GRID_M};

/// Maximum number of children of a node.
pub(crate) const MAX_CHILDREN: usize = 32;
/// Maximum number of leaves of a page.
pub(crate) const MAX_LEAVES: usize = 16;

/// Maximum relative error of a box bound, as a factor: 2⁻¹⁷. The argument above needs 2⁻²¹; a search also
/// stores the index of the child in the last five bits of a bound, which changes it by less than 2⁻¹⁸.
pub(crate) const SLACK: f64 = 1.0 + 1.0 / 131_072.0;

/// The exact axis-aligned bounding box of some points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Aabb {
    pub(crate) low_m: [f64; 3],
    pub(crate) high_m: [f64; 3],
}

impl Aabb {
    pub(crate) const EMPTY: Self = Self { low_m: [f64::INFINITY; 3], high_m: [f64::NEG_INFINITY; 3] };

    pub(crate) fn around(positions: impl IntoIterator<Item = Ecef>) -> Self {
        let point = |position: Ecef| Self { low_m: position.xyz_m(), high_m: position.xyz_m() };
        positions.into_iter().fold(Self::EMPTY, |extent, position| extent.with(&point(position)))
    }

    pub(crate) fn with(mut self, other: &Self) -> Self {
        for axis in 0..3 {
            self.low_m[axis] = self.low_m[axis].min(other.low_m[axis]);
            self.high_m[axis] = self.high_m[axis].max(other.high_m[axis]);
        }
        self
    }

    pub(crate) fn longest_axis(&self) -> usize {
        let side = |axis: &usize| self.high_m[*axis] - self.low_m[*axis];
        (0..3).max_by(|a, b| side(a).total_cmp(&side(b))).unwrap_or(0)
    }

    pub(crate) fn center_m(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| (self.low_m[axis] + self.high_m[axis]) / 2.0)
    }

    pub(crate) fn is_coincident(&self) -> bool {
        self.low_m == self.high_m
    }
}

/// Rounds down to `f32`: the largest value not above `number`.
pub(crate) fn rounded_down(number: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounds to nearest; corrected below")]
    let near = number as f32;
    if f64::from(near) > number { near.next_down() } else { near }
}

/// Rounds up to `f32`: the smallest value not below `number`.
pub(crate) fn rounded_up(number: f64) -> f32 {
    -rounded_down(-number)
}

/// Bounding boxes of the children of a node or of the leaves of a page, as 16-bit step counts from a common
/// corner: half the size of `f32`, and finer where merchants are dense. Corner and step are multiples of the
/// grid, so every bound is exact until it is combined with the origin.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct BoundingBoxes<const N: usize> {
    low: [[u16; N]; 3],
    high: [[u16; N]; 3],
    corner_m: [f64; 3],
    /// Step size, a power of two.
    step_m: f32,
}

impl<const N: usize> BoundingBoxes<N> {
    /// Creates boxes around at most `N` extents.
    pub(crate) fn new(extents: &[Aabb]) -> Self {
        let all = extents.iter().fold(Aabb::EMPTY, Aabb::with);
        let longest = all.longest_axis();
        let side_m = all.high_m[longest] - all.low_m[longest];
        let mut step_m = GRID_M;
        // Two steps of margin: the corner is rounded down by less than one step, and the far side up.
        while step_m * f64::from(u16::MAX - 2) < side_m {
            step_m *= 2.0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a power of two between 2^-20 and 2^8")]
        let mut boxes = Self {
            low: [[u16::MAX; N]; 3],
            high: [[0; N]; 3],
            corner_m: all.low_m.map(|low_m| (low_m / step_m).floor() * step_m),
            step_m: step_m as f32,
        };
        for (number, extent) in extents.iter().enumerate() {
            let fits = boxes.set(number, extent);
            debug_assert!(fits, "corner and step are chosen to cover all extents");
        }
        boxes
    }

    /// Replaces a box. Returns false if the extent lies outside the range of the steps.
    pub(crate) fn set(&mut self, number: usize, extent: &Aabb) -> bool {
        let steps = |axis: usize, at_m: f64| (at_m - self.corner_m[axis]) / f64::from(self.step_m);
        let low = [0, 1, 2].map(|axis| to_u16(steps(axis, extent.low_m[axis]).floor()));
        let high = [0, 1, 2].map(|axis| to_u16(steps(axis, extent.high_m[axis]).ceil()));
        for axis in 0..3 {
            let (Some(low), Some(high)) = (low[axis], high[axis]) else { return false };
            self.low[axis][number] = low;
            self.high[axis][number] = high;
        }
        true
    }

    /// Returns a box with its sides rounded outward.
    pub(crate) fn get(&self, number: usize) -> Aabb {
        let at_m = |steps: &[[u16; N]; 3], axis: usize| {
            self.corner_m[axis] + f64::from(steps[axis][number]) * f64::from(self.step_m)
        };
        Aabb {
            low_m: [0, 1, 2].map(|axis| at_m(&self.low, axis)),
            high_m: [0, 1, 2].map(|axis| at_m(&self.high, axis)),
        }
    }

    /// Returns the low corner of a box, exact and on the grid.
    #[inline(always)]
    pub(crate) fn corner_m(&self, number: usize) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.corner_m[axis] + f64::from(self.low[axis][number]) * f64::from(self.step_m))
    }

    /// Touches the boxes to load them into the cache.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        (0..3).for_each(|axis| {
            std::hint::black_box((self.low[axis][0], self.high[axis][N - 1]));
        });
    }

    /// Returns the boxes that may contain a position, one bit each: a superset of those that do. The bits of
    /// absent boxes are arbitrary, here and below.
    pub(crate) fn containing(&self, position: Ecef) -> u64 {
        let nearest2 = self.nearest2(position);
        (0..N).fold(0, |boxes, number| boxes | u64::from(nearest2[number] == 0.0) << number)
    }

    /// Returns, for each box, the growth of the sum of its sides needed to include a position, and that sum.
    pub(crate) fn growth_and_margin_m(&self, position: Ecef) -> [(f32, f32); N] {
        let (step_m, offsets) = (self.step_m, self.offsets(position, rounded_down));
        let mut both = [(0.0, 0.0); N];
        for (number, both) in both.iter_mut().enumerate() {
            let gap = |axis: usize| self.gap_m(axis, number, &offsets);
            let side = |axis: usize| {
                (f32::from(self.high[axis][number]) - f32::from(self.low[axis][number])) * step_m
            };
            *both = (gap(0) + gap(1) + gap(2), side(0) + side(1) + side(2));
        }
        both
    }

    /// Returns a lower bound of the squared chord to each box, up to [`SLACK`]; see the [module](self).
    #[inline(always)]
    pub(crate) fn nearest2(&self, origin: Ecef) -> [f32; N] {
        let offsets = self.offsets(origin, rounded_down);
        let mut nearest2 = [0.0; N];
        for (number, square) in nearest2.iter_mut().enumerate() {
            let gap = |axis: usize| self.gap_m(axis, number, &offsets);
            *square = sum_of_squares(gap(0), gap(1), gap(2));
        }
        nearest2
    }

    /// Returns an upper bound of the squared chord to the farthest point of each box, up to [`SLACK`]; see
    /// the [module](self).
    #[inline(always)]
    pub(crate) fn farthest2(&self, origin: Ecef) -> [f32; N] {
        let (step_m, [to_corner, from_corner]) = (self.step_m, self.offsets(origin, rounded_up));
        let mut farthest2 = [0.0; N];
        for (number, square) in farthest2.iter_mut().enumerate() {
            let reach = |axis: usize| {
                larger(
                    from_corner[axis] - f32::from(self.low[axis][number]) * step_m,
                    f32::from(self.high[axis][number]) * step_m + to_corner[axis],
                )
            };
            *square = sum_of_squares(reach(0), reach(1), reach(2));
        }
        farthest2
    }

    /// Returns the boxes that lie entirely outside a half-space, one bit each.
    ///
    /// The corner of a box that lies farthest along the normal is within 1e-8 m of its exact place: a few operations
    /// in `f64` on coordinates up to 6.4e6 m. Half-spaces are wider than what they bound by at least a millimetre.
    pub(crate) fn outside(&self, half_space: &HalfSpace) -> u64 {
        let (step_m, normal) = (f64::from(self.step_m), half_space.normal);
        let at_corner: f64 = (0..3).map(|axis| normal[axis] * self.corner_m[axis]).sum();
        (0..N).fold(0, |boxes, number| {
            let along = |axis: usize| {
                let farthest = if normal[axis] > 0.0 { &self.high[axis] } else { &self.low[axis] };
                normal[axis] * f64::from(farthest[number]) * step_m
            };
            let depth_m = at_corner + along(0) + along(1) + along(2) - half_space.offset_m;
            boxes | u64::from(depth_m < 0.0) << number
        })
    }

    /// Returns the gap between origin and box along an axis; 0 if the box spans the origin.
    #[inline(always)]
    fn gap_m(&self, axis: usize, number: usize, [to_corner, from_corner]: &[[f32; 3]; 2]) -> f32 {
        let before = f32::from(self.low[axis][number]) * self.step_m + to_corner[axis];
        let after = from_corner[axis] - f32::from(self.high[axis][number]) * self.step_m;
        positive(larger(before, after))
    }

    /// Returns the offset from the origin to the corner and its negation, rounded. The differences are exact
    /// before rounding: both points lie on the grid.
    #[inline(always)]
    fn offsets(&self, origin: Ecef, round: impl Fn(f64) -> f32) -> [[f32; 3]; 2] {
        let to_corner_m = [0, 1, 2].map(|axis| self.corner_m[axis] - origin.xyz_m()[axis]);
        [to_corner_m.map(&round), to_corner_m.map(|offset_m| round(-offset_m))]
    }
}

/// Converts to an integer if the number is integral and in range.
fn to_u16(number: f64) -> Option<u16> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; detected below")]
    let integer = number as u16;
    (f64::from(integer) == number).then_some(integer)
}

/// Like `f32::max` without its NaN handling, which costs two instructions and is not needed here.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn positive(number: f32) -> f32 {
    larger(number, 0.0)
}

#[inline(always)]
fn sum_of_squares(x: f32, y: f32, z: f32) -> f32 {
    x * x + y * y + z * z
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Position, Wgs84};

    fn position() -> impl Strategy<Value = Ecef> {
        let anywhere = (-90.0f64..=90.0, -180.0f64..=180.0);
        let near = (51.5f64..51.6, -0.1f64..0.1);
        prop_oneof![anywhere, near].prop_map(|(lat, lon)| Position::<Wgs84>::new(lat, lon).unwrap().into())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Nearest and farthest bounds hold for every point of a box, from any origin, within SLACK.
        #[test]
        fn bounds_hold_for_every_point(positions in prop::collection::vec(position(), 1..40), origin in position()) {
            let extents: Vec<Aabb> =
                positions.chunks(4).map(|chunk| Aabb::around(chunk.iter().copied())).collect();
            let boxes = BoundingBoxes::<MAX_LEAVES>::new(&extents);
            let (nearest2, farthest2) = (boxes.nearest2(origin), boxes.farthest2(origin));
            for (number, position) in positions.iter().enumerate() {
                let chord2 = origin.chord2_m2(*position);
                prop_assert!(f64::from(nearest2[number / 4]) <= chord2 * SLACK);
                prop_assert!(f64::from(farthest2[number / 4]) >= chord2 / SLACK);
                prop_assert!(boxes.containing(*position) >> (number / 4) & 1 == 1);
                let corner_m = boxes.corner_m(number / 4);
                prop_assert!((0..3).all(|axis| corner_m[axis] <= position.xyz_m()[axis]));
                let Aabb { low_m, high_m } = boxes.get(number / 4);
                let at_m = position.xyz_m();
                prop_assert!((0..3).all(|axis| low_m[axis] <= at_m[axis] && at_m[axis] <= high_m[axis]));
            }
        }

        /// A box replaced later is as correct as an initial one, or is rejected.
        #[test]
        fn replaced_box_keeps_its_bounds(positions in prop::collection::vec(position(), 2..8), origin in position()) {
            let extents: Vec<Aabb> = positions.iter().map(|position| Aabb::around([*position])).collect();
            let mut boxes = BoundingBoxes::<MAX_LEAVES>::new(&extents[1..]);
            let chord2 = origin.chord2_m2(positions[0]);
            if boxes.set(0, &extents[0]) {
                prop_assert!(f64::from(boxes.nearest2(origin)[0]) <= chord2 * SLACK);
                prop_assert!(f64::from(boxes.farthest2(origin)[0]) >= chord2 / SLACK);
            } else {
                let old = extents[1..].iter().fold(Aabb::EMPTY, Aabb::with);
                prop_assert!(old.with(&extents[0]) != old, "an extent within the old range is accepted");
            }
        }

        /// In a small page, the bounds of a single-point box are close to the point's distance.
        #[test]
        fn bounds_of_a_single_point_are_tight(position in position(), origin in position()) {
            let boxes = BoundingBoxes::<MAX_LEAVES>::new(&[Aabb::around([position])]);
            let chord2 = origin.chord2_m2(position);
            prop_assert!(f64::from(boxes.nearest2(origin)[0]) >= chord2 / SLACK - 1e-3);
            prop_assert!(f64::from(boxes.farthest2(origin)[0]) <= chord2 * SLACK + 1e-3);
        }
    }
}
