//! Finds two edges of a ring that meet, by a sweep (Shamos and Hoey, "Geometric intersection problems", 1976).
//!
//! Vertices are visited from west to east. The edges at the current vertex are kept from south to north, and only neighbours are
//! compared: before two edges meet for the first time, they are neighbours. A ring of n edges takes n · log n comparisons, whatever
//! its shape, where comparing all edges with a common range of x takes n² for edges that all lie side by side.
//!
//! Exact: orientations are those of the given coordinates.

use std::cmp::Ordering;

use geo::{
    Coord, Intersects, Line, LineString,
    kernels::{Kernel, Orientation, RobustKernel},
};

/// Returns two edges of a closed ring that cross, touch or overlap other than by sharing the vertex between them. Neighbouring vertices
/// of the ring differ.
pub(super) fn self_intersection(ring: &LineString) -> Option<[usize; 2]> {
    let edges: Vec<Line> = ring.lines().collect();
    let mut order: Vec<usize> = (0..edges.len()).collect();
    order.sort_unstable_by(|a, b| west_to_east(edges[*a].start, edges[*b].start));
    let repeated = order.windows(2).find(|pair| edges[pair[0]].start == edges[pair[1]].start);
    if let Some(pair) = repeated {
        return Some([pair[0].min(pair[1]), pair[0].max(pair[1])]);
    }
    let mut sweep = Sweep { edges: &edges, open: Vec::new() };
    order.into_iter().find_map(|vertex| sweep.visit(vertex))
}

/// The edges that begin before the current vertex and end at it or behind it, from south to north.
struct Sweep<'e> {
    edges: &'e [Line],
    open: Vec<usize>,
}

impl Sweep<'_> {
    /// Visits the vertex at the start of an edge. Returns two edges that meet, if it finds any.
    fn visit(&mut self, edge: usize) -> Option<[usize; 2]> {
        let vertex = self.edges[edge].start;
        let before = edge.checked_sub(1).unwrap_or(self.edges.len() - 1);
        let is_east = |at: Coord| west_to_east(vertex, at) == Ordering::Less;
        let mut beginning: Vec<usize> = Vec::with_capacity(2);
        beginning.extend(Some(before).filter(|before| is_east(self.edges[*before].start)));
        beginning.extend(Some(edge).filter(|edge| is_east(self.edges[*edge].end)));
        // The edges through the vertex: those that end here, unless the ring touches itself.
        let low = self.open.partition_point(|open| self.side(*open, vertex) == Ordering::Greater);
        let high = low + self.open[low..].partition_point(|open| self.side(*open, vertex) == Ordering::Equal);
        if let Some(other) = self.open[low..high].iter().find(|open| **open != edge && **open != before) {
            return Some([edge.min(*other), edge.max(*other)]);
        }
        if let [first, second] = beginning[..]
            && self.side(first, east_end(self.edges[second])) == Ordering::Less
        {
            beginning.swap(0, 1);
        }
        let end = low + beginning.len();
        self.open.splice(low..high, beginning);
        // The pairs of neighbours that are new.
        let from = low.saturating_sub(1);
        let new = self.open.get(from..(end + 1).min(self.open.len())).unwrap_or_default();
        new.windows(2)
            .map(|pair| [pair[0].min(pair[1]), pair[0].max(pair[1])])
            .find(|pair| self.is_conflict(*pair))
    }

    /// Returns the side of an edge, seen from west to east, on which a point lies: greater is north.
    fn side(&self, edge: usize, point: Coord) -> Ordering {
        let Line { start, end } = self.edges[edge];
        let (west, east) = if west_to_east(start, end).is_le() { (start, end) } else { (end, start) };
        match RobustKernel::orient2d(west, east, point) {
            Orientation::CounterClockwise => Ordering::Greater,
            Orientation::Clockwise => Ordering::Less,
            Orientation::Collinear => Ordering::Equal,
        }
    }

    fn is_conflict(&self, [first, second]: [usize; 2]) -> bool {
        let (a, b) = (self.edges[first], self.edges[second]);
        if second == first + 1 {
            is_spike(a.start, a.end, b.end)
        } else if first == 0 && second == self.edges.len() - 1 {
            is_spike(b.start, b.end, a.end)
        } else {
            a.intersects(&b)
        }
    }
}

