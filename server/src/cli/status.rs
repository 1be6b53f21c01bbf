//! `nearby status`: the status of a running server, over a short period.

use std::{fmt::Write, time::Duration};

use clap::Args;

use super::{escape, exit_code::CliError, terminal};
use crate::{
    http_client,
    telemetry::status::{MethodStatus, PrincipalStatus, Status},
};

#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// Admin endpoint of the server, as its --admin-listen sets it
    #[arg(long, env = "NEARBY_ADMIN", value_name = "URL", default_value = "http://127.0.0.1:9464")]
    admin: String,

    /// Period over which rates are measured, in seconds
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    seconds: f64,

    /// Print the status as JSON, without rates
    #[arg(long)]
    json: bool,
}

/// Callers that the report lists.
const MAX_CALLERS: usize = 5;
/// Timeout and maximum response size of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 1 << 20;

pub(super) async fn run(args: StatusArgs) -> Result<(), CliError> {
    let period = Duration::try_from_secs_f64(args.seconds).ok().filter(|period| !period.is_zero());
    let period = period.ok_or_else(|| CliError::usage("--seconds must be above 0"))?;
    let before = fetch(&args.admin).await?;
    let after = if args.json {
        terminal::out(format!("{}\n", serde_json::to_string_pretty(&before).map_err(std::io::Error::from)?))?;
        before
    } else {
        tokio::time::sleep(period).await;
        let after = fetch(&args.admin).await?;
        terminal::out(report(&before, &after, period.as_secs_f64()))?;
        after
    };
    if after.ready { Ok(()) } else { Err(CliError::stopped("the server is loading or stopping")) }
}

async fn fetch(admin: &str) -> Result<Status, CliError> {
    let scheme = if admin.contains("://") { "" } else { "http://" };
    let url = format!("{scheme}{}/status", admin.trim_end_matches('/'));
    let text = http_client::get_text(&url, REQUEST_TIMEOUT, MAX_BYTES).await.map_err(|error| {
        CliError::unavailable(format!(
            "no admin endpoint at {url}: {error}; start the server with --admin-listen, and set --admin to that address"
        ))
    })?;
    serde_json::from_str(&text).map_err(|error| {
        CliError::unavailable(format!("{url} is not the status of a Nearby server: {error}"))
    })
}

