//! `GetDensity`: the number of merchants in each H3 cell of an area.

use std::collections::HashMap;

use nearby_index::{
    AnyPosition, Cell, CellResolution, Ecef, Filter, Limit, Meters, Position, Query, Radius, SearchControl,
    Snapshot, VisibilityFilter, Wgs84,
};
use nearby_proto::v1::{self as wire, get_density_request::Area as Given};

use super::SearchSettings;
use crate::{
    error::ServiceError,
    grpc::convert::{Check, filter_from_wire, may_see, position_from_wire},
    reason,
};

/// Cells of one response: about a megabyte.
const MAX_CELLS: usize = 20_000;

/// An area to count in, and the resolution.
#[derive(Debug)]
pub(super) struct Area {
    query: Query,
    /// The box within the circle, if only that counts.
    part: Option<LatLngBox>,
    resolution: CellResolution,
}

#[derive(Clone, Copy, Debug)]
struct LatLngBox {
    south_west: Position<Wgs84>,
    north_east: Position<Wgs84>,
}

impl LatLngBox {
    fn contains(self, position: Position<Wgs84>) -> bool {
        let (south, north) = (self.south_west.latitude_deg(), self.north_east.latitude_deg());
        let (west, east) = (self.south_west.longitude_deg(), self.north_east.longitude_deg());
        let longitude = position.longitude_deg();
        let is_between = if west <= east {
            (west..=east).contains(&longitude)
        } else {
            longitude >= west || longitude <= east
        };
        is_between && (south..=north).contains(&position.latitude_deg())
    }

    /// Degrees from west to east.
    fn width_deg(self) -> f64 {
        let width = self.north_east.longitude_deg() - self.south_west.longitude_deg();
        // A box once around the earth has no width modulo 360.
        if width == 360.0 { width } else { width.rem_euclid(360.0) }
    }

    /// The circle through the corners; `None` if it is too large to be searched.
    fn circumscribe(self) -> Option<(Ecef, Radius)> {
        // Beyond 180 degrees the corners are closer to each other around the other side of the earth.
        if self.width_deg() > 180.0 {
            return None;
        }
        let (south, north) = (self.south_west.latitude_deg(), self.north_east.latitude_deg());
        let west = self.south_west.longitude_deg();
        let middle = west + self.width_deg() / 2.0;
        let middle = if middle > 180.0 { middle - 360.0 } else { middle };
        let middle = Ecef::from(Position::new(f64::midpoint(south, north), middle).ok()?);
        let corners = [south, north].map(|latitude| Position::new(latitude, west).ok());
        let corner = |corner: Option<Position<Wgs84>>| Some(middle.distance(Ecef::from(corner?)));
        let farthest = corner(corners[0])?.max(corner(corners[1])?);
        // The parallel between two corners lies outside the circle through them by far less than this.
        Some((middle, Radius::new(farthest.get() * 1.01 + 1.0).ok()?))
    }
}

/// Parses an area. A box in another datum becomes the WGS-84 box between its two corners.
pub(super) fn area_from_wire(
    given: &wire::GetDensityRequest,
    settings: SearchSettings,
) -> Result<Area, ServiceError> {
    let mut check = Check::under("");
    let resolution = CellResolution::new(given.resolution);
    if resolution.is_none() {
        check.fail("resolution", reason::OUT_OF_RANGE, "must be an H3 resolution, from 0 to 15");
    }
    let filter = check.absorb(filter_from_wire(given.filter.as_ref(), "filter", VisibilityFilter::Visible));
    let area = match &given.area {
        Some(Given::Circle(circle)) => check.absorb(circle_from_wire(circle)).map(|circle| (circle, None)),
        Some(Given::Box(area)) => {
            check.absorb(box_from_wire(area)).map(|(circle, part)| (circle, Some(part)))
        }
        None => {
            check.fail("area", reason::REQUIRED, "must be given: a circle or a box");
            None
        }
    };
    check.finish()?;
    let (Some(resolution), Some(filter), Some(((origin, radius), part))) = (resolution, filter, area) else {
        return Err(ServiceError::Internal("an area was rejected without a violation"));
    };
    may_see(filter.visibility, settings)?;
    Ok(Area { query: query(origin, radius, filter), part, resolution })
}

