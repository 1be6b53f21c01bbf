//! Changes of the keys that authenticate clients, for the audit log.

use std::collections::BTreeMap;

use serde::Serialize;

/// Names listed of each kind; further ones are only counted.
const MAX_LISTED: usize = 20;

/// Keys by which two versions of a file differ.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeyChanges {
    /// The kind of keys: `api_keys`, `jwks` or `certificates`.
    source: &'static str,
    /// All keys that differ, listed or not.
    changes: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    added: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
}

impl KeyChanges {
    /// Compares two versions: the names of the keys, and what else there is of each. `None` if they are equal.
    pub(crate) fn between<V: PartialEq>(
        source: &'static str,
        before: &BTreeMap<String, V>,
        after: &BTreeMap<String, V>,
    ) -> Option<Self> {
        let mut changes =
            Self { source, changes: 0, added: Vec::new(), removed: Vec::new(), changed: Vec::new() };
        for (name, value) in after {
            match before.get(name) {
                None => changes.changes += add(&mut changes.added, name),
                Some(earlier) if earlier != value => changes.changes += add(&mut changes.changed, name),
                Some(_) => {}
            }
        }
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            changes.changes += add(&mut changes.removed, name);
        }
        (changes.changes > 0).then_some(changes)
    }
}

fn add(names: &mut Vec<String>, name: &str) -> usize {
    if names.len() < MAX_LISTED {
        names.push(name.to_owned());
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_name_the_keys_that_differ() {
        let keys =
            |keys: &[(&str, u8)]| keys.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let before: BTreeMap<String, u8> = keys(&[("kept", 1), ("removed", 1), ("changed", 1)]);
        let after = keys(&[("kept", 1), ("added", 1), ("changed", 2)]);
        assert_eq!(KeyChanges::between("jwks", &before, &before), None);
        let changes = KeyChanges::between("jwks", &before, &after).unwrap();
        let list = |name: &str| vec![name.to_owned()];
        assert_eq!(
            (changes.added, changes.removed, changes.changed),
            (list("added"), list("removed"), list("changed"))
        );
        let many = (0..100).map(|number| (number.to_string(), 1)).collect();
        let changes = KeyChanges::between("api_keys", &BTreeMap::new(), &many).unwrap();
        assert_eq!((changes.changes, changes.added.len()), (100, MAX_LISTED));
    }
}
