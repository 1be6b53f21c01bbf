//! Attacks by hostile clients over raw HTTP/2 and HTTP/1.1: the time until the server ends each, its memory, and the effect on
//! well-behaved callers.
//!
//! | module | contents |
//! |---|---|
//! | `catalog` | the attacks on the gRPC listener |
//! | `http1` | the attacks on the HTTP listener |
//! | `frames` | raw HTTP/2 frames and connections |
//! | `watch_storm` | watches that move without a pause |

mod catalog;
mod frames;
mod http1;
mod watch_storm;

use std::{
    collections::BTreeSet,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use comfy_table::{CellAlignment, Table, presets};
use tokio::task::JoinSet;

pub use self::{
    catalog::{Attack, Listener},
    frames::Termination,
    http1::HttpCallers,
};
use crate::{
    dataset::Oracle,
    runner::{ProcessUsage, Runner, verify_samples},
};

/// The server that is attacked, and its well-behaved callers.
#[derive(Debug)]
pub struct Victim<'r> {
    /// Callers over gRPC.
    pub runner: &'r Runner,
    /// Correct responses.
    pub oracle: Option<Arc<Oracle>>,
    /// Address of the gRPC listener.
    pub address: SocketAddr,
    /// Address of the HTTP listener, and its callers.
    pub http: Option<(SocketAddr, HttpCallers)>,
    /// Process.
    pub pid: u32,
}

/// Durations of the measurements of an attack.
#[derive(Clone, Copy, Debug)]
pub struct Durations {
    /// Observation before the attack.
    pub baseline: Duration,
    /// Observation during the attack, if it differs from that of the catalog.
    pub attack: Option<Duration>,
    /// Time after the attack before memory is read. Calls are served meanwhile: the allocator returns free pages only when called.
    pub settle: Duration,
}

/// Service quality for well-behaved callers, and the server's memory, over an interval.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Successful calls per second.
    pub calls_per_s: f64,
    /// 99th percentile of their latency.
    pub p99_us: u64,
    /// Share of their calls that succeeded.
    pub good_share: f64,
    /// Outcomes of the failed calls.
    pub failure_summary: Vec<String>,
    /// Number of verified responses.
    pub verified: u64,
    /// Number of wrong responses among them.
    pub wrong: u64,
    /// The first wrong responses.
    pub wrong_examples: Vec<String>,
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
    /// Faults of the server.
    pub faults: BTreeSet<&'static str>,
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
pub const CALLERS: usize = 4;
/// Delay after which an attacker reconnects.
const RECONNECT_DELAY: Duration = Duration::from_millis(10);

impl Default for Durations {
    fn default() -> Self {
        Self { baseline: Duration::from_secs(3), attack: None, settle: Duration::from_secs(2) }
    }
}

impl Durations {
    /// The same duration for each measurement.
    #[must_use]
    pub fn all(length: Duration) -> Self {
        Self { baseline: length, attack: Some(length), settle: length }
    }
}

/// Returns all attacks.
pub fn all() -> impl Iterator<Item = &'static Attack> {
    catalog::ATTACKS.iter().chain(&http1::ATTACKS)
}

/// Runs an attack on a server.
///
/// # Errors
/// The well-behaved callers could not run, or the server's process cannot be read. There is no HTTP listener to attack.
pub async fn attack(
    victim: &Victim<'_>,
    attack: &'static Attack,
    durations: Durations,
) -> io::Result<Outcome> {
    let address = match (attack.listener, &victim.http) {
        (Listener::Grpc, _) => victim.address,
        (Listener::Http, Some((address, _))) => *address,
        (Listener::Http, None) => return Err(io::Error::other("the server has no HTTP listener")),
    };
    let baseline = victim.observe(attack.listener, durations.baseline).await?;
    let measure_for = durations.attack.unwrap_or(attack.measure_for);
    let mut attackers = JoinSet::new();
    let start = Instant::now();
    let first = all().position(|it| it.name == attack.name).unwrap_or_default() * catalog::MAX_CONNECTIONS;
    for number in first..first + attack.connections {
        attackers.spawn(async move {
            let mut ends = Vec::new();
            // Attackers reconnect for the whole measurement.
            while ends.is_empty() || start.elapsed() < measure_for {
                let begun = Instant::now();
                let ended = tokio::time::timeout(attack.limit, (attack.run)(address, number)).await;
                // A rejected connection counts as ended.
                ends.push(ended.ok().map(|ended| (ended.unwrap_or(Termination::Closed), begun.elapsed())));
                tokio::time::sleep(RECONNECT_DELAY).await;
            }
            ends
        });
    }
    let measured = attack.limit.min(measure_for);
    let (under_attack, ends) = tokio::join!(victim.observe(attack.listener, measured), attackers.join_all());
    victim.observe(attack.listener, durations.settle).await?;
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    let connections = ends.len();
    let ends: Vec<(Termination, Duration)> = ends.into_iter().flatten().collect();
    let faults = ends.iter().filter_map(|(end, _)| match end {
        Termination::Fault(fault) => Some(*fault),
        _ => None,
    });
    Ok(Outcome {
        connections,
        ended: ends.len(),
        first_termination: ends.first().map(|(end, _)| *end),
        faults: faults.collect(),
        slowest_s: ends.iter().map(|(_, after)| after.as_secs_f64()).fold(0.0, f64::max),
        baseline,
        under_attack: under_attack?,
        resident_after_bytes: ProcessUsage::of(victim.pid)?.resident_bytes,
    })
}

