//! Terms: the categories, brands, services and sources that searches filter by.
//!
//! Categories can form a hierarchy, such as `food/cafe` below `food`. A merchant does not keep the ancestors of
//! its categories: pages and nodes index them as further terms, derived by [`Terms::indexed`].

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
    /// Limited validity; the name is empty.
    LimitedValidity,
    /// Numeric attribute, whatever its value. Only filters have such terms.
    Attribute,
    /// A proper ancestor of a category: `food` for `food/cafe`. Only filters have such terms.
    CategoryAncestor,
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
        Self { hash: hash_of(kind, name), kind, name: name.into() }
    }

    /// Creates the term of a filter that merchants have whose category lies below `ancestor`: `food` for
    /// `food/cafe` and `food/bar/wine`, but not for `food` itself.
    #[must_use]
    pub fn below_category(ancestor: &str) -> Self {
        let indexed = ancestors(ancestor).nth(MAX_INDEXED_LEVELS - 1).unwrap_or(ancestor);
        let name = ancestor.into();
        Self { hash: hash_of(TermKind::CategoryAncestor, indexed), kind: TermKind::CategoryAncestor, name }
    }

    /// Returns whether the merchants with the term are exactly those that are indexed under one [`IndexedTerm`].
    /// Ancestors below the third level are not: they are found under the one on the third.
    pub(crate) fn is_indexed_exactly(&self) -> bool {
        self.kind != TermKind::CategoryAncestor || ancestors(&self.name).nth(MAX_INDEXED_LEVELS - 1).is_none()
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

/// A term under which a merchant is indexed. Ordered by hash first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IndexedTerm<'a> {
    pub(crate) hash: u64,
    kind: TermKind,
    name: &'a str,
}

/// Number of ancestors of a category that are indexed, the first ones: with 32 categories, a merchant is indexed
/// under at most 96 of them, so that a posting index fits 16 bits.
const MAX_INDEXED_LEVELS: usize = 3;

/// Returns the proper ancestors of a category, the shortest first: `a` and `a/b` for `a/b/c`. Those that are
/// empty or end in `/` are none.
fn ancestors(category: &str) -> impl Iterator<Item = &str> {
    category
        .match_indices('/')
        .filter_map(|(at, _)| category.get(..at))
        .filter(|ancestor| !ancestor.is_empty() && !ancestor.ends_with('/'))
}

fn hash_of(kind: TermKind, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, name).hash(&mut hasher);
    hasher.finish()
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

    /// Maximum number of terms that [`Self::indexed`] returns.
    pub(crate) const MAX_INDEXED: usize = Self::MAX + 32 * MAX_INDEXED_LEVELS;

    /// Returns whether a merchant has a term of a filter.
    #[must_use]
    pub fn contains(&self, term: &Term) -> bool {
        if term.kind != TermKind::CategoryAncestor {
            return self.as_slice().contains(term);
        }
        let is_below = |category: &Term| {
            category.kind == TermKind::Category
                && category.name.strip_prefix(&*term.name).is_some_and(|rest| rest.starts_with('/'))
        };
        self.as_slice().iter().any(is_below)
    }

    /// Returns the terms under which the merchant is indexed, with duplicates: its own, and the first ancestors
    /// of its categories. A merchant that contains a term is indexed under its hash.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = IndexedTerm<'_>> {
        self.as_slice().iter().flat_map(|term| {
            let own = IndexedTerm { hash: term.hash, kind: term.kind, name: term.name() };
            let category = if term.kind == TermKind::Category { term.name() } else { "" };
            let above = ancestors(category).take(MAX_INDEXED_LEVELS).map(|name| {
                let kind = TermKind::CategoryAncestor;
                IndexedTerm { hash: hash_of(kind, name), kind, name }
            });
            std::iter::once(own).chain(above)
        })
    }

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
    fn categories_are_below_their_ancestors_only() {
        let terms: Terms = [Term::new(TermKind::Category, "a/b/c/d/e"), Term::new(TermKind::Brand, "x/y")]
            .into_iter()
            .collect();
        for (ancestor, is_below, is_exact) in [
            ("a", true, true),
            ("a/b", true, true),
            ("a/b/c", true, true),
            ("a/b/c/d", true, false),
            ("a/b/c/d/e", false, false),
            ("a/b/c/x", false, false),
            ("a/", false, true),
            ("ab", false, true),
            ("x", false, true),
        ] {
            let term = Term::below_category(ancestor);
            assert_eq!(terms.contains(&term), is_below, "{ancestor}");
            assert_eq!(term.is_indexed_exactly(), is_exact, "{ancestor}");
            assert!(!is_below || terms.indexed().any(|indexed| indexed.hash == term.hash()), "{ancestor}");
        }
        assert!(!terms.contains(&Term::new(TermKind::Category, "a")), "exact terms match as a whole");
        assert_eq!(terms.indexed().count(), 5);
        assert_eq!(ancestors("//a//b/").collect::<Vec<_>>(), ["//a", "//a//b"]);
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
