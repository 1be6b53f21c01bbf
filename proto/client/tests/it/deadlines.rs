//! Deadlines of calls.

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
    fake_server::{FakeServer, Outcome, client_over_pipes, pipe_listener, unavailable},
    methods::{READS, STREAMS, WRITES, call},
};

/// Asserts a timeout of at most the deadline and more than 90 % of it, as sending the request takes some time.
fn assert_close(timeout: Option<Duration>, deadline: Duration, context: &str) {
    let timeout = timeout.unwrap();
    assert!(timeout <= deadline && timeout > deadline.mul_f64(0.9), "{context}: {timeout:?} of {deadline:?}");
}

/// Timeout of the service config, in seconds.
fn published(method: &str) -> Option<u64> {
    match method {
        "BackUpMerchants" | "ExportMerchants" | "StreamSearchNearby" | "WatchMerchants" | "WatchNearby"
        | "WatchNearbyFrom" => None,
        "SearchNearby" | "GetDensity" | "GetMerchant" | "ListMerchants" => Some(5),
        "ImportMerchants" => Some(60),
        batch if batch.starts_with("Batch") => Some(30),
        _ => Some(10),
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_of_the_service_config_is_sent_to_the_server() {
    for method in [&READS[..], &WRITES, &STREAMS].concat() {
        let server = FakeServer::default();
        call(&server.client(), method).await.unwrap();
        match published(method) {
            Some(seconds) => assert_close(server.calls()[0].timeout(), Duration::from_secs(seconds), method),
            None => assert_eq!(server.calls()[0].grpc_timeout, None, "{method}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn client_deadline_overrides_the_service_config_and_streams_have_none() {
    let deadline = Duration::from_millis(1_234);
    for method in [&READS[..], &WRITES, &STREAMS].concat() {
        let server = FakeServer::default();
        let client = server.client();
        call(&client.with_deadline(deadline), method).await.unwrap();
        match published(method) {
            Some(_) => assert_close(server.calls()[0].timeout(), deadline, method),
            None => assert_eq!(server.calls()[0].grpc_timeout, None, "{method}"),
        }
        // The original client is unchanged.
        call(&client, method).await.unwrap();
        let timeout = server.calls()[1].timeout();
        assert_eq!(
            timeout.map(|timeout| timeout.as_secs_f64().ceil()),
            published(method).map(|seconds| seconds as f64)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn missing_response_is_deadline_exceeded() {
    for method in [&READS[..], &WRITES, &["ImportMerchants"]].concat() {
        let server = FakeServer::new([Outcome::Hang]);
        let start = Instant::now();
        let error = call(&server.client(), method).await.unwrap_err();
        assert_eq!((error.code(), server.calls().len()), (Code::DeadlineExceeded, 1), "{method}");
        assert_close(Some(Duration::from_secs(published(method).unwrap())), start.elapsed(), method);
    }
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_all_attempts() {
    let deadline = Duration::from_secs(1);
    let server = FakeServer::new([unavailable(), unavailable(), Outcome::Hang]);
    let start = Instant::now();
    let error = call(&server.client().with_deadline(deadline), "SearchNearby").await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_close(Some(deadline), start.elapsed(), "all attempts");
    let timeouts: Vec<Duration> = server.calls().iter().map(|call| call.timeout().unwrap()).collect();
    // Each attempt gets the time that previous attempts and the delays, of at least 80 and 160 ms, have left.
    assert_eq!(timeouts.len(), 3);
    assert!(timeouts[1] <= timeouts[0].saturating_sub(Duration::from_millis(80)), "{timeouts:?}");
    assert!(timeouts[2] <= timeouts[1].saturating_sub(Duration::from_millis(160)), "{timeouts:?}");
}

#[tokio::test(start_paused = true)]
async fn extreme_deadlines_are_accepted() {
    for deadline in [Duration::ZERO, Duration::MAX] {
        let server = FakeServer::new([Outcome::Hang]);
        let error = call(&server.client().with_deadline(deadline), "SearchNearby").await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
    }
}

/// Response body that never yields data. The timeout of tonic covers only the headers.
struct StalledBody;

impl http_body::Body for StalledBody {
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
async fn stalled_response_body_is_deadline_exceeded() {
    let (connections, incoming) = mpsc::unbounded_channel();
    let stall = |response: http::Response<Body>| response.map(|_| Body::new(StalledBody));
    let server =
        Server::builder().layer(MapResponseLayer::new(stall)).add_routes(FakeServer::default().routes());
    tokio::spawn(server.serve_with_incoming(pipe_listener(incoming)));
    let client: Client = client_over_pipes(connections);
    let ended = timeout(Duration::from_secs(60), call(&client, "SearchNearby")).await;
    let error = ended.expect("the call ends by its deadline").unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
}
