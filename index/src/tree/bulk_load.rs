//! Bulk loading: recursive partitioning along the longest side, so that neighbours end up together.

use std::cmp::Ordering;

use super::{bounding_boxes::Aabb, leaf_points::LEAF_SIZE};

/// An item with a position.
pub(crate) trait Located {
    /// Returns the position in metres from the earth's centre.
    fn position_m(&self) -> [f64; 3];

    /// Orders two items at the same position.
    fn tie_break(&self, other: &Self) -> Ordering;
}

/// Sorts so that each run of [`LEAF_SIZE`] items forms a compact leaf. Items at one position are in their own
/// order.
pub(crate) fn sort_into_leaves<T: Located>(items: &mut [T]) {
    let leaves = items.len().div_ceil(LEAF_SIZE);
    if leaves <= 1 {
        return items.sort_unstable_by(|a, b| by_axis(0, a, b));
    }
    let (low, high) = split_at_median(items, leaves / 2 * LEAF_SIZE);
    sort_into_leaves(low);
    sort_into_leaves(high);
}

/// Sorts so that consecutive parts of about equal size are compact. Returns the sizes of the parts.
pub(crate) fn sort_into_parts<T: Located>(items: &mut [T], parts: usize) -> Vec<usize> {
    if parts <= 1 {
        return vec![items.len()];
    }
    let low_parts = parts / 2;
    let at = items.len() * low_parts / parts;
    let (low, high) = split_at_median(items, at);
    let mut sizes = sort_into_parts(low, low_parts);
    sizes.extend(sort_into_parts(high, parts - low_parts));
    sizes
}

/// Moves the `at` lowest items along the longest axis to the front.
fn split_at_median<T: Located>(items: &mut [T], at: usize) -> (&mut [T], &mut [T]) {
    if at < items.len() {
        let axis = longest_axis(items);
        items.select_nth_unstable_by(at, |a, b| by_axis(axis, a, b));
    }
    items.split_at_mut(at)
}

fn longest_axis<T: Located>(items: &[T]) -> usize {
    let points = items.iter().map(Located::position_m).map(|at_m| Aabb { low_m: at_m, high_m: at_m });
    points.fold(Aabb::EMPTY, |all, point| all.with(&point)).longest_axis()
}

/// Orders along an axis, then along the others, then by the items' own order: a total order, so that items at
/// one position stay together.
fn by_axis<T: Located>(axis: usize, a: &T, b: &T) -> Ordering {
    let (at_a, at_b) = (a.position_m(), b.position_m());
    let along = |axis: usize| at_a[axis].total_cmp(&at_b[axis]);
    along(axis)
        .then_with(|| along((axis + 1) % 3))
        .then_with(|| along((axis + 2) % 3))
        .then_with(|| a.tie_break(b))
}
