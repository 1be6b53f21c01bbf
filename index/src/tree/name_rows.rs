//! Features of the names of a page's merchants, which let a search by text skip most merchants without reading their names.
//!
//! Each merchant has a signature of 128 bits, in which the features of its names set one bit each. A page keeps the signatures
//! transposed: one row per bit, with one bit per point. A text combines a few rows, 28 bytes each in a page of 224 merchants. Names of
//! 17 letters in three words set an eighth of the bits; the rows of four features exclude all but one in 4,000 merchants.
//! A merchant that matches has all features of the text, so that no match is lost.

use std::sync::Arc;

use super::{
    bitset::{BitSet, PAGE_SIZE},
    bloom::NameColumn,
};
use crate::{
    NamesOf, StoredMerchant, TextQuery,
    text::{Feature, for_each_feature},
};

/// Bits of a signature.
const ROWS: usize = 128;
const BLOCK: usize = 32;
/// Words of 64 bits of a row of a full page.
const WORDS: usize = PAGE_SIZE / 64;

/// The features of the names of one merchant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Signature([u32; ROWS / BLOCK]);

impl Signature {
    /// Reads the names of a merchant. Calls `act` for each of their features as well.
    pub(crate) fn of(stored: &StoredMerchant, names: NamesOf, mut act: impl FnMut(Feature)) -> Self {
        let mut signature = Self::default();
        for_each_feature(&stored.merchant.profile, names, |feature| {
            let row = feature.upper(ROWS);
            signature.0[row / BLOCK] |= 1 << (row % BLOCK);
            act(feature);
        });
        signature
    }

    /// Returns whether the names may match a text.
    pub(crate) fn may_match(&self, text: &TextQuery) -> bool {
        let has = |feature: &Feature| {
            let row = feature.upper(ROWS);
            self.0[row / BLOCK] >> (row % BLOCK) & 1 == 1
        };
        text.features().all(|lists| lists.iter().any(|features| features.iter().all(has)))
    }
}

/// The signatures of a page, transposed.
#[derive(Debug)]
pub(crate) struct NameRows {
    /// The function that reads the names of the page's merchants.
    names: NamesOf,
    /// Words of 32 bits of a row: as many as the points of the page need.
    row_words: usize,
    rows: Box<[u32]>,
}

impl NameRows {
    /// Reads the names of the merchants of a page, at most [`PAGE_SIZE`]. Returns their features for the filter of the node, too.
    pub(crate) fn new(records: &[Arc<StoredMerchant>], names: NamesOf) -> (Self, NameColumn) {
        let mut column = NameColumn::default();
        let row_words = records.len().div_ceil(BLOCK);
        let mut rows = vec![0; ROWS * row_words];
        for (at, block) in records.chunks(BLOCK).enumerate() {
            let mut signatures: [Signature; BLOCK] = std::array::from_fn(|_| Signature::default());
            for (signature, stored) in signatures.iter_mut().zip(block) {
                *signature = Signature::of(stored, names, |feature| column.add(feature));
            }
            for part in 0..ROWS / BLOCK {
                let mut bits = std::array::from_fn(|number| signatures[number].0[part]);
                transpose(&mut bits);
                for (row, word) in bits.into_iter().enumerate() {
                    rows[(part * BLOCK + row) * row_words + at] = word;
                }
            }
        }
        (Self { names, row_words, rows: rows.into() }, column)
    }

    pub(crate) fn names(&self) -> NamesOf {
        self.names
    }

    /// Removes the points of `found` whose names cannot match a text.
    pub(crate) fn retain(&self, text: &TextQuery, found: &mut BitSet) {
        for lists in text.features() {
            if found.leaves() == 0 {
                return;
            }
            let mut having = [0; WORDS];
            for features in lists {
                let all = features.iter().fold([u64::MAX; WORDS], |all, feature| {
                    let row = self.row(feature.upper(ROWS));
                    std::array::from_fn(|word| all[word] & row[word])
                });
                having = std::array::from_fn(|word| having[word] | all[word]);
            }
            found.intersect_words(&having);
        }
    }

    fn row(&self, number: usize) -> [u64; WORDS] {
        let mut row = [0; WORDS];
        let words = self.rows.get(number * self.row_words..(number + 1) * self.row_words).unwrap_or_default();
        for (at, word) in words.iter().enumerate() {
            row[at / 2] |= u64::from(*word) << (at % 2 * BLOCK);
        }
        row
    }
}

/// Transposes a square of bits: bit `j` of word `i` becomes bit `i` of word `j` (Warren, Hacker's Delight, 7-3).
fn transpose(square: &mut [u32; BLOCK]) {
    let (mut width, mut mask) = (BLOCK / 2, 0x0000_ffff);
    while width > 0 {
        let mut low = 0;
        while low < BLOCK {
            let swapped = (square[low] >> width ^ square[low + width]) & mask;
            square[low] ^= swapped << width;
            square[low + width] ^= swapped;
            low = (low + width + 1) & !width;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

const _: () = assert!(ROWS % BLOCK == 0, "a signature is made of whole words");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn transposing_exchanges_rows_and_columns(square in prop::array::uniform32(any::<u32>())) {
            let mut transposed = square;
            transpose(&mut transposed);
            for (row, word) in square.iter().enumerate() {
                for (column, other) in transposed.iter().enumerate() {
                    prop_assert_eq!(word >> column & 1, other >> row & 1);
                }
            }
        }
    }
}
