//! Merchants and patches from the wire: checks their fields.

use nearby_index::{Merchant, MerchantId};
use nearby_proto::v1 as wire;

use super::{
    field_mask::{UpdateMask, update_mask_from_wire},
    hours::check_hours,
    position::position_from_wire,
    violations::Check,
};
use crate::{
    error::ServiceError,
    language::Language,
    opening_hours::Expression,
    reason,
    record::{
        self, FieldSet, FieldUpdate, MAX_LABELS, MerchantPatch, NAME_PREFIX, Update, cross_field_checks,
        listing::{date_of, micros_of},
        revision_of,
    },
};

/// Parses `merchants/{id}`; `path` is its field in the request.
pub(crate) fn id_from_name(name: &str, path: &str) -> Result<MerchantId, ServiceError> {
    if name.is_empty() {
        return Err(ServiceError::invalid(path, reason::REQUIRED, "must be given, as merchants/{id}"));
    }
    let Some(id) = name.strip_prefix(NAME_PREFIX) else {
        return Err(ServiceError::invalid(path, reason::INVALID_NAME, "must have the form merchants/{id}"));
    };
    id_from_wire(id, path)
}

/// Parses an id on its own.
pub(crate) fn id_from_wire(id: &str, path: &str) -> Result<MerchantId, ServiceError> {
    MerchantId::parse(id).map_err(|error| {
        ServiceError::invalid(path, reason::INVALID_ID, format!("invalid merchant id: it {error}"))
    })
}

/// The version that an etag names, if one is given.
///
/// # Errors
/// [`ServiceError::Conflict`], when no version can have the etag.
pub(crate) fn version_from_etag(
    etag: &str,
    id: &MerchantId,
) -> Result<Option<nearby_index::Revision>, ServiceError> {
    match etag {
        "" => Ok(None),
        etag => revision_of(etag).map(Some).ok_or_else(|| ServiceError::Conflict(id.clone())),
    }
}

/// Checks a merchant and encodes it; `path` is its field in the request.
pub(crate) fn merchant_from_wire(
    given: wire::Merchant,
    id: MerchantId,
    path: &str,
) -> Result<Merchant, ServiceError> {
    let mut check = Check::under(path);
    let position_path = if path.is_empty() { "position".to_owned() } else { format!("{path}.position") };
    let position = check.absorb(position_from_wire(given.position.as_ref(), &position_path));
    check_visibility(&mut check, &given);
    check.required_text("display_name", &given.display_name, 256);
    let expression = check_optional_fields(&mut check, &given);
    check.absorb(cross_field_checks::check(path, &given));
    let encoded = position.map(|position| record::encode(given, id, position, expression));
    let merchant = encoded.and_then(|encoded| check.absorb(encoded.map_err(|error| error.below(path))));
    check.finish()?;
    merchant.ok_or(ServiceError::Internal("a merchant was rejected without a violation"))
}

/// Checks an update: the fields that its mask names, and, if it may create the merchant, the merchant as a whole.
pub(crate) fn patch_from_wire(request: wire::UpdateMerchantRequest) -> Result<MerchantPatch, ServiceError> {
    const PATH: &str = "merchant";
    let wire::UpdateMerchantRequest { merchant, update_mask, allow_missing, .. } = request;
    let given = merchant.ok_or_else(|| ServiceError::invalid(PATH, reason::REQUIRED, "must be given"))?;
    let id = id_from_name(&given.name, "merchant.name")?;
    let version = version_from_etag(&given.etag, &id)?;
    // A version names a merchant that exists.
    let may_create = allow_missing && version.is_none();
    match update_mask_from_wire(update_mask.as_ref(), &given)? {
        UpdateMask::All => {
            let merchant = merchant_from_wire(given, id.clone(), PATH)?;
            let if_missing = may_create.then(|| Ok(merchant.clone()));
            Ok(MerchantPatch { id, version, update: Update::Replace(merchant), if_missing })
        }
        UpdateMask::Fields(fields) => {
            let if_missing = may_create.then(|| merchant_from_wire(given.clone(), id.clone(), PATH));
            let update = Update::Fields(Box::new(field_update(fields, given)?));
            Ok(MerchantPatch { id, version, update, if_missing })
        }
    }
}

