//! `WatchNearby`: what enters, leaves, changes and moves around a caller.

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

/// A caller that keeps what it is told.
struct Watcher {
    steps: Sender<wire::WatchNearbyRequest>,
    answers: Streaming<wire::WatchNearbyResponse>,
    held: BTreeMap<String, wire::NearbyResult>,
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
        let answers = client.watch_nearby(ReceiverStream::new(requests)).await?.into_inner();
        Ok(Self { steps, answers, held: BTreeMap::new(), token: String::new(), revision: 0 })
    }

    /// Takes the next answer in, in the order that the contract says.
    async fn next(&mut self) -> Result<wire::WatchNearbyResponse, Status> {
        let answer = self.answers.message().await?.unwrap();
        let name_of = |result: &wire::NearbyResult| result.merchant.as_ref().unwrap().name.clone();
        if answer.reset {
            self.held.clear();
        }
        for name in &answer.left {
            assert!(self.held.remove(name).is_some(), "{name} was not there");
        }
        for result in &answer.entered {
            assert!(self.held.insert(name_of(result), result.clone()).is_none(), "{result:?} was there");
        }
        for result in &answer.updated {
            assert!(self.held.insert(name_of(result), result.clone()).is_some(), "{result:?} was not there");
        }
        for result in &answer.moved {
            let held = self.held.get_mut(&name_of(result)).unwrap();
            let merchant = held.merchant.take();
            *held = wire::NearbyResult { merchant, ..result.clone() };
        }
        (self.token, self.revision) = (answer.resume_token.clone(), answer.revision);
        Ok(answer)
    }

    async fn walk_to(&mut self, latitude: f64, longitude: f64) {
        let step = Some(Step::Origin(position(latitude, longitude)));
        self.steps.send(wire::WatchNearbyRequest { step }).await.unwrap();
    }

    /// What is held, in the order of results.
    fn ranked(&self) -> Vec<wire::NearbyResult> {
        let mut all: Vec<_> = self.held.values().cloned().collect();
        let id = |result: &wire::NearbyResult| result.merchant.as_ref().unwrap().name.clone();
        all.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then_with(|| id(a).cmp(&id(b))));
        all
    }
}

#[tokio::test]
async fn the_whole_set_comes_first_and_then_what_enters_changes_and_leaves() {
    let (_server, mut client, mut merchants) = server_with([north("a", 100.0), north("far", 9_000.0)]).await;
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    let first = watcher.next().await.unwrap();
    assert_eq!(
        (first.reset, ids(&first.entered), first.revision, first.steps),
        (true, vec!["a".to_owned()], 2, 1)
    );
    create(&mut merchants, north("b", 50.0)).await;
    let answer = watcher.next().await.unwrap();
    assert_eq!((answer.reset, ids(&answer.entered), answer.revision), (false, vec!["b".to_owned()], 3));
    // One that moves itself is updated, with all that the view shows.
    let moved = wire::UpdateMerchantRequest { merchant: Some(north("a", 20.0)), ..Default::default() };
    merchants.update_merchant(moved).await.unwrap();
    let answer = watcher.next().await.unwrap();
    assert_eq!(ids(&answer.updated), ["a"]);
    assert_eq!(answer.updated[0].merchant.as_ref().unwrap().display_name, "Shop a");
    // What happens far away is not told.
    delete(&mut merchants, "far").await;
    delete(&mut merchants, "b").await;
    let answer = watcher.next().await.unwrap();
    assert_eq!((answer.left, answer.revision), (vec![name("b")], 6));
    let hide = wire::HideMerchantRequest { name: name("a"), ..Default::default() };
    merchants.hide_merchant(hide).await.unwrap();
    assert_eq!(watcher.next().await.unwrap().left, [name("a")]);
}

