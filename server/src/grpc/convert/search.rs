//! Searches from the wire.

use std::{num::NonZeroUsize, sync::Arc};

use nearby_index::{
    Cursor, Limit, Meters, Query, Radius, RadiusError, Revision, ServedPoint, UnixMicros, VisibilityFilter,
};
use nearby_proto::v1 as wire;

use super::{
    area::{reach_from_wire, reach_of, search_area_from_wire},
    filter::{View, filter_from_wire, may_filter_by_labels, view_from_wire},
    page_size,
    position::{OutputDatum, origin_from_wire, output_datum_from_wire},
    violations::Check,
};
use crate::{
    error::ServiceError,
    language::Language,
    opening_hours::Moment,
    page_token::{Fingerprint, PageTokens, Payload},
    reason,
    record::listing::micros_of,
};

/// Settings of searches, for one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SearchSettings {
    /// Largest radius.
    pub(crate) max_radius: Radius,
    /// Largest distance of merchants that serve the origin.
    pub(crate) max_service_radius: Radius,
    /// True if the caller may search hidden merchants.
    pub(crate) search_hidden: bool,
    /// True if the caller may see labels and external ids.
    pub(crate) shows_internal: bool,
    /// True if debug logs may contain the H3 cell of resolution 5 of an origin.
    pub(crate) log_cells: bool,
}

/// A search, checked.
#[derive(Debug)]
pub(crate) struct SearchRequest {
    /// The query; its limit is the page size.
    pub(crate) query: Query,
    /// The origin, as a point to be served.
    pub(crate) served: ServedPoint,
    /// Part of the area of the request is beyond the radius.
    pub(crate) area_truncated: bool,
    /// Accuracy of the origin, in metres.
    pub(crate) accuracy_m: f64,
    /// The revision of the first page, if this is a later one.
    pub(crate) first_revision: Option<Revision>,
    pub(crate) expansion: Option<Expansion>,
    pub(crate) opening: Option<Opening>,
    pub(crate) view: View,
    pub(crate) output: Option<OutputDatum>,
    /// The language of names, if they are requested.
    pub(crate) language: Option<Language>,
    pub(crate) include_total: bool,
    pub(crate) group_by_position: bool,
    /// Maximum number of merchants of a brand.
    pub(crate) max_per_brand: Option<NonZeroUsize>,
    /// A hash of the request, to which its page tokens are bound.
    pub(crate) fingerprint: Fingerprint,
}

/// Expansion of the search when too few merchants are within the radius.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expansion {
    pub(crate) min_results: usize,
    pub(crate) radius: Radius,
}

/// A filter by opening hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) at: Moment,
    pub(crate) policy: wire::OpeningPolicy,
}

/// Parses a search; `now` is the moment of `open_now`.
pub(crate) fn search_from_wire(
    given: &wire::SearchNearbyRequest,
    settings: SearchSettings,
    now: UnixMicros,
    tokens: &PageTokens,
) -> Result<SearchRequest, ServiceError> {
    let mut check = Check::under("");
    let limit = check.absorb(page_size(given.page_size, "page_size", 20, 500)).unwrap_or(Limit::UNLIMITED);
    let ring = Ring {
        origin: given.origin,
        radius_m: given.radius_m,
        min_distance_m: given.min_distance_m,
        reach: given.reach,
        area: given.area.as_ref(),
    };
    let area = area_from_wire(&mut check, &ring, given.filter.as_ref(), limit, (settings, now));
    let view = check.absorb(view_from_wire(given.view, wire::MerchantView::Basic, settings.shows_internal));
    let output = check.absorb(output_datum_from_wire(given.output_coordinate_system));
    let opening = check.absorb(given.opening.as_ref().map(|given| opening_from_wire(given, now)).transpose());
    let language = check.absorb(language_from_wire(&given.language_code, "language_code"));
    let min = area.as_ref().map_or(Radius::DEFAULT, |(query, _)| query.radius);
    let max = max_radius(reach_from_wire(given.reach).unwrap_or(wire::Reach::Near), settings);
    let expansion = given.expansion.as_ref().map(|given| expansion_from_wire(given, min, max));
    let expansion = check.absorb(expansion.transpose());
    let max_per_brand = max_per_brand_from_wire(&mut check, given.max_per_brand);
    check.finish()?;
    let (Some((mut query, served)), Some(view), Some(output), Some(opening), Some(expansion), Some(language)) =
        (area, view, output, opening, expansion, language)
    else {
        return Err(ServiceError::Internal("a search was rejected without a violation"));
    };
    may_see(given.filter.as_ref(), query.filter.visibility, settings)?;
    if let Some(Opening { at: Moment::At(moment), .. }) = opening {
        query.filter.valid_at[1] = Some(moment);
    }
    let fingerprint = fingerprint(given);
    let continued =
        tokens.open(&given.page_token, &fingerprint)?.map(|payload| payload.search()).transpose()?;
    let (after, first_revision) = continued.unzip();
    query.after = after;
    Ok(SearchRequest {
        area_truncated: is_truncated(&query, &served),
        query,
        served,
        accuracy_m: given.origin.and_then(|origin| origin.accuracy_m).unwrap_or_default(),
        first_revision,
        expansion,
        opening,
        view,
        output,
        language,
        include_total: given.include_total,
        group_by_position: given.group_by_position,
        max_per_brand,
        fingerprint,
    })
}

