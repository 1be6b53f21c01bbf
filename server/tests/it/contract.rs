//! What the contract promises, over real gRPC against the real binary.

use crate::support::*;
use nearby_proto::{v1 as wire, well_known::FieldMask};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Fields and reasons of a refusal.
fn violations(status: &Status) -> Vec<(String, String)> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let fields = status.get_details_bad_request().unwrap().field_violations;
    assert!(!fields.is_empty(), "{status:?}");
    fields.into_iter().map(|violation| (violation.field, violation.reason)).collect()
}

#[tokio::test]
async fn bad_searches_name_the_field_and_never_the_place() {
    type Break = fn(&mut wire::SearchNearbyRequest);
    let cases: [(&str, &str, Break); 20] = [
        ("origin", "REQUIRED", |r| r.origin = None),
        ("origin.latitude", "NOT_FINITE", |r| origin(r).latitude = f64::NAN),
        ("origin.latitude", "NOT_FINITE", |r| origin(r).latitude = f64::INFINITY),
        ("origin.longitude", "NOT_FINITE", |r| origin(r).longitude = f64::NEG_INFINITY),
        ("origin.latitude", "LATITUDE_OUT_OF_RANGE", |r| origin(r).latitude = 90.000_1),
        ("origin.longitude", "LONGITUDE_OUT_OF_RANGE", |r| origin(r).longitude = -180.1),
        ("origin.coordinate_system", "COORDINATE_SYSTEM_UNSPECIFIED", |r| origin(r).coordinate_system = 0),
        ("origin.coordinate_system", "COORDINATE_SYSTEM_UNKNOWN", |r| origin(r).coordinate_system = 4),
        ("origin.coordinate_system", "COORDINATE_SYSTEM_UNKNOWN", |r| origin(r).coordinate_system = -1),
        ("origin.accuracy_m", "OUT_OF_RANGE", |r| origin(r).accuracy_m = Some(-1.0)),
        ("origin.accuracy_m", "OUT_OF_RANGE", |r| origin(r).accuracy_m = Some(f64::NAN)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(0.0)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(-5.0)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(5_000.000_1)),
        ("radius_m", "OUT_OF_RANGE", |r| r.radius_m = Some(1e300)),
        ("radius_m", "NOT_FINITE", |r| r.radius_m = Some(f64::NAN)),
        ("radius_m", "NOT_FINITE", |r| r.radius_m = Some(f64::INFINITY)),
        ("page_size", "OUT_OF_RANGE", |r| r.page_size = -1),
        ("page_token", "INVALID_PAGE_TOKEN", |r| r.page_token = "made up".to_owned()),
        ("page_token", "INVALID_PAGE_TOKEN", |r| r.page_token = "AQID".to_owned()),
    ];
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_on(&directory.path().join("data"), &["--log-cells"]).await;
    let mut client = server.searches().await;
    for (field, reason, break_it) in cases {
        let mut request = search(51.123_456_789, -0.987_654_321);
        break_it(&mut request);
        let status = client.search_nearby(request).await.unwrap_err();
        assert_eq!(violations(&status), [(field.to_owned(), reason.to_owned())]);
        let said = format!("{status:?}");
        assert!(!said.contains("51.123") && !said.contains("0.987"), "{said}");
    }
    let found = client.search_nearby(search(51.123_456_789, -0.987_654_321)).await.unwrap().into_inner();
    assert_eq!(found.results, []);
    let log = std::fs::read_to_string(&server.log).unwrap();
    assert!(log.contains("\"method\":\"SearchNearby\""), "the search is in the log");
    assert!(log.contains("\"h3_cell\":\"85"), "with its coarse cell");
    assert!(!log.contains("51.123") && !log.contains("0.987"), "a coordinate in the log");
}

fn origin(request: &mut wire::SearchNearbyRequest) -> &mut wire::Position {
    request.origin.as_mut().unwrap()
}

