//! Merchants between the wire and the index.
//!
//! The index keeps a merchant as the bytes that callers receive, with what a list shows of it in front, so that an answer
//! is put together by copying. What the commit decides (name, etag, WGS-84 position and the two times) is put around what
//! the caller gave when a version is made, and stays out of the store, which keeps what the caller gave.

use nearby_index::{
    Hours, Merchant, MerchantId, Pieces, Profile, Revision, StoredMerchant, Term, TermKind, Terms,
    UnixMicros, Visibility,
};
use nearby_proto::{v1 as wire, well_known::Timestamp};
use prost::{DecodeError, Message, bytes::Buf};

use super::{
    hours::{check_hours, hours_of},
    position::{position_from_wire, wgs84_to_wire},
    violations::Check,
};
use crate::{commit::Stamp, error::ServiceError, reason};

const NAME_PREFIX: &str = "merchants/";

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
        ServiceError::invalid(path, reason::INVALID_ID, format!("is not an id that can be: it {error}"))
    })
}

/// `merchants/{id}`.
pub(crate) fn name_of(id: &MerchantId) -> String {
    format!("{NAME_PREFIX}{id}")
}

/// The etag of a version.
pub(crate) fn etag_of(revision: Revision) -> String {
    format!("{:x}", revision.0)
}

/// The version that an etag names; `None` where no version can have it.
pub(crate) fn revision_of(etag: &str) -> Option<Revision> {
    let revision = u64::from_str_radix(etag, 16).map(Revision).ok()?;
    (etag_of(revision) == etag).then_some(revision)
}

/// Checks a merchant and makes it what the index keeps; `path` is its field in the request.
pub(crate) fn merchant_from_wire(
    mut given: wire::Merchant,
    id: MerchantId,
    path: &str,
) -> Result<Merchant, ServiceError> {
    let mut check = Check::under(path);
    let position_path = if path.is_empty() { "position".to_owned() } else { format!("{path}.position") };
    let position = check.absorb(position_from_wire(given.position.as_ref(), &position_path));
    let visibility = match wire::Visibility::try_from(given.visibility) {
        Ok(wire::Visibility::Hidden) => Visibility::Hidden,
        Ok(wire::Visibility::Visible | wire::Visibility::Unspecified) => Visibility::Visible,
        Err(_) => {
            check.fail("visibility", reason::OUT_OF_RANGE, "must be VISIBILITY_VISIBLE or VISIBILITY_HIDDEN");
            Visibility::Visible
        }
    };
    check_profile(&mut check, &given);
    given.visibility = wire_visibility(visibility).into();
    clear_output_only(&mut given);
    let terms = terms_of(&given);
    let hours = given.opening_hours.as_ref().and_then(hours_of).map(Hours::shared);
    let profile = profile_of(given).map_err(|error| {
        ServiceError::invalid(
            path,
            reason::TOO_LARGE,
            format!("is larger than a merchant can be: it {error}"),
        )
    });
    let profile = check.absorb(profile);
    check.finish()?;
    match (position, profile) {
        (Some(position), Some(profile)) => Ok(Merchant { id, position, visibility, terms, hours, profile }),
        _ => Err(ServiceError::Internal("a merchant was refused without a reason")),
    }
}

/// Makes a version of a merchant.
pub(crate) fn finish(mut merchant: Merchant, stamp: Stamp) -> StoredMerchant {
    let Stamp { revision, placed, create_time, update_time } = stamp;
    let name = wire::Merchant { name: name_of(&merchant.id), ..Default::default() };
    let decided = wire::Merchant {
        etag: etag_of(revision),
        wgs84_position: Some(wgs84_to_wire(merchant.position.to_wgs84())),
        create_time: Some(timestamp(create_time)),
        update_time: Some(timestamp(update_time)),
        ..Default::default()
    };
    merchant.profile = merchant.profile.committed(&name.encode_to_vec(), &decided.encode_to_vec());
    StoredMerchant { merchant, revision, placed, create_time, update_time }
}

/// A version of a merchant that was read from the store, with all that the store leaves to the profile; and whether the
/// profile could be read. One that could not stays as it is.
pub(crate) fn restore(stored: StoredMerchant) -> (StoredMerchant, bool) {
    let StoredMerchant { mut merchant, revision, placed, create_time, update_time } = stored;
    let is_readable = match decoded(merchant.profile.given()) {
        Ok(given) => {
            merchant.terms = terms_of(&given);
            merchant.hours = given.opening_hours.as_ref().and_then(hours_of).map(Hours::shared);
            // Release 0.1 had the fields in the order of their numbers.
            profile_of(given).map(|profile| merchant.profile = profile).is_ok()
        }
        Err(_) => false,
    };
    (finish(merchant, Stamp { revision, placed, create_time, update_time }), is_readable)
}

/// A merchant as callers receive it.
pub(crate) fn merchant_to_wire(stored: &StoredMerchant) -> Result<wire::Merchant, ServiceError> {
    decoded(stored.merchant.profile.full())
        .map_err(|_| ServiceError::Internal("a stored profile cannot be read"))
}

fn decoded([front, back]: Pieces<'_>) -> Result<wire::Merchant, DecodeError> {
    wire::Merchant::decode(front.chain(back))
}

/// The same merchant, seen by searches or not.
pub(crate) fn with_visibility(
    stored: &StoredMerchant,
    visibility: Visibility,
) -> Result<Merchant, ServiceError> {
    let mut given = merchant_to_wire(stored)?;
    given.visibility = wire_visibility(visibility).into();
    merchant_from_wire(given, stored.merchant.id.clone(), "merchant")
}

