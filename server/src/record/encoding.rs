//! Encodes merchants, makes versions of them, and decodes them.

use nearby_index::{
    AnyPosition, Merchant, MerchantId, Pieces, Profile, ProfileTooLarge, Revision, StoredMerchant, Term,
    TermKind, UnixMicros,
};
use nearby_proto::{v1 as wire, well_known::Timestamp};
use prost::{DecodeError, Message, bytes::Buf};

use super::{
    identity::{etag_of, name_of},
    index_fields::{details_of, service_area_of, terms_of},
    listing::{review_of, visibility_of},
};
use crate::{error::ServiceError, opening_hours::Expression, reason};

/// The fields of a version that the commit decides.
#[derive(Clone, Copy, Debug)]
pub struct VersionMeta {
    /// The revision of the change that makes the version.
    pub revision: Revision,
    /// The revision of the change that last moved the merchant.
    pub position_revision: Revision,
    /// The time at which the merchant was first stored.
    pub create_time: UnixMicros,
    /// The time at which this version is made.
    pub update_time: UnixMicros,
}

/// Encodes a merchant whose fields have been checked. `expression` is the one of its opening hours, if the caller has parsed it.
///
/// # Errors
/// Violations of the service area, which depends on the position, and a violation without a field if the merchant is too
/// large.
pub(crate) fn encode(
    mut given: wire::Merchant,
    id: MerchantId,
    position: AnyPosition,
    expression: Option<Expression>,
) -> Result<Merchant, ServiceError> {
    if given.visibility() == wire::Visibility::Unspecified {
        given.set_visibility(wire::Visibility::Visible);
    }
    given.review = None;
    encode_reviewed(given, id, position, expression)
}

/// Encodes a merchant with the review that it has.
pub(super) fn encode_reviewed(
    mut given: wire::Merchant,
    id: MerchantId,
    position: AnyPosition,
    expression: Option<Expression>,
) -> Result<Merchant, ServiceError> {
    let visibility = visibility_of(&given);
    given.name.clear();
    given.etag.clear();
    given.wgs84_position = None;
    given.create_time = None;
    given.update_time = None;
    let terms = terms_of(&given);
    let service_area = service_area_of(&given, position)?;
    let details = details_of(&given, position, expression, service_area).shared();
    let profile = profile_of(given).map_err(|error| too_large(&error))?;
    Ok(Merchant { id, position, visibility, terms, details, profile })
}

/// Returns whether two merchants have the same fields, except those that a commit decides.
pub(crate) fn is_same(one: &Merchant, other: &Merchant) -> bool {
    one.profile.given() == other.profile.given()
}

/// Returns the source of a merchant, or an empty text.
pub(crate) fn source_of(merchant: &Merchant) -> &str {
    let mut terms = merchant.terms.as_slice().iter();
    terms.find(|term| term.kind() == TermKind::Source).map_or("", Term::name)
}

/// The violation of a merchant that is too large.
fn too_large(error: &ProfileTooLarge) -> ServiceError {
    ServiceError::invalid("", reason::TOO_LARGE, format!("is too large for a merchant: it {error}"))
}

/// Returns a merchant with another review.
///
/// # Errors
/// If its profile cannot be decoded.
pub(super) fn with_review(
    merchant: Merchant,
    review: Option<wire::Review>,
) -> Result<Merchant, ServiceError> {
    let given = decode_pieces(merchant.profile.given()).map_err(|_| UNREADABLE)?;
    encode_reviewed(wire::Merchant { review, ..given }, merchant.id, merchant.position, None)
}

/// Returns a merchant as a client has given it, with the review of the version that it replaces.
///
/// # Errors
/// If its profile cannot be decoded.
pub(crate) fn keep_review(
    merchant: Merchant,
    before: Option<&StoredMerchant>,
) -> Result<Merchant, ServiceError> {
    match before.and_then(|before| review_of(&before.merchant)) {
        None => Ok(merchant),
        Some(review) => with_review(merchant, Some(review)),
    }
}

