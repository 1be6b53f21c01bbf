//! Options for the cities of a dataset.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use crate::dataset::{CityError, Dataset, GeoPoint, Source};

#[derive(Args, Clone, Debug)]
pub(super) struct CityOptions {
    /// CSV file of cities instead of the built-in ones: name,region_code,lat,lon,population
    #[arg(long, value_name = "FILE", conflicts_with = "around")]
    cities: Option<PathBuf>,

    /// One city of a million inhabitants at this point instead, in decimal degrees of WGS-84
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    around: Option<Point>,

    /// Give merchants attributes, and one in ten a service area, which the scenarios `delivery` and `rated` search by: another dataset
    #[arg(long)]
    extended: bool,
}

#[derive(Clone, Copy, Debug)]
struct Point(GeoPoint);

impl FromStr for Point {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be latitude and longitude separated by a comma, such as 60.1719,24.9414";
        let (latitude, longitude) = text.split_once(',').ok_or(WRONG)?;
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| WRONG);
        let (latitude, longitude) = (number(latitude)?, number(longitude)?);
        if !(latitude.abs() <= 89.0 && longitude.abs() <= 180.0) {
            return Err("latitude must be within ±89 degrees and longitude within ±180 degrees");
        }
        Ok(Self(GeoPoint { latitude, longitude }))
    }
}

impl CityOptions {
    /// Returns the dataset of a seed and a number of merchants.
    pub(super) fn dataset(&self, seed: u64, merchants: u64) -> Result<Dataset, CityError> {
        let dataset = Dataset::new(seed, merchants, &self.source())?;
        Ok(if self.extended { dataset.extended() } else { dataset })
    }

    fn source(&self) -> Source {
        match (&self.cities, self.around) {
            (Some(file), _) => Source::File(file.clone()),
            (None, Some(Point(place))) => Source::Around(place),
            (None, None) => Source::BuiltIn,
        }
    }
}
