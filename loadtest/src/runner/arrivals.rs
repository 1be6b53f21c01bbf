//! Arrival schedules: fixed in advance, so that a slow server cannot delay later calls (no coordinated omission).

use std::time::Duration;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::random::rng_for;

/// Random stream of this module (see [`rng_for`]).
const ARRIVAL: u64 = 9;

/// Distribution of the gaps between calls.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Spacing {
    /// Poisson arrivals, as of independent clients: exponential gaps.
    #[default]
    Poisson,
    /// Constant gaps.
    Even,
}

/// A stage of a run: a mean rate for a duration.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Name in reports.
    pub name: String,
    /// Mean rate of calls due per second.
    pub per_s: f64,
    /// Duration.
    pub length: Duration,
}

impl Stage {
    /// Creates a stage.
    #[must_use]
    pub fn new(name: impl Into<String>, per_s: f64, length: Duration) -> Self {
        Self { name: name.into(), per_s, length }
    }
}

/// An arrival schedule over consecutive stages.
#[derive(Clone, Debug)]
pub struct Arrivals {
    stages: Vec<Stage>,
    spacing: Spacing,
    random: Pcg64Mcg,
    at_s: f64,
    /// Index of the stage that the next call is due in, and when that stage begins.
    stage: usize,
    begins_s: f64,
}

impl Arrivals {
    /// Creates the schedule of some stages.
    #[must_use]
    pub fn new(stages: &[Stage], spacing: Spacing, seed: u64) -> Self {
        let random = rng_for(seed, ARRIVAL, 0);
        Self { stages: stages.to_vec(), spacing, random, at_s: 0.0, stage: 0, begins_s: 0.0 }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    /// Returns when the next call is due, from the beginning of the run.
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
            // The exponential distribution is memoryless: the gap restarts at the stage's beginning.
            (self.at_s, self.begins_s) = (ends_s, ends_s);
            self.stage += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_has_the_requested_rates_and_is_deterministic() {
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