/// Checks the fields that an update names.
fn field_update(fields: FieldSet, given: wire::Merchant) -> Result<FieldUpdate, ServiceError> {
    let mut check = Check::under("merchant");
    // Fields that are not named may hold anything.
    let mut named = wire::Merchant::default();
    fields.copy(given, &mut named);
    let position = if fields.contains("position") {
        check.absorb(position_from_wire(named.position.as_ref(), "merchant.position"))
    } else {
        None
    };
    check_visibility(&mut check, &named);
    if fields.contains("display_name") {
        check.required_text("display_name", &named.display_name, 256);
    }
    check_optional_fields(&mut check, &named);
    check.finish()?;
    Ok(FieldUpdate { fields, given: named, position })
}

/// A patch that approves a merchant, or rejects it with a reason.
pub(crate) fn review_patch(
    name: &str,
    etag: &str,
    rejected: Option<&str>,
) -> Result<MerchantPatch, ServiceError> {
    let id = id_from_name(name, "name")?;
    let version = version_from_etag(etag, &id)?;
    let mut check = Check::under("");
    let review = rejected.map(|reason| {
        check.required_text("reason", reason, 256);
        wire::Review { state: wire::ReviewState::Rejected.into(), reason: reason.to_owned() }
    });
    check.finish()?;
    Ok(MerchantPatch { id, version, update: Update::Review(review), if_missing: None })
}

/// A patch that shows or hides a merchant.
pub(crate) fn visibility_patch(
    name: &str,
    etag: &str,
    visibility: wire::Visibility,
) -> Result<MerchantPatch, ServiceError> {
    let id = id_from_name(name, "name")?;
    let version = version_from_etag(etag, &id)?;
    let given = wire::Merchant { visibility: visibility.into(), ..Default::default() };
    let update = FieldUpdate { fields: FieldSet::visibility(), given, position: None };
    Ok(MerchantPatch { id, version, update: Update::Fields(Box::new(update)), if_missing: None })
}

fn check_visibility(check: &mut Check, given: &wire::Merchant) {
    if wire::Visibility::try_from(given.visibility).is_err() {
        let description = "must be VISIBILITY_VISIBLE, VISIBILITY_HIDDEN or VISIBILITY_MISSING";
        check.fail("visibility", reason::OUT_OF_RANGE, description);
    }
}

/// Checks the fields that may be unset. The limits are those that merchant.proto states. Returns the expression of the opening hours.
fn check_optional_fields(check: &mut Check, given: &wire::Merchant) -> Option<Expression> {
    check.text("brand", &given.brand, 128);
    if !given.source.is_empty() {
        check.required_text("source", &given.source, 64);
    }
    check.text("phone", &given.phone, 128);
    check.web_uri("website_uri", &given.website_uri);
    check.list("categories", &given.categories, 32, |check, path, category| {
        check.required_text(path, category, 128);
    });
    check.list("services", &given.services, 64, |check, path, service| {
        check.required_text(path, service, 128)
    });
    check.list("photos", &given.photos, 32, check_photo);
    check.list("external_ids", &given.external_ids, 16, |check, path, external| {
        check.required_text(&format!("{path}.system"), &external.system, 64);
        check.required_text(&format!("{path}.id"), &external.id, 256);
    });
    if let Some(address) = &given.address {
        check_address(check, address);
    }
    let expression = given.opening_hours.as_ref().and_then(|hours| check_hours(check, hours));
    if let Some(link) = &given.mini_program {
        check_mini_program(check, "mini_program", link);
    }
    if given.labels.len() > MAX_LABELS {
        check.fail("labels", reason::TOO_MANY, format!("must have at most {MAX_LABELS} elements"));
    } else {
        for (key, value) in &given.labels {
            let path = entry("labels", key);
            check.required_text(&path, key, 63);
            check.text(&path, value, 256);
        }
    }
    check_listing(check, given);
    check_attributes(check, given);
    check_localized_names(check, given);
    check.list("service_links", &given.service_links, 16, check_service_link);
    expression
}

/// Returns the path of an entry of a map.
fn entry(field: &str, key: &str) -> String {
    let start: String = key.chars().take(63).flat_map(char::escape_debug).collect();
    format!("{field}[{start}]")
}

fn check_listing(check: &mut Check, given: &wire::Merchant) {
    if wire::BusinessStatus::try_from(given.business_status).is_err() {
        check.fail("business_status", reason::OUT_OF_RANGE, "must be a BusinessStatus");
    }
    if given.reopening_date.as_ref().is_some_and(|date| date_of(date).is_none()) {
        check.fail(
            "reopening_date",
            reason::OUT_OF_RANGE,
            "must be a date of the years 1 to 9999 that exists",
        );
    }
    for (field, time) in [("valid_from", &given.valid_from), ("valid_until", &given.valid_until)] {
        if time.as_ref().is_some_and(|time| micros_of(time).is_none()) {
            check.fail(field, reason::OUT_OF_RANGE, "must be a time of the years 1 to 9999");
        }
    }
}