#[tokio::test]
async fn bad_merchants_are_refused_whole_and_change_nothing() {
    let server = Server::start().await;
    let mut client = server.merchants().await;
    let too_long = "x".repeat(129);
    let create = |merchant: wire::Merchant, merchant_id: &str| wire::CreateMerchantRequest {
        merchant: Some(merchant),
        merchant_id: merchant_id.to_owned(),
    };
    let nameless = || wire::Merchant { name: String::new(), ..merchant("", 1.0, 2.0) };
    for (request, field, reason) in [
        (create(nameless(), "a/b"), "merchant_id", "INVALID_ID"),
        (create(nameless(), "a\u{7}"), "merchant_id", "INVALID_ID"),
        (create(nameless(), " a"), "merchant_id", "INVALID_ID"),
        (create(nameless(), &too_long), "merchant_id", "INVALID_ID"),
        (create(merchant("", 1.0, 2.0), ""), "merchant.name", "INVALID_ID"),
        (create(merchant("a", 1.0, 2.0), "b"), "merchant.name", "NAME_MISMATCH"),
        (
            create(wire::Merchant { name: "shops/a".to_owned(), ..nameless() }, ""),
            "merchant.name",
            "INVALID_NAME",
        ),
        (create(merchant("a", f64::NAN, 2.0), ""), "merchant.position.latitude", "NOT_FINITE"),
        (create(merchant("a", 1.0, 181.0), ""), "merchant.position.longitude", "LONGITUDE_OUT_OF_RANGE"),
        (
            create(wire::Merchant { position: None, ..merchant("a", 1.0, 2.0) }, ""),
            "merchant.position",
            "REQUIRED",
        ),
        (
            create(wire::Merchant { display_name: String::new(), ..merchant("a", 1.0, 2.0) }, ""),
            "merchant.display_name",
            "REQUIRED",
        ),
        (wire::CreateMerchantRequest::default(), "merchant", "REQUIRED"),
    ] {
        let status = client.create_merchant(request).await.unwrap_err();
        assert_eq!(violations(&status), [(field.to_owned(), reason.to_owned())]);
    }
    let get = client.get_merchant(wire::GetMerchantRequest { name: "merchants/".to_owned() }).await;
    assert_eq!(violations(&get.unwrap_err()), [("name".to_owned(), "INVALID_ID".to_owned())]);
    let list =
        client.list_merchants(wire::ListMerchantsRequest { page_size: -1, ..Default::default() }).await;
    assert_eq!(violations(&list.unwrap_err()), [("page_size".to_owned(), "OUT_OF_RANGE".to_owned())]);
    let listed = client.list_merchants(wire::ListMerchantsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed, wire::ListMerchantsResponse::default());
}

#[tokio::test]
async fn a_merchant_lives_and_dies() {
    let server = Server::start().await;
    let (mut merchants, mut searches) = (server.merchants().await, server.searches().await);
    let request =
        wire::CreateMerchantRequest { merchant: Some(merchant("a", 1.0, 2.0)), ..Default::default() };
    let created = merchants.create_merchant(request.clone()).await.unwrap().into_inner();
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(created.wgs84_position, Some(position(1.0, 2.0)));

    let again = merchants.create_merchant(request).await.unwrap_err();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert_eq!(again.get_details_resource_info().unwrap().resource_name, "merchants/a");
    assert_eq!(again.get_details_error_info().unwrap().reason, "MERCHANT_EXISTS");

    let update = |given: wire::Merchant, paths: &[&str], allow_missing| wire::UpdateMerchantRequest {
        merchant: Some(given),
        update_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        allow_missing,
    };
    let phone = |etag: &str| wire::Merchant {
        name: "merchants/a".to_owned(),
        etag: etag.to_owned(),
        phone: "+358 9".to_owned(),
        ..Default::default()
    };
    let updated = merchants.update_merchant(update(phone(&created.etag), &["phone"], false)).await;
    let updated = updated.unwrap().into_inner();
    assert_eq!((updated.phone.as_str(), updated.display_name.as_str()), ("+358 9", "Shop a"));
    assert_ne!(updated.etag, created.etag);
    assert_eq!(updated.create_time, created.create_time);

    let stale = merchants.update_merchant(update(phone(&created.etag), &["phone"], false)).await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let unknown =
        merchants.update_merchant(update(phone(""), &["address.locality"], false)).await.unwrap_err();
    assert_eq!(violations(&unknown), [("update_mask".to_owned(), "UNKNOWN_FIELD".to_owned())]);
    let missing =
        merchants.update_merchant(update(merchant("b", 1.0, 2.0), &["*"], false)).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    merchants.update_merchant(update(merchant("b", 1.0, 2.0), &["*"], true)).await.unwrap();

    let found = page_through(&mut searches, search(1.0, 2.0)).await;
    assert_eq!(ranking(&found), [(0.0, "a".to_owned()), (0.0, "b".to_owned())]);
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..phone("") };
    merchants.update_merchant(update(hidden, &["visibility"], false)).await.unwrap();
    let found = page_through(&mut searches, search(1.0, 2.0)).await;
    assert_eq!(ranking(&found), [(0.0, "b".to_owned())]);
    assert!(
        merchants.get_merchant(wire::GetMerchantRequest { name: "merchants/a".to_owned() }).await.is_ok()
    );

    let delete =
        |etag: &str| wire::DeleteMerchantRequest { name: "merchants/a".to_owned(), etag: etag.to_owned() };
    for stale in [created.etag.as_str(), "nonsense"] {
        assert_eq!(merchants.delete_merchant(delete(stale)).await.unwrap_err().code(), Code::Aborted);
    }
    merchants.delete_merchant(delete("")).await.unwrap();
    let gone = merchants.delete_merchant(delete("")).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert_eq!(gone.get_details_resource_info().unwrap().resource_name, "merchants/a");
}

