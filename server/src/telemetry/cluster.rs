//! Metrics of a node of a cluster. A single node has none of them.

use prometheus::{Counter, Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::maker::Maker;

/// The state of a node at a scrape.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterScrape {
    pub(crate) applied: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) lag: u64,
    pub(crate) staleness_s: f64,
    /// The label of its fault; empty if it has none.
    pub(crate) fault: &'static str,
    pub(crate) clock_offset_s: f64,
    pub(crate) has_lost_redundancy: bool,
    /// The peer because of which it decides nothing.
    pub(crate) blocked_by: Option<String>,
    /// Names of the other nodes, and how far they are.
    pub(crate) peers: Vec<(String, u64)>,
    /// Names of those for which imports wait.
    pub(crate) slow_peers: Vec<String>,
    /// Configured monitoring endpoints of brokers, and those that confirm that the broker syncs each message.
    pub(crate) brokers: (usize, usize),
    /// Versions of the brokers that answer.
    pub(crate) broker_versions: Vec<(String, String)>,
    /// Seconds in which no changes were accepted.
    pub(crate) unwritable_s: f64,
    pub(crate) leader_changes: u64,
    /// Events, by name.
    pub(crate) events: Vec<(&'static str, u64)>,
    /// Messages that do not count, by reason.
    pub(crate) voids: [(&'static str, u64); 3],
}

/// All faults: each has a series, so that an alert sees the change from 0 to 1.
pub(crate) const FAULTS: [&str; 11] = [
    "behind",
    "damaged",
    "diverged",
    "duplicate_name",
    "gap",
    "missing",
    "replica",
    "rewound",
    "rewritten",
    "settings",
    "unsupported_format",
];

/// The metrics of a node.
#[derive(Debug)]
pub(super) struct ClusterMetrics {
    applied: IntGauge,
    first: IntGauge,
    last: IntGauge,
    lag: IntGauge,
    staleness_s: Gauge,
    fault: IntGaugeVec,
    clock_offset_s: Gauge,
    has_lost_redundancy: IntGauge,
    blocked_by: IntGaugeVec,
    peer_applied: IntGaugeVec,
    slow_peer: IntGaugeVec,
    brokers: IntGauge,
    syncing_brokers: IntGauge,
    broker_info: IntGaugeVec,
    unwritable_s: Counter,
    leader_changes: IntCounter,
    events: IntCounterVec,
    voids: IntCounterVec,
}

impl ClusterMetrics {
    pub(super) fn new(make: &Maker) -> prometheus::Result<Self> {
        let events = "Events of the commit log: commits of this node, conflicts with others, proposals sent again, reads from the \
                      leader, deliveries started again, and others";
        let voids = "Messages of the log that do not count, by reason; each needs an explanation";
        let brokers = "Brokers whose monitoring endpoints are configured";
        let unwritable = "Seconds in which this node accepted no changes since its start";
        Ok(Self {
            applied: make.gauge("nearby_cluster_applied_sequence", "Sequence of the last message applied")?,
            first: make
                .gauge("nearby_cluster_log_first_sequence", "Sequence of the first message of the log")?,
            last: make
                .gauge("nearby_cluster_log_last_sequence", "Sequence of the last message of the log")?,
            lag: make.gauge("nearby_cluster_lag_messages", "Messages that this node knows of and lacks")?,
            staleness_s: make.float_gauge(
                "nearby_cluster_staleness_seconds",
                "Time for which this node has known of a message that it lacks",
            )?,
            fault: make.gauges("nearby_cluster_fault", "1 while this node has the fault", &["fault"])?,
            clock_offset_s: make.float_gauge(
                "nearby_cluster_clock_offset_seconds",
                "Median of the clocks of all nodes minus that of this node",
            )?,
            has_lost_redundancy: make.gauge(
                "nearby_cluster_redundancy_lost",
                "1 while a copy of the log has lagged behind for half a minute",
            )?,
            blocked_by: make.gauges(
                "nearby_cluster_blocked_by_peer",
                "1 while this node decides nothing because of the peer",
                &["peer"],
            )?,
            peer_applied: make.gauges(
                "nearby_cluster_peer_applied_sequence",
                "Sequence of the last message that a peer has applied",
                &["peer"],
            )?,
            slow_peer: make.gauges(
                "nearby_cluster_slow_peer",
                "1 while imports wait for the peer, which is more than two seconds behind",
                &["peer"],
            )?,
            brokers: make.gauge("nearby_cluster_brokers", brokers)?,
            syncing_brokers: make.gauge(
                "nearby_cluster_brokers_confirmed_to_sync",
                "Brokers that are confirmed to sync each message",
            )?,
            broker_info: make.gauges(
                "nearby_cluster_broker_info",
                "Version of a broker; always 1",
                &["broker", "version"],
            )?,
            unwritable_s: make.float_counter("nearby_cluster_unwritable_seconds_total", unwritable)?,
            leader_changes: make
                .counter("nearby_cluster_leader_changes_total", "Changes of the leading broker")?,
            events: make.counters("nearby_cluster_log_events_total", events, &["event"])?,
            voids: make.counters("nearby_cluster_void_messages_total", voids, &["reason"])?,
        })
    }

    pub(super) fn set(&self, now: &ClusterScrape) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.applied.set(number(now.applied));
        self.first.set(number(now.first));
        self.last.set(number(now.last));
        self.lag.set(number(now.lag));
        self.staleness_s.set(now.staleness_s);
        for fault in FAULTS {
            self.fault.with_label_values(&[fault]).set((fault == now.fault).into());
        }
        self.clock_offset_s.set(now.clock_offset_s);
        self.has_lost_redundancy.set(now.has_lost_redundancy.into());
        self.blocked_by.reset();
        if let Some(peer) = &now.blocked_by {
            self.blocked_by.with_label_values(&[peer.as_str()]).set(1);
        }
        self.peer_applied.reset();
        for (peer, applied) in &now.peers {
            self.peer_applied.with_label_values(&[peer.as_str()]).set(number(*applied));
        }
        self.slow_peer.reset();
        for peer in &now.slow_peers {
            self.slow_peer.with_label_values(&[peer.as_str()]).set(1);
        }
        self.brokers.set(count(now.brokers.0));
        self.syncing_brokers.set(count(now.brokers.1));
        self.broker_info.reset();
        for (broker, version) in &now.broker_versions {
            self.broker_info.with_label_values(&[broker.as_str(), version.as_str()]).set(1);
        }
        self.unwritable_s.inc_by((now.unwritable_s - self.unwritable_s.get()).max(0.0));
        raise(&self.leader_changes, now.leader_changes);
        for (event, count) in &now.events {
            raise(&self.events.with_label_values(&[*event]), *count);
        }
        for (reason, count) in now.voids {
            raise(&self.voids.with_label_values(&[reason]), count);
        }
    }
}

/// Raises a counter to a total.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{metrics::Metrics, scrape_state::State},
        *,
    };

    fn scrape() -> ClusterScrape {
        ClusterScrape {
            applied: 7,
            fault: "rewound",
            blocked_by: Some("b".to_owned()),
            peers: vec![("b".to_owned(), 9)],
            slow_peers: vec!["b".to_owned()],
            brokers: (3, 2),
            broker_versions: vec![("n1".to_owned(), "2.15.1".to_owned())],
            events: vec![("commit", 4)],
            voids: [("stray", 0), ("stale", 1), ("foreign_history", 0)],
            ..ClusterScrape::default()
        }
    }

    #[test]
    fn a_node_has_the_series_of_the_dashboard_and_the_alerts_and_a_single_node_has_none() {
        let metrics = Metrics::new().unwrap();
        let text = |cluster| metrics.text(State { cluster, ..State::default() }).unwrap();
        assert!(!text(None).contains("nearby_cluster_"));
        let node = text(Some(scrape()));
        let exported: BTreeSet<&str> =
            node.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let used =
            [include_str!("../../monitoring/grafana.json"), include_str!("../../monitoring/alerts.yaml")];
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = used.iter().flat_map(|text| text.split(|c| !is_name(c)));
        let names: BTreeSet<&str> = names.filter(|name| name.starts_with("nearby_cluster_")).collect();
        assert!(names.len() > 12 && names.is_subset(&exported), "{names:?} {exported:?}");
    }

    #[test]
    fn faults_and_peers_that_are_gone_disappear_and_counters_rise() {
        let metrics = Metrics::new().unwrap();
        let text = |cluster| metrics.text(State { cluster: Some(cluster), ..State::default() }).unwrap();
        let has = |text: &str, line: &str| text.lines().any(|found| found == line);
        let before = text(scrape());
        assert!(has(&before, r#"nearby_cluster_fault{fault="rewound"} 1"#));
        assert!(has(&before, r#"nearby_cluster_fault{fault="gap"} 0"#));
        assert!(has(&before, r#"nearby_cluster_blocked_by_peer{peer="b"} 1"#));
        assert!(has(&before, r#"nearby_cluster_log_events_total{event="commit"} 4"#));
        let events = vec![("commit", 6)];
        let after =
            text(ClusterScrape { fault: "", blocked_by: None, peers: Vec::new(), events, ..scrape() });
        assert!(has(&after, r#"nearby_cluster_fault{fault="rewound"} 0"#));
        assert!(
            !after.contains("nearby_cluster_blocked_by_peer{") && !after.contains("peer_applied_sequence{")
        );
        assert!(has(&after, r#"nearby_cluster_log_events_total{event="commit"} 6"#));
    }
}
