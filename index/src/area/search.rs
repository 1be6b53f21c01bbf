//! The area that a search is restricted to, such as the viewport of a map.

use std::fmt;

use arrayvec::ArrayVec;
use geo::Coord;

use super::{
    BOUNDARY_M, HalfSpace, LatLngBox, PolygonVertices,
    error::AreaError,
    lat_lng_box::ROUNDING_M,
    plane::{GnomonicPlane, MAX_ERROR_M},
    polygons::PlanePolygons,
};
use crate::{Ecef, Effort, Position, Radius, Wgs84};

/// The area that a search is restricted to: a box, or polygons in the gnomonic plane at the origin of the search.
#[derive(Clone, PartialEq)]
pub struct SearchArea {
    shape: Shape,
    /// Half-spaces whose intersection contains all of the area that a search can reach.
    half_spaces: ArrayVec<HalfSpace, 4>,
}

#[derive(Clone, PartialEq)]
enum Shape {
    Box(LatLngBox),
    Polygons(Box<(GnomonicPlane, PlanePolygons)>),
}

impl SearchArea {
    /// Maximum distance in metres of the vertices of polygons from the origin.
    pub const MAX_VERTEX_DISTANCE_M: f64 = 1_000_000.0;

    /// A box.
    #[must_use]
    pub fn of_box(area: LatLngBox) -> Self {
        Self { half_spaces: area.half_spaces(), shape: Shape::Box(area) }
    }

    /// Polygons whose vertices are at most [`Self::MAX_VERTEX_DISTANCE_M`] from the origin of the search.
    ///
    /// # Errors
    /// [`AreaError`], which names the first invalid ring.
    pub fn polygons(origin: Position<Wgs84>, given: &[PolygonVertices]) -> Result<Self, AreaError> {
        let plane = GnomonicPlane::at(origin);
        let polygons = PlanePolygons::new(&plane, given, Self::MAX_VERTEX_DISTANCE_M)?;
        let half_spaces = half_spaces(&plane, &polygons);
        Ok(Self { shape: Shape::Polygons(Box::new((plane, polygons))), half_spaces })
    }

    /// Returns whether part of the area is farther from the origin than a radius.
    #[must_use]
    pub fn extends_beyond(&self, origin: Position<Wgs84>, radius: Radius) -> bool {
        match &self.shape {
            Shape::Box(area) => area.farthest(origin) > radius.meters(),
            // The farthest point of a polygon is a vertex.
            Shape::Polygons(area) => area.1.farthest_m() > radius.meters().get(),
        }
    }

    pub(crate) fn half_spaces(&self) -> &[HalfSpace] {
        &self.half_spaces
    }

    /// Returns whether a point within a search's reach is in the area. `wgs84` returns the same point in degrees, which
    /// only points near an edge need.
    pub(crate) fn contains(&self, point: Ecef, wgs84: impl Fn() -> Position<Wgs84>, effort: &Effort) -> bool {
        match &self.shape {
            Shape::Box(area) => {
                // The half-spaces are wider than the box by `ROUNDING_M`: twice that within all of them is inside.
                let depth_m = |half_space: &HalfSpace| half_space.depth_m(point);
                let depth_m = self.half_spaces.iter().map(depth_m).fold(f64::INFINITY, f64::min);
                let is_wedge = self.half_spaces.len() == self.half_spaces.capacity();
                depth_m >= 0.0 && (is_wedge && depth_m > 2.0 * ROUNDING_M || area.contains(wgs84()))
            }
            Shape::Polygons(area) => {
                let (plane, polygons) = &**area;
                let depth_m = polygons.fast_depth_m(plane.project_fast(point), effort);
                if depth_m.abs() > MAX_ERROR_M + BOUNDARY_M + polygons.fast_error_m() {
                    return depth_m > 0.0;
                }
                plane.project(wgs84()).is_some_and(|projected| polygons.contains(projected.point, effort))
            }
        }
    }
}

/// Omits the coordinates: the plane of the polygons is at the origin, which is a person's position.
impl fmt::Debug for SearchArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match &self.shape {
            Shape::Box(_) => "box",
            Shape::Polygons(_) => "polygons",
        };
        write!(f, "SearchArea({shape})")
    }
}

/// Returns half-spaces around what polygons have within the largest radius of a search: their bounds in the plane, east,
/// west, north and south.
///
/// The component of a point's offset along east or north is its coordinate in the fast plane times `1 + up / R`. Up to
/// 50 km away, `up` is between −200 m and 0, so that the component differs from the coordinate by at most 1.6 m.
fn half_spaces(plane: &GnomonicPlane, polygons: &PlanePolygons) -> ArrayVec<HalfSpace, 4> {
    const MARGIN_M: f64 = 2.0;

    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    for shell in polygons.shells() {
        for vertex in clipped(&shell.0, Radius::MAX_M * 1.001) {
            (low, high) = (
                [low[0].min(vertex.x), low[1].min(vertex.y)],
                [high[0].max(vertex.x), high[1].max(vertex.y)],
            );
        }
    }
    let center_m = plane.center_m();
    let mut all = ArrayVec::new();
    for (axis, [low_m, high_m]) in plane.axes().into_iter().zip([[low[0], high[0]], [low[1], high[1]]]) {
        let at_center_m: f64 = (0..3).map(|number| axis[number] * center_m[number]).sum();
        all.push(HalfSpace { normal: axis, offset_m: at_center_m + low_m - MARGIN_M });
        all.push(HalfSpace { normal: axis.map(|part| -part), offset_m: -at_center_m - high_m - MARGIN_M });
    }
    all
}

/// Clips a closed ring to the square `|x|, |y| ≤ limit_m` (Sutherland and Hodgman). Only its bounds are of use: where the
/// ring leaves and re-enters, the result runs along the square.
fn clipped(ring: &[Coord], limit_m: f64) -> Vec<Coord> {
    let mut ring = ring.to_vec();
    for [x, y] in [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]] {
        let depth = |vertex: Coord| limit_m - x * vertex.x - y * vertex.y;
        let mut inside = Vec::with_capacity(ring.len() + 4);
        for (at, vertex) in ring.iter().enumerate() {
            let before = ring[at.checked_sub(1).unwrap_or(ring.len() - 1)];
            let (from, to) = (depth(before), depth(*vertex));
            if (from < 0.0) != (to < 0.0) {
                inside.push(before + (*vertex - before) * (from / (from - to)));
            }
            if to >= 0.0 {
                inside.push(*vertex);
            }
        }
        ring = inside;
    }
    ring
}
