//! Bloom filters of each child of a node, which let a search for rare terms or names skip most subtrees.
//!
//! The filters of all children are stored transposed: one 32-bit word per position, one bit per child. A term
//! has two positions, so two loads find the children that may contain it, regardless of their number. False
//! positives are possible, false negatives are not.

use std::sync::Arc;

use super::{bitset::set_bits, bounding_boxes::MAX_CHILDREN};
use crate::{Filter, Term, TextQuery, text::Feature};

/// Positions of a filter of terms, a power of two. With 200 distinct terms per page, each child has 18 % of its
/// positions set, and one in thirty absent terms is a false positive.
const TERM_POSITIONS: usize = 2_048;

/// Positions of a filter of names. Only the lowest nodes have one: 200 merchants have about 1,500 selective
/// features, which set a third of the positions, and a text of eight letters has five of them. The 6,000
/// merchants of a child one level up would set all. With the counters of its `Arc`, a filter takes 16 KiB; 4,096
/// positions would take 20 KiB, the next size of the allocator.
const NAME_POSITIONS: usize = 63 * 64;

/// The terms of the merchants below each child.
pub(crate) type TermBloom = Bloom<TERM_POSITIONS>;
/// The features of the names in each page.
pub(crate) type NameBloom = Bloom<NAME_POSITIONS>;
/// The terms of the merchants below one child.
pub(crate) type TermColumn = Column<TERM_POSITIONS>;
/// The features of the names in one page.
pub(crate) type NameColumn = Column<NAME_POSITIONS>;

/// The filters of a node's children. Unallocated until something is added; shared between versions of a
/// node while nothing is added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bloom<const POSITIONS: usize> {
    words: Option<Arc<[u32; POSITIONS]>>,
}

/// The filter of one child.
#[derive(Clone, Debug)]
pub(crate) struct Column<const POSITIONS: usize>(Box<[u64]>);

impl<const POSITIONS: usize> Default for Column<POSITIONS> {
    fn default() -> Self {
        Self(vec![0; POSITIONS / 64].into())
    }
}

impl NameColumn {
    /// Adds a feature.
    pub(crate) fn add(&mut self, feature: Feature) {
        if feature.is_selective {
            let position = feature.lower(NAME_POSITIONS);
            self.0[position / 64] |= 1 << (position % 64);
        }
    }
}

const _: () = assert!(MAX_CHILDREN <= 32, "one bit per child");

fn positions(hash: u64) -> [usize; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "keeps the low bits on purpose")]
    [hash as usize % TERM_POSITIONS, (hash >> 32) as usize % TERM_POSITIONS]
}

impl<const POSITIONS: usize> Bloom<POSITIONS> {
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
    pub(crate) fn column(&self, child: usize) -> Column<POSITIONS> {
        let mut column = Column::default();
        if let Some(words) = &self.words {
            for (position, word) in words.iter().enumerate() {
                column.0[position / 64] |= u64::from(word >> child & 1) << (position % 64);
            }
        }
        column
    }

    /// Adds a filter extracted from another node to a child.
    pub(crate) fn add_column(&mut self, child: usize, Column(column): &Column<POSITIONS>) {
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
}

impl TermBloom {
    /// Adds term hashes to a child.
    pub(crate) fn add(&mut self, child: usize, hashes: impl IntoIterator<Item = u64>) {
        self.add_positions(child, hashes.into_iter().flat_map(positions));
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

impl NameBloom {
    /// Returns the children whose names may match a text, one bit each: those that have, for each of its words, all
    /// selective features of one list.
    pub(crate) fn may_match_text(&self, text: &TextQuery) -> u64 {
        // Without any feature there is no index of names.
        let Some(words) = &self.words else { return u64::MAX };
        text.features().fold(u64::MAX, |children, lists| {
            let having = lists.iter().map(|features| {
                let selective = features.iter().filter(|feature| feature.is_selective);
                selective.fold(u32::MAX, |children, feature| children & words[feature.lower(NAME_POSITIONS)])
            });
            children & u64::from(having.fold(0, |any, children| any | children))
        })
    }
}
