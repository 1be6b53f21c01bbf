//! Polygons in single precision, which decide most points in a few nanoseconds per vertex.

use geo::{Coord, LineString, Polygon};
use smallvec::SmallVec;

/// The vertices of polygons, one ring after the other.
#[derive(Clone, PartialEq)]
pub(super) struct FastPolygons {
    vertices: Box<[[f32; 2]]>,
    /// Start of the next ring in `vertices`, and whether the next ring begins another polygon.
    rings: SmallVec<[(u16, bool); 6]>,
    error_m: f64,
}

impl FastPolygons {
    /// Takes over closed rings of at most a thousand vertices altogether, each up to `farthest_m` from the origin.
    pub(super) fn new(polygons: &[Polygon], farthest_m: f64) -> Self {
        /// Bound on the errors of [`Self::depth_m`] in units of the last place of `farthest_m`, 2⁻²⁴: coordinates of the
        /// vertices and of the point are rounded once each, and the distance from an edge takes five more operations.
        const ROUNDINGS: f64 = 16.0 / 16_777_216.0;

        let (mut vertices, mut rings) = (Vec::new(), SmallVec::new());
        for polygon in polygons {
            let all: SmallVec<[&LineString; 4]> =
                std::iter::once(polygon.exterior()).chain(polygon.interiors()).collect();
            for (number, ring) in all.iter().enumerate() {
                vertices.extend(ring.0.iter().map(single));
                rings.push((u16::try_from(vertices.len()).unwrap_or(u16::MAX), number + 1 == all.len()));
            }
        }
        Self { vertices: vertices.into(), rings, error_m: farthest_m.max(100_000.0) * ROUNDINGS }
    }

    /// Returns the number of vertices, closing ones included.
    pub(super) fn vertices(&self) -> usize {
        self.vertices.len()
    }

    /// Returns a bound on the error of [`Self::depth_m`] in metres.
    pub(super) fn error_m(&self) -> f64 {
        self.error_m
    }

    /// Returns the distance of a point up to 100 km from the origin from the nearest edge of the polygon that holds it
    /// deepest: positive inside, negative outside.
    pub(super) fn depth_m(&self, point: Coord) -> f64 {
        let [x, y] = single(&point);
        let mut deepest_m = f32::NEG_INFINITY;
        let (mut begin, mut nearest2, mut inside) = (0, f32::INFINITY, false);
        for (end, is_last_of_polygon) in &self.rings {
            let end = usize::from(*end);
            for edge in self.vertices.get(begin..end).unwrap_or_default().windows(2) {
                let ([ax, ay], [bx, by]) = (edge[0], edge[1]);
                let (ax, ay, bx, by) = (ax - x, ay - y, bx - x, by - y);
                let (dx, dy) = (bx - ax, by - ay);
                // The foot of the perpendicular. Not a number for vertices that single precision merges, and ignored: the
                // edges beside them are as near.
                let along = (-(ax * dx + ay * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
                let (ex, ey) = (ax + along * dx, ay + along * dy);
                nearest2 = nearest2.min(ex * ex + ey * ey);
                let crosses = (ay > 0.0) != (by > 0.0) && (ax * dy > ay * dx) == (dy > 0.0);
                inside ^= crosses;
            }
            begin = end;
            if *is_last_of_polygon {
                let edge_m = nearest2.sqrt();
                deepest_m = deepest_m.max(if inside { edge_m } else { -edge_m });
                (nearest2, inside) = (f32::INFINITY, false);
            }
        }
        f64::from(deepest_m)
    }
}

fn single(point: &Coord) -> [f32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "rounds; `error_m` allows for it")]
    [point.x as f32, point.y as f32]
}

#[cfg(test)]
mod tests {
    use geo::{CoordinatePosition, Distance, Euclidean, LinesIter, coordinate_position::CoordPos};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn single_precision_is_within_its_error(
            corners in prop::collection::vec((0.2f64..1.0, 0.0f64..1.0), 3..20), size_m in 1.0f64..40_000.0,
            center in (-30_000.0f64..30_000.0, -30_000.0f64..30_000.0), aside in (-1.0f64..1.0, -1.0f64..1.0),
            has_hole: bool,
        ) {
            let count = corners.len() as f64;
            let ring = |share: f64| -> LineString {
                let corner = |(at, (radius, turn)): (usize, &(f64, f64))| {
                    let (sin, cos) = libm::sincos(std::f64::consts::TAU * (at as f64 + 0.9 * turn) / count);
                    let radius_m = share * size_m * radius;
                    Coord { x: center.0 + radius_m * cos, y: center.1 + radius_m * sin }
                };
                corners.iter().enumerate().map(corner).collect()
            };
            let polygon = Polygon::new(ring(1.0), if has_hole { vec![ring(0.1)] } else { Vec::new() });
            let point = Coord { x: center.0 + 1.2 * size_m * aside.0, y: center.1 + 1.2 * size_m * aside.1 };
            let edge_m = polygon.lines_iter().map(|line| Euclidean.distance(&geo::Point::from(point), &line));
            let edge_m = edge_m.fold(f64::INFINITY, f64::min);
            let is_outside = polygon.coordinate_position(&point) == CoordPos::Outside;
            let exact_m = if is_outside { -edge_m } else { edge_m };
            let fast = FastPolygons::new(&[polygon], 100_000.0);
            let error_m = (fast.depth_m(point) - exact_m).abs();
            prop_assert!(error_m <= fast.error_m() / 2.0, "{error_m} m, limit {}", fast.error_m());
        }
    }
}
