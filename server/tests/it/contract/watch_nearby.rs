//! `WatchNearby`: merchants that enter, leave, change or move relative to a client.

use super::*;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use tokio::sync::mpsc::Sender;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use wire::watch_nearby_request::Step;

fn start(max_results: i32) -> wire::WatchNearbyStart {
    wire::WatchNearbyStart { origin: Some(position(HOME.0, HOME.1)), max_results, ..Default::default() }
}

/// A client that maintains the set of results from the responses.
struct Watcher {
    steps: Sender<wire::WatchNearbyRequest>,
    responses: Streaming<wire::WatchNearbyResponse>,
    results: BTreeMap<String, wire::NearbyResult>,
    token: String,
    revision: u64,
}

impl Watcher {
    async fn open(client: &mut NearbyServiceClient<Channel>, start: wire::WatchNearbyStart) -> Self {
        Self::try_open(client, start).await.unwrap()
    }

    async fn try_open(
        client: &mut NearbyServiceClient<Channel>,
        start: wire::WatchNearbyStart,
    ) -> Result<Self, Status> {
        let (steps, requests) = tokio::sync::mpsc::channel(4);
        steps.send(wire::WatchNearbyRequest { step: Some(Step::Start(start)) }).await.unwrap();
        let responses = client.watch_nearby(ReceiverStream::new(requests)).await?.into_inner();
        Ok(Self { steps, responses, results: BTreeMap::new(), token: String::new(), revision: 0 })
    }

    /// Applies the next response, in the order that the contract specifies.
    async fn next(&mut self) -> Result<wire::WatchNearbyResponse, Status> {
        let response = self.responses.message().await?.unwrap();
        let name_of = |result: &wire::NearbyResult| result.merchant.as_ref().unwrap().name.clone();
        if response.reset {
            self.results.clear();
        }
        for name in &response.left {
            assert!(self.results.remove(name).is_some(), "{name} is not in the set");
        }
        for result in &response.entered {
            assert!(
                self.results.insert(name_of(result), result.clone()).is_none(),
                "{result:?} is already in the set"
            );
        }
        for result in &response.updated {
            assert!(
                self.results.insert(name_of(result), result.clone()).is_some(),
                "{result:?} is not in the set"
            );
        }
        for result in &response.moved {
            let held = self.results.get_mut(&name_of(result)).unwrap();
            let merchant = held.merchant.take();
            *held = wire::NearbyResult { merchant, ..result.clone() };
        }
        (self.token, self.revision) = (response.resume_token.clone(), response.revision);
        Ok(response)
    }

    async fn move_to(&mut self, latitude: f64, longitude: f64) {
        let step = Some(Step::Origin(position(latitude, longitude)));
        self.steps.send(wire::WatchNearbyRequest { step }).await.unwrap();
    }

    /// Returns the results, ranked.
    fn ranked(&self) -> Vec<wire::NearbyResult> {
        let mut all: Vec<_> = self.results.values().cloned().collect();
        let id = |result: &wire::NearbyResult| result.merchant.as_ref().unwrap().name.clone();
        all.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then_with(|| id(a).cmp(&id(b))));
        all
    }
}

#[tokio::test]
async fn the_first_response_has_the_whole_set_and_later_ones_the_differences() {
    let (_server, mut client, mut merchants) = server_with([north("a", 100.0), north("far", 9_000.0)]).await;
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    let first = watcher.next().await.unwrap();
    assert_eq!(
        (first.reset, ids(&first.entered), first.revision, first.steps),
        (true, vec!["a".to_owned()], 2, 1)
    );
    create(&mut merchants, north("b", 50.0)).await;
    let response = watcher.next().await.unwrap();
    assert_eq!((response.reset, ids(&response.entered), response.revision), (false, vec!["b".to_owned()], 3));
    // A merchant whose position changes is in `updated`, with the fields of the view.
    let moved = wire::UpdateMerchantRequest { merchant: Some(north("a", 20.0)), ..Default::default() };
    merchants.update_merchant(moved).await.unwrap();
    let response = watcher.next().await.unwrap();
    assert_eq!(ids(&response.updated), ["a"]);
    assert_eq!(response.updated[0].merchant.as_ref().unwrap().display_name, "Shop a");
    // Changes beyond the radius are not sent.
    delete(&mut merchants, "far").await;
    delete(&mut merchants, "b").await;
    let response = watcher.next().await.unwrap();
    assert_eq!((response.left, response.revision), (vec![name("b")], 6));
    let hide = wire::HideMerchantRequest { name: name("a"), ..Default::default() };
    merchants.hide_merchant(hide).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().left, [name("a")]);
}

