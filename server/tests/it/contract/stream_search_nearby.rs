//! `StreamSearchNearby`: searches as they come.

use super::*;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use wire::stream_search_nearby_response::Outcome;

fn tagged(tag: u64, request: wire::SearchNearbyRequest) -> wire::StreamSearchNearbyRequest {
    wire::StreamSearchNearbyRequest { tag, request: Some(request) }
}

#[tokio::test]
async fn answers_come_in_order_with_their_tags_without_waiting_between() {
    let (_server, mut client, _) = server_with((0..9).map(|n| north(&format!("m{n}"), f64::from(n)))).await;
    let requests = (0..500).map(|n| {
        let page_size = i32::try_from(n % 9 + 1).unwrap();
        tagged(n * 7, wire::SearchNearbyRequest { page_size, ..at_home() })
    });
    // All are sent before the first answer is read.
    let answers =
        client.stream_search_nearby(tokio_stream::iter(requests.collect::<Vec<_>>())).await.unwrap();
    let answers: Vec<_> = answers.into_inner().collect().await;
    assert_eq!(answers.len(), 500);
    for (n, answer) in (0..).zip(answers) {
        let answer = answer.unwrap();
        let Some(Outcome::Response(response)) = answer.outcome else { panic!("no answer") };
        assert_eq!((answer.tag, response.results.len()), (n * 7, usize::try_from(n % 9 + 1).unwrap()));
    }
}

#[tokio::test]
async fn a_bad_request_fails_alone_and_the_stream_goes_on() {
    let (_server, mut client, _) = server_with([north("a", 1.0)]).await;
    let (sender, requests) = tokio::sync::mpsc::channel(4);
    let mut answers = client.stream_search_nearby(ReceiverStream::new(requests)).await.unwrap().into_inner();
    sender.send(tagged(1, wire::SearchNearbyRequest { origin: None, ..at_home() })).await.unwrap();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(Outcome::Status(status)) = &answer.outcome else { panic!("{answer:?}") };
    let status =
        Status::with_details(status.code.into(), status.message.clone(), status.encode_to_vec().into());
    assert_eq!((answer.tag, violation(&status)), (1, field("origin", "REQUIRED")));
    sender.send(wire::StreamSearchNearbyRequest { tag: 2, request: None }).await.unwrap();
    let answer = answers.message().await.unwrap().unwrap();
    assert!(matches!(answer.outcome, Some(Outcome::Status(_))));
    sender.send(tagged(3, at_home())).await.unwrap();
    let answer = answers.message().await.unwrap().unwrap();
    assert!(matches!(answer.outcome, Some(Outcome::Response(_))));
    drop(sender);
    assert_eq!(answers.message().await.unwrap(), None, "it ends when the caller does");
}
