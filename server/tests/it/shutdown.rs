//! How a server stops.

use nearby_proto::v1 as wire;

use crate::support::*;

#[tokio::test]
async fn a_signal_at_the_first_moment_of_serving_ends_in_good_order() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..10 {
        let server = Server::start_on(&directory.path().join("data"), &[]).await;
        assert_eq!(server.terminate().code(), Some(0));
        assert!(!directory.path().join("address").exists(), "the address file goes with the server");
    }
}

/// Callers who go on calling see each call answered or refused before it was begun; none breaks off in the middle.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_under_load_breaks_no_call() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_on(&directory.path().join("data"), &[]).await;
    // Peers that are gone, and never close, hold nothing up.
    let address = server.url.trim_start_matches("http://").to_owned();
    let dead: Vec<_> = (0..20).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..16 {
        let (mut searches, mut merchants) = (server.searches().await, server.merchants().await);
        callers.spawn(async move {
            let mut answered = 0;
            for number in 0.. {
                let ended = if number % 4 == 0 {
                    let merchant = Some(merchant(&format!("{caller}-{number}"), 60.0, 25.0));
                    let create = wire::CreateMerchantRequest { merchant, ..Default::default() };
                    merchants.create_merchant(create).await.map(drop)
                } else {
                    searches.search_nearby(search(60.0, 25.0)).await.map(drop)
                };
                match ended {
                    Ok(()) => answered += 1,
                    Err(status) => return (answered, status),
                }
            }
            unreachable!("it calls until it is refused")
        });
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let start = std::time::Instant::now();
    let status = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
    drop(dead);
    for (answered, status) in callers.join_all().await {
        assert!(answered > 0);
        // The client never sent it, as the connection had said goodbye or there was none; or the server refused it whole.
        let text = format!("{status:?}");
        let never_begun = [
            "tcp connect error",
            "operation was canceled",
            "NOT_READY",
            "OVERLOADED",
            "REFUSED_STREAM",
            "GoAway",
        ];
        assert!(never_begun.iter().any(|words| text.contains(words)), "{text}");
        println!("{answered} answered, then {:?} {}", status.code(), status.message());
    }
}

/// A call that never ends is cut at the deadline; what it had stored is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_call_is_cut_and_what_it_stored_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = Server::start_on(&data_dir, &["--shutdown-deadline-s", "1"]).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let mut client = server.merchants().await;
    let stalled = tokio::spawn(async move {
        client.import_merchants(tokio_stream::wrappers::ReceiverStream::new(receiver)).await
    });
    let row = wire::ImportRow { row_number: 1, merchant: Some(merchant("a", 60.0, 25.0)) };
    sender.send(wire::ImportMerchantsRequest { rows: vec![row], allow_null_island: false }).await.unwrap();
    let get = || wire::GetMerchantRequest { name: "merchants/a".to_owned() };
    let mut reader = server.merchants().await;
    while reader.get_merchant(get()).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let status = tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    assert_eq!(status.code(), Some(75), "the call was cut");
    assert!(stalled.await.unwrap().is_err());
    let server = Server::start_on(&data_dir, &[]).await;
    assert!(server.merchants().await.get_merchant(get()).await.is_ok());
}

/// A second server by mistake leaves the address of the first where it is.
#[tokio::test]
async fn a_second_server_does_not_take_the_address_file() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = Server::start_on(&data_dir, &[]).await;
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