#[tokio::test]
async fn a_new_origin_sends_the_new_distances() {
    let (_server, mut client, _) =
        server_with([north("a", 100.0), north("b", 4_950.0), north("c", 5_100.0)]).await;
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    watcher.next().await.unwrap();
    watcher.move_to(HOME.0 + 1_000.0 / 111_412.0, HOME.1).await;
    let response = watcher.next().await.unwrap();
    assert_eq!(
        (ids(&response.moved), ids(&response.entered), response.steps),
        (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()], 2)
    );
    assert_eq!(response.moved[0].merchant, Some(wire::Merchant { name: name("a"), ..Default::default() }));
    assert!((response.moved[0].distance_m - 900.0).abs() < 1.0);
    // Every step has a response, even without a difference.
    watcher.move_to(HOME.0 + 1_000.0 / 111_412.0, HOME.1).await;
    let response = watcher.next().await.unwrap();
    assert_eq!(
        (response.moved.len(), response.entered.len(), response.left.len(), response.steps),
        (0, 0, 0, 3)
    );
}

#[tokio::test]
async fn a_watch_of_who_serves_follows_areas_and_origins() {
    let circle =
        |radius_m| Some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(radius_m)) });
    let shop = |id, metres, service_area| wire::Merchant { service_area, ..north(id, metres) };
    let shops = [shop("near", 100.0, circle(150.0)), shop("far", 20_000.0, circle(1_000.0))];
    let (_server, mut client, mut merchants) = server_with(shops).await;
    let start = wire::WatchNearbyStart { reach: wire::Reach::Serving.into(), ..start(0) };
    let mut watcher = Watcher::open(&mut client, start).await;
    let first = watcher.next().await.unwrap();
    assert_eq!(ids(&first.entered), ["near"]);
    assert!(first.entered[0].serves_origin && !first.area_truncated);
    let mut update = async |merchant| {
        let request = wire::UpdateMerchantRequest { merchant: Some(merchant), ..Default::default() };
        merchants.update_merchant(request).await.unwrap();
    };
    update(shop("far", 20_000.0, circle(21_000.0))).await;
    assert_eq!(ids(&watcher.next().await.unwrap().entered), ["far"]);
    update(shop("near", 100.0, circle(99.0))).await;
    assert_eq!(watcher.next().await.unwrap().left, [name("near")]);
    watcher.move_to(HOME.0 + 10.0 / 111_412.0, HOME.1).await;
    let response = watcher.next().await.unwrap();
    assert_eq!(
        (ids(&response.entered), ids(&response.moved)),
        (vec!["near".to_owned()], vec!["far".to_owned()])
    );
    watcher.move_to(HOME.0 - 1_100.0 / 111_412.0, HOME.1).await;
    let response = watcher.next().await.unwrap();
    assert_eq!(response.left, [name("far"), name("near")]);
}

#[tokio::test]
async fn a_watch_of_a_union_says_who_serves_the_origin() {
    let area = Some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(3_000.0)) });
    let shops = [wire::Merchant { service_area: area, ..north("shop", 2_990.0) }];
    let (_server, mut client, _) = server_with(shops).await;
    let start = wire::WatchNearbyStart { reach: wire::Reach::NearOrServing.into(), ..start(0) };
    let mut watcher = Watcher::open(&mut client, start).await;
    assert!(watcher.next().await.unwrap().entered[0].serves_origin);
    watcher.move_to(HOME.0 - 100.0 / 111_412.0, HOME.1).await;
    let response = watcher.next().await.unwrap();
    assert_eq!(ids(&response.moved), ["shop"]);
    assert!(!response.moved[0].serves_origin);
}

