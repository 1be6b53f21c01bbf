//! Terms: the categories, brands, services and sources that searches filter by.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock},
};

use crate::interner::Interner;

/// Interned names: many merchants share the same terms.
static NAMES: LazyLock<Interner<str>> = LazyLock::new(Interner::new);

/// The property of a merchant of which a [`Term`] is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// Kind of business.
    Category,
    /// Brand or chain.
    Brand,
    /// Service or amenity offered.
    Service,
    /// Data source.
    Source,
}

/// One value of one property, such as the category `shop/bakery`. Terms are equal if kind and name are equal
/// bytewise. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// First field, so that derived comparisons rarely reach the name.
    hash: u64,
    kind: TermKind,
    name: Arc<str>,
}

impl Term {
    /// Creates a term.
    #[must_use]
    pub fn new(kind: TermKind, name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (kind, name).hash(&mut hasher);
        Self { hash: hasher.finish(), kind, name: name.into() }
    }

    /// Returns the property.
    #[must_use]
    pub fn kind(&self) -> TermKind {
        self.kind
    }

    /// Returns the value.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hash of kind and name. Distinct terms may collide, so it can rule out equality but never prove it.
    /// Valid within this process only.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// The distinct terms of one merchant, truncated to [`Terms::MAX`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(Option<Arc<[Term]>>);

impl FromIterator<Term> for Terms {
    fn from_iter<T: IntoIterator<Item = Term>>(terms: T) -> Self {
        let mut terms: Vec<Term> = terms.into_iter().collect();
        terms.sort_unstable();
        terms.dedup();
        terms.truncate(Self::MAX);
        terms.iter_mut().for_each(|term| term.name = NAMES.intern(Arc::clone(&term.name)));
        Self((!terms.is_empty()).then(|| terms.into()))
    }
}

impl Terms {
    /// Maximum number of terms. Above the most that a merchant can have: a brand, 32 categories and 64
    /// services.
    pub const MAX: usize = 128;

    /// Returns the terms in no particular order.
    #[must_use]
    pub fn as_slice(&self) -> &[Term] {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_equal_by_kind_and_name() {
        let tea = Term::new(TermKind::Category, "tea");
        assert_eq!(tea, Term::new(TermKind::Category, "tea"));
        assert_eq!(tea.hash(), Term::new(TermKind::Category, "tea").hash());
        assert_ne!(tea, Term::new(TermKind::Brand, "tea"));
        assert_ne!(tea, Term::new(TermKind::Category, "Tea"));
        assert_eq!((tea.kind(), tea.name()), (TermKind::Category, "tea"));
    }

    #[test]
    fn duplicate_terms_are_removed() {
        let tea = Term::new(TermKind::Category, "tea");
        let terms: Terms =
            [tea.clone(), Term::new(TermKind::Brand, "tea"), tea.clone()].into_iter().collect();
        assert_eq!(terms.as_slice().len(), 2);
        assert!(Terms::default().as_slice().is_empty());
    }
}
