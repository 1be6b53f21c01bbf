//! Tests of the stored encoding and of patches.

use nearby_index::{
    AnyPosition, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms, UnixMicros,
    Visibility,
};
use nearby_proto::{v1 as wire, well_known::Timestamp};
use prost::Message;

use super::{encoding::decode_pieces, fixtures::cafe, *};
use crate::{error::ServiceError, reason};

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
    let update = FieldUpdate { fields: FieldSet::of_names(fields.iter().copied()), given, position: None };
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
    let apply = |fields: &[&str], before: Option<wire::PostalAddress>, given: Option<wire::PostalAddress>| {
        let stored =
            StoredMerchant { merchant: encoded(wire::Merchant { address: before, ..cafe() }), ..stored() };
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
    assert_eq!((applied.visibility, applied.position.to_wgs84().latitude_deg()), (Visibility::Visible, 1.0));
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
    assert!(matches!(error, ServiceError::Invalid(violations) if violations[0].reason == reason::TOO_LARGE));
}

/// A field that is added to the contract must be added here, or be output-only.
#[test]
fn every_field_of_the_contract_is_updatable_or_output_only() {
    const OUTPUT_ONLY: [&str; 6] = ["name", "etag", "wgs84_position", "review", "create_time", "update_time"];
    let source = include_str!("../../../proto/nearby/v1/merchant.proto");
    let message = source.split("\nmessage Merchant {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields = message.lines().filter(|line| !line.trim_start().starts_with("//")).filter_map(|line| {
        line.split_once(" = ").and_then(|(declaration, _)| declaration.split_whitespace().last())
    });
    let is_missing = |field: &&str| !UPDATABLE_FIELDS.contains(field) && !OUTPUT_ONLY.contains(field);
    assert_eq!(fields.filter(is_missing).collect::<Vec<_>>(), Vec::<&str>::new());
}
