//! Attacks by hostile clients over raw HTTP/2: the time until the server ends each, its memory, and the effect on
//! well-behaved callers.
//!
//! | module | contents |
//! |---|---|
//! | `catalog` | the attacks |
//! | `frames` | raw HTTP/2 frames and connections |
//! | `watch_storm` | watches that move without a pause |

mod catalog;
mod frames;
mod watch_storm;

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use comfy_table::{CellAlignment, Table, presets};
use tokio::task::JoinSet;

pub use self::{
    catalog::{ATTACKS, Attack},
    frames::Termination,
};
use crate::runner::{ProcessUsage, Runner};

/// Service quality for well-behaved callers, and the server's memory, over an interval.
#[derive(Clone, Debug)]
pub struct Observation {
    /// 99th percentile of their latency.
    pub p99_us: u64,
    /// Share of their calls that succeeded.
    pub good_share: f64,
    /// Outcomes of the failed calls.
    pub failure_summary: Vec<String>,
    /// Peak resident memory of the server in bytes.
    pub resident_bytes: u64,
}

/// Outcome of an attack.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Connections that attackers opened.
    pub connections: usize,
    /// Connections that the server ended within the attack's limit, or all of whose streams it ended.
    pub ended: usize,
    /// The way in which the server ended the first of them.
    pub first_termination: Option<Termination>,
    /// Time in seconds until the last of them was ended.
    pub slowest_s: f64,
    /// Observation before the attack.
    pub baseline: Observation,
    /// Observation during the attack.
    pub under_attack: Observation,
    /// Resident memory of the server after the attack, in bytes.
    pub resident_after_bytes: u64,
}

/// Number of well-behaved callers.
const CALLERS: usize = 4;
/// Duration of the observation before each attack.
const BASELINE_DURATION: Duration = Duration::from_secs(3);
/// Delay after which an attacker reconnects.
const RECONNECT_DELAY: Duration = Duration::from_millis(10);
/// Time after an attack before memory is read. Calls are served meanwhile: the allocator returns free pages only when called.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// Runs an attack on a server.
///
/// # Errors
/// The well-behaved callers could not run, or the server's process cannot be read.
pub async fn attack(
    runner: &Runner,
    address: SocketAddr,
    pid: u32,
    attack: &'static Attack,
) -> io::Result<Outcome> {
    let baseline = observe(runner, pid, BASELINE_DURATION).await?;
    let mut attackers = JoinSet::new();
    let start = Instant::now();
    let first =
        ATTACKS.iter().position(|it| it.name == attack.name).unwrap_or_default() * catalog::MAX_CONNECTIONS;
    for number in first..first + attack.connections {
        attackers.spawn(async move {
            let mut ends = Vec::new();
            // Attackers reconnect for the whole measurement.
            while ends.is_empty() || start.elapsed() < attack.measure_for {
                let begun = Instant::now();
                let ended = tokio::time::timeout(attack.limit, (attack.run)(address, number)).await;
                // A rejected connection counts as ended.
                ends.push(ended.ok().map(|ended| (ended.unwrap_or(Termination::Closed), begun.elapsed())));
                tokio::time::sleep(RECONNECT_DELAY).await;
            }
            ends
        });
    }
    let measured = attack.limit.min(attack.measure_for);
    let (under_attack, ends) = tokio::join!(observe(runner, pid, measured), attackers.join_all());
    observe(runner, pid, SETTLE_TIME).await?;
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    let connections = ends.len();
    let ends: Vec<(Termination, Duration)> = ends.into_iter().flatten().collect();
    Ok(Outcome {
        connections,
        ended: ends.len(),
        first_termination: ends.first().map(|(end, _)| *end),
        slowest_s: ends.iter().map(|(_, after)| after.as_secs_f64()).fold(0.0, f64::max),
        baseline,
        under_attack: under_attack?,
        resident_after_bytes: ProcessUsage::of(pid)?.resident_bytes,
    })
}

/// Observes well-behaved callers and the server's memory.
async fn observe(runner: &Runner, pid: u32, length: Duration) -> io::Result<Observation> {
    let peak_memory = async {
        let mut peak = 0;
        let end = Instant::now() + length;
        while Instant::now() < end {
            peak = ProcessUsage::of(pid).map_or(peak, |usage| usage.resident_bytes.max(peak));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        peak
    };
    let (record, resident_bytes) =
        tokio::join!(runner.run_closed_loop("well-behaved", CALLERS, length), peak_memory);
    let record = record?;
    let p99_us = record.latency_us().value_at_quantile(0.99);
    Ok(Observation {
        p99_us,
        good_share: record.good_share(),
        failure_summary: record.failure_summary(),
        resident_bytes,
    })
}

/// Renders the outcomes as a table.
#[must_use]
pub fn summary(outcomes: &[(&Attack, Outcome)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "attack",
        "connections",
        "ended",
        "ended by",
        "slowest s",
        "limit s",
        "p99 µs before",
        "during",
        "ratio",
        "good",
        "MB before",
        "peak",
        "after",
    ]);
    #[expect(clippy::cast_precision_loss, reason = "microseconds and bytes of a run")]
    for (attack, outcome) in outcomes {
        let ratio = outcome.under_attack.p99_us as f64 / outcome.baseline.p99_us.max(1) as f64;
        let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
        table.add_row([
            attack.name.to_owned(),
            outcome.connections.to_string(),
            if attack.must_end { outcome.ended.to_string() } else { "held".to_owned() },
            outcome
                .first_termination
                .filter(|_| attack.must_end)
                .map(|end| end.to_string())
                .unwrap_or_default(),
            if attack.must_end { format!("{:.1}", outcome.slowest_s) } else { String::new() },
            format!("{:.0}", attack.limit.as_secs_f64()),
            outcome.baseline.p99_us.to_string(),
            outcome.under_attack.p99_us.to_string(),
            format!("{ratio:.2}"),
            format!("{:.2} %", outcome.under_attack.good_share * 100.0),
            mb(outcome.baseline.resident_bytes),
            mb(outcome.under_attack.resident_bytes),
            mb(outcome.resident_after_bytes),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("{table}\n")
}

/// Returns the failures: connections that outlived the limit, and failed calls of well-behaved callers.
#[must_use]
pub fn failures(outcomes: &[(&Attack, Outcome)]) -> Vec<String> {
    let mut failures = Vec::new();
    for (attack, outcome) in outcomes {
        if attack.must_end && outcome.ended < outcome.connections {
            let remaining = outcome.connections - outcome.ended;
            failures.push(format!(
                "{}: {remaining} connections outlived {:.0} s",
                attack.name,
                attack.limit.as_secs_f64()
            ));
        }
        let growth = outcome.under_attack.resident_bytes.saturating_sub(outcome.baseline.resident_bytes);
        if let Some(max) = attack.max_growth_bytes.filter(|max| growth > *max) {
            let [growth, max] = [growth, max].map(|bytes| bytes / 1_000_000);
            failures.push(format!(
                "{}: the server's memory grew by {growth} MB, more than {max} MB",
                attack.name
            ));
        }
        if outcome.under_attack.good_share < 1.0 {
            let share = (1.0 - outcome.under_attack.good_share) * 100.0;
            let summary = outcome.under_attack.failure_summary.join("; ");
            failures
                .push(format!("{}: {share:.2} % of the well-behaved calls failed: {summary}", attack.name));
        }
    }
    failures
}
