//! Streaming calls.

use futures_util::{StreamExt, TryStreamExt, stream};
use nearby_client::{
    Code,
    v1::{
        ExportMerchantsRequest, ExportMerchantsResponse, ImportMerchantsRequest, ImportRow,
        StreamSearchNearbyRequest, WatchMerchantsResponse, WatchNearbyRequest,
    },
};
use prost::Message;
use tokio::sync::mpsc;
use tonic::Status;

use crate::fake_server::{FakeServer, Outcome};

#[tokio::test]
async fn stream_search_returns_one_response_per_request() {
    let requests = (1..=5).map(|tag| StreamSearchNearbyRequest { tag, request: None });
    let responses =
        FakeServer::default().client().stream_search_nearby(stream::iter(requests)).await.unwrap();
    let tags: Vec<u64> = responses.map_ok(|response| response.tag).try_collect().await.unwrap();
    assert_eq!(tags, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn watch_responds_to_each_step() {
    let (steps, to_send) = mpsc::unbounded_channel::<WatchNearbyRequest>();
    let to_send = stream::unfold(to_send, |mut to_send| async { Some((to_send.recv().await?, to_send)) });
    let mut responses = FakeServer::default().client().watch_nearby(to_send).await.unwrap();
    for number in 1..=3 {
        steps.send(WatchNearbyRequest::default()).unwrap();
        assert_eq!(responses.message().await.unwrap().unwrap().steps, number);
    }
    drop(steps);
    assert!(responses.message().await.unwrap().is_none());
}

#[tokio::test]
async fn interrupted_export_ends_with_the_error_of_the_server() {
    let chunk = |revision| ExportMerchantsResponse { revision, ..Default::default() }.encode_to_vec();
    let too_old = Status::out_of_range("start again");
    let server = FakeServer::new([Outcome::Respond(vec![chunk(7), chunk(8)]), Outcome::Fail(too_old)]);
    let mut responses = server.client().export_merchants(ExportMerchantsRequest::default()).await.unwrap();
    assert_eq!(responses.message().await.unwrap().unwrap().revision, 7);
    assert_eq!(responses.next().await.unwrap().unwrap().revision, 8);
    let error = responses.message().await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Code::OutOfRange, "start again"));
}

#[tokio::test]
async fn change_stream_ends_when_the_server_ends_it() {
    let change = |revision| WatchMerchantsResponse { revision, ..Default::default() }.encode_to_vec();
    let server = FakeServer::new([Outcome::Respond(vec![change(1), change(2)])]);
    let responses = server.client().watch_merchants(Default::default()).await.unwrap();
    let revisions: Vec<u64> = responses.map_ok(|response| response.revision).try_collect().await.unwrap();
    assert_eq!(revisions, [1, 2]);
}

#[tokio::test]
async fn import_responds_after_the_last_message() {
    let message = |numbers: [i64; 2]| ImportMerchantsRequest {
        rows: numbers
            .map(|row_number| ImportRow { row_number, merchant: None, ..Default::default() })
            .to_vec(),
        ..Default::default()
    };
    let client = FakeServer::default().client();
    let response = client.import_merchants(stream::iter([message([1, 2]), message([3, 4])])).await.unwrap();
    let numbers: Vec<i64> = response.outcomes.iter().map(|outcome| outcome.row_number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}
