//! Cities and towns with their populations.

use std::{io::Read, path::PathBuf};

use rand::RngExt;
use serde::Deserialize;
use thiserror::Error;

use super::geo_point::GeoPoint;
use crate::random::rng_for;

/// A city: one row of the CSV file.
#[derive(Clone, Debug, Deserialize)]
pub struct City {
    /// Name.
    pub name: String,
    /// ISO 3166-1 alpha-2 country code.
    pub region_code: String,
    /// Degrees north, of WGS-84.
    pub lat: f64,
    /// Degrees east, of WGS-84.
    pub lon: f64,
    /// Number of inhabitants.
    pub population: f64,
}

/// Source of the cities.
#[derive(Clone, Debug)]
pub enum Source {
    /// The built-in list of 160 large cities, with 2,000 generated towns around them.
    BuiltIn,
    /// A CSV file, without generated towns.
    File(PathBuf),
    /// One city of a million inhabitants around a point.
    Around(GeoPoint),
}

/// Errors of loading cities.
#[derive(Debug, Error)]
pub enum CityError {
    /// The file cannot be read or parsed.
    #[error("cannot read cities: {0}; required columns: name,region_code,lat,lon,population")]
    Unreadable(#[from] csv::Error),
    /// A row has invalid coordinates or no inhabitants.
    #[error("row {0} of the cities is invalid: coordinates must be on the earth and population above 0")]
    InvalidRow(usize),
    /// The file has no rows.
    #[error("the cities file has no rows")]
    Empty,
}

const BUILT_IN: &str = include_str!("../../data/cities.csv");

/// Number of generated towns around the built-in cities.
const TOWNS: u32 = 2_000;
/// Share of the total population that lives in generated towns.
const TOWN_SHARE: f64 = 0.25;

/// The cities, then the towns, each with its share of the population.
#[derive(Debug)]
pub(super) struct Cities {
    named: Vec<City>,
    settlements: Vec<Settlement>,
}

/// A city or a town.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settlement {
    pub(super) center: GeoPoint,
    /// Standard deviation of distances from the centre along each axis, in metres.
    pub(super) spread_m: f64,
    /// Number of shopping streets and of malls.
    pub(super) streets: u32,
    pub(super) malls: u32,
    /// Cumulative share of the population, up to and including this settlement.
    cumulative_share: f64,
    /// Index of the city whose region it belongs to.
    city: usize,
}

impl Cities {
    pub(super) fn load(source: &Source, seed: u64) -> Result<Self, CityError> {
        let named = match source {
            Source::BuiltIn => parse(csv::Reader::from_reader(BUILT_IN.as_bytes()))?,
            Source::File(file) => parse(csv::Reader::from_path(file)?)?,
            Source::Around(point) => vec![City::around(*point)],
        };
        let mut settlements: Vec<Settlement> = named
            .iter()
            .enumerate()
            .map(|(at, city)| settlement(at, city.center(), city.population))
            .collect();
        if matches!(source, Source::BuiltIn) {
            let people: f64 = named.iter().map(|city| city.population).sum();
            settlements.extend(towns(&named, seed, people * TOWN_SHARE / (1.0 - TOWN_SHARE)));
        }
        let total: f64 = settlements.iter().map(|settlement| settlement.cumulative_share).sum();
        let mut up_to = 0.0;
        for settlement in &mut settlements {
            up_to += settlement.cumulative_share / total;
            settlement.cumulative_share = up_to;
        }
        Ok(Self { named, settlements })
    }

    /// Returns the settlement at a cumulative population share of 0 to 1.
    pub(super) fn pick(&self, share: f64) -> usize {
        let at = self.settlements.partition_point(|settlement| settlement.cumulative_share < share);
        at.min(self.settlements.len() - 1)
    }

    pub(super) fn settlement(&self, at: usize) -> &Settlement {
        &self.settlements[at]
    }

