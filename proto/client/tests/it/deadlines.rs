//! How long calls may take.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http_body::Frame;
use nearby_client::{Client, Code};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tonic::{body::Body, transport::Server};
use tower::util::MapResponseLayer;

use crate::{
    fake_server::{Fake, Outcome, over_pipes, pipes, unavailable},
    methods::{READS, STREAMS, WRITES, call},
};

/// As it takes a moment to send a request, a server is told a little less.
fn assert_about(told: Option<Duration>, deadline: Duration, what: &str) {
    let told = told.unwrap();
    assert!(told <= deadline && told > deadline.mul_f64(0.9), "{what}: {told:?} of {deadline:?}");
}

/// What the service config says, in seconds.
fn published(method: &str) -> Option<u64> {
    match method {
        "BackUpMerchants" | "ExportMerchants" | "StreamSearchNearby" | "WatchMerchants" | "WatchNearby" => {
            None
        }
        "SearchNearby" | "GetDensity" | "GetMerchant" | "ListMerchants" => Some(5),
        "ImportMerchants" => Some(60),
        batch if batch.starts_with("Batch") => Some(30),
        _ => Some(10),
    }
}

#[tokio::test(start_paused = true)]
async fn servers_are_told_the_deadline_of_the_service_config() {
    for method in [&READS[..], &WRITES, &STREAMS].concat() {
        let fake = Fake::default();
        call(&fake.client(), method).await.unwrap();
        match published(method) {
            Some(seconds) => assert_about(fake.calls()[0].timeout(), Duration::from_secs(seconds), method),
            None => assert_eq!(fake.calls()[0].grpc_timeout, None, "{method}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_goes_before_and_streams_have_none() {
    let deadline = Duration::from_millis(1_234);
    for method in [&READS[..], &WRITES, &STREAMS].concat() {
        let fake = Fake::default();
        let client = fake.client();
        call(&client.with_deadline(deadline), method).await.unwrap();
        match published(method) {
            Some(_) => assert_about(fake.calls()[0].timeout(), deadline, method),
            None => assert_eq!(fake.calls()[0].grpc_timeout, None, "{method}"),
        }
        // The client that it was made from is as it was.
        call(&client, method).await.unwrap();
        let told = fake.calls()[1].timeout();
        assert_eq!(
            told.map(|told| told.as_secs_f64().ceil()),
            published(method).map(|seconds| seconds as f64)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_deadline_exceeded() {
    for method in [&READS[..], &WRITES, &["ImportMerchants"]].concat() {
        let fake = Fake::new([Outcome::Silence]);
        let start = Instant::now();
        let error = call(&fake.client(), method).await.unwrap_err();
        assert_eq!((error.code(), fake.calls().len()), (Code::DeadlineExceeded, 1), "{method}");
        assert_about(Some(Duration::from_secs(published(method).unwrap())), start.elapsed(), method);
    }
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_all_attempts() {
    let deadline = Duration::from_secs(1);
    let fake = Fake::new([unavailable(), unavailable(), Outcome::Silence]);
    let start = Instant::now();
    let error = call(&fake.client().with_deadline(deadline), "SearchNearby").await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_about(Some(deadline), start.elapsed(), "all attempts");
    let told: Vec<Duration> = fake.calls().iter().map(|call| call.timeout().unwrap()).collect();
    // Each attempt has what the ones before and the waits, of at least 80 and 160 ms, have left of it.
    assert_eq!(told.len(), 3);
    assert!(told[1] <= told[0].saturating_sub(Duration::from_millis(80)), "{told:?}");
    assert!(told[2] <= told[1].saturating_sub(Duration::from_millis(160)), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn any_length_is_a_deadline() {
    for deadline in [Duration::ZERO, Duration::MAX] {
        let fake = Fake::new([Outcome::Silence]);
        let error = call(&fake.client().with_deadline(deadline), "SearchNearby").await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
    }
}

/// An answer that begins and does not go on. tonic's own timeout is content with its headers.
struct Stalled;

impl http_body::Body for Stalled {
    type Data = prost::bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_begins_and_stalls_is_deadline_exceeded() {
    let (connections, incoming) = mpsc::unbounded_channel();
    let stall = |answer: http::Response<Body>| answer.map(|_| Body::new(Stalled));
    let server = Server::builder().layer(MapResponseLayer::new(stall)).add_routes(Fake::default().routes());
    tokio::spawn(server.serve_with_incoming(pipes(incoming)));
    let client: Client = over_pipes(connections);
    let ended = timeout(Duration::from_secs(60), call(&client, "SearchNearby")).await;
    let error = ended.expect("it does not wait for ever").unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
}
