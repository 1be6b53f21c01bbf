//! GCJ-02, China's national offset datum, as public converters compute it.
//!
//! The transformation is unpublished. The formula below is the recovered one, which AMap, Tencent and Google maps agree with to
//! about a metre. It applies in the area of [`super::area`]: the mainland, Hong Kong and Macau. Elsewhere GCJ-02 equals WGS-84, so
//! that a position of a phone that does not shift abroad may keep the label. At the edge of the area positions overlap: up to 700 m
//! outside, a shifted point and an unshifted one may have the same GCJ-02 position, which then means the shifted one.

use std::f64::consts::PI;

use super::{
    Datum,
    area::{is_in_bounds, is_shifted_in_gcj02},
    invert,
    sealed::{Degrees, Sealed},
    within,
};

/// GCJ-02, also called Mars coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gcj02;

impl Datum for Gcj02 {
    const NAME: &'static str = "GCJ-02";
}

impl Sealed for Gcj02 {
    fn to_wgs84(given: Degrees) -> Degrees {
        if !is_in_bounds(given) {
            return given;
        }
        // The area is that of WGS-84 positions, so the offset is removed first.
        unshift(given).and_then(|wgs84| within(is_shifted_in_gcj02, wgs84)).unwrap_or(given)
    }

    fn from_wgs84(wgs84: Degrees) -> Degrees {
        if is_shifted_in_gcj02(wgs84) { shift(wgs84) } else { wgs84 }
    }
}

/// Applies the offset, wherever the point is.
pub(super) fn shift(wgs84: Degrees) -> Degrees {
    /// Semi-major axis of the Krasovsky 1940 ellipsoid in metres (EPSG:7024).
    const KRASOVSKY_A_M: f64 = 6_378_245.0;
    /// First eccentricity squared of that ellipsoid, with the digits that converters use.
    const KRASOVSKY_E2: f64 = 0.006_693_421_622_965_943;

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

/// Removes the offset.
pub(super) fn unshift(gcj02: Degrees) -> Option<Degrees> {
    invert(shift, gcj02)
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
