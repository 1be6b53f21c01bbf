//! Areas on the earth: where a merchant serves, and where a search looks.
//!
//! | module | content |
//! |---|---|
//! | `plane` | the ellipsoidal gnomonic plane at a point, in which edges are straight |
//! | `polygons`, `rings`, `sweep` | polygons in a plane: validity, and whether and how deep they hold a point |
//! | `fast_polygons` | the same in single precision, for all points but those near an edge |
//! | `service` | the area that a merchant serves |
//! | `search` | the area that a search is restricted to |
//! | `lat_lng_box` | boxes of latitudes and longitudes |
//! | `half_space` | what of the tree an area rules out |
//!
//! Points near an edge are decided in the exact plane; all others by bounds that allow for the error of the
//! approximation. The trigonometry of `geographiclib-rs` is the platform's: two machines may decide differently only
//! within a nanometre of the boundary, which lies a millimetre outside the edges.

mod error;
mod fast_polygons;
mod half_space;
mod lat_lng_box;
mod plane;
mod polygons;
mod rings;
mod search;
mod service;
mod sweep;
#[cfg(test)]
mod tests;

pub use self::{
    error::{AreaError, Ring, RingError},
    lat_lng_box::LatLngBox,
    search::SearchArea,
    service::{ServedPoint, ServiceArea},
};
pub(crate) use half_space::HalfSpace;

use crate::{Position, Wgs84};

/// Maximum number of polygons of an area.
pub const MAX_POLYGONS: usize = 16;
/// Maximum number of vertices of an area. Closing vertices and equal neighbours do not count.
pub const MAX_VERTICES: usize = 1_000;

/// Distance in metres from an edge within which a point is on the boundary, and hence inside.
const BOUNDARY_M: f64 = 1e-3;

/// A polygon as vertices. Rings close themselves; their winding carries no meaning.
#[derive(Clone, Default)]
pub struct PolygonVertices {
    /// The outer ring.
    pub shell: Vec<Position<Wgs84>>,
    /// Holes.
    pub holes: Vec<Vec<Position<Wgs84>>>,
}
