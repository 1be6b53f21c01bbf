//! What a call costs the server: its processor time over that of the emptiest call there is. On few cores this is the
//! figure that lasts.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Oracle, World},
    runner::{Driver, judge},
    workload::{Kind, Operation, Requests, Scenario, View},
};

/// Processor time of a call, or of a search of many in one call, over that of a health check.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Costs {
    /// 20 names.
    pub id_only: f64,
    /// 20 as a list shows them.
    pub basic: f64,
    /// 20 with everything.
    pub full: f64,
    /// Each search of a batch of 100, 20 names each.
    pub batch: f64,
    /// Each search of a stream of 100, 20 names each.
    pub stream: f64,
    /// Each search of a batch of 100, 20 each as a list shows them.
    pub batch_basic: f64,
    /// Each search of a stream of 100, 20 each as a list shows them.
    pub stream_basic: f64,
    /// Processor time of the health check itself, in microseconds.
    pub empty_us: f64,
}

/// How costs are measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often each is measured, in turns.
    pub rounds: usize,
    /// How long each time.
    pub slice: Duration,
    /// Callers at the same time.
    pub callers: usize,
    /// Seed of the requests.
    pub seed: u64,
}

const EMPTY: &str = "empty";

fn subjects() -> [(&'static str, Operation); 8] {
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

/// Measures them in turns: the median of each over the empty call of the same turn.
///
/// # Errors
/// A run broke, an answer was wrong, or the server's process is not known.
pub async fn costs(
    driver: &Driver,
    world: &World,
    oracle: Option<&Arc<Oracle>>,
    plan: Plan,
) -> io::Result<Costs> {
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let drivers = subjects().map(|(name, operation)| {
        let searches = operation.searches().max(1);
        let check_one_in = if searches > 1 { 1_000 } else { 100 };
        (
            name,
            searches,
            driver.asking(Requests::new(world, &Scenario::of(operation), plan.seed, check_one_in)),
        )
    });
    for round in 0..=plan.rounds {
        let mut empty_us = 0.0;
        for (name, searches, driver) in &drivers {
            let mut record =
                driver.closed(&format!("{name}, turn {round}"), plan.callers, plan.slice).await?;
            judge(&mut record, oracle).await;
            if record.good_share() < 1.0 || record.wrong > 0 {
                let what = record.wrong_examples.first().map_or("a call failed", String::as_str);
                return Err(io::Error::other(format!("{name}: {what}")));
            }
            let used = record
                .server
                .ok_or_else(|| io::Error::other("the server's process is not known: give --server-pid"))?;
            #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a run has")]
            let each_us = used.cpu_s * 1e6 / (record.answered_meanwhile.max(1) as f64 * f64::from(*searches));
            if *name == EMPTY {
                empty_us = each_us;
            }
            // The first turn warms up.
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
