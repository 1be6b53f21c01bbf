//! `StreamSearchNearby`: a stream of searches.

use super::*;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use wire::stream_search_nearby_response::Outcome;

fn tagged(tag: u64, request: wire::SearchNearbyRequest) -> wire::StreamSearchNearbyRequest {
    wire::StreamSearchNearbyRequest { tag, request: Some(request) }
}

#[tokio::test]
async fn pipelined_searches_are_answered_in_order_with_their_tags() {
    let (_server, mut client, _) = server_with((0..9).map(|n| north(&format!("m{n}"), f64::from(n)))).await;
    let requests = (0..500).map(|n| {
        let page_size = i32::try_from(n % 9 + 1).unwrap();
        tagged(n * 7, wire::SearchNearbyRequest { page_size, ..at_home() })
    });
    // All requests are sent before the first response is read.
    let responses =
        client.stream_search_nearby(tokio_stream::iter(requests.collect::<Vec<_>>())).await.unwrap();
    let responses: Vec<_> = responses.into_inner().collect().await;
    assert_eq!(responses.len(), 500);
    for (n, response) in (0..).zip(responses) {
        let response = response.unwrap();
        let Some(Outcome::Response(page)) = response.outcome else { panic!("no response") };
        assert_eq!((response.tag, page.results.len()), (n * 7, usize::try_from(n % 9 + 1).unwrap()));
    }
}

#[tokio::test]
async fn an_invalid_search_does_not_end_the_stream() {
    let (_server, mut client, _) = server_with([north("a", 1.0)]).await;
    let (sender, requests) = tokio::sync::mpsc::channel(4);
    let mut responses =
        client.stream_search_nearby(ReceiverStream::new(requests)).await.unwrap().into_inner();
    sender.send(tagged(1, wire::SearchNearbyRequest { origin: None, ..at_home() })).await.unwrap();
    let response = responses.message().await.unwrap().unwrap();
    let Some(Outcome::Status(status)) = &response.outcome else { panic!("{response:?}") };
    let status =
        Status::with_details(status.code.into(), status.message.clone(), status.encode_to_vec().into());
    assert_eq!((response.tag, violation(&status)), (1, field("origin", "REQUIRED")));
    sender.send(wire::StreamSearchNearbyRequest { tag: 2, request: None }).await.unwrap();
    let response = responses.message().await.unwrap().unwrap();
    assert!(matches!(response.outcome, Some(Outcome::Status(_))));
    sender.send(tagged(3, at_home())).await.unwrap();
    let response = responses.message().await.unwrap().unwrap();
    assert!(matches!(response.outcome, Some(Outcome::Response(_))));
    drop(sender);
    assert_eq!(responses.message().await.unwrap(), None, "the stream ends when the client closes its side");
}
