//! How much, how often and how long, as Prometheus reads it.
//!
//! Names follow Prometheus's rules (units in the name, `_total` for what only grows); those of calls are the names that gRPC's
//! other servers have, so that their dashboards fit. What is counted as it happens stands in [`Metrics`]; what can be looked
//! up ([`State`]) is looked up when somebody asks.

use std::{sync::OnceLock, time::Duration};

use prometheus::{
    Counter, Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder, core::Collector,
};

use super::{panics, process::ProcessStats};

/// Bounds of times of calls, in seconds: a search takes some ten microseconds.
const CALL_S: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
    30.0,
];
/// Bounds of times that calls wait, and of commits, in seconds.
const WAIT_S: [f64; 10] = [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0];
/// Bounds of numbers of results, pages and commands.
const NUMBER: [f64; 11] = [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];

/// Why calls are not let in, and connections not taken in.
const REFUSALS: [&str; 6] = [
    "CREDENTIALS_EXPIRED",
    "CREDENTIALS_INVALID",
    "CREDENTIALS_MISSING",
    "CREDENTIALS_REVOKED",
    "QUOTA_EXCEEDED",
    "ROLE_MISSING",
];
const CONNECTION_REFUSALS: [&str; 8] = [
    "broke_rules",
    "full",
    "full_of_address",
    "handshake_failed",
    "handshake_slow",
    "held_off",
    "not_http_2",
    "silent",
];

/// The codes of gRPC, by their numbers.
pub(crate) const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What is counted of a server as it happens.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: OfCalls,
    /// Of searches.
    pub(crate) searches: OfSearches,
    /// Of commits.
    pub(crate) commits: OfCommits,
    /// Of what is let in.
    pub(crate) door: OfDoor,
    /// Of connections.
    pub(crate) connections: OfConnections,
    looked_up: LookedUp,
    process: OfProcess,
}

#[derive(Debug)]
struct OfCalls {
    started: IntCounterVec,
    handled: IntCounterVec,
    handling_s: HistogramVec,
}

/// What searches cost and find.
#[derive(Debug)]
pub(crate) struct OfSearches {
    /// All, by whether they had a filter.
    pub(crate) all: IntCounterVec,
    /// Those that took longer than the operator finds right.
    pub(crate) slow: IntCounter,
    /// Results of a page.
    pub(crate) results: Histogram,
    /// Pages of the tree that were looked into.
    pub(crate) pages: Histogram,
}

/// What commits cost.
#[derive(Debug)]
pub(crate) struct OfCommits {
    /// Commands of one.
    pub(crate) commands: Histogram,
    /// How long they took.
    pub(crate) took_s: Histogram,
}

/// Which calls are let in.
#[derive(Debug)]
pub(crate) struct OfDoor {
    /// How long calls waited for a worker.
    pub(crate) wait_s: Histogram,
    /// How long batches, and what turned out to be long, waited for their turns.
    pub(crate) turn_wait_s: Histogram,
    /// Calls for which there was no time, by class.
    pub(crate) shed: IntCounterVec,
    /// Calls that may not come in, by reason.
    pub(crate) refused: IntCounterVec,
}

/// Which connections there are.
#[derive(Debug)]
pub(crate) struct OfConnections {
    /// How many there are.
    pub(crate) now: IntGauge,
    /// Those that were not taken in, by reason.
    pub(crate) refused: IntCounterVec,
}

/// What is looked up when somebody asks.
#[derive(Debug)]
struct LookedUp {
    merchants: IntGaugeVec,
    revision: IntGauge,
    queue: IntGauge,
    watchers: IntGauge,
    under_way: IntGauge,
    is_ready: IntGauge,
    takes_changes: IntGauge,
    disk_free_bytes: Gauge,
    /// 0 where there is no TLS.
    certificate_ends_s: IntGauge,
    panics: IntCounter,
}

/// How a server stands at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) merchants_visible: usize,
    pub(crate) merchants_hidden: usize,
    pub(crate) revision: u64,
    pub(crate) commands_waiting: usize,
    pub(crate) watchers: usize,
    pub(crate) calls_under_way: usize,
    pub(crate) is_ready: bool,
    pub(crate) takes_changes: bool,
    pub(crate) disk_free_bytes: Option<u64>,
    pub(crate) certificate_ends_s: Option<i64>,
}

