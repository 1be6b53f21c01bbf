//! `BatchCreateMerchants`, `BatchUpdateMerchants`, `BatchDeleteMerchants`: atomic batches.

use super::*;

fn create_all(merchants: impl IntoIterator<Item = wire::Merchant>) -> wire::BatchCreateMerchantsRequest {
    let request = |merchant| wire::CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
    wire::BatchCreateMerchantsRequest {
        requests: merchants.into_iter().map(request).collect(),
        ..Default::default()
    }
}

fn set_phone(id: &str, etag: &str) -> wire::UpdateMerchantRequest {
    let merchant = wire::Merchant {
        name: name(id),
        etag: etag.to_owned(),
        phone: format!("phone of {id}"),
        ..Default::default()
    };
    wire::UpdateMerchantRequest { merchant: Some(merchant), ..Default::default() }
}

fn update_all(requests: Vec<wire::UpdateMerchantRequest>) -> wire::BatchUpdateMerchantsRequest {
    wire::BatchUpdateMerchantsRequest { requests, ..Default::default() }
}

fn delete_all(ids: &[&str]) -> wire::BatchDeleteMerchantsRequest {
    let request = |id: &&str| wire::DeleteMerchantRequest { name: name(id), ..Default::default() };
    wire::BatchDeleteMerchantsRequest { requests: ids.iter().map(request).collect(), ..Default::default() }
}

#[tokio::test]
async fn a_batch_creates_up_to_1000_merchants_atomically() {
    let (_server, mut searches, mut client) = server_with([]).await;
    let batch = create_all((0..1_000).map(|n| north(&format!("m{n:03}"), f64::from(n))));
    let created = client.batch_create_merchants(batch).await.unwrap().into_inner().merchants;
    assert_eq!(created.len(), 1_000);
    assert_eq!((created[7].name.as_str(), created[7].etag.as_str()), ("merchants/m007", "8"));
    let page = found(&mut searches, wire::SearchNearbyRequest { include_total: true, ..at_home() }).await;
    assert_eq!((page.total_size, page.revision), (Some(1_000), 1_000));
}

#[tokio::test]
async fn a_batch_with_an_existing_merchant_creates_none() {
    let (_server, _, mut client) = server_with([north("b", 1.0)]).await;
    let rejected = client.batch_create_merchants(create_all(["a", "b", "c"].map(|id| north(id, 1.0)))).await;
    let rejected = rejected.unwrap_err();
    assert_eq!(reason(&rejected), (Code::AlreadyExists, "MERCHANT_EXISTS".to_owned()));
    assert_eq!(rejected.get_details_resource_info().unwrap().resource_name, name("b"));
    // A batch cannot create a merchant twice.
    let twice =
        client.batch_create_merchants(create_all(["a", "a"].map(|id| north(id, 1.0)))).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);
    assert_eq!(list_ids(&mut client).await, ["b"]);
}

#[tokio::test]
async fn field_violations_contain_the_index_of_the_request() {
    let (_server, _, mut client) = server_with([]).await;
    let nowhere = wire::Merchant { position: None, ..north("b", 1.0) };
    let rejected = client.batch_create_merchants(create_all([north("a", 1.0), nowhere])).await.unwrap_err();
    assert_eq!(violation(&rejected), field("requests[1].merchant.position", "REQUIRED"));
    let mut own_id = create_all([north("a", 1.0)]);
    own_id.requests[0].request_id = "7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned();
    let rejected = client.batch_create_merchants(own_id).await.unwrap_err();
    assert_eq!(violation(&rejected), field("requests[0].request_id", "UNEXPECTED"));
    let mut own_check = delete_all(&["a"]);
    own_check.requests[0].validate_only = true;
    let rejected = client.batch_delete_merchants(own_check).await.unwrap_err();
    assert_eq!(violation(&rejected), field("requests[0].validate_only", "UNEXPECTED"));
    let nameless = update_all(vec![set_phone("a", ""), wire::UpdateMerchantRequest::default()]);
    let rejected = client.batch_update_merchants(nameless).await.unwrap_err();
    assert_eq!(violation(&rejected), field("requests[1].merchant", "REQUIRED"));
    assert_eq!(list_ids(&mut client).await, [""; 0]);
}

