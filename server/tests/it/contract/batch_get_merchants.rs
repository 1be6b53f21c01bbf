//! `BatchGetMerchants`: merchants by name.

use super::*;

fn request(ids: &[&str]) -> wire::BatchGetMerchantsRequest {
    wire::BatchGetMerchantsRequest { names: ids.iter().map(|id| name(id)).collect(), view: 0 }
}

#[tokio::test]
async fn merchants_are_returned_in_request_order_at_one_revision() {
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..north("b", 1.0) };
    let (_server, _, mut client) = server_with([north("a", 1.0), hidden, north("c", 1.0)]).await;
    let response = client.batch_get_merchants(request(&["c", "a", "b", "a"])).await.unwrap().into_inner();
    assert_eq!(
        (ids_of(&response.merchants), response.revision),
        (["c", "a", "b", "a"].map(str::to_owned).to_vec(), 3)
    );
    let one = client.get_merchant(wire::GetMerchantRequest { name: name("b") }).await.unwrap().into_inner();
    assert_eq!(response.merchants[2], one);
    let view = wire::MerchantView::IdOnly.into();
    let bare = client.batch_get_merchants(wire::BatchGetMerchantsRequest { view, ..request(&["a"]) }).await;
    let expected = wire::Merchant { name: name("a"), ..Default::default() };
    assert_eq!(bare.unwrap().into_inner().merchants, [expected]);
}

#[tokio::test]
async fn a_missing_merchant_fails_the_batch_and_is_named() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let missing = client.batch_get_merchants(request(&["a", "unknown"])).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));
    assert_eq!(missing.get_details_resource_info().unwrap().resource_name, name("unknown"));
}

#[tokio::test]
async fn invalid_names_are_rejected() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let many: Vec<&str> = vec!["a"; 1_001];
    let cases = [(request(&[]), "names", "REQUIRED"), (request(&many), "names", "TOO_MANY")];
    for (request, path, reason) in cases.into_iter().chain([(request(&["a", ""]), "names[1]", "INVALID_ID")])
    {
        assert_eq!(violation(&client.batch_get_merchants(request).await.unwrap_err()), field(path, reason));
    }
}

#[tokio::test]
async fn a_response_that_is_too_large_is_rejected_and_a_smaller_view_fits() {
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    let large = wire::Merchant { photos: vec![photo; 15], ..north("a", 1.0) };
    let (_server, _, mut client) = server_with([large]).await;
    let rejected = client.batch_get_merchants(request(&["a"; 200])).await.unwrap_err();
    assert_eq!(reason(&rejected), (Code::ResourceExhausted, "RESPONSE_TOO_LARGE".to_owned()));
    let view = wire::MerchantView::Basic.into();
    let small =
        client.batch_get_merchants(wire::BatchGetMerchantsRequest { view, ..request(&["a"; 200]) }).await;
    assert_eq!(small.unwrap().into_inner().merchants.len(), 200);
}
