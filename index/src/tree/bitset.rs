//! A set of the points of a page.

use super::leaf_points::LEAF;

/// Points of a page at the most.
pub(crate) const PAGE: usize = super::bounding_boxes::LEAVES * LEAF;

const WORDS: usize = PAGE / 64;
const LEAVES_A_WORD: usize = 64 / LEAF;

/// Points by their numbers, and the leaves that hold any of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bits {
    points: [u64; WORDS],
    leaves: u64,
}

impl Bits {
    pub(crate) const NONE: Self = Self { points: [0; WORDS], leaves: 0 };

    pub(crate) fn insert(&mut self, point: usize) {
        self.points[point / 64] |= 1 << (point % 64);
        self.leaves |= 1 << (point / LEAF);
    }

    pub(crate) fn remove(&mut self, point: usize) {
        self.points[point / 64] &= !(1 << (point % 64));
        if self.leaf(point / LEAF) == 0 {
            self.leaves &= !(1 << (point / LEAF));
        }
    }

    pub(crate) fn contains(&self, point: usize) -> bool {
        self.points[point / 64] >> (point % 64) & 1 == 1
    }

    pub(crate) fn len(&self) -> usize {
        self.points.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The points of a leaf, one bit each from the lowest.
    #[inline(always)]
    pub(crate) fn leaf(&self, leaf: usize) -> u16 {
        let word = self.points[leaf / LEAVES_A_WORD] >> (leaf % LEAVES_A_WORD * LEAF);
        #[expect(clippy::cast_possible_truncation, reason = "takes the low bits, which are the leaf's")]
        let leaf = word as u16;
        leaf
    }

    /// The leaves that hold any, one bit each from the lowest.
    #[inline(always)]
    pub(crate) fn leaves(&self) -> u64 {
        self.leaves
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.points
            .iter()
            .enumerate()
            .flat_map(|(number, word)| ones(*word).map(move |bit| number * 64 + bit))
    }

    /// Keeps those that a rule keeps, word by word: `keep` is given the word of this set and that of the other.
    pub(crate) fn combine(&mut self, other: &Self, keep: impl Fn(u64, u64) -> u64) {
        self.leaves = 0;
        for number in 0..WORDS {
            self.points[number] = keep(self.points[number], other.points[number]);
            for leaf in number * LEAVES_A_WORD..(number + 1) * LEAVES_A_WORD {
                self.leaves |= u64::from(self.leaf(leaf) != 0) << leaf;
            }
        }
    }
}

/// The numbers of the bits that are set, from the lowest.
pub(crate) fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(lowest)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn bits(points: &BTreeSet<usize>) -> Bits {
        points.iter().fold(Bits::NONE, |mut bits, point| {
            bits.insert(*point);
            bits
        })
    }

    proptest! {
        #[test]
        fn a_set_is_a_set(
            a in prop::collection::btree_set(0..PAGE, 0..80),
            b in prop::collection::btree_set(0..PAGE, 0..80),
        ) {
            let mut both = bits(&a);
            both.combine(&bits(&b), |a, b| a & b);
            prop_assert_eq!(both, bits(&a.intersection(&b).copied().collect()));
            let mut without = bits(&a);
            for point in &b {
                without.remove(*point);
            }
            let expected: BTreeSet<usize> = a.difference(&b).copied().collect();
            prop_assert_eq!(without.len(), expected.len());
            prop_assert_eq!(without.iter().collect::<BTreeSet<_>>(), expected.clone());
            prop_assert_eq!(ones(without.leaves()).collect::<BTreeSet<_>>(), expected.iter().map(|p| p / LEAF).collect());
            for point in 0..PAGE {
                prop_assert_eq!(without.contains(point), expected.contains(&point));
                prop_assert_eq!(without.leaf(point / LEAF) >> (point % LEAF) & 1 == 1, expected.contains(&point));
            }
        }
    }
}
