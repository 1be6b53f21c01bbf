//! Random histories and random queries of all kinds, compared with a linear scan.
//!
//! By default 1,000 histories, about 35,000 comparisons. For a million:
//! `NEARBY_HISTORIES=30000 cargo test --release --package nearby-index --test scan -- --nocapture`.
//! `NEARBY_SEED` selects other histories.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests may panic and print the seed and the count"
)]

mod model;

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(default)
}

#[test]
fn every_result_equals_the_linear_scan() {
    let (histories, seed) = (number("NEARBY_HISTORIES", 1_000), number("NEARBY_SEED", 20_240_229));
    let mut runner = TestRunner::new(ProptestConfig {
        cases: u32::try_from(histories).unwrap(),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let compared = AtomicUsize::new(0);
    let outcome = runner.run(&prop::collection::vec(any::<u8>(), 0..24), |bytes| {
        compared.fetch_add(model::run(&bytes), Ordering::Relaxed);
        Ok(())
    });
    let compared = compared.into_inner();
    println!("seed {seed}: {compared} answers compared");
    outcome.unwrap();
    assert!(compared as u64 >= 20 * histories, "only {compared} results were compared");
}
