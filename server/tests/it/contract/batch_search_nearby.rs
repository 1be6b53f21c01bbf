//! `BatchSearchNearby`: many searches at one revision.

use super::*;
use wire::batch_search_nearby_result::Outcome;

#[tokio::test]
async fn results_equal_those_of_separate_searches() {
    let (_server, mut client, _) =
        server_with((0..30).map(|n| north(&format!("m{n:02}"), f64::from(n) * 100.0))).await;
    let requests: Vec<_> = (1..=50)
        .map(|n| wire::SearchNearbyRequest { radius_m: Some(f64::from(n) * 60.0), page_size: n, ..at_home() })
        .collect();
    let batch = wire::BatchSearchNearbyRequest { requests: requests.clone() };
    let response = client.batch_search_nearby(batch).await.unwrap().into_inner();
    assert_eq!((response.results.len(), response.revision), (50, 30));
    for (request, result) in requests.into_iter().zip(response.results) {
        let Some(Outcome::Response(response)) = result.outcome else { panic!("{result:?}") };
        assert_eq!(response, found(&mut client, request).await);
    }
}

#[tokio::test]
async fn an_invalid_search_does_not_fail_the_batch() {
    let (_server, mut client, _) = server_with([north("a", 1.0)]).await;
    let bad = wire::SearchNearbyRequest { page_size: -1, ..at_home() };
    let batch = wire::BatchSearchNearbyRequest { requests: vec![at_home(), bad, at_home()] };
    let results = client.batch_search_nearby(batch).await.unwrap().into_inner().results;
    assert!(matches!(results[0].outcome, Some(Outcome::Response(_))));
    assert_eq!(results[0], results[2]);
    let Some(Outcome::Status(status)) = &results[1].outcome else { panic!("{:?}", results[1]) };
    // It has the same fields as google.rpc.Status, including details.
    let code = Code::from(status.code);
    let status = Status::with_details(code, status.message.clone(), status.encode_to_vec().into());
    assert_eq!(violation(&status), field("page_size", "OUT_OF_RANGE"));
}

#[tokio::test]
async fn empty_batches_and_more_than_1000_searches_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    for (count, reason) in [(0, "REQUIRED"), (1_001, "TOO_MANY")] {
        let batch = wire::BatchSearchNearbyRequest { requests: vec![at_home(); count] };
        let rejected = client.batch_search_nearby(batch).await.unwrap_err();
        assert_eq!(violation(&rejected), field("requests", reason));
    }
    let batch = wire::BatchSearchNearbyRequest { requests: vec![at_home(); 1_000] };
    assert_eq!(client.batch_search_nearby(batch).await.unwrap().into_inner().results.len(), 1_000);
}

#[tokio::test]
async fn large_responses_share_the_message_limit_and_continue_on_further_pages() {
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    let large = |n: i32| wire::Merchant {
        photos: vec![photo.clone(); 12],
        ..north(&format!("m{n:02}"), f64::from(n))
    };
    let (_server, mut client, _) = server_with((0..20).map(large)).await;
    let view = wire::MerchantView::Full.into();
    let request = wire::SearchNearbyRequest { view, ..at_home() };
    let batch = wire::BatchSearchNearbyRequest { requests: vec![request.clone(); 40] };
    let results = client.batch_search_nearby(batch).await.unwrap().into_inner().results;
    for result in results {
        let Some(Outcome::Response(first)) = result.outcome else { panic!("a response is missing") };
        assert!(!first.results.is_empty() && first.results.len() < 20, "{}", first.results.len());
        let rest = wire::SearchNearbyRequest { page_token: first.next_page_token.clone(), ..request.clone() };
        let rest = page_through(&mut client, rest).await;
        assert_eq!(first.results.len() + rest.len(), 20);
    }
    // With 1,000 searches the share of each is too small for a single merchant.
    let batch = wire::BatchSearchNearbyRequest { requests: vec![request; 1_000] };
    let results = client.batch_search_nearby(batch).await.unwrap().into_inner().results;
    let Some(Outcome::Status(status)) = &results[0].outcome else { panic!("{:?}", results[0]) };
    assert_eq!(Code::from(status.code), Code::ResourceExhausted);
}
