//! `BackUpMerchants`: the complete state of the server at one revision.

use super::*;

/// Returns the bytes of a backup and its revision.
async fn back_up(client: &mut MerchantServiceClient<Channel>) -> (Vec<u8>, u64) {
    let request = wire::BackUpMerchantsRequest {};
    let mut messages = client.back_up_merchants(request).await.unwrap().into_inner();
    let (mut bytes, mut revisions) = (Vec::new(), BTreeSet::new());
    while let Some(message) = messages.message().await.unwrap() {
        assert!(message.data.len() <= 256 * 1024);
        bytes.extend_from_slice(&message.data);
        revisions.insert(message.revision);
    }
    assert_eq!(revisions.len(), 1);
    (bytes, revisions.pop_first().unwrap())
}

#[tokio::test]
async fn a_restored_backup_has_the_same_merchants_and_completed_requests() {
    let (_server, _, mut client) = server_with([north("a", 1.0), north("b", 2.0), north("c", 3.0)]).await;
    let request_id = "7d444840-9dc0-11d1-b245-5ffdce74fad2".to_owned();
    let create = wire::CreateMerchantRequest {
        merchant: Some(north("d", 4.0)),
        request_id: request_id.clone(),
        ..Default::default()
    };
    let created = client.create_merchant(create.clone()).await.unwrap().into_inner();
    delete(&mut client, "b").await;
    let (bytes, revision) = back_up(&mut client).await;
    assert_eq!(revision, 5);
    // Later changes are not in the backup.
    delete(&mut client, "a").await;

    let directory = tempfile::tempdir().unwrap();
    let (file, data_dir) = (directory.path().join("a.backup"), directory.path().join("data"));
    std::fs::write(&file, bytes).unwrap();
    let restored = run(nearby().arg("restore").arg(&file).arg("--data-dir").arg(&data_dir));
    assert!(restored.status.success(), "{restored:?}");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    assert_eq!(list_ids(&mut client).await, ["a", "c", "d"]);
    let again = client.create_merchant(create).await.unwrap().into_inner();
    assert_eq!(again, created, "a request that was completed before the backup is not repeated");

    // A client that has watched revisions after the backup cannot resume: they no longer exist.
    let follow = |revision| wire::WatchMerchantsRequest { revision: Some(revision), ..Default::default() };
    let rejected = client.watch_merchants(follow(6)).await.unwrap_err();
    assert_eq!(rejected.get_details_error_info().unwrap().reason, "REVISION_TOO_OLD");
    delete(&mut client, "c").await;
    let mut watched = client.watch_merchants(follow(5 + (1 << 32))).await.unwrap().into_inner();
    while watched.message().await.unwrap().unwrap().changes.is_empty() {}
}
