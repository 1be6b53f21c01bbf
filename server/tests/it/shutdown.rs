//! Graceful shutdown.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use nearby_proto::v1 as wire;

use crate::support::*;

#[tokio::test]
async fn sigterm_right_after_readiness_stops_gracefully() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..10 {
        let server = TestServer::start_on(&directory.path().join("data"), &[]).await;
        assert_eq!(server.terminate().await.code(), Some(0));
        assert!(!directory.path().join("address").exists(), "the address file is removed");
    }
}

/// Clients that keep calling see each call completed, or rejected before it began; none is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_cuts_off_no_call() {
    let directory = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(&directory.path().join("data"), &[]).await;
    // Idle peers that never close their connection do not delay the stop.
    let address = server.url.trim_start_matches("http://").to_owned();
    let idle: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    let total = Arc::new(AtomicUsize::new(0));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..16 {
        let total = Arc::clone(&total);
        let (mut searches, mut merchants) = (server.searches().await, server.merchants().await);
        clients.spawn(async move {
            let mut completed = 0;
            for number in 0.. {
                let result = if number % 4 == 0 {
                    let merchant = Some(merchant(&format!("{client}-{number}"), 60.0, 25.0));
                    let create = wire::CreateMerchantRequest { merchant, ..Default::default() };
                    merchants.create_merchant(create).await.map(drop)
                } else {
                    searches.search_nearby(search(60.0, 25.0)).await.map(drop)
                };
                match result {
                    Ok(()) => {
                        completed += 1;
                        total.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(status) => return (completed, status),
                }
            }
            unreachable!("it calls until a call fails")
        });
    }
    wait_until("the calls do not complete", async || total.load(Ordering::SeqCst) >= 1_000).await;
    let start = std::time::Instant::now();
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
    drop(idle);
    for (completed, status) in clients.join_all().await {
        assert!(completed > 0);
        // The client did not send the call, because the connection was draining or closed, or the server rejected it.
        let text = format!("{status:?}");
        let not_begun = [
            "tcp connect error",
            "operation was canceled",
            "NOT_READY",
            "OVERLOADED",
            "REFUSED_STREAM",
            "GoAway",
        ];
        assert!(not_begun.iter().any(|words| text.contains(words)), "{text}");
        println!("{completed} completed, then {:?} {}", status.code(), status.message());
    }
}

/// A call that never ends is cut off after the grace period. What it has stored is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_import_is_cut_off_after_the_grace_period_and_its_rows_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[flags::SHUTDOWN_GRACE_PERIOD_S, "1"]).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut client = server.merchants().await;
    let stalled = tokio::spawn(async move {
        client.import_merchants(tokio_stream::wrappers::ReceiverStream::new(receiver)).await
    });
    let row =
        wire::ImportRow { row_number: 1, merchant: Some(merchant("a", 60.0, 25.0)), ..Default::default() };
    sender.send(wire::ImportMerchantsRequest { rows: vec![row], ..Default::default() }).await.unwrap();
    let get = || wire::GetMerchantRequest { name: "merchants/a".to_owned() };
    let reader = server.merchants().await;
    let is_stored = async || reader.clone().get_merchant(get()).await.is_ok();
    wait_until("the row is never stored", is_stored).await;
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(75), "a call was in flight after the grace period");
    assert!(stalled.await.unwrap().is_err());
    let server = TestServer::start_on(&data_dir, &[]).await;
    assert!(server.merchants().await.get_merchant(get()).await.is_ok());
}

#[tokio::test]
async fn a_second_server_on_the_same_store_leaves_the_address_file_of_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    let address_file = directory.path().join("address");
    let second = run(nearby()
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data_dir)
        .arg("--address-file")
        .arg(&address_file));
    assert_eq!(second.status.code(), Some(75));
    let address = std::fs::read_to_string(address_file).unwrap();
    assert_eq!(server.url, format!("http://{}", address.trim()));
}
