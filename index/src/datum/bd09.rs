//! BD-09, Baidu's datum: the offset of GCJ-02 with a further rotation and shift, in the area of [`super::area`]. It is that of
//! GCJ-02 and Taiwan; elsewhere BD-09 equals WGS-84, which Baidu uses abroad.

use std::f64::consts::PI;

use super::{
    Datum,
    area::{is_in_bounds, is_shifted_in_bd09},
    gcj02, invert,
    sealed::{Degrees, Sealed},
    within,
};

/// BD-09 in degrees (`bd09ll`), not Baidu's Mercator metres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bd09;

impl Datum for Bd09 {
    const NAME: &'static str = "BD-09";
}

impl Sealed for Bd09 {
    fn to_wgs84(given: Degrees) -> Degrees {
        if !is_in_bounds(given) {
            return given;
        }
        let wgs84 = invert(from_gcj02, given).and_then(gcj02::unshift);
        wgs84.and_then(|wgs84| within(is_shifted_in_bd09, wgs84)).unwrap_or(given)
    }

    fn from_wgs84(wgs84: Degrees) -> Degrees {
        if is_shifted_in_bd09(wgs84) { from_gcj02(gcj02::shift(wgs84)) } else { wgs84 }
    }
}

/// Baidu's constant shift in degrees north and east.
const SHIFT_NORTH_DEG: f64 = 0.006;
const SHIFT_EAST_DEG: f64 = 0.0065;

/// Applies the published formula from GCJ-02 to BD-09. The inverse is found by iteration: the closed form
/// that converters use is off by up to half a metre.
fn from_gcj02(gcj02: Degrees) -> Degrees {
    const WAVE: f64 = PI * 3_000.0 / 180.0;
    let (x, y) = (gcj02.longitude, gcj02.latitude);
    let radius = (x * x + y * y).sqrt() + 0.000_02 * libm::sin(y * WAVE);
    let (sin, cos) = libm::sincos(libm::atan2(y, x) + 0.000_003 * libm::cos(x * WAVE));
    Degrees { latitude: radius * sin + SHIFT_NORTH_DEG, longitude: radius * cos + SHIFT_EAST_DEG }
}
