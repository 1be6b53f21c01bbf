//! Searches at a fixed rate at each node, and their latency.

use std::{
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
/// Maximum number of failures that are described.
const MAX_DESCRIBED: usize = 20;

/// Searches of a period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Searches {
    /// When each was due, and the time from then to its response.
    answered: Vec<(Instant, Duration)>,
    /// Failures of nodes that were there all the time.
    pub(crate) failures: u64,
    pub(crate) described: Vec<String>,
}

impl Searches {
    /// Returns the latencies of the searches that were due within a period.
    pub(crate) fn latencies(&self, from: Instant, to: Instant) -> Vec<Duration> {
        let within = self.answered.iter().filter(|(due, _)| (from..to).contains(due));
        within.map(|(_, latency)| *latency).collect()
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
            searches.failures += 1;
            if searches.described.len() < MAX_DESCRIBED {
                searches.described.push(format!("node-{}: {}: {error}", number + 1, label(&error)));
            }
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
    use super::*;

    #[test]
    fn quantiles_are_of_sorted_durations() {
        let mut durations: Vec<Duration> = (0..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut durations, 0.5), Duration::from_millis(50));
        assert_eq!(quantile(&mut durations, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&mut durations, 1.0), Duration::from_millis(100));
        assert_eq!(quantile(&mut [], 0.99), Duration::ZERO);
    }
}