    /// Returns the city of a settlement; for a town, the city nearby.
    pub(super) fn of(&self, settlement: usize) -> City {
        self.named[self.settlements[settlement].city].clone()
    }
}

impl City {
    fn around(point: GeoPoint) -> Self {
        let GeoPoint { latitude: lat, longitude: lon } = point;
        Self { name: "Here".to_owned(), region_code: "FI".to_owned(), lat, lon, population: 1e6 }
    }

    fn center(&self) -> GeoPoint {
        GeoPoint { latitude: self.lat, longitude: self.lon }
    }
}

fn parse(mut rows: csv::Reader<impl Read>) -> Result<Vec<City>, CityError> {
    let mut cities = Vec::new();
    for (row, city) in rows.deserialize::<City>().enumerate() {
        let city = city?;
        let is_on_earth = city.lat.abs() <= 90.0 && city.lon.abs() <= 180.0 && city.population > 0.0;
        if !is_on_earth || !city.population.is_finite() {
            return Err(CityError::InvalidRow(row + 1));
        }
        cities.push(city);
    }
    if cities.is_empty() { Err(CityError::Empty) } else { Ok(cities) }
}

/// Creates a settlement whose `cumulative_share` is still its population: [`Cities::load`] normalizes it.
fn settlement(city: usize, center: GeoPoint, people: f64) -> Settlement {
    let at_least = |number: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=1e6")]
        let number = number.clamp(1.0, 1e6) as u32;
        number
    };
    Settlement {
        center,
        // 1.2 km for 30,000 inhabitants, 11 km for 37 million.
        spread_m: (20.0 * libm::pow(people, 0.37)).clamp(500.0, 14_000.0),
        streets: at_least(people / 4_000.0),
        malls: at_least(people / 400_000.0),
        cumulative_share: people,
        city,
    }
}

/// Generates towns 20 to 150 km from cities; the population of the n-th is proportional to n^-0.9 (Zipf).
fn towns(cities: &[City], seed: u64, people: f64) -> Vec<Settlement> {
    let weight = |rank: u32| libm::pow(f64::from(rank), -0.9);
    let total: f64 = (1..=TOWNS).map(weight).sum();
    let mut random = rng_for(seed, KIND, 0);
    let town = |rank| {
        let near = random.random_range(0..cities.len() as u64);
        let near = usize::try_from(near).unwrap_or_default();
        let (distance_m, heading) =
            (random.random_range(20_000.0..150_000.0), random.random_range(0.0..360.0));
        settlement(
            near,
            cities[near].center().destination(distance_m, heading),
            people * weight(rank) / total,
        )
    };
    (1..=TOWNS).map(town).collect()
}

/// Random stream of this module (see [`rng_for`]).
const KIND: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_cities_file_loads_and_an_invalid_row_is_reported_by_number() {
        let parse = |text: &str| parse(csv::Reader::from_reader(text.as_bytes()));
        let head = "name,region_code,lat,lon,population\n";
        assert_eq!(parse(&format!("{head}Espoo,FI,60.2,24.6,300000\n")).unwrap().len(), 1);
        let wrong = parse(&format!("{head}Espoo,FI,60.2,24.6,300000\nNowhere,FI,95,0,1\n")).unwrap_err();
        assert!(wrong.to_string().starts_with("row 2 "), "{wrong}");
        assert!(matches!(parse(head), Err(CityError::Empty)));
        assert!(parse("a,b\n1,2\n").unwrap_err().to_string().contains("columns: name,region_code"));
    }

    #[test]
    fn cumulative_shares_end_at_one_and_the_largest_city_comes_first() {
        let cities = Cities::load(&Source::BuiltIn, 1).unwrap();
        assert!((cities.settlements.last().unwrap().cumulative_share - 1.0).abs() < 1e-9);
        assert_eq!(cities.of(cities.pick(0.0)).name, "Tokyo");
        assert_eq!(cities.pick(1.0), cities.settlements.len() - 1);
    }
}
