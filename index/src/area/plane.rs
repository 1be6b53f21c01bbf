//! The ellipsoidal gnomonic plane at a point, in which geodesics are all but straight, and a fast approximation
//! of it.
//!
//! The exact projection (Karney, "Algorithms for geodesics", 2013, section 8) takes the inverse geodesic problem,
//! 1 to 2 µs. The approximation takes a dozen operations on earth-centred coordinates and is within
//! [`MAX_ERROR_M`] of it, so that only points near an edge need the exact one.

use std::sync::LazyLock;

use geo::Coord;
use geographiclib_rs::{Geodesic, InverseGeodesic};

use crate::{
    Ecef, Position, Wgs84,
    ecef::{WGS84_A_M, WGS84_E2},
};

/// Maximum distance in metres between the approximate and the exact projection of a point up to 50 km from the
/// centre, with a factor of two to spare; measured on 200,000 random pairs at all latitudes and azimuths.
pub(super) const MAX_ERROR_M: f64 = 0.1;

static WGS84: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// The gnomonic plane at a point: x points east, y north, in metres.
#[derive(Clone, PartialEq)]
pub(super) struct GnomonicPlane {
    center: Position<Wgs84>,
    center_m: [f64; 3],
    east: [f64; 3],
    north: [f64; 3],
    up: [f64; 3],
    /// Mean radius of curvature at the centre.
    radius_m: f64,
}

/// A point in a plane, and its geodesic distance from the centre.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projected {
    pub(super) point: Coord,
    pub(super) distance_m: f64,
}

impl GnomonicPlane {
    pub(super) fn at(center: Position<Wgs84>) -> Self {
        // As in the conversion to earth-centred coordinates, which maps all longitudes of a pole to one point:
        // the axes follow the given longitude there, as azimuths do.
        let (sin_lat, cos_lat) = libm::sincos(center.latitude_deg().to_radians());
        let (sin_lon, cos_lon) = libm::sincos(center.longitude_deg().to_radians());
        let w2 = 1.0 - WGS84_E2 * sin_lat * sin_lat;
        Self {
            center,
            center_m: Ecef::from(center).xyz_m(),
            east: [-sin_lon, cos_lon, 0.0],
            north: [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            up: [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
            radius_m: WGS84_A_M * (1.0 - WGS84_E2).sqrt() / w2,
        }
    }

    /// Projects a point. Returns `None` beyond the horizon, where the geodesic scale is not positive.
    pub(super) fn project(&self, point: Position<Wgs84>) -> Option<Projected> {
        let (from, to) = (self.center, point);
        let (distance_m, azimuth_deg, _, reduced_m, scale, _, _): (f64, f64, f64, f64, f64, f64, f64) =
            WGS84.inverse(from.latitude_deg(), from.longitude_deg(), to.latitude_deg(), to.longitude_deg());
        if scale <= 0.0 {
            return None;
        }
        let radius_m = reduced_m / scale;
        let (sin, cos) = libm::sincos(azimuth_deg.to_radians());
        Some(Projected { point: Coord { x: radius_m * sin, y: radius_m * cos }, distance_m })
    }

    /// Projects a point up to 50 km away, within [`MAX_ERROR_M`]: along the straight line from the centre of
    /// curvature.
    pub(super) fn project_fast(&self, point: Ecef) -> Coord {
        let [east, north, up] = self.components_m(point);
        let scale = self.radius_m / (self.radius_m + up);
        Coord { x: east * scale, y: north * scale }
    }

    /// Returns the offset of a point from the centre along east, north and up.
    pub(super) fn components_m(&self, point: Ecef) -> [f64; 3] {
        let offset_m = [0, 1, 2].map(|axis| point.xyz_m()[axis] - self.center_m[axis]);
        [&self.east, &self.north, &self.up].map(|axis| dot(axis, &offset_m))
    }

    pub(super) fn center_m(&self) -> [f64; 3] {
        self.center_m
    }

    /// Returns the unit vectors of x and y.
    pub(super) fn axes(&self) -> [[f64; 3]; 2] {
        [self.east, self.north]
    }
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use geographiclib_rs::DirectGeodesic;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_fast_projection_is_close_to_the_exact_one(
            z in -1.0f64..=1.0, lon in -180.0f64..=180.0, azimuth in 0.0f64..360.0, share in 0.0f64..=1.0,
        ) {
            let center = Position::<Wgs84>::new(z.asin().to_degrees(), lon).unwrap();
            let (lat, lon): (f64, f64) =
                WGS84.direct(center.latitude_deg(), center.longitude_deg(), azimuth, share * 50_000.0);
            let point = Position::<Wgs84>::new(lat, lon).unwrap();
            let plane = GnomonicPlane::at(center);
            let (exact, fast) = (plane.project(point).unwrap().point, plane.project_fast(point.into()));
            let error_m = (exact.x - fast.x).hypot(exact.y - fast.y);
            prop_assert!(error_m <= MAX_ERROR_M / 2.0, "{error_m} m at {} m", share * 50_000.0);
        }
    }
}
