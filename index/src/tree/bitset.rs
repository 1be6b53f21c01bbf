//! A fixed-size set of the points of a page.

use super::leaf_points::LEAF_SIZE;

/// Maximum number of points of a page.
pub(crate) const PAGE_SIZE: usize = super::bounding_boxes::MAX_LEAVES * LEAF_SIZE;

const WORDS: usize = PAGE_SIZE / 64;
const LEAVES_PER_WORD: usize = 64 / LEAF_SIZE;

/// A bit per point, and a bit per leaf that contains any point of the set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BitSet {
    points: [u64; WORDS],
    leaves: u64,
}

impl BitSet {
    pub(crate) const EMPTY: Self = Self { points: [0; WORDS], leaves: 0 };

    pub(crate) fn insert(&mut self, point: usize) {
        self.points[point / 64] |= 1 << (point % 64);
        self.leaves |= 1 << (point / LEAF_SIZE);
    }

    pub(crate) fn remove(&mut self, point: usize) {
        self.points[point / 64] &= !(1 << (point % 64));
        if self.leaf(point / LEAF_SIZE) == 0 {
            self.leaves &= !(1 << (point / LEAF_SIZE));
        }
    }

    pub(crate) fn contains(&self, point: usize) -> bool {
        self.points[point / 64] >> (point % 64) & 1 == 1
    }

    pub(crate) fn len(&self) -> usize {
        self.points.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the number of points of the set before a point.
    #[inline(always)]
    pub(crate) fn rank(&self, point: usize) -> usize {
        let before = |number: usize| match number.cmp(&(point / 64)) {
            std::cmp::Ordering::Less => u64::MAX,
            std::cmp::Ordering::Equal => (1 << (point % 64)) - 1,
            std::cmp::Ordering::Greater => 0,
        };
        (0..WORDS).map(|number| (self.points[number] & before(number)).count_ones() as usize).sum()
    }

    /// Returns the points of a leaf, one bit each.
    #[inline(always)]
    pub(crate) fn leaf(&self, leaf: usize) -> u16 {
        let word = self.points[leaf / LEAVES_PER_WORD] >> (leaf % LEAVES_PER_WORD * LEAF_SIZE);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "keeps the low bits, which are those of the leaf"
        )]
        let leaf = word as u16;
        leaf
    }

    /// Returns the leaves that contain any point, one bit each.
    #[inline(always)]
    pub(crate) fn leaves(&self) -> u64 {
        self.leaves
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.points
            .iter()
            .enumerate()
            .flat_map(|(number, word)| set_bits(*word).map(move |bit| number * 64 + bit))
    }

    /// Removes the points whose bits are not set in these words.
    pub(crate) fn intersect_words(&mut self, words: &[u64; WORDS]) {
        let other = Self { points: *words, leaves: 0 };
        self.combine(&other, |own, other| own & other);
    }

    /// Combines two sets word by word: `keep` receives the word of this set and that of the other.
    pub(crate) fn combine(&mut self, other: &Self, keep: impl Fn(u64, u64) -> u64) {
        self.leaves = 0;
        for number in 0..WORDS {
            self.points[number] = keep(self.points[number], other.points[number]);
            for leaf in number * LEAVES_PER_WORD..(number + 1) * LEAVES_PER_WORD {
                self.leaves |= u64::from(self.leaf(leaf) != 0) << leaf;
            }
        }
    }
}

/// Returns the indexes of the set bits, lowest first.
pub(crate) fn set_bits(mut word: u64) -> impl Iterator<Item = usize> {
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

    fn bits(points: &BTreeSet<usize>) -> BitSet {
        points.iter().fold(BitSet::EMPTY, |mut bits, point| {
            bits.insert(*point);
            bits
        })
    }

    proptest! {
        #[test]
        fn bit_set_matches_btree_set(
            a in prop::collection::btree_set(0..PAGE_SIZE, 0..80),
            b in prop::collection::btree_set(0..PAGE_SIZE, 0..80),
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
            prop_assert_eq!(set_bits(without.leaves()).collect::<BTreeSet<_>>(), expected.iter().map(|p| p / LEAF_SIZE).collect());
            for point in 0..PAGE_SIZE {
                prop_assert_eq!(without.contains(point), expected.contains(&point));
                prop_assert_eq!(without.rank(point), expected.range(..point).count());
                prop_assert_eq!(without.leaf(point / LEAF_SIZE) >> (point % LEAF_SIZE) & 1 == 1, expected.contains(&point));
            }
        }
    }
}
