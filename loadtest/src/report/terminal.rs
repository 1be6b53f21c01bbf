//! The summary for the terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};

use super::{Calls, Phase, Quantiles, Report};

/// Renders a summary.
#[must_use]
pub fn summary(report: &Report) -> String {
    let setup = &report.setup;
    let mut text = String::new();
    // Cannot fail: the target is a string.
    let _ = writeln!(
        text,
        "{} · seed {} · {} merchants · {} connections × {} streams · deadline {} ms",
        setup.scenario, setup.seed, setup.merchants, setup.connections, setup.streams, setup.deadline_ms
    );
    let _ = writeln!(text, "requests: the first {} have hash {}", setup.requests.0, setup.requests.1);
    let shared = if setup.is_server_local { " (shared with the server)" } else { "" };
    let _ = writeln!(text, "machine: {}{shared}\n", setup.machine);
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
            "at 300 % of the peak{}: goodput {} of the peak, p99 {} that at 75 %; recovered {}",
            if sweep.is_overload_valid { "" } else { " (INVALID, estimates only)" },
            or(sweep.goodput_at_300_percent.map(|share| share * 100.0), " %", "none"),
            or(sweep.p99_ratio_at_300_percent, " ×", "above"),
            or(sweep.recovered_after_s, " s later", "not within the run"),
        );
    }
    text + &remarks(report)
}

/// Renders notes that qualify the figures.
fn remarks(report: &Report) -> String {
    let (mut text, setup) = (String::new(), &report.setup);
    for phase in report.phases.iter().filter(|phase| phase.stream_wait_p99_us > 1_000) {
        let _ = writeln!(
            text,
            "{}: calls waited up to {} µs (p99) for one of {} HTTP/2 streams or for the server's stream limit; the wait is part of their latency",
            phase.name,
            phase.stream_wait_p99_us,
            setup.connections * setup.streams
        );
    }
    for (phase, fault) in report.invalid_reasons() {
        let _ = writeln!(text, "INVALID {phase}: {fault}; the figures do not measure the server");
    }
    for phase in report.phases.iter().filter(|phase| phase.verified > 0 && phase.empty == phase.verified) {
        let _ = writeln!(
            text,
            "{}: none of the {} verified responses contains a merchant; check that --around matches the server's data",
            phase.name, phase.verified
        );
    }
    for phase in report.phases.iter().filter(|phase| phase.wrong > 0) {
        let _ =
            writeln!(text, "WRONG {}: {} of {} verified responses", phase.name, phase.wrong, phase.verified);
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
        "verified",
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
            phase.verified.to_string(),
            format!(
                "{:.0} %{}",
                phase.generator_cpu_share * 100.0,
                if phase.invalid_reasons.is_empty() { "" } else { " !" }
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

/// Lists the outcomes other than OK.
fn outcomes(phase: &Phase) -> String {
    let others = phase.calls.iter().filter(|calls| calls.status != "OK");
    let line = |calls: &Calls| {
        let message = calls.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let Quantiles { p50_us, p99_us, .. } = calls.service;
        format!(
            "{}: {} {} {} (service time p50 {p50_us} µs, p99 {p99_us} µs){message}\n",
            phase.name, calls.latency.count, calls.kind, calls.status
        )
    };
    others.map(line).collect()
}
