//! The open loop: calls are made when they are due. What a slow server makes wait has waited since it was due.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
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
    let (send, receive) = mpsc::unbounded_channel();
    let start = Instant::now();
    recorder.begin(start);
    let requests = Arc::clone(&driver.requests);
    // A thread of its own: the runtime's clock ticks in milliseconds, and is late when there is much to do.
    let clock = thread::Builder::new().name("clock".to_owned());
    let clock = clock.spawn(move || keep_time(&requests, arrivals, (start, length), &send))?;
    let under_way = Arc::new(AtomicUsize::new(0));
    make_all(driver, receive, &under_way, &recorder).await;
    clock.join().map_err(|_| io::Error::other("the clock broke"))?;
    // Answers that are under way: none takes longer than its deadline.
    let patience = Instant::now() + driver.settings.target.deadline() + Duration::from_secs(1);
    while under_way.load(Ordering::Relaxed) > 0 && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Hands over what is due until the time is over.
fn keep_time(
    requests: &Mutex<Requests>,
    arrivals: Arrivals,
    (start, length): (Instant, Duration),
    send: &UnboundedSender<Due>,
) {
    for at in arrivals.take_while(|at| *at < length) {
        // Made before it is due: making it takes time, too.
        let call = requests.lock().unwrap_or_else(PoisonError::into_inner).next_call();
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
