//! Search filters on the visibility and the terms of merchants.

use crate::{StoredMerchant, Term, Visibility};

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
}

impl Filter {
    /// Returns whether the filter has conditions on terms.
    pub(crate) fn asks_for_terms(&self) -> bool {
        !self.any_of.is_empty() || !self.none_of.is_empty()
    }

    /// Returns whether a merchant matches.
    #[must_use]
    pub fn matches(&self, stored: &StoredMerchant) -> bool {
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
