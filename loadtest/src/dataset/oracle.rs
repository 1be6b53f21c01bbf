//! Reference implementation of search: exact geodesics (Karney, through geographiclib) over a grid of cells.
//!
//! The grid is an optimization only: it limits how many geodesics are computed per search.

use std::collections::HashMap;

use geographiclib_rs::{Geodesic, InverseGeodesic};

use super::{Dataset, GeoPoint};

/// Edge of a grid cell in metres. A search of radius r visits about (2r / edge + 1)³ cells.
const CELL_M: f64 = 5_000.0;

/// Semi-major axis and squared eccentricity of WGS-84 (NIMA TR8350.2).
const SEMI_MAJOR_M: f64 = 6_378_137.0;
const ECCENTRICITY_2: f64 = 6.694_379_990_141_316e-3;

/// The reference search over a dataset, indexed by grid cell.
pub struct Oracle {
    dataset: Dataset,
    cells: HashMap<[i32; 3], Vec<(u32, [f64; 3])>>,
    geodesic: Geodesic,
}

/// An expected result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Number of the merchant.
    pub number: u64,
    /// Geodesic distance in metres.
    pub distance_m: f64,
}

impl std::fmt::Debug for Oracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Oracle({} merchants)", self.dataset.count())
    }
}

/// Returns the geodesic distance in metres.
#[must_use]
pub fn distance_m(a: GeoPoint, b: GeoPoint) -> f64 {
    Geodesic::wgs84().inverse(a.latitude, a.longitude, b.latitude, b.longitude)
}

impl Oracle {
    /// Indexes all merchants of a dataset: about 40 bytes each.
    #[must_use]
    pub fn new(dataset: &Dataset) -> Self {
        let mut cells: HashMap<[i32; 3], Vec<(u32, [f64; 3])>> = HashMap::new();
        for number in 0..u32::try_from(dataset.count()).unwrap_or(u32::MAX) {
            let at = cartesian(dataset.location(u64::from(number)));
            cells.entry(cell(at)).or_default().push((number, at));
        }
        Self { dataset: dataset.clone(), cells, geodesic: Geodesic::wgs84() }
    }

    /// Returns the dataset.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Returns the nearest visible merchants that satisfy the predicate, between `min_m` and `max_m` away, by distance.
    ///
    /// At least `limit` if there are as many: ties with the last one are included.
    #[must_use]
    pub fn nearest(
        &self,
        from: GeoPoint,
        [min_m, max_m]: [f64; 2],
        limit: usize,
        predicate: impl Fn(u64) -> bool,
    ) -> Vec<Near> {
        let at = cartesian(from);
        // Chords are never longer than geodesics and order points like them, to the micrometre at these distances: so they
        // preselect candidates and geodesics are computed for those alone.
        let mut near: Vec<(f64, u32)> = self
            .around(at, max_m)
            .map(|(number, point)| (chord(at, point), number))
            .filter(|(chord, _)| *chord <= max_m + 1.0 && *chord >= min_m * 0.999 - 1.0)
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut found: Vec<Near> = Vec::new();
        for (chord, number) in near {
            let number = u64::from(number);
            // Stop only beyond ties with the last result.
            if found.len() >= limit && found.get(limit - 1).is_some_and(|last| chord > last.distance_m + 1e-3)
            {
                break;
            }
            if !self.dataset.is_visible(number) || !predicate(number) {
                continue;
            }
            let location = self.dataset.location(number);
            let distance_m: f64 =
                self.geodesic.inverse(from.latitude, from.longitude, location.latitude, location.longitude);
            if (min_m..=max_m).contains(&distance_m) {
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
    #[expect(clippy::cast_possible_truncation, reason = "the earth spans 2,600 cells per axis")]
    at.map(|along| libm::floor(along / CELL_M) as i32)
}

fn chord(a: [f64; 3], b: [f64; 3]) -> f64 {
    libm::sqrt((0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum())
}

/// Converts to earth-centred, earth-fixed coordinates in metres.
fn cartesian(point: GeoPoint) -> [f64; 3] {
    let (latitude, longitude) = (point.latitude.to_radians(), point.longitude.to_radians());
    let sine = libm::sin(latitude);
    let normal = SEMI_MAJOR_M / libm::sqrt(1.0 - ECCENTRICITY_2 * sine * sine);
    let across = normal * libm::cos(latitude);
    [across * libm::cos(longitude), across * libm::sin(longitude), normal * (1.0 - ECCENTRICITY_2) * sine]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset::Source, random::rng_for};

    #[test]
    fn the_grid_returns_the_same_results_as_a_linear_scan() {
        let dataset = Dataset::new(3, 20_000, &Source::BuiltIn).unwrap();
        let oracle = Oracle::new(&dataset);
        let mut random = rng_for(3, 99, 0);
        for case in 0..20 {
            let from = dataset.populated_point(&mut random);
            let ring = [f64::from(case) * 100.0, 5_000.0];
            let mut scanned: Vec<Near> = (0..dataset.count())
                .filter(|number| dataset.is_visible(*number) && number % 3 == 0)
                .map(|number| Near { number, distance_m: distance_m(from, dataset.location(number)) })
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
