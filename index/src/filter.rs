//! Search filters on the visibility and the terms of merchants.

use std::{fmt, sync::Arc};

use crate::{NamesOf, StoredMerchant, Term, TextQuery, Visibility};

/// Selects merchants by their [`Visibility`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VisibilityFilter {
    /// Visible merchants only.
    #[default]
    Visible,
    /// Hidden merchants only.
    Hidden,
    /// All merchants.
    All,
}

/// Conditions that a merchant must meet to be found. The default matches every visible merchant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Condition on the visibility.
    pub visibility: VisibilityFilter,
    /// The merchant has at least one term of each of these lists: a disjunction within a list, a conjunction
    /// of the lists. An empty inner list matches nothing. Terms are compared as a whole: `food` does not
    /// match `food/cafe`.
    pub any_of: Vec<Vec<Term>>,
    /// The merchant has none of these terms.
    pub none_of: Vec<Term>,
    /// The names of the merchant match this text.
    pub text: Option<TextFilter>,
}

/// A condition on the names of merchants. Cheap to clone.
#[derive(Clone)]
pub struct TextFilter {
    query: Arc<TextQuery>,
    names: NamesOf,
}

impl TextFilter {
    /// Creates a condition on the names that `names` passes on: those that the index was loaded with.
    #[must_use]
    pub fn new(query: TextQuery, names: NamesOf) -> Self {
        Self { query: Arc::new(query), names }
    }

    pub(crate) fn query(&self) -> &TextQuery {
        &self.query
    }

    /// Returns whether the names of a merchant match.
    #[must_use]
    pub fn matches(&self, stored: &StoredMerchant) -> bool {
        self.query.matches(|name| (self.names)(&stored.merchant.profile, name))
    }
}

/// Omits the function, whose address means nothing.
impl fmt::Debug for TextFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.query.fmt(f)
    }
}

/// Compares the texts: addresses of functions do not compare reliably.
impl PartialEq for TextFilter {
    fn eq(&self, other: &Self) -> bool {
        self.query == other.query
    }
}

impl Filter {
    /// Returns whether the filter has conditions beside that on the visibility.
    pub(crate) fn has_conditions(&self) -> bool {
        !self.any_of.is_empty() || !self.none_of.is_empty() || self.text.is_some()
    }

    /// Returns whether a merchant matches.
    #[must_use]
    pub fn matches(&self, stored: &StoredMerchant) -> bool {
        self.matches_but_text(stored) && self.text.as_ref().is_none_or(|text| text.matches(stored))
    }

    /// Returns whether a merchant meets all conditions but that on its names, which costs more than all others together.
    pub(crate) fn matches_but_text(&self, stored: &StoredMerchant) -> bool {
        let has_visibility = match self.visibility {
            VisibilityFilter::Visible => stored.merchant.visibility == Visibility::Visible,
            VisibilityFilter::Hidden => stored.merchant.visibility == Visibility::Hidden,
            VisibilityFilter::All => true,
        };
        let has = |term: &Term| stored.merchant.terms.as_slice().contains(term);
        has_visibility
            && self.any_of.iter().all(|terms| terms.iter().any(has))
            && !self.none_of.iter().any(has)
    }
}
