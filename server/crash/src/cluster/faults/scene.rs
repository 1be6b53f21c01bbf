//! The surroundings of a fault: the cluster, its load, and random choices.

use std::time::{Duration, Instant};

use rand::{RngExt, seq::IndexedRandom};
use rand_pcg::Pcg64Mcg;

use crate::{
    cluster::{brokers::StreamState, fixture::Cluster, kinds::Which, load::ClusterLoad},
    error::Result,
};

/// Time limit for a number of writes to be acknowledged.
const GROWTH_TIMEOUT: Duration = Duration::from_secs(60);
/// Time limit for brokers to become healthy during a fault, and for copies of the log to become current.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
const POLL_COPIES: Duration = Duration::from_millis(200);

/// A cluster under load in which a fault is injected.
pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a mut Cluster,
    pub(crate) load: &'a ClusterLoad,
    pub(crate) rng: &'a mut Pcg64Mcg,
    /// Choices and events, for the report of a failure.
    pub(crate) notes: Vec<String>,
}

impl Scene<'_> {
    /// Adds a note.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Waits for a time.
    pub(super) async fn pause(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Waits for a random time.
    pub(super) async fn pause_between(&mut self, (min_ms, max_ms): (u64, u64)) {
        let ms = self.rng.random_range(min_ms..=max_ms);
        self.pause(ms).await;
    }

    /// Returns a random element.
    pub(super) fn choose(&mut self, from: &[usize]) -> usize {
        from.choose(self.rng).copied().unwrap_or_default()
    }

    /// Returns a random node.
    pub(super) fn any_node(&mut self) -> usize {
        let count = self.cluster.nodes.count();
        self.rng.random_range(0..count)
    }

    /// Chooses brokers.
    pub(super) async fn brokers(&mut self, which: Which) -> Result<Vec<usize>> {
        let leader = self.cluster.brokers.leader().await?;
        let others = self.cluster.brokers.others(leader);
        let all: Vec<usize> = (0..self.cluster.brokers.count()).collect();
        let chosen = match which {
            Which::Leader => vec![leader],
            Which::Follower => vec![self.choose(&others)],
            Which::TwoFollowers => others,
            Which::Two => all.sample(self.rng, 2).copied().collect(),
            Which::All => all,
        };
        self.note(format!("the leader is broker-{}; struck: {chosen:?} (from 0)", leader + 1));
        Ok(chosen)
    }

    /// Kills brokers.
    pub(super) fn kill_brokers(&mut self, brokers: &[usize]) -> Result<()> {
        brokers.iter().try_for_each(|broker| self.cluster.brokers.kill(*broker))
    }

    /// Starts brokers.
    pub(super) fn start_brokers(&mut self, brokers: &[usize]) -> Result<()> {
        brokers.iter().try_for_each(|broker| self.cluster.brokers.start(*broker))
    }

    /// Waits until all brokers are healthy.
    pub(super) async fn wait_until_healthy(&self) -> Result<()> {
        let unhealthy = self.cluster.brokers.wait_until_healthy(HEALTH_TIMEOUT).await;
        if unhealthy.is_empty() {
            Ok(())
        } else {
            Err(format!("brokers {unhealthy:?} (from 0) do not become healthy").into())
        }
    }

    /// Waits until all brokers are healthy and the leader calls every copy current. An operator waits for the same before the next
    /// restart: a leader that stops transfers leadership only to a current copy, and without one the others hold an election.
    pub(super) async fn wait_until_replicated(&self) -> Result<()> {
        self.wait_until_healthy().await?;
        self.wait_for_copies(self.cluster.brokers.count()).await
    }

    /// Waits until the leader has a number of copies, and all are current.
    pub(super) async fn wait_for_copies(&self, copies: usize) -> Result<()> {
        let start = Instant::now();
        loop {
            let leader = self.cluster.brokers.leader().await?;
            let states = self.cluster.brokers.stream_states().await;
            let is_complete = |state: &StreamState| state.copies == copies && state.current_copies == copies;
            if states.get(&leader).is_some_and(is_complete) {
                return Ok(());
            }
            if start.elapsed() > HEALTH_TIMEOUT {
                return Err(format!("the log does not have {copies} current copies: {states:?}").into());
            }
            tokio::time::sleep(POLL_COPIES).await;
        }
    }

    /// Waits until a node accepts writes.
    pub(crate) async fn wait_until_writable(&self, node: usize) -> Result<()> {
        let start = Instant::now();
        while !self.load.probe(node).await {
            if start.elapsed() > GROWTH_TIMEOUT {
                return Err(format!("node-{} does not accept writes in time", node + 1).into());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Waits until a number of further writes is acknowledged.
    pub(super) async fn grow(&self, writes: usize) -> Result<()> {
        let ledger = &self.load.ledger;
        let (target, start) = (ledger.acknowledged() + writes, Instant::now());
        while ledger.acknowledged() < target {
            if start.elapsed() > GROWTH_TIMEOUT {
                return Err(format!("{writes} writes are not acknowledged in time").into());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}
