//! The watches of surroundings, found by the changes that concern them.
//!
//! A watch of the merchants near a point registers their ball, and one of those that serve a point registers the point. For the old and the
//! new version of each changed merchant, a commit looks up the balls that contain its position and the points within the reach of its service
//! area, and wakes these watches and no others: the cost of a change is independent of the number of watches elsewhere.
//!
//! A watch registers before it searches, and moves before it searches elsewhere; a commit wakes watches after its changes are visible.
//! A search therefore sees a change, or the watch is woken by it.

mod balls;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nearby_index::{Change, Ecef, Meters, ServiceArea, StoredMerchant};
use tokio::sync::Notify;

use self::balls::{Ball, Balls};

/// Places that are looked up under one lock, in a fraction of a millisecond.
const PLACES_PER_LOCK: usize = 64;

/// The registered watches. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct WatchRegistry {
    inner: Arc<Mutex<Watches>>,
}

#[derive(Debug, Default)]
struct Watches {
    /// Watches of merchants near their origin, by the ball of these.
    near: Balls,
    /// Watches of merchants that serve their origin, by that point.
    served: Balls,
    next_id: u64,
}

/// The merchants that a watch is about: those near its origin, those that serve it, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Watched {
    pub(crate) origin: Ecef,
    /// Largest geodesic distance of merchants from the origin, whatever area they serve.
    pub(crate) near: Option<Meters>,
    /// True if merchants whose service area contains the origin belong to the watch at any distance.
    pub(crate) is_served: bool,
}

/// Returns a chord that is at least as long as that of any two points at a geodesic distance. A chord is never longer than the geodesic, and
/// the allowance covers the rounding of both: a watch woken in vain costs a search, one not woken misses a change.
fn chord_m(distance: Meters) -> f64 {
    distance.get() * (1.0 + 1e-9) + 1e-3
}

/// A registered watch. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: WatchRegistry,
    id: u64,
    wake: Arc<Notify>,
    watched: Watched,
}

impl WatchRegistry {
    /// Registers a watch.
    pub(crate) fn register(&self, watched: Watched) -> Registration {
        let mut watches = self.watches();
        let (id, wake) = (watches.next_id, Arc::default());
        watches.next_id += 1;
        let registration = Registration { registry: self.clone(), id, wake, watched };
        watches.insert(&registration);
        drop(watches);
        registration
    }

    /// Wakes the watches that changes may concern. Each change comes with the version that it replaces.
    pub(crate) fn notify<'c>(
        &self,
        changes: impl IntoIterator<Item = (&'c Change, Option<&'c StoredMerchant>)>,
    ) {
        // Converting positions takes longer than finding watches: without the lock, which a watch that moves waits for.
        let mut places = Vec::new();
        for (change, before) in changes {
            let after = match change {
                Change::Put(stored) => Some(&**stored),
                Change::Delete { .. } => None,
            };
            let place = |stored: &StoredMerchant| {
                let point_m = Ecef::from(stored.merchant.position.to_wgs84()).xyz_m();
                (point_m, stored.merchant.service_area().map(ServiceArea::reach))
            };
            let before = before.map(place);
            let after = after.map(place).filter(|after| before != Some(*after));
            places.extend(before.into_iter().chain(after));
        }
        for chunk in places.chunks(PLACES_PER_LOCK) {
            let watches = self.watches();
            chunk.iter().for_each(|(point_m, reach)| watches.wake(*point_m, *reach));
        }
    }

    fn watches(&self) -> MutexGuard<'_, Watches> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watches {
    fn insert(&mut self, registration: &Registration) {
        let Registration { id, wake, watched, .. } = registration;
        if let Some(ball) = watched.near_ball() {
            self.near.insert(ball, *id, Arc::clone(wake));
        }
        if let Some(point) = watched.served_point() {
            self.served.insert(point, *id, Arc::clone(wake));
        }
    }

    fn remove(&mut self, registration: &Registration) {
        let Registration { id, watched, .. } = registration;
        if let Some(ball) = watched.near_ball() {
            self.near.remove(ball, *id);
        }
        if let Some(point) = watched.served_point() {
            self.served.remove(point, *id);
        }
    }

    /// Wakes the watches that a merchant at a point may concern, with the reach of its service area if it has one.
    fn wake(&self, point_m: [f64; 3], reach: Option<Meters>) {
        self.near.near(point_m, 0.0).for_each(Notify::notify_one);
        if let Some(reach) = reach {
            self.served.near(point_m, chord_m(reach)).for_each(Notify::notify_one);
        }
    }
}

impl Watched {
    fn near_ball(&self) -> Option<Ball> {
        self.near.map(|radius| Ball { center_m: self.origin.xyz_m(), radius_m: chord_m(radius) })
    }

    fn served_point(&self) -> Option<Ball> {
        self.is_served.then(|| Ball { center_m: self.origin.xyz_m(), radius_m: 0.0 })
    }
}

