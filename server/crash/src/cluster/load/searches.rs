//! Searches at a fixed rate at each node, and their latency.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_client::v1::SearchNearbyRequest;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

use super::ledger::label;
use crate::{
    cluster::nodes::NodeHandle,
    load::{lock, position},
};

/// Time between the searches at one node. They start at fixed times, whether or not earlier ones have been answered.
const INTERVAL: Duration = Duration::from_millis(20);

/// Searches of a period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Searches {
    /// When each was due, and the time from then to its response.
    answered: Vec<(Instant, Duration)>,
    /// Failures of nodes that were there all the time.
    pub(crate) failures: Vec<Failure>,
}

/// A search that failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    due: Instant,
    node: usize,
    error: String,
}

impl Searches {
    /// Returns the latencies of the searches that were due within a period.
    pub(crate) fn latencies(&self, from: Instant, to: Instant) -> Vec<Duration> {
        let within = self.answered.iter().filter(|(due, _)| (from..to).contains(due));
        within.map(|(_, latency)| *latency).collect()
    }

    /// Describes the failures by node and error, with the time from the first to the last, relative to a moment.
    pub(crate) fn describe(&self, moment: Instant) -> Option<String> {
        let mut groups: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
        for Failure { due, node, error } in &self.failures {
            let before = moment.saturating_duration_since(*due).as_secs_f64();
            let after = due.saturating_duration_since(moment).as_secs_f64();
            groups.entry((*node, error)).or_default().push(after - before);
        }
        let shown = |((node, error), times): (&(usize, &str), &Vec<f64>)| {
            let (first, last) = (
                times.iter().copied().fold(f64::MAX, f64::min),
                times.iter().copied().fold(f64::MIN, f64::max),
            );
            format!("{} at node-{} from {first:+.1} s to {last:+.1} s: {error}", times.len(), node + 1)
        };
        let text = groups.iter().map(shown).collect::<Vec<_>>().join("; ");
        (!text.is_empty()).then(|| format!("searches failed: {text}"))
    }
}

/// Starts searches at a node, until they are stopped.
pub(crate) fn start(
    number: usize,
    node: &NodeHandle,
    searches: &Arc<Mutex<Searches>>,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<()> {
    let (node, searches, stop) = (node.clone(), Arc::clone(searches), Arc::clone(stop));
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while !stop.load(Ordering::Relaxed) {
            let due = interval.tick().await.into_std();
            if node.presence.epoch().is_some() {
                tokio::spawn(search(number, node.clone(), Arc::clone(&searches), due));
            }
        }
    })
}

/// Returns `true` if a node answers a search.
pub(crate) async fn answers(node: &NodeHandle) -> bool {
    node.reader.search_nearby(request()).await.is_ok()
}

fn request() -> SearchNearbyRequest {
    SearchNearbyRequest { origin: Some(position(0.0)), ..Default::default() }
}

async fn search(number: usize, node: NodeHandle, searches: Arc<Mutex<Searches>>, due: Instant) {
    let epoch = node.presence.epoch();
    let result = node.reader.search_nearby(request()).await;
    let mut searches = lock(&searches);
    match result {
        Ok(_) => searches.answered.push((due, due.elapsed())),
        Err(error) if epoch.is_some() && node.presence.epoch() == epoch => {
            let error = format!("{}: {error}", label(&error));
            searches.failures.push(Failure { due, node: number, error });
        }
        Err(_) => {}
    }
}

/// Returns a quantile of durations; zero if there are none.
pub(crate) fn quantile(durations: &mut [Duration], quantile: f64) -> Duration {
    durations.sort_unstable();
    let last = durations.len().saturating_sub(1);
    let at = (0..=last).find(|at| (*at as f64) >= quantile * last as f64).unwrap_or(last);
    durations.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn failures_are_described_by_node_and_time() {
        let moment = Instant::now() + Duration::from_secs(60);
        let failure = |before_ms, node| Failure {
            due: moment - Duration::from_millis(before_ms),
            node,
            error: "lost".to_owned(),
        };
        let mut searches = Searches::default();
        assert_eq!(searches.describe(moment), None);
        searches.failures = vec![failure(2_000, 0), failure(500, 0), failure(0, 1)];
        let expected = "searches failed: 2 at node-1 from -2.0 s to -0.5 s: lost; 1 at node-2 from +0.0 s to +0.0 s: lost";
        assert_eq!(searches.describe(moment).unwrap(), expected);
    }

    #[test]
    fn quantiles_are_of_sorted_durations() {
        let mut durations: Vec<Duration> = (0..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut durations, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&mut durations, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&mut durations, 1.0), Duration::from_millis(100));
        assert_eq!(quantile(&mut [], 0.99), Duration::ZERO);
    }
}
