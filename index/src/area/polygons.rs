//! Polygons in a gnomonic plane: their union, and how deep a point lies in it.

use geo::{
    Coord, CoordinatePosition, Distance, Euclidean, LineString, LinesIter, Polygon,
    coordinate_position::CoordPos,
};

use super::{
    BOUNDARY_M, MAX_POLYGONS, MAX_VERTICES, PolygonVertices,
    error::{AreaError, Ring, RingError},
    fast_polygons::FastPolygons,
    plane::{GnomonicPlane, Projected},
    rings::{check_holes, check_ring},
};
use crate::{Effort, Position, Wgs84};

/// Polygons in a plane. The area is their union.
#[derive(Clone, PartialEq)]
pub(super) struct PlanePolygons {
    polygons: Vec<Polygon>,
    fast: FastPolygons,
    /// Farthest vertex of a shell from the centre of the plane, along the ellipsoid.
    farthest_m: f64,
}

impl PlanePolygons {
    /// Projects and validates polygons whose vertices lie up to `max_m` from the centre of the plane.
    pub(super) fn new(
        plane: &GnomonicPlane,
        given: &[PolygonVertices],
        max_m: f64,
    ) -> Result<Self, AreaError> {
        if given.is_empty() || given.len() > MAX_POLYGONS {
            return Err(AreaError::Polygons);
        }
        let (mut all, mut farthest_m) = (Vec::with_capacity(given.len()), 0.0_f64);
        let mut vertices = 0;
        for (number, polygon) in given.iter().enumerate() {
            let at = |ring, error| AreaError::Ring { polygon: number, ring, error };
            let mut project = |ring, positions: &[Position<Wgs84>]| {
                let projected = project_ring(plane, positions, max_m).map_err(|error| at(ring, error))?;
                vertices += projected.line.0.len() - 1;
                if vertices > MAX_VERTICES {
                    return Err(AreaError::Vertices);
                }
                check_ring(&projected.line).map_err(|error| at(ring, error))?;
                Ok(projected)
            };
            let shell = project(Ring::Shell, &polygon.shell)?;
            let holes = polygon.holes.iter().enumerate();
            let holes = holes.map(|(hole, positions)| Ok(project(Ring::Hole(hole), positions)?.line));
            let polygon = Polygon::new(shell.line, holes.collect::<Result<_, _>>()?);
            check_holes(&polygon).map_err(|(hole, error)| at(Ring::Hole(hole), error))?;
            farthest_m = farthest_m.max(shell.farthest_m);
            all.push(polygon);
        }
        Ok(Self { fast: FastPolygons::new(&all, farthest_m), polygons: all, farthest_m })
    }

    pub(super) fn farthest_m(&self) -> f64 {
        self.farthest_m
    }

    pub(super) fn shells(&self) -> impl Iterator<Item = &LineString> {
        self.polygons.iter().map(Polygon::exterior)
    }

    pub(super) fn len(&self) -> usize {
        self.polygons.len()
    }

    /// Returns [`Self::depth_m`] within [`Self::fast_error_m`].
    pub(super) fn fast_depth_m(&self, point: Coord, effort: &Effort) -> f64 {
        effort.add_vertices(self.fast.vertices());
        self.fast.depth_m(point)
    }

    pub(super) fn fast_error_m(&self) -> f64 {
        self.fast.error_m()
    }

    /// Returns the distance in metres of a point from the nearest edge of the polygon that holds it deepest:
    /// positive inside, negative outside. Edges within the union of several polygons count, too.
    pub(super) fn depth_m(&self, point: Coord, effort: &Effort) -> f64 {
        effort.add_exact_vertices(self.fast.vertices());
        self.polygons.iter().map(|polygon| depth_m(polygon, point)).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Returns whether a point is in the area, or within [`BOUNDARY_M`] of an edge.
    pub(super) fn contains(&self, point: Coord, effort: &Effort) -> bool {
        self.depth_m(point, effort) >= -BOUNDARY_M
    }
}

fn depth_m(polygon: &Polygon, point: Coord) -> f64 {
    let edge_m = |line| Euclidean.distance(&geo::Point::from(point), &line);
    let edge_m = polygon.lines_iter().map(edge_m).fold(f64::INFINITY, f64::min);
    if polygon.coordinate_position(&point) == CoordPos::Outside { -edge_m } else { edge_m }
}

/// A closed ring in the plane.
struct ProjectedRing {
    line: LineString,
    farthest_m: f64,
}

/// Projects the vertices of a ring, leaves out those that equal their predecessor, and closes it.
fn project_ring(
    plane: &GnomonicPlane,
    positions: &[Position<Wgs84>],
    max_m: f64,
) -> Result<ProjectedRing, RingError> {
    let mut coords: Vec<Coord> = Vec::with_capacity(positions.len() + 1);
    let mut farthest_m = 0.0_f64;
    for (vertex, position) in positions.iter().enumerate() {
        let too_far = RingError::TooFar { vertex, max_m };
        let Some(Projected { point, distance_m }) = plane.project(*position) else { return Err(too_far) };
        if distance_m > max_m {
            return Err(too_far);
        }
        farthest_m = farthest_m.max(distance_m);
        if coords.last() != Some(&point) {
            coords.push(point);
        }
    }
    while coords.len() > 1 && coords.first() == coords.last() {
        coords.pop();
    }
    if coords.len() < 3 {
        return Err(RingError::TooFewVertices);
    }
    coords.push(coords[0]);
    Ok(ProjectedRing { line: LineString(coords), farthest_m })
}
