//! The HTML report: one self-contained file for light and dark screens and for print.

use std::fmt::Write;

use super::{
    Phase, RECOVERY, Report,
    plot::{self, Figure, Line},
};

/// Renders a report as an HTML page.
#[must_use]
pub fn html(report: &Report) -> String {
    let setup = &report.setup;
    let mut page = String::new();
    let shared = if setup.is_server_local { ", shared by generator and server" } else { "" };
    // Cannot fail: the target is a string.
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<title>{title} · Nearby load test</title><style>{STYLE}</style><main><h1>{title}</h1><p class=\"lead\">{summary}</p>\
{key}<p class=\"quiet\">Seed {seed}, {merchants} merchants, {connections} connections of {streams} streams, deadline {deadline} ms. \
The first {first} requests have hash <code>{hash}</code>, determined by the seed. Generated on {machine}{shared}. {tool}.</p>",
        title = escaped(&setup.scenario),
        summary = escaped(&setup.summary),
        key = key_figures(report),
        seed = setup.seed,
        merchants = grouped(setup.merchants),
        connections = setup.connections,
        streams = setup.streams,
        deadline = setup.deadline_ms,
        first = grouped(setup.requests.0),
        hash = escaped(&setup.requests.1),
        machine = escaped(&setup.machine.to_string()),
        tool = escaped(&setup.tool),
    );
    page.push_str(&warnings(report));
    for figure in [
        plot::throughput(report),
        goodput(report),
        percentiles(report),
        Some(over_time(report, Metric::Latency)),
        errors(report),
        cpu(report),
        memory(report),
    ]
    .into_iter()
    .flatten()
    {
        let _ = write!(
            page,
            "<figure><figcaption>{}</figcaption>{}{}</figure>",
            escaped(figure.title),
            figure.legend(),
            figure.svg(false)
        );
    }
    page.push_str(&table(report));
    page.push_str(&statuses(report));
    page.push_str("</main></html>\n");
    page
}

const STYLE: &str = include_str!("page.css");

fn key_figures(report: &Report) -> String {
    let mut cards: Vec<(String, String)> = Vec::new();
    if let Some(sweep) = &report.sweep {
        cards.push(("peak".to_owned(), format!("{}/s", grouped_f(sweep.peak_per_s))));
        cards.push((
            "knee".to_owned(),
            sweep.knee_per_s.map_or_else(|| "none".to_owned(), |knee| format!("{}/s", grouped_f(knee))),
        ));
        let mark = if sweep.is_overload_valid { "" } else { " (invalid)" };
        if let Some(share) = sweep.goodput_at_300_percent {
            cards.push((format!("goodput at 3 × peak{mark}"), format!("{:.0} % of peak", share * 100.0)));
        }
        cards.push((
            format!("recovery from overload{mark}"),
            sweep.recovered_after_s.map_or_else(|| "not within the run".to_owned(), |s| format!("{s:.0} s")),
        ));
    } else if let Some(phase) = report.phases.first() {
        cards.push(("successful calls".to_owned(), format!("{}/s", grouped_f(phase.goodput_per_s))));
        cards.push(("p50".to_owned(), format_time(phase.latency.p50_us)));
        cards.push(("p99".to_owned(), format_time(phase.latency.p99_us)));
        cards.push(("p99.9".to_owned(), format_time(phase.latency.p999_us)));
    }
    let verified: u64 = report.phases.iter().map(|phase| phase.verified).sum();
    let wrong: u64 = report.phases.iter().map(|phase| phase.wrong).sum();
    cards.push(("responses verified".to_owned(), format!("{}, {wrong} wrong", grouped(verified))));
    let card = |(name, value): &(String, String)| {
        format!("<div><dt>{}</dt><dd>{}</dd></div>", escaped(name), escaped(value))
    };
    format!("<dl class=\"cards\">{}</dl>", cards.iter().map(card).collect::<String>())
}

