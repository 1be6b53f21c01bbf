//! Attributes of a merchant other than its location.

use nearby_proto::v1::{Merchant, OpeningHours, PostalAddress, Visibility, WeeklyPeriod};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::{cities::City, geo_point::GeoPoint};
use crate::random::{index_below, rng_for, splitmix64};

/// Name prefix of merchants that only the load writes: no verified answer depends on them.
pub(crate) const LOAD_ONLY_PREFIX: &str = "merchants/load-";

/// Random stream of this module (see [`rng_for`]).
const SHOP: u64 = 5;
const BRANDS: u32 = 5_000;

/// Categories, most frequent first.
const CATEGORIES: [&str; 48] = [
    "amenity/restaurant",
    "shop/convenience",
    "amenity/cafe",
    "shop/clothes",
    "amenity/fast_food",
    "shop/hairdresser",
    "shop/supermarket",
    "amenity/bar",
    "amenity/pharmacy",
    "shop/bakery",
    "shop/mobile_phone",
    "shop/beauty",
    "amenity/bank",
    "amenity/dentist",
    "shop/shoes",
    "shop/jewelry",
    "shop/optician",
    "shop/florist",
    "shop/books",
    "shop/electronics",
    "shop/furniture",
    "shop/greengrocer",
    "shop/butcher",
    "shop/hardware",
    "shop/laundry",
    "amenity/clinic",
    "amenity/fuel",
    "shop/car_repair",
    "shop/bicycle",
    "shop/pet",
    "shop/stationery",
    "shop/toys",
    "shop/tea",
    "shop/seafood",
    "shop/wine",
    "shop/gift",
    "shop/sports",
    "amenity/veterinary",
    "amenity/cinema",
    "tourism/hotel",
    "shop/tailor",
    "shop/music",
    "shop/antiques",
    "shop/art",
    "shop/watches",
    "shop/fabric",
    "shop/locksmith",
    "shop/model",
];
const SERVICES: [&str; 8] =
    ["delivery", "takeaway", "wheelchair", "card", "outdoor_seating", "wifi", "reservation", "parking"];
const STREETS: [&str; 12] = [
    "Main Street",
    "Market Street",
    "Station Road",
    "人民路",
    "中山路",
    "Rua Augusta",
    "Avenida Central",
    "Ring Road",
    "Mannerheimintie",
    "Hauptstraße",
    "Rue de la Gare",
    "MG Road",
];
const WORDS: [&str; 16] = [
    "Golden", "Corner", "Old", "New", "Happy", "老王", "Lucky", "Royal", "Green", "Blue", "小城", "Little",
    "Grand", "Sunny", "Twin", "Silver",
];

pub(super) fn category(rank: usize) -> &'static str {
    CATEGORIES[rank.min(CATEGORIES.len() - 1)]
}

/// Returns a word with which many display names begin.
pub(super) fn word(random: &mut Pcg64Mcg) -> &'static str {
    WORDS[index_below(WORDS.len(), random)]
}

/// Returns a resource name. Like clients' ids, names are in no order; the merchant's number comes last.
pub(super) fn name(seed: u64, number: u64) -> String {
    format!("merchants/{:06x}-{number}", splitmix64(seed ^ splitmix64(number)) >> 40)
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("merchants/")?.split_once('-')?.1.parse().ok()
}

pub(super) fn is_visible(seed: u64, number: u64) -> bool {
    !splitmix64(seed ^ splitmix64(number)).is_multiple_of(100)
}

pub(super) fn merchant(seed: u64, number: u64, place: GeoPoint, city: &City) -> Merchant {
    let mut random = rng_for(seed, SHOP, number);
    let category = CATEGORIES[zipf(CATEGORIES.len(), &mut random)];
    let word = WORDS[index_below(WORDS.len(), &mut random)];
    let kind = category.rsplit('/').next().unwrap_or_default().replace('_', " ");
    let brand = random.random_bool(0.33).then(|| brand(&mut random));
    let street = STREETS[index_below(STREETS.len(), &mut random)];
    let house = random.random_range(1..400u32);
    let hours = random.random_bool(0.8).then(|| hours(&mut random));
    let is_visible = is_visible(seed, number);
    Merchant {
        name: name(seed, number),
        display_name: brand
            .as_ref()
            .map_or_else(|| format!("{word} {kind} {number}"), |brand| format!("{brand} {house}")),
        brand: brand.unwrap_or_default(),
        categories: vec![category.to_owned()],
        services: SERVICES.iter().filter(|_| random.random_bool(0.25)).map(|&name| name.to_owned()).collect(),
        position: Some(place.into()),
        address: Some(PostalAddress {
            region_code: city.region_code.clone(),
            locality: city.name.clone(),
            address_lines: vec![format!("{street} {house}")],
            ..Default::default()
        }),
        phone: if random.random_bool(0.5) {
            format!("+358{:09}", random.random_range(0..1_000_000_000u32))
        } else {
            String::new()
        },
        opening_hours: hours,
        website_uri: if random.random_bool(0.3) {
            format!("https://shop{number}.example/")
        } else {
            String::new()
        },
        visibility: if is_visible { Visibility::Visible } else { Visibility::Hidden }.into(),
        ..Default::default()
    }
}

/// Returns whether a merchant of a dataset is open at a time in seconds since 1970; `None` if it has no opening hours. All
/// hours of datasets are weekly and in UTC.
pub(crate) fn is_open_at(merchant: &Merchant, at_s: i64) -> Option<bool> {
    const WEEK_MIN: i64 = 7 * 1_440;
    // 1970 began on a Thursday, the fourth day of a week that begins on Monday.
    let minute = (at_s.div_euclid(60) + 3 * 1_440).rem_euclid(WEEK_MIN);
    let hours = merchant.opening_hours.as_ref()?;
    let covers = |period: &WeeklyPeriod| {
        let start = i64::from(period.weekday - 1) * 1_440 + i64::from(period.start_minute);
        (minute - start).rem_euclid(WEEK_MIN) < i64::from(period.length_minutes)
    };
    Some(hours.weekly_periods.iter().any(covers))
}

/// Picks a brand by Zipf's law with exponent 1: the largest has a ninth of all branded merchants, half of the brands a few.
fn brand(random: &mut Pcg64Mcg) -> String {
    let rank = zipf(BRANDS as usize, random);
    format!("{} {rank}", WORDS[rank % WORDS.len()])
}

/// Returns an index below `count`, the n-th approximately in proportion to 1/n.
fn zipf(count: usize, random: &mut Pcg64Mcg) -> usize {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let share: f64 = random.random_range(0.0..1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to the count")]
    let rank = libm::pow(f64::from(count) + 1.0, share) as u32;
    (rank.clamp(1, count) - 1) as usize
}

fn hours(random: &mut Pcg64Mcg) -> OpeningHours {
    let (start, length) = match random.random_range(0..4) {
        0 => (480, 600),
        1 => (600, 540),
        2 => (660, 720),
        _ => (0, 1_440),
    };
    let days = if random.random_bool(0.5) { 1..=7 } else { 1..=6 };
    let period = |weekday| WeeklyPeriod { weekday, start_minute: start, length_minutes: length };
    OpeningHours {
        time_zone: "UTC".to_owned(),
        weekly_periods: days.map(period).collect(),
        ..Default::default()
    }
}
