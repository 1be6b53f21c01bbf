//! Hostile clients, over HTTP/2 as they write it themselves: how long the server bears each, what it costs in memory, and what
//! well-behaved callers notice.
//!
//! | module | what it is |
//! |---|---|
//! | `frames` | HTTP/2, one frame at a time, right or wrong |
//! | `attacks` | what hostile clients do |

mod catalog;
mod frames;

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use comfy_table::{CellAlignment, Table, presets};
use tokio::task::JoinSet;

pub use self::{
    catalog::{ATTACKS, Attack},
    frames::End,
};
use crate::runner::{Driver, Usage};

/// How well-behaved callers fared, and what the server needed.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Of their calls.
    pub p99_us: u64,
    /// Of them, answered well.
    pub good_share: f64,
    /// What the others were told.
    pub refusals: Vec<String>,
    /// The server's memory at the most, in bytes.
    pub resident_bytes: u64,
}

/// What became of an attack.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Connections it opened.
    pub connections: usize,
    /// Those that the server ended within the attack's limit, or all whose streams it ended.
    pub ended: usize,
    /// How the first of them was ended.
    pub by: Option<End>,
    /// How long the slowest of them took, in seconds.
    pub slowest_s: f64,
    /// Before it.
    pub quiet: Notice,
    /// While it went on.
    pub attacked: Notice,
    /// The server's memory once it is over, in bytes.
    pub resident_after_bytes: u64,
}

/// Well-behaved callers, whom attacks must not hurt.
const CALLERS: usize = 4;
/// How long they are measured before each attack.
const QUIET: Duration = Duration::from_secs(3);
/// After how long a hostile client comes again.
const AGAIN: Duration = Duration::from_millis(10);
/// How long memory may take to come back after it, while calls are served: an allocator gives back what is free when it is called.
const REST: Duration = Duration::from_secs(2);

/// Attacks a server.
///
/// # Errors
/// The well-behaved callers, or the look at the server's process, broke.
pub async fn attack(
    driver: &Driver,
    address: SocketAddr,
    pid: u32,
    attack: &'static Attack,
) -> io::Result<Outcome> {
    let quiet = notice(driver, pid, QUIET).await?;
    let mut hostile = JoinSet::new();
    let start = Instant::now();
    let first = ATTACKS.iter().position(|it| it.name == attack.name).unwrap_or_default() * catalog::MOST;
    for number in first..first + attack.connections {
        hostile.spawn(async move {
            let mut ends = Vec::new();
            // Whoever is hostile comes again.
            while ends.is_empty() || start.elapsed() < attack.measured {
                let begun = Instant::now();
                let ended = tokio::time::timeout(attack.limit, (attack.act)(address, number)).await;
                // A connection that the server will not take is one that it has ended.
                ends.push(ended.ok().map(|ended| (ended.unwrap_or(End::Closed), begun.elapsed())));
                tokio::time::sleep(AGAIN).await;
            }
            ends
        });
    }
    let measured = attack.limit.min(attack.measured);
    let (attacked, ends) = tokio::join!(notice(driver, pid, measured), hostile.join_all());
    notice(driver, pid, REST).await?;
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    let connections = ends.len();
    let ends: Vec<(End, Duration)> = ends.into_iter().flatten().collect();
    Ok(Outcome {
        connections,
        ended: ends.len(),
        by: ends.first().map(|(end, _)| *end),
        slowest_s: ends.iter().map(|(_, after)| after.as_secs_f64()).fold(0.0, f64::max),
        quiet,
        attacked: attacked?,
        resident_after_bytes: Usage::of(pid)?.resident_bytes,
    })
}

async fn notice(driver: &Driver, pid: u32, length: Duration) -> io::Result<Notice> {
    let most = async {
        let mut most = 0;
        let end = Instant::now() + length;
        while Instant::now() < end {
            most = Usage::of(pid).map_or(most, |usage| usage.resident_bytes.max(most));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        most
    };
    let (record, resident_bytes) = tokio::join!(driver.closed("well-behaved", CALLERS, length), most);
    let record = record?;
    let p99_us = record.latency_us().value_at_quantile(0.99);
    Ok(Notice { p99_us, good_share: record.good_share(), refusals: record.refusals(), resident_bytes })
}

/// What became of all, as a table.
#[must_use]
pub fn summary(outcomes: &[(&Attack, Outcome)]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "attack",
        "connections",
        "ended",
        "by",
        "slowest s",
        "limit s",
        "p99 µs quiet",
        "attacked",
        "ratio",
        "good",
        "MB quiet",
        "most",
        "after",
    ]);
    #[expect(clippy::cast_precision_loss, reason = "microseconds and bytes of a run")]
    for (attack, outcome) in outcomes {
        let ratio = outcome.attacked.p99_us as f64 / outcome.quiet.p99_us.max(1) as f64;
        let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
        table.add_row([
            attack.name.to_owned(),
            outcome.connections.to_string(),
            if attack.ends { outcome.ended.to_string() } else { "held".to_owned() },
            outcome.by.filter(|_| attack.ends).map(|end| end.to_string()).unwrap_or_default(),
            if attack.ends { format!("{:.1}", outcome.slowest_s) } else { String::new() },
            format!("{:.0}", attack.limit.as_secs_f64()),
            outcome.quiet.p99_us.to_string(),
            outcome.attacked.p99_us.to_string(),
            format!("{ratio:.2}"),
            format!("{:.2} %", outcome.attacked.good_share * 100.0),
            mb(outcome.quiet.resident_bytes),
            mb(outcome.attacked.resident_bytes),
            mb(outcome.resident_after_bytes),
        ]);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    format!("{table}\n")
}

/// What an attack did that it must not: connections that outlived their limit, callers that failed.
#[must_use]
pub fn failures(outcomes: &[(&Attack, Outcome)]) -> Vec<String> {
    let mut failures = Vec::new();
    for (attack, outcome) in outcomes {
        if attack.ends && outcome.ended < outcome.connections {
            let left = outcome.connections - outcome.ended;
            failures.push(format!(
                "{}: {left} connections outlived {:.0} s",
                attack.name,
                attack.limit.as_secs_f64()
            ));
        }
        if outcome.attacked.good_share < 1.0 {
            let share = (1.0 - outcome.attacked.good_share) * 100.0;
            let told = outcome.attacked.refusals.join("; ");
            failures.push(format!("{}: {share:.2} % of the well-behaved calls failed: {told}", attack.name));
        }
    }
    failures
}