fn warnings(report: &Report) -> String {
    let invalid = report
        .invalid_reasons()
        .map(|(phase, fault)| format!("<li><b>{}</b> is invalid: {}</li>", escaped(phase), escaped(fault)));
    let wrong = report.phases.iter().flat_map(|phase| {
        phase.wrong_examples.iter().map(|example| format!("<li><b>wrong:</b> {}</li>", escaped(example)))
    });
    let all: String = invalid.chain(wrong).collect();
    if all.is_empty() { String::new() } else { format!("<ul class=\"warnings\">{all}</ul>") }
}

/// Plots the percentile curves of all runs, from the median to the slowest call.
fn percentiles(report: &Report) -> Option<Figure<'static>> {
    let line = |phase: &Phase| {
        let times = phase.latency.decode();
        let point = |step: i32| {
            // The median is at 2; an eighth of a decade per step.
            let inverse = 2.0 * 10f64.powf(f64::from(step) / 8.0);
            (inverse, plot::milliseconds(times.value_at_quantile(1.0 - 1.0 / inverse)))
        };
        #[expect(clippy::cast_precision_loss, reason = "a label of an axis")]
        let max_inverse = phase.latency.count.max(1) as f64;
        let points = (0..=40).map(point).filter(|(inverse, _)| *inverse <= max_inverse).collect();
        Line { name: phase.name.clone(), points, is_marked: false }
    };
    let pool: Vec<Line> = report.phases.iter().filter(|phase| phase.latency.count > 0).map(line).collect();
    (!pool.is_empty()).then_some(Figure {
        title: "Latency percentiles, all runs",
        x: "percentile",
        y: "milliseconds",
        pool,
        is_x_log: true,
        is_y_log: true,
        annotation: None,
        x_label: |inverse| {
            let percent = 100.0 - 100.0 / inverse;
            format!("{percent:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
        },
    })
}

fn goodput(report: &Report) -> Option<Figure<'static>> {
    let mut open: Vec<(f64, f64)> = report
        .phases
        .iter()
        .filter(|phase| phase.name != RECOVERY)
        .filter_map(|phase| Some((phase.offered_per_s?, phase.goodput_per_s)))
        .collect();
    open.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (last, _) = *open.last()?;
    let ideal = vec![(0.0, 0.0), (last, last)];
    (open.len() > 1).then(|| Figure {
        title: "Goodput against offered load",
        x: "calls offered per second",
        y: "successful calls per second",
        pool: vec![
            Line { name: "successful".to_owned(), points: open, is_marked: true },
            Line { name: "offered".to_owned(), points: ideal, is_marked: false },
        ],
        is_x_log: false,
        is_y_log: false,
        annotation: None,
        x_label: plot::thousands,
    })
}

#[derive(Clone, Copy)]
enum Metric {
    Latency,
    Failures,
    Cpu,
    Memory,
}

fn over_time(report: &Report, metric: Metric) -> Figure<'static> {
    let mut pool: Vec<Line> = match metric {
        Metric::Latency => ["p50", "p99"]
            .map(|name| Line { name: name.to_owned(), points: Vec::new(), is_marked: false })
            .into(),
        _ => vec![Line { name: String::new(), points: Vec::new(), is_marked: false }],
    };
    let mut at = 0.0;
    for second in report.phases.iter().flat_map(|phase| &phase.seconds) {
        #[expect(clippy::cast_precision_loss, reason = "a point of a figure")]
        let number = |number: u64| number as f64;
        let values: Vec<Option<f64>> = match metric {
            Metric::Latency => [second.p50_us, second.p99_us]
                .map(|us| (second.ok > 0).then(|| plot::milliseconds(us)))
                .into(),
            Metric::Failures => vec![Some(number(second.failed))],
            Metric::Cpu => vec![second.server_cpu_s],
            Metric::Memory => vec![second.server_resident_bytes.map(|bytes| number(bytes) / 1e6)],
        };
        for (line, value) in pool.iter_mut().zip(values) {
            line.points.extend(value.map(|value| (at, value)));
        }
        at += 1.0;
    }
    let (title, y) = match metric {
        Metric::Latency => ("Latency over time, all runs", "milliseconds"),
        Metric::Failures => ("Failed calls over time", "calls per second"),
        Metric::Cpu => ("Server CPU time over time", "cores used"),
        Metric::Memory => ("Server memory over time", "megabytes resident"),
    };
    Figure {
        title,
        x: "seconds",
        y,
        pool,
        is_x_log: false,
        is_y_log: matches!(metric, Metric::Latency),
        annotation: None,
        x_label: plot::thousands,
    }
}

