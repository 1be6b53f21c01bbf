//! Boxes around what lies below, and bounds of how near and how far it can be.
//!
//! Bounds are squares of chords in `f32`, for all boxes of a node at once. They may be off, but to one side only:
//! [`nearest2`](Boxes::nearest2) is at most [`SLACK`] times the square of the chord to anything in the box, and
//! [`farthest2`](Boxes::farthest2) at least that divided by [`SLACK`]. Why, with `e = 2⁻²⁴`, the most that one operation in
//! `f32` rounds by:
//! - the sides of a box are rounded outward to whole steps, sixteen bits times a power of two, which `f32` holds exactly;
//!   the way from the origin to the corner that they count from is exact in `f64` and is then rounded away from the box;
//! - so the gap on an axis, one addition of the two, is at most `1 + e` times the true gap (where the box reaches over
//!   the origin it is 0 exactly);
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

    pub(crate) fn centre_m(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| (self.low_m[axis] + self.high_m[axis]) / 2.0)
    }

    pub(crate) fn is_one_place(&self) -> bool {
        self.low_m == self.high_m
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

/// Boxes of the children of a node or of the leaves of a page, as whole steps from a corner: half the size of numbers that
/// reach anywhere, and finer where merchants are dense. Corner and steps are multiples of the grid, so that every bound
/// is exact until it meets the origin.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Boxes<const N: usize> {
    low: [[u16; N]; 3],
    high: [[u16; N]; 3],
    corner_m: [f64; 3],
    /// A power of two.
    step_m: f32,
}

impl<const N: usize> Boxes<N> {
    /// Boxes around some extents, at most `N` of them.
    pub(crate) fn new(extents: &[Extent]) -> Self {
        let all = extents.iter().fold(Extent::NOTHING, Extent::with);
        let longest = all.longest_axis();
        let side_m = all.high_m[longest] - all.low_m[longest];
        let mut step_m = GRID_M;
        // Two steps to spare: the corner is rounded down by less than one, and the far side up.
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
            debug_assert!(fits, "by the choice of corner and step");
        }
        boxes
    }

    /// Puts a box around another extent. Returns whether it could: not where that lies beyond all that steps reach.
    pub(crate) fn set(&mut self, number: usize, extent: &Extent) -> bool {
        let steps = |axis: usize, at_m: f64| (at_m - self.corner_m[axis]) / f64::from(self.step_m);
        let low = [0, 1, 2].map(|axis| whole(steps(axis, extent.low_m[axis]).floor()));
        let high = [0, 1, 2].map(|axis| whole(steps(axis, extent.high_m[axis]).ceil()));
        for axis in 0..3 {
            let (Some(low), Some(high)) = (low[axis], high[axis]) else { return false };
            self.low[axis][number] = low;
            self.high[axis][number] = high;
        }
        true
    }

    /// A box that was set, as it was rounded.
    pub(crate) fn get(&self, number: usize) -> Extent {
        let at_m = |steps: &[[u16; N]; 3], axis: usize| {
            self.corner_m[axis] + f64::from(steps[axis][number]) * f64::from(self.step_m)
        };
        Extent {
            low_m: [0, 1, 2].map(|axis| at_m(&self.low, axis)),
            high_m: [0, 1, 2].map(|axis| at_m(&self.high, axis)),
        }
    }

    /// The low corner of a box, exact and on the grid.
    #[inline(always)]
    pub(crate) fn corner_m(&self, number: usize) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.corner_m[axis] + f64::from(self.low[axis][number]) * f64::from(self.step_m))
    }

    /// Has the processor fetch the boxes.
    #[inline(always)]
    pub(crate) fn fetch(&self) {
        (0..3).for_each(|axis| {
            std::hint::black_box((self.low[axis][0], self.high[axis][N - 1]));
        });
    }

    /// Which boxes a place may lie in, one bit each: all that it does lie in are among them. Where there is no box the
    /// bit has any value, here and below.
    pub(crate) fn containing(&self, place: Ecef) -> u64 {
        let nearest2 = self.nearest2(place);
        (0..N).fold(0, |boxes, number| boxes | u64::from(nearest2[number] == 0.0) << number)
    }

    /// By how much each box's sides, all three together, would have to grow to take in a place, and how long they are.
    pub(crate) fn growth_and_margin_m(&self, place: Ecef) -> [(f32, f32); N] {
        let (step_m, offsets) = (self.step_m, self.offsets(place, rounded_down));
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

    /// See the [module](self).
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

    /// See the [module](self).
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

    /// How far a box begins from the origin along an axis; 0 where it reaches over it.
    #[inline(always)]
    fn gap_m(&self, axis: usize, number: usize, [to_corner, from_corner]: &[[f32; 3]; 2]) -> f32 {
        let before = f32::from(self.low[axis][number]) * self.step_m + to_corner[axis];
        let after = from_corner[axis] - f32::from(self.high[axis][number]) * self.step_m;
        positive(larger(before, after))
    }

    /// From the origin to the corner and back, rounded. The differences are exact before: both lie on the grid.
    #[inline(always)]
    fn offsets(&self, origin: Ecef, round: impl Fn(f64) -> f32) -> [[f32; 3]; 2] {
        let to_corner_m = [0, 1, 2].map(|axis| self.corner_m[axis] - origin.xyz_m()[axis]);
        [to_corner_m.map(&round), to_corner_m.map(|offset_m| round(-offset_m))]
    }
}

