//! Random histories and random queries of all kinds, compared with a linear scan.
//!
//! By default 1,000 histories, about 35,000 comparisons. For a million:
//! `NEARBY_HISTORIES=30000 cargo test --release --package nearby-index --test linear_scan -- --nocapture`.
//! `NEARBY_SEED` selects other histories.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic and print the seed and the count"
)]

mod model;

use std::{
    env,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

/// Tests that share the histories, so that they run on two processors: each runs every second one of the same sequence.
const SHARES: u64 = 2;

#[test]
fn every_result_equals_the_linear_scan_in_even_histories() {
    compare(0);
}

#[test]
fn every_result_equals_the_linear_scan_in_odd_histories() {
    compare(1);
}

fn compare(share: u64) {
    let (histories, seed) = (number("NEARBY_HISTORIES", 1_000), number("NEARBY_SEED", 20_240_229));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: u32::try_from(histories).unwrap(),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (generated, compared) = (AtomicU64::new(0), AtomicUsize::new(0));
    let (started, passed) = (AtomicU64::new(0), AtomicU64::new(0));
    let outcome = runner.run(&prop::collection::vec(any::<u8>(), 0..24), |bytes| {
        let number = generated.fetch_add(1, Ordering::Relaxed);
        // Once a history has failed, those that follow are simpler forms of it.
        let has_failed = started.load(Ordering::Relaxed) > passed.load(Ordering::Relaxed);
        if number % SHARES == share || has_failed {
            started.fetch_add(1, Ordering::Relaxed);
            compared.fetch_add(model::run(&bytes), Ordering::Relaxed);
            passed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    });
    let compared = compared.into_inner();
    println!("seed {seed}, share {share}: {compared} answers compared");
    outcome.unwrap();
    let run = started.into_inner();
    assert!(compared as u64 >= 20 * run, "only {compared} results of {run} histories were compared");
}
