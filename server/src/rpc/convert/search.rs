//! Searches between the wire and the index.

use nearby_index::{Cursor, Ecef, Hits, Position, Query, Radius, RadiusError, Revision, Wgs84};
use nearby_proto::v1 as wire;

use super::{check::Check, merchant_to_wire, page_size, position_from_wire, take_page};
use crate::{
    error::ServiceError,
    page_token::{Fingerprint, PageTokens, Payload},
};

/// A search that was asked for, and what its page tokens are bound to.
pub(crate) struct SearchRequest {
    pub(crate) query: Query,
    pub(crate) origin: Position<Wgs84>,
    fingerprint: Fingerprint,
}

/// Parses a search. `most_radius` is as far as the operator lets anybody search.
pub(crate) fn search_from_wire(
    given: &wire::SearchNearbyRequest,
    most_radius: Radius,
    tokens: &PageTokens,
) -> Result<SearchRequest, ServiceError> {
    let mut check = Check::under("");
    let origin = check.absorb(position_from_wire(given.origin.as_ref(), "origin"));
    let radius = check.absorb(radius(given.radius_m, most_radius));
    let limit = check.absorb(page_size(given.page_size, 20, 500));
    check.finish()?;
    let (Some(origin), Some(radius), Some(limit)) = (origin, radius, limit) else {
        return Err(ServiceError::Internal("a search was refused without a reason"));
    };
    let wgs84 = origin.to_wgs84();
    let fingerprint = Fingerprint::of("SearchNearby, by rank")
        .with(&wgs84.latitude_deg().to_le_bytes())
        .with(&wgs84.longitude_deg().to_le_bytes())
        .with(&radius.meters().get().to_le_bytes());
    let after = match tokens.open(&given.page_token, &fingerprint)? {
        None => None,
        Some(payload) => Some(payload.cursor()?),
    };
    let query = Query { after, ..Query::nearest(Ecef::from(wgs84), radius, limit) };
    Ok(SearchRequest { query, origin: wgs84, fingerprint })
}

/// The answer to a search.
pub(crate) fn search_to_wire(
    request: &SearchRequest,
    hits: &Hits<'_>,
    revision: Revision,
    tokens: &PageTokens,
) -> Result<wire::SearchNearbyResponse, ServiceError> {
    let results = take_page(hits.as_slice().iter().map(|hit| {
        let merchant = Some(merchant_to_wire(hit.merchant)?);
        Ok(wire::NearbyResult { merchant, distance_m: hit.distance.get() })
    }))?;
    let is_cut = results.len() < hits.as_slice().len();
    let next = if is_cut { hits.cursor(results.len()) } else { hits.next() };
    let seal = |cursor: Cursor| tokens.seal(&Payload::from(&cursor), &request.fingerprint);
    Ok(wire::SearchNearbyResponse {
        results,
        next_page_token: next.map(seal).transpose()?.unwrap_or_default(),
        revision: revision.0,
    })
}

fn radius(given: Option<f64>, most: Radius) -> Result<Radius, ServiceError> {
    let most_m = most.meters().get();
    let too_far = || {
        ServiceError::invalid(
            "radius_m",
            "OUT_OF_RANGE",
            format!("must be at most {most_m} metres on this server; its operator sets the limit"),
        )
    };
    let Some(radius_m) = given else { return Ok(most.min(Radius::DEFAULT)) };
    match Radius::new(radius_m) {
        Ok(radius) if radius <= most => Ok(radius),
        Ok(_) | Err(RadiusError::TooLarge) => Err(too_far()),
        Err(error @ RadiusError::NotFinite) => {
            Err(ServiceError::invalid("radius_m", "NOT_FINITE", error.to_string()))
        }
        Err(error @ RadiusError::NotPositive) => {
            Err(ServiceError::invalid("radius_m", "OUT_OF_RANGE", error.to_string()))
        }
    }
}