/// Returns whether an edge returns along the one before.
fn is_spike(from: Coord, via: Coord, to: Coord) -> bool {
    let towards = (from.x - via.x) * (to.x - via.x) + (from.y - via.y) * (to.y - via.y);
    towards > 0.0 && RobustKernel::orient2d(from, via, to) == Orientation::Collinear
}

fn east_end(edge: Line) -> Coord {
    if west_to_east(edge.start, edge.end).is_lt() { edge.end } else { edge.start }
}

/// Orders points by x, then by y, as if the sweep line were turned by very little.
fn west_to_east(a: Coord, b: Coord) -> Ordering {
    // Zeros of both signs are one coordinate.
    a.x.partial_cmp(&b.x).and_then(|x| Some(x.then(a.y.partial_cmp(&b.y)?))).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ring(vertices: &[(f64, f64)]) -> LineString {
        let mut ring: Vec<Coord> = vertices.iter().map(|(x, y)| Coord { x: *x, y: *y }).collect();
        ring.dedup();
        while ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        ring.extend(ring.first().copied());
        LineString(ring)
    }

    /// Compares all pairs.
    fn is_simple(ring: &LineString) -> bool {
        let edges: Vec<Line> = ring.lines().collect();
        let sweep = Sweep { edges: &edges, open: Vec::new() };
        let pairs = || (0..edges.len()).flat_map(|a| (a + 1..edges.len()).map(move |b| [a, b]));
        !pairs().any(|pair| sweep.is_conflict(pair))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// On a coarse grid, so that vertices touch edges, edges overlap, and many are vertical.
        #[test]
        fn the_sweep_agrees_with_all_pairs(vertices in prop::collection::vec((-3..=3_i8, -3..=3_i8), 3..10)) {
            let vertices: Vec<_> = vertices.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            let ring = ring(&vertices);
            prop_assume!(ring.0.len() > 3);
            let found = self_intersection(&ring);
            prop_assert_eq!(found.is_none(), is_simple(&ring), "{:?}", found);
        }

        /// A star of many edges, whose vertices move until some of them cross.
        #[test]
        fn the_sweep_agrees_with_all_pairs_on_outlines(
            radii in prop::collection::vec(0.2..1.0_f64, 3..60), shift in 0.0..1.5_f64, seed in 0..60_usize,
        ) {
            let count = radii.len();
            let corner = |(number, radius): (usize, &f64)| {
                let turn = if number == seed % count { shift } else { 0.0 };
                let (sin, cos) = libm::sincos((number as f64 + turn) / count as f64 * std::f64::consts::TAU);
                (radius * cos, radius * sin)
            };
            let vertices: Vec<_> = radii.iter().enumerate().map(corner).collect();
            let ring = ring(&vertices);
            prop_assert_eq!(self_intersection(&ring).is_none(), is_simple(&ring));
        }
    }

    /// Edges side by side, diagonal, so that all ranges overlap.
    #[test]
    fn a_ring_of_parallel_edges_takes_few_comparisons() {
        let zigzag = (0..998).map(|number| {
            let along = if number % 2 == 0 { 0.0 } else { 1.0 };
            (along, along + f64::from(number) * 1e-6)
        });
        let vertices: Vec<_> = zigzag.chain([(2.0, 3.0), (2.0, -1.0)]).collect();
        let ring = ring(&vertices);
        assert_eq!(self_intersection(&ring), None);
        let edges: Vec<Line> = ring.lines().collect();
        let mut sweep = Sweep { edges: &edges, open: Vec::new() };
        let mut order: Vec<usize> = (0..edges.len()).collect();
        order.sort_unstable_by(|a, b| west_to_east(edges[*a].start, edges[*b].start));
        assert!(order.into_iter().all(|vertex| sweep.visit(vertex).is_none()));
        assert_eq!(sweep.open, [] as [usize; 0], "every edge has ended");
    }
}
