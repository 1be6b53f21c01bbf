//! Prometheus metrics.
//!
//! Names follow Prometheus' conventions: units in the name, `_total` for counters. Calls have the metric names of gRPC's other
//! servers (go-grpc-prometheus), so that their dashboards fit. [`Metrics`] counts events as they happen; a [`State`] is read
//! at each scrape.

use std::{sync::OnceLock, time::Duration};

use nearby_proto::CODE_NAMES;
use prometheus::{
    Counter, CounterVec, Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::{
    cluster::{ClusterMetrics, ClusterScrape},
    maker::Maker,
    panics,
    principals::{PrincipalsMetrics, Series},
    process::ProcessStats,
    scrape_state::{FailingReloads, State, Traffic},
    status::Status,
};

/// Buckets of call durations, in seconds: a search takes some ten microseconds.
const CALL_BUCKETS_S: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];
/// Buckets of waiting times and of commits, in seconds.
const WAIT_BUCKETS_S: [f64; 10] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0];
/// Buckets of slices of work, in seconds: they should take at most a millisecond.
const SLICE_BUCKETS_S: [f64; 9] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01];
/// Buckets of numbers of results, pages and commands.
const COUNT_BUCKETS: [f64; 11] = [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];

/// Reasons of rejected calls and connections.
const CALL_REJECTIONS: [&str; 6] = [
    "CREDENTIALS_EXPIRED",
    "CREDENTIALS_INVALID",
    "CREDENTIALS_MISSING",
    "CREDENTIALS_REVOKED",
    "QUOTA_EXCEEDED",
    "ROLE_MISSING",
];
const CONNECTION_REJECTIONS: [&str; 10] = [
    "bad_preface",
    "banned",
    "limit_per_ip",
    "limit_total",
    "preface_timeout",
    "protocol_error",
    "tls_handshake_failed",
    "tls_timeout",
    "unread_request_frames",
    "unread_responses",
];

/// Counters and histograms of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: RpcMetrics,
    pub(crate) searches: SearchMetrics,
    pub(crate) commits: CommitMetrics,
    pub(crate) admission: AdmissionMetrics,
    pub(crate) principals: PrincipalsMetrics,
    pub(crate) connections: ConnectionMetrics,
    scrape: ScrapeGauges,
    process: ProcessMetrics,
    /// Of a node of a cluster only.
    cluster: OnceLock<Option<ClusterMetrics>>,
}

#[derive(Debug)]
struct RpcMetrics {
    started: IntCounterVec,
    handled: IntCounterVec,
    handling_s: HistogramVec,
}

/// Metrics of searches.
#[derive(Debug)]
pub(crate) struct SearchMetrics {
    /// Searches without and with a filter.
    pub(crate) all: [IntCounter; 2],
    /// Searches that took longer than `--slow-search-ms`.
    pub(crate) slow: IntCounter,
    /// Results of a page.
    pub(crate) results: Histogram,
    /// Pages of the index that a search visits.
    pub(crate) pages: Histogram,
}

/// Metrics of commits.
#[derive(Debug)]
pub(crate) struct CommitMetrics {
    /// Commands of a commit.
    pub(crate) commands: Histogram,
    /// Duration of a commit.
    pub(crate) took_s: Histogram,
}

/// Metrics of admission: waiting, load shedding, rejection.
#[derive(Debug)]
pub(crate) struct AdmissionMetrics {
    /// Time from a request's arrival, or from the wake-up of work that has started, until it has a permit to work.
    pub(crate) work_queue_wait_s: Histogram,
    /// Time for which work holds a thread before it yields.
    pub(crate) slice_s: Histogram,
    /// Requests shed, by class.
    pub(crate) shed: IntCounterVec,
    /// Requests rejected for credentials, roles or rate limits, by reason.
    pub(crate) rejected: IntCounterVec,
    /// Calls beyond the limit of their principal, by resource and outcome.
    pub(crate) principal_limit: IntCounterVec,
}

/// Metrics of connections.
#[derive(Debug)]
pub(crate) struct ConnectionMetrics {
    /// Open connections.
    pub(crate) open: IntGauge,
    /// Connections rejected, or closed for a protocol error, by reason.
    pub(crate) rejected: IntCounterVec,
}

/// Gauges that are set at each scrape.
#[derive(Debug)]
struct ScrapeGauges {
    merchants: IntGaugeVec,
    revision: IntGauge,
    queue: IntGauge,
    watchers: IntGauge,
    in_flight: IntGauge,
    unread_response_bytes: IntGauge,
    unread_request_frames: IntGauge,
    is_ready: IntGauge,
    is_writable: IntGauge,
    disk_free_bytes: Gauge,
    /// 0 without TLS.
    certificate_expiry_s: IntGauge,
    /// 0 before the first one since the start.
    last_backup_s: IntGauge,
    last_reload_successful: IntGaugeVec,
    audit_log_write_failures: IntCounter,
    panics: IntCounter,
}

