//! `ListMerchants`: pages of merchants, ordered by id.

use super::*;

async fn list(
    client: &mut MerchantServiceClient<Channel>,
    request: wire::ListMerchantsRequest,
) -> wire::ListMerchantsResponse {
    client.list_merchants(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn merchants_are_listed_by_id_including_hidden_ones() {
    let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..north("b", 1.0) };
    let (_server, _, mut client) =
        server_with([north("ä", 1.0), north("c", 1.0), hidden, north("A", 1.0)]).await;
    assert_eq!(list_ids(&mut client).await, ["A", "b", "c", "ä"]);
    let filter = |scope: wire::VisibilityScope| wire::ListMerchantsRequest {
        filter: Some(wire::MerchantFilter { visibility_scope: scope.into(), ..Default::default() }),
        ..Default::default()
    };
    use wire::VisibilityScope::{All, Hidden, Visible};
    for (scope, expected) in [(All, &["A", "b", "c", "ä"][..]), (Hidden, &["b"]), (Visible, &["A", "c", "ä"])]
    {
        assert_eq!(ids_of(&list(&mut client, filter(scope)).await.merchants), expected);
    }
}

#[tokio::test]
async fn pages_have_100_merchants_by_default_and_at_most_1000() {
    let (_server, _, mut client) = server_with([]).await;
    let rows = (0..1_001).map(|n| wire::ImportRow {
        row_number: n,
        merchant: Some(north(&format!("m{n:04}"), n as f64)),
        ..Default::default()
    });
    let rows: Vec<_> = rows.collect();
    let message =
        |rows: &[wire::ImportRow]| wire::ImportMerchantsRequest { rows: rows.to_vec(), ..Default::default() };
    let messages: Vec<_> = rows.chunks(1_000).map(message).collect();
    client.import_merchants(tokio_stream::iter(messages)).await.unwrap();
    for (page_size, expected) in [(0, 100), (7, 7), (1_000, 1_000), (5_000, 1_000)] {
        let page = list(&mut client, wire::ListMerchantsRequest { page_size, ..Default::default() }).await;
        assert_eq!((page.merchants.len(), page.next_page_token.is_empty()), (expected, false));
    }
    assert_eq!(list_ids(&mut client).await.len(), 1_001);
    // Filters apply before paging: no page token for a result without further merchants.
    let filter = Some(wire::MerchantFilter { any_brands: vec!["none".to_owned()], ..Default::default() });
    let page = list(&mut client, wire::ListMerchantsRequest { filter, ..Default::default() }).await;
    assert_eq!(page, wire::ListMerchantsResponse::default());
}

#[tokio::test]
async fn page_tokens_of_other_filters_and_invalid_sizes_and_views_are_rejected() {
    let (_server, _, mut client) = server_with([north("a", 1.0), north("b", 1.0)]).await;
    let first = wire::ListMerchantsRequest { page_size: 1, ..Default::default() };
    let page_token = list(&mut client, first.clone()).await.next_page_token;
    let filter = Some(wire::MerchantFilter { none_brands: vec!["x".to_owned()], ..Default::default() });
    for (request, path, reason) in [
        (
            wire::ListMerchantsRequest { page_token, filter, ..first.clone() },
            "page_token",
            "INVALID_PAGE_TOKEN",
        ),
        (wire::ListMerchantsRequest { page_size: -1, ..first.clone() }, "page_size", "OUT_OF_RANGE"),
        (wire::ListMerchantsRequest { view: -1, ..first }, "view", "OUT_OF_RANGE"),
    ] {
        assert_eq!(violation(&client.list_merchants(request).await.unwrap_err()), field(path, reason));
    }
}