fn check_attributes(check: &mut Check, given: &wire::Merchant) {
    if given.attributes.len() > 32 {
        check.fail("attributes", reason::TOO_MANY, "must have at most 32 elements");
        return;
    }
    for (key, value) in &given.attributes {
        let path = entry("attributes", key);
        check.required_text(&path, key, 63);
        if key.contains('=') {
            check.fail(
                &path,
                reason::OUT_OF_RANGE,
                "must not have a key with '=', which separates it from the value in files",
            );
        }
        if !value.is_finite() {
            check.fail(&path, reason::NOT_FINITE, "must be a finite number");
        }
    }
}

fn check_localized_names(check: &mut Check, given: &wire::Merchant) {
    if given.localized_names.len() > 32 {
        check.fail("localized_names", reason::TOO_MANY, "must have at most 32 elements");
        return;
    }
    let mut seen: Vec<Language> = Vec::new();
    for (tag, name) in &given.localized_names {
        let path = entry("localized_names", tag);
        check.required_text(&path, name, 256);
        match Language::parse(tag) {
            None => {
                let description =
                    "must have a BCP 47 language tag of at most 64 bytes as its key, such as zh-Hans";
                check.fail(&path, reason::LANGUAGE_CODE_INVALID, description);
            }
            Some(language) if seen.iter().any(|other| other.is_same_tag(&language)) => {
                check.fail(
                    &path,
                    reason::REPEATED,
                    "must differ from the other tags by more than case and _ for -",
                );
            }
            Some(language) => seen.push(language),
        }
    }
}

fn check_service_link(check: &mut Check, path: &str, link: &wire::ServiceLink) {
    use wire::service_link::Target;

    let field = |name: &str| format!("{path}.{name}");
    check.required_text(&field("service"), &link.service, 128);
    match &link.target {
        Some(Target::MiniProgram(target)) => check_mini_program(check, &field("mini_program"), target),
        Some(Target::WebUri(uri)) => {
            check.required_text(&field("web_uri"), uri, 2_048);
            check.web_uri(&field("web_uri"), uri);
        }
        None => check.fail(path, reason::REQUIRED, "must have mini_program or web_uri"),
    }
    check.text(&field("description"), &link.description, 40);
    if link.description.chars().count() > 10 {
        check.fail(&field("description"), reason::TOO_LONG, "must be at most 10 Unicode scalar values");
    }
}

fn check_mini_program(check: &mut Check, path: &str, link: &wire::MiniProgramLink) {
    check.required_text(&format!("{path}.app_id"), &link.app_id, 64);
    check.text(&format!("{path}.path"), &link.path, 1_024);
}

fn check_photo(check: &mut Check, path: &str, photo: &wire::Photo) {
    let field = |name: &str| format!("{path}.{name}");
    check.required_text(&field("uri"), &photo.uri, 2_048);
    check.web_uri(&field("uri"), &photo.uri);
    check.range(&field("width_px"), photo.width_px, 0..=100_000);
    check.range(&field("height_px"), photo.height_px, 0..=100_000);
    check.text(&field("alt_text"), &photo.alt_text, 512);
    check.text(&field("attribution"), &photo.attribution, 512);
}

