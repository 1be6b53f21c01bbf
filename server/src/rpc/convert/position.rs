//! Positions between the wire and the index.

use nearby_index::{AnyPosition, Position, PositionError, Wgs84};
use nearby_proto::v1 as wire;

use super::check::Check;
use crate::error::ServiceError;

/// Parses a position that has to be there; `path` is its field in the request.
pub(crate) fn position_from_wire(
    given: Option<&wire::Position>,
    path: &str,
) -> Result<AnyPosition, ServiceError> {
    let Some(given) = given else {
        return Err(ServiceError::invalid(path, "REQUIRED", "must be given"));
    };
    let mut check = Check::under(path);
    if given.accuracy_m.is_some_and(|accuracy_m| !accuracy_m.is_finite() || accuracy_m < 0.0) {
        check.fail("accuracy_m", "OUT_OF_RANGE", "must be a finite number of metres, 0 or more");
    }
    let (latitude, longitude) = (given.latitude, given.longitude);
    let parsed = match wire::CoordinateSystem::try_from(given.coordinate_system) {
        Ok(wire::CoordinateSystem::Wgs84) => Some(Position::new(latitude, longitude).map(AnyPosition::Wgs84)),
        Ok(wire::CoordinateSystem::Gcj02) => Some(Position::new(latitude, longitude).map(AnyPosition::Gcj02)),
        Ok(wire::CoordinateSystem::Bd09) => Some(Position::new(latitude, longitude).map(AnyPosition::Bd09)),
        Ok(wire::CoordinateSystem::Unspecified) => {
            check.fail("coordinate_system", "COORDINATE_SYSTEM_UNSPECIFIED", SAY_WHICH_DATUM);
            None
        }
        Err(_) => {
            check.fail("coordinate_system", "COORDINATE_SYSTEM_UNKNOWN", SAY_WHICH_DATUM);
            None
        }
    };
    let position = match parsed {
        Some(Ok(position)) => Some(position),
        Some(Err(error)) => {
            fail_position(&mut check, error);
            None
        }
        // The degrees are looked at all the same: whoever mends the datum should not stumble again.
        None => {
            if let Err(error) = Position::<Wgs84>::new(latitude, longitude) {
                fail_position(&mut check, error);
            }
            None
        }
    };
    check.finish()?;
    position.ok_or(ServiceError::Internal("a position was refused without a reason"))
}

/// The WGS-84 form of a position, as callers receive it.
pub(crate) fn wgs84_to_wire(position: Position<Wgs84>) -> wire::Position {
    wire::Position {
        latitude: position.latitude_deg(),
        longitude: position.longitude_deg(),
        coordinate_system: wire::CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

const SAY_WHICH_DATUM: &str = "must name the datum of the degrees: COORDINATE_SYSTEM_WGS84 (GPS, OpenStreetMap), \
     COORDINATE_SYSTEM_GCJ02 (AMap, Tencent, wx.chooseLocation) or COORDINATE_SYSTEM_BD09 (Baidu)";

fn fail_position(check: &mut Check, error: PositionError) {
    let reason = match error {
        PositionError::LatitudeNotFinite | PositionError::LongitudeNotFinite => "NOT_FINITE",
        PositionError::LatitudeOutOfRange => "LATITUDE_OUT_OF_RANGE",
        PositionError::LongitudeOutOfRange => "LONGITUDE_OUT_OF_RANGE",
    };
    check.fail(error.axis(), reason, error.to_string());
}