impl Registration {
    /// Moves the watch.
    pub(crate) fn move_to(&mut self, watched: Watched) {
        let registry = self.registry.clone();
        let mut watches = registry.watches();
        watches.remove(self);
        self.watched = watched;
        watches.insert(self);
    }

    /// Completes when a change may concern the watch, at once if there was one since the last time.
    pub(crate) async fn changed(&self) {
        self.wake.notified().await;
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.watches().remove(self);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use nearby_index::{Merchant, MerchantId, Position, Revision, UnixMicros, Wgs84};
    use nearby_proto::v1 as wire;
    use proptest::prelude::*;

    use super::*;
    use crate::record::{self, VersionMeta, fixtures::cafe};

    fn position(latitude: f64, longitude: f64) -> Position<Wgs84> {
        Position::new(latitude, longitude).unwrap()
    }

    fn stored(at: Position<Wgs84>) -> Arc<StoredMerchant> {
        stored_as(cafe(), at)
    }

    fn stored_as(given: wire::Merchant, at: Position<Wgs84>) -> Arc<StoredMerchant> {
        let position = nearby_index::AnyPosition::Wgs84(at);
        let merchant: Merchant =
            record::encode(given, MerchantId::parse("m").unwrap(), position, None).unwrap();
        let (revision, time) = (Revision(1), UnixMicros(0));
        let meta =
            VersionMeta { revision, position_revision: revision, create_time: time, update_time: time };
        Arc::new(record::make_version(merchant, meta))
    }

    fn near(origin: Position<Wgs84>, radius_m: f64) -> Watched {
        Watched { origin: Ecef::from(origin), near: Meters::new(radius_m), is_served: false }
    }

    fn is_woken(registration: &Registration) -> bool {
        registration.changed().now_or_never().is_some()
    }

    #[test]
    fn a_change_wakes_the_watches_of_its_old_and_new_position_and_no_others() {
        let registry = WatchRegistry::default();
        let [here, there, elsewhere] =
            [(60.0, 25.0), (60.2, 25.0), (61.0, 25.0)].map(|(north, east)| position(north, east));
        let watches = [here, there, elsewhere].map(|origin| registry.register(near(origin, 5_000.0)));
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
        let mut watch = registry.register(near(here, 5_000.0));
        // Across the antimeridian.
        let beside = Change::Put(stored(position(0.0, -179.99)));
        registry.notify([(&beside, None)]);
        assert!(is_woken(&watch));
        watch.move_to(near(there, 5_000.0));
        registry.notify([(&beside, None)]);
        assert!(!is_woken(&watch));
        registry.notify([(&Change::Put(stored(there)), None)]);
        assert!(is_woken(&watch));
        drop(watch);
        assert_eq!(registry.watches().near.count(), 0);
    }

    #[test]
    fn a_change_of_a_service_area_wakes_the_watches_of_points_within_its_old_and_new_reach() {
        let registry = WatchRegistry::default();
        let serving = |radius_m: f64| {
            let shape = wire::service_area::Shape::RadiusM(radius_m);
            let service_area = Some(wire::ServiceArea { shape: Some(shape) });
            stored_as(wire::Merchant { service_area, ..cafe() }, position(60.0, 25.0))
        };
        // 11 km and 22 km away, and one beside the merchant that is about merchants near it only.
        let served = |north| {
            let origin = Ecef::from(position(north, 25.0));
            registry.register(Watched { origin, near: None, is_served: true })
        };
        let watches = [served(60.1), served(60.2), registry.register(near(position(60.0, 25.01), 1_000.0))];
        let woken = || watches.each_ref().map(is_woken);
        registry.notify([(&Change::Put(stored(position(60.1, 25.0))), None)]);
        assert_eq!(woken(), [false; 3], "a merchant without an area serves no point");
        registry.notify([(&Change::Put(serving(12_000.0)), None)]);
        assert_eq!(woken(), [true, false, true]);
        registry.notify([(&Change::Put(serving(30_000.0)), Some(&*serving(12_000.0)))]);
        assert_eq!(woken(), [true, true, true]);
        registry.notify([(&Change::Put(serving(5_000.0)), Some(&*serving(30_000.0)))]);
        assert_eq!(woken(), [true, true, true]);
        drop(watches);
        assert_eq!(registry.watches().served.count(), 0);
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
            let watches: Vec<(Watched, Registration)> = others.into_iter().map(|(north, east, radius_m)| {
                let origin = position((latitude + north).clamp(-90.0, 90.0), (longitude + east).clamp(-180.0, 180.0));
                let watched = near(origin, radius_m);
                (watched, registry.register(watched))
            }).collect();
            registry.notify([(&Change::Put(stored(place)), None)]);
            for (watched, registration) in &watches {
                let distance_m = watched.origin.distance(Ecef::from(place)).get();
                let (woken, radius_m) = (is_woken(registration), watched.near.unwrap().get());
                prop_assert!(woken || distance_m > radius_m);
                prop_assert!(!woken || distance_m <= radius_m + 1.0, "{distance_m} {radius_m}");
            }
        }
    }
}
