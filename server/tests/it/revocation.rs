//! Streams end when their credentials are revoked or expire, or their principal loses a role.

use std::fs;

use nearby_proto::v1 as wire;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use crate::{
    auth::{Keys, reason, with},
    support::*,
};

/// Request streams that stay open until this is dropped.
struct OpenRequests<T>(tokio::sync::mpsc::Sender<T>);

async fn open_requests<T: Send + 'static>(first: T) -> (OpenRequests<T>, ReceiverStream<T>) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    sender.send(first).await.unwrap();
    (OpenRequests(sender), ReceiverStream::new(receiver))
}

fn watch_start(resume_token: &str) -> wire::WatchNearbyRequest {
    let start = wire::WatchNearbyStart {
        origin: Some(position(60.0, 25.0)),
        resume_token: resume_token.to_owned(),
        ..Default::default()
    };
    wire::WatchNearbyRequest { step: Some(wire::watch_nearby_request::Step::Start(start)) }
}

/// Reads a stream until it ends, and returns its error.
async fn end<T>(mut stream: tonic::Streaming<T>) -> (Code, String) {
    let read = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without an error"),
                Err(status) => return status,
            }
        }
    };
    code_and_reason(&tokio::time::timeout(TIMEOUT, read).await.unwrap())
}

fn code_and_reason(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

async fn create(server: &TestServer, key: &str, id: &str) {
    let create =
        wire::CreateMerchantRequest { merchant: Some(merchant(id, 60.0, 25.0)), ..Default::default() };
    server.merchants().await.create_merchant(with(key, create)).await.unwrap();
}

#[tokio::test]
async fn revoking_a_key_ends_its_streams_and_another_key_continues_them() {
    let keys = Keys::new();
    let (one, two) = (keys.add("one", "manage"), keys.add("two", "manage"));
    let server = keys.server(&[]).await;
    create(&server, &two, "a").await;
    let (mut searches, mut merchants) = (server.searches().await, server.merchants().await);

    let (watch_requests, stream) = open_requests(watch_start("")).await;
    let mut nearby = searches.watch_nearby(with(&one, stream)).await.unwrap().into_inner();
    let resume_token = nearby.message().await.unwrap().unwrap().resume_token;
    let watch = wire::WatchMerchantsRequest { revision: Some(0), ..Default::default() };
    let mut changes = merchants.watch_merchants(with(&one, watch)).await.unwrap().into_inner();
    let mut revision = 0;
    while revision == 0 {
        revision = changes.message().await.unwrap().unwrap().revision;
    }
    let first = wire::StreamSearchNearbyRequest { request: Some(search(60.0, 25.0)), ..Default::default() };
    let (search_requests, stream) = open_requests(first).await;
    let mut searching = searches.stream_search_nearby(with(&one, stream)).await.unwrap().into_inner();
    searching.message().await.unwrap().unwrap();
    let row =
        wire::ImportRow { row_number: 1, merchant: Some(merchant("b", 10.0, 10.0)), ..Default::default() };
    let rows = wire::ImportMerchantsRequest { rows: vec![row], ..Default::default() };
    let (import_requests, stream) = open_requests(rows).await;
    let mut importer = merchants.clone();
    let request = with(&one, stream);
    let importing = tokio::spawn(async move { importer.import_merchants(request).await });
    let (kept_requests, stream) = open_requests(watch_start("")).await;
    let mut kept = searches.watch_nearby(with(&two, stream)).await.unwrap().into_inner();
    kept.message().await.unwrap().unwrap();

    keys.run(&["revoke", &one]);
    let revoked = (Code::Unauthenticated, "CREDENTIALS_REVOKED".to_owned());
    assert_eq!(end(nearby).await, revoked);
    assert_eq!(end(changes).await, revoked);
    assert_eq!(end(searching).await, revoked);
    let import = tokio::time::timeout(TIMEOUT, importing).await.unwrap().unwrap();
    assert_eq!(code_and_reason(&import.unwrap_err()), revoked);
    drop((watch_requests.0, search_requests.0, import_requests.0));

    // Nothing is missed: another key of the client goes on where the first one ended.
    let (_requests, stream) = open_requests(watch_start(&resume_token)).await;
    let mut nearby = searches.watch_nearby(with(&two, stream)).await.unwrap().into_inner();
    let resumed = nearby.message().await.unwrap().unwrap();
    assert!(!resumed.reset && resumed.entered.is_empty(), "{resumed:?}");
    create(&server, &two, "c").await;
    for watch in [&mut nearby, &mut kept] {
        let message = tokio::time::timeout(TIMEOUT, watch.message()).await.unwrap().unwrap().unwrap();
        let entered = message.entered[0].merchant.clone().unwrap().name;
        assert_eq!((message.reset, entered.as_str()), (false, "merchants/c"));
    }
    let watch = wire::WatchMerchantsRequest { revision: Some(revision), ..Default::default() };
    let mut changes = merchants.watch_merchants(with(&two, watch)).await.unwrap().into_inner();
    let mut stored = Vec::new();
    while !stored.contains(&"merchants/c".to_owned()) {
        let message = tokio::time::timeout(TIMEOUT, changes.message()).await.unwrap().unwrap().unwrap();
        stored.extend(message.changes.into_iter().filter_map(|change| match change.change {
            Some(wire::merchant_change::Change::Stored(merchant)) => Some(merchant.name),
            _ => None,
        }));
    }
    assert!(!stored.contains(&"merchants/a".to_owned()), "only later changes: {stored:?}");
    drop(kept_requests.0);
}

#[tokio::test]
async fn streams_end_when_a_key_expires_or_is_removed_or_loses_a_role() {
    let keys = Keys::new();
    let names = ["narrowed", "expired", "removed"];
    let all = names.map(|name| keys.add(name, "manage"));
    let server = keys.server(&[]).await;
    create(&server, &all[0], "a").await;
    let mut merchants = server.merchants().await;
    let mut open = Vec::new();
    for key in &all {
        let watch = wire::WatchMerchantsRequest { revision: Some(0), ..Default::default() };
        let mut changes = merchants.watch_merchants(with(key, watch)).await.unwrap().into_inner();
        changes.message().await.unwrap().unwrap();
        open.push(changes);
    }
    // A search key may watch nearby merchants, but not with the filter that the key had.
    let (_requests, stream) = open_requests(watch_start("")).await;
    let mut nearby = server.searches().await.watch_nearby(with(&all[0], stream)).await.unwrap().into_inner();
    nearby.message().await.unwrap().unwrap();

    let text = fs::read_to_string(keys.path()).unwrap();
    let changed = text.split_inclusive("[[key]]").map(|entry| entry.to_owned()).collect::<Vec<_>>();
    let changed: Vec<String> = changed
        .into_iter()
        .filter(|entry| !entry.contains("\"removed\""))
        .map(|entry| match entry {
            entry if entry.contains("\"narrowed\"") => entry.replace("\"manage\"", "\"search\""),
            entry if entry.contains("\"expired\"") => {
                entry.replace("created", "expires = \"2020-01-01T00:00:00Z\"\ncreated")
            }
            entry => entry,
        })
        .collect();
    let text = changed.concat();
    fs::write(keys.path(), text.trim_end().trim_end_matches("[[key]]")).unwrap();
    let mut ends = Vec::new();
    for changes in open {
        ends.push(end(changes).await);
    }
    let expected = [
        (Code::PermissionDenied, "ROLE_MISSING"),
        (Code::Unauthenticated, "CREDENTIALS_EXPIRED"),
        (Code::Unauthenticated, "CREDENTIALS_INVALID"),
    ];
    assert_eq!(ends, expected.map(|(code, reason)| (code, reason.to_owned())));
    assert_eq!(end(nearby).await, (Code::PermissionDenied, "ROLE_MISSING".to_owned()));
}