#[tokio::test]
async fn a_caller_that_moves_is_told_new_distances_of_what_it_holds() {
    let (_server, mut client, _) =
        server_with([north("a", 100.0), north("b", 4_950.0), north("c", 5_100.0)]).await;
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    watcher.next().await.unwrap();
    watcher.walk_to(HOME.0 + 1_000.0 / 111_412.0, HOME.1).await;
    let answer = watcher.next().await.unwrap();
    assert_eq!(
        (ids(&answer.moved), ids(&answer.entered), answer.steps),
        (vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()], 2)
    );
    assert_eq!(answer.moved[0].merchant, Some(wire::Merchant { name: name("a"), ..Default::default() }));
    assert!((answer.moved[0].distance_m - 900.0).abs() < 1.0);
    // A step is answered even if nothing changes.
    watcher.walk_to(HOME.0 + 1_000.0 / 111_412.0, HOME.1).await;
    let answer = watcher.next().await.unwrap();
    assert_eq!((answer.moved.len(), answer.entered.len(), answer.left.len(), answer.steps), (0, 0, 0, 3));
}

#[tokio::test]
async fn a_vaguer_fix_is_told_as_a_move() {
    let (_server, mut client, _) = server_with([north("a", 100.0), north("edge", 4_900.0)]).await;
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    assert!(watcher.next().await.unwrap().entered.iter().all(|result| !result.uncertain));
    let vague = wire::Position { accuracy_m: Some(500.0), ..position(HOME.0, HOME.1) };
    watcher.steps.send(wire::WatchNearbyRequest { step: Some(Step::Origin(vague)) }).await.unwrap();
    let answer = watcher.next().await.unwrap();
    assert_eq!(ids(&answer.moved), ["edge"]);
    assert!(answer.moved[0].uncertain);
}

#[tokio::test]
async fn a_caller_that_says_nothing_does_not_hold_up_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let server =
        TestServer::start_on(&directory.path().join("data"), &[flags::SHUTDOWN_GRACE_PERIOD_S, "30"]).await;
    let (steps, requests) = tokio::sync::mpsc::channel::<wire::WatchNearbyRequest>(1);
    let mut client = server.searches().await;
    let mut answers = client.watch_nearby(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let ended = tokio::spawn(async move { answers.message().await.unwrap_err() });
    assert_eq!(server.terminate().await.code(), Some(0));
    assert_eq!(reason(&ended.await.unwrap()), (Code::Unavailable, "NOT_READY".to_owned()));
    drop(steps);
}

#[tokio::test]
async fn only_the_nearest_so_many_are_held() {
    let (_server, mut client, mut merchants) =
        server_with((1..=5).map(|n| north(&format!("m{n}"), f64::from(n)))).await;
    let mut watcher = Watcher::open(&mut client, start(3)).await;
    assert_eq!(ids(&watcher.next().await.unwrap().entered), ["m1", "m2", "m3"]);
    delete(&mut merchants, "m2").await;
    let answer = watcher.next().await.unwrap();
    assert_eq!((answer.left, ids(&answer.entered)), (vec![name("m2")], vec!["m4".to_owned()]));
    create(&mut merchants, north("m0", 0.5)).await;
    let answer = watcher.next().await.unwrap();
    assert_eq!((answer.left, ids(&answer.entered)), (vec![name("m4")], vec!["m0".to_owned()]));
}

#[tokio::test]
async fn a_broken_watch_resumes_with_nothing_or_with_all() {
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
    let answer = Watcher::open(&mut client, resumed.clone()).await.answers.message().await.unwrap().unwrap();
    assert_eq!((answer.reset, answer.entered.len(), answer.revision), (false, 0, 1), "nothing has changed");
    // What happens elsewhere does not matter; what happens near does.
    create(&mut server.merchants().await, north("far", 9_000.0)).await;
    let answer = Watcher::open(&mut client, resumed.clone()).await.answers.message().await.unwrap().unwrap();
    assert!(!answer.reset);
    create(&mut server.merchants().await, north("b", 2.0)).await;
    let answer = Watcher::open(&mut client, resumed).await.next().await.unwrap();
    assert_eq!((answer.reset, ids(&answer.entered)), (true, vec!["a".to_owned(), "b".to_owned()]));
    // A token of another watch, or none at all, does no harm.
    for (resume_token, radius_m) in [(resume_token, Some(4_000.0)), ("made up".to_owned(), None)] {
        let other = wire::WatchNearbyStart { resume_token, radius_m, ..start(0) };
        assert!(Watcher::open(&mut client, other).await.next().await.unwrap().reset);
    }
}

