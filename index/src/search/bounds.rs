//! Distance limits expressed as limits on squared chords, which boxes and leaves are compared with.
//!
//! A distance is `c · (1 + c² · T)`, computed in `f64` in four operations that each round by at most
//! `e = 2⁻⁵³` relative. These limits only prune; points that pass are decided by their exact distance. The
//! outer limit is therefore rounded up and the inner limit down: an error admits too much, never too little.

use crate::{
    Meters,
    ecef::ARC_TERM,
    tree::bounding_boxes::{SLACK, rounded_down, rounded_up},
};

/// Outer limit of a search: nothing beyond it is in the result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OuterBound {
    /// The farthest distance that is in the result.
    pub(crate) distance: Meters,
    /// A squared chord above this has a distance above `distance`. Rounded up.
    pub(crate) chord2_m2: f64,
    /// A box whose nearest-point bound is above this lies entirely beyond `distance`. Rounded up.
    pub(crate) nearest2: f32,
}

impl OuterBound {
    /// A chord is never longer than its arc. If `c² > d² · (1 + 2⁻⁴⁸)`, the rounded root is above
    /// `d · (1 + 2⁻⁵⁰) · (1 - e)`, and its product with a factor of at least 1 is above
    /// `d · (1 + 2⁻⁵⁰) · (1 - e)² > d`.
    pub(crate) fn new(distance: Meters) -> Self {
        let chord2_m2 = distance.get() * distance.get() * (1.0 + 1.0 / 281_474_976_710_656.0);
        // A bound of 0 tagged with a child index is no longer exactly 0, but still subnormal: `MIN_POSITIVE`
        // keeps it in.
        let nearest2 = rounded_up(chord2_m2 * SLACK).max(f32::MIN_POSITIVE);
        Self { distance, chord2_m2, nearest2 }
    }
}

/// Inner limit of a search: everything within it is nearer than a distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InnerBound {
    /// A squared chord below this has a distance below the limit. Rounded down.
    pub(crate) chord2_m2: f64,
    /// A box whose farthest-point bound is below this lies entirely nearer than the limit. Rounded down.
    pub(crate) farthest2: f32,
}

impl InnerBound {
    /// For chords up to `d`, the factor `1 + c² · T` is at most `1 + d² · T`, so `c < d / (1 + d² · T)`
    /// implies an arc shorter than `d`. Reducing the square by 2⁻⁴⁰ exceeds the sum of all rounding errors,
    /// here and in the distance.
    pub(crate) fn new(distance: Meters) -> Self {
        let distance_m = distance.get();
        let chord_m = distance_m / (1.0 + distance_m * distance_m * ARC_TERM);
        let chord2_m2 = chord_m * chord_m * (1.0 - 1.0 / 1_099_511_627_776.0);
        Self { chord2_m2, farthest2: rounded_down(chord2_m2 / SLACK) }
    }
}

/// Returns the boxes that lie entirely nearer than a limit, one bit each. The bits of absent boxes are
/// arbitrary.
#[inline(always)]
pub(super) fn entirely_within<const N: usize>(farthest2: &[f32; N], within: InnerBound) -> u64 {
    (0..N).fold(0, |boxes, number| boxes | u64::from(farthest2[number] < within.farthest2) << number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ecef::distance_of_chord2;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Exact to the last bit: no chord above the outer limit has a distance within it, and no chord
        /// within the inner limit has a distance outside it.
        #[test]
        fn limits_are_conservative_to_the_last_bit(distance_m in prop_oneof![0.0f64..50_000.0, 0.0f64..1e-3, Just(0.0)]) {
            let distance = Meters::new(distance_m).unwrap();
            let reach = OuterBound::new(distance);
            prop_assert!(distance_of_chord2(reach.chord2_m2.next_up()) > distance);
            prop_assert!(f64::from(reach.nearest2) >= reach.chord2_m2 * SLACK);
            // The longest chord whose distance is in the result, and its neighbours.
            let mut chord2 = reach.chord2_m2;
            for _ in 0..64 {
                prop_assert!(distance_of_chord2(chord2) > distance || chord2 <= reach.chord2_m2);
                chord2 = chord2.next_down().max(0.0);
            }
            let within = InnerBound::new(distance);
            prop_assert!(f64::from(within.farthest2) * SLACK <= within.chord2_m2);
            prop_assert!(within.chord2_m2 <= 0.0 || distance_of_chord2(within.chord2_m2) < distance);
        }

        #[test]
        fn limits_are_tight(distance_m in 1.0f64..50_000.0) {
            let distance = Meters::new(distance_m).unwrap();
            let reach = OuterBound::new(distance);
            prop_assert!(f64::from(reach.nearest2) < distance_m * distance_m * 1.00001);
            prop_assert!(f64::from(InnerBound::new(distance).farthest2) > distance_m * distance_m * 0.99998);
        }
    }
}
