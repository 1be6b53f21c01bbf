//! Where people live.

use std::{io::Read, path::PathBuf};

use rand::RngExt;
use serde::Deserialize;
use thiserror::Error;

use super::{Place, random_of};

/// A city, as a row of the file.
#[derive(Clone, Debug, Deserialize)]
pub struct City {
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-2 code of its country.
    pub region_code: String,
    /// Degrees north, of WGS-84.
    pub lat: f64,
    /// Degrees east, of WGS-84.
    pub lon: f64,
    /// How many people live there.
    pub population: f64,
}

/// Where cities come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// This crate's: 160 large ones, and small towns that no file names around them.
    Ours,
    /// A CSV file's, and nothing around them.
    File(PathBuf),
    /// One city of a million around a point.
    Around(Place),
}

/// Why there are no cities.
#[derive(Debug, Error)]
pub enum CityError {
    /// The file cannot be read.
    #[error("cannot read the cities: {0}; the file needs the columns name,region_code,lat,lon,population")]
    Unreadable(#[from] csv::Error),
    /// A row is not a city.
    #[error("row {0} of the cities has no place on the earth or no population above 0")]
    Impossible(usize),
    /// It has none.
    #[error("the file has no city")]
    None,
}

const WITHIN: &str = include_str!("../../data/cities.csv");

/// Towns that no file names, around the cities.
const TOWNS: u32 = 2_000;
/// The part of all people who live in them.
const TOWN_SHARE: f64 = 0.25;

/// The cities, then the towns, each with its part of all people.
#[derive(Debug)]
pub(super) struct Cities {
    named: Vec<City>,
    settlements: Vec<Settlement>,
}

/// A city or a town.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settlement {
    pub(super) center: Place,
    /// Standard deviation of distances from the centre along each axis, in metres.
    pub(super) spread_m: f64,
    /// How many streets have shops, and how many malls there are.
    pub(super) streets: u32,
    pub(super) malls: u32,
    share_up_to: f64,
    /// The city whose region it belongs to.
    city: usize,
}

impl Cities {
    pub(super) fn load(source: &Source, seed: u64) -> Result<Self, CityError> {
        let named = match source {
            Source::Ours => parse(csv::Reader::from_reader(WITHIN.as_bytes()))?,
            Source::File(file) => parse(csv::Reader::from_path(file)?)?,
            Source::Around(place) => vec![City::around(*place)],
        };
        let mut settlements: Vec<Settlement> = named
            .iter()
            .enumerate()
            .map(|(at, city)| settlement(at, city.center(), city.population))
            .collect();
        if matches!(source, Source::Ours) {
            let people: f64 = named.iter().map(|city| city.population).sum();
            settlements.extend(towns(&named, seed, people * TOWN_SHARE / (1.0 - TOWN_SHARE)));
        }
        let total: f64 = settlements.iter().map(|settlement| settlement.share_up_to).sum();
        let mut up_to = 0.0;
        for settlement in &mut settlements {
            up_to += settlement.share_up_to / total;
            settlement.share_up_to = up_to;
        }
        Ok(Self { named, settlements })
    }

    /// Which settlement a number of 0 to 1 stands for.
    pub(super) fn pick(&self, share: f64) -> usize {
        let at = self.settlements.partition_point(|settlement| settlement.share_up_to < share);
        at.min(self.settlements.len() - 1)
    }

    pub(super) fn settlement(&self, at: usize) -> &Settlement {
        &self.settlements[at]
    }

    /// The city of a settlement, or the one a town lies near.
    pub(super) fn of(&self, settlement: usize) -> City {
        self.named[self.settlements[settlement].city].clone()
    }
}

impl City {
    fn around(place: Place) -> Self {
        let Place { latitude: lat, longitude: lon } = place;
        Self { name: "Here".to_owned(), region_code: "FI".to_owned(), lat, lon, population: 1e6 }
    }

    fn center(&self) -> Place {
        Place { latitude: self.lat, longitude: self.lon }
    }
}

fn parse(mut rows: csv::Reader<impl Read>) -> Result<Vec<City>, CityError> {
    let mut cities = Vec::new();
    for (row, city) in rows.deserialize::<City>().enumerate() {
        let city = city?;
        let is_possible = city.lat.abs() <= 90.0 && city.lon.abs() <= 180.0 && city.population > 0.0;
        if !is_possible || !city.population.is_finite() {
            return Err(CityError::Impossible(row + 1));
        }
        cities.push(city);
    }
    if cities.is_empty() { Err(CityError::None) } else { Ok(cities) }
}

/// The `share_up_to` of what this returns is still the number of people.
fn settlement(city: usize, center: Place, people: f64) -> Settlement {
    let at_least = |number: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of 1 to some thousands")]
        let number = number.clamp(1.0, 1e6) as u32;
        number
    };
    Settlement {
        center,
        // 1.2 km for 30,000 people, 11 km for 37 million.
        spread_m: (20.0 * libm::pow(people, 0.37)).clamp(500.0, 14_000.0),
        streets: at_least(people / 4_000.0),
        malls: at_least(people / 400_000.0),
        share_up_to: people,
        city,
    }
}

/// Towns 20 to 150 km from cities, the n-th with people in proportion to n^-0.9 (Zipf).
fn towns(cities: &[City], seed: u64, people: f64) -> Vec<Settlement> {
    let weight = |rank: u32| libm::pow(f64::from(rank), -0.9);
    let total: f64 = (1..=TOWNS).map(weight).sum();
    let mut random = random_of(seed, KIND, 0);
    let town = |rank| {
        let near = random.random_range(0..cities.len() as u64);
        let near = usize::try_from(near).unwrap_or_default();
        let (away_m, heading) = (random.random_range(20_000.0..150_000.0), random.random_range(0.0..360.0));
        settlement(near, cities[near].center().at(away_m, heading), people * weight(rank) / total)
    };
    (1..=TOWNS).map(town).collect()
}

const KIND: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ones_own_is_taken_and_a_wrong_row_is_named() {
        let parse = |text: &str| parse(csv::Reader::from_reader(text.as_bytes()));
        let head = "name,region_code,lat,lon,population\n";
        assert_eq!(parse(&format!("{head}Espoo,FI,60.2,24.6,300000\n")).unwrap().len(), 1);
        let wrong = parse(&format!("{head}Espoo,FI,60.2,24.6,300000\nNowhere,FI,95,0,1\n")).unwrap_err();
        assert!(wrong.to_string().starts_with("row 2 "), "{wrong}");
        assert!(matches!(parse(head), Err(CityError::None)));
        assert!(parse("a,b\n1,2\n").unwrap_err().to_string().contains("columns name,region_code"));
    }

    #[test]
    fn shares_end_at_one_and_large_cities_have_more() {
        let cities = Cities::load(&Source::Ours, 1).unwrap();
        assert!((cities.settlements.last().unwrap().share_up_to - 1.0).abs() < 1e-9);
        assert_eq!(cities.of(cities.pick(0.0)).name, "Tokyo");
        assert_eq!(cities.pick(1.0), cities.settlements.len() - 1);
    }
}
