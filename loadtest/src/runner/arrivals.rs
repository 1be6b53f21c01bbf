//! When calls are due: fixed beforehand, so that a slow server cannot put them off.

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::dataset::random_of;

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

/// A part of a run: calls so often a second on average, for so long.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What it is for.
    pub name: String,
    /// How many calls a second are due on average.
    pub per_s: f64,
    /// How long.
    pub length: Duration,
}

impl Stage {
    /// So many calls a second for so long.
    #[must_use]
    pub fn new(name: impl Into<String>, per_s: f64, length: Duration) -> Self {
        Self { name: name.into(), per_s, length }
    }
}

/// A schedule of one stage after the other.
#[derive(Clone, Debug)]
pub struct Arrivals {
    stages: Vec<Stage>,
    spacing: Spacing,
    random: Pcg64Mcg,
    at_s: f64,
    /// The stage that the next call is due in, and when it begins.
    stage: usize,
    begins_s: f64,
}

impl Arrivals {
    /// That of some stages.
    #[must_use]
    pub fn new(stages: &[Stage], spacing: Spacing, seed: u64) -> Self {
        let random = random_of(seed, ARRIVAL, 0);
        Self { stages: stages.to_vec(), spacing, random, at_s: 0.0, stage: 0, begins_s: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    /// When the next is due, from the beginning.
    fn next(&mut self) -> Option<Duration> {
        loop {
            let stage = self.stages.get(self.stage)?;
            let gap = match self.spacing {
                Spacing::Even => 1.0,
                Spacing::Poisson => -libm::log(1.0 - self.random.random_range(0.0..1.0)),
            };
            let ends_s = self.begins_s + stage.length.as_secs_f64();
            let at_s = self.at_s + gap / stage.per_s;
            if at_s < ends_s {
                self.at_s = at_s;
                return Duration::try_from_secs_f64(at_s).ok();
            }
            // Independent callers know nothing of the time since the last call: the wait begins anew.
            (self.at_s, self.begins_s) = (ends_s, ends_s);
            self.stage += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_asked_for_and_the_same_for_a_seed() {
        for spacing in [Spacing::Poisson, Spacing::Even] {
            let due = |seed| {
                let stage = |per_s, seconds| Stage::new("", per_s, Duration::from_secs(seconds));
                Arrivals::new(&[stage(1_000.0, 10), stage(100.0, 20)], spacing, seed).collect::<Vec<_>>()
            };
            let (first, second): (Vec<_>, Vec<_>) = due(1).into_iter().partition(|at| at.as_secs() < 10);
            assert!((9_600..10_400).contains(&first.len()), "{}", first.len());
            assert!((1_800..2_200).contains(&second.len()), "{}", second.len());
            assert!(second.iter().all(|at| at.as_secs() < 30));
            assert_eq!(due(1), due(1));
        }
    }
}
