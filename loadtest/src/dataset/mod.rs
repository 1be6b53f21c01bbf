//! A world of merchants made from a seed: the same byte for byte on every machine, and any merchant of it at once.
//!
//! Cities are weighted by the people who live there, with a long tail of small towns around them. In a city merchants
//! stand along streets, in malls (many on one point), and scattered; a few cities lie on the antimeridian and in the far
//! north. One in three is of a brand, few brands being very large and most small.

mod cities;
mod merchant;
mod oracle;
mod placement;

use std::sync::Arc;

use nearby_proto::v1::Merchant;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

pub(crate) use self::merchant::is_open_at;
pub use self::{
    cities::{City, CityError, Source},
    oracle::{Near, Oracle, distance_m},
    placement::Place,
};

/// A world. Cheap to clone.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    count: u64,
    cities: Arc<cities::Cities>,
}

impl World {
    /// So many merchants in cities.
    ///
    /// # Errors
    /// The file cannot be read, or has no city.
    pub fn new(seed: u64, count: u64, source: &Source) -> Result<Self, CityError> {
        Ok(Self { seed, count, cities: Arc::new(cities::Cities::load(source, seed)?) })
    }

    /// How many merchants there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Where merchant `number` is.
    #[must_use]
    pub fn place(&self, number: u64) -> Place {
        placement::of_merchant(&self.cities, self.seed, number).0
    }

    /// Merchant `number`, from 0.
    #[must_use]
    pub fn merchant(&self, number: u64) -> Merchant {
        let (place, city) = placement::of_merchant(&self.cities, self.seed, number);
        merchant::merchant(self.seed, number, place, &self.cities.of(city))
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether searches find merchant `number`: one in a hundred is hidden.
    #[must_use]
    pub fn is_visible(&self, number: u64) -> bool {
        merchant::is_visible(self.seed, number)
    }

    /// The name of merchant `number`.
    #[must_use]
    pub fn name(&self, number: u64) -> String {
        merchant::name(self.seed, number)
    }

    /// Which merchant a name is of.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<u64> {
        merchant::number_of(name).filter(|number| *number < self.count && self.name(*number) == name)
    }

    /// The `rank`-th most usual category, from 0.
    #[must_use]
    pub fn category(rank: usize) -> &'static str {
        merchant::category(rank)
    }

    /// A place where people are, in a city.
    pub fn somewhere(&self, random: &mut Pcg64Mcg) -> Place {
        placement::of_person(&self.cities, random)
    }

    /// A mall: many merchants stand at one point there.
    pub fn mall(&self, random: &mut Pcg64Mcg) -> Place {
        placement::of_mall(&self.cities, self.seed, random)
    }
}

/// Randomness of its own for the `number`-th thing of a kind.
pub(crate) fn random_of(seed: u64, kind: u64, number: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(mixed(seed ^ mixed(kind ^ mixed(number))))
}

/// A different number for each number (splitmix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number below another, the same on machines of any width.
pub(crate) fn below(count: usize, random: &mut Pcg64Mcg) -> usize {
    usize::try_from(mixed(random.random::<u64>()) % (count.max(1) as u64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn one_seed_is_one_world_and_its_merchants_are_as_they_are_for_ever() {
        let world = |seed| World::new(seed, 10_000, &Source::Ours).unwrap();
        let bytes = |world: &World| -> Vec<u8> {
            (0..10_000).flat_map(|number| world.merchant(number).encode_to_vec()).collect()
        };
        let (one, two, other) = (bytes(&world(1)), bytes(&world(1)), bytes(&world(2)));
        assert_eq!(one, two);
        assert_ne!(one, other);
        // A change of what a seed makes is a change of every figure that was ever published with it.
        assert_eq!(
            twox_hash::XxHash3_64::oneshot(&one),
            FINGERPRINT,
            "{:#x}",
            twox_hash::XxHash3_64::oneshot(&one)
        );
    }

    const FINGERPRINT: u64 = 0x3483_6a36_b082_1d4b;

    #[test]
    fn a_name_says_which_merchant_it_is_of() {
        let world = World::new(5, 1_000, &Source::Ours).unwrap();
        for number in 0..1_000 {
            assert_eq!(world.number_of(&world.name(number)), Some(number));
        }
        assert_eq!(world.number_of("merchants/load-1"), None);
        assert_eq!(world.number_of(&World::new(6, 1_000, &Source::Ours).unwrap().name(3)), None);
    }

    #[test]
    fn a_world_has_what_is_hard() {
        let world = World::new(1, 100_000, &Source::Ours).unwrap();
        let places: Vec<Place> = (0..world.count()).map(|number| world.place(number)).collect();
        let count = |what: fn(&Place) -> bool| places.iter().filter(|place| what(place)).count();
        assert!(count(|place| place.latitude > 78.0) > 3, "the far north");
        assert!(count(|place| place.longitude > 179.9) > 3, "west of the antimeridian");
        assert!(count(|place| place.longitude < -179.9) > 3, "east of it");
        let mut at: std::collections::HashMap<(u64, u64), u32> = std::collections::HashMap::new();
        for place in &places {
            *at.entry((place.latitude.to_bits(), place.longitude.to_bits())).or_default() += 1;
        }
        assert!(at.values().any(|merchants| *merchants > 50), "a mall with many at one point");
        let hidden = (0..world.count()).filter(|number| !world.is_visible(*number)).count();
        assert!((800..1_200).contains(&hidden), "{hidden} hidden");
    }
}