#[tokio::test]
async fn a_watch_of_an_area_stays_within_it_while_the_origin_moves() {
    let (_server, mut client, mut merchants) = server_with([north("in", 400.0), north("out", 700.0)]).await;
    let at = |metres: f64| HOME.0 + metres / 111_412.0;
    let corners = [(at(300.0), 24.99), (at(300.0), 25.01), (at(500.0), 25.01), (at(500.0), 24.99)];
    let (latitudes, longitudes) = corners.into_iter().unzip();
    let polygon = wire::Polygon { shell: Some(wire::Ring { latitudes, longitudes }), holes: Vec::new() };
    let set = wire::PolygonSet { coordinate_system: 1, polygons: vec![polygon] };
    let area = Some(wire::SearchArea { shape: Some(wire::search_area::Shape::Polygons(set)) });
    let mut watcher = Watcher::open(&mut client, wire::WatchNearbyStart { area, ..start(0) }).await;
    let first = watcher.next().await.unwrap();
    assert_eq!((ids(&first.entered), first.area_truncated), (vec!["in".to_owned()], false));
    create(&mut merchants, north("also-out", 600.0)).await;
    create(&mut merchants, north("also-in", 450.0)).await;
    assert_eq!(ids(&watcher.next().await.unwrap().entered), ["also-in"]);
    watcher.move_to(at(-4_900.0), HOME.1).await;
    let response = watcher.next().await.unwrap();
    assert_eq!((response.left.len(), response.area_truncated), (2, true));
    watcher.move_to(at(-1_200_000.0), HOME.1).await;
    let status = watcher.next().await.unwrap_err();
    assert_eq!(violation(&status), field("area.polygons.polygons[0].shell", "OUT_OF_RANGE"));
}

#[tokio::test]
async fn a_less_accurate_origin_is_sent_as_a_move() {
    let (_server, mut client, _) = server_with([north("a", 100.0), north("edge", 4_900.0)]).await;
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    assert!(watcher.next().await.unwrap().entered.iter().all(|result| !result.uncertain));
    let inaccurate = wire::Position { accuracy_m: Some(500.0), ..position(HOME.0, HOME.1) };
    watcher.steps.send(wire::WatchNearbyRequest { step: Some(Step::Origin(inaccurate)) }).await.unwrap();
    let response = watcher.next().await.unwrap();
    assert_eq!(ids(&response.moved), ["edge"]);
    assert!(response.moved[0].uncertain);
}

#[tokio::test]
async fn a_watch_without_a_first_step_does_not_delay_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let server =
        TestServer::start_on(&directory.path().join("data"), &[flags::SHUTDOWN_GRACE_PERIOD_S, "30"]).await;
    let (steps, requests) = tokio::sync::mpsc::channel::<wire::WatchNearbyRequest>(1);
    let mut client = server.searches().await;
    let mut responses = client.watch_nearby(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let ended = tokio::spawn(async move { responses.message().await.unwrap_err() });
    assert_eq!(server.terminate().await.code(), Some(0));
    assert_eq!(reason(&ended.await.unwrap()), (Code::Unavailable, "NOT_READY".to_owned()));
    drop(steps);
}

#[tokio::test]
async fn the_set_has_at_most_max_results() {
    let (_server, mut client, mut merchants) =
        server_with((1..=5).map(|n| north(&format!("m{n}"), f64::from(n)))).await;
    let mut watcher = Watcher::open(&mut client, start(3)).await;
    assert_eq!(ids(&watcher.next().await.unwrap().entered), ["m1", "m2", "m3"]);
    delete(&mut merchants, "m2").await;
    let response = watcher.next().await.unwrap();
    assert_eq!((response.left, ids(&response.entered)), (vec![name("m2")], vec!["m4".to_owned()]));
    create(&mut merchants, north("m0", 0.5)).await;
    let response = watcher.next().await.unwrap();
    assert_eq!((response.left, ids(&response.entered)), (vec![name("m4")], vec!["m0".to_owned()]));
}

#[tokio::test]
async fn a_watch_resumes_without_a_reset_unless_nearby_merchants_changed() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    create(&mut server.merchants().await, north("a", 1.0)).await;
    let mut watcher = Watcher::open(&mut server.searches().await, start(0)).await;
    watcher.next().await.unwrap();
    let resume_token = watcher.token.clone();
    assert!(resume_token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    server.kill();
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.searches().await;
    let resumed = wire::WatchNearbyStart { resume_token: resume_token.clone(), ..start(0) };
    let response =
        Watcher::open(&mut client, resumed.clone()).await.responses.message().await.unwrap().unwrap();
    assert_eq!(
        (response.reset, response.entered.len(), response.revision),
        (false, 0, 1),
        "nothing has changed"
    );
    // Changes beyond the radius cause no reset; changes within do.
    create(&mut server.merchants().await, north("far", 9_000.0)).await;
    let response =
        Watcher::open(&mut client, resumed.clone()).await.responses.message().await.unwrap().unwrap();
    assert!(!response.reset);
    create(&mut server.merchants().await, north("b", 2.0)).await;
    let response = Watcher::open(&mut client, resumed).await.next().await.unwrap();
    assert_eq!((response.reset, ids(&response.entered)), (true, vec!["a".to_owned(), "b".to_owned()]));
    // A token of another watch or an invalid one causes a reset.
    for (resume_token, radius_m) in [(resume_token, Some(4_000.0)), ("made up".to_owned(), None)] {
        let other = wire::WatchNearbyStart { resume_token, radius_m, ..start(0) };
        assert!(Watcher::open(&mut client, other).await.next().await.unwrap().reset);
    }
}

