//! Areas of searches, and the relation of merchants to the origin.

use nearby_index::{LatLngBox, Position, Radius, Reach, SearchArea, ServedPoint, Wgs84};
use nearby_proto::v1 as wire;

use super::{position::position_from_wire, violations::Check};
use crate::{
    error::ServiceError,
    reason,
    record::area::{invalid_polygons, polygons_of, vertex_count},
};

/// Parses a box; `path` is its field in the request. A box in another datum becomes the WGS-84 box between its corners.
pub(crate) fn lat_lng_box_from_wire(given: &wire::LatLngBox, path: &str) -> Result<LatLngBox, ServiceError> {
    let mut check = Check::under(path);
    let mut corner = |given: Option<&wire::Position>, field: &str| {
        check.absorb(position_from_wire(given, &format!("{path}.{field}")))
    };
    let south_west = corner(given.south_west.as_ref(), "south_west");
    let north_east = corner(given.north_east.as_ref(), "north_east");
    let area = south_west.zip(north_east).and_then(|(south_west, north_east)| {
        let area = LatLngBox::new(south_west.to_wgs84(), north_east.to_wgs84());
        if area.is_none() {
            check.fail("north_east", reason::OUT_OF_RANGE, "must not be south of south_west");
        }
        area
    });
    check.finish()?;
    area.ok_or(ServiceError::Internal("a box was rejected without a violation"))
}

/// Parses the area of a search around an origin.
pub(crate) fn search_area_from_wire(
    given: &wire::SearchArea,
    origin: Position<Wgs84>,
) -> Result<SearchArea, ServiceError> {
    match &given.shape {
        None => Err(ServiceError::invalid("area", reason::REQUIRED, "must have box or polygons")),
        Some(wire::search_area::Shape::Box(area)) => {
            lat_lng_box_from_wire(area, "area.box").map(SearchArea::of_box)
        }
        Some(wire::search_area::Shape::Polygons(set)) => {
            let area = polygons_of(set).and_then(|polygons| {
                SearchArea::polygons(origin, &polygons).map_err(|error| invalid_polygons(&error))
            });
            area.map_err(|error| error.below("area.polygons"))
        }
    }
}

/// Number of vertices of the polygons of an area, as given.
pub(crate) fn vertices_of(given: Option<&wire::SearchArea>) -> usize {
    match given.and_then(|area| area.shape.as_ref()) {
        Some(wire::search_area::Shape::Polygons(set)) => vertex_count(set),
        _ => 0,
    }
}

/// Number of vertices of the service area of a merchant, as given.
pub(crate) fn service_vertices_of(given: Option<&wire::Merchant>) -> usize {
    match given.and_then(|merchant| merchant.service_area.as_ref()?.shape.as_ref()) {
        Some(wire::service_area::Shape::Polygons(set)) => vertex_count(set),
        _ => 0,
    }
}

/// Parses the relation of merchants to the origin.
pub(super) fn reach_from_wire(given: i32) -> Result<wire::Reach, ServiceError> {
    match wire::Reach::try_from(given) {
        Ok(wire::Reach::Unspecified) => Ok(wire::Reach::Near),
        Ok(reach) => Ok(reach),
        Err(_) => Err(ServiceError::invalid("reach", reason::OUT_OF_RANGE, "must be a Reach")),
    }
}

/// The relation of merchants to a point, which they serve from at most `radius`.
pub(crate) fn reach_of(given: wire::Reach, point: ServedPoint, radius: Radius) -> Reach {
    match given {
        wire::Reach::Near | wire::Reach::Unspecified => Reach::Near,
        wire::Reach::Serving => Reach::Serving(point),
        wire::Reach::NearOrServing => Reach::NearOrServing { point, radius },
    }
}
