//! Service areas and polygons of the contract: read, checked, and converted between datums.

use nearby_index::{
    AnyPosition, AreaError, Bd09, Gcj02, MAX_POLYGONS, MAX_VERTICES, PolygonVertices, Position,
    PositionError, Radius, RadiusError, Ring, RingError, ServiceArea, Wgs84,
};
use nearby_proto::v1 as wire;

use crate::{
    error::{ServiceError, Violation},
    reason::{self, Reason},
};

/// Vertices that are read at most, with those that equal their predecessor or close a ring.
const MAX_GIVEN_VERTICES: usize = 2 * MAX_VERTICES;

/// Holes of all polygons. Each pair of holes whose boxes overlap is compared, which takes about 6 µs: 1,000 vertices in 300 holes would keep
/// a processor busy for a third of a second, 64 holes for at most 12 ms.
const MAX_HOLES: usize = 64;

/// Remedy of a missing or unknown datum.
pub(crate) const SAY_WHICH_DATUM: &str = "must name the datum of the degrees: COORDINATE_SYSTEM_WGS84 (GPS, OpenStreetMap), \
     COORDINATE_SYSTEM_GCJ02 (AMap, Tencent, wx.chooseLocation) or COORDINATE_SYSTEM_BD09 (Baidu)";

/// Returns a position in a datum; `None` if the datum is not named.
pub(crate) fn position_in(
    datum: wire::CoordinateSystem,
    latitude: f64,
    longitude: f64,
) -> Option<Result<AnyPosition, PositionError>> {
    Some(match datum {
        wire::CoordinateSystem::Unspecified => return None,
        wire::CoordinateSystem::Wgs84 => Position::new(latitude, longitude).map(AnyPosition::Wgs84),
        wire::CoordinateSystem::Gcj02 => Position::new(latitude, longitude).map(AnyPosition::Gcj02),
        wire::CoordinateSystem::Bd09 => Position::new(latitude, longitude).map(AnyPosition::Bd09),
    })
}

/// Reads the service area of a merchant. Violations name fields of the area.
pub(crate) fn service_area_of(
    given: &wire::ServiceArea,
    merchant: Position<Wgs84>,
) -> Result<ServiceArea, ServiceError> {
    match &given.shape {
        None => Err(ServiceError::invalid("", reason::REQUIRED, "must have radius_m or polygons")),
        Some(wire::service_area::Shape::RadiusM(radius_m)) => match Radius::new(*radius_m) {
            Ok(radius) => Ok(ServiceArea::circle(radius)),
            Err(error @ RadiusError::NotFinite) => {
                Err(ServiceError::invalid("radius_m", reason::NOT_FINITE, error.to_string()))
            }
            Err(error) => Err(ServiceError::invalid("radius_m", reason::OUT_OF_RANGE, error.to_string())),
        },
        Some(wire::service_area::Shape::Polygons(set)) => {
            let polygons = polygons_of(set).map_err(|error| error.below("polygons"))?;
            let area = ServiceArea::polygons(merchant, &polygons);
            area.map_err(|error| invalid_polygons(&error).below("polygons"))
        }
    }
}

/// Reads the vertices of polygons. Violations name fields of the set.
pub(crate) fn polygons_of(given: &wire::PolygonSet) -> Result<Vec<PolygonVertices>, ServiceError> {
    let datum = match wire::CoordinateSystem::try_from(given.coordinate_system) {
        Ok(wire::CoordinateSystem::Unspecified) => {
            let reason = reason::COORDINATE_SYSTEM_UNSPECIFIED;
            return Err(ServiceError::invalid("coordinate_system", reason, SAY_WHICH_DATUM));
        }
        Err(_) => {
            let reason = reason::COORDINATE_SYSTEM_UNKNOWN;
            return Err(ServiceError::invalid("coordinate_system", reason, SAY_WHICH_DATUM));
        }
        Ok(datum) => datum,
    };
    if given.polygons.is_empty() {
        return Err(ServiceError::invalid("polygons", reason::REQUIRED, AreaError::Polygons.to_string()));
    }
    if given.polygons.len() > MAX_POLYGONS {
        return Err(invalid_polygons(&AreaError::Polygons));
    }
    let holes = given.polygons.iter().map(|polygon| polygon.holes.len()).sum::<usize>();
    if holes > MAX_HOLES {
        let description = format!("must have at most {MAX_HOLES} holes in all");
        return Err(ServiceError::invalid("polygons", reason::TOO_MANY, description));
    }
    if vertex_count(given) > MAX_GIVEN_VERTICES {
        return Err(invalid_polygons(&AreaError::Vertices));
    }
    let mut violations = Vec::new();
    let mut ring_of = |path: String, ring: Option<&wire::Ring>| match ring_of(ring, datum) {
        Ok(vertices) => vertices,
        Err((field, reason, description)) => {
            violations.push(Violation { field: format!("{path}{field}"), reason, description });
            Vec::new()
        }
    };
    let polygons = given.polygons.iter().enumerate().map(|(number, polygon)| PolygonVertices {
        shell: ring_of(ring_path(number, Ring::Shell), polygon.shell.as_ref()),
        holes: polygon
            .holes
            .iter()
            .enumerate()
            .map(|(hole, ring)| ring_of(ring_path(number, Ring::Hole(hole)), Some(ring)))
            .collect(),
    });
    let polygons = polygons.collect();
    if violations.is_empty() { Ok(polygons) } else { Err(ServiceError::Invalid(violations)) }
}

