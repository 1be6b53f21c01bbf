//! `request_id` (AIP-155) and `validate_only` (AIP-163) of every change.

use super::*;

const ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const OTHER_ID: &str = "0193a7e2-1111-7abc-8def-0123456789ab";

fn create_as(request_id: &str, merchant: wire::Merchant) -> wire::CreateMerchantRequest {
    let request_id = request_id.to_owned();
    wire::CreateMerchantRequest { merchant: Some(merchant), request_id, ..Default::default() }
}

fn delete_as(request_id: &str, id: &str) -> wire::DeleteMerchantRequest {
    wire::DeleteMerchantRequest { name: name(id), request_id: request_id.to_owned(), ..Default::default() }
}

async fn revision(client: &mut NearbyServiceClient<Channel>) -> u64 {
    found(client, at_home()).await.revision
}

#[tokio::test]
async fn repeated_requests_return_the_first_result_even_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    // Without a merchant id: the id that the server generates must be the same when repeated.
    let nameless = || wire::Merchant { name: String::new(), ..north("", 1.0) };
    let created = client.create_merchant(create_as(ID, nameless())).await.unwrap().into_inner();
    let id = created.name.replace("merchants/", "");
    create(&mut client, north("b", 2.0)).await;
    client.delete_merchant(delete_as(OTHER_ID, "b")).await.unwrap();
    let batch_id = "0193a7e2-2222-7abc-8def-0123456789ab".to_owned();
    let batch = wire::BatchCreateMerchantsRequest {
        requests: ["x", "y"].map(|id| create_as("", north(id, 3.0))).to_vec(),
        request_id: batch_id,
        ..Default::default()
    };
    let created_batch = client.batch_create_merchants(batch.clone()).await.unwrap().into_inner();
    // Later changes do not affect the result of the repeated request.
    let phone = wire::Merchant { name: created.name.clone(), phone: "+1".to_owned(), ..Default::default() };
    let update = wire::UpdateMerchantRequest { merchant: Some(phone), ..Default::default() };
    client.update_merchant(update).await.unwrap();
    delete(&mut client, "x").await;
    let before = revision(&mut server.searches().await).await;
    server.kill();

    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.merchants().await;
    for _ in 0..2 {
        assert_eq!(client.create_merchant(create_as(ID, nameless())).await.unwrap().into_inner(), created);
        client.delete_merchant(delete_as(OTHER_ID, "b")).await.unwrap();
        assert_eq!(client.batch_create_merchants(batch.clone()).await.unwrap().into_inner(), created_batch);
    }
    assert_eq!(revision(&mut server.searches().await).await, before, "nothing was written");
    assert_eq!(
        list_ids(&mut client).await.into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from([id, "y".to_owned()])
    );
}

#[tokio::test]
async fn every_kind_of_change_is_applied_once_per_request_id() {
    let (server, mut searches, mut client) = server_with(["a", "b", "c", "d"].map(|id| north(id, 1.0))).await;
    let request_id = |n: u32| format!("00000000-0000-4000-8000-{n:012}");
    let phone =
        |id: &str| Some(wire::Merchant { name: name(id), phone: "+1".to_owned(), ..Default::default() });
    let update =
        wire::UpdateMerchantRequest { merchant: phone("a"), request_id: request_id(1), ..Default::default() };
    let hide = wire::HideMerchantRequest { name: name("b"), request_id: request_id(2), ..Default::default() };
    let show = wire::ShowMerchantRequest { name: name("b"), request_id: request_id(3), ..Default::default() };
    let updates = wire::BatchUpdateMerchantsRequest {
        requests: vec![wire::UpdateMerchantRequest { merchant: phone("c"), ..Default::default() }],
        request_id: request_id(4),
        ..Default::default()
    };
    let deletes = wire::BatchDeleteMerchantsRequest {
        requests: vec![delete_as("", "d")],
        request_id: request_id(5),
        ..Default::default()
    };
    let mut first = Vec::new();
    for round in 0..2 {
        let updated = client.update_merchant(update.clone()).await.unwrap().into_inner();
        let hidden = client.hide_merchant(hide.clone()).await.unwrap().into_inner();
        let shown = client.show_merchant(show.clone()).await.unwrap().into_inner();
        let many = client.batch_update_merchants(updates.clone()).await.unwrap().into_inner().merchants;
        client.batch_delete_merchants(deletes.clone()).await.unwrap();
        let results: Vec<_> = [updated, hidden, shown].into_iter().chain(many).collect();
        if round == 0 {
            first = results;
        } else {
            assert_eq!(results, first);
        }
    }
    assert_eq!(revision(&mut searches).await, 4 + 5);
    drop(server);
}

