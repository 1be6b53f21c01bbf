//! Locations of the clients that send requests.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::scenario::Origins;
use crate::{
    dataset::{Dataset, GeoPoint},
    random::{index_below, rng_for},
};

/// Random streams of this module (see [`rng_for`]).
const SPOT: u64 = 6;
const WALKER: u64 = 7;

/// The locations from which successive requests are sent.
#[derive(Debug)]
pub(super) struct Population {
    weights: [f64; 5],
    spots: Vec<GeoPoint>,
    walkers: Vec<Walker>,
    step_m: f64,
    next_walker: usize,
}

#[derive(Clone, Copy, Debug)]
struct Walker {
    location: GeoPoint,
    heading_deg: f64,
}

impl Population {
    pub(super) fn new(origins: &Origins, dataset: &Dataset, seed: u64) -> Self {
        // Seeded by the dataset, so that all generators share the same hot spots.
        let mut random = rng_for(dataset.seed(), SPOT, 0);
        let spots =
            (0..origins.hot_spot_count.max(1)).map(|_| dataset.populated_point(&mut random)).collect();
        let walker = |number| {
            let mut random = rng_for(seed, WALKER, u64::from(number));
            Walker {
                location: dataset.populated_point(&mut random),
                heading_deg: random.random_range(0.0..360.0),
            }
        };
        Self {
            weights: [origins.people, origins.hot_spots, origins.uniform, origins.edge, origins.malls],
            spots,
            walkers: (0..origins.walkers).map(walker).collect(),
            step_m: origins.walker_m_per_s * origins.walker_every_s,
            next_walker: 0,
        }
    }

    pub(super) fn next(&mut self, dataset: &Dataset, random: &mut Pcg64Mcg) -> GeoPoint {
        if !self.walkers.is_empty() {
            return self.walk(random);
        }
        match pick(&self.weights, random) {
            0 => dataset.populated_point(random),
            1 => {
                let spot = self.spots[index_below(self.spots.len(), random)];
                spot.offset(random.random_range(-300.0..300.0), random.random_range(-300.0..300.0))
            }
            2 => {
                let sine: f64 = random.random_range(-1.0..1.0);
                let longitude = random.random_range(-180.0..180.0);
                GeoPoint { latitude: libm::asin(sine).to_degrees(), longitude }
            }
            3 => edge(random),
            _ => dataset
                .mall(random)
                .offset(random.random_range(-200.0..200.0), random.random_range(-200.0..200.0)),
        }
    }

    /// Advances the next walker, mostly straight ahead, and returns its location.
    fn walk(&mut self, random: &mut Pcg64Mcg) -> GeoPoint {
        let at = self.next_walker;
        self.next_walker = (at + 1) % self.walkers.len();
        let walker = &mut self.walkers[at];
        walker.heading_deg += random.random_range(-20.0..20.0);
        walker.location = walker.location.destination(self.step_m, walker.heading_deg);
        walker.location
    }
}

fn edge(random: &mut Pcg64Mcg) -> GeoPoint {
    let longitude = random.random_range(-180.0..180.0);
    match random.random_range(0..5) {
        0 => GeoPoint { latitude: 90.0, longitude },
        1 => GeoPoint { latitude: -90.0, longitude },
        2 => GeoPoint { latitude: -16.85 + random.random_range(-0.05..0.05), longitude: 180.0 },
        3 => GeoPoint { latitude: -16.85 + random.random_range(-0.05..0.05), longitude: -180.0 },
        _ => GeoPoint { latitude: 78.22, longitude: 15.6 },
    }
}

/// Picks an index by weight.
pub(super) fn pick(weights: &[f64], random: &mut Pcg64Mcg) -> usize {
    let mut left = random.random_range(0.0..1.0) * weights.iter().sum::<f64>();
    for (at, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return at;
        }
    }
    weights.iter().rposition(|weight| *weight > 0.0).unwrap_or_default()
}
