//! `ExportMerchants`: all merchants at one revision.

use super::*;

async fn export(client: &mut MerchantServiceClient<Channel>) -> Vec<wire::ExportMerchantsResponse> {
    let mut messages =
        client.export_merchants(wire::ExportMerchantsRequest::default()).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(message) = messages.message().await.unwrap() {
        all.push(message);
    }
    all
}

#[tokio::test]
async fn an_empty_export_is_one_message_with_the_revision() {
    let (_server, _, mut client) = server_with([north("a", 1.0)]).await;
    delete(&mut client, "a").await;
    let messages = export(&mut client).await;
    let history_id = messages[0].history_id.clone();
    assert_eq!(history_id.len(), 32, "{history_id}");
    assert_eq!(messages, [wire::ExportMerchantsResponse { merchants: Vec::new(), revision: 2, history_id }]);
}

#[tokio::test]
async fn an_export_is_consistent_at_one_revision_despite_concurrent_changes() {
    let (_server, _, mut client) = server_with([]).await;
    let text = "x".repeat(1_000);
    let shop =
        |n: i32| wire::Merchant { website_uri: format!("https://{text}"), ..north(&format!("m{n:05}"), 1.0) };
    for chunk in 0..10 {
        let rows = (0..1_000).map(|n| wire::ImportRow {
            row_number: 0,
            merchant: Some(shop(chunk * 1_000 + n)),
            ..Default::default()
        });
        let message = wire::ImportMerchantsRequest { rows: rows.collect(), ..Default::default() };
        client.import_merchants(tokio_stream::iter([message])).await.unwrap();
    }
    let mut messages =
        client.export_merchants(wire::ExportMerchantsRequest::default()).await.unwrap().into_inner();
    let first = messages.message().await.unwrap().unwrap();
    assert!(first.merchants.len() < 10_000, "the export has several messages");
    // Changes before the client reads the other messages.
    for n in 9_900..10_000 {
        delete(&mut client, &format!("m{n:05}")).await;
    }
    create(&mut client, north("z", 1.0)).await;
    let (mut ids, revision) = (ids_of(&first.merchants), first.revision);
    while let Some(message) = messages.message().await.unwrap() {
        assert_eq!(message.revision, revision);
        ids.extend(ids_of(&message.merchants));
    }
    assert_eq!(revision, 10_000);
    assert_eq!(ids, (0..10_000).map(|n| format!("m{n:05}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_invalid_view_is_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    let rejected = client.export_merchants(wire::ExportMerchantsRequest { filter: None, view: 9 }).await;
    assert_eq!(violation(&rejected.unwrap_err()), field("view", "OUT_OF_RANGE"));
}
