//! Outcomes are counted by what the server returned.

use std::{sync::Arc, time::Duration};

use nearby_loadtest::{
    cost::{Plan, costs},
    dataset::Oracle,
    h2_client::{Code, encode_framed},
    report::Phase,
    runner::{Record, Runner, Spacing, Stage, verify_samples},
    workload::Kind,
};
use nearby_proto::v1::{Merchant, NearbyResult, SearchNearbyResponse};

use crate::stub_server::{dataset, runner, settings, start, target};

const LENGTH: Duration = Duration::from_millis(400);

async fn run(runner: &Runner) -> Record {
    let stage = Stage::new("run", 500.0, LENGTH);
    runner.run_open_loop(&[stage], Spacing::Even, 1).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_with_an_unknown_merchant_is_reported_as_wrong() {
    let merchant = Some(Merchant { name: "merchants/made-up".to_owned(), ..Default::default() });
    let result = NearbyResult { merchant, distance_m: 1.0, ..Default::default() };
    let answer = encode_framed(&SearchNearbyResponse { results: vec![result], ..Default::default() });
    let url = start(Arc::new(move |_, _| (0, answer.clone()))).await;
    let mut record = run(&runner(settings(target(&url)), 10).await).await;
    let oracle = Arc::new(Oracle::new(&dataset()));
    verify_samples(&mut record, Some(&oracle)).await;
    let phase = Phase::of(&record);
    assert!(phase.verified > 5 && phase.wrong == phase.verified, "{} of {}", phase.wrong, phase.verified);
    assert!(phase.wrong_examples[0].contains("merchants/made-up is unexpected"));
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_calls_are_no_goodput_and_unavailable_is_retried_if_enabled() {
    let answer = encode_framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |call, _| (if call % 2 == 0 { 14 } else { 0 }, answer.clone()))).await;
    let once = run(&runner(settings(target(&url)), 0).await).await;
    assert!((0.45..0.55).contains(&once.good_share()), "{}", once.good_share());
    let unavailable = &once.outcomes[&(Kind::Search, Code::UNAVAILABLE)];
    assert_eq!(unavailable.latency_us.len() + once.good(), once.answered());

    let patient = nearby_loadtest::runner::Settings { retries: 10, ..settings(target(&url)) };
    let again = run(&runner(patient, 0).await).await;
    assert!(again.good_share() > 0.95 && again.retries > 50, "{} {}", again.good_share(), again.retries);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_due_call_is_sent_in_a_deterministic_order() {
    let answer = encode_framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |_, _| (0, answer.clone()))).await;
    let one_run = async || {
        let runner = runner(settings(target(&url)), 0).await;
        let record = run(&runner).await;
        (record.answered(), runner.fingerprint())
    };
    let (one, two) = (one_run().await, one_run().await);
    assert_eq!(one, two);
    assert_eq!(one.1.0, one.0);
    assert_eq!(one.0, 199, "500 per second for 0.4 s, the first after one gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_recorded_in_the_stage_they_were_due_in() {
    let answer = encode_framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |_, _| (0, answer.clone()))).await;
    let runner = runner(settings(target(&url)), 0).await;
    let stages = [Stage::new("high", 250.0, LENGTH), Stage::new("low", 25.0, LENGTH)];
    let records = runner.run_open_loop(&stages, Spacing::Even, 1).await.unwrap();
    let due: Vec<_> = records.iter().map(|record| (record.name.as_str(), record.due())).collect();
    assert_eq!(due, [("high", 99), ("low", 9)]);
    let outcomes = |record: &Record| -> Vec<_> {
        record.outcomes.iter().map(|((_, code), outcome)| (*code, outcome.latency_us.len())).collect()
    };
    assert_eq!(outcomes(&records[0]), [(Code::OK, 99)]);
    assert_eq!(outcomes(&records[1]), [(Code::OK, 9)]);
    let per_second: u64 = records[1].seconds.iter().map(|second| second.due).sum();
    assert_eq!(per_second, 9, "seconds count from the beginning of the stage");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_ends_a_cost_measurement_with_its_method_and_status() {
    let url = start(Arc::new(move |_, _| (13, Default::default()))).await;
    let settings =
        nearby_loadtest::runner::Settings { server_pid: Some(std::process::id()), ..settings(target(&url)) };
    let plan = Plan { rounds: 1, slice: Duration::from_millis(50), callers: 2, seed: 1 };
    let error = costs(&runner(settings, 0).await, &dataset(), None, plan).await.unwrap_err().to_string();
    assert!(error.starts_with("empty: "), "{error}");
    assert!(error.contains("grpc.health.v1.Health/Check INTERNAL"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_measurement_in_which_calls_were_rejected_is_repeated() {
    let answer = encode_framed(&SearchNearbyResponse::default());
    let url = start(Arc::new(move |call, _| (if call < 20 { 14 } else { 0 }, answer.clone()))).await;
    let settings =
        nearby_loadtest::runner::Settings { server_pid: Some(std::process::id()), ..settings(target(&url)) };
    let plan = Plan { rounds: 1, slice: Duration::from_millis(50), callers: 2, seed: 1 };
    let costs = costs(&runner(settings, 0).await, &dataset(), None, plan).await.unwrap();
    assert!(costs.empty_us > 0.0 && costs.stream_basic > 0.0, "{costs:?}");
}
