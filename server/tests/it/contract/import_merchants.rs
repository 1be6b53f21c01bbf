//! `ImportMerchants`: many rows, stored independently.

use nearby_proto::well_known::FieldMask;

use super::*;

#[tokio::test]
async fn an_import_reports_an_outcome_for_each_row() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let row =
        |row_number, merchant| wire::ImportRow { row_number, merchant: Some(merchant), ..Default::default() };
    let datumless = wire::Position { coordinate_system: 0, ..position(1.0, 2.0) };
    let rows = vec![
        row(1, merchant("a", 1.0, 2.0)),
        row(2, wire::Merchant { position: Some(datumless), ..merchant("b", 1.0, 2.0) }),
        row(3, merchant("c", 0.0, 0.0)),
        row(4, merchant("a", 1.5, 2.5)),
        wire::ImportRow { row_number: 5, merchant: None, ..Default::default() },
    ];
    let import = |rows, allow_null_island| {
        tokio_stream::iter([wire::ImportMerchantsRequest { rows, allow_null_island, ..Default::default() }])
    };
    let response = client.import_merchants(import(rows.clone(), false)).await.unwrap().into_inner();
    let states: Vec<_> =
        response.outcomes.iter().map(|outcome| (outcome.row_number, outcome.state())).collect();
    let (created, updated, rejected) =
        (wire::ImportState::Created, wire::ImportState::Updated, wire::ImportState::Rejected);
    assert_eq!(states, [(1, created), (2, rejected), (3, rejected), (4, updated), (5, rejected)]);
    assert_eq!(response.outcomes[1].violations[0].field, "position.coordinate_system");
    assert_eq!(response.outcomes[2].violations[0].reason, "NULL_ISLAND");
    let now = client.get_merchant(wire::GetMerchantRequest { name: "merchants/a".to_owned() }).await.unwrap();
    assert_eq!(now.into_inner().position, Some(position(1.5, 2.5)), "the later row wins");

    let response = client.import_merchants(import(rows, true)).await.unwrap().into_inner();
    assert_eq!(response.outcomes[2].state(), created);

    let many = || (0..1_000).map(|n| row(n, merchant(&format!("m{n}"), 1.0, 2.0))).collect::<Vec<_>>();
    let messages: Vec<_> =
        (0..11).map(|_| wire::ImportMerchantsRequest { rows: many(), ..Default::default() }).collect();
    let rejected = client.import_merchants(tokio_stream::iter(messages)).await.unwrap_err();
    assert_eq!(violations(&rejected), [("rows".to_owned(), "TOO_MANY".to_owned())]);
}

#[tokio::test]
async fn a_mask_updates_fields_of_merchants_that_exist_and_creates_others_whole() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let hours = wire::OpeningHours { display_text: "by appointment".to_owned(), ..Default::default() };
    let before = wire::Merchant {
        phone: "1".to_owned(),
        brand: "Brand".to_owned(),
        opening_hours: Some(hours.clone()),
        visibility: wire::Visibility::Hidden.into(),
        ..merchant("a", 1.0, 2.0)
    };
    let mut import = async |paths: &[&str], rows: &[wire::Merchant]| {
        let rows = rows.iter().cloned().map(|merchant| wire::ImportRow {
            row_number: 1,
            merchant: Some(merchant),
            ..Default::default()
        });
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let update_masks = vec![FieldMask { paths }];
        let message =
            wire::ImportMerchantsRequest { rows: rows.collect(), update_masks, ..Default::default() };
        client.import_merchants(tokio_stream::iter([message])).await
    };
    import(&[], &[before]).await.unwrap();
    let row = |id| wire::Merchant {
        display_name: "New".to_owned(),
        phone: "2".to_owned(),
        ..merchant(id, 3.0, 4.0)
    };
    let mask = ["display_name", "brand", "position", "opening_hours", "visibility"];
    let response = import(&mask, &[row("a"), row("b")]).await.unwrap().into_inner();
    let states: Vec<_> = response.outcomes.iter().map(wire::ImportOutcome::state).collect();
    assert_eq!(states, [wire::ImportState::Updated, wire::ImportState::Created]);
    let unknown = import(&["position.latitude"], &[row("a")]).await.unwrap_err();
    assert_eq!(violations(&unknown), [("update_masks[0]".to_owned(), "UNKNOWN_FIELD".to_owned())]);

    let mut client = server.merchants().await;
    let mut get = async |id: &str| {
        let request = wire::GetMerchantRequest { name: format!("merchants/{id}") };
        client.get_merchant(request).await.unwrap().into_inner()
    };
    let merged = get("a").await;
    assert_eq!(
        (merged.display_name.as_str(), merged.phone.as_str(), merged.brand.as_str()),
        ("New", "1", "")
    );
    assert_eq!(merged.position, Some(position(3.0, 4.0)));
    assert_eq!((merged.opening_hours.clone(), merged.visibility()), (Some(hours), wire::Visibility::Hidden));
    let created = get("b").await;
    assert_eq!((created.phone.as_str(), created.visibility()), ("2", wire::Visibility::Visible));
}

