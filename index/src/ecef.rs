//! Earth-centred, earth-fixed (ECEF) coordinates in metres, and the only distance formula of the crate.

use std::fmt;

use crate::{Meters, Position, Wgs84};

/// Semi-major axis of WGS-84 in metres (EPSG:7030).
pub(crate) const WGS84_A_M: f64 = 6_378_137.0;
/// Flattening of WGS-84 (EPSG:7030).
const WGS84_F: f64 = 1.0 / 298.257_223_563;
/// First eccentricity of WGS-84, squared.
pub(crate) const WGS84_E2: f64 = WGS84_F * (2.0 - WGS84_F);
/// Mean radius of the earth in metres (IUGG, (2a + b) / 3), used in the correction from chord to arc.
const MEAN_RADIUS_M: f64 = 6_371_008.8;
/// 1 / 24R², in 1/m²: relative excess of the arc over the chord, per square metre of squared chord.
pub(crate) const ARC_TERM: f64 = 1.0 / (24.0 * MEAN_RADIUS_M * MEAN_RADIUS_M);

/// Grid spacing of all coordinates: 2⁻²⁰ m, just under a micrometre. On a grid, the difference of two
/// neighbouring points is a small integer, which the tree stores in four bytes instead of eight without loss.
pub(crate) const GRID_M: f64 = 1.0 / 1_048_576.0;

/// A point on the WGS-84 ellipsoid as x, y, z in metres from the earth's centre (EPSG:4978, height 0),
/// rounded to a multiple of 2⁻²⁰ m.
///
/// In these coordinates the poles and the antimeridian need no special cases, and the straight chord between
/// two points orders them as the geodesic does.
#[derive(Clone, Copy, PartialEq)]
pub struct Ecef([f64; 3]);

impl Ecef {
    /// Wraps coordinates of an existing point, which lie on the grid already.
    pub(crate) fn from_grid(xyz_m: [f64; 3]) -> Self {
        debug_assert!(xyz_m.iter().all(|axis_m| (axis_m / GRID_M).fract() == 0.0));
        Self(xyz_m)
    }

    /// Returns x, y and z in metres.
    #[must_use]
    pub const fn xyz_m(self) -> [f64; 3] {
        self.0
    }

    /// Returns the squared length of the straight chord to another point, in m².
    #[must_use]
    #[inline]
    pub fn chord2_m2(self, other: Self) -> f64 {
        let [dx, dy, dz] = [0, 1, 2].map(|axis| self.0[axis] - other.0[axis]);
        dx * dx + dy * dy + dz * dz
    }

    /// Returns the distance along the ellipsoid to another point, up to 50 km away.
    ///
    /// The error against the geodesic is at most 2.3e-6 m at 5 km and 1.4e-3 m at 50 km, at all latitudes and
    /// azimuths, measured on 20,000 random pairs each; tests enforce 3e-6 m and 2e-3 m. Not valid at longer
    /// distances.
    #[must_use]
    pub fn distance(self, other: Self) -> Meters {
        distance_of_chord2(self.chord2_m2(other))
    }
}

/// Omits the coordinates: the origin of a query is a person's position, and `{:?}` output ends up in logs.
impl fmt::Debug for Ecef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ecef(..)")
    }
}

impl From<Position<Wgs84>> for Ecef {
    fn from(position: Position<Wgs84>) -> Self {
        let (latitude, longitude) = (position.latitude_deg(), position.longitude_deg());
        // A pole and the antimeridian have several representations in degrees. Map each to one point, so that
        // its distance from itself is 0: in floating point, cos(π/2) and sin(π) would leave a nanometre
        // between them.
        let (sin_lat, cos_lat) = match latitude {
            90.0 => (1.0, 0.0),
            -90.0 => (-1.0, 0.0),
            _ => libm::sincos(latitude.to_radians()),
        };
        let (sin_lon, cos_lon) = match longitude {
            180.0 | -180.0 => (0.0, -1.0),
            _ => libm::sincos(longitude.to_radians()),
        };
        // Radius of curvature in the prime vertical: EPSG Guidance Note 7-2, method 9602.
        let nu_m = WGS84_A_M / (1.0 - WGS84_E2 * sin_lat * sin_lat).sqrt();
        let xyz_m = [nu_m * cos_lat * cos_lon, nu_m * cos_lat * sin_lon, nu_m * (1.0 - WGS84_E2) * sin_lat];
        // Adding zero turns -0 into 0, so that equal points have equal bits.
        Self(xyz_m.map(|axis_m| (axis_m / GRID_M).round() * GRID_M + 0.0))
    }
}

