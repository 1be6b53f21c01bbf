//! Labels and external ids are for the role `manage`.

use std::time::Duration;

use nearby_proto::v1 as wire;

use crate::{
    auth::{Keys, reason, with},
    support::*,
};

fn labelled() -> wire::Merchant {
    wire::Merchant {
        phone: "+358 9 1234".to_owned(),
        source: "crm".to_owned(),
        labels: [("margin".to_owned(), "high".to_owned())].into(),
        external_ids: vec![wire::ExternalId { system: "crm".to_owned(), id: "4711".to_owned() }],
        ..merchant("cafe", 60.0, 25.0)
    }
}

fn has_internal_fields(merchant: &wire::Merchant) -> bool {
    assert_eq!(
        (merchant.phone.as_str(), merchant.source.as_str()),
        ("+358 9 1234", "crm"),
        "all other fields"
    );
    assert!(!merchant.etag.is_empty() && merchant.update_time.is_some() && merchant.position.is_some());
    assert_eq!(merchant.labels.is_empty(), merchant.external_ids.is_empty());
    !merchant.labels.is_empty()
}

/// Returns for each method that a `search` key may call whether its FULL view has the internal fields.
async fn seen(server: &TestServer, key: &str) -> Vec<bool> {
    let full = wire::MerchantView::Full.into();
    let mut searches = server.searches().await;
    let mut merchants = server.merchants().await;
    let name = "merchants/cafe".to_owned();
    let search = wire::SearchNearbyRequest { view: full, ..search(60.0, 25.0) };
    let found = searches.search_nearby(with(key, search.clone())).await.unwrap().into_inner();
    let mut all = vec![found.results[0].merchant.clone().unwrap()];
    let batch = wire::BatchSearchNearbyRequest { requests: vec![search.clone()] };
    let found = searches.batch_search_nearby(with(key, batch)).await.unwrap().into_inner();
    let Some(wire::batch_search_nearby_result::Outcome::Response(found)) = &found.results[0].outcome else {
        panic!("{found:?}")
    };
    all.push(found.results[0].merchant.clone().unwrap());
    let message = wire::StreamSearchNearbyRequest { request: Some(search), ..Default::default() };
    let streamed = searches.stream_search_nearby(with(key, tokio_stream::once(message))).await.unwrap();
    let message = streamed.into_inner().message().await.unwrap().unwrap();
    let Some(wire::stream_search_nearby_response::Outcome::Response(found)) = &message.outcome else {
        panic!("{message:?}")
    };
    all.push(found.results[0].merchant.clone().unwrap());
    let start =
        wire::WatchNearbyStart { origin: Some(position(60.0, 25.0)), view: full, ..Default::default() };
    let step = wire::WatchNearbyRequest { step: Some(wire::watch_nearby_request::Step::Start(start)) };
    let watched = searches.watch_nearby(with(key, tokio_stream::once(step))).await.unwrap();
    let message =
        tokio::time::timeout(Duration::from_secs(60), watched.into_inner().message()).await.unwrap();
    all.push(message.unwrap().unwrap().entered[0].merchant.clone().unwrap());
    let get = wire::GetMerchantRequest { name: name.clone() };
    all.push(merchants.get_merchant(with(key, get)).await.unwrap().into_inner());
    let get = wire::BatchGetMerchantsRequest { names: vec![name], ..Default::default() };
    all.push(merchants.batch_get_merchants(with(key, get)).await.unwrap().into_inner().merchants[0].clone());
    all.iter().map(has_internal_fields).collect()
}

#[tokio::test]
async fn labels_and_external_ids_are_returned_only_with_the_role_manage() {
    let keys = Keys::new();
    let (search, manage) = (keys.add("app", "search"), keys.add("office", "manage"));
    let review = keys.add("reviewer", "review");
    let server = keys.server(&[]).await;
    let mut merchants = server.merchants().await;
    let create = wire::CreateMerchantRequest { merchant: Some(labelled()), ..Default::default() };
    let created = merchants.create_merchant(with(&manage, create)).await.unwrap().into_inner();
    assert!(has_internal_fields(&created));
    assert_eq!(seen(&server, &search).await, [false; 6]);
    assert_eq!(seen(&server, &manage).await, [true; 6]);
    assert_eq!(seen(&server, &review).await, [false; 6]);
    for validate_only in [true, false] {
        let approve =
            wire::ApproveMerchantRequest { name: created.name.clone(), validate_only, ..Default::default() };
        let approved = merchants.approve_merchant(with(&review, approve)).await.unwrap().into_inner();
        assert_eq!((approved.labels.len(), approved.external_ids.len()), (0, 0));
        assert_eq!(approved.display_name, created.display_name);
    }
    let by_label = wire::MerchantFilter {
        labels: vec![wire::LabelCondition { key: "tier".to_owned(), value: None }],
        ..Default::default()
    };
    for key in [&search, &review] {
        let request = wire::SearchNearbyRequest {
            filter: Some(by_label.clone()),
            ..crate::support::search(60.0, 25.0)
        };
        let status = server.searches().await.search_nearby(with(key, request)).await.unwrap_err();
        assert_eq!(reason(&status), "LABELS_NOT_ALLOWED");
    }
    let listed =
        merchants.list_merchants(with(&manage, wire::ListMerchantsRequest::default())).await.unwrap();
    assert!(has_internal_fields(&listed.into_inner().merchants[0]));

    // The parts are separated again after the snapshot file and the journal are read.
    let data_dir = server.data_dir.clone();
    server.terminate().await;
    let keys_file = keys.path().display().to_string();
    let server = TestServer::start_on(&data_dir, &["--keys", &keys_file]).await;
    assert_eq!(seen(&server, &search).await, [false; 6]);
    assert_eq!(seen(&server, &manage).await, [true; 6]);
    server.terminate().await;
    let server = TestServer::start_on(&data_dir, &["--keys", &keys_file, "--expose-internal-fields"]).await;
    assert_eq!(seen(&server, &search).await, [true; 6]);
}