/// Parses a limit of merchants per brand; 0 is no limit.
pub(crate) fn max_per_brand_from_wire(check: &mut Check, given: i32) -> Option<NonZeroUsize> {
    check.range("max_per_brand", given, 0..=i32::MAX);
    usize::try_from(given).ok().and_then(NonZeroUsize::new)
}

/// Circle and area of a search, without the part within a minimum distance.
pub(crate) struct Ring<'a> {
    pub(crate) origin: Option<wire::Position>,
    pub(crate) radius_m: Option<f64>,
    pub(crate) min_distance_m: f64,
    pub(crate) reach: i32,
    pub(crate) area: Option<&'a wire::SearchArea>,
}

/// Parses the area and the filter of a search that is answered at `now`.
pub(crate) fn area_from_wire(
    check: &mut Check,
    ring: &Ring<'_>,
    filter: Option<&wire::MerchantFilter>,
    limit: Limit,
    (settings, now): (SearchSettings, UnixMicros),
) -> Option<(Query, ServedPoint)> {
    let origin = check.absorb(origin_from_wire(ring.origin.as_ref(), "origin"));
    let reach = check.absorb(reach_from_wire(ring.reach));
    let radius = check.absorb(radius(ring, reach.unwrap_or(wire::Reach::Near), settings));
    let min_distance = Meters::new(ring.min_distance_m)
        .filter(|min_distance| radius.is_none_or(|radius| *min_distance <= radius.meters()));
    if min_distance.is_none() {
        let description = "must be a finite number of metres from 0 to the radius";
        check.fail("min_distance_m", reason::OUT_OF_RANGE, description);
    }
    let filter = check.absorb(filter_from_wire(filter, "filter", VisibilityFilter::Visible, now));
    let (origin, min_distance) = (origin?.to_wgs84(), min_distance?);
    let area = match ring.area {
        Some(area) => Some(Arc::new(check.absorb(search_area_from_wire(area, origin))?)),
        None => None,
    };
    let served = ServedPoint::exact(origin);
    let query = Query {
        min_distance,
        filter: filter?,
        reach: reach_of(reach?, served, settings.max_service_radius),
        area,
        ..Query::nearest(served.ecef, radius?, limit)
    };
    Some((query, served))
}

/// Returns whether part of the area of a search is beyond its radius.
pub(crate) fn is_truncated(query: &Query, served: &ServedPoint) -> bool {
    query.area.as_ref().is_some_and(|area| area.extends_beyond(served.wgs84, query.radius))
}

/// Checks that the principal may see what the filter is about: hidden merchants, and labels.
pub(crate) fn may_see(
    given: Option<&wire::MerchantFilter>,
    visibility: VisibilityFilter,
    settings: SearchSettings,
) -> Result<(), ServiceError> {
    if visibility != VisibilityFilter::Visible && !settings.search_hidden {
        return Err(ServiceError::HiddenNotAllowed);
    }
    may_filter_by_labels(given, settings.shows_internal)
}

/// Parses a language tag, if one is given; `path` is its field in the request.
pub(crate) fn language_from_wire(given: &str, path: &str) -> Result<Option<Language>, ServiceError> {
    if given.is_empty() {
        return Ok(None);
    }
    Language::parse(given).map(Some).ok_or_else(|| {
        let description = "must be one BCP 47 language tag of at most 64 bytes, such as zh-Hans or en-GB";
        ServiceError::invalid(path, reason::LANGUAGE_CODE_INVALID, description)
    })
}

