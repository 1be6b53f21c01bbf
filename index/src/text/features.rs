//! Features of names: hashes that exclude most merchants without reading their names.
//!
//! A word has a feature for each of its prefixes of up to eight characters, a run one for each character and each pair of
//! neighbours. A text that matches a name has no feature that the name lacks, so that a missing feature excludes the merchant;
//! a present one proves nothing. The hashes are valid within this process only.

use super::words::{Compound, Kind, Words};

/// Longest prefix of a word that has a feature, in characters.
const MAX_PREFIX: usize = 8;

/// A feature of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Feature {
    hash: u64,
    /// Set if the feature is rare enough to tell pages apart: few pages lack the letter `s`, most lack `starb`.
    pub(crate) is_selective: bool,
}

impl Feature {
    /// Returns a number below `count`, at most 2³², from the upper half of the hash.
    pub(crate) fn upper(self, count: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "below `count`")]
        let scaled = ((self.hash >> 32) * count as u64 >> 32) as usize;
        scaled
    }

    /// Returns a number below `count`, at most 2³², from the lower half of the hash.
    pub(crate) fn lower(self, count: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "below `count`")]
        let scaled = ((self.hash & u64::from(u32::MAX)) * count as u64 >> 32) as usize;
        scaled
    }
}

/// Mixes a character into a hash: a multiplication by 2⁶⁴ divided by the golden ratio, whose upper bits depend on all bits of its
/// operand, and a shift that brings them down.
fn mix(hash: u64, character: char) -> u64 {
    let product = (hash ^ u64::from(character)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 29)
}

const WORD_SEED: u64 = 0x243f_6a88_85a3_08d3;
const RUN_SEED: u64 = 0x1319_8a2e_0370_7344;

/// Calls `act` for the features of a word: its prefixes, the shortest first.
pub(super) fn of_word(word: &str, mut act: impl FnMut(Feature)) {
    let mut hash = WORD_SEED;
    for (character, length) in word.chars().zip(1..=MAX_PREFIX) {
        hash = mix(hash, character);
        // All lengths would fill the filters of nodes: these are spread evenly enough for a text of any length.
        act(Feature { hash, is_selective: matches!(length, 2 | 3 | 4 | 6 | 8) });
    }
}

/// Calls `act` for the features of a run: each character, and each pair of neighbours.
pub(super) fn of_run(run: &str, mut act: impl FnMut(Feature)) {
    let mut before = None;
    for character in run.chars() {
        let hash = mix(RUN_SEED, character);
        act(Feature { hash, is_selective: false });
        if let Some(before) = before {
            act(Feature { hash: mix(before, character), is_selective: true });
        }
        before = Some(hash);
    }
}

/// Calls `act` for all features of a text: those of its parts and of its compounds.
pub(super) fn of_words(words: &Words, mut act: impl FnMut(Feature)) {
    for compound in words.compounds() {
        match compound.kind {
            // Each part of a run is a part of the joined one.
            Kind::Run => of_run(words.joined(compound), &mut act),
            Kind::Word => of_compound(words, compound, &mut act),
        }
    }
}

fn of_compound(words: &Words, compound: &Compound, act: &mut impl FnMut(Feature)) {
    let parts = words.parts_of(compound);
    parts.iter().for_each(|part| of_word(words.part(part), &mut *act));
    if parts.len() > 1 {
        of_word(words.joined(compound), act);
    }
}
