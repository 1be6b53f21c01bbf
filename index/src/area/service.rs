//! The area that a merchant serves.

use std::{fmt, sync::Arc};

use super::{
    BOUNDARY_M, PolygonVertices,
    error::AreaError,
    plane::{GnomonicPlane, MAX_ERROR_M},
    polygons::PlanePolygons,
};
use crate::{Ecef, Effort, Meters, Position, Radius, Wgs84};

/// The area that a merchant serves: a circle around it, or polygons. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceArea(Shape);

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// Distances up to this one, by the distance that ranks.
    Radius(Radius),
    Polygons(Arc<PolygonArea>),
}

#[derive(Clone, PartialEq)]
struct PolygonArea {
    plane: GnomonicPlane,
    polygons: PlanePolygons,
    reach: Meters,
    /// Everything nearer to the merchant is in the area. Negative if the merchant is not.
    inner_m: f64,
}

/// The point that is to be served, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServedPoint {
    /// The point on the ellipsoid.
    pub wgs84: Position<Wgs84>,
    /// The same point.
    pub ecef: Ecef,
    /// Distance up to which an area may miss the point. [`Meters::ZERO`] to be served.
    pub tolerance: Meters,
}

impl ServedPoint {
    /// A point that is known exactly.
    #[must_use]
    pub fn exact(wgs84: Position<Wgs84>) -> Self {
        Self { wgs84, ecef: wgs84.into(), tolerance: Meters::ZERO }
    }
}

impl ServiceArea {
    /// A circle around the merchant.
    #[must_use]
    pub const fn circle(radius: Radius) -> Self {
        Self(Shape::Radius(radius))
    }

    /// Polygons around or beside the merchant, whose vertices are at most [`Radius::MAX_M`] from it.
    ///
    /// # Errors
    /// [`AreaError`], which names the first invalid ring.
    pub fn polygons(merchant: Position<Wgs84>, given: &[PolygonVertices]) -> Result<Self, AreaError> {
        /// An edge is at most as far as the farther of its ends, but for the difference between the distance in the
        /// plane and that of the search, which is below 0.02 m at 50 km.
        const REACH_MARGIN_M: f64 = 0.1;

        let plane = GnomonicPlane::at(merchant);
        let polygons = PlanePolygons::new(&plane, given, Radius::MAX_M)?;
        let reach = Meters::from_valid(polygons.farthest_m() + REACH_MARGIN_M);
        // The distance in the plane is at least that on the ellipsoid: a circle in the plane holds more. Its edge can
        // be nearer than the circle of the search by the same difference as above.
        let inner_m = polygons.depth_m(geo::Coord { x: 0.0, y: 0.0 }, &Effort::default());
        let inner_m = if inner_m > 0.0 { inner_m * INNER_SHARE - REACH_MARGIN_M } else { -1.0 };
        Ok(Self(Shape::Polygons(Arc::new(PolygonArea { plane, polygons, reach, inner_m }))))
    }

    /// Returns the distance from the merchant beyond which the area has no point.
    #[must_use]
    pub fn reach(&self) -> Meters {
        match &self.0 {
            Shape::Radius(radius) => radius.meters(),
            Shape::Polygons(area) => area.reach,
        }
    }

    /// Returns the distance from the merchant within which the area has every point, in metres; negative if there is none.
    #[must_use]
    pub(crate) fn inner_m(&self) -> f64 {
        match &self.0 {
            Shape::Radius(radius) => radius.meters().get(),
            Shape::Polygons(area) => area.inner_m,
        }
    }

    /// Returns whether the area contains a point, or is within its tolerance. `distance` is that of the point from the
    /// merchant.
    #[must_use]
    pub fn serves(&self, point: &ServedPoint, distance: Meters, effort: &Effort) -> bool {
        let tolerance_m = point.tolerance.get();
        match &self.0 {
            Shape::Radius(radius) if tolerance_m == 0.0 => distance <= radius.meters(),
            Shape::Radius(radius) => distance.get() <= radius.meters().get() + tolerance_m,
            Shape::Polygons(area) => area.serves(point, distance, effort),
        }
    }

    /// Returns the distance in metres of a point from the edge of the area: positive inside, negative outside. Where
    /// polygons overlap or touch, an edge of one within another counts, too.
    #[must_use]
    pub fn depth_m(&self, point: &ServedPoint, distance: Meters, effort: &Effort) -> f64 {
        match &self.0 {
            Shape::Radius(radius) => radius.meters().get() - distance.get(),
            Shape::Polygons(area) => area.exact_depth_m(point, effort),
        }
    }
}

/// Lower bound of the distance on the ellipsoid as a share of that in the plane, up to 50 km: `atan(x) / x` at
/// 50 / 6,357 is 1 − 2.1e-5.
const INNER_SHARE: f64 = 1.0 - 3e-5;

impl PolygonArea {
    fn serves(&self, point: &ServedPoint, distance: Meters, effort: &Effort) -> bool {
        let tolerance_m = point.tolerance.get();
        // Bounds only. `reach` is rounded up by more than a boundary's millimetre, `inner_m` is rounded down.
        if distance.get() > self.reach.get() + tolerance_m * TOLERANCE_STRETCH {
            return false;
        }
        if distance.get() <= self.inner_m {
            return true;
        }
        let needed_m = -tolerance_m.max(BOUNDARY_M);
        let depth_m = self.polygons.fast_depth_m(self.plane.project_fast(point.ecef), effort);
        // A depth changes by at most as much as the point moves.
        let error_m = MAX_ERROR_M + self.polygons.fast_error_m();
        if (depth_m - needed_m).abs() > error_m && distance.get() <= Radius::MAX_M {
            return depth_m > needed_m;
        }
        self.exact_depth_m(point, effort) >= needed_m
    }

    fn exact_depth_m(&self, point: &ServedPoint, effort: &Effort) -> f64 {
        let projected = self.plane.project(point.wgs84);
        projected.map_or(f64::NEG_INFINITY, |projected| self.polygons.depth_m(projected.point, effort))
    }
}

/// Upper bound of a distance in the plane as a multiple of that on the ellipsoid, up to 100 km from the centre.
const TOLERANCE_STRETCH: f64 = 1.001;

/// Omits the coordinates.
impl fmt::Debug for PolygonArea {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PolygonArea({} polygons)", self.polygons.len())
    }
}