#[tokio::test]
async fn updates_of_a_batch_are_applied_in_order_or_not_at_all() {
    let (_server, _, mut client) = server_with(["a", "b"].map(|id| north(id, 1.0))).await;
    let stale = update_all(vec![set_phone("a", ""), set_phone("b", "1")]);
    let rejected = client.batch_update_merchants(stale).await.unwrap_err();
    assert_eq!(reason(&rejected), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    let missing = update_all(vec![set_phone("a", ""), set_phone("unknown", "")]);
    let rejected = client.batch_update_merchants(missing).await.unwrap_err();
    assert_eq!(rejected.get_details_resource_info().unwrap().resource_name, name("unknown"));
    let a = client.get_merchant(wire::GetMerchantRequest { name: name("a") }).await.unwrap().into_inner();
    assert_eq!((a.phone.as_str(), a.etag.as_str()), ("", "1"), "unchanged");
    // The second update sees the result of the first.
    let mut brand = set_phone("a", "3");
    brand.merchant.as_mut().unwrap().brand = "Brand".to_owned();
    let mut new = set_phone("c", "");
    new.merchant = Some(north("c", 5.0));
    new.allow_missing = true;
    let updated = client.batch_update_merchants(update_all(vec![set_phone("a", "1"), brand, new])).await;
    let updated = updated.unwrap().into_inner().merchants;
    assert_eq!(ids_of(&updated), ["a", "a", "c"]);
    assert_eq!((updated[1].phone.as_str(), updated[1].brand.as_str()), ("phone of a", "Brand"));
}

#[tokio::test]
async fn deletes_of_a_batch_are_applied_all_or_none() {
    let (_server, _, mut client) = server_with(["a", "b", "c"].map(|id| north(id, 1.0))).await;
    let missing = client.batch_delete_merchants(delete_all(&["a", "unknown"])).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));
    let mut stale = delete_all(&["a", "b"]);
    stale.requests[1].etag = "1".to_owned();
    assert_eq!(client.batch_delete_merchants(stale).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(list_ids(&mut client).await, ["a", "b", "c"]);
    client.batch_delete_merchants(delete_all(&["a", "c"])).await.unwrap();
    assert_eq!(list_ids(&mut client).await, ["b"]);
}

#[tokio::test]
async fn empty_batches_and_more_than_1000_requests_are_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    let many = vec!["x"; 1_001];
    for (ids, reason) in [(&[][..], "REQUIRED"), (&many, "TOO_MANY")] {
        let rejected = client.batch_delete_merchants(delete_all(ids)).await.unwrap_err();
        assert_eq!(violation(&rejected), field("requests", reason));
    }
}

#[tokio::test]
async fn a_batch_whose_response_is_too_large_is_not_applied() {
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    let large = |id: &str| wire::Merchant { photos: vec![photo.clone(); 15], ..north(id, 1.0) };
    let (_server, _, mut client) = server_with([]).await;
    let ids: Vec<String> = (0..125).map(|n| format!("m{n:03}")).collect();
    let rejected =
        client.batch_create_merchants(create_all(ids.iter().map(|id| large(id)))).await.unwrap_err();
    assert_eq!(reason(&rejected), (Code::ResourceExhausted, "RESPONSE_TOO_LARGE".to_owned()));
    assert_eq!(list_ids(&mut client).await, [""; 0]);
    client.batch_create_merchants(create_all(ids[..100].iter().map(|id| large(id)))).await.unwrap();
    let updates = ids[..100].iter().map(|id| set_phone(id, "")).collect();
    client.batch_update_merchants(update_all(updates)).await.unwrap();
}