/// A whole number, if it is one of those that fit.
fn whole(number: f64) -> Option<u16> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, which is seen")]
    let whole = number as u16;
    (f64::from(whole) == number).then_some(whole)
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
            let extents: Vec<Extent> =
                places.chunks(4).map(|chunk| Extent::around(chunk.iter().copied())).collect();
            let boxes = Boxes::<LEAVES>::new(&extents);
            let (nearest2, farthest2) = (boxes.nearest2(origin), boxes.farthest2(origin));
            for (number, place) in places.iter().enumerate() {
                let chord2 = origin.chord2_m2(*place);
                prop_assert!(f64::from(nearest2[number / 4]) <= chord2 * SLACK);
                prop_assert!(f64::from(farthest2[number / 4]) >= chord2 / SLACK);
                prop_assert!(boxes.containing(*place) >> (number / 4) & 1 == 1);
                let corner_m = boxes.corner_m(number / 4);
                prop_assert!((0..3).all(|axis| corner_m[axis] <= place.xyz_m()[axis]));
                let Extent { low_m, high_m } = boxes.get(number / 4);
                let at_m = place.xyz_m();
                prop_assert!((0..3).all(|axis| low_m[axis] <= at_m[axis] && at_m[axis] <= high_m[axis]));
            }
        }

        /// A box that is set anew is as good as one that was there from the start, or is refused.
        #[test]
        fn a_box_can_be_set_anew(places in prop::collection::vec(place(), 2..8), origin in place()) {
            let extents: Vec<Extent> = places.iter().map(|place| Extent::around([*place])).collect();
            let mut boxes = Boxes::<LEAVES>::new(&extents[1..]);
            let chord2 = origin.chord2_m2(places[0]);
            if boxes.set(0, &extents[0]) {
                prop_assert!(f64::from(boxes.nearest2(origin)[0]) <= chord2 * SLACK);
                prop_assert!(f64::from(boxes.farthest2(origin)[0]) >= chord2 / SLACK);
            } else {
                let old = extents[1..].iter().fold(Extent::NOTHING, Extent::with);
                prop_assert!(old.with(&extents[0]) != old, "what lies within can be set");
            }
        }

        /// A box of one point in a small page is nearly the point.
        #[test]
        fn bounds_are_close(place in place(), origin in place()) {
            let boxes = Boxes::<LEAVES>::new(&[Extent::around([place])]);
            let chord2 = origin.chord2_m2(place);
            prop_assert!(f64::from(boxes.nearest2(origin)[0]) >= chord2 / SLACK - 1e-3);
            prop_assert!(f64::from(boxes.farthest2(origin)[0]) <= chord2 * SLACK + 1e-3);
        }
    }
}