fn check_address(check: &mut Check, address: &wire::PostalAddress) {
    let code = &address.region_code;
    let is_alpha_2 = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if !code.is_empty() && !is_alpha_2 {
        check.fail(
            "address.region_code",
            reason::REGION_CODE_INVALID,
            "must be an ISO 3166-1 alpha-2 code in capitals, such as FI",
        );
    }
    check.text("address.postal_code", &address.postal_code, 32);
    check.text("address.administrative_area", &address.administrative_area, 128);
    check.text("address.locality", &address.locality, 128);
    check.text("address.sublocality", &address.sublocality, 128);
    check.list("address.address_lines", &address.address_lines, 8, |check, path, line| {
        check.text(path, line, 512);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixtures::cafe;

    fn violations(given: wire::Merchant) -> Vec<(String, &'static str)> {
        match merchant_from_wire(given, MerchantId::parse("cafe").unwrap(), "merchant") {
            Err(ServiceError::Invalid(violations)) => {
                violations.into_iter().map(|violation| (violation.field, violation.reason.as_str())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_violations_are_reported_at_once() {
        let mut given = cafe();
        given.display_name = "  ".to_owned();
        given.position = Some(wire::Position { latitude: f64::NAN, ..Default::default() });
        given.categories = vec!["ok".to_owned(), String::new()];
        given.visibility = 7;
        given.address = Some(wire::PostalAddress { region_code: "USA".to_owned(), ..Default::default() });
        given.opening_hours = Some(wire::OpeningHours {
            weekly_periods: vec![wire::WeeklyPeriod { weekday: 0, start_minute: 1440, length_minutes: 0 }],
            special_days: vec![wire::SpecialDay {
                date: Some(wire::CalendarDate { year: 2025, month: 2, day: 29 }),
                periods: Vec::new(),
            }],
            ..Default::default()
        });
        let expected = [
            ("merchant.position.coordinate_system", "COORDINATE_SYSTEM_UNSPECIFIED"),
            ("merchant.position.latitude", "NOT_FINITE"),
            ("merchant.visibility", "OUT_OF_RANGE"),
            ("merchant.display_name", "REQUIRED"),
            ("merchant.categories[1]", "REQUIRED"),
            ("merchant.address.region_code", "REGION_CODE_INVALID"),
            ("merchant.opening_hours.time_zone", "REQUIRED"),
            ("merchant.opening_hours.weekly_periods[0].weekday", "OUT_OF_RANGE"),
            ("merchant.opening_hours.weekly_periods[0].start_minute", "OUT_OF_RANGE"),
            ("merchant.opening_hours.weekly_periods[0].length_minutes", "OUT_OF_RANGE"),
            ("merchant.opening_hours.special_days[0].date", "OUT_OF_RANGE"),
        ];
        assert_eq!(violations(given), expected.map(|(field, reason)| (field.to_owned(), reason)));
    }

    #[test]
    fn uris_of_other_schemes_or_with_quotes_name_their_field() {
        let photo = |uri: &str| wire::Photo { uri: uri.to_owned(), ..Default::default() };
        let given = wire::Merchant {
            website_uri: "https://a.test/\"onclick=".to_owned(),
            photos: vec![photo("https://a.test/1.jpg"), photo("https://a.test/a b"), photo("data:,x")],
            ..cafe()
        };
        let expected = ["merchant.website_uri", "merchant.photos[1].uri", "merchant.photos[2].uri"];
        assert_eq!(violations(given), expected.map(|field| (field.to_owned(), "NOT_A_WEB_URI")));
    }

    #[test]
    fn a_merchant_is_bounded_as_a_whole() {
        let mut given = cafe();
        let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
        given.photos = vec![photo; 20];
        assert_eq!(violations(given), [("merchant".to_owned(), "TOO_LARGE")]);
    }

    #[test]
    fn invalid_names_state_the_reason() {
        for (name, reason) in [
            ("", "REQUIRED"),
            ("cafe", "INVALID_NAME"),
            ("merchants/", "INVALID_ID"),
            ("merchants/a/b", "INVALID_ID"),
        ] {
            match id_from_name(name, "name") {
                Err(ServiceError::Invalid(violations)) => assert_eq!(violations[0].reason.as_str(), reason),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_update_checks_the_fields_that_it_names() {
        let update = |paths: &[&str], allow_missing: bool| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            let merchant = wire::Merchant {
                name: "merchants/cafe".to_owned(),
                website_uri: "no URI".to_owned(),
                phone: "1".to_owned(),
                ..Default::default()
            };
            patch_from_wire(wire::UpdateMerchantRequest {
                merchant: Some(merchant),
                update_mask: Some(nearby_proto::well_known::FieldMask { paths }),
                allow_missing,
                ..Default::default()
            })
        };
        let fields = |patch: MerchantPatch| match patch.update {
            Update::Fields(update) => (update.given.phone, update.given.website_uri),
            other => panic!("not an update of fields: {other:?}"),
        };
        let patch = update(&["phone"], true).unwrap();
        assert!(matches!(patch.if_missing, Some(Err(ServiceError::Invalid(_)))), "the whole is invalid");
        assert_eq!(fields(patch), ("1".to_owned(), String::new()), "a field that is not named is dropped");
        assert!(update(&["phone"], false).unwrap().if_missing.is_none());
        for paths in [&["website_uri"][..], &["position"], &["display_name"], &["*"]] {
            assert!(matches!(update(paths, false), Err(ServiceError::Invalid(_))), "{paths:?}");
        }
    }
}
