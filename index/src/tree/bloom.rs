//! Which children of a node may hold merchants with a term: what lets a search for something rare walk past the rest.
//!
//! A Bloom filter a child, turned on its side: one word of thirty-two bits a position, one bit a child. A term has two
//! positions, and the children that have both are found with two loads, whatever their number. It may name a child
//! in vain, never miss one.

use std::sync::Arc;

use super::{bitset::ones, bounding_boxes::FAN};
use crate::{Filter, Term};

/// Positions, a power of two. With 200 different terms in a page each child has 18 % of them set, and a term that a page
/// does not have is suspected there once in thirty times.
const POSITIONS: usize = 2_048;

/// Empty until some merchant has a term; shared between versions of a node as long as nothing new comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    words: Option<Arc<[u32; POSITIONS]>>,
}

/// The positions of one child, one bit each.
#[derive(Clone, Debug)]
pub(crate) struct Column([u64; POSITIONS / 64]);

const _: () = assert!(FAN <= 32, "a bit a child");

fn positions(hash: u64) -> [usize; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
    [hash as usize % POSITIONS, (hash >> 32) as usize % POSITIONS]
}

impl Summary {
    /// Says that a child has terms of these hashes.
    pub(crate) fn add(&mut self, child: usize, hashes: impl IntoIterator<Item = u64>) {
        self.add_positions(child, hashes.into_iter().flat_map(positions));
    }

    /// Says that a child has all that the children of another summary, its own, have.
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

    /// What a child has, for the summary of another node that it comes to.
    pub(crate) fn column(&self, child: usize) -> Column {
        let mut column = [0; POSITIONS / 64];
        if let Some(words) = &self.words {
            for (position, word) in words.iter().enumerate() {
                column[position / 64] |= u64::from(word >> child & 1) << (position % 64);
            }
        }
        Column(column)
    }

    /// Says that a child has what it had in another node.
    pub(crate) fn add_column(&mut self, child: usize, Column(column): &Column) {
        let set = (0..).zip(column).flat_map(|(number, word)| ones(*word).map(move |bit| number * 64 + bit));
        self.add_positions(child, set);
    }

    /// Says that a child has nothing.
    pub(crate) fn clear(&mut self, child: usize) {
        if let Some(words) = &mut self.words {
            Arc::make_mut(words).iter_mut().for_each(|word| *word &= !(1u32 << child));
        }
    }

    /// The children that may have what a filter asks for, one bit each.
    pub(crate) fn may_hold(&self, filter: &Filter) -> u64 {
        let may_hold = |term: &Term| {
            let [first, second] = positions(term.hash());
            self.words.as_ref().map_or(0, |words| u64::from(words[first] & words[second]))
        };
        filter
            .any_of
            .iter()
            .map(|any_of| any_of.iter().map(may_hold).fold(0, |children, more| children | more))
            .fold(u64::MAX, |children, fewer| children & fewer)
    }
}
