//! Limits of distance as limits of squared chords, which is what boxes and leaves are compared with.
//!
//! A distance is `c · (1 + c² · T)`, computed in `f64` in four operations that each round by at most `e = 2⁻⁵³`. These
//! limits prune only; what they let through is decided by the distance itself.

use crate::{
    Meters,
    ecef::ARC_TERM,
    tree::bounding_boxes::{SLACK, rounded_down, rounded_up},
};

/// How far a search still looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// The farthest distance that is in.
    pub(crate) distance: Meters,
    /// Squared chords above this are farther.
    pub(crate) chord2_m2: f64,
    /// Boxes whose nearest point has a bound above this are farther.
    pub(crate) nearest2: f32,
}

impl Reach {
    /// A chord is never longer than its arc: where `c² > d² · (1 + 2⁻⁴⁸)`, the rounded root is above
    /// `d · (1 + 2⁻⁵⁰) · (1 - e)`, and the product with a factor of at least 1 above `d · (1 + 2⁻⁵⁰) · (1 - e)² > d`.
    pub(crate) fn new(distance: Meters) -> Self {
        let chord2_m2 = distance.get() * distance.get() * (1.0 + 1.0 / 281_474_976_710_656.0);
        // A bound of 0 with the number of a child in it is not quite 0 any more, but never a normal number.
        let nearest2 = rounded_up(chord2_m2 * SLACK).max(f32::MIN_POSITIVE);
        Self { distance, chord2_m2, nearest2 }
    }
}

/// What is surely nearer than a distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within {
    /// Squared chords below this are nearer.
    pub(crate) chord2_m2: f64,
    /// Boxes whose farthest point has a bound below this are nearer as a whole.
    pub(crate) farthest2: f32,
}

impl Within {
    /// For chords up to `d` the factor `1 + c² · T` is at most `1 + d² · T`. So where `c < d / (1 + d² · T)`, the arc is
    /// shorter than `d`; 2⁻⁴⁰ off the square is far more than all roundings, here and in the distance, can make up.
    pub(crate) fn new(distance: Meters) -> Self {
        let distance_m = distance.get();
        let chord_m = distance_m / (1.0 + distance_m * distance_m * ARC_TERM);
        let chord2_m2 = chord_m * chord_m * (1.0 - 1.0 / 1_099_511_627_776.0);
        Self { chord2_m2, farthest2: rounded_down(chord2_m2 / SLACK) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ecef::distance_of_chord2;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// To the last bit: no chord above the limit has a distance that is in, none within has one that is not.
        #[test]
        fn limits_hold_to_the_last_bit(distance_m in prop_oneof![0.0f64..50_000.0, 0.0f64..1e-3, Just(0.0)]) {
            let distance = Meters::new(distance_m).unwrap();
            let reach = Reach::new(distance);
            prop_assert!(distance_of_chord2(reach.chord2_m2.next_up()) > distance);
            prop_assert!(f64::from(reach.nearest2) >= reach.chord2_m2 * SLACK);
            // The longest chord whose distance is in, and those next to it.
            let mut chord2 = reach.chord2_m2;
            for _ in 0..64 {
                prop_assert!(distance_of_chord2(chord2) > distance || chord2 <= reach.chord2_m2);
                chord2 = chord2.next_down().max(0.0);
            }
            let within = Within::new(distance);
            prop_assert!(f64::from(within.farthest2) * SLACK <= within.chord2_m2);
            prop_assert!(within.chord2_m2 <= 0.0 || distance_of_chord2(within.chord2_m2) < distance);
        }

        #[test]
        fn limits_are_close(distance_m in 1.0f64..50_000.0) {
            let distance = Meters::new(distance_m).unwrap();
            let reach = Reach::new(distance);
            prop_assert!(f64::from(reach.nearest2) < distance_m * distance_m * 1.00001);
            prop_assert!(f64::from(Within::new(distance).farthest2) > distance_m * distance_m * 0.99998);
        }
    }
}
