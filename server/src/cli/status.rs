//! `nearby status`: how a running server is, as its metrics say, over a moment.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use clap::Args;

use super::{exit_code::CliError, terminal};
use crate::http_client;

#[derive(Args, Debug)]
pub(super) struct StatusArgs {
    /// Where the server answers operators, such as 127.0.0.1:9464, as its --operations-listen says
    #[arg(long, env = "NEARBY_OPERATIONS", value_name = "URL", default_value = "http://127.0.0.1:9464")]
    operations: String,

    /// Seconds to look for
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    seconds: f64,
}

/// Limits for one scrape.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 16 << 20;

pub(super) async fn run(args: StatusArgs) -> Result<(), CliError> {
    let length = Duration::try_from_secs_f64(args.seconds).ok().filter(|length| !length.is_zero());
    let length = length.ok_or_else(|| CliError::usage("--seconds must be above 0"))?;
    let before = ask(&args.operations).await?;
    tokio::time::sleep(length).await;
    let after = ask(&args.operations).await?;
    terminal::out(told(&before, &after, length.as_secs_f64()))?;
    match after.one("nearby_ready") {
        1.0 => Ok(()),
        _ => Err(CliError::stopped("the server is loading its merchants or stopping")),
    }
}

async fn ask(operations: &str) -> Result<Scrape, CliError> {
    let scheme = if operations.contains("://") { "" } else { "http://" };
    let url = format!("{scheme}{}/metrics", operations.trim_end_matches('/'));
    let text = http_client::get_text(&url, REQUEST_TIMEOUT, MAX_BYTES).await.map_err(|error| {
        CliError::unavailable(format!(
            "no server answers operators at {url}: {error}; start it with --operations-listen, and name that address with \
             --operations"
        ))
    })?;
    Ok(Scrape::parse(&text))
}

/// Metrics at a moment: by name, the labels and the value of each.
#[derive(Debug, Default)]
struct Scrape(BTreeMap<String, Vec<(Labels, f64)>>);

type Labels = BTreeMap<String, String>;

impl Scrape {
    /// Reads Prometheus's text; what is none is passed over.
    fn parse(text: &str) -> Self {
        let mut all = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let label = |label: &str| {
                let (name, value) = label.split_once('=')?;
                Some((name.to_owned(), value.trim_matches('"').to_owned()))
            };
            let labels = labels.trim_end_matches('}').split(',').filter_map(label).collect();
            if let Ok(value) = value.parse() {
                all.0.entry(name.to_owned()).or_default().push((labels, value));
            }
        }
        all
    }

    fn sum(&self, name: &str, is_meant: impl Fn(&Labels) -> bool) -> f64 {
        let series = self.0.get(name).into_iter().flatten();
        series.filter(|(labels, _)| is_meant(labels)).map(|(_, value)| value).sum()
    }

    fn one(&self, name: &str) -> f64 {
        self.sum(name, |_| true)
    }

    fn with(&self, name: &str, label: &str, value: &str) -> f64 {
        self.sum(name, |labels| labels.get(label).is_some_and(|found| found == value))
    }

    /// The values of a label, without repetition.
    fn values(&self, name: &str, label: &str) -> Vec<String> {
        let mut values: Vec<String> = (self.0.get(name).into_iter().flatten())
            .filter_map(|(labels, _)| labels.get(label).cloned())
            .collect();
        values.sort();
        values.dedup();
        values
    }
}

