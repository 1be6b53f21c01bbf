//! The stored encoding of a merchant: the bytes of a `nearby.v1.Merchant`.
//!
//! The index keeps a merchant as the bytes that clients receive, the fields of the BASIC view first, so that a response is
//! assembled by copying. The store keeps what the client gave; what the commit decides (name, etag, WGS-84 position and the
//! two times) is put around it when a version is made, and again when it is read from the store.

use std::sync::Arc;

use jiff::civil::Date;
use nearby_index::{
    AnyPosition, Details, ExpressionHours, Hours, Merchant, MerchantId, Period, Pieces, Position, Profile,
    ProfileTooLarge, Revision, ServiceArea, StoredMerchant, Term, TermKind, Terms, UnixMicros, Visibility,
    WeeklyHours, Wgs84,
};
use nearby_proto::{v1 as wire, well_known::Timestamp};
use prost::{DecodeError, Message, bytes::Buf};

use crate::{
    area, cross_field_checks,
    error::ServiceError,
    listing::{closed_until, review_of, validity_of, visibility_of},
    opening_hours::{Expression, HolidayKind, country_at, day_number, region_code},
    reason,
};

pub use crate::field_set::FieldSet;
pub(crate) use crate::field_set::{NESTED_FIELDS, UPDATABLE_FIELDS};

/// Prefix of a merchant's resource name.
pub(crate) const NAME_PREFIX: &str = "merchants/";

/// `merchants/{id}`.
pub(crate) fn name_of(id: &MerchantId) -> String {
    format!("{NAME_PREFIX}{id}")
}

/// The etag of a version.
pub(crate) fn etag_of(revision: Revision) -> String {
    format!("{:x}", revision.0)
}

