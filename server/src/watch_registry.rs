//! The watches of surroundings, found by the changes that concern them.
//!
//! A watch registers the ball that it watches. A commit looks up, for the old and the new position of each changed merchant, the watches
//! whose ball contains it, and wakes these and no others: the cost of a change is independent of the number of watches elsewhere.
//!
//! A watch registers before it searches, and moves its ball before it searches elsewhere; a commit wakes watches after its changes are visible.
//! A search therefore sees a change, or the watch is woken by it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearby_index::{Change, Ecef, Meters, StoredMerchant};
use rstar::{AABB, RTree, RTreeObject};
use tokio::sync::Notify;

/// The registered watches. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct WatchRegistry {
    inner: Arc<Mutex<Watches>>,
}

#[derive(Debug, Default)]
struct Watches {
    /// Watches by the ball around their origin.
    near: RTree<Ball>,
    next_id: u64,
}

/// What a watch registers: the points whose geodesic distance from its origin is at most a radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WatchedBall {
    pub(crate) origin: Ecef,
    pub(crate) radius: Meters,
}

/// A ball in the tree.
#[derive(Clone, Debug)]
struct Ball {
    center_m: [f64; 3],
    radius_m: f64,
    id: u64,
    wake: Arc<Notify>,
}

/// Balls are equal if they are the same entry of the tree.
impl PartialEq for Ball {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl RTreeObject for Ball {
    type Envelope = AABB<[f64; 3]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_corners(
            self.center_m.map(|center_m| center_m - self.radius_m),
            self.center_m.map(|center_m| center_m + self.radius_m),
        )
    }
}

impl Ball {
    fn new(ball: WatchedBall, id: u64, wake: Arc<Notify>) -> Self {
        // A chord is never longer than the geodesic, and the allowance covers the rounding of both: a ball too many costs a search, a ball
        // too few a change that the client never sees.
        let radius_m = ball.radius.get() * (1.0 + 1e-9) + 1e-3;
        Self { center_m: ball.origin.xyz_m(), radius_m, id, wake }
    }

    fn contains(&self, point_m: [f64; 3]) -> bool {
        let distance2: f64 =
            self.center_m.iter().zip(point_m).map(|(center_m, point_m)| (center_m - point_m).powi(2)).sum();
        distance2 <= self.radius_m * self.radius_m
    }
}

/// A registered watch. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: WatchRegistry,
    ball: Ball,
}

impl WatchRegistry {
    /// Registers a watch.
    pub(crate) fn register(&self, ball: WatchedBall) -> Registration {
        let mut watches = self.watches();
        let id = watches.next_id;
        watches.next_id += 1;
        let ball = Ball::new(ball, id, Arc::default());
        watches.near.insert(ball.clone());
        Registration { registry: self.clone(), ball }
    }

    /// Wakes the watches that changes may concern. Each change comes with the version that it replaces.
    pub(crate) fn notify<'c>(
        &self,
        changes: impl IntoIterator<Item = (&'c Change, Option<&'c StoredMerchant>)>,
    ) {
        let watches = self.watches();
        for (change, before) in changes {
            let point_of = |stored: &StoredMerchant| Ecef::from(stored.merchant.position.to_wgs84()).xyz_m();
            let old = before.map(point_of);
            let new = match change {
                Change::Put(stored) => Some(point_of(stored)).filter(|new| old != Some(*new)),
                Change::Delete { .. } => None,
            };
            old.into_iter().chain(new).for_each(|point_m| watches.wake(point_m));
        }
    }

    fn watches(&self) -> MutexGuard<'_, Watches> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watches {
    fn wake(&self, point_m: [f64; 3]) {
        let found = self.near.locate_in_envelope_intersecting(AABB::from_point(point_m));
        found.filter(|ball| ball.contains(point_m)).for_each(|ball| ball.wake.notify_one());
    }
}

impl Registration {
    /// Moves the watch.
    pub(crate) fn move_to(&mut self, ball: WatchedBall) {
        let moved = Ball::new(ball, self.ball.id, Arc::clone(&self.ball.wake));
        let mut watches = self.registry.watches();
        watches.near.remove(&self.ball);
        watches.near.insert(moved.clone());
        drop(watches);
        self.ball = moved;
    }