#[tokio::test]
async fn invalid_steps_end_the_watch_and_name_the_field() {
    let (_server, mut client, _) = server_with([]).await;
    let begin = |step| {
        let requests = tokio_stream::iter([wire::WatchNearbyRequest { step }]);
        let mut client = client.clone();
        async move { client.watch_nearby(requests).await.unwrap().into_inner().message().await.unwrap_err() }
    };
    let nowhere = wire::WatchNearbyStart { origin: None, ..start(0) };
    let too_far = wire::WatchNearbyStart { radius_m: Some(5_001.0), ..start(0) };
    for (step, path, reason) in [
        (None, "start", "REQUIRED"),
        (Some(Step::Origin(position(1.0, 2.0))), "start", "REQUIRED"),
        (Some(Step::Start(nowhere)), "start.origin", "REQUIRED"),
        (Some(Step::Start(too_far)), "start.radius_m", "OUT_OF_RANGE"),
        (Some(Step::Start(start(-1))), "start.max_results", "OUT_OF_RANGE"),
    ] {
        assert_eq!(violation(&begin(step).await), field(path, reason));
    }

    let mut watcher = Watcher::open(&mut client, start(0)).await;
    watcher.next().await.unwrap();
    watcher.move_to(91.0, 0.0).await;
    let rejected = watcher.next().await.unwrap_err();
    assert_eq!(violation(&rejected), field("origin.latitude", "LATITUDE_OUT_OF_RANGE"));
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    let again = wire::WatchNearbyRequest { step: Some(Step::Start(start(0))) };
    watcher.steps.send(again).await.unwrap();
    watcher.next().await.unwrap();
    assert_eq!(violation(&watcher.next().await.unwrap_err()), field("start", "UNEXPECTED"));
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_disconnected_and_delays_no_other_call() {
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::WATCH_SEND_TIMEOUT_S, "1", "--max-watchers", "1"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let (mut client, mut merchants) = (server.searches().await, server.merchants().await);
    // Large responses, so that the buffers of the connection fill up soon.
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(2_000)), ..Default::default() };
    let large = |n: i32| wire::Merchant {
        photos: vec![photo.clone(); 15],
        ..north(&format!("m{n:02}"), f64::from(n))
    };
    for n in 0..80 {
        create(&mut merchants, large(n)).await;
    }
    let view = wire::MerchantView::Full.into();
    let mut watcher = Watcher::open(&mut client, wire::WatchNearbyStart { view, ..start(0) }).await;
    watcher.next().await.unwrap();
    // The client reads nothing while all merchants change; searches and writes continue.
    for round in 0.. {
        for n in 0..80 {
            let update = wire::UpdateMerchantRequest { merchant: Some(large(n)), ..Default::default() };
            merchants.update_merchant(update).await.unwrap();
        }
        assert_eq!(found(&mut client, at_home()).await.results.len(), 20);
        // Its permit is released when it has been disconnected.
        if Watcher::try_open(&mut client, start(1)).await.is_ok() {
            break;
        }
        assert!(round < 1_000, "the watcher is never disconnected");
    }
    let end = loop {
        if let Err(end) = watcher.next().await {
            break end;
        }
    };
    assert_eq!(reason(&end), (Code::Aborted, "WATCHER_TOO_SLOW".to_owned()));
}

