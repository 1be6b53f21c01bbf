//! A turn: a system is asked for some seconds, on each connection as soon as the answer before is there.

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
    process_tree::{Processes, Used},
    queries::Questions,
    system::Connection,
};
use crate::runner::{Usage, histogram};

/// What comes before this is not counted: caches are filled, and processors wake up.
const WARM_UP: Duration = Duration::from_millis(300);

/// What came of a turn.
#[derive(Debug)]
pub(super) struct Turn {
    /// From when each search was sent until it was answered.
    pub(super) latency_us: Histogram<u64>,
    /// How long was counted.
    pub(super) length: Duration,
    /// The server's processor time, where its process is known.
    pub(super) server_cpu_s: Option<f64>,
    /// This process's.
    pub(super) client_cpu_s: f64,
}

impl Turn {
    /// Searches that were answered.
    pub(super) fn searches(&self) -> u64 {
        self.latency_us.len()
    }

    /// Searches a second.
    pub(super) fn per_s(&self) -> f64 {
        self.searches() as f64 / self.length.as_secs_f64()
    }
}

/// Asks question after question from one on, and hands the connections back.
pub(super) async fn turn(
    connections: Vec<Connection>,
    (questions, first): (&Arc<Questions>, u64),
    length: Duration,
    server: Option<&Processes>,
) -> io::Result<(Vec<Connection>, Turn)> {
    let begin = Instant::now() + WARM_UP;
    let end = begin + length;
    let next = Arc::new(AtomicU64::new(first));
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(ask(connection, Arc::clone(questions), Arc::clone(&next), [begin, end]));
    }
    sleep_until(begin.into()).await;
    let before = (Usage::of_self()?, used(server)?);
    sleep_until(end.into()).await;
    let after = (Usage::of_self()?, used(server)?);
    let (mut connections, mut latency_us) = (Vec::new(), histogram(3));
    while let Some(ended) = tasks.join_next().await {
        let (connection, latencies) = ended.map_err(io::Error::other)??;
        connections.push(connection);
        latency_us.add(&latencies).map_err(io::Error::other)?;
    }
    let server_cpu_s = after.1.zip(before.1).map(|(after, before)| after.cpu_s_since(&before));
    let client_cpu_s = after.0.since(&before.0).cpu_s;
    Ok((connections, Turn { latency_us, length, server_cpu_s, client_cpu_s }))
}

fn used(server: Option<&Processes>) -> io::Result<Option<Used>> {
    server.map(|server| server.used()).transpose()
}

/// Counts searches that are answered between the two moments: as many are under way at the one as at the other.
async fn ask(
    mut connection: Connection,
    questions: Arc<Questions>,
    next: Arc<AtomicU64>,
    [begin, end]: [Instant; 2],
) -> io::Result<(Connection, Histogram<u64>)> {
    let mut latency_us = histogram(3);
    loop {
        let from = questions.at(next.fetch_add(1, Ordering::Relaxed));
        let sent = Instant::now();
        if sent >= end {
            return Ok((connection, latency_us));
        }
        connection.ask(from).await?;
        let answered = Instant::now();
        if (begin..=end).contains(&answered) {
            let micros = answered.duration_since(sent).as_micros();
            latency_us.saturating_record(u64::try_from(micros).unwrap_or(u64::MAX).max(1));
        }
    }
}
