//! Paged responses.

use futures_util::TryStreamExt;
use nearby_client::{
    Code,
    v1::{
        ListMerchantsRequest, ListMerchantsResponse, Merchant, NearbyResult, SearchNearbyRequest,
        SearchNearbyResponse,
    },
};
use tonic::Status;

use crate::fake_server::{Call, FakeServer, Outcome, respond};

fn page(results: usize, next_page_token: &str) -> Outcome {
    respond(&SearchNearbyResponse {
        results: vec![NearbyResult { distance_m: 1.0, ..Default::default() }; results],
        next_page_token: next_page_token.to_owned(),
        ..Default::default()
    })
}

/// Page size and token of each request received.
fn requested(server: &FakeServer) -> Vec<(i32, String)> {
    let requests = server.calls().iter().map(Call::request::<SearchNearbyRequest>).collect::<Vec<_>>();
    assert!(requests.iter().all(|request| request.radius_m == Some(800.0)), "all other fields are unchanged");
    requests.into_iter().map(|request| (request.page_size, request.page_token)).collect()
}

fn search(page_size: i32) -> SearchNearbyRequest {
    SearchNearbyRequest { radius_m: Some(800.0), page_size, ..Default::default() }
}

fn expected(requested: &[(i32, &str)]) -> Vec<(i32, String)> {
    requested.iter().map(|(size, token)| (*size, (*token).to_owned())).collect()
}

#[tokio::test]
async fn paging_ends_with_an_empty_token() {
    let server = FakeServer::new([page(500, "a"), page(0, "b"), page(3, "")]);
    let mut pages = server.client().search_pages(search(0), usize::MAX);
    let mut sizes = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        sizes.push(page.results.len());
    }
    assert_eq!(sizes, [500, 0, 3]);
    assert_eq!(requested(&server), expected(&[(500, ""), (500, "a"), (500, "b")]));
    assert!(pages.next_page().await.unwrap().is_none());
    assert_eq!(server.calls().len(), 3, "no request after the last page");
}

#[tokio::test]
async fn paging_stops_at_max_results() {
    let server = FakeServer::new([page(20, "a"), page(20, "b"), page(9, "c")]);
    let pages: Vec<_> =
        server.client().search_pages(search(20), 45).into_stream().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.results.len()).collect();
    assert_eq!(sizes, [20, 20, 5], "surplus results of the server are dropped");
    assert_eq!(requested(&server), expected(&[(20, ""), (20, "a"), (5, "b")]));

    let server = FakeServer::default();
    assert!(server.client().search_pages(search(0), 0).next_page().await.unwrap().is_none());
    assert_eq!(server.calls().len(), 0);
}

#[tokio::test]
async fn invalid_page_size_is_sent_to_the_server() {
    let server = FakeServer::default();
    server.client().search_pages(search(-1), 10).next_page().await.unwrap();
    assert_eq!(requested(&server), expected(&[(-1, "")]));
}

#[tokio::test]
async fn failed_page_can_be_requested_again() {
    let failure = || Outcome::Fail(Status::internal("a fault"));
    let server = FakeServer::new([page(1, "a"), failure(), page(1, "")]);
    let mut pages = server.client().search_pages(search(0), 10);
    pages.next_page().await.unwrap().unwrap();
    assert_eq!(pages.next_page().await.unwrap_err().code(), Code::Internal);
    pages.next_page().await.unwrap().unwrap();
    assert!(pages.next_page().await.unwrap().is_none());
    assert_eq!(requested(&server), expected(&[(10, ""), (9, "a"), (9, "a")]));

    let server = FakeServer::new([page(1, "a"), failure()]);
    let mut pages = Box::pin(server.client().search_pages(search(0), 10).into_stream());
    assert!(pages.try_next().await.unwrap().is_some());
    assert!(pages.try_next().await.is_err());
    assert!(pages.try_next().await.unwrap().is_none(), "a stream ends after an error");
}

#[tokio::test]
async fn list_merchants_is_paged() {
    let list = |names: &[&str], next_page_token: &str| {
        let named = |name: &&str| Merchant { name: (*name).to_owned(), ..Default::default() };
        let merchants = names.iter().map(named).collect();
        respond(&ListMerchantsResponse { merchants, next_page_token: next_page_token.to_owned() })
    };
    let server = FakeServer::new([list(&["merchants/a", "merchants/b"], "t"), list(&["merchants/c"], "")]);
    let request = ListMerchantsRequest::default();
    let pages = server.client().list_merchants_pages(request, usize::MAX).into_stream();
    let pages: Vec<ListMerchantsResponse> = pages.try_collect().await.unwrap();
    let names: Vec<&str> =
        pages.iter().flat_map(|page| &page.merchants).map(|merchant| merchant.name.as_str()).collect();
    assert_eq!(names, ["merchants/a", "merchants/b", "merchants/c"]);
    let requests: Vec<ListMerchantsRequest> = server.calls().iter().map(Call::request).collect();
    assert_eq!([requests[0].page_size, requests[1].page_size], [1_000, 1_000]);
    assert_eq!([requests[0].page_token.as_str(), requests[1].page_token.as_str()], ["", "t"]);
}
