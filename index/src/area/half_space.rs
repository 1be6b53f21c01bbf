//! Half-spaces in earth-centred coordinates, which rule out parts of the tree.

use crate::Ecef;

/// The points `p` with `normal · p ≥ offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HalfSpace {
    pub(crate) normal: [f64; 3],
    pub(crate) offset_m: f64,
}

impl HalfSpace {
    /// Returns the distance of a point from the plane, negative outside the half-space.
    pub(super) fn depth_m(&self, point: Ecef) -> f64 {
        let [x, y, z] = point.xyz_m();
        self.normal[0] * x + self.normal[1] * y + self.normal[2] * z - self.offset_m
    }
}
