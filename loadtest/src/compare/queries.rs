//! What is asked: from where people are, in an order that the seed fixes.

use crate::dataset::{Place, World, random_of};

/// Randomness of its own.
const ORIGIN: u64 = 20;
/// How many there are before they begin anew: more than a cache of answers would hold, and made beforehand so that
/// making them takes nothing off what is asked.
const COUNT: u64 = 200_000;
/// Rounds begin so far apart, so that slow systems too are asked other questions in each.
const APART: u64 = 37_171;

/// Where questions come from.
#[derive(Debug)]
pub(super) struct Questions(Vec<Place>);

impl Questions {
    pub(super) fn new(world: &World, seed: u64) -> Self {
        Self((0..COUNT).map(|number| world.somewhere(&mut random_of(seed, ORIGIN, number))).collect())
    }

    /// Where question `number` comes from.
    pub(super) fn at(&self, number: u64) -> Place {
        self.0[usize::try_from(number % COUNT).unwrap_or_default()]
    }

    /// The question that a round begins with.
    pub(super) fn first_of_round(round: u64) -> u64 {
        round.wrapping_mul(APART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;

    #[test]
    fn one_seed_is_one_order_of_questions() {
        let world = World::new(1, 100, &Source::Ours).unwrap();
        let (one, two, other) =
            (Questions::new(&world, 1), Questions::new(&world, 1), Questions::new(&world, 2));
        assert_eq!(one.0, two.0);
        assert_ne!(one.at(0), other.at(0));
        assert_eq!(one.at(5), one.at(5 + COUNT));
        assert_ne!(one.at(Questions::first_of_round(1)), one.at(Questions::first_of_round(0)));
    }
}
