//! The report of a comparison: a table for people, JSON for programs.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::{Participant, accuracy::Accuracy, rounds::Round};
use crate::{report::Machine, runner::histogram};

/// Figures of all systems.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) tool: String,
    pub(super) seed: u64,
    pub(super) merchants: u64,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) seconds: f64,
    pub(super) rounds: u64,
    pub(super) verified: usize,
    pub(super) machine: Machine,
    /// Nearby comes first.
    pub(super) systems: Vec<Outcome>,
}

/// Figures of a system.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    system: &'static str,
    load_s: Option<f64>,
    restart_s: Option<f64>,
    /// Median of its rounds.
    searches_per_s: f64,
    rounds_per_s: Vec<f64>,
    p50_us: u64,
    p99_us: u64,
    server_cpu_us_per_search: Option<f64>,
    client_cpu_us_per_search: f64,
    memory_bytes: Option<u64>,
    accuracy: Accuracy,
    /// Nearby's throughput divided by this system's: the median over the rounds.
    nearby_speedup: Option<f64>,
}

impl Outcome {
    pub(super) fn of(participant: &Participant, nearby: &[Round]) -> Self {
        let rounds = &participant.rounds;
        let mut latency_us = histogram(3);
        for round in rounds {
            // Cannot fail: both have the same bounds.
            let _ = latency_us.add(&round.latency_us);
        }
        let searches = latency_us.len().max(1) as f64;
        let rounds_per_s: Vec<f64> = rounds.iter().map(Round::per_s).collect();
        let times = nearby.iter().zip(rounds).map(|(nearby, own)| nearby.per_s() / own.per_s()).collect();
        let server_cpu_s: Option<f64> = rounds.iter().map(|round| round.server_cpu_s).sum();
        let client_cpu_s: f64 = rounds.iter().map(|round| round.client_cpu_s).sum();
        Self {
            system: participant.system.name(),
            load_s: participant.load_s,
            restart_s: participant.restart_s,
            searches_per_s: median(rounds_per_s.clone()).unwrap_or_default(),
            rounds_per_s,
            p50_us: latency_us.value_at_quantile(0.5),
            p99_us: latency_us.value_at_quantile(0.99),
            server_cpu_us_per_search: server_cpu_s.map(|cpu_s| cpu_s * 1e6 / searches),
            client_cpu_us_per_search: client_cpu_s * 1e6 / searches,
            memory_bytes: participant.memory_bytes,
            accuracy: participant.accuracy,
            nearby_speedup: median(times).filter(|times| times.is_finite()),
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().saturating_sub(1) / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

/// Renders the report.
pub(super) fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    // Cannot fail: the target is a string.
    let _ = writeln!(
        text,
        "the 20 nearest within 5 km · seed {} · {} merchants · {} connections with one query at a time · \
         {} rounds of {} s",
        comparison.seed, comparison.merchants, comparison.connections, comparison.rounds, comparison.seconds
    );
    let _ = writeln!(text, "machine: {}; client threads: {}\n", comparison.machine, comparison.threads);
    let _ = writeln!(text, "{}", table(&comparison.systems));
    for system in comparison.systems.iter().filter(|system| system.system == "Nearby") {
        let accuracy = &system.accuracy;
        if !accuracy.is_correct() {
            let wrong = accuracy.responses - accuracy.exact;
            let worst = accuracy.worst_error_m;
            let _ = writeln!(
                text,
                "WRONG Nearby: {wrong} of {} verified responses; largest distance error {worst:.1e} m",
                accuracy.responses
            );
        }
    }
    text
}

fn table(systems: &[Outcome]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let has_restart = systems.iter().any(|system| system.restart_s.is_some());
    let mut head = vec![
        "system",
        "searches/s",
        "p50 µs",
        "p99 µs",
        "server µs",
        "client µs",
        "MB",
        "load s",
        "top 20 correct",
        "exact order",
        "max error m",
        "Nearby speedup",
    ];
    if has_restart {
        head.push("restart s");
    }
    table.set_header(head);
    for system in systems {
        let mut row = cells(system);
        if has_restart {
            row.push(optional(system.restart_s, 2));
        }
        table.add_row(row);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn cells(system: &Outcome) -> Vec<String> {
    let is_nearby = system.system == "Nearby";
    vec![
        system.system.to_owned(),
        format!("{:.0}", system.searches_per_s),
        system.p50_us.to_string(),
        system.p99_us.to_string(),
        optional(system.server_cpu_us_per_search, 1),
        format!("{:.1}", system.client_cpu_us_per_search),
        system.memory_bytes.map_or_else(|| "–".to_owned(), |bytes| (bytes / 1_000_000).to_string()),
        optional(system.load_s, 1),
        format!("{:.2} %", system.accuracy.correct_percent()),
        format!("{:.1} %", system.accuracy.exact_percent()),
        format!("{:.1e}", system.accuracy.worst_error_m),
        system.nearby_speedup.filter(|_| !is_nearby).map_or_else(String::new, |times| format!("{times:.2}×")),
    ]
}

/// Formats a figure, or a dash if it was not measured.
fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_both() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn figures_that_were_not_measured_are_shown_as_a_dash() {
        let outcome = Outcome {
            system: "Redis",
            load_s: None,
            restart_s: None,
            searches_per_s: 5.0,
            rounds_per_s: vec![5.0],
            p50_us: 1,
            p99_us: 2,
            server_cpu_us_per_search: None,
            client_cpu_us_per_search: 3.0,
            memory_bytes: None,
            accuracy: Accuracy::default(),
            nearby_speedup: Some(2.0),
        };
        let text = table(&[outcome]).to_string();
        assert!(text.contains("2.00×") && !text.contains("restart"), "{text}");
        assert_eq!(text.matches('–').count(), 3, "{text}");
    }
}