#[tokio::test]
async fn an_import_answers_for_every_row() {
    let server = Server::start().await;
    let mut client = server.merchants().await;
    let row = |row_number, merchant| wire::ImportRow { row_number, merchant: Some(merchant) };
    let datumless = wire::Position { coordinate_system: 0, ..position(1.0, 2.0) };
    let rows = vec![
        row(1, merchant("a", 1.0, 2.0)),
        row(2, wire::Merchant { position: Some(datumless), ..merchant("b", 1.0, 2.0) }),
        row(3, merchant("c", 0.0, 0.0)),
        row(4, merchant("a", 1.5, 2.5)),
        wire::ImportRow { row_number: 5, merchant: None },
    ];
    let import = |rows, allow_null_island| {
        tokio_stream::iter([wire::ImportMerchantsRequest { rows, allow_null_island }])
    };
    let answer = client.import_merchants(import(rows.clone(), false)).await.unwrap().into_inner();
    let states: Vec<_> =
        answer.outcomes.iter().map(|outcome| (outcome.row_number, outcome.state())).collect();
    let (created, updated, rejected) =
        (wire::ImportState::Created, wire::ImportState::Updated, wire::ImportState::Rejected);
    assert_eq!(states, [(1, created), (2, rejected), (3, rejected), (4, updated), (5, rejected)]);
    assert_eq!(answer.outcomes[1].violations[0].field, "position.coordinate_system");
    assert_eq!(answer.outcomes[2].violations[0].reason, "NULL_ISLAND");
    let now = client.get_merchant(wire::GetMerchantRequest { name: "merchants/a".to_owned() }).await.unwrap();
    assert_eq!(now.into_inner().position, Some(position(1.5, 2.5)), "the later row wins");

    let answer = client.import_merchants(import(rows, true)).await.unwrap().into_inner();
    assert_eq!(answer.outcomes[2].state(), created);

    let many = || (0..1_000).map(|n| row(n, merchant(&format!("m{n}"), 1.0, 2.0))).collect::<Vec<_>>();
    let messages: Vec<_> =
        (0..11).map(|_| wire::ImportMerchantsRequest { rows: many(), allow_null_island: false }).collect();
    let refused = client.import_merchants(tokio_stream::iter(messages)).await.unwrap_err();
    assert_eq!(violations(&refused), [("rows".to_owned(), "TOO_MANY".to_owned())]);
}

