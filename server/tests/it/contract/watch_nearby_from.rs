//! `WatchNearbyFrom`: a watch of a client that cannot stream in both directions.

use super::*;

fn start() -> wire::WatchNearbyStart {
    wire::WatchNearbyStart { origin: Some(position(HOME.0, HOME.1)), ..Default::default() }
}

#[tokio::test]
async fn the_first_response_has_the_whole_set_and_later_ones_the_differences() {
    let (_server, mut client, mut merchants) = server_with([north("a", 100.0), north("far", 9_000.0)]).await;
    let mut responses = client.watch_nearby_from(start()).await.unwrap().into_inner();
    let first = responses.message().await.unwrap().unwrap();
    assert_eq!((first.reset, ids(&first.entered), first.steps), (true, vec!["a".to_owned()], 1));
    create(&mut merchants, north("b", 50.0)).await;
    let second = responses.message().await.unwrap().unwrap();
    assert_eq!((second.reset, ids(&second.entered), second.steps), (false, vec!["b".to_owned()], 1));
    delete(&mut merchants, "a").await;
    let third = responses.message().await.unwrap().unwrap();
    assert_eq!((third.reset, third.left), (false, vec![name("a")]));
}

#[tokio::test]
async fn five_hundred_watches_of_one_origin_are_notified_and_end_at_once() {
    const CONNECTIONS: usize = 5;
    const WATCHES: usize = 500;
    let directory = tempfile::tempdir().unwrap();
    let limits = ["--max-watchers", "500", "--max-principal-fraction", "1", "--change-feed-reserve", "0"];
    let server = TestServer::start_on(&directory.path().join("data"), &limits).await;
    let mut merchants = server.merchants().await;
    for round in 0..2 {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(server.searches().await);
        }
        let mut watches = Vec::new();
        while watches.len() < WATCHES {
            let mut client = clients[watches.len() % CONNECTIONS].clone();
            match client.watch_nearby_from(start()).await {
                Ok(responses) => watches.push(responses.into_inner()),
                // The watches of the first round are about to end.
                Err(full) => assert_eq!((full.code(), round), (Code::ResourceExhausted, 1), "{full}"),
            }
        }
        for watch in &mut watches {
            assert!(watch.message().await.unwrap().unwrap().reset);
        }
        let full = server.searches().await.watch_nearby_from(start()).await;
        assert_eq!(full.map(drop).unwrap_err().code(), Code::ResourceExhausted);
        create(&mut merchants, north(&format!("m{round}"), 100.0)).await;
        for watch in &mut watches {
            let notified = watch.message().await.unwrap().unwrap();
            assert_eq!(ids(&notified.entered), [format!("m{round}")]);
        }
        // All end with their connections.
        drop((watches, clients));
    }
}

#[tokio::test]
async fn a_new_call_elsewhere_has_the_whole_set_whatever_the_token() {
    let (_server, mut client, _) = server_with([north("a", 100.0)]).await;
    let mut responses = client.watch_nearby_from(start()).await.unwrap().into_inner();
    let resume_token = responses.message().await.unwrap().unwrap().resume_token;
    let again = wire::WatchNearbyStart { resume_token: resume_token.clone(), ..start() };
    let mut responses = client.watch_nearby_from(again).await.unwrap().into_inner();
    let resumed = responses.message().await.unwrap().unwrap();
    assert_eq!((resumed.reset, resumed.entered.len()), (false, 0), "nothing has changed since");
    let origin = Some(position(HOME.0 + 1e-6, HOME.1));
    let moved = wire::WatchNearbyStart { resume_token, origin, ..start() };
    let mut responses = client.watch_nearby_from(moved).await.unwrap().into_inner();
    let first = responses.message().await.unwrap().unwrap();
    assert_eq!((first.reset, ids(&first.entered)), (true, vec!["a".to_owned()]));
}

#[tokio::test]
async fn errors_name_the_field_of_the_start() {
    let (_server, mut client, _) = server_with([]).await;
    let mut responses = client
        .watch_nearby_from(wire::WatchNearbyStart { radius_m: Some(-1.0), ..start() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(violation(&responses.message().await.unwrap_err()), field("radius_m", "OUT_OF_RANGE"));
}
