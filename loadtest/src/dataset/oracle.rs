//! What the right answer is: exact geodesics (Karney, through geographiclib), and a grid to be done in time.

use std::collections::HashMap;

use geographiclib_rs::{Geodesic, InverseGeodesic};

use super::{Place, World};

/// Edge of a cell of the grid in metres. Searches reach less than that or look into more cells.
const CELL_M: f64 = 5_000.0;

/// Semi-major axis and squared eccentricity of WGS-84 (NIMA TR8350.2).
const SEMI_MAJOR_M: f64 = 6_378_137.0;
const ECCENTRICITY_2: f64 = 6.694_379_990_141_316e-3;

/// A world's places by cell.
pub struct Oracle {
    world: World,
    cells: HashMap<[i32; 3], Vec<(u32, [f64; 3])>>,
    geodesic: Geodesic,
}

/// A merchant that belongs into an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Its number.
    pub number: u64,
    /// The geodesic distance in metres.
    pub distance_m: f64,
}

impl std::fmt::Debug for Oracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Oracle({} merchants)", self.world.count())
    }
}

/// The length of the geodesic in metres.
#[must_use]
pub fn distance_m(a: Place, b: Place) -> f64 {
    Geodesic::wgs84().inverse(a.latitude, a.longitude, b.latitude, b.longitude)
}

impl Oracle {
    /// Of all merchants of a world: some forty bytes each.
    #[must_use]
    pub fn new(world: &World) -> Self {
        let mut cells: HashMap<[i32; 3], Vec<(u32, [f64; 3])>> = HashMap::new();
        for number in 0..u32::try_from(world.count()).unwrap_or(u32::MAX) {
            let at = cartesian(world.place(u64::from(number)));
            cells.entry(cell(at)).or_default().push((number, at));
        }
        Self { world: world.clone(), cells, geodesic: Geodesic::wgs84() }
    }

    /// The world.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The nearest visible merchants that pass, up to `most`, at least so far and at most so far away, by distance.
    #[must_use]
    pub fn nearest(
        &self,
        from: Place,
        [least_m, most_m]: [f64; 2],
        most: usize,
        passes: impl Fn(u64) -> bool,
    ) -> Vec<Near> {
        let at = cartesian(from);
        // A chord is never longer than its arc, and orders points as the arc does: to the micrometre at these distances.
        let mut near: Vec<(f64, u32)> = self
            .around(at, most_m)
            .map(|(number, place)| (chord(at, place), number))
            .filter(|(chord, _)| *chord <= most_m + 1.0 && *chord >= least_m * 0.999 - 1.0)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut found: Vec<Near> = Vec::new();
        for (chord, number) in near {
            let number = u64::from(number);
            // Some more than asked for: those that are equally far.
            if found.len() >= most && found.get(most - 1).is_some_and(|last| chord > last.distance_m + 1e-3) {
                break;
            }
            if !self.world.is_visible(number) || !passes(number) {
                continue;
            }
            let place = self.world.place(number);
            let distance_m: f64 =
                self.geodesic.inverse(from.latitude, from.longitude, place.latitude, place.longitude);
            if (least_m..=most_m).contains(&distance_m) {
                found.push(Near { number, distance_m });
            }
        }
        found.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
        found
    }

    fn around(&self, at: [f64; 3], reach_m: f64) -> impl Iterator<Item = (u32, [f64; 3])> {
        let low = cell(at.map(|along| along - reach_m - 1.0));
        let high = cell(at.map(|along| along + reach_m + 1.0));
        let cells = (low[0]..=high[0]).flat_map(move |x| {
            (low[1]..=high[1]).flat_map(move |y| (low[2]..=high[2]).map(move |z| [x, y, z]))
        });
        cells.filter_map(|cell| self.cells.get(&cell)).flatten().copied()
    }
}

fn cell(at: [f64; 3]) -> [i32; 3] {
    #[expect(clippy::cast_possible_truncation, reason = "the earth has 2,600 cells along an axis")]
    at.map(|along| libm::floor(along / CELL_M) as i32)
}

fn chord(a: [f64; 3], b: [f64; 3]) -> f64 {
    libm::sqrt((0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum())
}

/// Earth-centred coordinates in metres.
fn cartesian(place: Place) -> [f64; 3] {
    let (latitude, longitude) = (place.latitude.to_radians(), place.longitude.to_radians());
    let sine = libm::sin(latitude);
    let normal = SEMI_MAJOR_M / libm::sqrt(1.0 - ECCENTRICITY_2 * sine * sine);
    let across = normal * libm::cos(latitude);
    [across * libm::cos(longitude), across * libm::sin(longitude), normal * (1.0 - ECCENTRICITY_2) * sine]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Source, random_of};

    #[test]
    fn the_grid_finds_what_a_scan_finds() {
        let world = World::new(3, 20_000, &Source::Ours).unwrap();
        let oracle = Oracle::new(&world);
        let mut random = random_of(3, 99, 0);
        for case in 0..20 {
            let from = world.somewhere(&mut random);
            let ring = [f64::from(case) * 100.0, 5_000.0];
            let mut scanned: Vec<Near> = (0..world.count())
                .filter(|number| world.is_visible(*number) && number % 3 == 0)
                .map(|number| Near { number, distance_m: distance_m(from, world.place(number)) })
                .filter(|near| (ring[0]..=ring[1]).contains(&near.distance_m))
                .collect();
            scanned.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m));
            let found = oracle.nearest(from, ring, 20, |number| number % 3 == 0);
            let distances =
                |all: &[Near]| all.iter().take(20).map(|near| near.distance_m).collect::<Vec<_>>();
            assert_eq!(distances(&found), distances(&scanned), "case {case}");
        }
    }
}
