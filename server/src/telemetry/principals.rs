//! Metrics by principal.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus::{Counter, CounterVec, IntCounter, IntCounterVec};

use super::status::PrincipalStatus;

/// Labels with series of their own. A series costs Prometheus a few kilobytes; all further principals share the label `other`.
const MAX_LABELS: usize = 500;
const OTHER: &str = "other";
/// Principals in the status from which those without a call are evicted.
const MAX_PRINCIPALS: usize = 10_000;
/// Principals that the status lists: those that have used the most CPU time.
const MAX_LISTED: usize = 200;

/// Metrics of all principals.
#[derive(Debug)]
pub(crate) struct PrincipalsMetrics {
    series: Series,
    by_label: Mutex<HashMap<String, Counters>>,
    by_name: Mutex<HashMap<String, Arc<PrincipalMetrics>>>,
}

/// Series by label: the name of an API key, the issuer of a token, or a name in a certificate. Not the subject of a token, which may
/// be a person.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) requests: IntCounterVec,
    pub(super) cpu_s: CounterVec,
    pub(super) shed: IntCounterVec,
    pub(super) rate_limited: IntCounterVec,
    pub(super) units: CounterVec,
}

/// The series of one label.
#[derive(Clone, Debug)]
struct Counters {
    requests: IntCounter,
    cpu_s: Counter,
    shed: IntCounter,
    rate_limited: IntCounter,
    units: Counter,
}

/// Metrics of one principal, by name in the status, and by label in series.
#[derive(Debug)]
pub(crate) struct PrincipalMetrics {
    requests: AtomicU64,
    cpu_ns: AtomicU64,
    shed: AtomicU64,
    rate_limited: AtomicU64,
    /// Thousandths of a unit.
    cost: AtomicU64,
    of_label: Counters,
}

impl PrincipalMetrics {
    /// Counts a request that was authenticated.
    pub(crate) fn record_request(&self) {
        self.requests.fetch_add(1, Relaxed);
        self.of_label.requests.inc();
    }

    /// Adds CPU time of the principal's work.
    pub(crate) fn add_cpu(&self, took: Duration) {
        self.cpu_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        self.of_label.cpu_s.inc_by(took.as_secs_f64());
    }

    /// Counts a request that was shed, as the principal uses more than its share.
    pub(crate) fn record_shed(&self) {
        self.shed.fetch_add(1, Relaxed);
        self.of_label.shed.inc();
    }

    /// Counts a request that the principal's rate limit rejected.
    pub(crate) fn record_rate_limited(&self) {
        self.rate_limited.fetch_add(1, Relaxed);
        self.of_label.rate_limited.inc();
    }

    /// Adds the cost of the principal's work, in thousandths of a unit of the rate limit.
    #[expect(clippy::cast_precision_loss, reason = "a single charge is far below 2^53")]
    pub(crate) fn add_cost(&self, thousandths: u64) {
        self.cost.fetch_add(thousandths, Relaxed);
        self.of_label.units.inc_by(thousandths as f64 / 1e3);
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 calls are more than a server answers")]
    fn status(&self) -> PrincipalStatus {
        let total = |counter: &AtomicU64| counter.load(Relaxed) as f64;
        PrincipalStatus {
            requests_total: total(&self.requests),
            cpu_s: total(&self.cpu_ns) / 1e9,
            shed_total: total(&self.shed),
            rate_limited_total: total(&self.rate_limited),
            units_total: total(&self.cost) / 1e3,
        }
    }
}

impl PrincipalsMetrics {
    pub(super) fn new(series: Series) -> Self {
        Self { series, by_label: Mutex::default(), by_name: Mutex::default() }
    }

    /// The metrics of a principal.
    pub(crate) fn of(&self, label: &str, name: &str) -> Arc<PrincipalMetrics> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = by_name.get(name) {
            return Arc::clone(metrics);
        }
        if by_name.len() >= MAX_PRINCIPALS {
            by_name.retain(|_, metrics| Arc::strong_count(metrics) > 1);
        }
        let metrics = Arc::new(PrincipalMetrics {
            requests: AtomicU64::new(0),
            cpu_ns: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            rate_limited: AtomicU64::new(0),
            cost: AtomicU64::new(0),
            of_label: self.counters(label),
        });
        by_name.insert(name.to_owned(), Arc::clone(&metrics));
        metrics
    }

    fn counters(&self, label: &str) -> Counters {
        let mut by_label = self.by_label.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = by_label.contains_key(label) || by_label.len() < MAX_LABELS;
        let label = if is_known { label } else { OTHER };
        let Series { requests, cpu_s, shed, rate_limited, units } = &self.series;
        let counters = by_label.entry(label.to_owned()).or_insert_with(|| Counters {
            requests: requests.with_label_values(&[label]),
            cpu_s: cpu_s.with_label_values(&[label]),
            shed: shed.with_label_values(&[label]),
            rate_limited: rate_limited.with_label_values(&[label]),
            units: units.with_label_values(&[label]),
        });
        counters.clone()
    }

    /// The principals that have used the most CPU time, by name.
    pub(super) fn status(&self) -> Vec<(String, PrincipalStatus)> {
        let by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> =
            by_name.iter().map(|(name, metrics)| (name.clone(), metrics.status())).collect();
        drop(by_name);
        all.sort_by(|(_, one), (_, other)| other.cpu_s.total_cmp(&one.cpu_s));
        all.truncate(MAX_LISTED);
        all
    }
}

#[cfg(test)]
mod tests {
    use crate::telemetry::{metrics::Metrics, scrape_state::State};

    #[test]
    fn series_are_bounded_and_hold_no_subjects_of_tokens() {
        let metrics = Metrics::new().unwrap();
        for number in 0..1_000 {
            metrics.principals.of(&format!("key {number}"), &format!("key {number} (id)")).record_request();
        }
        for number in 0..20_000 {
            metrics.principals.of("issuer", &format!("person {number}")).record_shed();
        }
        let text = metrics.text(State::default()).unwrap();
        let series = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!(series("nearby_principal_requests_total{"), 501);
        assert!(text.contains(r#"nearby_principal_requests_total{principal="other"} 500"#));
        assert!(!text.contains("person"));
        let status = serde_json::to_string(&metrics.status(State::default())).unwrap();
        assert!(status.len() < 1 << 20, "{}", status.len());
    }
}
