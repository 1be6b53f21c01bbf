//! Bounds on the distances of the children of a node, from which SIMD finds the nearest child.

use crate::tree::{bitset::set_bits, bounding_boxes::MAX_CHILDREN};

/// Lower bounds of the children, each with the child's index in its lowest five bits. The tag changes the
/// bound slightly, which [`SLACK`](crate::tree::bounding_boxes::SLACK) allows for, and makes all bounds
/// distinct: the minimum, which SIMD finds for many at a time, identifies its child. About `f32::MAX` where
/// there is nothing to visit.
#[derive(Clone, Copy)]
pub(super) struct TaggedBounds<const N: usize>(pub(super) [f32; N]);

const CHILD_MASK: u32 = 31;
const _: () = assert!(MAX_CHILDREN == 32, "a child index fits the tag");

impl<const N: usize> TaggedBounds<N> {
    #[inline(always)]
    pub(super) fn new(nearest2: &[f32; N], among: u64) -> Self {
        let mut bounds = [0.0; N];
        for ((bound, nearest2), child) in bounds.iter_mut().zip(nearest2).zip(0u32..) {
            *bound = f32::from_bits(nearest2.to_bits() & !CHILD_MASK | child);
        }
        for child in set_bits(!among & (u64::MAX >> (64 - N))) {
            bounds[child] = f32::MAX;
        }
        Self(bounds)
    }

    /// Returns the smallest bound above `other`. Visited bounds are not overwritten: a store would stall the
    /// following vector loads.
    #[inline(always)]
    pub(super) fn min_above(&self, other: f32) -> f32 {
        const LANES: usize = 16;
        let mut least = [f32::MAX; LANES];
        for bounds in self.0.chunks_exact(LANES) {
            for (least, bound) in least.iter_mut().zip(bounds) {
                // All bits set is a NaN, and the minimum of NaN and a number is the number here.
                let not_above = if *bound > other { 0 } else { u32::MAX };
                let above = f32::from_bits(bound.to_bits() | not_above);
                *least = if above < *least { above } else { *least };
            }
        }
        for half in [8, 4, 2, 1] {
            for lane in 0..half {
                let other = least[lane + half];
                least[lane] = if other < least[lane] { other } else { least[lane] };
            }
        }
        least[0]
    }
}

pub(super) fn child_index(bound: f32) -> usize {
    (bound.to_bits() & CHILD_MASK) as usize
}
