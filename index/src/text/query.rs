//! A parsed text, and the rule that decides whether it matches names.

use std::cell::Cell;

use thiserror::Error;

use super::{
    features::{Feature, of_run, of_word, of_words},
    words::{Compound, Kind, Part, Words},
};
use crate::{Effort, NamesOf, Profile};

/// A text to find in names: each of its words has to be in one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct TextQuery {
    words: Vec<QueryWord>,
}

/// The reason a text is not a valid [`TextQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextQueryError {
    /// The text has no letter and no digit.
    #[error("must contain a letter or a digit")]
    NoWords,
    /// The text is longer than [`TextQuery::MAX_BYTES`].
    #[error("must be at most {} bytes", TextQuery::MAX_BYTES)]
    TooLong,
    /// The text has more than [`TextQuery::MAX_WORDS`] words.
    #[error("must have at most {} words", TextQuery::MAX_WORDS)]
    TooManyWords,
}

/// A word, a run or a compound that has to be in a name.
#[derive(Clone, Debug, PartialEq)]
struct QueryWord {
    kind: Kind,
    joined: Box<str>,
    /// The parts of a compound; empty if there is only one.
    parts: Box<[Box<str>]>,
    /// Features of which a name has all of at least one list, if the word is in it.
    features: Vec<Vec<Feature>>,
}

impl TextQuery {
    /// Maximum length of a text in bytes.
    pub const MAX_BYTES: usize = 256;
    /// Maximum number of words and runs of a text.
    pub const MAX_WORDS: usize = 16;

    /// Parses a text.
    ///
    /// # Errors
    /// If the text is too long, has too many words, or none.
    pub fn parse(text: &str) -> Result<Self, TextQueryError> {
        if text.len() > Self::MAX_BYTES {
            return Err(TextQueryError::TooLong);
        }
        let mut words = Words::default();
        words.read(text);
        match words.parts().len() {
            0 => Err(TextQueryError::NoWords),
            count if count > Self::MAX_WORDS => Err(TextQueryError::TooManyWords),
            _ => {
                let parsed = words.compounds().iter().map(|compound| QueryWord::new(&words, compound));
                Ok(Self { words: parsed.collect() })
            }
        }
    }

    /// Returns whether the text matches names, which `visit` passes to its argument one after the other.
    pub fn matches(&self, visit: impl FnOnce(&mut dyn FnMut(&str)), effort: &Effort) -> bool {
        let parts: usize = self.words.iter().map(|word| word.parts.len().max(1)).sum();
        // At most `MAX_WORDS` of them, one bit each.
        let mut missing = (1u32 << self.words.len()) - 1;
        with_words(|words| {
            visit(&mut |name| {
                if missing == 0 {
                    return;
                }
                words.read(name);
                effort.add_name(name, words.all_joined(), words.parts().len() * parts);
                for (bit, word) in self.words.iter().enumerate() {
                    if missing >> bit & 1 == 1 && word.is_in(words) {
                        missing &= !(1 << bit);
                    }
                }
            });
        });
        missing == 0
    }

    /// For each word, lists of features of which matching names have all of at least one.
    pub(crate) fn features(&self) -> impl Iterator<Item = &[Vec<Feature>]> {
        self.words.iter().map(|word| word.features.as_slice())
    }
}

impl QueryWord {
    fn new(words: &Words, compound: &Compound) -> Self {
        let parts = words.parts_of(compound);
        let texts = || parts.iter().map(|part| words.part(part));
        let joined = words.joined(compound);
        let mut features = vec![selective_features(compound.kind, joined)];
        if parts.len() > 1 {
            features.push(texts().flat_map(|part| selective_features(compound.kind, part)).collect());
        }
        let parts = if parts.len() > 1 { texts().map(Box::from).collect() } else { Box::default() };
        Self { kind: compound.kind, joined: joined.into(), parts, features }
    }

    /// Returns whether the word is in a name: joined, or as consecutive parts of which all but the last are equal.
    fn is_in(&self, name: &Words) -> bool {
        let is_joined = |compound: &Compound| {
            compound.kind == self.kind
                && (is_match(self.kind, name.joined(compound), &self.joined)
                    // Each part of a run is a part of the joined one.
                    || self.kind == Kind::Word
                        && name.parts_of(compound).iter().skip(1).any(|part| name.part(part).starts_with(&*self.joined)))
        };
        name.compounds().iter().any(is_joined) || self.has_consecutive_parts(name)
    }

    fn has_consecutive_parts(&self, name: &Words) -> bool {
        let Some((last, before)) = self.parts.split_last() else { return false };
        name.parts().windows(self.parts.len()).any(|window: &[Part]| {
            let Some((last_of_window, before_of_window)) = window.split_last() else { return false };
            window.iter().all(|part| part.kind == self.kind)
                && before_of_window.iter().zip(before).all(|(part, before)| name.part(part) == &**before)
                && is_match(self.kind, name.part(last_of_window), last)
        })
    }
}

fn is_match(kind: Kind, name: &str, text: &str) -> bool {
    match kind {
        Kind::Word => name.starts_with(text),
        Kind::Run => name.contains(text),
    }
}

/// The features of a part or a compound of a text that few names have. Shorter prefixes of a word exclude hardly any name that the
/// longest ones do not.
fn selective_features(kind: Kind, text: &str) -> Vec<Feature> {
    const MAX_FEATURES: usize = 6;

    let mut features = Vec::new();
    match kind {
        Kind::Word => of_word(text, |feature| features.push(feature)),
        Kind::Run => of_run(text, |feature| features.push(feature)),
    }
    if kind == Kind::Run && features.len() > 1 {
        features.retain(|feature| feature.is_selective);
    }
    features.reverse();
    features.truncate(MAX_FEATURES);
    features
}

/// Calls `act` for each feature of the names of a merchant, with duplicates.
pub(crate) fn for_each_feature(profile: &Profile, names: NamesOf, mut act: impl FnMut(Feature)) {
    with_words(|words| {
        names(profile, &mut |name| {
            words.read(name);
            of_words(words, &mut act);
        });
    });
}

/// The letters and numbers of a folded text, joined, by which brands are compared; empty if it has none.
#[must_use]
pub fn folded_key(text: &str) -> String {
    with_words(|words| {
        words.read(text);
        words.all_joined().to_owned()
    })
}

/// Lends the working memory of this thread: reading a name allocates nothing.
fn with_words<T>(act: impl FnOnce(&mut Words) -> T) -> T {
    thread_local! {
        static WORDS: Cell<Option<Box<Words>>> = const { Cell::new(None) };
    }
    let mut words = WORDS.take().unwrap_or_default();
    let result = act(&mut words);
    WORDS.set(Some(words));
    result
}
