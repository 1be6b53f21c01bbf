//! Page after page.

use futures_util::TryStreamExt;
use nearby_client::{
    Code,
    v1::{
        ListMerchantsRequest, ListMerchantsResponse, Merchant, NearbyResult, SearchNearbyRequest,
        SearchNearbyResponse,
    },
};
use tonic::Status;

use crate::fake_server::{Call, Fake, Outcome, answer};

fn page(results: usize, next_page_token: &str) -> Outcome {
    answer(&SearchNearbyResponse {
        results: vec![NearbyResult { distance_m: 1.0, ..Default::default() }; results],
        next_page_token: next_page_token.to_owned(),
        ..Default::default()
    })
}

/// Size and token of each page that was asked for.
fn asked(fake: &Fake) -> Vec<(i32, String)> {
    let requests = fake.calls().iter().map(Call::request::<SearchNearbyRequest>).collect::<Vec<_>>();
    assert!(requests.iter().all(|request| request.radius_m == Some(800.0)), "all else stays as it was");
    requests.into_iter().map(|request| (request.page_size, request.page_token)).collect()
}

fn search(page_size: i32) -> SearchNearbyRequest {
    SearchNearbyRequest { radius_m: Some(800.0), page_size, ..Default::default() }
}

fn expected(asked: &[(i32, &str)]) -> Vec<(i32, String)> {
    asked.iter().map(|(size, token)| (*size, (*token).to_owned())).collect()
}

#[tokio::test]
async fn pages_end_with_the_last_one() {
    let fake = Fake::new([page(500, "a"), page(0, "b"), page(3, "")]);
    let mut pages = fake.client().search_pages(search(0), usize::MAX);
    let mut sizes = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        sizes.push(page.results.len());
    }
    assert_eq!(sizes, [500, 0, 3]);
    assert_eq!(asked(&fake), expected(&[(500, ""), (500, "a"), (500, "b")]));
    assert!(pages.next_page().await.unwrap().is_none());
    assert_eq!(fake.calls().len(), 3, "after the last page nothing is asked");
}

#[tokio::test]
async fn no_more_is_asked_than_wanted() {
    let fake = Fake::new([page(20, "a"), page(20, "b"), page(9, "c")]);
    let pages: Vec<_> = fake.client().search_pages(search(20), 45).into_stream().try_collect().await.unwrap();
    let sizes: Vec<usize> = pages.iter().map(|page| page.results.len()).collect();
    assert_eq!(sizes, [20, 20, 5], "a server that gives too many is no reason to have more");
    assert_eq!(asked(&fake), expected(&[(20, ""), (20, "a"), (5, "b")]));

    let fake = Fake::default();
    assert!(fake.client().search_pages(search(0), 0).next_page().await.unwrap().is_none());
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test]
async fn a_bad_page_size_is_for_the_server_to_refuse() {
    let fake = Fake::default();
    fake.client().search_pages(search(-1), 10).next_page().await.unwrap();
    assert_eq!(asked(&fake), expected(&[(-1, "")]));
}

#[tokio::test]
async fn a_page_that_failed_can_be_asked_for_again() {
    let failure = || Outcome::Fail(Status::internal("a fault"));
    let fake = Fake::new([page(1, "a"), failure(), page(1, "")]);
    let mut pages = fake.client().search_pages(search(0), 10);
    pages.next_page().await.unwrap().unwrap();
    assert_eq!(pages.next_page().await.unwrap_err().code(), Code::Internal);
    pages.next_page().await.unwrap().unwrap();
    assert!(pages.next_page().await.unwrap().is_none());
    assert_eq!(asked(&fake), expected(&[(10, ""), (9, "a"), (9, "a")]));

    let fake = Fake::new([page(1, "a"), failure()]);
    let mut pages = Box::pin(fake.client().search_pages(search(0), 10).into_stream());
    assert!(pages.try_next().await.unwrap().is_some());
    assert!(pages.try_next().await.is_err());
    assert!(pages.try_next().await.unwrap().is_none(), "a stream ends after an error");
}

#[tokio::test]
async fn merchants_come_in_pages_too() {
    let list = |names: &[&str], next_page_token: &str| {
        let named = |name: &&str| Merchant { name: (*name).to_owned(), ..Default::default() };
        let merchants = names.iter().map(named).collect();
        answer(&ListMerchantsResponse { merchants, next_page_token: next_page_token.to_owned() })
    };
    let fake = Fake::new([list(&["merchants/a", "merchants/b"], "t"), list(&["merchants/c"], "")]);
    let request = ListMerchantsRequest::default();
    let pages = fake.client().list_merchants_pages(request, usize::MAX).into_stream();
    let pages: Vec<ListMerchantsResponse> = pages.try_collect().await.unwrap();
    let names: Vec<&str> =
        pages.iter().flat_map(|page| &page.merchants).map(|merchant| merchant.name.as_str()).collect();
    assert_eq!(names, ["merchants/a", "merchants/b", "merchants/c"]);
    let asked: Vec<ListMerchantsRequest> = fake.calls().iter().map(Call::request).collect();
    assert_eq!([asked[0].page_size, asked[1].page_size], [1_000, 1_000]);
    assert_eq!([asked[0].page_token.as_str(), asked[1].page_token.as_str()], ["", "t"]);
}
