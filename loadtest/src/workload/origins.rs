//! Where callers are.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::Origins;
use crate::dataset::{Place, World, below, random_of};

const SPOT: u64 = 6;
const WALKER: u64 = 7;

/// Where the next caller is, call after call.
#[derive(Debug)]
pub(super) struct Callers {
    weights: [f64; 5],
    spots: Vec<Place>,
    walkers: Vec<Walker>,
    step_m: f64,
    next_walker: usize,
}

#[derive(Clone, Copy, Debug)]
struct Walker {
    at: Place,
    heading_deg: f64,
}

impl Callers {
    pub(super) fn new(origins: &Origins, world: &World, seed: u64) -> Self {
        // The same for all generators: a square draws them all.
        let mut random = random_of(world.seed(), SPOT, 0);
        let spots = (0..origins.hot_spot_count.max(1)).map(|_| world.somewhere(&mut random)).collect();
        let walker = |number| {
            let mut random = random_of(seed, WALKER, u64::from(number));
            Walker { at: world.somewhere(&mut random), heading_deg: random.random_range(0.0..360.0) }
        };
        Self {
            weights: [origins.people, origins.hot_spots, origins.uniform, origins.edge, origins.malls],
            spots,
            walkers: (0..origins.walkers).map(walker).collect(),
            step_m: origins.walker_m_per_s * origins.walker_every_s,
            next_walker: 0,
        }
    }

    pub(super) fn next(&mut self, world: &World, random: &mut Pcg64Mcg) -> Place {
        if !self.walkers.is_empty() {
            return self.walk(random);
        }
        match pick(&self.weights, random) {
            0 => world.somewhere(random),
            1 => {
                let spot = self.spots[below(self.spots.len(), random)];
                spot.moved(random.random_range(-300.0..300.0), random.random_range(-300.0..300.0))
            }
            2 => {
                let sine: f64 = random.random_range(-1.0..1.0);
                let longitude = random.random_range(-180.0..180.0);
                Place { latitude: libm::asin(sine).to_degrees(), longitude }
            }
            3 => edge(random),
            _ => world
                .mall(random)
                .moved(random.random_range(-200.0..200.0), random.random_range(-200.0..200.0)),
        }
    }

    /// Each walker in turn goes on, mostly straight ahead.
    fn walk(&mut self, random: &mut Pcg64Mcg) -> Place {
        let at = self.next_walker;
        self.next_walker = (at + 1) % self.walkers.len();
        let walker = &mut self.walkers[at];
        walker.heading_deg += random.random_range(-20.0..20.0);
        walker.at = walker.at.at(self.step_m, walker.heading_deg);
        walker.at
    }
}

fn edge(random: &mut Pcg64Mcg) -> Place {
    let longitude = random.random_range(-180.0..180.0);
    match random.random_range(0..5) {
        0 => Place { latitude: 90.0, longitude },
        1 => Place { latitude: -90.0, longitude },
        2 => Place { latitude: -16.85 + random.random_range(-0.05..0.05), longitude: 180.0 },
        3 => Place { latitude: -16.85 + random.random_range(-0.05..0.05), longitude: -180.0 },
        _ => Place { latitude: 78.22, longitude: 15.6 },
    }
}

/// Which of these, by weight.
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
