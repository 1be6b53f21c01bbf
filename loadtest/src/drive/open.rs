//! The open loop: calls are made when they are due. What a slow server makes wait has waited since it was due.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{Arrivals, Driver, record::Recorder};
use crate::work::{Call, Requests};

/// The clock does not wake up more often than this: below it calls are made together.
const TICK: Duration = Duration::from_micros(150);
/// So many calls are made together at most.
const AT_A_TIME: usize = 256;
/// More calls at a time than this are not the server's fault any more.
const MOST_UNDER_WAY: usize = 200_000;

/// So many requests are written ahead, and for so long before the first is due.
const AHEAD: usize = 4_096;
const HEAD_START: Duration = Duration::from_millis(50);

struct Due {
    call: Call,
    at: Instant,
}

pub(super) async fn run(
    driver: &Driver,
    arrivals: Arrivals,
    length: Duration,
    recorder: Arc<Recorder>,
) -> io::Result<()> {
    let (write, read) = sync_channel(AHEAD);
    let requests = Arc::clone(&driver.requests);
    let writer = named("writer").spawn(move || write_all(&requests, arrivals, length, &write))?;
    tokio::time::sleep(HEAD_START).await;
    let (send, receive) = mpsc::unbounded_channel();
    let start = Instant::now();
    recorder.begin(start);
    let clock = named("clock").spawn(move || keep_time(start, &read, &send))?;
    let under_way = Arc::new(AtomicUsize::new(0));
    make_all(driver, receive, &under_way, &recorder).await;
    for thread in [writer, clock] {
        thread.join().map_err(|_| io::Error::other("a thread of the generator broke"))?;
    }
    // Answers that are under way: none takes longer than its deadline.
    let patience = Instant::now() + driver.settings.target.deadline() + Duration::from_secs(1);
    while under_way.load(Ordering::Relaxed) > 0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

/// Writes requests ahead of their time: a batch of a hundred searches takes long enough to write to make others late.
fn write_all(
    requests: &Mutex<Requests>,
    arrivals: Arrivals,
    length: Duration,
    write: &SyncSender<(Duration, Call)>,
) {
    for at in arrivals.take_while(|at| *at < length) {
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
        let left = at.saturating_duration_since(Instant::now());
        if left > TICK {
            thread::sleep(left);
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
    under_way: &Arc<AtomicUsize>,
    recorder: &Arc<Recorder>,
) {
    let mut due = Vec::with_capacity(AT_A_TIME);
    while receive.recv_many(&mut due, AT_A_TIME).await > 0 {
        for Due { call, at } in due.drain(..) {
            recorder.late(at);
            if under_way.load(Ordering::Relaxed) >= MOST_UNDER_WAY {
                recorder.unsent();
                continue;
            }
            let count = Arc::clone(under_way);
            count.fetch_add(1, Ordering::Relaxed);
            let (performer, recorder) = (Arc::clone(&driver.performer), Arc::clone(recorder));
            tokio::spawn(async move {
                performer.perform(call, at, &recorder).await;
                count.fetch_sub(1, Ordering::Relaxed);
            });
        }
        // Those that were just begun have their turn before more come.
        tokio::task::yield_now().await;
    }
}