impl Metrics {
    /// Creates all metrics.
    ///
    /// # Errors
    /// When a name occurs twice, which a test excludes.
    pub fn new() -> Result<Self, prometheus::Error> {
        let make = Maker(Registry::new());
        let build = Opts::new("nearby_build_info", "Version and target of this build; always 1");
        let build = make.register(IntGaugeVec::new(build, &["version", "target"]))?;
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), &target]).set(1);
        Ok(Self {
            calls: RpcMetrics::new(&make)?,
            searches: SearchMetrics::new(&make)?,
            commits: CommitMetrics::new(&make)?,
            admission: AdmissionMetrics::new(&make)?,
            principals: principals(&make)?,
            connections: ConnectionMetrics::new(&make)?,
            scrape: ScrapeGauges::new(&make)?,
            process: ProcessMetrics::new(&make)?,
            cluster: OnceLock::new(),
            registry: make.0,
        })
    }

    /// All metrics in Prometheus' text format.
    ///
    /// # Errors
    /// When they cannot be encoded, which would be a fault of this program.
    pub(crate) fn text(&self, now: State) -> Result<String, prometheus::Error> {
        self.set_gauges(now);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The metrics that `nearby status` shows.
    pub(crate) fn status(&self, now: State) -> Status {
        self.set_gauges(now);
        Status::of(&self.registry.gather(), self.principals.status())
    }

    /// Sets the metrics of a node of a cluster, which exist from the first time on.
    fn set_cluster(&self, now: &ClusterScrape) {
        let metrics = self.cluster.get_or_init(|| ClusterMetrics::new(&Maker(self.registry.clone())).ok());
        if let Some(metrics) = metrics {
            metrics.set(now);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "no disk has 2^53 bytes to the byte")]
    fn set_gauges(&self, now: State) {
        if let Some(cluster) = &now.cluster {
            self.set_cluster(cluster);
        }
        let gauges = &self.scrape;
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        gauges.merchants.with_label_values(&["visible"]).set(number(now.merchants_visible));
        gauges.merchants.with_label_values(&["hidden"]).set(number(now.merchants_hidden));
        gauges.revision.set(i64::try_from(now.revision).unwrap_or(i64::MAX));
        gauges.queue.set(number(now.commands_waiting));
        let Traffic { requests_in_flight, watchers, unread_response_bytes, unread_request_frames } =
            now.traffic;
        gauges.watchers.set(number(watchers));
        gauges.in_flight.set(number(requests_in_flight));
        gauges.unread_response_bytes.set(number(unread_response_bytes));
        gauges.unread_request_frames.set(number(unread_request_frames));
        gauges.is_ready.set(now.is_ready.into());
        gauges.is_writable.set(now.is_writable.into());
        gauges.last_backup_s.set(now.last_backup_s);
        gauges.panics.inc_by(panics::count().saturating_sub(gauges.panics.get()));
        if let Some(bytes) = now.disk_free_bytes {
            gauges.disk_free_bytes.set(bytes as f64);
        }
        if let Some(expiry_s) = now.certificate_expiry_s {
            gauges.certificate_expiry_s.set(expiry_s);
        }
        let unwritten = &gauges.audit_log_write_failures;
        unwritten.inc_by(now.audit_log_write_failures.saturating_sub(unwritten.get()));
        let FailingReloads { api_keys, certificates, jwks } = now.failing_reloads;
        for (file, is_failing) in [("api_keys", api_keys), ("certificates", certificates), ("jwks", jwks)] {
            gauges.last_reload_successful.with_label_values(&[file]).set((!is_failing).into());
        }
        self.process.set(ProcessStats::read());
    }

    /// The metrics of a method, which is `/package.Service/Method`.
    pub(crate) fn of_method(&self, path: &'static str) -> MethodMetrics {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let RpcMetrics { started, handled, handling_s } = &self.calls;
        let started = started.with_label_values(&[service, method]);
        let ended = CODE_NAMES.map(|_| OnceLock::new());
        MethodMetrics {
            service,
            method,
            started,
            ended,
            handled: handled.clone(),
            handling_s: handling_s.clone(),
        }
    }
}

impl RpcMetrics {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let with_code = ["grpc_service", "grpc_method", "grpc_code"];
        let handling = HistogramOpts::new(
            "grpc_server_handling_seconds",
            "Time from the request's headers until the response has been sent",
        );
        let method = ["grpc_service", "grpc_method"];
        Ok(Self {
            started: make.counters("grpc_server_started_total", "Calls started", &method)?,
            handled: make.counters("grpc_server_handled_total", "Calls ended, by status code", &with_code)?,
            handling_s: make
                .register(HistogramVec::new(handling.buckets(CALL_BUCKETS_S.to_vec()), &with_code))?,
        })
    }
}

