//! Queries: origins weighted by population, in an order that the seed determines.

use crate::{
    dataset::{Dataset, GeoPoint},
    random::rng_for,
};

/// Random stream of this module (see [`rng_for`]).
const ORIGIN: u64 = 20;
/// Number of distinct origins: more than a cache of responses would hold. They are generated beforehand, so that generating
/// them takes no CPU time from the measurement.
const COUNT: u64 = 200_000;
/// Distance between the first queries of consecutive rounds, so that slow systems too receive different queries in each.
const ROUND_STRIDE: u64 = 37_171;

/// The origins of the queries.
#[derive(Debug)]
pub(super) struct Queries(Vec<GeoPoint>);

impl Queries {
    pub(super) fn new(dataset: &Dataset, seed: u64) -> Self {
        Self((0..COUNT).map(|number| dataset.populated_point(&mut rng_for(seed, ORIGIN, number))).collect())
    }

    /// Returns the origin of query `number`.
    pub(super) fn at(&self, number: u64) -> GeoPoint {
        self.0[usize::try_from(number % COUNT).unwrap_or_default()]
    }

    /// Returns the number of the first query of a round.
    pub(super) fn first_of_round(round: u64) -> u64 {
        round.wrapping_mul(ROUND_STRIDE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;

    #[test]
    fn a_seed_determines_the_order_of_queries() {
        let dataset = Dataset::new(1, 100, &Source::BuiltIn).unwrap();
        let (one, two, other) =
            (Queries::new(&dataset, 1), Queries::new(&dataset, 1), Queries::new(&dataset, 2));
        assert_eq!(one.0, two.0);
        assert_ne!(one.at(0), other.at(0));
        assert_eq!(one.at(5), one.at(5 + COUNT));
        assert_ne!(one.at(Queries::first_of_round(1)), one.at(Queries::first_of_round(0)));
    }
}