    /// Completes when a change may concern the watch, at once if there was one since the last time.
    pub(crate) async fn changed(&self) {
        self.ball.wake.notified().await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.watches().near.remove(&self.ball);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use nearby_index::{Merchant, MerchantId, Position, Revision, UnixMicros, Wgs84};
    use proptest::prelude::*;

    use super::*;
    use crate::record::{self, VersionMeta, fixtures::cafe};

    fn position(latitude: f64, longitude: f64) -> Position<Wgs84> {
        Position::new(latitude, longitude).unwrap()
    }

    fn stored(at: Position<Wgs84>) -> Arc<StoredMerchant> {
        let position = nearby_index::AnyPosition::Wgs84(at);
        let merchant: Merchant =
            record::encode(cafe(), MerchantId::parse("m").unwrap(), position, None).unwrap();
        let (revision, time) = (Revision(1), UnixMicros(0));
        let meta =
            VersionMeta { revision, position_revision: revision, create_time: time, update_time: time };
        Arc::new(record::make_version(merchant, meta))
    }

    fn ball(origin: Position<Wgs84>, radius_m: f64) -> WatchedBall {
        WatchedBall { origin: Ecef::from(origin), radius: Meters::new(radius_m).unwrap() }
    }

    fn is_woken(registration: &Registration) -> bool {
        registration.changed().now_or_never().is_some()
    }

    #[test]
    fn a_change_wakes_the_watches_of_its_old_and_new_position_and_no_others() {
        let registry = WatchRegistry::default();
        let [here, there, elsewhere] =
            [(60.0, 25.0), (60.2, 25.0), (61.0, 25.0)].map(|(north, east)| position(north, east));
        let watches = [here, there, elsewhere].map(|origin| registry.register(ball(origin, 5_000.0)));
        let woken = || watches.each_ref().map(is_woken);
        let (before, after) = (stored(here), stored(there));
        registry.notify([(&Change::Put(Arc::clone(&before)), None)]);
        assert_eq!(woken(), [true, false, false], "created");
        assert_eq!(woken(), [false; 3], "once");
        registry.notify([(&Change::Put(Arc::clone(&after)), Some(&*before))]);
        assert_eq!(woken(), [true, true, false], "moved");
        let gone = Change::Delete { id: MerchantId::parse("m").unwrap(), revision: Revision(2) };
        registry.notify([(&gone, Some(&*after))]);
        assert_eq!(woken(), [false, true, false], "deleted");
    }

    #[test]
    fn a_watch_that_moves_or_ends_leaves_its_place() {
        let registry = WatchRegistry::default();
        let [here, there] = [position(0.0, 179.99), position(10.0, 0.0)];
        let mut watch = registry.register(ball(here, 5_000.0));
        // Across the antimeridian.
        let near = Change::Put(stored(position(0.0, -179.99)));
        registry.notify([(&near, None)]);
        assert!(is_woken(&watch));
        watch.move_to(ball(there, 5_000.0));
        registry.notify([(&near, None)]);
        assert!(!is_woken(&watch));
        registry.notify([(&Change::Put(stored(there)), None)]);
        assert!(is_woken(&watch));
        drop(watch);
        assert_eq!(registry.watches().near.size(), 0);
    }

    proptest! {
        /// A watch is woken by every change within its radius by the distance that searches use, and by none that is farther by more than a
        /// metre.
        #[test]
        fn watches_within_reach_are_woken_whatever_the_place(
            latitude in -90.0f64..=90.0, longitude in -180.0f64..=180.0,
            others in prop::collection::vec((-0.5f64..0.5, -0.5f64..0.5, 1.0f64..50_000.0), 1..40),
        ) {
            let registry = WatchRegistry::default();
            let place = position(latitude, longitude);
            let watches: Vec<(WatchedBall, Registration)> = others.into_iter().map(|(north, east, radius_m)| {
                let origin = position((latitude + north).clamp(-90.0, 90.0), (longitude + east).clamp(-180.0, 180.0));
                let ball = ball(origin, radius_m);
                (ball, registry.register(ball))
            }).collect();
            registry.notify([(&Change::Put(stored(place)), None)]);
            for (ball, registration) in &watches {
                let distance_m = ball.origin.distance(Ecef::from(place)).get();
                let woken = is_woken(registration);
                prop_assert!(woken || distance_m > ball.radius.get());
                prop_assert!(!woken || distance_m <= ball.radius.get() + 1.0, "{distance_m} {:?}", ball.radius);
            }
        }
    }
}
