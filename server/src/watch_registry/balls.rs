//! Balls around the origins of watches, found by the points that they contain.
//!
//! Many watches may have one and the same origin, such as the middle of a city that an application proposes. The tree contains an origin
//! once, and an ordered map the watches there, so that a watch is added and removed in logarithmic time whatever the others are. A tree
//! of the balls' boxes would not do: to remove one of many equal or nested boxes, it examines all of them.

use std::{collections::BTreeMap, sync::Arc};

use rstar::{AABB, RTree, SelectionFunction};
use tokio::sync::Notify;

/// A ball.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ball {
    pub(super) center_m: [f64; 3],
    /// Radius, at least 0.
    pub(super) radius_m: f64,
}

/// The balls of watches.
///
/// By the binary exponent of the radius: a point is compared with the centers within twice the radius of their balls at most, whatever
/// the largest of all balls is.
#[derive(Debug, Default)]
pub(super) struct Balls(BTreeMap<u64, SizeClass>);

#[derive(Debug, Default)]
struct SizeClass {
    /// Each center once.
    centers: RTree<[f64; 3]>,
    watches: BTreeMap<Key, Arc<Notify>>,
}

/// Orders watches by center, radius and id. Positive numbers have the order of their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    center: [u64; 3],
    radius: u64,
    id: u64,
}

impl Ball {
    /// Returns the ball with one representation of zero.
    fn normalized(self) -> Self {
        Self { center_m: self.center_m.map(|axis_m| axis_m + 0.0), radius_m: self.radius_m + 0.0 }
    }

    fn size_class(self) -> u64 {
        self.radius_m.to_bits() >> 52
    }

    fn key(self, id: u64) -> Key {
        Key { center: self.center_m.map(f64::to_bits), radius: self.radius_m.to_bits(), id }
    }
}

impl Balls {
    pub(super) fn insert(&mut self, ball: Ball, id: u64, wake: Arc<Notify>) {
        let ball = ball.normalized();
        let class = self.0.entry(ball.size_class()).or_default();
        if class.at(ball.center_m, 0.0).next().is_none() {
            class.centers.insert(ball.center_m);
        }
        class.watches.insert(ball.key(id), wake);
    }

    pub(super) fn remove(&mut self, ball: Ball, id: u64) {
        let ball = ball.normalized();
        let Some(class) = self.0.get_mut(&ball.size_class()) else { return };
        class.watches.remove(&ball.key(id));
        if class.at(ball.center_m, 0.0).next().is_none() {
            class.centers.remove_with_selection_function(Around { point_m: ball.center_m, chord_m: 0.0 });
        }
        if class.watches.is_empty() {
            self.0.remove(&ball.size_class());
        }
    }

    /// The watches whose balls are at most a distance from a point.
    pub(super) fn near(&self, point_m: [f64; 3], distance_m: f64) -> impl Iterator<Item = &Notify> {
        self.0.iter().flat_map(move |(exponent, class)| {
            let max_radius_m = f64::from_bits((exponent + 1) << 52);
            let around = Around { point_m, chord_m: max_radius_m + distance_m };
            class.centers.locate_with_selection_function(around).flat_map(move |center_m| {
                let center_distance_m = squared_distance([center_m, center_m], point_m).sqrt();
                class.at(*center_m, (center_distance_m - distance_m).max(0.0))
            })
        })
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0.values().map(|class| class.watches.len()).sum()
    }
}

impl SizeClass {
    /// The watches at a center, from a radius on.
    fn at(&self, center_m: [f64; 3], min_radius_m: f64) -> impl Iterator<Item = &Notify> {
        let least = Ball { center_m, radius_m: min_radius_m }.key(0);
        let from = self.watches.range(least..);
        from.take_while(move |(key, _)| key.center == least.center).map(|(_, wake)| &**wake)
    }
}

/// Selects the centers at most a chord from a point.
struct Around {
    point_m: [f64; 3],
    chord_m: f64,
}

impl SelectionFunction<[f64; 3]> for Around {
    fn should_unpack_parent(&self, envelope: &AABB<[f64; 3]>) -> bool {
        self.selects([&envelope.lower(), &envelope.upper()])
    }

