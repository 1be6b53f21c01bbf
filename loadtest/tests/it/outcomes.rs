//! What servers answer is counted as what it is.

use std::{sync::Arc, time::Duration};

use nearby_loadtest::{
    dataset::Oracle,
    h2_client::{Code, framed},
    report::Phase,
    runner::{Driver, Record, Spacing, Stage, judge},
    workload::Kind,
};
use nearby_proto::v1::{Merchant, NearbyResult, SearchNearbyResponse};

use crate::stub_server::{driver, settings, start, target, world};

const LENGTH: Duration = Duration::from_millis(400);

async fn run(driver: &Driver) -> Record {
    let stage = Stage::new("run", 500.0, LENGTH);
    driver.open(&[stage], Spacing::Even, 1).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_makes_merchants_up_is_found_out() {
    let merchant = Some(Merchant { name: "merchants/made-up".to_owned(), ..Default::default() });
    let result = NearbyResult { merchant, distance_m: 1.0, ..Default::default() };
    let answer = framed(&SearchNearbyResponse { results: vec![result], ..Default::default() });
    let url = start(Arc::new(move |_, _| (0, answer.clone()))).await;
    let mut record = run(&driver(settings(target(&url)), 10).await).await;
    let oracle = Arc::new(Oracle::new(&world()));
    judge(&mut record, Some(&oracle)).await;
    let phase = Phase::of(&record);
    assert!(phase.judged > 5 && phase.wrong == phase.judged, "{} of {}", phase.wrong, phase.judged);
    assert!(phase.wrong_examples[0].contains("merchants/made-up must not be in it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_no_goodput_and_unavailable_is_tried_again_where_asked() {
    let answer = framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |call, _| (if call % 2 == 0 { 14 } else { 0 }, answer.clone()))).await;
    let once = run(&driver(settings(target(&url)), 0).await).await;
    assert!((0.45..0.55).contains(&once.good_share()), "{}", once.good_share());
    let unavailable = &once.cells[&(Kind::Search, Code::UNAVAILABLE)];
    assert_eq!(unavailable.latency_us.len() + once.good(), once.answered());

    let patient = nearby_loadtest::runner::Settings { retries: 10, ..settings(target(&url)) };
    let again = run(&driver(patient, 0).await).await;
    assert!(again.good_share() > 0.95 && again.retries > 50, "{} {}", again.good_share(), again.retries);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_was_due_was_made_in_the_same_order() {
    let answer = framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |_, _| (0, answer.clone()))).await;
    let one_run = async || {
        let driver = driver(settings(target(&url)), 0).await;
        let record = run(&driver).await;
        (record.answered(), driver.fingerprint())
    };
    let (one, two) = (one_run().await, one_run().await);
    assert_eq!(one, two);
    assert_eq!(one.1.0, one.0);
    assert_eq!(one.0, 199, "500 a second for 0.4 s, the first after a gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stage_has_the_calls_that_were_due_in_it() {
    let answer = framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |_, _| (0, answer.clone()))).await;
    let driver = driver(settings(target(&url)), 0).await;
    let stages = [Stage::new("much", 1_000.0, LENGTH), Stage::new("little", 100.0, LENGTH)];
    let records = driver.open(&stages, Spacing::Even, 1).await.unwrap();
    let due: Vec<_> = records.iter().map(|record| (record.name.as_str(), record.due())).collect();
    assert_eq!(due, [("much", 399), ("little", 39)]);
    assert!(records.iter().all(|record| record.good() == record.due()));
    let per_second: u64 = records[1].seconds.iter().map(|second| second.due).sum();
    assert_eq!(per_second, 39, "seconds count from the stage's own beginning");
}
