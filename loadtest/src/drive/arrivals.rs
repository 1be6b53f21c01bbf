//! When calls are due: fixed beforehand, so that a slow server cannot put them off.

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::world::random_of;

const ARRIVAL: u64 = 9;

/// How calls are spaced.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// As independent callers come: gaps of an exponential distribution.
    #[default]
    Poisson,
    /// All gaps alike.
    Even,
}

/// An endless schedule.
#[derive(Clone, Debug)]
pub struct Arrivals {
    per_s: f64,
    spacing: Spacing,
    random: Pcg64Mcg,
    at_s: f64,
}

impl Arrivals {
    /// So many a second on average.
    #[must_use]
    pub fn new(per_s: f64, spacing: Spacing, seed: u64) -> Self {
        Self { per_s, spacing, random: random_of(seed, ARRIVAL, 0), at_s: 0.0 }
    }

    /// How many a second on average.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        self.per_s
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    /// When the next is due, from the beginning.
    fn next(&mut self) -> Option<Duration> {
        let gap = match self.spacing {
            Spacing::Even => 1.0,
            Spacing::Poisson => -libm::log(1.0 - self.random.random_range(0.0..1.0)),
        };
        self.at_s += gap / self.per_s;
        Duration::try_from_secs_f64(self.at_s).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_asked_for_and_the_same_for_a_seed() {
        for spacing in [Spacing::Poisson, Spacing::Even] {
            let due = |seed| {
                Arrivals::new(1_000.0, spacing, seed).take_while(|at| at.as_secs() < 10).collect::<Vec<_>>()
            };
            assert!((9_600..10_400).contains(&due(1).len()), "{}", due(1).len());
            assert_eq!(due(1), due(1));
        }
    }
}