/// The version that an etag names; `None` if no version can have it.
pub(crate) fn revision_of(etag: &str) -> Option<Revision> {
    let revision = u64::from_str_radix(etag, 16).map(Revision).ok()?;
    (etag_of(revision) == etag).then_some(revision)
}

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
fn encode_reviewed(
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

/// The area that a merchant serves.
fn service_area_of(
    given: &wire::Merchant,
    position: AnyPosition,
) -> Result<Option<Arc<ServiceArea>>, ServiceError> {
    let area = given.service_area.as_ref().map(|area| area::service_area_of(area, position.to_wgs84()));
    area.transpose().map(|area| area.map(Arc::new)).map_err(|error| error.below("service_area"))
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
/// If the merchant is too large with it. A profile that cannot be decoded keeps its review.
pub(crate) fn with_review(
    merchant: Merchant,
    review: Option<wire::Review>,
) -> Result<Merchant, ServiceError> {
    let Ok(given) = decode_pieces(merchant.profile.given()) else { return Ok(merchant) };
    encode_reviewed(wire::Merchant { review, ..given }, merchant.id, merchant.position, None)
}

/// Returns a merchant as a client has given it, with the review of the version that it replaces.
///
/// # Errors
/// If the merchant is too large with it.
pub(crate) fn keep_review(
    merchant: Merchant,
    before: Option<&StoredMerchant>,
) -> Result<Merchant, ServiceError> {
    match before.and_then(review_of) {
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

const UNREADABLE: ServiceError = ServiceError::Internal("cannot decode a stored profile");

fn decode_pieces([front, back]: Pieces<'_>) -> Result<wire::Merchant, DecodeError> {
    wire::Merchant::decode(front.chain(back))
}

/// A partial update of a merchant whose fields have been checked.
#[derive(Debug)]
pub struct MerchantPatch {
    /// The merchant.
    pub id: MerchantId,
    /// The version that it must have, if any.
    pub version: Option<Revision>,
    /// The update.
    pub update: Update,
    /// The result of checking the given merchant as a whole, which is stored if there is no such merchant; `None` if the
    /// merchant must exist.
    pub if_missing: Option<Result<Merchant, ServiceError>>,
}

/// The update of a patch.
#[derive(Debug)]
pub enum Update {
    /// Replaces the merchant.
    Replace(Merchant),
    /// Replaces some of its fields.
    Fields(Box<FieldUpdate>),
    /// Replaces its review; `None` approves it.
    Review(Option<wire::Review>),
    /// Replaces some of its fields with those of a merchant that has been checked as a whole, and creates that merchant if
    /// there is none.
    Overlay {
        /// The merchant.
        merchant: Merchant,
        /// The names of the fields.
        fields: FieldSet,
    },
}

/// The fields that a patch replaces, and their values.
#[derive(Debug)]
pub struct FieldUpdate {
    /// The names of the fields.
    pub fields: FieldSet,
    /// Their values; all other fields have no meaning.
    pub given: wire::Merchant,
    /// The position, if it is one of the fields.
    pub position: Option<AnyPosition>,
}

impl MerchantPatch {
    /// The merchant that the patch makes of the current one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Conflict`], and a violation when the result is too large.
    pub(crate) fn apply(self, current: Option<&StoredMerchant>) -> Result<Merchant, ServiceError> {
        let Some(current) = current else {
            return match self.update {
                Update::Overlay { merchant, .. } => Ok(merchant),
                _ => self.if_missing.unwrap_or(Err(ServiceError::NotFound(self.id))),
            };
        };
        if self.version.is_some_and(|version| version != current.revision) {
            return Err(ServiceError::Conflict(self.id));
        }
        let (is_row, FieldUpdate { fields, given, position }) = match self.update {
            Update::Replace(merchant) => return Ok(merchant),
            Update::Review(review) => {
                return with_review(current.merchant.clone(), review);
            }
            Update::Fields(update) => (false, *update),
            // All that a row without visibility keeps is known.
            Update::Overlay { merchant, fields }
                if fields == FieldSet::all().without("visibility")
                    && current.merchant.visibility == Visibility::Visible =>
            {
                return Ok(merchant);
            }
            Update::Overlay { merchant, fields } => {
                let given = decode_pieces(merchant.profile.given()).map_err(|_| UNREADABLE)?;
                let position = fields.contains("position").then_some(merchant.position);
                (true, FieldUpdate { fields, given, position })
            }
        };
        let mut merged = decode_pieces(current.merchant.profile.given()).map_err(|_| UNREADABLE)?;
        // A source has the merchant again.
        if is_row && fields.contains("source") && merged.visibility() == wire::Visibility::Missing {
            merged.set_visibility(wire::Visibility::Visible);
        }
        fields.copy(given, &mut merged);
        let position = position.unwrap_or(current.merchant.position);
        let path = if is_row { "" } else { "merchant" };
        cross_field_checks::check(path, &merged)?;
        encode(merged, self.id, position, None).map_err(|error| error.below(path))
    }

    /// About the number of bytes that the patch adds to a commit.
    pub(crate) fn bytes(&self) -> usize {
        match &self.update {
            Update::Replace(merchant) | Update::Overlay { merchant, .. } => merchant.profile.full_len(),
            // Most merchants are smaller.
            Update::Fields(_) | Update::Review(_) => 1_024,
        }
    }
}

/// The fields of the BASIC view, then the others: see `MerchantView` in the contract.
fn profile_of(mut given: wire::Merchant) -> Result<Profile, ProfileTooLarge> {
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
    Profile::of_parts(&basic.encode_to_vec(), &given.encode_to_vec(), &internal.encode_to_vec())
}

fn terms_of(given: &wire::Merchant) -> Terms {
    let terms = |kind, names: &[String]| names.iter().map(|name| Term::new(kind, name)).collect::<Vec<_>>();
    let term = |kind, name: &str| (!name.is_empty()).then(|| Term::new(kind, name));
    let brand_and_source =
        [term(TermKind::Brand, &given.brand), term(TermKind::Source, &given.source)].into_iter().flatten();
    let categories = terms(TermKind::Category, &given.categories);
    let limited = (!validity_of(given).is_unlimited()).then(|| Term::new(TermKind::LimitedValidity, ""));
    let others = brand_and_source.chain(limited);
    categories.into_iter().chain(terms(TermKind::Service, &given.services)).chain(others).collect()
}

/// Details as the index keeps them. `expression` is the one of the opening hours, if the caller has parsed it.
fn details_of(
    given: &wire::Merchant,
    position: AnyPosition,
    expression: Option<Expression>,
    service_area: Option<Arc<ServiceArea>>,
) -> Details {
    Details {
        hours: hours_of(given, position, expression).map(Hours::interned),
        attributes: given.attributes.iter().map(|(key, value)| (key.as_str(), *value)).collect(),
        validity: validity_of(given),
        closed_until: closed_until(given),
        service_area,
    }
}

/// Opening hours as the index keeps them; `None` if they state nothing. `expression` is theirs, if the caller has parsed it.
pub(crate) fn hours_of(
    given: &wire::Merchant,
    position: AnyPosition,
    expression: Option<Expression>,
) -> Option<Hours> {
    let hours = given.opening_hours.as_ref()?;
    if hours.osm_expression.is_empty() {
        return week_of(hours).map(Hours::Weekly);
    }
    // Hours that do not parse are rejected before they are stored.
    let expression = expression.or_else(|| Expression::parse(&hours.osm_expression).ok())?;
    let names_holidays =
        [HolidayKind::Public, HolidayKind::School].map(|kind| expression.names_holidays(kind));
    let region = names_holidays.contains(&true).then(|| region_of(given, position)).flatten();
    let position = expression.names_sun_events().then(|| rounded(position.to_wgs84())).flatten();
    Some(Hours::Expression(ExpressionHours::new(&hours.time_zone, &hours.osm_expression, region, position)))
}

/// Returns a position in its datum; `None` if the datum is not named or a coordinate is out of range.
pub(crate) fn position_of(given: &wire::Position) -> Option<AnyPosition> {
    area::position_in(given.coordinate_system(), given.latitude, given.longitude)?.ok()
}

/// Rounds a position to a hundredth of a degree, which moves sunrise by three seconds: merchants nearby share their hours.
fn rounded(position: Position<Wgs84>) -> Option<Position<Wgs84>> {
    let round = |degrees: f64| (degrees * 100.0).round() / 100.0;
    Position::new(round(position.latitude_deg()), round(position.longitude_deg())).ok()
}

/// Returns the country whose holidays apply to a merchant.
fn region_of(given: &wire::Merchant, position: AnyPosition) -> Option<[u8; 2]> {
    let of_address = given.address.as_ref().and_then(|address| region_code(&address.region_code));
    of_address.or_else(|| country_at(position.to_wgs84()))
}

fn week_of(given: &wire::OpeningHours) -> Option<WeeklyHours> {
    let period = |start_minute: i32, length_minutes: i32| {
        let (start_minute, length_minutes) = (u16::try_from(start_minute), u16::try_from(length_minutes));
        Some(Period { start_minute: start_minute.ok()?, length_minutes: length_minutes.ok()? })
    };
    let weekly = given.weekly_periods.iter().filter_map(|given| {
        let weekday = u8::try_from(given.weekday.checked_sub(1)?).ok()?;
        Some((weekday, period(given.start_minute, given.length_minutes)?))
    });
    let special = given.special_days.iter().filter_map(|given| {
        let periods =
            given.periods.iter().filter_map(|given| period(given.start_minute, given.length_minutes));
        Some((day_number(date_of(given.date.as_ref()?)?)?, periods.collect()))
    });
    WeeklyHours::new(&given.time_zone, weekly, special)
}

/// The calendar date, if it exists.
pub(crate) fn date_of(given: &wire::CalendarDate) -> Option<Date> {
    let year = i16::try_from(given.year).ok().filter(|year| *year >= 1)?;
    Date::new(year, i8::try_from(given.month).ok()?, i8::try_from(given.day).ok()?).ok()
}

fn timestamp(at: UnixMicros) -> Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    Timestamp { seconds: at.0.div_euclid(1_000_000), nanos }
}

#[cfg(test)]
pub(crate) mod fixtures {
    use nearby_proto::v1 as wire;

    /// A valid merchant, from a client.
    pub(crate) fn cafe() -> wire::Merchant {
        wire::Merchant {
            name: "merchants/ignored".to_owned(),
            display_name: "Café".to_owned(),
            position: Some(wire::Position {
                latitude: 39.9,
                longitude: 116.4,
                coordinate_system: wire::CoordinateSystem::Gcj02.into(),
                accuracy_m: Some(10.0),
            }),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use nearby_index::Position;

    use super::{fixtures::cafe, *};

    fn encoded(given: wire::Merchant) -> Merchant {
        let position = AnyPosition::Gcj02(Position::new(39.9, 116.4).unwrap());
        encode(given, MerchantId::parse("cafe").unwrap(), position, None).unwrap()
    }

    #[test]
    fn a_version_has_the_given_fields_and_those_of_the_commit() {
        let merchant = encoded(cafe());
        let meta = VersionMeta {
            revision: Revision(26),
            position_revision: Revision(20),
            create_time: UnixMicros(-1_500_000),
            update_time: UnixMicros(-1),
        };
        let stored = make_version(merchant.clone(), meta);
        let back = decode(&stored).unwrap();
        assert_eq!((back.name.as_str(), back.etag.as_str()), ("merchants/cafe", "1a"));
        assert_eq!(back.position, cafe().position);
        assert_eq!(back.visibility(), wire::Visibility::Visible);
        let wgs84 = back.wgs84_position.unwrap();
        assert_eq!(wgs84.coordinate_system(), wire::CoordinateSystem::Wgs84);
        assert!((wgs84.latitude - 39.9).abs() > 1e-4, "GCJ-02 in Beijing is half a kilometre off");
        assert_eq!(back.create_time, Some(Timestamp { seconds: -2, nanos: 500_000_000 }));
        assert_eq!(back.update_time, Some(Timestamp { seconds: -1, nanos: 999_999_000 }));
        assert_eq!(revision_of(&back.etag), Some(Revision(26)));
        let set_back = VersionMeta { update_time: UnixMicros(-1_500_001), ..meta };
        let back = decode(&make_version(merchant, set_back)).unwrap();
        assert_eq!(back.update_time, back.create_time, "an update time never precedes the creation");
        assert_eq!([revision_of("1A"), revision_of(""), revision_of("01")], [None; 3]);
    }

    /// A record of release 0.1 has its fields in the order of their numbers.
    #[test]
    fn a_stored_merchant_is_read_back_unchanged() {
        let mut given = wire::Merchant {
            services: vec!["delivery".to_owned()],
            phone: "+1".to_owned(),
            mini_program: Some(wire::MiniProgramLink { app_id: "wx1".to_owned(), path: String::new() }),
            opening_hours: Some(wire::OpeningHours {
                time_zone: "Asia/Shanghai".to_owned(),
                weekly_periods: vec![wire::WeeklyPeriod { weekday: 1, start_minute: 60, length_minutes: 60 }],
                ..Default::default()
            }),
            ..cafe()
        };
        given.set_visibility(wire::Visibility::Visible);
        let merchant = encoded(given.clone());
        let meta = VersionMeta {
            revision: Revision(3),
            position_revision: Revision(2),
            create_time: UnixMicros(1),
            update_time: UnixMicros(2),
        };
        let made = make_version(merchant.clone(), meta);
        given.name.clear();
        let of_release_0_1 = Profile::new(&given.encode_to_vec()).unwrap();
        for profile in [Profile::new(&made.merchant.profile.given().concat()).unwrap(), of_release_0_1] {
            let read = Merchant { terms: Terms::default(), details: None, profile, ..merchant.clone() };
            let read = StoredMerchant { merchant: read, ..made.clone() };
            assert_eq!(derive_fields(read), (made.clone(), true));
        }
        let basic = decode_pieces(made.merchant.profile.basic()).unwrap();
        let expected = wire::Merchant {
            name: "merchants/cafe".to_owned(),
            services: Vec::new(),
            phone: String::new(),
            opening_hours: None,
            visibility: 0,
            ..given
        };
        assert_eq!(basic, expected);
        let broken = Profile::new(b"\xff").unwrap();
        let broken = StoredMerchant { merchant: Merchant { profile: broken, ..merchant }, ..made };
        assert!(!derive_fields(broken).1);
    }

    fn stored() -> StoredMerchant {
        let meta = VersionMeta {
            revision: Revision(7),
            position_revision: Revision(7),
            create_time: UnixMicros(1),
            update_time: UnixMicros(2),
        };
        make_version(encoded(wire::Merchant { phone: "1".to_owned(), ..cafe() }), meta)
    }

    fn patch(fields: &[&str], given: wire::Merchant) -> MerchantPatch {
        let update =
            FieldUpdate { fields: FieldSet::of_names(fields.iter().copied()), given, position: None };
        MerchantPatch {
            id: MerchantId::parse("cafe").unwrap(),
            version: None,
            update: Update::Fields(Box::new(update)),
            if_missing: None,
        }
    }

    #[test]
    fn a_patch_replaces_the_fields_that_it_names() {
        let given = wire::Merchant { display_name: "New".to_owned(), ..Default::default() };
        let apply = |fields: &[&str]| {
            let merchant = patch(fields, given.clone()).apply(Some(&stored())).unwrap();
            let stored = StoredMerchant { merchant, ..stored() };
            let merged = decode_pieces(stored.merchant.profile.given()).unwrap();
            (merged.display_name, merged.phone, merged.position)
        };
        let position = cafe().position;
        assert_eq!(apply(&["display_name"]), ("New".to_owned(), "1".to_owned(), position));
        assert_eq!(apply(&["phone"]), ("Café".to_owned(), String::new(), position), "named and unset clears");
        assert_eq!(apply(&[]), ("Café".to_owned(), "1".to_owned(), position));
    }

    #[test]
    fn a_patch_replaces_single_fields_of_an_address() {
        let address = |lines: &[&str], locality: &str, region_code: &str| wire::PostalAddress {
            address_lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            locality: locality.to_owned(),
            region_code: region_code.to_owned(),
            ..Default::default()
        };
        let apply =
            |fields: &[&str], before: Option<wire::PostalAddress>, given: Option<wire::PostalAddress>| {
                let stored = StoredMerchant {
                    merchant: encoded(wire::Merchant { address: before, ..cafe() }),
                    ..stored()
                };
                let given = wire::Merchant { address: given, ..Default::default() };
                let merchant = patch(fields, given).apply(Some(&stored)).unwrap();
                decode_pieces(merchant.profile.given()).unwrap().address
            };
        let before = || Some(address(&["1 Road"], "Espoo", "FI"));
        let given = || Some(address(&["2 Road"], "Helsinki", "SE"));
        let locality = ["address.locality"];
        assert_eq!(apply(&locality, before(), given()), Some(address(&["1 Road"], "Helsinki", "FI")));
        assert_eq!(apply(&locality, None, given()), Some(address(&[], "Helsinki", "")));
        assert_eq!(apply(&locality, before(), None), Some(address(&["1 Road"], "", "FI")), "named and unset");
        assert_eq!(apply(&["phone"], before(), given()), before());
        assert_eq!(apply(&["address", "address.locality"], before(), given()), given());
        assert_eq!(apply(NESTED_FIELDS, before(), given()), given());
        assert_eq!(apply(NESTED_FIELDS, before(), None), None);
    }

    #[test]
    fn a_patch_replaces_the_time_zone_of_hours_but_leaves_none_without() {
        let hours = |time_zone: &str, osm_expression: &str| wire::OpeningHours {
            time_zone: time_zone.to_owned(),
            osm_expression: osm_expression.to_owned(),
            ..Default::default()
        };
        let apply = |before: Option<wire::OpeningHours>, given: Option<wire::OpeningHours>| {
            let merchant = encoded(wire::Merchant { opening_hours: before, ..cafe() });
            let stored = StoredMerchant { merchant, ..stored() };
            let given = wire::Merchant { opening_hours: given, ..Default::default() };
            let merchant = patch(&["opening_hours.time_zone"], given).apply(Some(&stored)).unwrap();
            decode_pieces(merchant.profile.given()).unwrap().opening_hours
        };
        let before = || Some(hours("Europe/Berlin", "24/7"));
        let zone = || Some(hours("Europe/Helsinki", ""));
        assert_eq!(apply(before(), zone()), Some(hours("Europe/Helsinki", "24/7")));
        assert_eq!(apply(None, zone()), zone());
        assert_eq!(apply(before(), Some(hours("", ""))), before());
        assert_eq!(apply(before(), None), before());
    }

    #[test]
    fn a_patch_requires_its_version_and_a_merchant_unless_it_may_create_one() {
        let given = || wire::Merchant { phone: "2".to_owned(), ..Default::default() };
        let id = MerchantId::parse("cafe").unwrap();
        assert_eq!(patch(&["phone"], given()).apply(None), Err(ServiceError::NotFound(id.clone())));
        let creating = MerchantPatch { if_missing: Some(Ok(encoded(cafe()))), ..patch(&["phone"], given()) };
        assert_eq!(creating.apply(None), Ok(encoded(cafe())));
        for (version, is_current) in [(7, true), (6, false)] {
            let patch = MerchantPatch { version: Some(Revision(version)), ..patch(&["phone"], given()) };
            let applied = patch.apply(Some(&stored()));
            assert_eq!(applied.is_ok(), is_current);
            assert!(is_current || applied == Err(ServiceError::Conflict(id.clone())));
        }
    }

    #[test]
    fn an_overlay_creates_a_merchant_or_replaces_the_fields_that_it_names() {
        let mut given = wire::Merchant { display_name: "New".to_owned(), brand: "B".to_owned(), ..cafe() };
        given.set_visibility(wire::Visibility::Hidden);
        let overlay = || MerchantPatch {
            id: MerchantId::parse("cafe").unwrap(),
            version: None,
            update: Update::Overlay {
                merchant: encode(
                    given.clone(),
                    MerchantId::parse("cafe").unwrap(),
                    AnyPosition::Wgs84(Position::new(1.0, 2.0).unwrap()),
                    None,
                )
                .unwrap(),
                fields: FieldSet::of_names(["display_name", "position"]),
            },
            if_missing: None,
        };
        let created = decode_pieces(overlay().apply(None).unwrap().profile.given()).unwrap();
        assert_eq!((created.display_name.as_str(), created.brand.as_str()), ("New", "B"));
        let applied = overlay().apply(Some(&stored())).unwrap();
        assert_eq!(
            (applied.visibility, applied.position.to_wgs84().latitude_deg()),
            (Visibility::Visible, 1.0)
        );
        let merged = decode_pieces(applied.profile.given()).unwrap();
        let fields = (merged.display_name.as_str(), merged.phone.as_str(), merged.brand.as_str());
        assert_eq!(fields, ("New", "1", ""));
    }

    #[test]
    fn a_row_of_a_source_shows_a_merchant_that_was_missing_and_no_other_hidden_one() {
        use wire::Visibility as Given;
        for (before, named, expected) in [
            (Given::Missing, "source", (Given::Visible, Visibility::Visible)),
            (Given::Missing, "phone", (Given::Missing, Visibility::Hidden)),
            (Given::Hidden, "source", (Given::Hidden, Visibility::Hidden)),
            (Given::Missing, "visibility", (Given::Hidden, Visibility::Hidden)),
        ] {
            let with = |visibility: Given| wire::Merchant { visibility: visibility.into(), ..cafe() };
            let stored = StoredMerchant { merchant: encoded(with(before)), ..stored() };
            assert_eq!(stored.merchant.visibility, Visibility::Hidden, "{before:?}");
            let fields = FieldSet::of_names([named]);
            let update = Update::Overlay { merchant: encoded(with(Given::Hidden)), fields };
            let patch = MerchantPatch { update, ..patch(&[], wire::Merchant::default()) };
            let applied = patch.apply(Some(&stored)).unwrap();
            let given = decode_pieces(applied.profile.given()).unwrap().visibility();
            assert_eq!((given, applied.visibility), expected, "{before:?} {named}");
        }
        let stored = StoredMerchant {
            merchant: encoded(wire::Merchant { visibility: Given::Missing.into(), ..cafe() }),
            ..stored()
        };
        let update = patch(&["phone"], wire::Merchant::default()).apply(Some(&stored)).unwrap();
        let given = decode_pieces(update.profile.given()).unwrap();
        assert_eq!(given.visibility(), Given::Missing, "an update is no row of a source");
    }

    #[test]
    fn a_patched_merchant_is_bounded_as_a_whole() {
        let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
        let given = wire::Merchant { photos: vec![photo; 20], ..Default::default() };
        let error = patch(&["photos"], given).apply(Some(&stored())).unwrap_err();
        assert!(
            matches!(error, ServiceError::Invalid(violations) if violations[0].reason == reason::TOO_LARGE)
        );
    }

    /// A field that is added to the contract must be added here, or be output-only.
    #[test]
    fn every_field_of_the_contract_is_updatable_or_output_only() {
        const OUTPUT_ONLY: [&str; 6] =
            ["name", "etag", "wgs84_position", "review", "create_time", "update_time"];
        let source = include_str!("../../proto/nearby/v1/merchant.proto");
        let message = source.split("\nmessage Merchant {").nth(1).unwrap().split("\n}").next().unwrap();
        let fields = message.lines().filter(|line| !line.trim_start().starts_with("//")).filter_map(|line| {
            line.split_once(" = ").and_then(|(declaration, _)| declaration.split_whitespace().last())
        });
        let is_missing = |field: &&str| !UPDATABLE_FIELDS.contains(field) && !OUTPUT_ONLY.contains(field);
        assert_eq!(fields.filter(is_missing).collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
