//! A point in WGS-84 and planar displacements of it.

use nearby_proto::v1::{CoordinateSystem, Position};

/// Metres per degree of latitude: precise enough for placing merchants and clients.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// A point in degrees of WGS-84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoPoint {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

impl GeoPoint {
    /// Returns the point at a distance in a direction, approximately. Latitude is clamped to ±89.9°; longitude wraps at the
    /// antimeridian.
    #[must_use]
    pub fn destination(self, distance_m: f64, heading_deg: f64) -> Self {
        let heading = heading_deg.to_radians();
        self.offset(distance_m * libm::cos(heading), distance_m * libm::sin(heading))
    }

    /// Returns the point displaced to the north and to the east.
    #[must_use]
    pub fn offset(self, north_m: f64, east_m: f64) -> Self {
        let latitude = (self.latitude + north_m / METRES_PER_DEGREE).clamp(-89.9, 89.9);
        let shrink = libm::cos(latitude.to_radians());
        let longitude = self.longitude + east_m / (METRES_PER_DEGREE * shrink);
        let longitude = longitude - 360.0 * libm::floor((longitude + 180.0) / 360.0);
        Self { latitude, longitude }
    }
}

impl From<GeoPoint> for Position {
    fn from(point: GeoPoint) -> Self {
        Self {
            latitude: point.latitude,
            longitude: point.longitude,
            coordinate_system: CoordinateSystem::Wgs84.into(),
            accuracy_m: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displacement_wraps_at_the_antimeridian_and_stops_before_the_poles() {
        let edge = GeoPoint { latitude: 10.0, longitude: 179.999 };
        assert!(edge.offset(0.0, 1_000.0).longitude < -179.9);
        let back = edge.offset(0.0, 1_000.0).offset(0.0, -1_000.0);
        assert!((back.longitude - edge.longitude).abs() < 1e-9);
        assert!(GeoPoint { latitude: 89.8, longitude: 0.0 }.destination(1e6, 0.0).latitude <= 89.9);
    }
}
