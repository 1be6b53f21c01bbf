//! `WatchMerchants`: changes as they are made.

use super::*;
use std::collections::BTreeMap;
use tonic::Streaming;

fn from(revision: u64) -> wire::WatchMerchantsRequest {
    wire::WatchMerchantsRequest { revision: Some(revision), view: 0 }
}

async fn watch(
    client: &mut MerchantServiceClient<Channel>,
    request: wire::WatchMerchantsRequest,
) -> Streaming<wire::WatchMerchantsResponse> {
    client.watch_merchants(request).await.unwrap().into_inner()
}

/// Changes up to a revision, as (revision, id, whether it is there).
async fn until(
    messages: &mut Streaming<wire::WatchMerchantsResponse>,
    revision: u64,
) -> Vec<(u64, String, bool)> {
    let mut all = Vec::new();
    loop {
        let message = messages.message().await.unwrap().unwrap();
        for change in message.changes {
            use wire::merchant_change::Change::{DeletedName, Stored};
            let (name, is_there) = match change.change.unwrap() {
                Stored(merchant) => {
                    assert_eq!(merchant.etag, format!("{:x}", change.revision));
                    (merchant.name, true)
                }
                DeletedName(name) => (name, false),
            };
            all.push((change.revision, name.replace("merchants/", ""), is_there));
        }
        if message.revision >= revision {
            assert_eq!(message.revision, revision);
            assert!(all.is_sorted());
            return all;
        }
    }
}

fn expected(changes: &[(u64, &str, bool)]) -> Vec<(u64, String, bool)> {
    changes.iter().map(|(revision, id, is_there)| (*revision, (*id).to_owned(), *is_there)).collect()
}

#[tokio::test]
async fn changes_come_as_they_are_made() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    // From now on: the first message comes at once and says where now is.
    let mut messages = watch(&mut client, wire::WatchMerchantsRequest::default()).await;
    assert_eq!(until(&mut messages, 1).await, []);
    create(&mut client, north("b", 1.0)).await;
    assert_eq!(until(&mut messages, 2).await, expected(&[(2, "b", true)]));
    delete(&mut client, "a").await;
    assert_eq!(until(&mut messages, 3).await, expected(&[(3, "a", false)]));
}

#[tokio::test]
async fn it_resumes_where_it_ended_also_after_a_restart() {
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
    // From the beginning, of what is gone only that it is.
    let mut messages = watch(&mut client, from(0)).await;
    assert_eq!(until(&mut messages, 5).await, expected(&[all[0], all[2], all[3], all[4]]));
    create(&mut client, north("e", 1.0)).await;
    assert_eq!(until(&mut messages, 6).await, expected(&[(6, "e", true)]));
}

#[tokio::test]
async fn an_export_and_a_watch_from_its_revision_have_no_gap() {
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
    for (_, id, is_there) in until(&mut messages, 90).await {
        if is_there {
            copy.insert(id, ())
        } else {
            copy.remove(&id)
        };
    }
    assert_eq!(copy.into_keys().collect::<Vec<_>>(), list_ids(&mut client).await);
}

#[tokio::test]
async fn a_revision_that_is_no_longer_known_or_yet_to_come_is_refused_with_the_way_back() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    // Released data: a store that never kept deletions. Its last commit is the earliest to resume from.
    std::fs::create_dir_all(&data_dir).unwrap();
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    create(&mut client, north("a", 1.0)).await;
    let future = client.watch_merchants(from(99)).await.unwrap_err();
    assert_eq!(reason(&future), (Code::OutOfRange, "REVISION_IN_FUTURE".to_owned()));
    assert!(future.message().contains("revision 1 ") && future.message().contains("export"), "{future:?}");
}

#[tokio::test]
async fn views_are_kept() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    let view = wire::MerchantView::IdOnly.into();
    let mut messages = watch(&mut client, wire::WatchMerchantsRequest { revision: Some(0), view }).await;
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
async fn there_are_only_so_many_watchers() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &["--max-watchers", "2"]).await;
    let mut client = server.merchants().await;
    let first = watch(&mut client, from(0)).await;
    let _second = watch(&mut client, from(0)).await;
    let refused = client.watch_merchants(from(0)).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::ResourceExhausted, "TOO_MANY_WATCHERS".to_owned()));
    assert_eq!(refused.get_details_quota_failure().unwrap().violations[0].subject, "nearby/watchers");
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    // The place of one that is gone is free again.
    drop(first);
    while client.watch_merchants(from(0)).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stopping_server_ends_it_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &[]).await;
    let mut client = server.merchants().await;
    let mut messages = watch(&mut client, from(0)).await;
    messages.message().await.unwrap().unwrap();
    let ended = tokio::spawn(async move { messages.message().await.unwrap_err() });
    assert_eq!(server.terminate().await.code(), Some(0));
    assert_eq!(reason(&ended.await.unwrap()), (Code::Unavailable, "NOT_READY".to_owned()));
}