/// Converts a squared chord (m²) to metres along the ellipsoid: `c · (1 + c² / 24R²)`, the first terms of
/// `2R · asin(c / 2R)`.
///
/// Monotonic in floating point too: every step (square root, multiplication by a constant, adding 1, product
/// of two non-negative monotonic factors) is correctly rounded, and rounding preserves order. The search
/// prunes by squared chords and relies on this.
#[inline(always)]
pub(crate) fn distance_of_chord2(chord2_m2: f64) -> Meters {
    Meters::from_valid(chord2_m2.sqrt() * (1.0 + chord2_m2 * ARC_TERM))
}

#[cfg(test)]
mod tests {
    use geo::{Destination, Distance, Geodesic, Point};
    use proptest::prelude::*;

    use super::*;

    fn wgs84(latitude: f64, longitude: f64) -> Ecef {
        Position::<Wgs84>::new(latitude, longitude).unwrap().into()
    }

    #[test]
    fn known_points_have_known_coordinates() {
        assert_eq!(wgs84(0.0, 0.0).xyz_m(), [WGS84_A_M, 0.0, 0.0]);
        let [x, y, z] = wgs84(90.0, 12.0).xyz_m();
        assert_eq!([x, y], [0.0, 0.0]);
        assert!((z - 6_356_752.314_245).abs() < 1e-6, "WGS-84 polar radius, got {z}");
    }

    #[test]
    fn debug_omits_coordinates() {
        assert_eq!(format!("{:?}", wgs84(39.9, 116.4)), "Ecef(..)");
    }

    #[test]
    fn poles_and_antimeridian_have_one_representation() {
        assert_eq!(wgs84(90.0, -180.0).distance(wgs84(90.0, 77.0)), Meters::ZERO);
        assert_eq!(wgs84(-17.0, 180.0).distance(wgs84(-17.0, -180.0)), Meters::ZERO);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn coordinates_lie_on_the_grid(latitude in -90.0f64..=90.0, longitude in -180.0f64..=180.0) {
            for axis_m in wgs84(latitude, longitude).xyz_m() {
                prop_assert_eq!((axis_m / GRID_M).fract(), 0.0);
                prop_assert!(axis_m != 0.0 || axis_m.is_sign_positive());
            }
        }

        #[test]
        fn distance_matches_the_geodesic(
            z in -1.0f64..=1.0, lon in -180.0f64..=180.0, azimuth in 0.0f64..360.0, far in any::<bool>(),
            share in 0.0f64..=1.0,
        ) {
            let (reach_m, tolerance_m) = if far { (50_000.0, 2e-3) } else { (5_000.0, 3e-6) };
            let from = Point::new(lon, z.asin().to_degrees());
            let to = Geodesic.destination(from, azimuth, share * reach_m);
            let geodesic_m = Geodesic.distance(from, to);
            let ours_m = wgs84(from.y(), from.x()).distance(wgs84(to.y(), to.x())).get();
            prop_assert!((ours_m - geodesic_m).abs() <= tolerance_m, "ours {ours_m}, geodesic {geodesic_m}");
        }

        #[test]
        fn distance_is_monotonic_in_the_chord(chord2 in 0.0f64..3e9) {
            prop_assert!(distance_of_chord2(chord2) <= distance_of_chord2(chord2.next_up()));
        }
    }
}