fn errors(report: &Report) -> Option<Figure<'static>> {
    let any = report.phases.iter().flat_map(|phase| &phase.seconds).any(|second| second.failed > 0);
    any.then(|| over_time(report, Metric::Failures))
}

fn cpu(report: &Report) -> Option<Figure<'static>> {
    report.setup.is_server_local.then(|| over_time(report, Metric::Cpu))
}

fn memory(report: &Report) -> Option<Figure<'static>> {
    report.setup.is_server_local.then(|| over_time(report, Metric::Memory))
}

fn table(report: &Report) -> String {
    let row = |phase: &Phase| {
        let times = &phase.latency;
        let offered = phase.offered_per_s.map_or_else(|| "closed loop".to_owned(), grouped_f);
        let cost = phase.server_cpu_us_per_call.map_or_else(String::new, |us| format!("{us:.1}"));
        let cells = [
            offered,
            grouped_f(phase.goodput_per_s),
            format!("{:.2} %", phase.good_share * 100.0),
            format_time(times.p50_us),
            format_time(times.p90_us),
            format_time(times.p99_us),
            format_time(times.p999_us),
            format_time(times.max_us),
            format_time(phase.service.p99_us),
            cost,
            format!("{:.0} %", phase.generator_cpu_share * 100.0),
        ];
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        let class = if phase.invalid_reasons.is_empty() { "" } else { " class=\"invalid\"" };
        format!("<tr{class}><th scope=\"row\">{}</th>{cells}</tr>", escaped(&phase.name))
    };
    let head = [
        "run",
        "offered/s",
        "good/s",
        "good",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "service p99",
        "server µs/call",
        "generator",
    ];
    let head: String = head.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let rows: String = report.phases.iter().map(row).collect();
    format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}

/// Renders the table by operation and status.
fn statuses(report: &Report) -> String {
    let rows: String = report
        .phases
        .iter()
        .flat_map(|phase| phase.calls.iter().map(move |calls| (phase, calls)))
        .map(|(phase, calls)| {
            let cells = [
                calls.kind.clone(),
                calls.status.clone(),
                grouped(calls.latency.count),
                format_time(calls.latency.p50_us),
                format_time(calls.latency.p99_us),
                format_time(calls.service.p50_us),
                format_time(calls.service.p99_us),
            ];
            let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>", escaped(&phase.name))
        })
        .collect();
    let head = ["run", "operation", "status", "calls", "p50", "p99", "service p50", "service p99"];
    let head: String = head.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    format!(
        "<details><summary>By operation and status</summary><div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
}

/// Formats a time with a readable unit.
fn format_time(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..100_000 => format!("{:.1} ms", plot::milliseconds(us)),
        100_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{:.1} s", plot::milliseconds(us) / 1_000.0),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, for display")]
fn grouped_f(number: f64) -> String {
    grouped(number.round().max(0.0) as u64)
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_are_formatted_for_people() {
        assert_eq!(
            (grouped(0), grouped(999), grouped(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(
            (format_time(999), format_time(1_500), format_time(250_000), format_time(2_500_000)),
            ("999 µs".into(), "1.5 ms".into(), "250 ms".into(), "2.5 s".into())
        );
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
