//! Where the world is.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use crate::dataset::{Place, Source};

#[derive(Args, Clone, Debug)]
pub(super) struct CityOptions {
    /// Cities to take instead of our own: a CSV file with name,region_code,lat,lon,population
    #[arg(long, value_name = "FILE", conflicts_with = "around")]
    cities: Option<PathBuf>,

    /// One city of a million here instead, in decimal degrees of WGS-84
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    around: Option<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point(Place);

impl FromStr for Point {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be latitude and longitude with a comma between, such as 60.1719,24.9414";
        let (latitude, longitude) = text.split_once(',').ok_or(WRONG)?;
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| WRONG);
        let (latitude, longitude) = (number(latitude)?, number(longitude)?);
        if !(latitude.abs() <= 89.0 && longitude.abs() <= 180.0) {
            return Err("must lie within 89 degrees north and south and 180 degrees east and west");
        }
        Ok(Self(Place { latitude, longitude }))
    }
}

impl CityOptions {
    pub(super) fn source(&self) -> Source {
        match (&self.cities, self.around) {
            (Some(file), _) => Source::File(file.clone()),
            (None, Some(Point(place))) => Source::Around(place),
            (None, None) => Source::Ours,
        }
    }
}
