//! Bloom filters over the terms of each child of a node, which let a search for rare terms skip most
//! subtrees.
//!
//! The filters of all children are stored transposed: one 32-bit word per position, one bit per child. A term
//! has two positions, so two loads find the children that may contain it, regardless of their number. False
//! positives are possible, false negatives are not.

use std::sync::Arc;

use super::{bitset::set_bits, bounding_boxes::MAX_CHILDREN};
use crate::{Filter, Term};

/// Number of positions, a power of two. With 200 distinct terms per page, each child has 18 % of its
/// positions set, and one in thirty absent terms is a false positive.
const POSITIONS: usize = 2_048;

/// The filters of a node's children. Unallocated until a merchant has a term; shared between versions of a
/// node while nothing is added.
#[derive(Clone, Debug, Default)]
pub(crate) struct TermBloom {
    words: Option<Arc<[u32; POSITIONS]>>,
}

/// The filter of one child.
#[derive(Clone, Debug)]
pub(crate) struct ChildBloom([u64; POSITIONS / 64]);

const _: () = assert!(MAX_CHILDREN <= 32, "one bit per child");

fn positions(hash: u64) -> [usize; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "keeps the low bits on purpose")]
    [hash as usize % POSITIONS, (hash >> 32) as usize % POSITIONS]
}

impl TermBloom {
    /// Adds term hashes to a child.
    pub(crate) fn add(&mut self, child: usize, hashes: impl IntoIterator<Item = u64>) {
        self.add_positions(child, hashes.into_iter().flat_map(positions));
    }

    /// Adds the union of a child node's own filters to that child.
    pub(crate) fn add_all(&mut self, child: usize, below: &Self) {
        let Some(words) = &below.words else { return };
        let set = (0..POSITIONS).filter(|position| words[*position] != 0);
        self.add_positions(child, set);
    }

    fn add_positions(&mut self, child: usize, positions: impl IntoIterator<Item = usize>) {
        let bit = 1u32 << child;
        for position in positions {
            let words = self.words.get_or_insert_with(|| Arc::new([0; POSITIONS]));
            if words[position] & bit == 0 {
                Arc::make_mut(words)[position] |= bit;
            }
        }
    }

    /// Extracts the filter of a child that moves to another node.
    pub(crate) fn column(&self, child: usize) -> ChildBloom {
        let mut column = [0; POSITIONS / 64];
        if let Some(words) = &self.words {
            for (position, word) in words.iter().enumerate() {
                column[position / 64] |= u64::from(word >> child & 1) << (position % 64);
            }
        }
        ChildBloom(column)
    }

    /// Adds a filter extracted from another node to a child.
    pub(crate) fn add_column(&mut self, child: usize, ChildBloom(column): &ChildBloom) {
        let set =
            (0..).zip(column).flat_map(|(number, word)| set_bits(*word).map(move |bit| number * 64 + bit));
        self.add_positions(child, set);
    }

    /// Clears the filter of a child.
    pub(crate) fn clear(&mut self, child: usize) {
        if let Some(words) = &mut self.words {
            Arc::make_mut(words).iter_mut().for_each(|word| *word &= !(1u32 << child));
        }
    }

    /// Returns the children that may contain matches of a filter, one bit each.
    pub(crate) fn may_match(&self, filter: &Filter) -> u64 {
        let may_match = |term: &Term| {
            let [first, second] = positions(term.hash());
            self.words.as_ref().map_or(0, |words| u64::from(words[first] & words[second]))
        };
        let any_of = filter
            .any_of
            .iter()
            .map(|any_of| any_of.iter().map(may_match).fold(0, |children, more| children | more));
        let ranges = filter.ranges.iter().map(|range| may_match(range.key()));
        any_of.chain(ranges).fold(u64::MAX, |children, fewer| children & fewer)
    }
}
