//! Boxes of latitudes and longitudes.

use arrayvec::ArrayVec;

use super::HalfSpace;
use crate::{Ecef, Meters, Position, Radius, Wgs84};

/// All points between two parallels and two meridians, edges included. A box whose north-eastern corner lies west of
/// the south-western one crosses the antimeridian; from −180 to 180 it goes once around the earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatLngBox {
    south_west: Position<Wgs84>,
    north_east: Position<Wgs84>,
}

/// Distance from the edges of a half-space within which the coordinates in degrees decide. Earth-centred coordinates are
/// rounded to a micrometre.
pub(super) const ROUNDING_M: f64 = 1e-3;

impl LatLngBox {
    /// Creates a box. Returns `None` if the north-eastern corner lies south of the south-western one.
    #[must_use]
    pub fn new(south_west: Position<Wgs84>, north_east: Position<Wgs84>) -> Option<Self> {
        (south_west.latitude_deg() <= north_east.latitude_deg()).then_some(Self { south_west, north_east })
    }

    fn latitudes_deg(self) -> [f64; 2] {
        [self.south_west.latitude_deg(), self.north_east.latitude_deg()]
    }

    /// Returns whether a point is in the box. Every meridian ends at a pole, and the antimeridian has two longitudes.
    #[must_use]
    pub fn contains(self, position: Position<Wgs84>) -> bool {
        let [south, north] = self.latitudes_deg();
        let (latitude, longitude) = (position.latitude_deg(), position.longitude_deg());
        let is_on_meridian = latitude.abs() == 90.0
            || self.spans(longitude)
            || (longitude.abs() == 180.0 && self.spans(-longitude));
        is_on_meridian && (south..=north).contains(&latitude)
    }

    fn spans(self, longitude: f64) -> bool {
        let (west, east) = (self.south_west.longitude_deg(), self.north_east.longitude_deg());
        if west <= east { (west..=east).contains(&longitude) } else { longitude >= west || longitude <= east }
    }

    /// Returns the width in degrees from west to east.
    #[must_use]
    pub fn width_deg(self) -> f64 {
        let width = self.north_east.longitude_deg() - self.south_west.longitude_deg();
        // A box once around the earth has no width modulo 360.
        if width == 360.0 { width } else { width.rem_euclid(360.0) }
    }

    /// Returns a circle around the box; `None` if it is too large to be searched.
    #[must_use]
    pub fn circumscribe(self) -> Option<(Ecef, Radius)> {
        let [south, north] = self.latitudes_deg();
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

    /// Returns the largest distance from a point to the box, if it is within the range of distances of a search.
    ///
    /// Along a parallel the distance grows up to the meridian opposite to the point, along a meridian up to the far side
    /// of the earth: the farthest point is a corner, or lies on the opposite meridian. A box that reaches the far side is
    /// beyond the range in any case.
    pub(super) fn farthest(self, from: Position<Wgs84>) -> Meters {
        let opposite = if from.longitude_deg() > 0.0 {
            from.longitude_deg() - 180.0
        } else {
            from.longitude_deg() + 180.0
        };
        let corners = [self.south_west.longitude_deg(), self.north_east.longitude_deg()];
        let longitudes = corners.into_iter().chain(self.spans(opposite).then_some(opposite));
        let origin = Ecef::from(from);
        let points = longitudes
            .flat_map(|longitude| self.latitudes_deg().map(|latitude| Position::new(latitude, longitude)));
        points.flatten().map(|point| origin.distance(Ecef::from(point))).fold(Meters::ZERO, Meters::max)
    }

    /// Returns half-spaces whose intersection contains the box, and is the box if it is at most 180 degrees wide: each is
    /// wider than its edge by [`ROUNDING_M`].
    ///
    /// A parallel is a plane of constant z, which increases with the latitude, and a meridian lies in a plane through the
    /// axis. The wedge between two meridians is the intersection of two half-spaces up to 180 degrees.
    pub(super) fn half_spaces(self) -> ArrayVec<HalfSpace, 4> {
        let [south_m, north_m] =
            [self.south_west, self.north_east].map(|corner| Ecef::from(corner).xyz_m()[2]);
        let mut all = ArrayVec::new();
        all.push(HalfSpace { normal: [0.0, 0.0, 1.0], offset_m: south_m - ROUNDING_M });
        all.push(HalfSpace { normal: [0.0, 0.0, -1.0], offset_m: -north_m - ROUNDING_M });
        if self.width_deg() <= 180.0 {
            let [west, east] = [self.south_west, self.north_east]
                .map(|corner| libm::sincos(corner.longitude_deg().to_radians()));
            all.push(HalfSpace { normal: [-west.0, west.1, 0.0], offset_m: -ROUNDING_M });
            all.push(HalfSpace { normal: [east.0, -east.1, 0.0], offset_m: -ROUNDING_M });
        }
        all
    }
}