    fn should_unpack_leaf(&self, center_m: &[f64; 3]) -> bool {
        self.selects([center_m, center_m])
    }
}

impl Around {
    fn selects(&self, corners_m: [&[f64; 3]; 2]) -> bool {
        #[cfg(test)]
        tests::VISITS.with(|visits| visits.set(visits.get() + 1));
        squared_distance(corners_m, self.point_m) <= self.chord_m * self.chord_m
    }
}

/// Returns the square of the distance from a box to a point. Differences, squares and sums round monotonically: it is never more than that
/// from a point within the box.
fn squared_distance([lower_m, upper_m]: [&[f64; 3]; 2], point_m: [f64; 3]) -> f64 {
    let axes = lower_m.iter().zip(upper_m).zip(point_m);
    axes.map(|((lower_m, upper_m), point_m)| (lower_m - point_m).max(point_m - upper_m).max(0.0).powi(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        /// Nodes and centers that trees have examined.
        pub(super) static VISITS: Cell<usize> = const { Cell::new(0) };
    }

    fn removal_visits(balls: impl Fn(u32) -> Ball) -> f64 {
        const COUNT: u32 = 20_000;
        let mut all = Balls::default();
        for number in 0..COUNT {
            all.insert(balls(number), number.into(), Arc::default());
        }
        VISITS.set(0);
        // In an order in which neither end of a list is removed first.
        for number in (0..COUNT).map(|number| number * 7_919 % COUNT) {
            all.remove(balls(number), number.into());
        }
        assert_eq!(all.count(), 0);
        f64::from(u32::try_from(VISITS.get()).unwrap()) / f64::from(COUNT)
    }

    /// A leaf has six entries at most and a tree of 20,000 up to ten levels, of which several branches may contain a point.
    #[test]
    fn removals_examine_few_nodes_whatever_the_watches_have_in_common() {
        let center_m = [2_885_000.0, 1_343_000.0, 5_510_000.0];
        let beside = |number: u32| {
            let [east, north] = [number % 141, number / 141].map(|steps| f64::from(steps) * 10.0);
            [center_m[0] + north, center_m[1] + east, center_m[2] - north]
        };
        let ball = |center_m, radius_m| Ball { center_m, radius_m };
        let same = removal_visits(|_| ball(center_m, 5_000.0));
        let nested = removal_visits(|number| ball(center_m, 1_000.0 + f64::from(number) / 5.0));
        let beside = removal_visits(|number| ball(beside(number), 5_000.0));
        assert!(same < 1.0 && nested < 1.0 && (1.0..250.0).contains(&beside), "{same} {nested} {beside}");
    }

    proptest! {
        #[test]
        fn the_balls_near_a_point_are_those_of_a_linear_scan(
            balls in prop::collection::vec((prop::array::uniform3(-2i8..3), 0u8..6, any::<bool>()), 0..60),
            point in prop::array::uniform3(-3i8..4), distance in 0u8..4,
        ) {
            let mut all = Balls::default();
            let mut kept = Vec::new();
            for (id, (center, radius, is_removed)) in (0..).zip(balls) {
                let ball = Ball { center_m: center.map(f64::from), radius_m: radius.into() };
                let wake = Arc::<Notify>::default();
                all.insert(ball, id, Arc::clone(&wake));
                kept.push((ball, id, wake, is_removed));
            }
            for (ball, id, ..) in kept.extract_if(.., |(.., is_removed)| *is_removed) {
                all.remove(ball, id);
            }
            prop_assert_eq!(all.count(), kept.len());
            let (point_m, distance_m) = (point.map(f64::from), f64::from(distance));
            let sorted = |mut found: Vec<*const Notify>| {
                found.sort();
                found
            };
            let found = sorted(all.near(point_m, distance_m).map(std::ptr::from_ref).collect());
            let expected = kept.iter().filter(|(ball, ..)| {
                let center_distance_m = squared_distance([&ball.center_m; 2], point_m).sqrt();
                center_distance_m - distance_m <= ball.radius_m
            });
            prop_assert_eq!(found, sorted(expected.map(|(.., wake, _)| Arc::as_ptr(wake)).collect()));
        }
    }
}