fn report(before: &Status, after: &Status, seconds: f64) -> String {
    let mut text = String::new();
    let state = match (after.ready, after.writable) {
        (true, true) => "ready",
        (true, false) => "ready, READ-ONLY: the disk is full or failed, see the server's log",
        (false, _) => "NOT READY",
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let uptime_s = jiff::Timestamp::now().as_second() as f64 - before.start_s;
    let calls = |status: &Status| status.methods.values().map(|method| method.calls_total).sum::<f64>();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{state} · nearby {} · up {}", escape::value(&after.version), span(uptime_s));
    let _ = writeln!(
        text,
        "merchants    {} visible, {} hidden · revision {}",
        whole(after.merchants_visible),
        whole(after.merchants_hidden),
        whole(after.revision),
    );
    let _ =
        writeln!(text, "calls        {}/s over {seconds} s", whole((calls(after) - calls(before)) / seconds));
    for (name, method) in &after.methods {
        let _ = write!(text, "{}", method_line(name, before.methods.get(name), method, seconds));
    }
    text += &top_callers(before, after, seconds);
    let _ = writeln!(
        text,
        "now          {} requests in flight, {} connections, {} watchers, {} commands waiting",
        whole(after.requests_in_flight),
        whole(after.connections),
        whole(after.watchers),
        whole(after.commands_waiting),
    );
    let _ = writeln!(
        text,
        "since start  {} requests shed, {} rejected, {} connections rejected · {} slow searches, {} panics",
        whole(after.requests_shed_total),
        whole(after.requests_rejected_total),
        whole(after.connections_rejected_total),
        whole(after.slow_searches_total),
        whole(after.panics_total),
    );
    let _ = writeln!(
        text,
        "process      {:.0} % of a core, {} MB, {} of {} file descriptors · {:.1} GB free on the disk",
        (after.cpu_s - before.cpu_s) / seconds * 100.0,
        whole(after.resident_bytes / 1e6),
        whole(after.open_fds),
        whole(after.max_fds),
        after.disk_free_bytes / 1e9,
    );
    text
}

/// Formats the callers that used the most CPU time in the period.
fn top_callers(before: &Status, after: &Status, seconds: f64) -> String {
    let mut callers: Vec<(&str, PrincipalStatus)> = after
        .principals
        .iter()
        .map(|(name, after)| {
            let before = before.principals.get(name).cloned().unwrap_or_default();
            let in_period = PrincipalStatus {
                requests_total: after.requests_total - before.requests_total,
                cpu_s: after.cpu_s - before.cpu_s,
                shed_total: after.shed_total - before.shed_total,
                rate_limited_total: after.rate_limited_total - before.rate_limited_total,
                units_total: after.units_total - before.units_total,
            };
            (name.as_str(), in_period)
        })
        .filter(|(_, used)| used.cpu_s > 0.0 || used.requests_total > 0.0)
        .collect();
    callers.sort_by(|(_, one), (_, other)| other.cpu_s.total_cmp(&one.cpu_s));
    let mut text = String::new();
    for (name, used) in callers.into_iter().take(MAX_CALLERS) {
        let _ = writeln!(
            text,
            "  {:<22} {:>8}/s  {:>6.2} % of a core, {:.1} units/s, {}/s shed, {}/s rate-limited",
            escape::value(name),
            whole(used.requests_total / seconds),
            used.cpu_s / seconds * 100.0,
            used.units_total / seconds,
            whole(used.shed_total / seconds),
            whole(used.rate_limited_total / seconds),
        );
    }
    if text.is_empty() { text } else { format!("top callers\n{text}") }
}

/// Formats the line of a method; empty if it was not called in the period.
fn method_line(name: &str, before: Option<&MethodStatus>, after: &MethodStatus, seconds: f64) -> String {
    let (calls_before, ok_before) = before.map_or((0.0, 0.0), |before| (before.calls_total, before.ok_total));
    let calls = after.calls_total - calls_before;
    if calls <= 0.0 {
        return String::new();
    }
    let ok = after.ok_total - ok_before;
    let before = before.map_or(&[][..], |before| &before.duration_buckets);
    #[expect(clippy::cast_precision_loss, reason = "a period has fewer than 2^53 calls")]
    let quantile_ms = |share: f64| {
        let buckets = after.duration_buckets.iter().enumerate();
        let mut within = buckets.map(|(at, (bound_s, count))| {
            (bound_s, count.saturating_sub(before.get(at).map_or(0, |(_, count)| *count)) as f64)
        });
        within.find(|(_, count)| *count >= share * calls).map_or(f64::INFINITY, |(bound_s, _)| bound_s * 1e3)
    };
    format!(
        "  {:<22} {:>8}/s  {:>6.2} % errors  p50 ≤ {} ms, p99 ≤ {} ms\n",
        escape::value(name),
        whole(calls / seconds),
        (1.0 - ok / calls) * 100.0,
        quantile_ms(0.5),
        quantile_ms(0.99),
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts fit into u64")]
fn whole(number: f64) -> String {
    terminal::grouped(number.max(0.0).round() as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "an uptime is below 2^63 seconds")]
fn span(seconds: f64) -> String {
    let minutes = (seconds / 60.0) as i64;
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{metrics::Metrics, scrape_state::State};

    #[test]
    fn the_report_contains_the_rates_of_the_period() {
        let metrics = Metrics::new().unwrap();
        let state = State { merchants_visible: 1_234, is_ready: true, is_writable: true, ..State::default() };
        let fetch =
            || serde_json::from_str(&serde_json::to_string(&metrics.status(state.clone())).unwrap()).unwrap();
        let search = metrics.of_method("/nearby.v1.NearbyService/SearchNearby");
        search.begin();
        search.end(0, Duration::from_secs(1));
        let before: Status = fetch();
        for _ in 0..10 {
            search.begin();
            search.end(0, Duration::from_micros(300));
        }
        search.end(14, Duration::from_millis(20));
        let caller = metrics.principals.of("app", "app (1f)\nready");
        (0..3).for_each(|_| caller.record_request());
        caller.record_shed();
        caller.add_cpu(Duration::from_millis(250));
        caller.add_cost(12_300);
        let report = report(&before, &fetch(), 1.0);
        assert!(report.starts_with("ready · nearby 0."), "{report}");
        assert!(report.contains("1,234 visible") && report.contains("calls        11/s"), "{report}");
        let line = report.lines().find(|line| line.contains("app (1f)\\nready")).unwrap();
        assert!(line.contains("3/s   25.00 % of a core, 12.3 units/s, 1/s shed, 0/s rate-limited"), "{line}");
        let line = report.lines().find(|line| line.contains("SearchNearby")).unwrap();
        assert!(line.contains("9.09 % errors  p50 ≤ 0.5 ms, p99 ≤ 25 ms"), "{line}");
    }
}