/// Makes metrics in a registry. Their names and labels are constants, and right: whatever starts a server tries them all.
struct Maker(Registry);

impl Maker {
    fn kept<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> prometheus::Result<C> {
        let made = made?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.kept(IntCounter::new(name, help))
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.kept(IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// What can happen is told as 0 before it has: a rate needs a value to begin with.
    fn counters_from_0(
        &self,
        name: &str,
        help: &str,
        label: &str,
        values: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        let counters = self.counters(name, help, &[label])?;
        values.iter().for_each(|value| drop(counters.with_label_values(&[value])));
        Ok(counters)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.kept(IntGauge::new(name, help))
    }

    fn histogram(&self, name: &str, help: &str, bounds: &[f64]) -> prometheus::Result<Histogram> {
        self.kept(Histogram::with_opts(HistogramOpts::new(name, help).buckets(bounds.to_vec())))
    }
}

impl Metrics {
    /// Nothing has happened yet.
    ///
    /// # Errors
    /// Where a name is there twice, which a test finds.
    pub fn new() -> Result<Self, prometheus::Error> {
        let make = Maker(Registry::new());
        let build = Opts::new("nearby_build_info", "Which build this is; always 1");
        let build = make.kept(IntGaugeVec::new(build, &["version", "target"]))?;
        let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        build.with_label_values(&[env!("CARGO_PKG_VERSION"), &target]).set(1);
        Ok(Self {
            calls: OfCalls::new(&make)?,
            searches: OfSearches::new(&make)?,
            commits: OfCommits::new(&make)?,
            door: OfDoor::new(&make)?,
            connections: OfConnections::new(&make)?,
            looked_up: LookedUp::new(&make)?,
            process: OfProcess::new(&make)?,
            registry: make.0,
        })
    }

    /// Everything, in Prometheus's text.
    ///
    /// # Errors
    /// Where it cannot be told, which would be a fault of this program.
    #[expect(clippy::cast_precision_loss, reason = "no disk has 2^53 bytes to the byte")]
    pub(crate) fn text(&self, now: State) -> Result<String, prometheus::Error> {
        let of = &self.looked_up;
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        of.merchants.with_label_values(&["visible"]).set(whole(now.merchants_visible));
        of.merchants.with_label_values(&["hidden"]).set(whole(now.merchants_hidden));
        of.revision.set(i64::try_from(now.revision).unwrap_or(i64::MAX));
        of.queue.set(whole(now.commands_waiting));
        of.watchers.set(whole(now.watchers));
        of.under_way.set(whole(now.calls_under_way));
        of.is_ready.set(now.is_ready.into());
        of.takes_changes.set(now.takes_changes.into());
        of.panics.inc_by(panics::count().saturating_sub(of.panics.get()));
        if let Some(bytes) = now.disk_free_bytes {
            of.disk_free_bytes.set(bytes as f64);
        }
        if let Some(ends_s) = now.certificate_ends_s {
            of.certificate_ends_s.set(ends_s);
        }
        self.process.set(ProcessStats::read());
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The counts of a method, which is `/package.Service/Method`.
    pub(crate) fn of_method(&self, path: &'static str) -> MethodMetrics {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let OfCalls { started, handled, handling_s } = &self.calls;
        let started = started.with_label_values(&[service, method]);
        let ended = CODES.map(|_| OnceLock::new());
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

impl OfCalls {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let with_code = ["grpc_service", "grpc_method", "grpc_code"];
        let handling = HistogramOpts::new(
            "grpc_server_handling_seconds",
            "From when the head of a call was read until its answer was sent",
        );
        let begun = ["grpc_service", "grpc_method"];
        Ok(Self {
            started: make.counters("grpc_server_started_total", "Calls that were begun", &begun)?,
            handled: make.counters(
                "grpc_server_handled_total",
                "Calls that have ended, by how",
                &with_code,
            )?,
            handling_s: make.kept(HistogramVec::new(handling.buckets(CALL_S.to_vec()), &with_code))?,
        })
    }
}

impl OfSearches {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let all = "Searches, those of batches and streams too";
        let pages = "Pages of the tree, of some hundred merchants each, that a search looked into";
        Ok(Self {
            all: make.counters_from_0("nearby_searches_total", all, "filtered", &["false", "true"])?,
            slow: make
                .counter("nearby_slow_searches_total", "Searches that took longer than --slow-search-ms")?,
            results: make.histogram("nearby_search_results", "Results of a page of a search", &NUMBER)?,
            pages: make.histogram("nearby_search_pages_visited", pages, &NUMBER)?,
        })
    }
}

impl OfCommits {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let took = "How long a commit took: a write to the journal and its fdatasync";
        Ok(Self {
            commands: make.histogram(
                "nearby_commit_commands",
                "Commands that became durable together",
                &NUMBER,
            )?,
            took_s: make.histogram("nearby_commit_seconds", took, &WAIT_S)?,
        })
    }
}

impl OfDoor {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let wait = "How long calls waited until a worker had time for them";
        let turn_wait = "How long batches, and searches that turned out to be long, waited for their turns";
        let shed = "Calls that were refused as there was too much to do";
        let refused = "Calls that were not let in, by reason";
        Ok(Self {
            wait_s: make.histogram("nearby_admission_wait_seconds", wait, &WAIT_S)?,
            turn_wait_s: make.histogram("nearby_turn_wait_seconds", turn_wait, &WAIT_S)?,
            shed: make.counters_from_0("nearby_shed_total", shed, "class", &["write", "search", "bulk"])?,
            refused: make.counters_from_0("nearby_refused_total", refused, "reason", &REFUSALS)?,
        })
    }
}

impl OfConnections {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let refused =
            "Connections that were not taken in, or ended as they broke the rules of HTTP/2, by reason";
        let name = "nearby_connections_refused_total";
        Ok(Self {
            now: make.gauge("nearby_connections", "Connections there are")?,
            refused: make.counters_from_0(name, refused, "reason", &CONNECTION_REFUSALS)?,
        })
    }
}

