//! Cost of a call to the server: its CPU time relative to that of a health check. On a machine of few cores this ratio is more
//! stable than throughput.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Dataset, Oracle},
    h2_client::Code,
    runner::{Record, Runner, verify_samples},
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

/// Maximum number of concurrent callers of batches and streams. The server queues such calls and rejects new ones while more
/// than 16 per core wait for longer than 15 ms: 8 keep every core busy and are not rejected on an idle machine.
const MAX_BATCH_CALLERS: usize = 8;

/// Maximum number of repetitions of a measurement in which the server rejected calls.
const MAX_REPEATS: usize = 8;

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

/// Returns the number of concurrent callers of a call with this number of searches.
fn concurrent_callers(plan: Plan, searches: u32) -> usize {
    if searches > 1 { plan.callers.min(MAX_BATCH_CALLERS) } else { plan.callers }
}

/// Runs one measurement. While the machine is busy with something else, the server may reject calls or miss their deadlines. Such a
/// measurement does not count, since those calls cost CPU time and no search, and is repeated with half the callers.
async fn measure(
    runner: &Runner,
    stage: &str,
    mut callers: usize,
    slice: Duration,
    oracle: Option<&Arc<Oracle>>,
) -> io::Result<Record> {
    let mut repeats = 0;
    loop {
        let mut record = runner.run_closed_loop(stage, callers, slice).await?;
        verify_samples(&mut record, oracle).await;
        if let Some(example) = record.wrong_examples.first() {
            return Err(io::Error::other(example.clone()));
        }
        if record.good_share() >= 1.0 {
            return Ok(record);
        }
        let is_busy = record
            .outcomes
            .keys()
            .all(|(_, code)| matches!(*code, Code::OK | Code::UNAVAILABLE | Code::DEADLINE_EXCEEDED));
        if !is_busy || repeats == MAX_REPEATS {
            let (due, failed) = (record.due(), record.due() - record.good());
            let summary = record.failure_summary().join("; ");
            return Err(io::Error::other(format!("{failed} of {due} calls failed: {summary}")));
        }
        repeats += 1;
        callers = (callers / 2).max(1);
        tokio::time::sleep(slice).await;
    }
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
            concurrent_callers(plan, searches),
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
        for (name, searches, callers, runner) in &runners {
            let stage = format!("{name}, round {round}");
            let record = measure(runner, &stage, *callers, plan.slice, oracle)
                .await
                .map_err(|error| io::Error::other(format!("{name}: {error}")))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_streams_have_few_callers_so_that_the_server_rejects_none() {
        let plan = |callers| Plan { rounds: 1, slice: Duration::from_secs(1), callers, seed: 1 };
        assert_eq!(concurrent_callers(plan(32), 100), MAX_BATCH_CALLERS);
        assert_eq!(concurrent_callers(plan(4), 100), 4);
        assert_eq!(concurrent_callers(plan(32), 1), 32);
    }
}
