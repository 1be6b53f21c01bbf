//! A synthetic dataset of merchants derived from a seed: byte-identical on every machine, with random access to each
//! merchant.
//!
//! Cities are weighted by population, with a long tail of small towns around them. Within a city merchants stand along
//! streets, in malls (many at one point), and scattered; a few cities lie on the antimeridian and in the far north. One
//! merchant in three belongs to a brand; a few brands are very large and most are small.

mod cities;
mod extension;
mod geo_point;
mod merchant;
mod oracle;
mod placement;

use std::sync::Arc;

use nearby_proto::v1::Merchant;
use rand_pcg::Pcg64Mcg;

pub use self::extension::AttributeRange;
pub(crate) use self::merchant::{LOAD_ONLY_PREFIX, is_open_at};
pub use self::{
    cities::{City, CityError, Source},
    geo_point::GeoPoint,
    oracle::{Near, Oracle, distance_m},
};

/// A synthetic dataset. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Dataset {
    seed: u64,
    count: u64,
    cities: Arc<cities::Cities>,
    is_extended: bool,
}

impl Dataset {
    /// Creates a dataset of `count` merchants in the cities of `source`.
    ///
    /// # Errors
    /// The file cannot be read, or contains no valid city.
    pub fn new(seed: u64, count: u64, source: &Source) -> Result<Self, CityError> {
        Ok(Self { seed, count, cities: Arc::new(cities::Cities::load(source, seed)?), is_extended: false })
    }

    /// Gives the merchants attributes and some of them service areas: another dataset, so that the figures of the plain one stay
    /// comparable.
    #[must_use]
    pub fn extended(self) -> Self {
        Self { is_extended: true, ..self }
    }

    pub(crate) fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// Returns the number of merchants.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the location of merchant `number`.
    #[must_use]
    pub fn location(&self, number: u64) -> GeoPoint {
        placement::of_merchant(&self.cities, self.seed, number).0
    }

    /// Returns merchant `number`, from 0.
    #[must_use]
    pub fn merchant(&self, number: u64) -> Merchant {
        let (location, settlement) = placement::of_merchant(&self.cities, self.seed, number);
        let merchant = merchant::merchant(self.seed, number, location, &self.cities.of(settlement));
        if self.is_extended { extension::extended(merchant, self.seed, number) } else { merchant }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns `true` if searches find merchant `number`; one merchant in a hundred is hidden.
    #[must_use]
    pub fn is_visible(&self, number: u64) -> bool {
        merchant::is_visible(self.seed, number)
    }

    /// Returns the resource name of merchant `number`.
    #[must_use]
    pub fn name(&self, number: u64) -> String {
        merchant::name(self.seed, number)
    }

    /// Returns the number of the merchant with a resource name; `None` if the dataset has no such merchant.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<u64> {
        merchant::number_of(name).filter(|number| *number < self.count && self.name(*number) == name)
    }

    /// Returns a word with which many display names begin.
    #[must_use]
    pub fn word(random: &mut Pcg64Mcg) -> &'static str {
        merchant::word(random)
    }

    /// Returns a range of an attribute of the extended dataset.
    #[must_use]
    pub fn attribute_range(random: &mut Pcg64Mcg) -> AttributeRange {
        extension::attribute_range(random)
    }

    /// Returns the category of frequency rank `rank`, from 0.
    #[must_use]
    pub fn category(rank: usize) -> &'static str {
        merchant::category(rank)
    }

    /// Returns a random point, weighted by population.
    pub fn populated_point(&self, random: &mut Pcg64Mcg) -> GeoPoint {
        placement::of_person(&self.cities, random)
    }

    /// Returns the location of a random mall, where many merchants share one point.
    pub fn mall(&self, random: &mut Pcg64Mcg) -> GeoPoint {
        placement::of_mall(&self.cities, self.seed, random)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn a_seed_yields_the_same_bytes_on_every_machine_and_in_every_version() {
        let dataset = |seed| Dataset::new(seed, 10_000, &Source::BuiltIn).unwrap();
        let bytes = |dataset: &Dataset| -> Vec<u8> {
            (0..10_000).flat_map(|number| dataset.merchant(number).encode_to_vec()).collect()
        };
        let (one, two, other) = (bytes(&dataset(1)), bytes(&dataset(1)), bytes(&dataset(2)));
        assert_eq!(one, two);
        assert_ne!(one, other);
        // Changing the merchants of a seed invalidates every figure published with it.
        assert_eq!(
            twox_hash::XxHash3_64::oneshot(&one),
            FINGERPRINT,
            "{:#x}",
            twox_hash::XxHash3_64::oneshot(&one)
        );
    }

    #[test]
    fn the_extended_dataset_differs_by_attributes_and_service_areas_alone() {
        let plain = Dataset::new(1, 10_000, &Source::BuiltIn).unwrap();
        let extended = plain.clone().extended();
        let mut serving = 0;
        for number in 0..10_000 {
            let Merchant { attributes, service_area, .. } = extended.merchant(number);
            assert!(attributes.contains_key("price_level"));
            serving += u32::from(service_area.is_some());
            let stripped = Merchant {
                attributes: plain.merchant(number).attributes,
                service_area: None,
                ..extended.merchant(number)
            };
            assert_eq!(stripped, plain.merchant(number));
        }
        assert!((800..1_200).contains(&serving), "{serving} of 10,000");
    }

    const FINGERPRINT: u64 = 0x3483_6a36_b082_1d4b;

    #[test]
    fn a_resource_name_identifies_its_merchant() {
        let dataset = Dataset::new(5, 1_000, &Source::BuiltIn).unwrap();
        for number in 0..1_000 {
            assert_eq!(dataset.number_of(&dataset.name(number)), Some(number));
        }
        assert_eq!(dataset.number_of("merchants/load-1"), None);
        assert_eq!(dataset.number_of(&Dataset::new(6, 1_000, &Source::BuiltIn).unwrap().name(3)), None);
    }

    #[test]
    fn the_dataset_contains_edge_cases() {
        let dataset = Dataset::new(1, 100_000, &Source::BuiltIn).unwrap();
        let points: Vec<GeoPoint> = (0..dataset.count()).map(|number| dataset.location(number)).collect();
        let count = |matches: fn(&GeoPoint) -> bool| points.iter().filter(|point| matches(point)).count();
        assert!(count(|point| point.latitude > 78.0) > 3, "the far north");
        assert!(count(|point| point.longitude > 179.9) > 3, "west of the antimeridian");
        assert!(count(|point| point.longitude < -179.9) > 3, "east of it");
        let mut at: std::collections::HashMap<(u64, u64), u32> = std::collections::HashMap::new();
        for point in &points {
            *at.entry((point.latitude.to_bits(), point.longitude.to_bits())).or_default() += 1;
        }
        assert!(at.values().any(|merchants| *merchants > 50), "a mall with many at one point");
        let hidden = (0..dataset.count()).filter(|number| !dataset.is_visible(*number)).count();
        assert!((800..1_200).contains(&hidden), "{hidden} hidden");
    }
}