impl LookedUp {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let merchants = Opts::new("nearby_index_merchants", "Merchants in the index");
        let disk = Gauge::new("nearby_disk_free_bytes", "Room on the disk of the store");
        let ends = "When the certificate ends, since 1970; 0 without TLS";
        let changes = "Whether changes are taken: the store is sound and has room";
        Ok(Self {
            merchants: make.kept(IntGaugeVec::new(merchants, &["visibility"]))?,
            revision: make.gauge("nearby_index_revision", "The last change that searches see")?,
            queue: make.gauge("nearby_commit_queue_commands", "Commands that wait to become durable")?,
            watchers: make.gauge("nearby_watchers", "Calls that watch")?,
            under_way: make.gauge("nearby_calls_under_way", "Calls that have not ended")?,
            is_ready: make.gauge("nearby_ready", "Whether calls are answered")?,
            takes_changes: make.gauge("nearby_takes_changes", changes)?,
            disk_free_bytes: make.kept(disk)?,
            certificate_ends_s: make.gauge("nearby_certificate_expiry_timestamp_seconds", ends)?,
            panics: make.counter("nearby_panics_total", "Panics: each is a fault of this program")?,
        })
    }
}

/// The standard metrics of a process, as Prometheus's client libraries name them.
#[derive(Debug)]
struct OfProcess {
    cpu_s: Counter,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    start_s: Gauge,
}

impl OfProcess {
    fn new(make: &Maker) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| make.kept(Gauge::new(name, help));
        let cpu =
            Counter::new("process_cpu_seconds_total", "Total user and system CPU time spent in seconds");
        Ok(Self {
            cpu_s: make.kept(cpu)?,
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

/// The counts of one method. A code that never comes has none.
#[derive(Debug)]
pub(crate) struct MethodMetrics {
    /// Package and service.
    pub(crate) service: &'static str,
    /// Its name there.
    pub(crate) method: &'static str,
    started: IntCounter,
    ended: [OnceLock<(IntCounter, Histogram)>; CODES.len()],
    handled: IntCounterVec,
    handling_s: HistogramVec,
}

impl MethodMetrics {
    pub(crate) fn begin(&self) {
        self.started.inc();
    }

    pub(crate) fn end(&self, code: usize, took: Duration) {
        // 2 is UNKNOWN.
        let code = if code < CODES.len() { code } else { 2 };
        let (handled, handling_s) = self.ended[code].get_or_init(|| {
            let labels = [self.service, self.method, CODES[code]];
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
    fn what_happened_is_told() {
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
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
        assert!(text.contains("UNKNOWN") && text.contains("process_resident_memory_bytes"));
    }
}