#[tokio::test]
async fn pages_go_on_after_a_restart_and_stay_with_their_query() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = Server::start_on(&data_dir, &[]).await;
    let mut merchants = server.merchants().await;
    for n in 0..10 {
        let shop = merchant(&format!("m{n}"), 60.0 + f64::from(n) * 1e-3, 25.0);
        let request = wire::CreateMerchantRequest { merchant: Some(shop), ..Default::default() };
        merchants.create_merchant(request).await.unwrap();
    }
    let mut request = wire::SearchNearbyRequest { page_size: 4, ..search(60.0, 25.0) };
    let first = server.searches().await.search_nearby(request.clone()).await.unwrap().into_inner();
    assert!(!first.next_page_token.is_empty());
    assert_eq!(server.terminate().code(), Some(0));

    let server = Server::start_on(&data_dir, &[]).await;
    let mut client = server.searches().await;
    request.page_token = first.next_page_token.clone();
    let rest = page_through(&mut client, request.clone()).await;
    let ids: Vec<_> = ranking(&first.results).into_iter().chain(ranking(&rest)).map(|(_, id)| id).collect();
    assert_eq!(ids, (0..10).map(|n| format!("m{n}")).collect::<Vec<_>>());

    for other in [
        wire::SearchNearbyRequest { radius_m: Some(4_000.0), ..request.clone() },
        wire::SearchNearbyRequest { origin: Some(position(60.0, 25.000_001)), ..request.clone() },
    ] {
        let refused = client.search_nearby(other).await.unwrap_err();
        assert_eq!(violations(&refused), [("page_token".to_owned(), "INVALID_PAGE_TOKEN".to_owned())]);
    }
    let list = wire::ListMerchantsRequest { page_token: first.next_page_token, ..Default::default() };
    let refused = server.merchants().await.list_merchants(list).await.unwrap_err();
    assert_eq!(violations(&refused), [("page_token".to_owned(), "INVALID_PAGE_TOKEN".to_owned())]);
}

#[tokio::test]
async fn an_operator_can_raise_the_radius() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_on(&directory.path().join("data"), &["--max-radius-m", "50000"]).await;
    let request =
        wire::CreateMerchantRequest { merchant: Some(merchant("far", 60.4, 25.0)), ..Default::default() };
    server.merchants().await.create_merchant(request).await.unwrap();
    let mut client = server.searches().await;
    assert_eq!(page_through(&mut client, search(60.0, 25.0)).await, []);
    let far = wire::SearchNearbyRequest { radius_m: Some(50_000.0), ..search(60.0, 25.0) };
    let found = page_through(&mut client, far).await;
    assert!((found[0].distance_m - geodesic_m((60.0, 25.0), (60.4, 25.0))).abs() < 2e-3);
}

/// The origin of a search may be in any datum, and the same place ranks the same.
#[tokio::test]
async fn an_origin_in_each_datum_ranks_the_same() {
    use nearby_index::{Bd09, Gcj02, Position};
    let server = Server::start().await;
    let mut merchants = server.merchants().await;
    for n in 0..50 {
        let shop =
            merchant(&format!("m{n}"), 39.90 + f64::from(n % 7) * 1e-3, 116.40 + f64::from(n % 11) * 1e-3);
        let request = wire::CreateMerchantRequest { merchant: Some(shop), ..Default::default() };
        merchants.create_merchant(request).await.unwrap();
    }
    let truth = Position::new(39.9042, 116.4074).unwrap();
    let (gcj02, bd09) = (Position::<Gcj02>::from_wgs84(truth), Position::<Bd09>::from_wgs84(truth));
    let mut client = server.searches().await;
    let mut rankings = Vec::new();
    for (latitude, longitude, datum) in [
        (39.9042, 116.4074, wire::CoordinateSystem::Wgs84),
        (gcj02.latitude_deg(), gcj02.longitude_deg(), wire::CoordinateSystem::Gcj02),
        (bd09.latitude_deg(), bd09.longitude_deg(), wire::CoordinateSystem::Bd09),
    ] {
        let mut request = search(latitude, longitude);
        origin(&mut request).coordinate_system = datum.into();
        rankings.push(ranking(&page_through(&mut client, request).await));
    }
    for other in &rankings[1..] {
        for (a, b) in rankings[0].iter().zip(other) {
            assert!((a.0 - b.0).abs() < 1e-6 && a.1 == b.1, "{a:?} {b:?}");
        }
    }
}
