//! `GetDensity`: the number of merchants in each H3 cell of an area.

use std::collections::HashMap;

use nearby_index::{
    AnyPosition, Cell, CellResolution, Ecef, Filter, Limit, Meters, Position, Query, Radius, SearchControl,
    Snapshot, UnixMicros, VisibilityFilter, Wgs84,
};
use nearby_proto::v1::{self as wire, get_density_request::Area as Given};

use super::SearchSettings;
use crate::{
    error::ServiceError,
    grpc::{
        charges::Charges,
        convert::{
            Check, OutputDatum, filter_from_wire, may_see, output_datum_from_wire, position_from_wire,
        },
        cost,
    },
    reason,
};

/// Cells of one response: about a megabyte, or, with outlines, 3.6 MB, below the 4 MiB that clients accept by default.
const MAX_CELLS: usize = 20_000;

/// An area to count in, and the resolution.
#[derive(Debug)]
pub(super) struct Area {
    query: Query,
    /// The box within the circle, if only that counts.
    part: Option<LatLngBox>,
    resolution: CellResolution,
    /// The datum in which cells are drawn, if they are.
    output: Option<OutputDatum>,
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
        let (latitude, longitude) = (position.latitude_deg(), position.longitude_deg());
        let is_between = |longitude: f64| {
            if west <= east {
                (west..=east).contains(&longitude)
            } else {
                longitude >= west || longitude <= east
            }
        };
        // Every meridian ends at a pole, and the antimeridian has two longitudes.
        let is_on_meridian = latitude.abs() == 90.0
            || is_between(longitude)
            || (longitude.abs() == 180.0 && is_between(-longitude));
        is_on_meridian && (south..=north).contains(&latitude)
    }

    /// Degrees from west to east.
    fn width_deg(self) -> f64 {
        let width = self.north_east.longitude_deg() - self.south_west.longitude_deg();
        // A box once around the earth has no width modulo 360.
        if width == 360.0 { width } else { width.rem_euclid(360.0) }
    }

    /// A circle around the box; `None` if it is too large to be searched.
    fn circumscribe(self) -> Option<(Ecef, Radius)> {
        let (south, north) = (self.south_west.latitude_deg(), self.north_east.latitude_deg());
        let west = self.south_west.longitude_deg();
        let middle = if self.width_deg() > 180.0 {
            // The corners are closer to each other around the other side of the earth, so a circle through them may
            // leave out the middle of the box. A box this wide is small enough only around a pole.
            Position::new(if south + north < 0.0 { -90.0 } else { 90.0 }, 0.0)
        } else {
            let middle = west + self.width_deg() / 2.0;
            let middle = if middle > 180.0 { middle - 360.0 } else { middle };
            Position::new(f64::midpoint(south, north), middle)
        };
        let middle = Ecef::from(middle.ok()?);
        let corners = [south, north].map(|latitude| Position::new(latitude, west).ok());
        let corner = |corner: Option<Position<Wgs84>>| Some(middle.distance(Ecef::from(corner?)));
        let farthest = corner(corners[0])?.max(corner(corners[1])?);
        // The corners are the farthest points of the box; the allowance covers rounding.
        Some((middle, Radius::new(farthest.get() * 1.01 + 1.0).ok()?))
    }
}