impl SearchMetrics {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let all = "Searches, including those of batches and streams";
        let pages = "Pages of the index, of a few hundred merchants each, that a search visits";
        let slow = "Searches that took longer than --slow-search-ms";
        let all = make.counters("nearby_searches_total", all, &["filtered"])?;
        Ok(Self {
            all: ["false", "true"].map(|filtered| all.with_label_values(&[filtered])),
            slow: make.counter("nearby_slow_searches_total", slow)?,
            results: make.histogram("nearby_search_results", "Results of a search page", &COUNT_BUCKETS)?,
            pages: make.histogram("nearby_search_index_pages_visited", pages, &COUNT_BUCKETS)?,
        })
    }
}

impl CommitMetrics {
    /// Records a commit.
    pub(crate) fn observe(&self, took: Duration, changes: usize) {
        self.took_s.observe(took.as_secs_f64());
        self.commands.observe(f64::from(u32::try_from(changes).unwrap_or(u32::MAX)));
    }

    fn new(make: &Maker) -> prometheus::Result<Self> {
        let took = "Duration of a commit: the write to the journal and its fdatasync, or the publish to the log of a cluster";
        let commands = "Commands of a commit";
        Ok(Self {
            commands: make.histogram("nearby_commit_commands", commands, &COUNT_BUCKETS)?,
            took_s: make.histogram("nearby_commit_seconds", took, &WAIT_BUCKETS_S)?,
        })
    }
}

impl AdmissionMetrics {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let queue = "Time that work waits in the work queue, from the arrival of a request";
        let slice = "Time for which work holds a thread before it yields to other work";
        let shed = "Requests shed because the server is overloaded, by class";
        let rejected = "Requests rejected for their credentials, role or rate limit, by reason";
        let classes = ["write", "search", "bulk"];
        Ok(Self {
            work_queue_wait_s: make.histogram("nearby_work_queue_wait_seconds", queue, &WAIT_BUCKETS_S)?,
            slice_s: make.histogram("nearby_work_slice_seconds", slice, &SLICE_BUCKETS_S)?,
            shed: make.counters_from_0("nearby_requests_shed_total", shed, "class", &classes)?,
            principal_limit: make.counters(
                "nearby_principal_limit_reached_total",
                "Calls beyond the limit of their principal, by resource, and rejected or only observed",
                &["resource", "outcome"],
            )?,
            rejected: make.counters_from_0(
                "nearby_requests_rejected_total",
                rejected,
                "reason",
                &CALL_REJECTIONS,
            )?,
        })
    }
}

fn principals(make: &Maker) -> prometheus::Result<PrincipalsMetrics> {
    let cpu = "CPU seconds of the work of a principal, with an allowance for reading and writing its calls";
    let cpu = Opts::new("nearby_principal_cpu_seconds_total", cpu);
    let shed = "Requests shed because the principal uses more than its share of an overloaded server";
    let rate_limited = "Requests rejected by the rate limit of the principal";
    let units = "Work of a principal in the units that rate limits count";
    let units = Opts::new("nearby_principal_units_total", units);
    let label = ["principal"];
    Ok(PrincipalsMetrics::new(Series {
        requests: make.counters("nearby_principal_requests_total", "Requests of a principal", &label)?,
        cpu_s: make.register(CounterVec::new(cpu, &label))?,
        shed: make.counters("nearby_principal_requests_shed_total", shed, &label)?,
        rate_limited: make.counters("nearby_principal_requests_rate_limited_total", rate_limited, &label)?,
        units: make.register(CounterVec::new(units, &label))?,
    }))
}

impl ConnectionMetrics {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let rejected = "Connections rejected, or closed for an HTTP/2 protocol error, by reason";
        let name = "nearby_connections_rejected_total";
        Ok(Self {
            open: make.gauge("nearby_connections", "Open connections")?,
            rejected: make.counters_from_0(name, rejected, "reason", &CONNECTION_REJECTIONS)?,
        })
    }
}

