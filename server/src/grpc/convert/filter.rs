//! Filters and views from the wire.

use nearby_index::{
    AttributeRange, Filter, Term, TermKind, TextFilter, TextQuery, TextQueryError, UnixMicros,
    VisibilityFilter,
};
use nearby_proto::v1 as wire;

use super::violations::Check;
use crate::{
    error::ServiceError,
    reason,
    record::{label_condition, names_of},
};

/// Parses a filter; `path` is its field in the request, `default` its visibility scope if it has none, and `now` the time at which merchants
/// must be valid to be visible.
pub(crate) fn filter_from_wire(
    given: Option<&wire::MerchantFilter>,
    path: &str,
    default: VisibilityFilter,
    now: UnixMicros,
) -> Result<Filter, ServiceError> {
    let valid_at = [Some(now), None];
    let Some(given) = given else { return Ok(Filter { visibility: default, valid_at, ..Filter::default() }) };
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
    let prefixes = terms("any_category_prefixes", TermKind::Category, &given.any_category_prefixes);
    let all_of = terms("all_services", TermKind::Service, &given.all_services);
    let none_of = [
        terms("none_categories", TermKind::Category, &given.none_categories),
        terms("none_brands", TermKind::Brand, &given.none_brands),
        terms("none_services", TermKind::Service, &given.none_services),
    ];
    for (number, prefix) in given.any_category_prefixes.iter().enumerate() {
        if prefix.ends_with('/') {
            let path = format!("any_category_prefixes[{number}]");
            check.fail(
                &path,
                reason::OUT_OF_RANGE,
                "must not end in '/': food matches food and all below it",
            );
        }
    }
    // A category itself, and those below it.
    let below = given.any_category_prefixes.iter().map(|prefix| Term::below_category(prefix));
    let prefixes: Vec<Term> = prefixes.into_iter().chain(below).collect();
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
    let ranges = attribute_ranges(&mut check, &given.attribute_ranges);
    check.list("labels", &given.labels, 32, |check, path, condition| {
        check.required_text(&format!("{path}.key"), &condition.key, 63);
        check.text(&format!("{path}.value"), condition.value.as_deref().unwrap_or_default(), 256);
    });
    let text = text_from_wire(&mut check, &given.text);
    check.finish()?;
    // An empty list on the wire is no condition; in the index it would match nothing.
    let any_of = any_of.into_iter().chain([prefixes]).filter(|terms| !terms.is_empty());
    Ok(Filter {
        visibility,
        valid_at,
        any_of: any_of.chain(all_of.into_iter().map(|term| vec![term])).collect(),
        none_of: none_of.concat(),
        text,
        ranges,
        condition: label_condition(&given.labels),
    })
}

/// Checks that the caller may read labels, if the filter is about them.
pub(crate) fn may_filter_by_labels(
    given: Option<&wire::MerchantFilter>,
    shows_internal: bool,
) -> Result<(), ServiceError> {
    if given.is_some_and(|given| !given.labels.is_empty()) && !shows_internal {
        return Err(ServiceError::LabelsNotAllowed);
    }
    Ok(())
}

fn attribute_ranges(check: &mut Check, given: &[wire::AttributeRange]) -> Vec<AttributeRange> {
    check.list("attribute_ranges", given, 32, |check, path, range| {
        check.required_text(&format!("{path}.key"), &range.key, 63);
        for (end, value) in [("min", range.min), ("max", range.max)] {
            if value.is_some_and(|value| !value.is_finite()) {
                check.fail(&format!("{path}.{end}"), reason::NOT_FINITE, "must be a finite number");
            }
        }
        if range.min.zip(range.max).is_some_and(|(min, max)| min > max) {
            check.fail(&format!("{path}.max"), reason::OUT_OF_RANGE, "must not be below min");
        }
    });
    given.iter().map(|range| AttributeRange::new(&range.key, range.min, range.max)).collect()
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
