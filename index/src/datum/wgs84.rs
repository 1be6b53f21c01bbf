//! WGS-84: the datum to which all positions are converted.

use super::{
    Datum,
    sealed::{Degrees, Sealed},
};

/// The World Geodetic System 1984, EPSG:4326.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wgs84;

impl Datum for Wgs84 {
    const NAME: &'static str = "WGS-84";
}

impl Sealed for Wgs84 {
    fn to_wgs84(given: Degrees) -> Degrees {
        given
    }

    fn from_wgs84(wgs84: Degrees) -> Degrees {
        wgs84
    }
}
