//! Search filters on the visibility, the terms and the attributes of merchants.

use std::{fmt, sync::Arc};

use crate::{AttributeRange, Effort, NamesOf, StoredMerchant, Term, TextQuery, UnixMicros, Visibility};

/// Selects merchants by their [`Visibility`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VisibilityFilter {
    /// Visible merchants that are valid at all times of [`Filter::valid_at`].
    #[default]
    Visible,
    /// All merchants but those.
    Hidden,
    /// All merchants.
    All,
}

/// Conditions that a merchant must meet to be found. The default matches every visible merchant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Condition on the visibility.
    pub visibility: VisibilityFilter,
    /// Times that decide whether a merchant whose validity is limited counts as visible.
    pub valid_at: [Option<UnixMicros>; 2],
    /// The merchant has at least one term of each of these lists: a disjunction within a list, a conjunction
    /// of the lists. An empty inner list matches nothing. Terms are compared as a whole: `food` does not
    /// match `food/cafe`, which only [`Term::below_category`] does.
    pub any_of: Vec<Vec<Term>>,
    /// The merchant has none of these terms.
    pub none_of: Vec<Term>,
    /// The merchant is in each of these ranges.
    pub ranges: Vec<AttributeRange>,
    /// A condition on data that the index does not understand.
    pub condition: Option<Condition>,
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
    pub fn matches(&self, stored: &StoredMerchant, effort: &Effort) -> bool {
        effort.add_profile();
        self.query.matches(|name| (self.names)(&stored.merchant.profile, name), effort)
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

/// A condition on merchants that only the writer of their profiles can evaluate. Evaluated last, for each merchant
/// that meets all others.
#[derive(Clone)]
pub struct Condition(Arc<IsMet>);

/// Decides a condition, and adds its work.
type IsMet = dyn Fn(&StoredMerchant, &Effort) -> bool + Send + Sync;

impl Condition {
    /// Creates a condition from a function, which must return the same for the same merchant, and adds its work.
    pub fn new(is_met: impl Fn(&StoredMerchant, &Effort) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_met))
    }

    /// Returns whether a merchant meets the condition.
    #[must_use]
    pub fn is_met_by(&self, stored: &StoredMerchant, effort: &Effort) -> bool {
        (self.0)(stored, effort)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condition")
    }
}

/// Conditions are equal if they are clones of each other.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Filter {
    /// Returns whether the filter matches exactly the visible merchants that are valid.
    pub(crate) fn matches_all_visible(&self) -> bool {
        let Self { visibility, valid_at: _, any_of, none_of, ranges, condition, text } = self;
        *visibility == VisibilityFilter::Visible
            && any_of.is_empty()
            && none_of.is_empty()
            && ranges.is_empty()
            && condition.is_none()
            && text.is_none()
    }

    /// Returns whether a merchant is valid at all times of the filter.
    pub(crate) fn is_valid(&self, stored: &StoredMerchant) -> bool {
        let validity = stored.merchant.limited_validity();
        validity.is_none_or(|validity| self.valid_at.iter().flatten().all(|time| validity.contains(*time)))
    }

    /// Returns whether a merchant meets the condition on the visibility.
    #[must_use]
    pub fn admits_visibility(&self, stored: &StoredMerchant) -> bool {
        let is_visible = || stored.merchant.visibility == Visibility::Visible && self.is_valid(stored);
        match self.visibility {
            VisibilityFilter::Visible => is_visible(),
            VisibilityFilter::Hidden => !is_visible(),
            VisibilityFilter::All => true,
        }
    }

    /// Returns whether a merchant matches.
    #[must_use]
    pub fn matches(&self, stored: &StoredMerchant, effort: &Effort) -> bool {
        self.matches_indexed(stored)
            && self.text.as_ref().is_none_or(|text| text.matches(stored, effort))
            && self.condition.as_ref().is_none_or(|condition| condition.is_met_by(stored, effort))
    }

    /// Returns whether a merchant meets all conditions but those on its profile, the text and [`Self::condition`], which cost more than
    /// all others together.
    pub(crate) fn matches_indexed(&self, stored: &StoredMerchant) -> bool {
        let attributes = stored.merchant.details.as_ref().map(|details| &details.attributes);
        let has = |term: &Term| stored.merchant.terms.contains(term);
        self.admits_visibility(stored)
            && self.any_of.iter().all(|terms| terms.iter().any(has))
            && !self.none_of.iter().any(has)
            && self.ranges.iter().all(|range| range.contains(attributes))
    }
}