#[tokio::test]
async fn concurrent_repetitions_are_applied_once() {
    let (server, mut searches, _) = server_with([]).await;
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let url = server.url.clone();
            tokio::spawn(async move {
                let mut client = MerchantServiceClient::connect(url).await.unwrap();
                loop {
                    match client.create_merchant(create_as(ID, north("a", 1.0))).await {
                        Ok(created) => return created.into_inner(),
                        // The server sheds load on a busy machine; a repetition is what the request id is for.
                        Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
                    }
                }
            })
        })
        .collect();
    let mut etags = BTreeSet::new();
    for call in calls {
        etags.insert(call.await.unwrap().etag);
    }
    assert_eq!((etags.len(), revision(&mut searches).await), (1, 1));
}

#[tokio::test]
async fn reused_and_malformed_request_ids_are_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    client.create_merchant(create_as(ID, north("a", 1.0))).await.unwrap();
    let other = client.create_merchant(create_as(ID, north("a", 2.0))).await.unwrap_err();
    assert_eq!(violation(&other), field("request_id", "REQUEST_ID_REUSED"));
    let other = client.delete_merchant(delete_as(ID, "a")).await.unwrap_err();
    assert_eq!(violation(&other), field("request_id", "REQUEST_ID_REUSED"));
    for wrong in ["1", "7c9e6679742540de944be07fc1f90ae7", "00000000-0000-0000-0000-000000000000"] {
        let rejected = client.create_merchant(create_as(wrong, north("b", 1.0))).await.unwrap_err();
        assert_eq!(violation(&rejected), field("request_id", "INVALID_REQUEST_ID"));
    }
}

#[tokio::test]
async fn failed_requests_can_be_repeated() {
    let (_server, _, mut client) = server_with([]).await;
    let missing = client.delete_merchant(delete_as(ID, "a")).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    create(&mut client, north("a", 1.0)).await;
    client.delete_merchant(delete_as(ID, "a")).await.unwrap();
}

#[tokio::test]
async fn validate_only_returns_the_result_without_applying_it() {
    let (_server, mut searches, mut client) = server_with([north("a", 1.0)]).await;
    let request = wire::CreateMerchantRequest { validate_only: true, ..create_as(ID, north("b", 1.0)) };
    let would_be = client.create_merchant(request.clone()).await.unwrap().into_inner();
    let expected = wire::Merchant {
        wgs84_position: north("b", 1.0).position,
        visibility: wire::Visibility::Visible.into(),
        ..north("b", 1.0)
    };
    assert_eq!(would_be, expected, "with neither etag nor times");
    let exists = wire::CreateMerchantRequest { merchant: Some(north("a", 1.0)), ..request };
    assert_eq!(client.create_merchant(exists).await.unwrap_err().code(), Code::AlreadyExists);
    let delete = wire::DeleteMerchantRequest { validate_only: true, ..delete_as("", "a") };
    client.delete_merchant(delete).await.unwrap();
    let hide = wire::HideMerchantRequest { name: name("a"), validate_only: true, ..Default::default() };
    let hidden = client.hide_merchant(hide).await.unwrap().into_inner();
    assert_eq!((hidden.visibility(), hidden.etag.as_str()), (wire::Visibility::Hidden, ""));
    let batch = wire::BatchCreateMerchantsRequest {
        requests: vec![create_as("", north("x", 1.0))],
        validate_only: true,
        ..Default::default()
    };
    client.batch_create_merchants(batch).await.unwrap();
    assert_eq!(ids(&found(&mut searches, at_home()).await.results), ["a"]);
    assert_eq!(revision(&mut searches).await, 1);
    // Validation does not use up the request id.
    client.create_merchant(create_as(ID, north("b", 1.0))).await.unwrap();
}
