//! Callers that use as much of a server as they can.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    dataset::Dataset,
    h2_client::{Call, Code, ConnectionPool, Target},
    workload::{FollowUp, Kind, Operation, RequestGenerator, Scenario, View},
};

/// A kind of noisy caller.
#[derive(Clone, Copy, Debug)]
pub struct NoisyCaller {
    /// Name on the command line.
    pub name: &'static str,
    /// Description in the report.
    pub description: &'static str,
    load: Load,
}

#[derive(Clone, Copy, Debug)]
enum Load {
    /// Streams of searches, each with a number of searches under way.
    Streams { streams: usize, connections: usize },
    /// Callers that call again when they are answered.
    Calls { callers: usize, connections: usize, operation: fn() -> Operation },
    /// Calls at a rate.
    Rate { per_s: u32, connections: usize },
    /// Watches that move.
    Watches { watches: usize, moves_per_s: u32 },
}

/// All noisy callers.
pub static NOISY_CALLERS: [NoisyCaller; 8] = [
    noisy(
        "streams",
        "100 StreamSearchNearby on 4 connections",
        Load::Streams { streams: 100, connections: 4 },
    ),
    noisy("one-connection", "16 streams on one connection", Load::Streams { streams: 16, connections: 1 }),
    noisy(
        "full",
        "800 searches of 500 FULL on 16 connections",
        Load::Calls {
            callers: 800,
            connections: 16,
            operation: || Operation { results: 500, view: View::Full, ..Operation::of(Kind::Search) },
        },
    ),
    noisy(
        "watches",
        "1,000 watches of 1,000 FULL, 2 moves/s",
        Load::Watches { watches: 1_000, moves_per_s: 2 },
    ),
    noisy(
        "fast-watches",
        "200 watches of 1,000 FULL, 10 moves/s",
        Load::Watches { watches: 200, moves_per_s: 10 },
    ),
    noisy(
        "batches",
        "32 batches of 1,000 searches of 500",
        Load::Calls {
            callers: 32,
            connections: 4,
            operation: || Operation { results: 500, size: 1_000, ..Operation::of(Kind::Batch) },
        },
    ),
    noisy(
        "density",
        "64 densities of 5 km at resolution 15",
        Load::Calls {
            callers: 64,
            connections: 4,
            operation: || Operation { resolution: 15, ..Operation::of(Kind::Density) },
        },
    ),
    noisy("searches", "10,100 plain searches/s", Load::Rate { per_s: 10_100, connections: 16 }),
];

const fn noisy(name: &'static str, description: &'static str, load: Load) -> NoisyCaller {
    NoisyCaller { name, description, load }
}

/// Searches of a stream that are under way: more than the server answers in one turn.
const PIPELINED: usize = 64;
/// Concurrent streams that the server allows on a connection.
const STREAMS_PER_CONNECTION: usize = 100;
/// Pause after a call that was rejected, which a client that knows no retry delay makes.
const RETRY_PAUSE: Duration = Duration::from_millis(1);
/// Deadline of a noisy call.
const DEADLINE: Duration = Duration::from_secs(10);

/// Outcomes of noisy calls.
#[derive(Debug, Default)]
struct Outcomes {
    ok: AtomicU64,
    failed: AtomicU64,
}

impl Outcomes {
    fn count(&self, code: Code) {
        let counter = if code == Code::OK { &self.ok } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl NoisyCaller {
    /// Loads a server for some time. Returns the responses and the failed calls.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn run(
        &self,
        target: &Target,
        dataset: &Dataset,
        seed: u64,
        length: Duration,
    ) -> io::Result<(u64, u64)> {
        let client = Client { target, dataset, seed, outcomes: Arc::default() };
        let end = Instant::now() + length;
        let mut tasks = match self.load {
            Load::Streams { streams, connections } => client.stream(streams, connections).await?,
            Load::Calls { callers, connections, operation } => {
                client.call_repeatedly(callers, connections, operation()).await?
            }
            Load::Rate { per_s, connections } => client.call_at_rate(per_s, connections).await?,
            Load::Watches { watches, moves_per_s } => client.watch(watches, moves_per_s).await?,
        };
        tokio::time::sleep_until(end.into()).await;
        tasks.shutdown().await;
        let Outcomes { ok, failed } = &*client.outcomes;
        Ok((ok.load(Ordering::Relaxed), failed.load(Ordering::Relaxed)))
    }
}

/// The noisy client.
struct Client<'a> {
    target: &'a Target,
    dataset: &'a Dataset,
    seed: u64,
    outcomes: Arc<Outcomes>,
}

