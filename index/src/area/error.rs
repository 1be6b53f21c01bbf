//! The reasons why polygons are no area.

use std::fmt;

use thiserror::Error;

use super::{MAX_POLYGONS, MAX_VERTICES};

/// The reason why polygons are no area. Messages never contain coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum AreaError {
    /// The number of polygons is 0 or above [`MAX_POLYGONS`].
    #[error("must have 1 to {MAX_POLYGONS} polygons")]
    Polygons,
    /// All rings together have more than [`MAX_VERTICES`] vertices.
    #[error("must have at most {MAX_VERTICES} vertices in all rings together; simplify the outline")]
    Vertices,
    /// A ring is invalid.
    #[error("polygon {polygon}, {ring}: {error}")]
    Ring {
        /// The polygon, from 0.
        polygon: usize,
        /// The ring.
        ring: Ring,
        /// The reason.
        error: RingError,
    },
}

/// A ring of a polygon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ring {
    /// The outer ring.
    Shell,
    /// A hole, from 0.
    Hole(usize),
}

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell => f.write_str("shell"),
            Self::Hole(hole) => write!(f, "hole {hole}"),
        }
    }
}

/// The reason why a ring is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum RingError {
    /// The ring has fewer than three distinct vertices.
    #[error("must have at least 3 vertices that differ from their predecessor")]
    TooFewVertices,
    /// A vertex is too far from the centre of the plane.
    #[error("vertex {vertex} must lie within {max_m} m of the {}", center(*max_m))]
    TooFar {
        /// The vertex, from 0.
        vertex: usize,
        /// The maximum distance in metres.
        max_m: f64,
    },
    /// The ring is narrower than a millimetre.
    #[error("must enclose an area: it is narrower than a millimetre")]
    NoArea,
    /// The ring crosses or touches itself.
    #[error("must not cross or touch itself: edges {} and {} do; split the polygon there", .0[0], .0[1])]
    SelfIntersection([usize; 2]),
    /// The hole is not within the shell.
    #[error("must lie within its shell")]
    HoleOutsideShell,
    /// The hole shares part of an edge with its shell.
    #[error("must touch its shell in points only, not along an edge")]
    HoleAlongShell,
    /// Two holes overlap.
    #[error("must not overlap hole {0}")]
    HolesOverlap(usize),
    /// Two holes share part of an edge.
    #[error("must touch hole {0} in points only, not along an edge")]
    HolesShareEdge(usize),
}

fn center(max_m: f64) -> &'static str {
    if max_m > crate::Radius::MAX_M { "origin" } else { "merchant" }
}
