//! Locations of merchants and of people within cities.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::{cities::Cities, geo_point::GeoPoint};
use crate::random::rng_for;

/// Random streams of this module (see [`rng_for`]).
const MERCHANT: u64 = 2;
const STREET: u64 = 3;
const MALL: u64 = 4;

/// Returns the location of a merchant and the index of its settlement.
pub(super) fn of_merchant(cities: &Cities, seed: u64, number: u64) -> (GeoPoint, usize) {
    let mut random = rng_for(seed, MERCHANT, number);
    let settlement = cities.pick(random.random_range(0.0..1.0));
    let point = match random.random_range(0..100) {
        0..10 => mall(cities, seed, settlement, &mut random),
        10..80 => on_a_street(cities, seed, settlement, &mut random),
        _ => scattered(cities, settlement, &mut random),
    };
    (point, settlement)
}

/// Returns a random location of a person, weighted by population.
pub(super) fn of_person(cities: &Cities, random: &mut Pcg64Mcg) -> GeoPoint {
    scattered(cities, cities.pick(random.random_range(0.0..1.0)), random)
}

/// Returns the location of a random mall.
pub(super) fn of_mall(cities: &Cities, seed: u64, random: &mut Pcg64Mcg) -> GeoPoint {
    let settlement = cities.pick(random.random_range(0.0..1.0));
    mall(cities, seed, settlement, random)
}

fn scattered(cities: &Cities, settlement: usize, random: &mut Pcg64Mcg) -> GeoPoint {
    let settlement = cities.settlement(settlement);
    let (north, east) = normal_pair(random);
    settlement.center.offset(north * settlement.spread_m, east * settlement.spread_m)
}

/// Picks a mall with cubic skew: a few malls hold most of the merchants.
fn mall(cities: &Cities, seed: u64, settlement: usize, random: &mut Pcg64Mcg) -> GeoPoint {
    let which = skewed(cities.settlement(settlement).malls, |share| share * share * share, random);
    scattered(cities, settlement, &mut rng_for(seed, MALL, feature_id(settlement, which)))
}

/// Picks a point on one side of a street: 8 m of front per shop, 9 m from the middle.
fn on_a_street(cities: &Cities, seed: u64, settlement: usize, random: &mut Pcg64Mcg) -> GeoPoint {
    let which = skewed(cities.settlement(settlement).streets, |share| share * share, random);
    let mut street = rng_for(seed, STREET, feature_id(settlement, which));
    let start = scattered(cities, settlement, &mut street);
    let heading = street.random_range(0.0..360.0);
    let fronts = street.random_range(30..300u32);
    let along_m = f64::from(random.random_range(0..fronts)) * 8.0;
    let aside_m = if random.random_bool(0.5) { 9.0 } else { -9.0 };
    start.destination(along_m, heading).destination(aside_m, heading + 90.0)
}

/// Returns an index below `count`; lower indices are more frequent.
fn skewed(count: u32, skew: fn(f64) -> f64, random: &mut Pcg64Mcg) -> u32 {
    let share: f64 = random.random_range(0.0..1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the count")]
    let which = (f64::from(count) * skew(share)) as u32;
    which.min(count.saturating_sub(1))
}

/// Returns the number of a street or a mall, unique among those of all settlements.
fn feature_id(settlement: usize, which: u32) -> u64 {
    (settlement as u64) << 32 | u64::from(which)
}

/// Returns two independent samples of the standard normal distribution (Box and Muller, 1958).
fn normal_pair(random: &mut Pcg64Mcg) -> (f64, f64) {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - random.random_range(0.0..1.0)));
    let angle = TAU * random.random_range(0.0..1.0);
    (radius * libm::cos(angle), radius * libm::sin(angle))
}
