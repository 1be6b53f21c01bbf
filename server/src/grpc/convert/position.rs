//! Positions and datums, from and to the wire.

use nearby_index::{AnyPosition, Position, PositionError, Wgs84};
use nearby_proto::v1 as wire;

use super::violations::Check;
use crate::{
    error::ServiceError,
    reason,
    record::{
        area::{SAY_WHICH_DATUM, degrees_in, position_reason, service_area_in},
        position_of,
    },
};

/// Parses a required position; `path` is its field in the request.
pub(crate) fn position_from_wire(
    given: Option<&wire::Position>,
    path: &str,
) -> Result<AnyPosition, ServiceError> {
    let Some(given) = given else {
        return Err(ServiceError::invalid(path, reason::REQUIRED, "must be given"));
    };
    let mut check = Check::under(path);
    if given.accuracy_m.is_some_and(|accuracy_m| !accuracy_m.is_finite() || accuracy_m < 0.0) {
        check.fail("accuracy_m", reason::OUT_OF_RANGE, "must be a finite number of metres, 0 or more");
    }
    let (latitude, longitude) = (given.latitude, given.longitude);
    let datum = wire::CoordinateSystem::try_from(given.coordinate_system);
    match datum {
        Ok(wire::CoordinateSystem::Unspecified) => {
            check.fail("coordinate_system", reason::COORDINATE_SYSTEM_UNSPECIFIED, SAY_WHICH_DATUM);
        }
        Err(_) => check.fail("coordinate_system", reason::COORDINATE_SYSTEM_UNKNOWN, SAY_WHICH_DATUM),
        Ok(_) => {}
    }
    // Each axis on its own and whatever the datum, so that all violations are reported at once.
    for (latitude, longitude) in [(latitude, 0.0), (0.0, longitude)] {
        if let Err(error) = Position::<Wgs84>::new(latitude, longitude) {
            fail_position(&mut check, error);
        }
    }
    check.finish()?;
    position_of(given).ok_or(ServiceError::Internal("a position was rejected without a violation"))
}

/// Parses the required origin of a search; `path` is its field in the request. The pair 0,0 is rejected in every datum: phones
/// report it when they have no position, as `wx.choosePoi` does, and a search there would find nothing without an error.
pub(crate) fn origin_from_wire(
    given: Option<&wire::Position>,
    path: &str,
) -> Result<AnyPosition, ServiceError> {
    let origin = position_from_wire(given, path)?;
    if is_null_island(origin) {
        let description = "is exactly 0,0, which a phone reports when it has no position; ask the user for a point on a map";
        return Err(ServiceError::invalid(path, reason::NULL_ISLAND, description));
    }
    Ok(origin)
}

/// Returns whether a position is exactly 0,0 as given, which nearly always stands for an unknown one.
pub(crate) fn is_null_island(position: AnyPosition) -> bool {
    position.latitude_deg() == 0.0 && position.longitude_deg() == 0.0
}

/// The datum of positions in responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutputDatum(wire::CoordinateSystem);

/// Parses the datum in which results have an additional position, if any.
pub(crate) fn output_datum_from_wire(given: i32) -> Result<Option<OutputDatum>, ServiceError> {
    match wire::CoordinateSystem::try_from(given) {
        Ok(wire::CoordinateSystem::Unspecified) => Ok(None),
        Ok(datum) => Ok(Some(OutputDatum(datum))),
        Err(_) => {
            let field = "output_coordinate_system";
            Err(ServiceError::invalid(field, reason::COORDINATE_SYSTEM_UNKNOWN, SAY_WHICH_DATUM))
        }
    }
}

impl OutputDatum {
    /// A position in this datum; bit for bit as given if it was given in this datum.
    pub(crate) fn position_of(self, given: AnyPosition) -> wire::Position {
        let (latitude, longitude) = degrees_in(self.0, given);
        wire::Position { latitude, longitude, coordinate_system: self.0.into(), accuracy_m: None }
    }

    /// A service area in this datum.
    pub(crate) fn service_area_of(self, given: &wire::ServiceArea) -> wire::ServiceArea {
        service_area_in(given, self.0)
    }
}

fn fail_position(check: &mut Check, error: PositionError) {
    check.fail(error.axis(), position_reason(error), error.to_string());
}
