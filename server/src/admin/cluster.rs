//! The state of a node of a cluster at a scrape.

use crate::{cluster::ClusterView, telemetry::cluster::ClusterScrape};

/// Reads the state of a node; `None` until it has started.
#[expect(clippy::cast_precision_loss, reason = "no staleness or clock offset has 2^53 units")]
pub(super) fn scrape(view: &ClusterView) -> Option<ClusterScrape> {
    let state = view.state()?;
    let (status, brokers) = (&state.status, view.brokers());
    let answering = brokers.iter().filter_map(|broker| broker.found.as_ref().ok());
    let counters = status.counters;
    Some(ClusterScrape {
        applied: status.position.applied.0,
        first: state.log.as_ref().map_or(0, |log| log.first.0),
        last: state.log.as_ref().map_or(0, |log| log.last.0),
        lag: status.lag,
        staleness_s: view.staleness_ms().unwrap_or(0) as f64 / 1e3,
        fault: status.fault.as_ref().map_or("", |fault| fault.label()),
        clock_offset_s: status.clock_offset as f64 / 1e6,
        has_lost_redundancy: status.has_lost_redundancy,
        blocked_by: state.blocked.as_ref().and_then(|blocked| blocked.peer()).map(ToString::to_string),
        peers: state.peers.iter().map(|(peer, _)| (peer.node.to_string(), peer.applied.0)).collect(),
        slow_peers: state.slow_peers.iter().map(ToString::to_string).collect(),
        brokers: (brokers.len(), answering.clone().filter(|broker| broker.syncs).count()),
        broker_versions: answering.map(|broker| (broker.name.clone(), broker.version.clone())).collect(),
        unwritable_s: state.unwritable.as_secs_f64(),
        leader_changes: state.leader_changes,
        events: vec![
            ("commit", counters.commits),
            ("conflict", counters.conflicts),
            ("republished", counters.republished),
            ("misplaced", counters.misplaced),
            ("leader_read", counters.leader_reads),
            ("delivery_started", counters.follows),
            ("peer_mismatch", counters.peer_mismatches),
            ("duplicate_name", counters.duplicates),
        ],
        voids: [
            ("stray", counters.stray),
            ("stale", counters.stale),
            ("foreign_history", counters.foreign_history),
        ],
    })
}
