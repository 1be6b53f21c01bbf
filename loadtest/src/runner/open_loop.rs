//! The open loop: calls are sent when they are due. Latency includes the time that a call waited behind a slow server.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinSet,
};

use super::{Arrivals, Runner, recorder::Recorder};
use crate::workload::{Request, RequestGenerator};

/// Minimum sleep of the pacing thread: calls due within it are sent together.
const TICK: Duration = Duration::from_micros(150);
/// Maximum number of calls started before yielding to those already running.
const MAX_BATCH: usize = 256;
/// Maximum number of calls in flight. Beyond it the generator is the bottleneck: further calls count as unsent, which
/// invalidates the run.
const MAX_IN_FLIGHT: usize = 200_000;

/// Number of requests encoded in advance, and how long before the first is due encoding starts.
const AHEAD: usize = 4_096;
const HEAD_START: Duration = Duration::from_millis(50);
/// Time beyond its deadline that a call with its retries and follow-ups may take.
const FOLLOW_UP_TIMEOUT: Duration = Duration::from_secs(15);

struct Due {
    request: Request,
    at: Instant,
}

pub(super) async fn run(runner: &Runner, arrivals: Arrivals, recorder: Arc<Recorder>) -> io::Result<()> {
    let (write, read) = sync_channel(AHEAD);
    let requests = Arc::clone(&runner.requests);
    let encoder = named("encoder").spawn(move || encode_ahead(&requests, arrivals, &write))?;
    tokio::time::sleep(HEAD_START).await;
    let (send, receive) = mpsc::unbounded_channel();
    let start = Instant::now();
    recorder.begin(start);
    let pacer = named("pacer").spawn(move || pace(start, &read, &send))?;
    let mut calls = JoinSet::new();
    send_all(runner, receive, &mut calls, &recorder).await;
    for thread in [encoder, pacer] {
        thread.join().map_err(|_| io::Error::other("a generator thread panicked"))?;
    }
    // Follow-up pages have deadlines of their own, and watches are held for seconds.
    let give_up = Instant::now() + runner.settings.target.deadline() + FOLLOW_UP_TIMEOUT;
    while let Ok(Some(ended)) = tokio::time::timeout_at(give_up.into(), calls.join_next()).await {
        ended.map_err(io::Error::other)?;
    }
    recorder.unfinished(calls.len());
    calls.shutdown().await;
    Ok(())
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

/// Encodes requests ahead of their due time: encoding a batch of 100 searches takes long enough to delay later calls.
fn encode_ahead(
    requests: &Mutex<RequestGenerator>,
    arrivals: Arrivals,
    write: &SyncSender<(Duration, Request)>,
) {
    for at in arrivals {
        let request = requests.lock().unwrap_or_else(PoisonError::into_inner).next_request();
        if write.send((at, request)).is_err() {
            return;
        }
    }
}

/// Hands over requests when they are due. Runs on a thread of its own: tokio's timer has millisecond resolution and is late
/// under load.
fn pace(start: Instant, read: &Receiver<(Duration, Request)>, send: &UnboundedSender<Due>) {
    for (at, request) in read {
        let at = start + at;
        // Never early: latency is measured from the due time and would be too short.
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.max(TICK));
        }
        if send.send(Due { request, at }).is_err() {
            return;
        }
    }
}

/// Starts calls until the pacer has no more.
async fn send_all(
    runner: &Runner,
    mut receive: UnboundedReceiver<Due>,
    calls: &mut JoinSet<()>,
    recorder: &Arc<Recorder>,
) {
    let mut due = Vec::with_capacity(MAX_BATCH);
    while receive.recv_many(&mut due, MAX_BATCH).await > 0 {
        for Due { request, at } in due.drain(..) {
            if calls.len() >= MAX_IN_FLIGHT {
                recorder.unsent(at);
                continue;
            }
            let (executor, recorder) = (Arc::clone(&runner.executor), Arc::clone(recorder));
            calls.spawn(async move { executor.execute(request, at, &recorder).await });
        }
        while calls.try_join_next().is_some() {}
        // Lets the calls just started write before more are started.
        tokio::task::yield_now().await;
    }
}
