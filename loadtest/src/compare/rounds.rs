//! A round: a system receives queries for some seconds, on each connection as soon as the previous response has arrived.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tokio::{task::JoinSet, time::sleep_until};

use super::{
    process_tree::{ProcessTree, TreeUsage},
    queries::Queries,
    system::Connection,
};
use crate::runner::{ProcessUsage, histogram};

/// Time at the beginning of a round that does not count: caches fill and processors leave idle states.
const WARM_UP: Duration = Duration::from_millis(300);

/// Figures of a round.
#[derive(Debug)]
pub(super) struct Round {
    /// Time from when each search was sent to its response.
    pub(super) latency_us: Histogram<u64>,
    /// Duration that counts.
    pub(super) length: Duration,
    /// CPU time of the server, if its process is known.
    pub(super) server_cpu_s: Option<f64>,
    /// CPU time of this process.
    pub(super) client_cpu_s: f64,
}

impl Round {
    /// Returns the number of searches answered.
    pub(super) fn searches(&self) -> u64 {
        self.latency_us.len()
    }

    /// Returns the throughput in searches per second.
    pub(super) fn per_s(&self) -> f64 {
        self.searches() as f64 / self.length.as_secs_f64()
    }
}

/// Runs a round from query `first` on, and returns the connections.
pub(super) async fn run_round(
    connections: Vec<Box<dyn Connection>>,
    (queries, first): (&Arc<Queries>, u64),
    length: Duration,
    server: Option<&ProcessTree>,
) -> io::Result<(Vec<Box<dyn Connection>>, Round)> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + length;
    let next = Arc::new(AtomicU64::new(first));
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(search_until(connection, Arc::clone(queries), Arc::clone(&next), [begin, end]));
    }
    sleep_until(begin.into()).await;
    let before = (ProcessUsage::of_self()?, usage(server)?);
    sleep_until(end.into()).await;
    let after = (ProcessUsage::of_self()?, usage(server)?);
    let (mut connections, mut latency_us) = (Vec::new(), histogram(3));
    while let Some(ended) = tasks.join_next().await {
        let (connection, latencies) = ended.map_err(io::Error::other)??;
        connections.push(connection);
        latency_us.add(&latencies).map_err(io::Error::other)?;
    }
    let server_cpu_s = after.1.zip(before.1).map(|(after, before)| after.cpu_s_since(&before));
    let client_cpu_s = after.0.since(&before.0).cpu_s;
    Ok((connections, Round { latency_us, length, server_cpu_s, client_cpu_s }))
}

fn usage(server: Option<&ProcessTree>) -> io::Result<Option<TreeUsage>> {
    server.map(|server| server.usage()).transpose()
}

/// Searches until `end` and counts responses between `begin` and `end`: the number in flight is the same at both.
async fn search_until(
    mut connection: Box<dyn Connection>,
    queries: Arc<Queries>,
    next: Arc<AtomicU64>,
    [begin, end]: [Instant; 2],
) -> io::Result<(Box<dyn Connection>, Histogram<u64>)> {
    let mut latency_us = histogram(3);
    loop {
        let from = queries.at(next.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        if sent >= end {
            return Ok((connection, latency_us));
        }
        connection.search(from).await?;
        let answered = Instant::now();
        if (begin..=end).contains(&answered) {
            let micros = answered.duration_since(sent).as_micros();
            latency_us.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX).max(1));
        }
    }
}
