//! Boxes around what lies below, and bounds of how near and how far it can be.
//!
//! Bounds are squares of chords in `f32`, for up to sixty-four boxes at once. They may be off, but to one side only:
//! [`nearest2`](Boxes::nearest2) is at most [`SLACK`] times the square of the chord to anything in the box, and
//! `farthest2` at least that divided by [`SLACK`]. Why, with `e = 2⁻²⁴`, the most that one operation in `f32` rounds by:
//! - the gap on an axis is one rounded subtraction of bounds that were rounded away from the box, so at most `1 + e` times
//!   the true gap (a box that reaches over the origin has the gap 0 exactly);
//! - its square is at most `(1 + e)³` times the true square, and two additions make that `(1 + e)⁵ < 1 + 2⁻²¹`.
//!
//! All points, and the origin, lie on a grid of 2⁻²⁰ m, so that a gap that is not 0 is far too large for its square to
//! leave the range of normal numbers. The argument for `farthest2` is the same with the signs turned.

use crate::{Ecef, ecef::GRID_M};

/// Children of a node at the most.
pub(crate) const FAN: usize = 32;
/// Leaves of a page at the most.
pub(crate) const LEAVES: usize = 16;

/// What the bounds of boxes may be off by, as a factor: 2⁻¹⁷. The argument above asks for 2⁻²¹; a search puts the number of
/// the child in the last five bits of a bound, which moves it by less than 2⁻¹⁸.
pub(crate) const SLACK: f64 = 1.0 + 1.0 / 131_072.0;

/// The smallest box around some points, exact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) low_m: [f64; 3],
    pub(crate) high_m: [f64; 3],
}

impl Extent {
    pub(crate) const NOTHING: Self = Self { low_m: [f64::INFINITY; 3], high_m: [f64::NEG_INFINITY; 3] };

    pub(crate) fn around(places: impl IntoIterator<Item = Ecef>) -> Self {
        let point = |place: Ecef| Self { low_m: place.xyz_m(), high_m: place.xyz_m() };
        places.into_iter().fold(Self::NOTHING, |extent, place| extent.with(&point(place)))
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

    pub(crate) fn is_one_place(&self) -> bool {
        self.low_m == self.high_m
    }
}

/// Where a search stands: exactly, and rounded to either side.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) at_m: [f64; 3],
    below: [f32; 3],
    above: [f32; 3],
}

impl From<Ecef> for Origin {
    fn from(place: Ecef) -> Self {
        let at_m = place.xyz_m();
        Self { at_m, below: at_m.map(rounded_down), above: at_m.map(rounded_up) }
    }
}

/// The greatest `f32` that is not above a number.
pub(crate) fn rounded_down(number: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounds; which way is put right below")]
    let near = number as f32;
    if f64::from(near) > number { near.next_down() } else { near }
}

/// The least `f32` that is not below a number.
pub(crate) fn rounded_up(number: f64) -> f32 {
    -rounded_down(-number)
}

/// Boxes anywhere on earth, rounded outward to `f32`: to half a metre at the worst.
#[derive(Clone, Debug)]
pub(crate) struct Boxes {
    low_m: [[f32; FAN]; 3],
    high_m: [[f32; FAN]; 3],
}

impl Boxes {
    /// Places without a box are infinitely far from everything.
    pub(crate) const NONE: Self =
        Self { low_m: [[f32::INFINITY; FAN]; 3], high_m: [[f32::NEG_INFINITY; FAN]; 3] };

    pub(crate) fn set(&mut self, number: usize, extent: &Extent) {
        for axis in 0..3 {
            self.low_m[axis][number] = rounded_down(extent.low_m[axis]);
            self.high_m[axis][number] = rounded_up(extent.high_m[axis]);
        }
    }

    /// Which boxes a place may lie in, one bit each: all that it does lie in are among them.
    pub(crate) fn containing(&self, place: Ecef) -> u64 {
        zeros(&self.nearest2(&Origin::from(place), FAN))
    }

    /// By how much each box's sides, all three together, would have to grow to take in a place, and how long they are.
    pub(crate) fn growth_and_margin_m(&self, place: Ecef) -> [(f32, f32); FAN] {
        let origin = Origin::from(place);
        let mut both = [(f32::MAX, f32::MAX); FAN];
        for (number, both) in both.iter_mut().enumerate() {
            let gap = |axis: usize| {
                let before = self.low_m[axis][number] - origin.above[axis];
                let after = origin.below[axis] - self.high_m[axis][number];
                positive(larger(before, after))
            };
            let side = |axis: usize| self.high_m[axis][number] - self.low_m[axis][number];
            *both = (gap(0) + gap(1) + gap(2), side(0) + side(1) + side(2));
        }
        both
    }

