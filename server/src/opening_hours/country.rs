//! The country of a position.

use std::sync::LazyLock;

use country_boundaries::{BOUNDARIES_ODBL_180X90, CountryBoundaries, LatLon};
use nearby_index::{Position, Wgs84};

/// Borders of OpenStreetMap, simplified, in 516 kB; read at first use.
static BOUNDARIES: LazyLock<Option<CountryBoundaries>> =
    LazyLock::new(|| CountryBoundaries::from_reader(BOUNDARIES_ODBL_180X90).ok());

/// Returns the ISO 3166-1 alpha-2 code of the country at a position. `None` on the high seas. Near a border it may be the neighbour.
pub(crate) fn country_at(position: Position<Wgs84>) -> Option<[u8; 2]> {
    let at = LatLon::new(position.latitude_deg(), position.longitude_deg()).ok()?;
    // Also lists subdivisions such as `US-NY`, the smallest region first.
    let codes = BOUNDARIES.as_ref()?.ids(at);
    // A territory such as Hong Kong lies in China too, and has holidays of its own: the smallest region decides.
    codes.into_iter().find_map(region_code)
}

/// Parses the code of a country: two capitals.
pub(crate) fn region_code(code: &str) -> Option<[u8; 2]> {
    let code: [u8; 2] = code.as_bytes().try_into().ok()?;
    code.iter().all(u8::is_ascii_uppercase).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_in_their_countries() {
        for (latitude, longitude, code) in [
            (60.17, 24.94, Some(*b"FI")),
            (31.23, 121.47, Some(*b"CN")),
            (22.28, 114.16, Some(*b"HK")),
            (22.20, 113.55, Some(*b"MO")),
            (25.03, 121.56, Some(*b"TW")),
            (1.29, 103.85, Some(*b"SG")),
            (40.71, -74.01, Some(*b"US")),
            (50.0, -30.0, None),
            (90.0, 0.0, None),
        ] {
            assert_eq!(
                country_at(Position::new(latitude, longitude).unwrap()),
                code,
                "{latitude} {longitude}"
            );
        }
    }
}
