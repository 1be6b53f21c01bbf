//! Calls that stream.

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

use crate::fake_server::{Fake, Outcome};

#[tokio::test]
async fn searches_are_answered_as_they_come() {
    let requests = (1..=5).map(|tag| StreamSearchNearbyRequest { tag, request: None });
    let answers = Fake::default().client().stream_search_nearby(stream::iter(requests)).await.unwrap();
    let tags: Vec<u64> = answers.map_ok(|answer| answer.tag).try_collect().await.unwrap();
    assert_eq!(tags, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_watcher_is_answered_step_by_step() {
    let (steps, to_send) = mpsc::unbounded_channel::<WatchNearbyRequest>();
    let to_send = stream::unfold(to_send, |mut to_send| async { Some((to_send.recv().await?, to_send)) });
    let mut answers = Fake::default().client().watch_nearby(to_send).await.unwrap();
    for number in 1..=3 {
        steps.send(WatchNearbyRequest::default()).unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().steps, number);
    }
    drop(steps);
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn an_export_that_breaks_tells_why_as_a_call_does() {
    let part = |revision| ExportMerchantsResponse { revision, ..Default::default() }.encode_to_vec();
    let too_old = Status::out_of_range("begin anew");
    let fake = Fake::new([Outcome::Answer(vec![part(7), part(8)]), Outcome::Fail(too_old)]);
    let mut answers = fake.client().export_merchants(ExportMerchantsRequest::default()).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().revision, 7);
    assert_eq!(answers.next().await.unwrap().unwrap().revision, 8);
    let error = answers.message().await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Code::OutOfRange, "begin anew"));
}

#[tokio::test]
async fn changes_come_until_the_server_ends_them() {
    let change = |revision| WatchMerchantsResponse { revision, ..Default::default() }.encode_to_vec();
    let fake = Fake::new([Outcome::Answer(vec![change(1), change(2)])]);
    let answers = fake.client().watch_merchants(Default::default()).await.unwrap();
    let revisions: Vec<u64> = answers.map_ok(|answer| answer.revision).try_collect().await.unwrap();
    assert_eq!(revisions, [1, 2]);
}

#[tokio::test]
async fn an_import_is_answered_when_all_is_sent() {
    let message = |numbers: [i64; 2]| ImportMerchantsRequest {
        rows: numbers.map(|row_number| ImportRow { row_number, merchant: None }).to_vec(),
        allow_null_island: false,
    };
    let client = Fake::default().client();
    let answer = client.import_merchants(stream::iter([message([1, 2]), message([3, 4])])).await.unwrap();
    let numbers: Vec<i64> = answer.outcomes.iter().map(|outcome| outcome.row_number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}
