//! `WatchMerchants`: a stream of changes.

use super::*;
use std::collections::BTreeMap;
use tonic::Streaming;

fn from(revision: u64) -> wire::WatchMerchantsRequest {
    wire::WatchMerchantsRequest { revision: Some(revision), ..Default::default() }
}

async fn watch(
    client: &mut MerchantServiceClient<Channel>,
    request: wire::WatchMerchantsRequest,
) -> Streaming<wire::WatchMerchantsResponse> {
    client.watch_merchants(request).await.unwrap().into_inner()
}

/// Reads the changes up to a revision, as (revision, id, `true` if stored or `false` if deleted).
async fn until(
    messages: &mut Streaming<wire::WatchMerchantsResponse>,
    revision: u64,
) -> Vec<(u64, String, bool)> {
    let mut all = Vec::new();
    loop {
        let message = messages.message().await.unwrap().unwrap();
        for change in message.changes {
            use wire::merchant_change::Change::{DeletedName, Stored};
            let (name, is_stored) = match change.change.unwrap() {
                Stored(merchant) => {
                    assert_eq!(merchant.etag, format!("{:x}", change.revision));
                    (merchant.name, true)
                }
                DeletedName(name) => (name, false),
            };
            all.push((change.revision, name.replace("merchants/", ""), is_stored));
        }
        if message.revision >= revision {
            assert_eq!(message.revision, revision);
            assert!(all.is_sorted());
            return all;
        }
    }
}

fn expected(changes: &[(u64, &str, bool)]) -> Vec<(u64, String, bool)> {
    changes.iter().map(|(revision, id, is_stored)| (*revision, (*id).to_owned(), *is_stored)).collect()
}

#[tokio::test]
async fn changes_are_sent_as_they_are_committed() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    // From the current revision: the first message is sent at once and contains it.
    let mut messages = watch(&mut client, wire::WatchMerchantsRequest::default()).await;
    assert_eq!(until(&mut messages, 1).await, []);
    create(&mut client, north("b", 1.0)).await;
    assert_eq!(until(&mut messages, 2).await, expected(&[(2, "b", true)]));
    delete(&mut client, "a").await;
    assert_eq!(until(&mut messages, 3).await, expected(&[(3, "a", false)]));
}

#[tokio::test]
async fn a_watch_resumes_from_a_revision_even_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    for id in ["a", "b", "c"] {
        create(&mut client, north(id, 1.0)).await;
    }
    delete(&mut client, "b").await;
    create(&mut client, north("d", 1.0)).await;
    let all = [(1, "a", true), (2, "b", true), (3, "c", true), (4, "b", false), (5, "d", true)];
    let mut messages = watch(&mut client, from(2)).await;
    assert_eq!(until(&mut messages, 5).await, expected(&all[2..]));
    server.kill();
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    let mut messages = watch(&mut client, from(2)).await;
    assert_eq!(until(&mut messages, 5).await, expected(&all[2..]));
    // From the beginning: deleted merchants appear only as deletions.
    let mut messages = watch(&mut client, from(0)).await;
    assert_eq!(until(&mut messages, 5).await, expected(&[all[0], all[2], all[3], all[4]]));
    create(&mut client, north("e", 1.0)).await;
    assert_eq!(until(&mut messages, 6).await, expected(&[(6, "e", true)]));
}

#[tokio::test]
async fn an_export_followed_by_a_watch_from_its_revision_misses_no_change() {
    let (_server, _, mut client) = server_with((0..50).map(|n| north(&format!("m{n:02}"), 1.0))).await;
    let mut export =
        client.export_merchants(wire::ExportMerchantsRequest::default()).await.unwrap().into_inner();
    for n in 0..20 {
        delete(&mut client, &format!("m{n:02}")).await;
        create(&mut client, north(&format!("n{n:02}"), 1.0)).await;
    }
    let mut copy = BTreeMap::new();
    let mut revision = 0;
    while let Some(message) = export.message().await.unwrap() {
        revision = message.revision;
        copy.extend(ids_of(&message.merchants).into_iter().map(|id| (id, ())));
    }
    let mut messages = watch(&mut client, from(revision)).await;
    for (_, id, is_stored) in until(&mut messages, 90).await {
        if is_stored {
            copy.insert(id, ())
        } else {
            copy.remove(&id)
        };
    }
    assert_eq!(copy.into_keys().collect::<Vec<_>>(), list_ids(&mut client).await);
}

#[tokio::test]
async fn a_future_revision_is_rejected_with_the_current_revision_and_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    create(&mut client, north("a", 1.0)).await;
    let future = client.watch_merchants(from(99)).await.unwrap_err();
    assert_eq!(reason(&future), (Code::OutOfRange, "REVISION_IN_FUTURE".to_owned()));
    assert!(future.message().contains("revision 1 ") && future.message().contains("export"), "{future:?}");
}

#[tokio::test]
async fn the_view_applies_to_stored_merchants() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let view = wire::MerchantView::IdOnly.into();
    let mut messages =
        watch(&mut client, wire::WatchMerchantsRequest { revision: Some(0), view, ..Default::default() })
            .await;
    let message = loop {
        let message = messages.message().await.unwrap().unwrap();
        if !message.changes.is_empty() {
            break message;
        }
    };
    let stored = wire::Merchant { name: name("a"), ..Default::default() };
    assert_eq!(message.changes[0].change, Some(wire::merchant_change::Change::Stored(stored)));
}

#[tokio::test]
async fn the_number_of_watchers_is_limited() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &["--max-watchers", "2"]).await;
    let mut client = server.merchants().await;
    let first = watch(&mut client, from(0)).await;
    let _second = watch(&mut client, from(0)).await;
    let rejected = client.watch_merchants(from(0)).await.unwrap_err();
    assert_eq!(reason(&rejected), (Code::ResourceExhausted, "TOO_MANY_WATCHERS".to_owned()));
    assert_eq!(rejected.get_details_quota_failure().unwrap().violations[0].subject, "nearby/watchers");
    assert!(rejected.get_details_retry_info().unwrap().retry_delay.is_some());
    drop(first);
    let is_accepted = async || client.clone().watch_merchants(from(0)).await.is_ok();
    wait_until("the permit of a closed watch is never released", is_accepted).await;
}

#[tokio::test]
async fn a_stopping_server_ends_watches_with_unavailable() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &[]).await;
    let mut client = server.merchants().await;
    let mut messages = watch(&mut client, from(0)).await;
    messages.message().await.unwrap().unwrap();
    let ended = tokio::spawn(async move { messages.message().await.unwrap_err() });
    assert_eq!(server.terminate().await.code(), Some(0));
    assert_eq!(reason(&ended.await.unwrap()), (Code::Unavailable, "NOT_READY".to_owned()));
}