fn query(origin: Ecef, radius: Radius, filter: Filter) -> Query {
    Query { origin, min_distance: Meters::ZERO, radius, limit: Limit::UNLIMITED, after: None, filter }
}

fn circle_from_wire(given: &wire::Circle) -> Result<(Ecef, Radius), ServiceError> {
    let mut check = Check::under("circle");
    let center = check.absorb(position_from_wire(given.center.as_ref(), "circle.center"));
    let radius = Radius::new(given.radius_m);
    if let Err(error) = radius {
        check.fail("radius_m", reason::OUT_OF_RANGE, error.to_string());
    }
    check.finish()?;
    match (center, radius) {
        (Some(center), Ok(radius)) => Ok((Ecef::from(center.to_wgs84()), radius)),
        _ => Err(ServiceError::Internal("a circle was rejected without a violation")),
    }
}

fn box_from_wire(given: &wire::LatLngBox) -> Result<((Ecef, Radius), LatLngBox), ServiceError> {
    let mut check = Check::under("box");
    let south_west = check.absorb(position_from_wire(given.south_west.as_ref(), "box.south_west"));
    let north_east = check.absorb(position_from_wire(given.north_east.as_ref(), "box.north_east"));
    let corners = south_west.zip(north_east).map(|(south_west, north_east)| LatLngBox {
        south_west: AnyPosition::to_wgs84(south_west),
        north_east: AnyPosition::to_wgs84(north_east),
    });
    let area = corners.and_then(|corners| {
        if corners.south_west.latitude_deg() > corners.north_east.latitude_deg() {
            check.fail("north_east", reason::OUT_OF_RANGE, "must not be south of south_west");
            return None;
        }
        let circumscribe = corners.circumscribe();
        if circumscribe.is_none() {
            check.fail(
                "",
                reason::OUT_OF_RANGE,
                "too large: no corner may be more than 49 km from the center",
            );
        }
        circumscribe.map(|circle| (circle, corners))
    });
    check.finish()?;
    area.ok_or(ServiceError::Internal("a box was rejected without a violation"))
}

/// Counts merchants. Returns `None` once `should_continue` is false.
pub(super) fn count(
    area: &Area,
    snapshot: &Snapshot,
    should_continue: &dyn Fn() -> bool,
) -> Result<Option<wire::GetDensityResponse>, ServiceError> {
    let mut cells: HashMap<Cell, i32> = HashMap::new();
    let control = SearchControl { predicate: None, should_continue: Some(should_continue) };
    let is_whole = snapshot.for_each(&area.query, control, |hit| {
        let position = hit.merchant.merchant.position.to_wgs84();
        if let Some(cell) = Cell::of(position, area.resolution)
            && area.part.is_none_or(|part| part.contains(position))
        {
            *cells.entry(cell).or_default() += 1;
        }
    });
    if !is_whole {
        return Ok(None);
    }
    if cells.len() > MAX_CELLS {
        return Err(ServiceError::TooManyCells(MAX_CELLS));
    }
    let mut cells: Vec<(Cell, i32)> = cells.into_iter().collect();
    cells.sort_unstable_by_key(|(cell, count)| (std::cmp::Reverse(*count), *cell));
    Ok(Some(wire::GetDensityResponse {
        total_size: cells.iter().map(|(_, count)| count).sum(),
        cells: cells
            .into_iter()
            .map(|(cell, merchant_count)| wire::DensityCell { h3_index: cell.to_string(), merchant_count })
            .collect(),
        revision: snapshot.revision().0,
    }))
}