/// Parses an area. A box in another datum becomes the WGS-84 box between its two corners.
pub(super) fn area_from_wire(
    given: &wire::GetDensityRequest,
    settings: SearchSettings,
    now: UnixMicros,
) -> Result<Area, ServiceError> {
    let mut check = Check::under("");
    let resolution = CellResolution::new(given.resolution);
    if resolution.is_none() {
        check.fail("resolution", reason::OUT_OF_RANGE, "must be an H3 resolution, from 0 to 15");
    }
    let output = check.absorb(output_datum_from_wire(given.output_coordinate_system));
    let filter = filter_from_wire(given.filter.as_ref(), "filter", VisibilityFilter::Visible, now);
    let filter = check.absorb(filter);
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
    let (Some(resolution), Some(output), Some(filter), Some(((origin, radius), part))) =
        (resolution, output, filter, area)
    else {
        return Err(ServiceError::Internal("an area was rejected without a violation"));
    };
    may_see(given.filter.as_ref(), filter.visibility, settings)?;
    Ok(Area { query: query(origin, radius, filter), part, resolution, output })
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
    charges: &Charges,
    should_continue: &dyn Fn() -> bool,
) -> Result<Option<wire::GetDensityResponse>, ServiceError> {
    let mut cells: HashMap<Cell, i32> = HashMap::new();
    let (mut assigned, names_read) = (0, std::cell::Cell::new(0));
    let control = SearchControl {
        should_continue: Some(should_continue),
        names_read: Some(&names_read),
        ..SearchControl::default()
    };
    let is_whole = snapshot.for_each(&area.query, control, |hit| {
        assigned += 1;
        let position = hit.merchant.merchant.position.to_wgs84();
        if let Some(cell) = Cell::of(position, area.resolution)
            && area.part.is_none_or(|part| part.contains(position))
        {
            *cells.entry(cell).or_default() += 1;
        }
    });
    charges.add_debt(cost::density(assigned, cells.len()) + cost::names_read(names_read.get()));
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
            .map(|(cell, merchant_count)| drawn(cell, merchant_count, area.output))
            .collect(),
        revision: snapshot.revision().0,
    }))
}

fn drawn(cell: Cell, merchant_count: i32, output: Option<OutputDatum>) -> wire::DensityCell {
    let (center, outline) = match output {
        None => (None, Vec::new()),
        Some(datum) => {
            let of = |position| datum.position_of(AnyPosition::Wgs84(position));
            (cell.center().map(of), cell.outline().into_iter().map(of).collect())
        }
    };
    wire::DensityCell { h3_index: cell.to_string(), merchant_count, center, outline }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position(latitude: f64, longitude: f64) -> Position<Wgs84> {
        Position::new(latitude, longitude).unwrap()
    }

    /// Walks east from the western edge in whole degrees; longitudes are equal if they differ by 360.
    fn contains_by_walking(south_west: (i32, i32), north_east: (i32, i32), point: (i32, i32)) -> bool {
        let (west, east) = (south_west.1, north_east.1);
        let width = if (west, east) == (-180, 180) { 360 } else { (east - west).rem_euclid(360) };
        let mut meridians = (west..=west + width).map(|meridian| meridian.rem_euclid(360));
        (south_west.0..=north_east.0).contains(&point.0)
            && (point.0.abs() == 90 || meridians.any(|meridian| meridian == point.1.rem_euclid(360)))
    }

    fn edge(limit: i32) -> impl Strategy<Value = i32> {
        prop_oneof![Just(-limit), Just(limit), -limit..=limit]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_box_contains_what_a_walk_from_west_to_east_meets(
            latitudes in (edge(90), edge(90)),
            (west, east) in (edge(180), edge(180)),
            point in (edge(90), edge(180)),
        ) {
            let (south, north) = (latitudes.0.min(latitudes.1), latitudes.0.max(latitudes.1));
            let at = |(latitude, longitude)| position(f64::from(latitude), f64::from(longitude));
            let area = LatLngBox { south_west: at((south, west)), north_east: at((north, east)) };
            prop_assert_eq!(area.contains(at(point)), contains_by_walking((south, west), (north, east), point));
        }

        #[test]
        fn the_circle_around_a_box_contains_the_box(
            pole in prop_oneof![Just(-1.0), Just(1.0)],
            latitudes in (89.7f64..=90.0, 89.7f64..=90.0),
            (west, east) in (-180.0f64..=180.0, -180.0f64..=180.0),
            fractions in (0.0f64..=1.0, 0.0f64..=1.0),
        ) {
            let latitudes = (latitudes.0 * pole, latitudes.1 * pole);
            let (south, north) = (latitudes.0.min(latitudes.1), latitudes.0.max(latitudes.1));
            let area = LatLngBox { south_west: position(south, west), north_east: position(north, east) };
            let (middle, radius) = area.circumscribe().unwrap();
            let longitude = west + area.width_deg() * fractions.1;
            let longitude = if longitude > 180.0 { longitude - 360.0 } else { longitude };
            let point = position((south + (north - south) * fractions.0).clamp(south, north), longitude);
            prop_assert!(middle.distance(Ecef::from(point)) <= radius.meters());
        }
    }
}
