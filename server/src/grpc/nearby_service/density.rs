//! `GetDensity`: the number of merchants in each H3 cell of an area.

use std::collections::HashMap;

use nearby_index::{
    AnyPosition, Cell, CellResolution, Ecef, Effort, Filter, LatLngBox, Limit, Query, Radius, SearchControl,
    Snapshot, UnixMicros, VisibilityFilter,
};
use nearby_proto::v1::{self as wire, get_density_request::Area as Given};

use super::SearchSettings;
use crate::{
    error::ServiceError,
    grpc::{
        charges::Charges,
        convert::{
            Check, OutputDatum, filter_from_wire, lat_lng_box_from_wire, may_see, output_datum_from_wire,
            position_from_wire,
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
    Query { filter, ..Query::nearest(origin, radius, Limit::UNLIMITED) }
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
    let area = lat_lng_box_from_wire(given, "box")?;
    let circle = area.circumscribe().ok_or_else(|| {
        let description = "too large: no corner may be more than 49 km from the center";
        ServiceError::invalid("box", reason::OUT_OF_RANGE, description)
    })?;
    Ok((circle, area))
}

/// Counts merchants. Returns `None` once `should_continue` is false.
pub(super) fn count(
    area: &Area,
    snapshot: &Snapshot,
    charges: &Charges,
    should_continue: &dyn Fn() -> bool,
) -> Result<Option<wire::GetDensityResponse>, ServiceError> {
    let mut cells: HashMap<Cell, i32> = HashMap::new();
    let (mut assigned, effort) = (0, Effort::default());
    let control = SearchControl {
        should_continue: Some(should_continue),
        effort: Some(&effort),
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
    charges.add_debt(cost::density(assigned, cells.len()) + cost::effort(&effort));
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