/// Makes a version of a merchant.
pub(crate) fn make_version(mut merchant: Merchant, meta: VersionMeta) -> StoredMerchant {
    let VersionMeta { revision, position_revision, create_time, update_time } = meta;
    let name = wire::Merchant { name: name_of(&merchant.id), ..Default::default() };
    let wgs84 = merchant.position.to_wgs84();
    let decided = wire::Merchant {
        etag: etag_of(revision),
        wgs84_position: Some(wire::Position {
            latitude: wgs84.latitude_deg(),
            longitude: wgs84.longitude_deg(),
            coordinate_system: wire::CoordinateSystem::Wgs84.into(),
            accuracy_m: None,
        }),
        create_time: Some(timestamp(create_time)),
        // Release 0.1 stored the time of its clock even if that had been set back behind the creation.
        update_time: Some(timestamp(update_time.max(create_time))),
        ..Default::default()
    };
    merchant.profile = merchant.profile.committed(&name.encode_to_vec(), &decided.encode_to_vec());
    StoredMerchant { merchant, revision, position_revision, create_time, update_time }
}

/// Derives the fields of a merchant that the store leaves to its profile. Returns the merchant and whether its profile
/// could be decoded; an undecodable profile stays as it is.
pub(crate) fn derive_fields(stored: StoredMerchant) -> (StoredMerchant, bool) {
    let StoredMerchant { mut merchant, revision, position_revision, create_time, update_time } = stored;
    let is_readable = match decode_pieces(merchant.profile.given()) {
        Ok(given) => {
            merchant.terms = terms_of(&given);
            // An area was valid when it was stored.
            let service_area = service_area_of(&given, merchant.position).ok().flatten();
            merchant.details = details_of(&given, merchant.position, None, service_area).shared();
            // Release 0.1 stored the fields in the order of their numbers.
            profile_of(given).map(|profile| merchant.profile = profile).is_ok()
        }
        Err(_) => false,
    };
    let meta = VersionMeta { revision, position_revision, create_time, update_time };
    (make_version(merchant, meta), is_readable)
}

/// A merchant as clients receive it.
pub(crate) fn decode(stored: &StoredMerchant) -> Result<wire::Merchant, ServiceError> {
    decode_pieces(stored.merchant.profile.full()).map_err(|_| UNREADABLE)
}

pub(super) const UNREADABLE: ServiceError = ServiceError::Internal("cannot decode a stored profile");

/// Decodes a merchant of which a view shows these pieces.
pub(crate) fn decode_pieces([front, back]: Pieces<'_>) -> Result<wire::Merchant, DecodeError> {
    wire::Merchant::decode(front.chain(back))
}

/// The fields of the BASIC view, then the others: see `MerchantView` in the contract.
/// A review is not the client's, and does not count towards its limit.
fn profile_of(mut given: wire::Merchant) -> Result<Profile, ProfileTooLarge> {
    let review = wire::Merchant { review: given.review.clone(), ..Default::default() };
    let review_bytes = review.encoded_len();
    let basic = wire::Merchant {
        display_name: std::mem::take(&mut given.display_name),
        brand: std::mem::take(&mut given.brand),
        categories: std::mem::take(&mut given.categories),
        position: given.position.take(),
        mini_program: given.mini_program.take(),
        business_status: std::mem::take(&mut given.business_status),
        reopening_date: given.reopening_date.take(),
        ..Default::default()
    };
    let internal = wire::Merchant {
        external_ids: std::mem::take(&mut given.external_ids),
        labels: std::mem::take(&mut given.labels),
        ..Default::default()
    };
    let [basic, rest, internal] = [basic, given, internal].map(|part| part.encode_to_vec());
    if basic.len() + rest.len() + internal.len() > Profile::MAX_GIVEN_BYTES + review_bytes {
        return Err(ProfileTooLarge);
    }
    Profile::of_parts(&basic, &rest, &internal)
}

fn timestamp(at: UnixMicros) -> Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    Timestamp { seconds: at.0.div_euclid(1_000_000), nanos }
}
