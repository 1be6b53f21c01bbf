//! Numeric attributes of merchants, such as a rating, and the ranges that searches ask for.

use std::sync::{Arc, LazyLock};

use crate::{Term, TermKind, interner::Interner};

/// Interned keys: many merchants have the same attributes.
static KEYS: LazyLock<Interner<str>> = LazyLock::new(Interner::new);

/// The numeric attributes of a merchant, by key. Values are finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Box<[(Arc<str>, f64)]>);

/// Collects keys and values. Values that are not finite are left out; of equal keys, one is kept.
impl<'a> FromIterator<(&'a str, f64)> for Attributes {
    fn from_iter<T: IntoIterator<Item = (&'a str, f64)>>(attributes: T) -> Self {
        let finite = attributes.into_iter().filter(|(_, value)| value.is_finite());
        let mut all: Vec<(Arc<str>, f64)> =
            finite.map(|(key, value)| (KEYS.intern(key.into()), value)).collect();
        all.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        all.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(all.into())
    }
}

impl Attributes {
    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<f64> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(key)).ok()?;
        self.0.get(at).map(|(_, value)| *value)
    }

    /// Returns the keys and values, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, f64)> {
        self.0.iter().map(|(key, value)| (key, *value))
    }
}

/// A range of the values of one attribute, both ends included. A merchant without the attribute is never in it.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeRange {
    /// The attribute as a term, by whose hash nodes are pruned.
    key: Term,
    /// The key as merchants hold it: while one of them does, it is the same allocation.
    interned_key: Arc<str>,
    min: f64,
    max: f64,
}

impl AttributeRange {
    /// Creates a range; an end that is `None` is open. Empty if `min` is above `max` or one of them is NaN.
    #[must_use]
    pub fn new(key: &str, min: Option<f64>, max: Option<f64>) -> Self {
        Self {
            key: Term::new(TermKind::Attribute, key),
            interned_key: KEYS.intern(key.into()),
            min: min.unwrap_or(f64::NEG_INFINITY),
            max: max.unwrap_or(f64::INFINITY),
        }
    }

    /// Returns the attribute as a term.
    pub(crate) fn key(&self) -> &Term {
        &self.key
    }

    /// Returns the key, in the allocation that merchants with the attribute share.
    pub(crate) fn interned_key(&self) -> &Arc<str> {
        &self.interned_key
    }

    /// Returns the least and the greatest value of the range.
    pub(crate) fn ends(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// Returns whether a merchant with these attributes is in the range.
    pub(crate) fn contains(&self, attributes: Option<&Attributes>) -> bool {
        let value = attributes.and_then(|attributes| attributes.get(self.key.name()));
        value.is_some_and(|value| self.min <= value && value <= self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_their_ends_and_no_merchant_without_the_attribute() {
        let attributes: Attributes =
            [("rating", 4.0), ("price", -0.0), ("broken", f64::NAN)].into_iter().collect();
        assert_eq!(attributes.iter().count(), 2);
        for (key, min, max, is_inside) in [
            ("rating", Some(4.0), None, true),
            ("rating", Some(4.000_001), None, false),
            ("rating", None, Some(4.0), true),
            ("rating", Some(4.0), Some(4.0), true),
            ("rating", Some(5.0), Some(3.0), false),
            ("rating", None, None, true),
            ("price", Some(0.0), Some(0.0), true),
            ("stars", None, None, false),
            ("broken", None, None, false),
            ("rating", Some(f64::NAN), None, false),
        ] {
            let range = AttributeRange::new(key, min, max);
            assert_eq!(range.contains(Some(&attributes)), is_inside, "{key} {min:?} {max:?}");
            assert!(!range.contains(None));
        }
    }
}