fn wire_visibility(visibility: Visibility) -> wire::Visibility {
    match visibility {
        Visibility::Visible => wire::Visibility::Visible,
        Visibility::Hidden => wire::Visibility::Hidden,
    }
}

/// What a list shows first, then the rest: see `MerchantView` in the contract.
fn profile_of(mut given: wire::Merchant) -> Result<Profile, nearby_index::ProfileTooLarge> {
    let basic = wire::Merchant {
        display_name: std::mem::take(&mut given.display_name),
        brand: std::mem::take(&mut given.brand),
        categories: std::mem::take(&mut given.categories),
        position: given.position.take(),
        mini_program: given.mini_program.take(),
        ..Default::default()
    };
    Profile::of_parts(&basic.encode_to_vec(), &given.encode_to_vec())
}

fn terms_of(given: &wire::Merchant) -> Terms {
    let terms = |kind, names: &[String]| names.iter().map(|name| Term::new(kind, name)).collect::<Vec<_>>();
    let brand = if given.brand.is_empty() { None } else { Some(Term::new(TermKind::Brand, &given.brand)) };
    let categories = terms(TermKind::Category, &given.categories);
    categories.into_iter().chain(terms(TermKind::Service, &given.services)).chain(brand).collect()
}

fn clear_output_only(given: &mut wire::Merchant) {
    given.name.clear();
    given.etag.clear();
    given.wgs84_position = None;
    given.create_time = None;
    given.update_time = None;
}

fn timestamp(at: UnixMicros) -> Timestamp {
    let nanos = i32::try_from(at.0.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
    Timestamp { seconds: at.0.div_euclid(1_000_000), nanos }
}

/// The limits are those that merchant.proto states.
fn check_profile(check: &mut Check, given: &wire::Merchant) {
    check.required_text("display_name", &given.display_name, 256);
    check.text("brand", &given.brand, 128);
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
    if let Some(hours) = &given.opening_hours {
        check_hours(check, hours);
    }
    if let Some(link) = &given.mini_program {
        check.required_text("mini_program.app_id", &link.app_id, 64);
        check.text("mini_program.path", &link.path, 1_024);
    }
    if given.labels.len() > 64 {
        check.fail("labels", reason::TOO_MANY, "must have at most 64 elements");
    } else {
        for (key, value) in &given.labels {
            let start: String = key.chars().take(63).flat_map(char::escape_debug).collect();
            check.required_text(&format!("labels[{start}]"), key, 63);
            check.text(&format!("labels[{start}]"), value, 256);
        }
    }
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

    fn cafe() -> wire::Merchant {
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

    fn violations(given: wire::Merchant) -> Vec<(String, &'static str)> {
        match merchant_from_wire(given, MerchantId::parse("cafe").unwrap(), "merchant") {
            Err(ServiceError::Invalid(violations)) => {
                violations.into_iter().map(|violation| (violation.field, violation.reason.as_str())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_given_comes_back_with_what_the_commit_added() {
        let merchant = merchant_from_wire(cafe(), MerchantId::parse("cafe").unwrap(), "merchant").unwrap();
        let stamp = Stamp {
            revision: Revision(26),
            placed: Revision(20),
            create_time: UnixMicros(1_500_000),
            update_time: UnixMicros(-1),
        };
        let stored = finish(merchant, stamp);
        let back = merchant_to_wire(&stored).unwrap();
        assert_eq!((back.name.as_str(), back.etag.as_str()), ("merchants/cafe", "1a"));
        assert_eq!(back.position, cafe().position);
        assert_eq!(back.visibility(), wire::Visibility::Visible);
        let wgs84 = back.wgs84_position.unwrap();
        assert_eq!(wgs84.coordinate_system(), wire::CoordinateSystem::Wgs84);
        assert!((wgs84.latitude - 39.9).abs() > 1e-4, "GCJ-02 in Beijing lies half a kilometre off");
        assert_eq!(back.create_time, Some(Timestamp { seconds: 1, nanos: 500_000_000 }));
        assert_eq!(back.update_time, Some(Timestamp { seconds: -1, nanos: 999_999_000 }));
        assert_eq!(revision_of(&back.etag), Some(Revision(26)));
        assert_eq!([revision_of("1A"), revision_of(""), revision_of("01")], [None; 3]);
    }

    /// A record of release 0.1 has its fields in the order of their numbers.
    #[test]
    fn a_merchant_that_was_stored_comes_back_as_it_was() {
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
        let merchant =
            merchant_from_wire(given.clone(), MerchantId::parse("cafe").unwrap(), "merchant").unwrap();
        let stamp = Stamp {
            revision: Revision(3),
            placed: Revision(2),
            create_time: UnixMicros(1),
            update_time: UnixMicros(2),
        };
        let made = finish(merchant.clone(), stamp);
        given.name.clear();
        let of_release_0_1 = Profile::new(&given.encode_to_vec()).unwrap();
        for profile in [Profile::new(&made.merchant.profile.given().concat()).unwrap(), of_release_0_1] {
            let read = Merchant { terms: Terms::default(), hours: None, profile, ..merchant.clone() };
            let read = StoredMerchant { merchant: read, ..made.clone() };
            assert_eq!(restore(read), (made.clone(), true));
        }
        let basic = decoded(made.merchant.profile.basic()).unwrap();
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
        assert!(!restore(broken).1);
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
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
    fn a_merchant_is_bounded_as_a_whole() {
        let mut given = cafe();
        let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
        given.photos = vec![photo; 20];
        assert_eq!(violations(given), [("merchant".to_owned(), "TOO_LARGE")]);
    }

    #[test]
    fn names_that_cannot_be_say_why() {
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
}