fn told(before: &Scrape, after: &Scrape, seconds: f64) -> String {
    let grown = |name: &str| after.one(name) - before.one(name);
    let mut text = String::new();
    let state = match (after.one("nearby_ready"), after.one("nearby_takes_changes")) {
        (1.0, 1.0) => "ready",
        (1.0, _) => "ready, and TAKES NO CHANGES: its disk is full or failed, see its log",
        _ => "NOT READY",
    };
    let version = after.values("nearby_build_info", "version").join(", ");
    let up_s = before.one("process_start_time_seconds");
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let up_s = jiff::Timestamp::now().as_second() as f64 - up_s;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{state} · nearby {version} · up {}", span(up_s));
    let _ = writeln!(
        text,
        "merchants    {} visible, {} hidden · revision {}",
        whole(after.with("nearby_index_merchants", "visibility", "visible")),
        whole(after.with("nearby_index_merchants", "visibility", "hidden")),
        whole(after.one("nearby_index_revision")),
    );
    let _ = writeln!(
        text,
        "calls        {}/s over {seconds} s",
        whole(grown("grpc_server_handled_total") / seconds)
    );
    for method in after.values("grpc_server_handled_total", "grpc_method") {
        let _ = write!(text, "{}", of_method(before, after, &method, seconds));
    }
    let _ = writeln!(
        text,
        "now          {} calls under way, {} connections, {} watchers, {} commands waiting for the disk",
        whole(after.one("nearby_calls_under_way")),
        whole(after.one("nearby_connections")),
        whole(after.one("nearby_watchers")),
        whole(after.one("nearby_commit_queue_commands")),
    );
    let _ = writeln!(
        text,
        "refused      {} for want of time, {} not let in, {} connections · {} slow searches, {} panics (since the start)",
        whole(after.one("nearby_shed_total")),
        whole(after.one("nearby_refused_total")),
        whole(after.one("nearby_connections_refused_total")),
        whole(after.one("nearby_slow_searches_total")),
        whole(after.one("nearby_panics_total")),
    );
    let _ = writeln!(
        text,
        "process      {:.0} % of a core, {} MB, {} of {} files · {:.1} GB free on the disk",
        grown("process_cpu_seconds_total") / seconds * 100.0,
        whole(after.one("process_resident_memory_bytes") / 1e6),
        whole(after.one("process_open_fds")),
        whole(after.one("process_max_fds")),
        after.one("nearby_disk_free_bytes") / 1e9,
    );
    text
}

/// A line for a method that was called meanwhile.
fn of_method(before: &Scrape, after: &Scrape, method: &str, seconds: f64) -> String {
    let grown = |name: &str, is_meant: &dyn Fn(&Labels) -> bool| {
        let is_meant = |labels: &Labels| {
            labels.get("grpc_method").is_some_and(|found| found == method) && is_meant(labels)
        };
        after.sum(name, is_meant) - before.sum(name, is_meant)
    };
    let calls = grown("grpc_server_handled_total", &|_| true);
    if calls <= 0.0 {
        return String::new();
    }
    let well = grown("grpc_server_handled_total", &|labels| {
        labels.get("grpc_code").is_some_and(|code| code == "OK")
    });
    let bucket = "grpc_server_handling_seconds_bucket";
    let mut bounds: Vec<(f64, String)> = (after.values(bucket, "le").into_iter())
        .filter_map(|bound| Some((bound.parse().ok()?, bound)))
        .collect();
    bounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    let quantile = |part: f64| {
        let reaches = |(_, bound): &&(f64, String)| {
            grown(bucket, &|labels| labels.get("le").is_some_and(|found| found == bound)) >= part * calls
        };
        bounds.iter().find(reaches).map_or(f64::INFINITY, |(bound, _)| bound * 1e3)
    };
    format!(
        "  {method:<22} {:>8}/s  {:>6.2} % not OK  half within {} ms, 99 % within {} ms\n",
        whole(calls / seconds),
        (1.0 - well / calls) * 100.0,
        quantile(0.5),
        quantile(0.99),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of things that there are"
)]
fn whole(number: f64) -> String {
    terminal::grouped(number.max(0.0).round() as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "no server runs for 2^63 seconds")]
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
    use crate::telemetry::metrics::{Metrics, State};

    #[test]
    fn what_a_server_tells_is_read() {
        let metrics = Metrics::new().unwrap();
        let state =
            State { merchants_visible: 1_234, is_ready: true, takes_changes: true, ..State::default() };
        let before = Scrape::parse(&metrics.text(state).unwrap());
        let search = metrics.of_method("/nearby.v1.NearbyService/SearchNearby");
        for _ in 0..10 {
            search.begin();
            search.end(0, Duration::from_micros(300));
        }
        search.end(14, Duration::from_millis(20));
        let told = told(&before, &Scrape::parse(&metrics.text(state).unwrap()), 1.0);
        assert!(told.starts_with("ready · nearby 0."), "{told}");
        assert!(told.contains("1,234 visible") && told.contains("calls        11/s"), "{told}");
        let line = told.lines().find(|line| line.contains("SearchNearby")).unwrap();
        assert!(line.contains("9.09 % not OK  half within 0.5 ms, 99 % within 25 ms"), "{line}");
    }
}