impl Client<'_> {
    async fn pool(&self, connections: usize) -> io::Result<ConnectionPool> {
        ConnectionPool::open(self.target.clone(), connections, STREAMS_PER_CONNECTION).await
    }

    fn requests(&self, operation: Operation) -> Mutex<RequestGenerator> {
        Mutex::new(RequestGenerator::new(self.dataset, &Scenario::of(operation), self.seed, 0))
    }

    async fn stream(&self, streams: usize, connections: usize) -> io::Result<JoinSet<()>> {
        let pool = self.pool(connections).await?;
        let size = u32::try_from(PIPELINED).unwrap_or(1);
        let requests = self.requests(Operation { size, ..Operation::of(Kind::Stream) });
        let mut tasks = JoinSet::new();
        for _ in 0..streams {
            let (pool, outcomes) = (pool.clone(), Arc::clone(&self.outcomes));
            let searches = next(&requests).messages;
            tasks.spawn(async move { stream(&pool, &searches, &outcomes).await });
        }
        Ok(tasks)
    }

    async fn call_repeatedly(
        &self,
        callers: usize,
        connections: usize,
        operation: Operation,
    ) -> io::Result<JoinSet<()>> {
        let pool = self.pool(connections).await?;
        let requests = self.requests(operation);
        // Encoded once: the generator must not be the bottleneck.
        let requests = (0..callers.max(64)).map(|_| next(&requests));
        let messages: Arc<[(Kind, Bytes)]> =
            requests.map(|request| (request.kind, request.messages)).collect();
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let (pool, outcomes) = (pool.clone(), Arc::clone(&self.outcomes));
            let messages = Arc::clone(&messages);
            tasks.spawn(async move {
                for at in caller.. {
                    let (kind, messages) = &messages[at % messages.len()];
                    call(&pool, *kind, messages.clone(), &outcomes).await;
                }
            });
        }
        Ok(tasks)
    }

    async fn call_at_rate(&self, per_s: u32, connections: usize) -> io::Result<JoinSet<()>> {
        let pool = self.pool(connections).await?;
        let requests = self.requests(Operation::of(Kind::Search));
        let outcomes = Arc::clone(&self.outcomes);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(5));
            let mut calls = JoinSet::new();
            loop {
                ticks.tick().await;
                for _ in 0..per_s / 200 {
                    let request = next(&requests);
                    let (pool, outcomes) = (pool.clone(), Arc::clone(&outcomes));
                    calls.spawn(async move {
                        call(&pool, request.kind, request.messages, &outcomes).await;
                    });
                }
                while calls.try_join_next().is_some() {}
            }
        });
        Ok(tasks)
    }

    async fn watch(&self, watches: usize, moves_per_s: u32) -> io::Result<JoinSet<()>> {
        let pool = self.pool(watches.div_ceil(STREAMS_PER_CONNECTION)).await?;
        let operation =
            Operation { results: 1_000, view: View::Full, hold_s: 1_000, ..Operation::of(Kind::Watch) };
        let requests = self.requests(operation);
        let pause = Duration::from_secs(1) / moves_per_s;
        let mut tasks = JoinSet::new();
        for _ in 0..watches {
            let (pool, outcomes) = (pool.clone(), Arc::clone(&self.outcomes));
            let request = next(&requests);
            let FollowUp::Steps(steps) = request.follow_up else { continue };
            tasks.spawn(async move { watch(&pool, request.messages, &steps, pause, &outcomes).await });
        }
        Ok(tasks)
    }
}

fn next(requests: &Mutex<RequestGenerator>) -> crate::workload::Request {
    requests.lock().unwrap_or_else(PoisonError::into_inner).next_request()
}

async fn call(pool: &ConnectionPool, kind: Kind, messages: Bytes, outcomes: &Outcomes) {
    let call =
        Call { path: kind.path(), messages, deadline: Instant::now() + DEADLINE, keep_messages: false };
    let code = pool.call(&call).await.code;
    outcomes.count(code);
    if code != Code::OK {
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Streams searches, always with as many under way, and again when the stream ends.
async fn stream(pool: &ConnectionPool, searches: &Bytes, outcomes: &Outcomes) {
    loop {
        let Ok(mut stream) = pool.open_stream(Kind::Stream.path(), searches.clone()).await else {
            outcomes.count(Code::UNAVAILABLE);
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        };
        let mut received = 0;
        while let Ok(Some(_)) = stream.message().await {
            outcomes.count(Code::OK);
            received += 1;
            if received % PIPELINED == PIPELINED / 2 && stream.send(searches.clone()).is_err() {
                break;
            }
        }
        outcomes.count(stream.end().0);
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Watches while moving, without waiting for responses, and again when the watch ends.
async fn watch(pool: &ConnectionPool, start: Bytes, steps: &[Bytes], pause: Duration, outcomes: &Outcomes) {
    loop {
        let Ok(mut stream) = pool.open_stream(Kind::Watch.path(), start.clone()).await else {
            outcomes.count(Code::UNAVAILABLE);
            tokio::time::sleep(RETRY_PAUSE).await;
            continue;
        };
        let mut ticks = tokio::time::interval(pause);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut steps = steps.iter().cycle();
        loop {
            tokio::select! {
                message = stream.message() => match message {
                    Ok(Some(_)) => outcomes.count(Code::OK),
                    Ok(None) | Err(_) => break,
                },
                _ = ticks.tick() => {
                    if let Some(step) = steps.next() && stream.send(step.clone()).is_err() {
                        break;
                    }
                }
            }
        }
        outcomes.count(stream.end().0);
        tokio::time::sleep(pause).await;
    }
}