/// A client moves across a city while merchants are created, deleted, moved and hidden. After every step its set equals a search at
/// the same revision.
#[tokio::test]
async fn the_set_equals_a_search_at_every_revision() {
    // 10,000 take two minutes of CPU time, a fifth of all tests.
    let steps: usize = std::env::var("NEARBY_WATCH_STEPS").map_or(2_000, |steps| steps.parse().unwrap());
    let seed: u64 = std::env::var("NEARBY_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("NEARBY_SEED={seed}");
    let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
    let (_server, mut client, mut merchants) = server_with([]).await;
    let mut watcher =
        Watcher::open(&mut client, wire::WatchNearbyStart { radius_m: Some(800.0), ..start(30) }).await;
    watcher.next().await.unwrap();
    let mut at = HOME;
    let (mut stored, mut received, mut max) = (BTreeSet::new(), 0, 0);
    for step in 0..steps {
        // Four in five steps change a merchant within the radius or a little beyond.
        let id = format!("m{:03}", random.random_range(0..120));
        let mut near = |spread: f64| random.random_range(-spread..spread);
        let shop = merchant(&id, at.0 + near(0.01), at.1 + near(0.02));
        match random.random_range(0..10) {
            0 | 1 => at = (at.0 + random.random_range(-2e-3..2e-3), at.1 + random.random_range(0.0..1e-3)),
            2 | 3 if stored.remove(&id) => delete(&mut merchants, &id).await,
            4 if stored.contains(&id) => {
                let hide = wire::HideMerchantRequest { name: name(&id), ..Default::default() };
                merchants.hide_merchant(hide).await.unwrap();
            }
            _ => {
                stored.insert(id);
                let update = wire::UpdateMerchantRequest {
                    merchant: Some(shop),
                    allow_missing: true,
                    ..Default::default()
                };
                merchants.update_merchant(update).await.unwrap();
            }
        }
        watcher.move_to(at.0, at.1).await;
        loop {
            let response = watcher.next().await.unwrap();
            received +=
                response.entered.len() + response.updated.len() + response.moved.len() + response.left.len();
            if response.steps == u64::try_from(step).unwrap() + 2 {
                break;
            }
        }
        let fresh = wire::SearchNearbyRequest { radius_m: Some(800.0), page_size: 30, ..search(at.0, at.1) };
        let fresh = found(&mut client, fresh).await;
        assert_eq!(watcher.revision, fresh.revision);
        assert_eq!(watcher.ranked(), fresh.results, "step {step}");
        max = max.max(fresh.results.len());
    }
    println!("{steps} steps, {received} differences, up to {max} results");
    assert!(received > steps && max > 5, "too few differences");
}

#[tokio::test]
async fn a_watch_by_text_follows_the_names() {
    let (_server, mut client, mut merchants) = server_with([north("cafe", 10.0), north("kiosk", 20.0)]).await;
    let filter = Some(wire::MerchantFilter { text: "bäckerei".to_owned(), ..Default::default() });
    let mut watcher = Watcher::open(&mut client, wire::WatchNearbyStart { filter, ..start(0) }).await;
    watcher.next().await.unwrap();
    assert_eq!(ids(&watcher.ranked()), [""; 0]);
    for (name, expected) in [("BACKEREI Otto", ["kiosk"].as_slice()), ("Otto", &[])] {
        let merchant = wire::Merchant { display_name: name.to_owned(), ..north("kiosk", 20.0) };
        let update = wire::UpdateMerchantRequest { merchant: Some(merchant), ..Default::default() };
        merchants.update_merchant(update).await.unwrap();
        watcher.next().await.unwrap();
        assert_eq!(ids(&watcher.ranked()), expected, "{name}");
    }
}

#[tokio::test]
async fn a_watch_with_a_limit_per_brand_replaces_a_merchant_by_the_next_of_its_brand() {
    let of_brand = |id: &str, metres: f64| wire::Merchant { brand: "Bean".to_owned(), ..north(id, metres) };
    let shops = [of_brand("near", 10.0), of_brand("far", 20.0), north("other", 30.0)];
    let (_server, mut client, mut merchants) = server_with(shops).await;
    let limited = wire::WatchNearbyStart { max_per_brand: 1, ..start(0) };
    let mut watcher = Watcher::open(&mut client, limited).await;
    watcher.next().await.unwrap();
    assert_eq!(ids(&watcher.ranked()), ["near", "other"]);
    delete(&mut merchants, "near").await;
    watcher.next().await.unwrap();
    assert_eq!(ids(&watcher.ranked()), ["far", "other"]);
    create(&mut merchants, of_brand("nearest", 5.0)).await;
    watcher.next().await.unwrap();
    assert_eq!(ids(&watcher.ranked()), ["nearest", "other"]);
    let negative = wire::WatchNearbyStart { max_per_brand: -1, ..start(0) };
    let error = match Watcher::try_open(&mut client, negative).await {
        Ok(mut watcher) => watcher.next().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(violation(&error), field("start.max_per_brand", "OUT_OF_RANGE"));
}
