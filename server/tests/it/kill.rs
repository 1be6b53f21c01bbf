//! A server that is killed during an import has every acknowledged row after a restart.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::support::*;
use nearby_proto::v1 as wire;

/// Imports batches until the server is killed; counts the acknowledged rows and returns their ids.
async fn import_until_killed(url: String, count: Arc<AtomicUsize>) -> BTreeSet<String> {
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
                ..Default::default()
            })
            .collect::<Vec<_>>();
        let message = wire::ImportMerchantsRequest { rows, ..Default::default() };
        let Ok(response) = client.import_merchants(tokio_stream::iter([message])).await else { break };
        for outcome in response.into_inner().outcomes {
            assert_eq!(outcome.state(), wire::ImportState::Created);
            acknowledged.insert(format!("{call:06}-{:03}", outcome.row_number));
        }
        count.store(acknowledged.len(), Ordering::SeqCst);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_during_an_import_loses_no_acknowledged_row() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let mut acknowledged = 0;
    for round in 0..5 {
        drop(std::fs::remove_dir_all(&data_dir));
        let server = TestServer::start_on(&data_dir, &[]).await;
        let count = Arc::new(AtomicUsize::new(0));
        let importing = tokio::spawn(import_until_killed(server.url.clone(), Arc::clone(&count)));
        // Each round is killed later, so that different states of the journal are recovered.
        let rows = 200 * (1 + 20 * round);
        wait_until("the import makes no progress", async || count.load(Ordering::SeqCst) >= rows).await;
        server.kill();
        let expected = importing.await.unwrap();
        acknowledged += expected.len();

        let server = TestServer::start_on(&data_dir, &[]).await;
        let stored: BTreeSet<String> = list_ids(&mut server.merchants().await).await.into_iter().collect();
        let lost: Vec<_> = expected.difference(&stored).collect();
        assert!(lost.is_empty(), "{} acknowledged merchants are lost: {lost:?}", lost.len());
        // A batch is stored completely or not at all, acknowledged or not.
        assert_eq!(stored.len() % 200, 0, "a batch is stored in part");
        println!("round {round}: {} acknowledged, {} stored", expected.len(), stored.len());
    }
    assert!(acknowledged > 0);
}