impl ScrapeGauges {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let merchants = Opts::new("nearby_index_merchants", "Merchants in the index, by visibility");
        let disk = Gauge::new("nearby_disk_free_bytes", "Free space on the disk of the store");
        let expiry = "Expiry of the TLS certificate, in seconds since 1970; 0 without TLS";
        let backup =
            "Time of the last backup sent completely since the start, in seconds since 1970; 0 if none";
        let writable = "1 while changes are accepted: the store is intact and its disk has space";
        let name = "nearby_certificate_expiry_timestamp_seconds";
        let reload = Opts::new(
            "nearby_last_reload_successful",
            "0 while a file cannot be read or used, so that its earlier content is in use; 1 otherwise",
        );
        Ok(Self {
            merchants: make.register(IntGaugeVec::new(merchants, &["visibility"]))?,
            revision: make.gauge("nearby_index_revision", "Revision of the last change that searches see")?,
            queue: make.gauge("nearby_commit_queue_commands", "Commands waiting to be committed")?,
            watchers: make.gauge("nearby_watchers", "Watching calls")?,
            in_flight: make.gauge("nearby_requests_in_flight", "Calls that have not ended")?,
            unread_response_bytes: make
                .gauge("nearby_unread_response_bytes", "Bytes of responses that clients have not read")?,
            unread_request_frames: make.gauge(
                "nearby_unread_request_frames",
                "HTTP/2 DATA frames of requests that the server has not read",
            )?,
            is_ready: make.gauge("nearby_ready", "1 while calls are served")?,
            is_writable: make.gauge("nearby_writable", writable)?,
            disk_free_bytes: make.register(disk)?,
            certificate_expiry_s: make.gauge(name, expiry)?,
            last_backup_s: make.gauge("nearby_last_backup_timestamp_seconds", backup)?,
            audit_log_write_failures: make.counter(
                "nearby_audit_log_write_failures_total",
                "Lines that could not be written to the audit log; the server's log has them",
            )?,
            last_reload_successful: make.register(IntGaugeVec::new(reload, &["file"]))?,
            panics: make.counter("nearby_panics_total", "Panics; each is a bug of the server")?,
        })
    }
}

/// The standard metrics of a process, with the names of Prometheus' client libraries.
#[derive(Debug)]
struct ProcessMetrics {
    cpu_s: Counter,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    start_s: Gauge,
}

impl ProcessMetrics {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| make.register(Gauge::new(name, help));
        let cpu =
            Counter::new("process_cpu_seconds_total", "Total user and system CPU time spent in seconds");
        Ok(Self {
            cpu_s: make.register(cpu)?,
            resident_bytes: gauge("process_resident_memory_bytes", "Resident memory size in bytes")?,
            virtual_bytes: gauge("process_virtual_memory_bytes", "Virtual memory size in bytes")?,
            open_fds: gauge("process_open_fds", "Number of open file descriptors")?,
            max_fds: gauge("process_max_fds", "Maximum number of open file descriptors")?,
            start_s: gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds",
            )?,
        })
    }

    fn set(&self, stats: ProcessStats) {
        self.cpu_s.inc_by((stats.cpu_s - self.cpu_s.get()).max(0.0));
        self.resident_bytes.set(stats.resident_bytes);
        self.virtual_bytes.set(stats.virtual_bytes);
        self.open_fds.set(stats.open_fds);
        self.max_fds.set(stats.max_fds);
        self.start_s.set(stats.start_s);
    }
}

/// The metrics of one method, created for a code at its first occurrence.
#[derive(Debug)]
pub(crate) struct MethodMetrics {
    /// Package and service.
    pub(crate) service: &'static str,
    /// Method.
    pub(crate) method: &'static str,
    started: IntCounter,
    ended: [OnceLock<(IntCounter, Histogram)>; CODE_NAMES.len()],
    handled: IntCounterVec,
    handling_s: HistogramVec,
}

impl MethodMetrics {
    pub(crate) fn begin(&self) {
        self.started.inc();
    }

    pub(crate) fn end(&self, code: usize, took: Duration) {
        // 2 is UNKNOWN.
        let code = if code < CODE_NAMES.len() { code } else { 2 };
        let (handled, handling_s) = self.ended[code].get_or_init(|| {
            let labels = [self.service, self.method, CODE_NAMES[code]];
            (self.handled.with_label_values(&labels), self.handling_s.with_label_values(&labels))
        });
        handled.inc();
        handling_s.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_appear_in_the_text_format() {
        let metrics = Metrics::new().unwrap();
        let search = metrics.of_method("/nearby.v1.NearbyService/SearchNearby");
        search.begin();
        search.end(0, Duration::from_micros(70));
        search.end(99, Duration::from_secs(1));
        let text = metrics.text(State { merchants_visible: 7, is_ready: true, ..State::default() }).unwrap();
        let labels = r#"{grpc_code="OK",grpc_method="SearchNearby",grpc_service="nearby.v1.NearbyService""#;
        for line in [
            r#"grpc_server_started_total{grpc_method="SearchNearby",grpc_service="nearby.v1.NearbyService"} 1"#.to_owned(),
            format!("grpc_server_handled_total{labels}}} 1"),
            format!("grpc_server_handling_seconds_bucket{labels},le=\"0.00005\"}} 0"),
            format!("grpc_server_handling_seconds_bucket{labels},le=\"0.0001\"}} 1"),
            r#"nearby_index_merchants{visibility="visible"} 7"#.to_owned(),
            "nearby_ready 1".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.contains("UNKNOWN") && text.contains("process_resident_memory_bytes"));
    }
}
