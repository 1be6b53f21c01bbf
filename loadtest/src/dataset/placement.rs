//! Where things stand in a city.

use std::f64::consts::TAU;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::{cities::Cities, random_of};

/// A point in degrees of WGS-84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// Metres of a degree of latitude, near enough to place merchants by.
const DEGREE_M: f64 = 111_195.0;

/// Kinds of things that have randomness of their own.
const MERCHANT: u64 = 2;
const STREET: u64 = 3;
const MALL: u64 = 4;

impl Place {
    /// The place so far away in a direction, near enough to place merchants by. Never beyond a pole or the antimeridian.
    #[must_use]
    pub fn at(self, away_m: f64, heading_deg: f64) -> Self {
        let heading = heading_deg.to_radians();
        self.moved(away_m * libm::cos(heading), away_m * libm::sin(heading))
    }

    /// The place so far to the north and to the east.
    #[must_use]
    pub fn moved(self, north_m: f64, east_m: f64) -> Self {
        let latitude = (self.latitude + north_m / DEGREE_M).clamp(-89.9, 89.9);
        let shrink = libm::cos(latitude.to_radians());
        let longitude = self.longitude + east_m / (DEGREE_M * shrink);
        let longitude = longitude - 360.0 * libm::floor((longitude + 180.0) / 360.0);
        Self { latitude, longitude }
    }
}

/// Where a merchant is, and in which settlement.
pub(super) fn of_merchant(cities: &Cities, seed: u64, number: u64) -> (Place, usize) {
    let mut random = random_of(seed, MERCHANT, number);
    let settlement = cities.pick(random.random_range(0.0..1.0));
    let place = match random.random_range(0..100) {
        0..10 => mall(cities, seed, settlement, &mut random),
        10..80 => on_a_street(cities, seed, settlement, &mut random),
        _ => scattered(cities, settlement, &mut random),
    };
    (place, settlement)
}

pub(super) fn of_person(cities: &Cities, random: &mut Pcg64Mcg) -> Place {
    scattered(cities, cities.pick(random.random_range(0.0..1.0)), random)
}

pub(super) fn of_mall(cities: &Cities, seed: u64, random: &mut Pcg64Mcg) -> Place {
    let settlement = cities.pick(random.random_range(0.0..1.0));
    mall(cities, seed, settlement, random)
}

fn scattered(cities: &Cities, settlement: usize, random: &mut Pcg64Mcg) -> Place {
    let settlement = cities.settlement(settlement);
    let (north, east) = normal_pair(random);
    settlement.center.moved(north * settlement.spread_m, east * settlement.spread_m)
}

/// A few malls have most of the merchants.
fn mall(cities: &Cities, seed: u64, settlement: usize, random: &mut Pcg64Mcg) -> Place {
    let which = skewed(cities.settlement(settlement).malls, |share| share * share * share, random);
    scattered(cities, settlement, &mut random_of(seed, MALL, thing(settlement, which)))
}

/// Shops stand on both sides of streets, eight metres of front each.
fn on_a_street(cities: &Cities, seed: u64, settlement: usize, random: &mut Pcg64Mcg) -> Place {
    let which = skewed(cities.settlement(settlement).streets, |share| share * share, random);
    let mut street = random_of(seed, STREET, thing(settlement, which));
    let start = scattered(cities, settlement, &mut street);
    let heading = street.random_range(0.0..360.0);
    let fronts = street.random_range(30..300u32);
    let along_m = f64::from(random.random_range(0..fronts)) * 8.0;
    let aside_m = if random.random_bool(0.5) { 9.0 } else { -9.0 };
    start.at(along_m, heading).at(aside_m, heading + 90.0)
}

/// One of so many, the first ones more often.
fn skewed(count: u32, skew: fn(f64) -> f64, random: &mut Pcg64Mcg) -> u32 {
    let share: f64 = random.random_range(0.0..1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the count")]
    let which = (f64::from(count) * skew(share)) as u32;
    which.min(count.saturating_sub(1))
}

fn thing(settlement: usize, which: u32) -> u64 {
    (settlement as u64) << 32 | u64::from(which)
}

/// Two independent numbers of the standard normal distribution (Box and Muller, 1958).
fn normal_pair(random: &mut Pcg64Mcg) -> (f64, f64) {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - random.random_range(0.0..1.0)));
    let angle = TAU * random.random_range(0.0..1.0);
    (radius * libm::cos(angle), radius * libm::sin(angle))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_map_in_the_east_comes_back_in_the_west() {
        let edge = Place { latitude: 10.0, longitude: 179.999 };
        assert!(edge.moved(0.0, 1_000.0).longitude < -179.9);
        let back = edge.moved(0.0, 1_000.0).moved(0.0, -1_000.0);
        assert!((back.longitude - edge.longitude).abs() < 1e-9);
        assert!(Place { latitude: 89.8, longitude: 0.0 }.at(1e6, 0.0).latitude <= 89.9);
    }
}
