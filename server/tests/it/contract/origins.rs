//! Origins at 0,0, which phones report when they have no position.

use super::*;
use tokio_stream::iter;
use wire::watch_nearby_request::Step;

fn null_islands() -> impl Iterator<Item = wire::Position> {
    use wire::CoordinateSystem::{Bd09, Gcj02, Wgs84};
    let datums = [Wgs84, Gcj02, Bd09].into_iter();
    datums.flat_map(|datum| {
        [(0.0, 0.0), (-0.0, 0.0)].map(|(latitude, longitude)| wire::Position {
            coordinate_system: datum.into(),
            ..position(latitude, longitude)
        })
    })
}

#[tokio::test]
async fn searches_around_0_0_are_rejected_in_every_datum() {
    let (_server, mut client, _) = server_with([]).await;
    for origin in null_islands() {
        let search = wire::SearchNearbyRequest { origin: Some(origin), ..Default::default() };
        let status = client.search_nearby(search.clone()).await.unwrap_err();
        assert_eq!(violation(&status), field("origin", "NULL_ISLAND"));
        let requests = vec![at_home(), search.clone()];
        let batch = client.batch_search_nearby(wire::BatchSearchNearbyRequest { requests }).await.unwrap();
        let outcomes = batch.into_inner().results.into_iter().map(|result| result.outcome.unwrap());
        let is_rejected: Vec<bool> = outcomes
            .map(|outcome| matches!(outcome, wire::batch_search_nearby_result::Outcome::Status(_)))
            .collect();
        assert_eq!(is_rejected, [false, true], "the others of a batch are answered");
        let request = wire::StreamSearchNearbyRequest { tag: 7, request: Some(search) };
        let mut responses = client.stream_search_nearby(iter([request])).await.unwrap().into_inner();
        let response = responses.message().await.unwrap().unwrap();
        assert!(matches!(
            response.outcome,
            Some(wire::stream_search_nearby_response::Outcome::Status(status)) if status.message.contains("0,0")
        ));
    }
}

#[tokio::test]
async fn watches_around_0_0_and_moves_there_end_the_watch() {
    let (_server, mut client, _) = server_with([]).await;
    for origin in null_islands() {
        let start = wire::WatchNearbyStart { origin: Some(origin), ..Default::default() };
        let mut responses = client.watch_nearby_from(start.clone()).await.unwrap().into_inner();
        assert_eq!(violation(&responses.message().await.unwrap_err()), field("origin", "NULL_ISLAND"));
        let home = wire::WatchNearbyStart { origin: Some(position(HOME.0, HOME.1)), ..Default::default() };
        for (steps, path) in [
            (vec![Step::Start(start)], "start.origin"),
            (vec![Step::Start(home), Step::Origin(origin)], "origin"),
        ] {
            let steps = steps.into_iter().map(|step| wire::WatchNearbyRequest { step: Some(step) });
            let mut responses =
                client.watch_nearby(iter(steps.collect::<Vec<_>>())).await.unwrap().into_inner();
            let status = loop {
                if let Err(status) = responses.message().await {
                    break status;
                }
            };
            assert_eq!(violation(&status), field(path, "NULL_ISLAND"));
        }
    }
}

#[tokio::test]
async fn searches_close_to_0_0_and_merchants_there_are_accepted() {
    let (_server, mut client, mut merchants) = server_with([]).await;
    create(&mut merchants, merchant("buoy", 0.0, 0.0)).await;
    for (latitude, longitude) in [(1e-6, 0.0), (0.0, -1e-6)] {
        let found = client.search_nearby(search(latitude, longitude)).await.unwrap().into_inner();
        assert_eq!(ids(&found.results), ["buoy"]);
    }
}