    /// A box that was set, as it was rounded.
    pub(crate) fn get(&self, number: usize) -> Extent {
        Extent {
            low_m: [0, 1, 2].map(|axis| f64::from(self.low_m[axis][number])),
            high_m: [0, 1, 2].map(|axis| f64::from(self.high_m[axis][number])),
        }
    }

    /// See the [module](self).
    #[inline(always)]
    pub(crate) fn nearest2(&self, origin: &Origin, len: usize) -> [f32; FAN] {
        let mut nearest2 = [f32::MAX; FAN];
        for (number, square) in up_to(&mut nearest2, len) {
            let gap = |axis: usize| {
                let before = self.low_m[axis][number] - origin.above[axis];
                let after = origin.below[axis] - self.high_m[axis][number];
                positive(larger(before, after))
            };
            *square = sum_of_squares(gap(0), gap(1), gap(2));
        }
        nearest2
    }

    /// See the [module](self).
    #[inline(always)]
    pub(crate) fn farthest2(&self, origin: &Origin, len: usize) -> [f32; FAN] {
        let mut farthest2 = [f32::MAX; FAN];
        for (number, square) in up_to(&mut farthest2, len) {
            let reach = |axis: usize| {
                larger(
                    origin.above[axis] - self.low_m[axis][number],
                    self.high_m[axis][number] - origin.below[axis],
                )
            };
            *square = sum_of_squares(reach(0), reach(1), reach(2));
        }
        farthest2
    }
}

/// Boxes of the leaves of one page, as whole steps from a corner: half the size of [`Boxes`] and finer where points are
/// dense. Corner and steps are multiples of the grid, so that every bound is exact until it meets the origin.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct LeafBoxes {
    low: [[u16; LEAVES]; 3],
    high: [[u16; LEAVES]; 3],
    corner_m: [f64; 3],
    /// A power of two.
    step_m: f32,
}

impl LeafBoxes {
    /// Boxes around some extents, at most [`LEAVES`] of them.
    pub(crate) fn new(leaves: &[Extent]) -> Self {
        let all = leaves.iter().fold(Extent::NOTHING, Extent::with);
        let longest = all.longest_axis();
        let side_m = all.high_m[longest] - all.low_m[longest];
        let mut step_m = GRID_M;
        // Two steps to spare: the corner is rounded down by less than one, and the far side up.
        while step_m * f64::from(u16::MAX - 2) < side_m {
            step_m *= 2.0;
        }
        let corner_m = all.low_m.map(|low_m| (low_m / step_m).floor() * step_m);
        #[expect(clippy::cast_possible_truncation, reason = "a power of two between 2^-20 and 2^9")]
        let mut boxes =
            Self { corner_m, step_m: step_m as f32, low: [[u16::MAX; LEAVES]; 3], high: [[0; LEAVES]; 3] };
        for (number, leaf) in leaves.iter().enumerate() {
            for (axis, corner_m) in corner_m.iter().enumerate() {
                boxes.low[axis][number] = steps(((leaf.low_m[axis] - corner_m) / step_m).floor());
                boxes.high[axis][number] = steps(((leaf.high_m[axis] - corner_m) / step_m).ceil());
            }
        }
        boxes
    }

    /// Has the processor fetch the boxes.
    #[inline(always)]
    pub(crate) fn fetch(&self) {
        (0..3).for_each(|axis| {
            std::hint::black_box((self.low[axis][0], self.high[axis][LEAVES - 1]));
        });
    }

    /// The low corner of a leaf's box, exact and on the grid.
    #[inline(always)]
    pub(crate) fn corner_m(&self, leaf: usize) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.corner_m[axis] + f64::from(self.low[axis][leaf]) * f64::from(self.step_m))
    }

    /// Which leaves' boxes a place may lie in, one bit each: all that it does lie in are among them.
    pub(crate) fn containing(&self, place: Ecef) -> u64 {
        zeros(&self.nearest2(&Origin::from(place)))
    }

    /// See the [module](self). Places without a leaf have any value.
    #[inline(always)]
    pub(crate) fn nearest2(&self, origin: &Origin) -> [f32; LEAVES] {
        let (step_m, [to_corner, from_corner]) = (self.step_m, self.offsets(origin, rounded_down));
        let mut nearest2 = [0.0; LEAVES];
        for (number, square) in nearest2.iter_mut().enumerate() {
            let gap = |axis: usize| {
                let before = f32::from(self.low[axis][number]) * step_m + to_corner[axis];
                let after = from_corner[axis] - f32::from(self.high[axis][number]) * step_m;
                positive(larger(before, after))
            };
            *square = sum_of_squares(gap(0), gap(1), gap(2));
        }
        nearest2
    }

    /// See the [module](self). Places without a leaf have any value.
    #[inline(always)]
    pub(crate) fn farthest2(&self, origin: &Origin) -> [f32; LEAVES] {
        let (step_m, [to_corner, from_corner]) = (self.step_m, self.offsets(origin, rounded_up));
        let mut farthest2 = [0.0; LEAVES];
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

    /// From the origin to the corner and back, rounded. The differences are exact before: both lie on the grid.
    #[inline(always)]
    fn offsets(&self, origin: &Origin, round: impl Fn(f64) -> f32) -> [[f32; 3]; 2] {
        let to_corner_m = [0, 1, 2].map(|axis| self.corner_m[axis] - origin.at_m[axis]);
        [to_corner_m.map(&round), to_corner_m.map(|offset_m| round(-offset_m))]
    }
}