#[tokio::test]
async fn steps_that_cannot_be_end_it_with_their_field() {
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
    watcher.walk_to(91.0, 0.0).await;
    let refused = watcher.next().await.unwrap_err();
    assert_eq!(violation(&refused), field("origin.latitude", "LATITUDE_OUT_OF_RANGE"));
    let mut watcher = Watcher::open(&mut client, start(0)).await;
    let again = wire::WatchNearbyRequest { step: Some(Step::Start(start(0))) };
    watcher.steps.send(again).await.unwrap();
    watcher.next().await.unwrap();
    assert_eq!(violation(&watcher.next().await.unwrap_err()), field("start", "UNEXPECTED"));
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_told_and_dropped_and_nobody_waits_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::WATCH_SEND_TIMEOUT_S, "1", "--max-watchers", "1"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let (mut client, mut merchants) = (server.searches().await, server.merchants().await);
    // Large answers, so that the connection's own buffers are soon full.
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
    // Nothing is read any more, while everything changes; searches and writes go on.
    for round in 0.. {
        for n in 0..80 {
            let update = wire::UpdateMerchantRequest { merchant: Some(large(n)), ..Default::default() };
            merchants.update_merchant(update).await.unwrap();
        }
        assert_eq!(found(&mut client, at_home()).await.results.len(), 20);
        // Its place is free once it has been dropped.
        if Watcher::try_open(&mut client, start(1)).await.is_ok() {
            break;
        }
        assert!(round < 1_000, "it is never dropped");
    }
    let end = loop {
        if let Err(end) = watcher.next().await {
            break end;
        }
    };
    assert_eq!(reason(&end), (Code::Aborted, "WATCHER_TOO_SLOW".to_owned()));
}

/// A caller walks across a city while merchants come, go, move and change; after every step it holds what a fresh
/// search gives at that revision.
#[tokio::test]
async fn at_every_revision_it_holds_what_a_fresh_search_gives() {
    const STEPS: usize = 10_000;
    let seed: u64 = std::env::var("NEARBY_SEED").map_or(7, |seed| seed.parse().unwrap());
    println!("NEARBY_SEED={seed}");
    let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
    let (_server, mut client, mut merchants) = server_with([]).await;
    let mut watcher =
        Watcher::open(&mut client, wire::WatchNearbyStart { radius_m: Some(800.0), ..start(30) }).await;
    watcher.next().await.unwrap();
    let mut at = HOME;
    let (mut there, mut told, mut most) = (BTreeSet::new(), 0, 0);
    for step in 0..STEPS {
        // Four in five steps change a merchant near the caller or a little beyond its horizon.
        let id = format!("m{:03}", random.random_range(0..120));
        let mut near = |spread: f64| random.random_range(-spread..spread);
        let shop = merchant(&id, at.0 + near(0.01), at.1 + near(0.02));
        match random.random_range(0..10) {
            0 | 1 => at = (at.0 + random.random_range(-2e-3..2e-3), at.1 + random.random_range(0.0..1e-3)),
            2 | 3 if there.remove(&id) => delete(&mut merchants, &id).await,
            4 if there.contains(&id) => {
                let hide = wire::HideMerchantRequest { name: name(&id), ..Default::default() };
                merchants.hide_merchant(hide).await.unwrap();
            }
            _ => {
                there.insert(id);
                let update = wire::UpdateMerchantRequest {
                    merchant: Some(shop),
                    allow_missing: true,
                    ..Default::default()
                };
                merchants.update_merchant(update).await.unwrap();
            }
        }
        watcher.walk_to(at.0, at.1).await;
        loop {
            let answer = watcher.next().await.unwrap();
            told += answer.entered.len() + answer.updated.len() + answer.moved.len() + answer.left.len();
            if answer.steps == u64::try_from(step).unwrap() + 2 {
                break;
            }
        }
        let fresh = wire::SearchNearbyRequest { radius_m: Some(800.0), page_size: 30, ..search(at.0, at.1) };
        let fresh = found(&mut client, fresh).await;
        assert_eq!(watcher.revision, fresh.revision);
        assert_eq!(watcher.ranked(), fresh.results, "step {step}");
        most = most.max(fresh.results.len());
    }
    println!("{STEPS} steps, {told} merchants told of, up to {most} held");
    assert!(told > STEPS && most > 5, "something must have happened");
}