#[tokio::test]
async fn validate_only_reports_what_would_become_of_rows_and_stores_none() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    let full = wire::Merchant { photos: vec![photo; 16], ..merchant("full", 1.0, 2.0) };
    client.import_merchants(tokio_stream::iter([import_of([full], &[], false)])).await.unwrap();
    let categories = (0..32).map(|n| format!("{n:0100}")).collect();
    let overflows = wire::Merchant { categories, ..merchant("full", 1.0, 2.0) };
    let changed = wire::Merchant { phone: "1".to_owned(), ..merchant("full", 1.0, 2.0) };
    let rows = || [changed.clone(), merchant("new", 1.0, 2.0), merchant("", 1.0, 2.0), overflows.clone()];
    let (created, updated, rejected) =
        (wire::ImportState::Created, wire::ImportState::Updated, wire::ImportState::Rejected);
    for validate_only in [true, false] {
        let message = import_of(rows(), &["phone", "categories"], validate_only);
        let response = client.import_merchants(tokio_stream::iter([message])).await.unwrap().into_inner();
        let states: Vec<_> = response.outcomes.iter().map(wire::ImportOutcome::state).collect();
        assert_eq!(states, [updated, created, rejected, rejected], "validate_only: {validate_only}");
        assert_eq!(response.outcomes[3].violations[0].reason, "TOO_LARGE");
        assert_eq!(response.revision == 0, validate_only);
        let name = "merchants/new".to_owned();
        let found = client.get_merchant(wire::GetMerchantRequest { name }).await;
        assert_eq!(found.is_err(), validate_only);
    }
}

/// Rows of the merchant `a`, each with a mask of its message.
fn rows_of(merchants: Vec<(wire::Merchant, i32)>) -> Vec<wire::ImportRow> {
    let row = |(merchant, update_mask_index)| wire::ImportRow {
        row_number: 1,
        merchant: Some(merchant),
        update_mask_index,
    };
    merchants.into_iter().map(row).collect()
}

#[tokio::test]
async fn each_row_of_a_message_has_its_own_mask_and_rows_of_one_name_keep_their_order() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let before = wire::Merchant {
        brand: "Brand".to_owned(),
        phone: "0".to_owned(),
        source: "feed".to_owned(),
        ..merchant("a", 1.0, 2.0)
    };
    client.import_merchants(tokio_stream::iter([import_of([before], &[], false)])).await.unwrap();
    let mask = |paths: &[&str]| FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
    let update_masks = vec![mask(&["phone"]), mask(&["brand"]), mask(&[]), mask(&["*"])];
    let given = |phone: &str, brand: &str| wire::Merchant {
        phone: phone.to_owned(),
        brand: brand.to_owned(),
        ..merchant("a", 1.0, 2.0)
    };
    let mut after = Vec::new();
    let steps = [(given("1", "x"), 0), (given("x", "B"), 1), (given("2", "x"), 0), (given("3", ""), 2)];
    for count in 1..=steps.len() {
        let rows = rows_of(steps[..count].to_vec());
        let message =
            wire::ImportMerchantsRequest { rows, update_masks: update_masks.clone(), ..Default::default() };
        let response = client.import_merchants(tokio_stream::iter([message])).await.unwrap().into_inner();
        assert!(response.outcomes.iter().all(|outcome| outcome.state() == wire::ImportState::Updated));
        let name = "merchants/a".to_owned();
        let now = client.get_merchant(wire::GetMerchantRequest { name }).await.unwrap().into_inner();
        after.push((now.phone, now.brand, now.source));
        let reset = given("0", "Brand");
        let reset = wire::Merchant { source: "feed".to_owned(), ..reset };
        client.import_merchants(tokio_stream::iter([import_of([reset], &[], false)])).await.unwrap();
    }
    let expected = [("1", "Brand", "feed"), ("1", "B", "feed"), ("2", "B", "feed"), ("3", "", "")];
    assert_eq!(
        after,
        expected.map(|(phone, brand, source)| { (phone.to_owned(), brand.to_owned(), source.to_owned()) })
    );
}

#[tokio::test]
async fn an_import_rejects_masks_that_do_not_exist_and_too_many_masks() {
    let server = TestServer::start().await;
    let mut client = server.merchants().await;
    let phone = FieldMask { paths: vec!["phone".to_owned()] };
    let unknown = FieldMask { paths: vec!["phones".to_owned()] };
    for (masks, index, field, reason) in [
        (vec![], 1, "rows[1].update_mask_index", "OUT_OF_RANGE"),
        (vec![phone.clone()], 1, "rows[1].update_mask_index", "OUT_OF_RANGE"),
        (vec![phone.clone()], -1, "rows[1].update_mask_index", "OUT_OF_RANGE"),
        (vec![phone.clone(), unknown], 0, "update_masks[1]", "UNKNOWN_FIELD"),
        (vec![phone; 1_001], 0, "update_masks", "TOO_MANY"),
    ] {
        let rows = rows_of(vec![(merchant("a", 1.0, 2.0), 0), (merchant("b", 1.0, 2.0), index)]);
        let message = wire::ImportMerchantsRequest { rows, update_masks: masks, ..Default::default() };
        let rejected = client.import_merchants(tokio_stream::iter([message])).await.unwrap_err();
        assert_eq!(violation(&rejected), (field.to_owned(), reason.to_owned()));
    }
    let stored = client.list_merchants(wire::ListMerchantsRequest::default()).await.unwrap().into_inner();
    assert_eq!(stored.merchants, [], "a message with an invalid mask is rejected as a whole");
}

fn import_of(
    merchants: impl IntoIterator<Item = wire::Merchant>,
    mask: &[&str],
    validate_only: bool,
) -> wire::ImportMerchantsRequest {
    let row = |merchant| wire::ImportRow { row_number: 1, merchant: Some(merchant), ..Default::default() };
    let paths: Vec<String> = mask.iter().map(|path| (*path).to_owned()).collect();
    let update_masks = if paths.is_empty() { Vec::new() } else { vec![FieldMask { paths }] };
    let rows = merchants.into_iter().map(row).collect();
    wire::ImportMerchantsRequest { rows, update_masks, validate_only, ..Default::default() }
}
