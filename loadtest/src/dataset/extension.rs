//! Attributes and service areas of the extended dataset.

use nearby_proto::v1::{Merchant, ServiceArea, service_area::Shape};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::random::{index_below, rng_for};

/// Random stream of this module (see [`rng_for`]).
const EXTENSION: u64 = 11;

/// A range of an attribute, with both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttributeRange {
    /// Key of the attribute.
    pub key: &'static str,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

impl AttributeRange {
    /// Returns `true` if a merchant has the attribute, with a value in the range.
    #[must_use]
    pub fn contains(&self, merchant: &Merchant) -> bool {
        let value = merchant.attributes.get(self.key);
        value.is_some_and(|value| (self.min..=self.max).contains(value))
    }
}

/// Ranges that clients ask for: a quarter, an eighth, and half of the merchants with the attribute.
const RANGES: [AttributeRange; 3] = [
    AttributeRange { key: "rating", min: 4.0, max: 5.0 },
    AttributeRange { key: "rating", min: 4.5, max: 5.0 },
    AttributeRange { key: "price_level", min: 1.0, max: 2.0 },
];

pub(super) fn attribute_range(random: &mut Pcg64Mcg) -> AttributeRange {
    RANGES[index_below(RANGES.len(), random)]
}

/// Adds a price level, in seven of ten cases a rating, and in one of ten a service area with a radius of 500 m to 15 km.
pub(super) fn extended(merchant: Merchant, seed: u64, number: u64) -> Merchant {
    let mut random = rng_for(seed, EXTENSION, number);
    let price_level = f64::from(random.random_range(1..=4u32));
    let rating = f64::from(random.random_range(10..=50u32)) / 10.0;
    let has_rating = random.random_bool(0.7);
    let radius_m = f64::from(random.random_range(500..=15_000u32));
    let has_service_area = random.random_bool(0.1);
    let rating = has_rating.then(|| ("rating".to_owned(), rating));
    let attributes = rating.into_iter().chain([("price_level".to_owned(), price_level)]).collect();
    let service_area = has_service_area.then_some(ServiceArea { shape: Some(Shape::RadiusM(radius_m)) });
    Merchant { attributes, service_area, ..merchant }
}
