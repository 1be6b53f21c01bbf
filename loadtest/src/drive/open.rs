//! The open loop: calls are made when they are due. What a slow server makes wait has waited since it was due.

use std::{
    io,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{self, UnboundedSender};

use super::{Arrivals, Driver, record::Recorder};
use crate::work::Call;

/// The clock does not wake up more often than this: below it calls are made together.
const TICK: Duration = Duration::from_micros(150);
/// More calls at a time than this are not the server's fault any more.
const MOST_UNDER_WAY: usize = 200_000;

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
    let (send, mut receive) = mpsc::unbounded_channel();
    let under_way = Arc::new(AtomicUsize::new(0));
    let ended = AtomicBool::new(false);
    let start = Instant::now();
    recorder.begin(start);
    thread::scope(|scope| {
        // A thread of its own: the runtime's clock ticks in milliseconds, and is late when there is much to do.
        let clock = thread::Builder::new()
            .name("clock".to_owned())
            .spawn_scoped(scope, || keep_time(driver, arrivals, (start, length), &send, &ended))?;
        let runtime = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| {
            runtime.block_on(make_all(driver, &mut receive, &under_way, &recorder, &ended))
        });
        clock.join().map_err(|_| io::Error::other("the clock broke"))
    })?;
    // Answers that are under way: none takes longer than its deadline.
    let patience = Instant::now() + driver.settings.target.deadline() + Duration::from_secs(1);
    while under_way.load(Ordering::Relaxed) > 0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Hands over what is due until the time is over.
fn keep_time(
    driver: &Driver,
    arrivals: Arrivals,
    (start, length): (Instant, Duration),
    send: &UnboundedSender<Due>,
    ended: &AtomicBool,
) {
    for at in arrivals.take_while(|at| *at < length) {
        let call = driver.requests.lock().unwrap_or_else(PoisonError::into_inner).next_call();
        let at = start + at;
        let left = at.saturating_duration_since(Instant::now());
        if left > TICK {
            thread::sleep(left);
        }
        if send.send(Due { call, at }).is_err() {
            break;
        }
    }
    ended.store(true, Ordering::Relaxed);
}

async fn make_all(
    driver: &Driver,
    receive: &mut mpsc::UnboundedReceiver<Due>,
    under_way: &Arc<AtomicUsize>,
    recorder: &Arc<Recorder>,
    ended: &AtomicBool,
) {
    let mut due = Vec::with_capacity(256);
    loop {
        let wait = tokio::time::timeout(Duration::from_millis(50), receive.recv_many(&mut due, 256));
        if wait.await.is_err() && ended.load(Ordering::Relaxed) {
            return;
        }
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
    }
}
