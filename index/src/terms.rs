//! What a merchant can be filtered by, and filters made of it.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, LazyLock},
};

use crate::{StoredMerchant, Visibility, interner::Pool};

/// Names of the terms that merchants have.
static NAMES: LazyLock<Pool<str>> = LazyLock::new(Pool::new);

/// Which property of a merchant a [`Term`] is a value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// What kind of merchant it is.
    Category,
    /// Its brand or chain.
    Brand,
    /// Something it offers.
    Service,
}

/// One value of one property, such as the category `shop/bakery`. Equal where kind and name are, byte by byte. Cheap to
/// clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// First, so that comparing two terms rarely has to look at their names.
    hash: u64,
    kind: TermKind,
    name: Arc<str>,
}

impl Term {
    /// The term of a kind and a name.
    #[must_use]
    pub fn new(kind: TermKind, name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (kind, name).hash(&mut hasher);
        Self { hash: hasher.finish(), kind, name: name.into() }
    }

    /// Which property it is a value of.
    #[must_use]
    pub fn kind(&self) -> TermKind {
        self.kind
    }

    /// The value.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Equal for equal terms; two others agree in it by rare chance, so that it may rule out but never decide.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// The terms of one merchant, each once: the first [`Terms::MOST`] of them where there are more.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(Option<Arc<[Term]>>);

impl FromIterator<Term> for Terms {
    fn from_iter<T: IntoIterator<Item = Term>>(terms: T) -> Self {
        let mut terms: Vec<Term> = terms.into_iter().collect();
        terms.sort_unstable();
        terms.dedup();
        terms.truncate(Self::MOST);
        terms.iter_mut().for_each(|term| term.name = NAMES.share(Arc::clone(&term.name)));
        Self((!terms.is_empty()).then(|| terms.into()))
    }
}

impl Terms {
    /// As many as a merchant can have, and then some: a brand, 32 categories and 64 services.
    pub const MOST: usize = 128;

    /// The terms, in no particular order.
    #[must_use]
    pub fn as_slice(&self) -> &[Term] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Which merchants a search may find by whether they take part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// Visible ones.
    #[default]
    Visible,
    /// Hidden ones.
    Hidden,
    /// All.
    All,
}

/// What a merchant must be for a search to find it. The default lets every visible merchant through.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// By whether they take part.
    pub shown: Shown,
    /// Of each of these lists the merchant has at least one term: any of a list, and all of the lists. An empty list
    /// lets nothing through. Terms are compared as a whole: `food` is not `food/cafe`.
    pub any_of: Vec<Vec<Term>>,
    /// The merchant has none of these.
    pub none_of: Vec<Term>,
}

impl Filter {
    /// Whether it asks for terms.
    pub(crate) fn asks_for_terms(&self) -> bool {
        !self.any_of.is_empty() || !self.none_of.is_empty()
    }

    /// Whether a merchant passes.
    #[must_use]
    pub fn lets_through(&self, stored: &StoredMerchant) -> bool {
        let shown = match self.shown {
            Shown::Visible => stored.merchant.visibility == Visibility::Visible,
            Shown::Hidden => stored.merchant.visibility == Visibility::Hidden,
            Shown::All => true,
        };
        let has = |term: &Term| stored.merchant.terms.as_slice().contains(term);
        shown && self.any_of.iter().all(|terms| terms.iter().any(has)) && !self.none_of.iter().any(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_its_kind_and_its_name() {
        let tea = Term::new(TermKind::Category, "tea");
        assert_eq!(tea, Term::new(TermKind::Category, "tea"));
        assert_eq!(tea.hash(), Term::new(TermKind::Category, "tea").hash());
        assert_ne!(tea, Term::new(TermKind::Brand, "tea"));
        assert_ne!(tea, Term::new(TermKind::Category, "Tea"));
        assert_eq!((tea.kind(), tea.name()), (TermKind::Category, "tea"));
    }

    #[test]
    fn terms_come_once() {
        let tea = Term::new(TermKind::Category, "tea");
        let terms: Terms =
            [tea.clone(), Term::new(TermKind::Brand, "tea"), tea.clone()].into_iter().collect();
        assert_eq!(terms.as_slice().len(), 2);
        assert!(Terms::default().as_slice().is_empty());
    }
}