/// Returns the number of vertices of polygons, as given.
pub(crate) fn vertex_count(given: &wire::PolygonSet) -> usize {
    let rings = given.polygons.iter().flat_map(|polygon| polygon.shell.iter().chain(&polygon.holes));
    rings.map(|ring| ring.latitudes.len()).sum()
}

/// Reads the vertices of a ring. The error is the field below the ring with its violation.
fn ring_of(
    given: Option<&wire::Ring>,
    datum: wire::CoordinateSystem,
) -> Result<Vec<Position<Wgs84>>, (String, Reason, String)> {
    let Some(ring) = given else {
        return Err((String::new(), reason::REQUIRED, "must be given".to_owned()));
    };
    if ring.latitudes.len() != ring.longitudes.len() {
        let (latitudes, longitudes) = (ring.latitudes.len(), ring.longitudes.len());
        let description =
            format!("must have as many longitudes as latitudes, and has {longitudes} and {latitudes}");
        return Err((String::new(), reason::AREA_INVALID, description));
    }
    let vertices = ring.latitudes.iter().zip(&ring.longitudes).enumerate();
    let positions = vertices.filter_map(|(vertex, (latitude, longitude))| {
        let position = position_in(datum, *latitude, *longitude)?;
        Some(position.map(AnyPosition::to_wgs84).map_err(|error| {
            (format!(".{}s[{vertex}]", error.axis()), position_reason(error), error.to_string())
        }))
    });
    positions.collect()
}

/// Returns the reason of an invalid coordinate.
pub(crate) fn position_reason(error: PositionError) -> Reason {
    match error {
        PositionError::LatitudeNotFinite | PositionError::LongitudeNotFinite => reason::NOT_FINITE,
        PositionError::LatitudeOutOfRange => reason::LATITUDE_OUT_OF_RANGE,
        PositionError::LongitudeOutOfRange => reason::LONGITUDE_OUT_OF_RANGE,
    }
}

fn ring_path(polygon: usize, ring: Ring) -> String {
    match ring {
        Ring::Shell => format!("polygons[{polygon}].shell"),
        Ring::Hole(hole) => format!("polygons[{polygon}].holes[{hole}]"),
    }
}

/// The violation of polygons that are no area. Its field is below the set.
pub(crate) fn invalid_polygons(error: &AreaError) -> ServiceError {
    match error {
        AreaError::Polygons => ServiceError::invalid("polygons", reason::TOO_MANY, error.to_string()),
        AreaError::Vertices => ServiceError::invalid("polygons", reason::TOO_MANY, error.to_string()),
        AreaError::Ring { polygon, ring, error } => {
            let reason = match error {
                RingError::TooFar { .. } => reason::OUT_OF_RANGE,
                _ => reason::AREA_INVALID,
            };
            ServiceError::invalid(ring_path(*polygon, *ring), reason, error.to_string())
        }
    }
}

/// Converts a service area to another datum.
pub(crate) fn service_area_in(given: &wire::ServiceArea, datum: wire::CoordinateSystem) -> wire::ServiceArea {
    let mut area = given.clone();
    if let Some(wire::service_area::Shape::Polygons(set)) = &mut area.shape
        && set.coordinate_system() != datum
    {
        let from = set.coordinate_system();
        for ring in
            set.polygons.iter_mut().flat_map(|polygon| polygon.shell.iter_mut().chain(&mut polygon.holes))
        {
            for (latitude, longitude) in ring.latitudes.iter_mut().zip(&mut ring.longitudes) {
                if let Some(Ok(position)) = position_in(from, *latitude, *longitude) {
                    (*latitude, *longitude) = degrees_in(datum, position);
                }
            }
        }
        set.set_coordinate_system(datum);
    }
    area
}

/// Returns latitude and longitude of a position in a datum; bit for bit as given if it was given in it.
pub(crate) fn degrees_in(datum: wire::CoordinateSystem, given: AnyPosition) -> (f64, f64) {
    match (datum, given) {
        (wire::CoordinateSystem::Gcj02, AnyPosition::Gcj02(_))
        | (wire::CoordinateSystem::Bd09, AnyPosition::Bd09(_)) => {
            (given.latitude_deg(), given.longitude_deg())
        }
        (wire::CoordinateSystem::Gcj02, _) => {
            let there = Position::<Gcj02>::from_wgs84(given.to_wgs84());
            (there.latitude_deg(), there.longitude_deg())
        }
        (wire::CoordinateSystem::Bd09, _) => {
            let there = Position::<Bd09>::from_wgs84(given.to_wgs84());
            (there.latitude_deg(), there.longitude_deg())
        }
        (wire::CoordinateSystem::Wgs84 | wire::CoordinateSystem::Unspecified, _) => {
            let there = given.to_wgs84();
            (there.latitude_deg(), there.longitude_deg())
        }
    }
}
