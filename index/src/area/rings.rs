//! Validity of rings in a plane.
//!
//! `geo::Validation` compares each pair of edges of a ring, which takes 5 to 10 ms for 1,000 vertices, and accepts
//! spikes and rings that touch themselves at a vertex: rings have a sweep of their own. Holes are decided by `geo::Relate`.

use geo::{
    Area, BoundingRect, Coord, Distance, Euclidean, HasDimensions, Intersects, Length, Line, LineString,
    Polygon, PreparedGeometry, Relate, coordinate_position::CoordPos, dimensions::Dimensions,
};

use super::{BOUNDARY_M, error::RingError, sweep::self_intersection};

/// Checks a closed ring of at least three distinct vertices.
pub(super) fn check_ring(ring: &LineString) -> Result<(), RingError> {
    let area_m2 = Polygon::new(ring.clone(), Vec::new()).unsigned_area();
    // The area of a strip of a millimetre around half of the perimeter.
    if area_m2 < BOUNDARY_M * Euclidean.length(ring) / 2.0 {
        return Err(RingError::NoArea);
    }
    match self_intersection(ring) {
        Some(edges) => Err(RingError::SelfIntersection(edges)),
        None => Ok(()),
    }
}

/// Checks the holes of a polygon whose rings are valid. Returns the number of an invalid hole.
///
/// A hole that touches another ring in the middle of an edge cannot be given exactly: touches within a millimetre are
/// made exact first.
pub(super) fn check_holes(polygon: &Polygon) -> Result<(), (usize, RingError)> {
    if polygon.interiors().is_empty() {
        return Ok(());
    }
    let rings = snapped(polygon);
    let Some((shell, holes)) = rings.split_first() else { return Ok(()) };
    let shell = PreparedGeometry::from(shell);
    for (number, hole) in holes.iter().enumerate() {
        let relation = shell.relate(hole);
        if !relation.is_contains() {
            return Err((number, RingError::HoleOutsideShell));
        }
        if relation.get(CoordPos::OnBoundary, CoordPos::OnBoundary) == Dimensions::OneDimensional {
            return Err((number, RingError::HoleAlongShell));
        }
        for (other, earlier) in
            holes[..number].iter().enumerate().filter(|(_, earlier)| is_near(earlier, hole))
        {
            let relation = earlier.relate(hole);
            if relation.get(CoordPos::Inside, CoordPos::Inside) == Dimensions::TwoDimensional {
                return Err((number, RingError::HolesOverlap(other)));
            }
            if relation.get(CoordPos::OnBoundary, CoordPos::OnBoundary) == Dimensions::OneDimensional {
                return Err((number, RingError::HolesShareEdge(other)));
            }
        }
    }
    Ok(())
}

fn is_near(one: &Polygon, other: &Polygon) -> bool {
    debug_assert!(!one.is_empty() && !other.is_empty(), "rings have three vertices");
    one.bounding_rect().zip(other.bounding_rect()).is_none_or(|(one, other)| one.intersects(&other))
}

/// Returns the rings of a polygon, each as a polygon of its own, with touches made exact: a vertex within a millimetre
/// of one of an earlier ring is moved there, and a vertex within a millimetre of an edge of another ring is inserted
/// into that edge.
fn snapped(polygon: &Polygon) -> Vec<Polygon> {
    let mut rings: Vec<Vec<Coord>> = Vec::new();
    for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
        let moved = |vertex: &Coord| {
            let near = rings.iter().flatten().find(|other| distance_m(**other, *vertex) <= BOUNDARY_M);
            near.copied().unwrap_or(*vertex)
        };
        let mut moved: Vec<Coord> = ring.0.iter().map(moved).collect();
        moved.dedup();
        rings.push(moved);
    }
    let all = rings.iter().enumerate().map(|(number, ring)| {
        let others = rings.iter().enumerate().filter(|(other, _)| *other != number);
        let vertices: Vec<Coord> = others.flat_map(|(_, ring)| ring).copied().collect();
        Polygon::new(with_touches(ring, &vertices), Vec::new())
    });
    all.collect()
}

/// Inserts vertices into the edges of a ring that they touch.
fn with_touches(ring: &[Coord], vertices: &[Coord]) -> LineString {
    let mut touched = Vec::with_capacity(ring.len());
    for pair in ring.windows(2) {
        let edge = Line::new(pair[0], pair[1]);
        let mut on_edge: Vec<Coord> =
            vertices.iter().copied().filter(|vertex| touches(edge, *vertex)).collect();
        on_edge.sort_by(|a, b| distance_m(*a, edge.start).total_cmp(&distance_m(*b, edge.start)));
        on_edge.dedup();
        touched.push(edge.start);
        touched.extend(on_edge);
    }
    LineString(touched)
}

/// Returns whether a point is within a millimetre of an edge, but not of its ends.
fn touches(edge: Line, point: Coord) -> bool {
    let is_between = |a: f64, b: f64, at: f64| a.min(b) - BOUNDARY_M <= at && at <= a.max(b) + BOUNDARY_M;
    is_between(edge.start.x, edge.end.x, point.x)
        && is_between(edge.start.y, edge.end.y, point.y)
        && Euclidean.distance(&geo::Point::from(point), &edge) <= BOUNDARY_M
        && distance_m(edge.start, point) > BOUNDARY_M
        && distance_m(edge.end, point) > BOUNDARY_M
}

fn distance_m(a: Coord, b: Coord) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}
