//! `BatchGetMerchants`: merchants by name.

use super::*;

fn request(ids: &[&str]) -> wire::BatchGetMerchantsRequest {
    wire::BatchGetMerchantsRequest { names: ids.iter().map(|id| name(id)).collect(), view: 0 }
}

#[tokio::test]
async fn they_come_in_the_order_of_their_names_at_one_revision() {
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..north("b", 1.0) };
    let (_server, _, mut client) = server_with([north("a", 1.0), hidden, north("c", 1.0)]).await;
    let answer = client.batch_get_merchants(request(&["c", "a", "b", "a"])).await.unwrap().into_inner();
    assert_eq!(
        (ids_of(&answer.merchants), answer.revision),
        (["c", "a", "b", "a"].map(str::to_owned).to_vec(), 3)
    );
    let one = client.get_merchant(wire::GetMerchantRequest { name: name("b") }).await.unwrap().into_inner();
    assert_eq!(answer.merchants[2], one);
    let view = wire::MerchantView::IdOnly.into();
    let bare = client.batch_get_merchants(wire::BatchGetMerchantsRequest { view, ..request(&["a"]) }).await;
    let expected = wire::Merchant { name: name("a"), ..Default::default() };
    assert_eq!(bare.unwrap().into_inner().merchants, [expected]);
}

#[tokio::test]
async fn one_that_is_missing_fails_the_whole_and_is_named() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let missing = client.batch_get_merchants(request(&["a", "nobody"])).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "MERCHANT_NOT_FOUND".to_owned()));
    assert_eq!(missing.get_details_resource_info().unwrap().resource_name, name("nobody"));
}

#[tokio::test]
async fn names_that_cannot_be_are_refused() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let many: Vec<&str> = vec!["a"; 1_001];
    let refusals = [(request(&[]), "names", "REQUIRED"), (request(&many), "names", "TOO_MANY")];
    for (request, path, reason) in
        refusals.into_iter().chain([(request(&["a", ""]), "names[1]", "INVALID_ID")])
    {
        assert_eq!(violation(&client.batch_get_merchants(request).await.unwrap_err()), field(path, reason));
    }
}

#[tokio::test]
async fn too_much_at_once_is_refused_with_the_way_out() {
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    let large = wire::Merchant { photos: vec![photo; 15], ..north("a", 1.0) };
    let (_server, _, mut client) = server_with([large]).await;
    let refused = client.batch_get_merchants(request(&["a"; 200])).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::ResourceExhausted, "RESPONSE_TOO_LARGE".to_owned()));
    let view = wire::MerchantView::Basic.into();
    let small =
        client.batch_get_merchants(wire::BatchGetMerchantsRequest { view, ..request(&["a"; 200]) }).await;
    assert_eq!(small.unwrap().into_inner().merchants.len(), 200);
}
