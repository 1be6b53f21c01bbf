//! A fair queue of work in front of the threads of the runtime.
//!
//! Work is cut into slices of at most a millisecond: one poll of a call's future. A slice needs a permit, and there is one
//! permit for each thread of the runtime, or as many as 0.2 ms of short slices, so that work waits here, in the order of the [`FairQueue`], and not in the queue of the
//! runtime, which knows no principals. Tasks that read and write connections need no permit; the runtime's queue contains only
//! those, and at most one slice for each thread.
//!
//! A permit is free, or one task *carries* it: a task that finds a free permit does not work at once, but goes to the end of the
//! runtime's queue with it, behind all requests that have arrived by then. When its turn comes, it hands the permit to the first
//! in the fair queue, which may be another task. At the end of a slice, the permit goes to the next in the same way.

mod slot;

use std::{
    mem,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Waker,
    time::{Duration, Instant},
};

use slab::Slab;
use tokio::{runtime::Handle, sync::Semaphore};

pub(crate) use self::slot::{Work, WorkSlot};
use super::{
    class::Class,
    fair_queue::{FairQueue, FlowId, Rank},
    flow::Flow,
    flows::Flows,
};
use crate::{
    clock::{Monotonic, ThreadCpuClock},
    telemetry::metrics::Metrics,
};

/// A queue that was never empty while the server worked for this time is no burst: CoDel's interval (RFC 8289 §3.2).
const OVERLOAD_WINDOW: Duration = Duration::from_millis(100);
/// A task that has a permit is polled within microseconds. But the library that owns it may not poll it: hyper does not poll a response
/// while the window of its stream is closed, which a client can close at any time. Others get the permit when two rounds at this interval
/// find it unused. The rounds themselves go through the runtime's queue, so that a slow runtime is no reason.
const RECLAIM_INTERVAL: Duration = Duration::from_millis(20);
/// Work that has permits at a time, per thread. Responses that the runtime produces in one round leave with one system call (see
/// `net::write_coalescing`): with a single permit per thread, a search of 32 concurrent callers cost half as much again.
const BATCH_TIME: Duration = Duration::from_micros(200);
const MAX_BATCH: usize = 32;
/// Long searches of all principals that have a thread of their own: half of the 512 threads of tokio's pool.
const MAX_OFFLOADS: usize = 256;

/// Retry delays of shed requests.
pub(crate) const RETRY_DELAYS: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// The retry delay of a request that waited in the queue of its principal: ten times as long, so that the retries of all requests that
/// are shed add a tenth to the queue at most.
fn retry_delay(waited: Duration) -> Duration {
    RETRY_DELAYS
        .into_iter()
        .find(|delay| *delay >= waited * 10)
        .unwrap_or(RETRY_DELAYS[RETRY_DELAYS.len() - 1])
}

/// The queue; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct WorkQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    flows: Flows,
    offloads: Arc<Semaphore>,
    clock: Monotonic,
    cpu: ThreadCpuClock,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    threads: usize,
    /// Permits that tasks have: those that run, and those in `unused`.
    permits_in_use: usize,
    /// Mean cost of a slice: an exponentially weighted mean, in which each counts for a sixteenth.
    mean_slice_ns: u64,
    queue: FairQueue<usize>,
    waiting: Slab<Waiting>,
    /// Number of tasks that have waited so far.
    entered: u64,
    /// Permits that tasks were given and have not used, and since when. A task may have two: one that it carries, and one that another
    /// task granted it.
    unused: Vec<Unused>,
}

/// A permit that a task was given and has not used.
#[derive(Debug)]
struct Unused {
    key: usize,
    /// True if the last round of [`reclaim_loop`] has found it.
    is_late: bool,
}

/// A task that waits.
#[derive(Debug)]
struct Waiting {
    /// Distinguishes it from earlier tasks with the same key.
    number: u64,
    flow: Arc<Flow>,
    class: Class,
    rank: Rank,
    /// Time since which it waits.
    since: Instant,
    /// True if it may be shed: it has not started.
    is_new: bool,
    waker: Waker,
    /// True while it is on its way through the runtime's queue with a permit.
    carries_permit: bool,
    decision: Option<Decision>,
}

#[derive(Clone, Copy, Debug)]
enum Decision {
    Granted { estimated_ns: u64 },
    Shed { retry_delay: Duration },
}