/// As many as there are boxes, and a few more: whole runs of sixteen, for the compiler to see that it can compute many at
/// a time.
#[inline(always)]
fn up_to(numbers: &mut [f32; FAN], len: usize) -> impl Iterator<Item = (usize, &mut f32)> {
    const RUN: usize = 16;
    numbers.iter_mut().enumerate().take(len.div_ceil(RUN) * RUN)
}

/// Which bounds are 0, one bit each.
fn zeros<const N: usize>(nearest2: &[f32; N]) -> u64 {
    (0..N).fold(0, |boxes, number| boxes | u64::from(nearest2[number] == 0.0) << number)
}

fn steps(number: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number that fits, by the choice of the step; tests hold it"
    )]
    let steps = number as u16;
    debug_assert_eq!(f64::from(steps), number);
    steps
}

/// As `f32::max`, without its care for NaN, which costs two instructions and never comes here.
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

    fn place() -> impl Strategy<Value = Ecef> {
        let anywhere = (-90.0f64..=90.0, -180.0f64..=180.0);
        let near = (51.5f64..51.6, -0.1f64..0.1);
        prop_oneof![anywhere, near].prop_map(|(lat, lon)| Position::<Wgs84>::new(lat, lon).unwrap().into())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Nearest and farthest bound every point of a box, from anywhere, and no looser than they say.
        #[test]
        fn bounds_hold(places in prop::collection::vec(place(), 1..40), origin in place()) {
            let leaves: Vec<Extent> = places.chunks(4).map(|chunk| Extent::around(chunk.iter().copied())).collect();
            let (near, mut far) = (LeafBoxes::new(&leaves), Boxes::NONE);
            for (number, leaf) in leaves.iter().enumerate() {
                far.set(number, leaf);
            }
            let at = Origin::from(origin);
            for (nearest2, farthest2) in [
                (near.nearest2(&at).to_vec(), near.farthest2(&at).to_vec()),
                (far.nearest2(&at, FAN).to_vec(), far.farthest2(&at, FAN).to_vec()),
            ] {
                for (number, place) in places.iter().enumerate() {
                    let chord2 = origin.chord2_m2(*place);
                    prop_assert!(f64::from(nearest2[number / 4]) <= chord2 * SLACK);
                    prop_assert!(f64::from(farthest2[number / 4]) >= chord2 / SLACK);
                }
            }
            for (number, place) in places.iter().enumerate() {
                prop_assert!(near.containing(*place) >> (number / 4) & 1 == 1);
                prop_assert!(far.containing(*place) >> (number / 4) & 1 == 1);
                let corner_m = near.corner_m(number / 4);
                prop_assert!((0..3).all(|axis| corner_m[axis] <= place.xyz_m()[axis]));
            }
        }

        /// A box of one point in a small page is nearly the point.
        #[test]
        fn bounds_are_close(place in place(), origin in place()) {
            let at = Origin::from(origin);
            let boxes = LeafBoxes::new(&[Extent::around([place])]);
            let chord2 = origin.chord2_m2(place);
            prop_assert!(f64::from(boxes.nearest2(&at)[0]) >= chord2 / SLACK - 1e-3);
            prop_assert!(f64::from(boxes.farthest2(&at)[0]) <= chord2 * SLACK + 1e-3);
        }
    }

    #[test]
    fn no_box_is_infinitely_far() {
        let at = Origin::from(Ecef::from(Position::<Wgs84>::new(1.0, 2.0).unwrap()));
        assert!(Boxes::NONE.nearest2(&at, FAN).iter().all(|nearest2| *nearest2 == f32::INFINITY));
    }
}
