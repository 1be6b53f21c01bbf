//! The open loop: calls are made when they are due. What a slow server makes wait has waited since it was due.

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

use super::{Arrivals, Driver, recorder::Recorder};
use crate::workload::{Call, Requests};

/// The clock does not wake up more often than this: below it calls are made together.
const TICK: Duration = Duration::from_micros(150);
/// So many calls are made together at most.
const AT_A_TIME: usize = 256;
/// More calls at a time than this are not the server's fault any more.
const MOST_UNDER_WAY: usize = 200_000;

/// So many requests are written ahead, and for so long before the first is due.
const AHEAD: usize = 4_096;
const HEAD_START: Duration = Duration::from_millis(50);
/// What a call may take beyond its deadline, with all that belongs to it.
const PATIENCE: Duration = Duration::from_secs(15);

struct Due {
    call: Call,
    at: Instant,
}

pub(super) async fn run(driver: &Driver, arrivals: Arrivals, recorder: Arc<Recorder>) -> io::Result<()> {
    let (write, read) = sync_channel(AHEAD);
    let requests = Arc::clone(&driver.requests);
    let writer = named("writer").spawn(move || write_all(&requests, arrivals, &write))?;
    tokio::time::sleep(HEAD_START).await;
    let (send, receive) = mpsc::unbounded_channel();
    let start = Instant::now();
    recorder.begin(start);
    let clock = named("clock").spawn(move || keep_time(start, &read, &send))?;
    let mut calls = JoinSet::new();
    make_all(driver, receive, &mut calls, &recorder).await;
    for thread in [writer, clock] {
        thread.join().map_err(|_| io::Error::other("a thread of the generator broke"))?;
    }
    // What is under way: further pages have deadlines of their own, and watches are held for seconds.
    let patience = Instant::now() + driver.settings.target.deadline() + PATIENCE;
    while let Ok(Some(ended)) = tokio::time::timeout_at(patience.into(), calls.join_next()).await {
        ended.map_err(io::Error::other)?;
    }
    recorder.unfinished(calls.len());
    calls.shutdown().await;
    Ok(())
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

/// Writes requests ahead of their time: a batch of a hundred searches takes long enough to write to make others late.
fn write_all(requests: &Mutex<Requests>, arrivals: Arrivals, write: &SyncSender<(Duration, Call)>) {
    for at in arrivals {
        let call = requests.lock().unwrap_or_else(PoisonError::into_inner).next_call();
        if write.send((at, call)).is_err() {
            return;
        }
    }
}

/// Hands over what is due. A thread of its own: the runtime's clock ticks in milliseconds, and is late when there is much
/// to do.
fn keep_time(start: Instant, read: &Receiver<(Duration, Call)>, send: &UnboundedSender<Due>) {
    for (at, call) in read {
        let at = start + at;
        // Never before it is due: an answer would come sooner than it was asked for.
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.max(TICK));
        }
        if send.send(Due { call, at }).is_err() {
            return;
        }
    }
}

/// Makes calls until the clock has no more.
async fn make_all(
    driver: &Driver,
    mut receive: UnboundedReceiver<Due>,
    calls: &mut JoinSet<()>,
    recorder: &Arc<Recorder>,
) {
    let mut due = Vec::with_capacity(AT_A_TIME);
    while receive.recv_many(&mut due, AT_A_TIME).await > 0 {
        for Due { call, at } in due.drain(..) {
            if calls.len() >= MOST_UNDER_WAY {
                recorder.unsent(at);
                continue;
            }
            let (performer, recorder) = (Arc::clone(&driver.performer), Arc::clone(recorder));
            calls.spawn(async move { performer.perform(call, at, &recorder).await });
        }
        while calls.try_join_next().is_some() {}
        // Those that were just begun have their turn before more come.
        tokio::task::yield_now().await;
    }
}
