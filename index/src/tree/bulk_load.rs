//! Sorting so that neighbours come to lie together: halves along the longest side, again and again.

use std::cmp::Ordering;

use super::{bounding_boxes::Extent, leaf_points::LEAF};

/// Something that lies somewhere.
pub(crate) trait Placed {
    /// Where, in metres from the centre of the earth.
    fn at_m(&self) -> [f64; 3];

    /// Which of two on one place comes first.
    fn on_one_place(&self, other: &Self) -> Ordering;
}

/// Sorts so that each run of [`LEAF`] makes a compact leaf. What lies on one place comes in its own order.
pub(crate) fn into_leaves<T: Placed>(items: &mut [T]) {
    let leaves = items.len().div_ceil(LEAF);
    if leaves <= 1 {
        return items.sort_unstable_by(|a, b| by_axis(0, a, b));
    }
    let (low, high) = halves(items, leaves / 2 * LEAF);
    into_leaves(low);
    into_leaves(high);
}

/// Sorts so that, cut into parts of about the same size, each part is compact. Returns the sizes of the parts.
pub(crate) fn into_parts<T: Placed>(items: &mut [T], parts: usize) -> Vec<usize> {
    if parts <= 1 {
        return vec![items.len()];
    }
    let low_parts = parts / 2;
    let at = items.len() * low_parts / parts;
    let (low, high) = halves(items, at);
    let mut sizes = into_parts(low, low_parts);
    sizes.extend(into_parts(high, parts - low_parts));
    sizes
}

/// Moves so many of the lowest along the longest side to the front.
fn halves<T: Placed>(items: &mut [T], at: usize) -> (&mut [T], &mut [T]) {
    if at < items.len() {
        let axis = longest_axis(items);
        items.select_nth_unstable_by(at, |a, b| by_axis(axis, a, b));
    }
    items.split_at_mut(at)
}

fn longest_axis<T: Placed>(items: &[T]) -> usize {
    let points = items.iter().map(Placed::at_m).map(|at_m| Extent { low_m: at_m, high_m: at_m });
    points.fold(Extent::NOTHING, |all, point| all.with(&point)).longest_axis()
}

/// Along an axis, then along the others, then by its own order: a total order, so that what lies on one place stays
/// together.
fn by_axis<T: Placed>(axis: usize, a: &T, b: &T) -> Ordering {
    let (at_a, at_b) = (a.at_m(), b.at_m());
    let along = |axis: usize| at_a[axis].total_cmp(&at_b[axis]);
    along(axis)
        .then_with(|| along((axis + 1) % 3))
        .then_with(|| along((axis + 2) % 3))
        .then_with(|| a.on_one_place(b))
}