impl Victim<'_> {
    /// Observes the well-behaved callers of a listener, and the server's memory.
    async fn observe(&self, listener: Listener, length: Duration) -> io::Result<Observation> {
        let peak_memory = async {
            let mut peak = 0;
            let end = Instant::now() + length;
            while Instant::now() < end {
                peak = ProcessUsage::of(self.pid).map_or(peak, |usage| usage.resident_bytes.max(peak));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            peak
        };
        let called = async {
            match (listener, &self.http) {
                (Listener::Http, Some((_, callers))) => self.observe_http(callers, length).await,
                _ => self.observe_grpc(length).await,
            }
        };
        let (observation, resident_bytes) = tokio::join!(called, peak_memory);
        Ok(Observation { resident_bytes, ..observation? })
    }

    async fn observe_grpc(&self, length: Duration) -> io::Result<Observation> {
        let mut record = self.runner.run_closed_loop("well-behaved", CALLERS, length).await?;
        verify_samples(&mut record, self.oracle.as_ref()).await;
        #[expect(clippy::cast_precision_loss, reason = "calls of a run")]
        let good = record.good_in_phase as f64;
        Ok(Observation {
            calls_per_s: good / record.length_s.max(1e-9),
            p99_us: record.latency_us().value_at_quantile(0.99),
            good_share: record.good_share(),
            failure_summary: record.failure_summary(),
            verified: record.verified,
            wrong: record.wrong,
            wrong_examples: record.wrong_examples,
            resident_bytes: 0,
        })
    }

    async fn observe_http(&self, callers: &HttpCallers, length: Duration) -> io::Result<Observation> {
        let figures = callers.run(length, self.oracle.as_ref()).await?;
        #[expect(clippy::cast_precision_loss, reason = "calls of a run")]
        let (good, all) = (figures.latency_us.len() as f64, figures.calls.max(1) as f64);
        let failures = figures.failures.iter().map(|(failure, count)| format!("{count} × {failure}"));
        Ok(Observation {
            calls_per_s: good / length.as_secs_f64().max(1e-9),
            p99_us: figures.latency_us.value_at_quantile(0.99),
            good_share: good / all,
            failure_summary: failures.collect(),
            verified: figures.verified,
            wrong: figures.wrong.len() as u64,
            wrong_examples: figures.wrong.into_iter().take(10).collect(),
            resident_bytes: 0,
        })
    }
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
        "calls/s before",
        "during",
        "p99 µs before",
        "during",
        "ratio",
        "good",
        "correct",
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
            format!("{:.0}", outcome.baseline.calls_per_s),
            format!("{:.0}", outcome.under_attack.calls_per_s),
            outcome.baseline.p99_us.to_string(),
            outcome.under_attack.p99_us.to_string(),
            format!("{ratio:.2}"),
            format!("{:.2} %", outcome.under_attack.good_share * 100.0),
            format!("{:.2} %", correct_share(&outcome.under_attack) * 100.0),
            mb(outcome.baseline.resident_bytes),
            mb(outcome.under_attack.resident_bytes),
            mb(outcome.resident_after_bytes),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("{table}\n")
}

/// The share of correct responses among those that were verified.
#[expect(clippy::cast_precision_loss, reason = "calls of a run")]
fn correct_share(observation: &Observation) -> f64 {
    1.0 - observation.wrong as f64 / observation.verified.max(1) as f64
}

/// Returns the failures: connections that outlived the limit, faults of the server, and failed or wrong calls of well-behaved callers.
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
        failures.extend(outcome.faults.iter().map(|fault| format!("{}: {fault}", attack.name)));
        if outcome.under_attack.wrong > 0 {
            let examples = outcome.under_attack.wrong_examples.join("; ");
            failures
                .push(format!("{}: {} wrong responses: {examples}", attack.name, outcome.under_attack.wrong));
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
