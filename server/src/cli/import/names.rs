//! The names of the merchants in a file.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

use nearby_index::MerchantId;
use unicode_normalization::UnicodeNormalization;

/// Hashes of names: 64 bits per name instead of the name. Among ten million names, the probability of a collision is 3 in a million.
/// The hashes do not outlive the process, so DefaultHasher need not be stable.
pub(super) type NameHash = u64;

pub(super) fn hash(name: &str) -> NameHash {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The names of the merchants in a file.
#[derive(Default)]
pub(super) struct Names {
    accepted: HashSet<NameHash>,
    rejected: HashSet<NameHash>,
    /// Accepted names that are not ASCII, by the hash of their composed form (NFC).
    composed: HashMap<NameHash, NameHash>,
    /// Rejected rows that may be about any merchant.
    unreadable: u64,
}

/// The relation of an accepted row to the rows before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// An earlier accepted row has the same name.
    pub(super) is_repeated: bool,
    /// An earlier accepted row has a name that differs only in the composition of its characters.
    pub(super) differs_in_composition: bool,
}

impl Names {
    /// Adds the name of an accepted row.
    pub(super) fn accept(&mut self, name: &str) -> Accepted {
        let hashed = hash(name);
        let is_repeated = !self.accepted.insert(hashed);
        let differs_in_composition = !name.is_ascii() && {
            let composed: String = name.nfc().collect();
            *self.composed.entry(hash(&composed)).or_insert(hashed) != hashed
        };
        Accepted { is_repeated, differs_in_composition }
    }

    /// Adds the name of a rejected row. If it has none, or one that no merchant has, it may be about any merchant.
    pub(super) fn reject(&mut self, name: Option<&str>) {
        let id = name.and_then(|name| name.strip_prefix("merchants/"));
        match name.filter(|_| id.is_some_and(|id| MerchantId::parse(id).is_ok())) {
            Some(name) => {
                self.rejected.insert(hash(name));
            }
            None => self.unreadable += 1,
        }
    }

    /// Returns true if a row has a name, accepted or not.
    pub(super) fn contains(&self, hash: NameHash) -> bool {
        self.accepted.contains(&hash) || self.rejected.contains(&hash)
    }

    /// Returns the number of rejected rows that may be about any merchant.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_accepted_and_rejected_rows_are_in_the_file() {
        let mut names = Names::default();
        let fresh = Accepted { is_repeated: false, differs_in_composition: false };
        assert_eq!(names.accept("merchants/caf\u{e9}"), fresh);
        assert_eq!(names.accept("merchants/cafe\u{301}"), Accepted { differs_in_composition: true, ..fresh });
        assert_eq!(names.accept("merchants/caf\u{e9}"), Accepted { is_repeated: true, ..fresh });
        names.reject(Some("merchants/b"));
        for name in [None, Some("b"), Some("merchants/"), Some("merchants/N/A")] {
            names.reject(name);
        }
        assert!(names.contains(hash("merchants/b")) && !names.contains(hash("merchants/c")));
        assert_eq!(names.unreadable(), 4);
        assert!(!names.accept("merchants/b").is_repeated, "the row before was rejected");
    }
}
