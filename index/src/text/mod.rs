//! Text search in names: the rule that decides whether a text matches the names of a merchant.
//!
//! | module | content |
//! |---|---|
//! | `fold` | the form in which names and texts are compared: without case, accents and other differences of spelling |
//! | `chars` | the Unicode properties that the rule depends on |
//! | `words` | the words, runs and compounds of a folded text |
//! | `query` | a parsed text, and the rule itself |
//! | `features` | hashes of prefixes and bigrams, by which the tree excludes merchants without reading their names |
//!
//! The test module `reference` states the rule a second time, slowly and with other Unicode tables.

mod chars;
mod features;
mod fold;
mod query;
mod words;

#[cfg(test)]
mod reference;

pub use self::query::{TextQuery, TextQueryError, folded_key};
pub(crate) use self::{features::Feature, query::for_each_feature};
