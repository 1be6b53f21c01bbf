//! Filters and views from the wire.

use nearby_index::{Filter, Term, TermKind, TextFilter, TextQuery, TextQueryError, VisibilityFilter};
use nearby_proto::v1 as wire;

use super::violations::Check;
use crate::{error::ServiceError, merchant_names::names_of, reason};

/// Parses a filter; `path` is its field in the request, `default` its visibility scope if it has none.
pub(crate) fn filter_from_wire(
    given: Option<&wire::MerchantFilter>,
    path: &str,
    default: VisibilityFilter,
) -> Result<Filter, ServiceError> {
    let Some(given) = given else { return Ok(Filter { visibility: default, ..Filter::default() }) };
    let mut check = Check::under(path);
    let mut terms = |field: &str, kind, names: &[String]| -> Vec<Term> {
        check.list(field, names, 100, |check, path, name| check.required_text(path, name, 128));
        names.iter().map(|name| Term::new(kind, name)).collect()
    };
    let any_of = [
        terms("any_categories", TermKind::Category, &given.any_categories),
        terms("any_brands", TermKind::Brand, &given.any_brands),
        terms("any_services", TermKind::Service, &given.any_services),
        terms("any_sources", TermKind::Source, &given.any_sources),
    ];
    let all_of = terms("all_services", TermKind::Service, &given.all_services);
    let none_of = [
        terms("none_categories", TermKind::Category, &given.none_categories),
        terms("none_brands", TermKind::Brand, &given.none_brands),
        terms("none_services", TermKind::Service, &given.none_services),
    ];
    let visibility = match wire::VisibilityScope::try_from(given.visibility_scope) {
        Ok(wire::VisibilityScope::Unspecified) => default,
        Ok(wire::VisibilityScope::Visible) => VisibilityFilter::Visible,
        Ok(wire::VisibilityScope::Hidden) => VisibilityFilter::Hidden,
        Ok(wire::VisibilityScope::All) => VisibilityFilter::All,
        Err(_) => {
            check.fail("visibility_scope", reason::OUT_OF_RANGE, "must be a VisibilityScope");
            default
        }
    };
    let text = text_from_wire(&mut check, &given.text);
    check.finish()?;
    // An empty list on the wire is no condition; in the index it would match nothing.
    let any_of = any_of.into_iter().filter(|terms| !terms.is_empty());
    Ok(Filter {
        visibility,
        any_of: any_of.chain(all_of.into_iter().map(|term| vec![term])).collect(),
        none_of: none_of.concat(),
        text,
    })
}

/// Parses the text; an empty one is no condition.
fn text_from_wire(check: &mut Check, given: &str) -> Option<TextFilter> {
    if given.is_empty() {
        return None;
    }
    check.text("text", given, TextQuery::MAX_BYTES);
    match TextQuery::parse(given) {
        Ok(query) => return Some(TextFilter::new(query, names_of)),
        Err(error @ TextQueryError::NoWords) => {
            check.fail("text", reason::NO_LETTER_OR_DIGIT, error.to_string())
        }
        Err(error @ TextQueryError::TooManyWords) => check.fail("text", reason::TOO_MANY, error.to_string()),
        // Reported with the control characters of the text.
        Err(TextQueryError::TooLong) => {}
    }
    None
}

/// The part of a merchant that a response shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    IdOnly,
    Basic,
    /// All fields but `labels` and `external_ids`, which callers without the role `manage` do not see.
    Public,
    Full,
}

/// Parses a view, which defaults to `default`.
pub(crate) fn view_from_wire(
    given: i32,
    default: wire::MerchantView,
    shows_internal: bool,
) -> Result<View, ServiceError> {
    let of = |view| match view {
        wire::MerchantView::IdOnly => View::IdOnly,
        wire::MerchantView::Basic => View::Basic,
        wire::MerchantView::Full | wire::MerchantView::Unspecified if shows_internal => View::Full,
        wire::MerchantView::Full | wire::MerchantView::Unspecified => View::Public,
    };
    match wire::MerchantView::try_from(given) {
        Ok(wire::MerchantView::Unspecified) => Ok(of(default)),
        Ok(view) => Ok(of(view)),
        Err(_) => Err(ServiceError::invalid("view", reason::OUT_OF_RANGE, "must be a MerchantView")),
    }
}