impl WorkQueue {
    /// Creates a queue for the threads of the current runtime.
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        let threads = Handle::current().metrics().num_workers();
        let queue = Self::with_threads(threads, metrics, (Monotonic::system(), ThreadCpuClock::system()));
        tokio::spawn(reclaim_loop(Arc::downgrade(&queue.0)));
        queue
    }

    pub(super) fn with_threads(
        threads: usize,
        metrics: Arc<Metrics>,
        (clock, cpu): (Monotonic, ThreadCpuClock),
    ) -> Self {
        let state = State {
            threads,
            permits_in_use: 0,
            mean_slice_ns: 0,
            queue: FairQueue::default(),
            waiting: Slab::new(),
            entered: 0,
            unused: Vec::with_capacity(threads),
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            flows: Flows::new(Arc::clone(&metrics), threads * 2),
            offloads: Arc::new(Semaphore::new(MAX_OFFLOADS)),
            clock,
            cpu,
            metrics,
        }))
    }

    /// The work of a call of a principal. `names` returns its label in metrics and its name in the status.
    pub(crate) fn work_of(
        &self,
        (id, share): (FlowId, NonZeroU32),
        class: Class,
        names: &dyn Fn() -> (String, String),
    ) -> Work {
        Work { queue: self.clone(), flow: self.0.flows.get(id, share, names), class }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands permits that are no longer in use to the next tasks.
    fn pass_on(&self, mut state: MutexGuard<'_, State>, permits: usize, now: Instant) {
        let mut wakers = Wakers::default();
        state.permits_in_use -= permits;
        self.grant(&mut state, now, &mut wakers);
        drop(state);
        wakers.wake();
    }

    /// Hands all permits that are not in use to the next tasks.
    fn grant(&self, state: &mut State, now: Instant, wakers: &mut Wakers) {
        while state.has_permit()
            && let Some(granted) = self.next(state, now, wakers)
        {
            wakers.take_from(state, granted);
        }
    }

    /// Takes back permits that were not used since the last round, and charges their flows for it. The task waits again when it is
    /// polled.
    fn reclaim(&self, state: &mut State, now: Instant, wakers: &mut Wakers) {
        let late: Vec<usize> =
            state.unused.iter().filter(|unused| unused.is_late).map(|unused| unused.key).collect();
        state.unused.iter_mut().for_each(|unused| unused.is_late = true);
        for key in late {
            let permits = state.take_unused(key);
            let Some(waiting) = state.waiting.try_remove(key) else { continue };
            let flow = (waiting.flow.id, waiting.flow.share());
            match waiting.decision {
                Some(Decision::Granted { estimated_ns }) => state.queue.cancel(flow.0, estimated_ns),
                _ => state.queue.remove(flow.0, waiting.rank, |other| *other == key),
            }
            state.queue.charge(flow, nanos(RECLAIM_INTERVAL));
            state.permits_in_use -= permits;
        }
        self.grant(state, now, wakers);
    }

    /// Decides on waiting tasks until one is granted a permit.
    fn next(&self, state: &mut State, now: Instant, wakers: &mut Wakers) -> Option<usize> {
        let threads = u32::try_from(state.threads).unwrap_or(u32::MAX);
        loop {
            let taken = state.queue.pop()?;
            let Some(waiting) = state.waiting.get_mut(taken.work) else { continue };
            let waited = now.saturating_duration_since(waiting.since);
            let max_wait = waiting.class.max_wait();
            // The wait alone does not decide: after a stall of the machine all requests have waited, but there is little work.
            let is_overloaded = taken.backlogged_for >= OVERLOAD_WINDOW * threads
                && taken.drain_time > max_wait * threads
                && waited > max_wait;
            waiting.flow.set_shedding(is_overloaded);
            if waiting.is_new && is_overloaded {
                waiting.decision = Some(Decision::Shed { retry_delay: retry_delay(waited) });
                wakers.0.push(mem::replace(&mut waiting.waker, Waker::noop().clone()));
                waiting.flow.metrics.record_shed();
                self.0.metrics.admission.shed.with_label_values(&[waiting.class.as_str()]).inc();
                state.queue.cancel(taken.flow, taken.estimated_ns);
                continue;
            }
            self.0.metrics.admission.work_queue_wait_s.observe(waited.as_secs_f64());
            waiting.decision = Some(Decision::Granted { estimated_ns: taken.estimated_ns });
            state.permits_in_use += 1;
            state.unused.push(Unused { key: taken.work, is_late: false });
            return Some(taken.work);
        }
    }
}

impl State {
    /// Returns whether a permit is not in use: one for each thread, and more while slices are short.
    fn has_permit(&self) -> bool {
        let per_thread = nanos(BATCH_TIME).checked_div(self.mean_slice_ns).unwrap_or(1);
        self.permits_in_use < self.threads * usize::try_from(per_thread).unwrap_or(1).clamp(1, MAX_BATCH)
    }

    fn record_slice(&mut self, took: Duration) {
        let before_ns = if self.mean_slice_ns == 0 { nanos(took) } else { self.mean_slice_ns };
        self.mean_slice_ns = before_ns - before_ns / 16 + nanos(took) / 16;
    }

    /// The permits that a task was given and has not used, which it has no more.
    fn take_unused(&mut self, key: usize) -> usize {
        let before = self.unused.len();
        self.unused.retain(|unused| unused.key != key);
        before - self.unused.len()
    }
}

/// Reclaims unused permits. Ends with the queue.
async fn reclaim_loop(queue: Weak<Shared>) {
    loop {
        tokio::time::sleep(RECLAIM_INTERVAL).await;
        let Some(shared) = queue.upgrade() else { return };
        let queue = WorkQueue(shared);
        let mut wakers = Wakers::default();
        let now = queue.0.clock.now();
        queue.reclaim(&mut queue.state(), now, &mut wakers);
        wakers.wake();
    }
}

/// Wakers of tasks that were decided on, to be called without the lock.
#[derive(Default)]
struct Wakers(Vec<Waker>);

impl Wakers {
    fn take_from(&mut self, state: &mut State, key: usize) {
        if let Some(waiting) = state.waiting.get_mut(key) {
            self.0.push(mem::replace(&mut waiting.waker, Waker::noop().clone()));
        }
    }

    fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
