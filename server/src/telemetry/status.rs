//! The status of a server as JSON: what the admin endpoint serves at `/status`, and `nearby status` reads.

use std::collections::BTreeMap;

use prometheus::proto::{Metric, MetricFamily};
use serde::{Deserialize, Serialize};

/// The status of a server. Totals count since its start.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    /// Start of the process, in seconds since 1970.
    pub(crate) start_s: f64,
    pub(crate) ready: bool,
    pub(crate) writable: bool,
    pub(crate) merchants_visible: f64,
    pub(crate) merchants_hidden: f64,
    pub(crate) revision: f64,
    pub(crate) requests_in_flight: f64,
    pub(crate) connections: f64,
    pub(crate) watchers: f64,
    pub(crate) commands_waiting: f64,
    pub(crate) requests_shed_total: f64,
    pub(crate) requests_rejected_total: f64,
    pub(crate) connections_rejected_total: f64,
    pub(crate) slow_searches_total: f64,
    pub(crate) panics_total: f64,
    pub(crate) cpu_s: f64,
    pub(crate) resident_bytes: f64,
    pub(crate) open_fds: f64,
    pub(crate) max_fds: f64,
    pub(crate) disk_free_bytes: f64,
    /// By name, without package and service.
    pub(crate) methods: BTreeMap<String, MethodStatus>,
    /// The principals that have used the most CPU time, by name: API keys, subjects of tokens, names in certificates, or client
    /// addresses while authentication is disabled.
    #[serde(default)]
    pub(crate) principals: BTreeMap<String, PrincipalStatus>,
}

/// The calls of one principal.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct PrincipalStatus {
    pub(crate) requests_total: f64,
    pub(crate) cpu_s: f64,
    pub(crate) shed_total: f64,
    pub(crate) rate_limited_total: f64,
    /// Units of work that its rate limit counts, also if it has none.
    #[serde(default)]
    pub(crate) units_total: f64,
}

/// The calls of one method.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct MethodStatus {
    pub(crate) calls_total: f64,
    pub(crate) ok_total: f64,
    /// Upper bounds in seconds, and the number of calls that took at most as long.
    pub(crate) duration_buckets: Vec<(f64, u64)>,
}

impl Status {
    /// Reads the status from metrics.
    pub(super) fn of(families: &[MetricFamily], principals: Vec<(String, PrincipalStatus)>) -> Self {
        let metrics = |name: &str| {
            let family = families.iter().find(|family| family.name() == name);
            family.map_or(&[][..], MetricFamily::get_metric)
        };
        let sum = |name: &str| metrics(name).iter().map(value).sum::<f64>();
        let visibility = |which: &str| {
            let of = metrics("nearby_index_merchants").iter();
            of.filter(|metric| label(metric, "visibility") == which).map(value).sum()
        };
        let mut methods: BTreeMap<String, MethodStatus> = BTreeMap::new();
        for metric in metrics("grpc_server_handled_total") {
            let method = methods.entry(label(metric, "grpc_method").to_owned()).or_default();
            method.calls_total += value(metric);
            if label(metric, "grpc_code") == "OK" {
                method.ok_total += value(metric);
            }
        }
        for metric in metrics("grpc_server_handling_seconds") {
            let method = methods.entry(label(metric, "grpc_method").to_owned()).or_default();
            method.add_buckets(metric);
        }
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            start_s: sum("process_start_time_seconds"),
            ready: sum("nearby_ready") > 0.0,
            writable: sum("nearby_writable") > 0.0,
            merchants_visible: visibility("visible"),
            merchants_hidden: visibility("hidden"),
            revision: sum("nearby_index_revision"),
            requests_in_flight: sum("nearby_requests_in_flight"),
            connections: sum("nearby_connections"),
            watchers: sum("nearby_watchers"),
            commands_waiting: sum("nearby_commit_queue_commands"),
            requests_shed_total: sum("nearby_requests_shed_total"),
            requests_rejected_total: sum("nearby_requests_rejected_total"),
            connections_rejected_total: sum("nearby_connections_rejected_total"),
            slow_searches_total: sum("nearby_slow_searches_total"),
            panics_total: sum("nearby_panics_total"),
            cpu_s: sum("process_cpu_seconds_total"),
            resident_bytes: sum("process_resident_memory_bytes"),
            open_fds: sum("process_open_fds"),
            max_fds: sum("process_max_fds"),
            disk_free_bytes: sum("nearby_disk_free_bytes"),
            methods,
            principals: principals.into_iter().collect(),
        }
    }
}

impl MethodStatus {
    fn add_buckets(&mut self, metric: &Metric) {
        let buckets = metric.get_histogram().get_bucket();
        if self.duration_buckets.is_empty() {
            self.duration_buckets = buckets.iter().map(|bucket| (bucket.upper_bound(), 0)).collect();
        }
        for ((_, count), bucket) in self.duration_buckets.iter_mut().zip(buckets) {
            *count += bucket.cumulative_count();
        }
    }
}

fn label<'m>(metric: &'m Metric, name: &str) -> &'m str {
    metric.get_label().iter().find(|label| label.name() == name).map_or("", |label| label.value())
}

/// The value of a counter or a gauge; the other one is 0.
fn value(metric: &Metric) -> f64 {
    metric.get_counter().get_value() + metric.get_gauge().get_value()
}
