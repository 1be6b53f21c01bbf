//! Cost of a call to the server: its CPU time relative to that of a health check. On a machine of few cores this ratio is more
//! stable than throughput.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Dataset, Oracle},
    runner::{Runner, verify_samples},
    workload::{Kind, Operation, RequestGenerator, Scenario, View},
};

/// CPU time of a call, or of each search of a batch or stream, relative to that of a health check.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Costs {
    /// A search for 20 results, ID_ONLY view.
    pub id_only: f64,
    /// A search for 20 results, BASIC view.
    pub basic: f64,
    /// A search for 20 results, FULL view.
    pub full: f64,
    /// Each search of a batch of 100, ID_ONLY view.
    pub batch: f64,
    /// Each search of a stream of 100, ID_ONLY view.
    pub stream: f64,
    /// Each search of a batch of 100, BASIC view.
    pub batch_basic: f64,
    /// Each search of a stream of 100, BASIC view.
    pub stream_basic: f64,
    /// CPU time of the health check in microseconds.
    pub empty_us: f64,
}

/// Settings of the measurement.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of interleaved measurements of each call.
    pub rounds: usize,
    /// Duration of each measurement.
    pub slice: Duration,
    /// Number of concurrent callers.
    pub callers: usize,
    /// Seed of the requests.
    pub seed: u64,
}

const EMPTY: &str = "empty";

fn operations() -> [(&'static str, Operation); 8] {
    let of = |kind, view| Operation { view, ..Operation::of(kind) };
    [
        (EMPTY, Operation::of(Kind::Health)),
        ("id_only", of(Kind::Search, View::IdOnly)),
        ("basic", of(Kind::Search, View::Basic)),
        ("full", of(Kind::Search, View::Full)),
        ("batch", of(Kind::Batch, View::IdOnly)),
        ("stream", of(Kind::Stream, View::IdOnly)),
        ("batch_basic", of(Kind::Batch, View::Basic)),
        ("stream_basic", of(Kind::Stream, View::Basic)),
    ]
}

/// Measures all calls, interleaved so that other load on the machine affects them alike: the median of each call's ratio to the
/// health check of the same round.
///
/// # Errors
/// The generator failed, a call failed, a response was wrong, or the server's process is unknown.
pub async fn costs(
    runner: &Runner,
    dataset: &Dataset,
    oracle: Option<&Arc<Oracle>>,
    plan: Plan,
) -> io::Result<Costs> {
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let runners = operations().map(|(name, operation)| {
        let searches = operation.searches().max(1);
        let verify_one_in = if searches > 1 { 1_000 } else { 100 };
        (
            name,
            searches,
            runner.with_requests(RequestGenerator::new(
                dataset,
                &Scenario::of(operation),
                plan.seed,
                verify_one_in,
            )),
        )
    });
    for round in 0..=plan.rounds {
        let mut empty_us = 0.0;
        for (name, searches, runner) in &runners {
            let mut record =
                runner.run_closed_loop(&format!("{name}, round {round}"), plan.callers, plan.slice).await?;
            verify_samples(&mut record, oracle).await;
            if record.good_share() < 1.0 || record.wrong > 0 {
                let what = record
                    .wrong_examples
                    .first()
                    .map_or("a call failed; use fewer --callers if the server is overloaded", String::as_str);
                return Err(io::Error::other(format!("{name}: {what}")));
            }
            let used = record
                .server
                .ok_or_else(|| io::Error::other("the server's process is unknown; pass --server-pid"))?;
            #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
            let each_us = used.cpu_s * 1e6 / (record.answered_in_phase.max(1) as f64 * f64::from(*searches));
            if *name == EMPTY {
                empty_us = each_us;
            }
            // Round 0 warms up.
            if round > 0 {
                let ratio = if *name == EMPTY { each_us } else { each_us / empty_us };
                ratios.entry(name).or_default().push(ratio);
            }
        }
    }
    let median = |name: &str| {
        let mut all = ratios.get(name).cloned().unwrap_or_default();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Ok(Costs {
        id_only: median("id_only"),
        basic: median("basic"),
        full: median("full"),
        batch: median("batch"),
        stream: median("stream"),
        batch_basic: median("batch_basic"),
        stream_basic: median("stream_basic"),
        empty_us: median(EMPTY),
    })
}
