//! The summary on a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use super::{Calls, Phase, Quantiles, Report};

/// All that a person wants to know first.
#[must_use]
pub fn summary(report: &Report) -> String {
    let subject = &report.subject;
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} · seed {} · {} merchants · {} connections × {} streams · deadline {} ms",
        subject.scenario,
        subject.seed,
        subject.merchants,
        subject.connections,
        subject.streams,
        subject.deadline_ms
    );
    let _ = writeln!(text, "requests: the first {} have hash {}", subject.requests.0, subject.requests.1);
    let place = if subject.is_server_here { ", which the server shares" } else { "" };
    let _ = writeln!(text, "machine: {}{place}\n", subject.machine);
    let _ = writeln!(text, "{}", phases(report));
    for phase in &report.phases {
        let _ = write!(text, "{}", outcomes(phase));
    }
    if let Some(sweep) = &report.sweep {
        let or = |value: Option<f64>, unit: &str, none: &str| {
            value.map_or_else(|| none.to_owned(), |value| format!("{value:.1}{unit}"))
        };
        let knee = sweep.knee_per_s.map_or_else(|| "none".to_owned(), |rate| format!("{rate:.0}/s"));
        let _ = writeln!(
            text,
            "\npeak {:.0}/s with {} callers · knee {knee}",
            sweep.peak_per_s, sweep.peak_callers
        );
        let _ = writeln!(
            text,
            "at three times the peak{}: {} of the peak was answered well, with a p99 {} that at 75 %; normal again {}",
            if sweep.is_overload_valid { "" } else { " (INVALID, a hint alone)" },
            or(sweep.goodput_at_triple.map(|share| share * 100.0), " %", "nothing"),
            or(sweep.p99_at_triple, " times", "beyond"),
            or(sweep.recovered_after_s, " s later", "not within the run"),
        );
    }
    text + &remarks(report)
}

/// What must be known to read the figures.
fn remarks(report: &Report) -> String {
    let (mut text, subject) = (String::new(), &report.subject);
    for phase in report.phases.iter().filter(|phase| phase.place_p99_us > 1_000) {
        let _ = writeln!(
            text,
            "{}: calls waited up to {} µs (p99) for one of {} places for streams, or until the server allowed one more, which is part of their latency",
            phase.name,
            phase.place_p99_us,
            subject.connections * subject.streams
        );
    }
    for (phase, fault) in report.faults() {
        let _ = writeln!(text, "INVALID {phase}: {fault}; it says nothing of the server");
    }
    for phase in report.phases.iter().filter(|phase| phase.judged > 0 && phase.empty == phase.judged) {
        let _ = writeln!(
            text,
            "{}: none of the {} answers that were judged has a merchant in it: does --around say where the server's are?",
            phase.name, phase.judged
        );
    }
    for phase in report.phases.iter().filter(|phase| phase.wrong > 0) {
        let _ = writeln!(
            text,
            "WRONG {}: {} of {} answers that were judged",
            phase.name, phase.wrong, phase.judged
        );
        for example in &phase.wrong_examples {
            let _ = writeln!(text, "  {example}");
        }
    }
    text
}

fn phases(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let has_server = report.phases.iter().any(|phase| phase.server.is_some());
    let mut head = vec![
        "run",
        "offered/s",
        "good/s",
        "good",
        "p50 µs",
        "p90 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "service p99 µs",
        "judged",
        "generator",
    ];
    if has_server {
        head.extend(["server µs/call", "MB"]);
    }
    table.set_header(head);
    for phase in &report.phases {
        let times = &phase.latency;
        let mut row = vec![
            phase.name.clone(),
            phase.offered_per_s.map_or_else(|| "closed".to_owned(), |rate| format!("{rate:.0}")),
            format!("{:.0}", phase.goodput_per_s),
            format!("{:.2} %", phase.good_share * 100.0),
            times.p50_us.to_string(),
            times.p90_us.to_string(),
            times.p99_us.to_string(),
            times.p999_us.to_string(),
            times.max_us.to_string(),
            phase.service.p99_us.to_string(),
            phase.judged.to_string(),
            format!(
                "{:.0} %{}",
                phase.generator_share * 100.0,
                if phase.faults.is_empty() { "" } else { " !" }
            ),
        ];
        if has_server {
            row.push(phase.server_cpu_us_per_call.map_or_else(String::new, |us| format!("{us:.1}")));
            row.push(
                phase.server.map_or_else(String::new, |cost| (cost.resident_bytes / 1_000_000).to_string()),
            );
        }
        table.add_row(row);
    }
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// What else came but OK.
fn outcomes(phase: &Phase) -> String {
    let others = phase.calls.iter().filter(|calls| calls.status != "OK");
    let line = |calls: &Calls| {
        let message = calls.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let Quantiles { p50_us, p99_us, .. } = calls.service;
        format!(
            "{}: {} {} {} (p50 {p50_us} µs, p99 {p99_us} µs after they were sent){message}\n",
            phase.name, calls.latency.count, calls.kind, calls.status
        )
    };
    others.map(line).collect()
}
