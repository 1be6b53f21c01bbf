//! A server that is killed in the middle of an import has everything that it acknowledged.

use std::{collections::BTreeSet, time::Duration};

use crate::support::*;
use nearby_proto::v1 as wire;

/// Imports batch after batch until the server dies; returns the ids that it acknowledged.
async fn import_until_death(url: String) -> BTreeSet<String> {
    let mut client = wire::merchant_service_client::MerchantServiceClient::connect(url).await.unwrap();
    let mut acknowledged = BTreeSet::new();
    for call in 0_i64.. {
        let rows = (0..200)
            .map(|n| wire::ImportRow {
                row_number: n,
                merchant: Some(merchant(
                    &format!("{call:06}-{n:03}"),
                    60.0 + 1e-4 * (call % 100) as f64,
                    25.0,
                )),
            })
            .collect::<Vec<_>>();
        let message = wire::ImportMerchantsRequest { rows, allow_null_island: false };
        let Ok(answer) = client.import_merchants(tokio_stream::iter([message])).await else { break };
        for outcome in answer.into_inner().outcomes {
            assert_eq!(outcome.state(), wire::ImportState::Created);
            acknowledged.insert(format!("{call:06}-{:03}", outcome.row_number));
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_an_import_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut acknowledged = 0;
    for round in 0..5 {
        drop(std::fs::remove_dir_all(&data_dir));
        let server = Server::start_on(&data_dir, &[]).await;
        let importing = tokio::spawn(import_until_death(server.url.clone()));
        tokio::time::sleep(Duration::from_millis(150 + 100 * round)).await;
        server.kill();
        let expected = importing.await.unwrap();
        acknowledged += expected.len();

        let server = Server::start_on(&data_dir, &[]).await;
        let there: BTreeSet<String> = list_ids(&mut server.merchants().await).await.into_iter().collect();
        let lost: Vec<_> = expected.difference(&there).collect();
        assert!(lost.is_empty(), "{} acknowledged merchants are lost: {lost:?}", lost.len());
        // A batch is there whole or not at all: what was not acknowledged may only be whole batches.
        assert_eq!(there.len() % 200, 0, "a batch is there in part");
        println!("round {round}: {} acknowledged, {} there", expected.len(), there.len());
    }
    assert!(acknowledged > 0, "the servers died before they acknowledged anything");
}
