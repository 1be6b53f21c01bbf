//! GCJ-02, China's national offset datum, as public converters compute it.
//!
//! The transformation is unpublished. The formula below is the recovered one, which AMap, Tencent and Google
//! maps agree with to about a metre. It applies inside a rectangle, not inside China's border: the rectangle
//! also covers Mongolia, Korea, Taiwan, Hong Kong, Macau and parts of India and South-East Asia. A position
//! there that is labelled GCJ-02 is converted like any other; a source that does not apply the offset there
//! must label its positions WGS-84. Within a kilometre of the rectangle's edge, two points may map to the
//! same GCJ-02 position; a GCJ-02 position to which no point maps is returned unchanged.

use std::f64::consts::PI;

use super::{
    Datum, invert,
    sealed::{Degrees, Sealed},
};

/// GCJ-02, also called Mars coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcj02;

impl Datum for Gcj02 {
    const NAME: &'static str = "GCJ-02";
}

impl Sealed for Gcj02 {
    fn to_wgs84(given: Degrees) -> Degrees {
        if !in_area(given) {
            return given;
        }
        invert(Self::from_wgs84, given).unwrap_or(given)
    }

    fn from_wgs84(wgs84: Degrees) -> Degrees {
        /// Semi-major axis of the Krasovsky 1940 ellipsoid in metres (EPSG:7024).
        const KRASOVSKY_A_M: f64 = 6_378_245.0;
        /// First eccentricity squared of that ellipsoid, with the digits that converters use.
        const KRASOVSKY_E2: f64 = 0.006_693_421_622_965_943;

        if !in_area(wgs84) {
            return wgs84;
        }
        let (north_m, east_m) = offset_m(wgs84.longitude - 105.0, wgs84.latitude - 35.0);
        let latitude_rad = wgs84.latitude.to_radians();
        let sin_lat = libm::sin(latitude_rad);
        let w2 = 1.0 - KRASOVSKY_E2 * sin_lat * sin_lat;
        let meridian_radius_m = KRASOVSKY_A_M * (1.0 - KRASOVSKY_E2) / (w2 * w2.sqrt());
        let parallel_radius_m = KRASOVSKY_A_M / w2.sqrt() * libm::cos(latitude_rad);
        Degrees {
            latitude: wgs84.latitude + (north_m / meridian_radius_m).to_degrees(),
            longitude: wgs84.longitude + (east_m / parallel_radius_m).to_degrees(),
        }
    }
}

/// Returns whether a point lies in the rectangle in which the offset applies.
fn in_area(point: Degrees) -> bool {
    (0.8293..=55.8271).contains(&point.latitude) && (72.004..=137.8347).contains(&point.longitude)
}

/// Returns the offset in metres north and east; x and y are degrees from 105° E, 35° N.
fn offset_m(x: f64, y: f64) -> (f64, f64) {
    /// Sum of two sine waves along one axis; amplitudes in metres, arguments in half turns.
    fn waves(amplitudes_m: [f64; 2], half_turns: [f64; 2]) -> f64 {
        let [a, b] = [0, 1].map(|i| amplitudes_m[i] * libm::sin(half_turns[i] * PI));
        (a + b) * 2.0 / 3.0
    }
    let common = waves([20.0, 20.0], [6.0 * x, 2.0 * x]);
    let root = x.abs().sqrt();
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + common
        + waves([20.0, 40.0], [y, y / 3.0])
        + waves([160.0, 320.0], [y / 12.0, y / 30.0]);
    let east_m = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + common
        + waves([20.0, 40.0], [x, x / 3.0])
        + waves([150.0, 300.0], [x / 12.0, x / 30.0]);
    (north_m, east_m)
}