/// A hash of the fields that decide which merchants are returned, and in which order.
fn fingerprint(given: &wire::SearchNearbyRequest) -> Fingerprint {
    let decisive = wire::SearchNearbyRequest {
        page_size: 0,
        page_token: String::new(),
        view: 0,
        include_total: false,
        output_coordinate_system: 0,
        language_code: String::new(),
        ..given.clone()
    };
    Fingerprint::of("SearchNearby").with_message(&decisive)
}

fn radius(ring: &Ring<'_>, reach: wire::Reach, settings: SearchSettings) -> Result<Radius, ServiceError> {
    let max = max_radius(reach, settings);
    match ring.radius_m {
        // A client that names an area, or asks who serves it, means all of them.
        None if ring.area.is_some() || reach == wire::Reach::Serving => Ok(max),
        None => Ok(max.min(Radius::DEFAULT)),
        Some(radius_m) => radius_up_to(radius_m, max, "radius_m"),
    }
}

fn max_radius(reach: wire::Reach, settings: SearchSettings) -> Radius {
    if reach == wire::Reach::Serving { settings.max_service_radius } else { settings.max_radius }
}

fn radius_up_to(radius_m: f64, max: Radius, field: &str) -> Result<Radius, ServiceError> {
    let max_m = max.meters().get();
    let invalid = |reason, description| Err(ServiceError::invalid(field, reason, description));
    match Radius::new(radius_m) {
        Ok(radius) if radius <= max => Ok(radius),
        Ok(_) | Err(RadiusError::TooLarge) => invalid(
            reason::OUT_OF_RANGE,
            format!("must be at most {max_m} metres, the limit that the operator of this server has set"),
        ),
        Err(error @ RadiusError::NotFinite) => invalid(reason::NOT_FINITE, error.to_string()),
        Err(error @ RadiusError::NotPositive) => invalid(reason::OUT_OF_RANGE, error.to_string()),
    }
}

fn expansion_from_wire(given: &wire::Expansion, min: Radius, max: Radius) -> Result<Expansion, ServiceError> {
    let mut check = Check::under("expansion");
    check.range("min_results", given.min_results, 1..=500);
    let radius = given.max_radius_m.map(|radius_m| radius_up_to(radius_m, max, "expansion.max_radius_m"));
    let radius = check.absorb(radius.transpose()).flatten().unwrap_or(max.max(min));
    if radius < min {
        check.fail("max_radius_m", reason::OUT_OF_RANGE, "must be at least the radius");
    }
    check.finish()?;
    Ok(Expansion { min_results: usize::try_from(given.min_results).unwrap_or_default(), radius })
}

fn opening_from_wire(given: &wire::OpeningFilter, now: UnixMicros) -> Result<Opening, ServiceError> {
    use wire::opening_filter::Moment as Given;

    let mut check = Check::under("opening");
    let at = match &given.moment {
        Some(Given::OpenNow(true)) => Moment::Now(now),
        Some(Given::OpenNow(false)) => {
            check.fail("open_now", reason::OUT_OF_RANGE, "must be true; omit opening to search without it");
            Moment::Now(now)
        }
        Some(Given::OpenAt(moment)) => Moment::At(micros_of(moment).unwrap_or_else(|| {
            check.fail("open_at", reason::OUT_OF_RANGE, "must be a moment of the years 1 to 9999");
            now
        })),
        None => {
            check.fail("", reason::REQUIRED, "must have open_at or open_now");
            Moment::Now(now)
        }
    };
    let policy = match wire::OpeningPolicy::try_from(given.policy) {
        Ok(wire::OpeningPolicy::Unspecified) => wire::OpeningPolicy::OpenOrUnknown,
        Ok(policy) => policy,
        Err(_) => {
            check.fail("policy", reason::OUT_OF_RANGE, "must be an OpeningPolicy");
            wire::OpeningPolicy::OpenOrUnknown
        }
    };
    check.finish()?;
    Ok(Opening { at, policy })
}

/// The token of the next page.
pub(crate) fn next_page_token(
    next: Option<&Cursor>,
    first_revision: Revision,
    fingerprint: &Fingerprint,
    tokens: &PageTokens,
) -> Result<String, ServiceError> {
    next.map(|cursor| tokens.seal(&Payload::of_search(cursor, first_revision), fingerprint))
        .transpose()
        .map(Option::unwrap_or_default)
}
