//! One principal cannot hold so much of a resource that others find none.

use nearby_proto::v1 as wire;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    admin::{admin_url, get},
    auth::{Keys, reason, with},
    support::*,
};

type Opened<T> = Result<(tokio::sync::mpsc::Sender<T>, tonic::Streaming<Message>), Status>;
type Message = wire::StreamSearchNearbyResponse;

/// Opens a stream of searches, and reads its first response.
async fn open_stream(server: &TestServer, key: &str) -> Opened<wire::StreamSearchNearbyRequest> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let first = wire::StreamSearchNearbyRequest { request: Some(search(60.0, 25.0)), ..Default::default() };
    sender.send(first).await.unwrap();
    let request = with(key, ReceiverStream::new(receiver));
    let mut responses = server.searches().await.stream_search_nearby(request).await?.into_inner();
    responses.message().await?.unwrap();
    Ok((sender, responses))
}

fn rejection<T>(opened: Result<T, Status>) -> (Code, String, String) {
    let status = opened.err().unwrap();
    let subject = status.get_details_quota_failure().unwrap().violations[0].subject.clone();
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    (status.code(), reason(&status), subject)
}

#[tokio::test]
async fn a_principal_that_holds_nine_tenths_of_the_streams_gets_no_more_and_another_gets_the_rest() {
    let keys = Keys::new();
    let (one, two) = (keys.add("one", "search"), keys.add("two", "search"));
    let server = keys.server(&["--max-streams", "10"]).await;
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(open_stream(&server, &one).await.unwrap());
    }
    let limit = |reason: &str| (Code::ResourceExhausted, reason.to_owned(), "nearby/streams".to_owned());
    assert_eq!(rejection(open_stream(&server, &one).await), limit("PRINCIPAL_LIMIT"));
    let _of_two = open_stream(&server, &two).await.unwrap();
    assert_eq!(rejection(open_stream(&server, &two).await), limit("TOO_MANY_STREAMS"));
    drop(held.pop());
    wait_until("the stream is never released", async || open_stream(&server, &two).await.is_ok()).await;
}

/// Starts a watch of a search, and reads its first response.
async fn watch(
    server: &TestServer,
    key: &str,
) -> Result<
    (tokio::sync::mpsc::Sender<wire::WatchNearbyRequest>, tonic::Streaming<wire::WatchNearbyResponse>),
    Status,
> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let start = wire::WatchNearbyStart { origin: Some(position(60.0, 25.0)), ..Default::default() };
    let step = Some(wire::watch_nearby_request::Step::Start(start));
    sender.send(wire::WatchNearbyRequest { step }).await.unwrap();
    let request = with(key, ReceiverStream::new(receiver));
    let mut responses = server.searches().await.watch_nearby(request).await?.into_inner();
    responses.message().await?.unwrap();
    Ok((sender, responses))
}

#[tokio::test]
async fn searches_cannot_take_the_reserve_of_the_change_feed() {
    let keys = Keys::new();
    let (app, feed) = (keys.add("app", "search"), keys.add("feed", "manage"));
    let flags = ["--max-watchers", "4", "--change-feed-reserve", "0.25", "--max-principal-fraction", "1"];
    let server = keys.server(&flags).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(watch(&server, &app).await.unwrap());
    }
    let rejected = rejection(watch(&server, &app).await);
    assert_eq!((rejected.0, &*rejected.1), (Code::ResourceExhausted, "TOO_MANY_WATCHERS"));
    let all = with(&feed, wire::WatchMerchantsRequest::default());
    let mut changes = server.merchants().await.watch_merchants(all).await.unwrap().into_inner();
    changes.message().await.unwrap().unwrap();
}

#[tokio::test]
async fn limits_that_are_only_observed_are_counted_and_reject_nothing() {
    let keys = Keys::new();
    let one = keys.add("one", "search");
    let flags = ["--max-streams", "10", "--observe-principal-limits", "--admin-listen", "127.0.0.1:0"];
    let server = keys.server(&flags).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(open_stream(&server, &one).await.unwrap());
    }
    let (_, metrics) = get(format!("{}/metrics", admin_url(&server))).await;
    let series = "nearby_principal_limit_reached_total{outcome=\"observed\",resource=\"streams\"} 1";
    assert!(metrics.contains(series), "{metrics}");
}
