//! A fair queue of work in front of the threads of the runtime.
//!
//! Work is cut into slices of at most a millisecond: one poll of a call's future. A slice needs a permit, and there is one
//! permit for each thread of the runtime, or as many as 0.5 ms of short slices, so that work waits here, in the order of the
//! [`FairQueue`], and not in the queue of the runtime, which knows no principals. Tasks that read and write connections need no
//! permit; the runtime's queue contains those, and 0.5 ms of slices for each thread, up to 1 ms with those that begin at once.
//!
//! Work comes in rounds of 0.5 ms of each thread. Within a round, a task works at once if no other waits, or if it would come before
//! all others, and a slice that ends passes its permit to the first in the fair queue. Rejections of shed requests count as work: the
//! callers of an overloaded principal may send many, and at once. After a round, [`dispatch_loop`] lets the runtime read the requests
//! that have arrived meanwhile, and begins the next one: so a request is read after one round, and not after the 61 tasks that a thread
//! of the runtime runs before it looks for new requests.

mod slot;

use std::{
    mem,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::Waker,
    time::{Duration, Instant},
};

use slab::Slab;
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore},
    task::yield_now,
};

pub(crate) use self::slot::{Work, WorkSlot};
use super::{
    class::Class,
    fair_queue::{FairQueue, FlowId, Rank},
    flow::Flow,
    flows::Flows,
    principal_limits::PrincipalLimits,
    slice::requeue,
};
use crate::{
    clock::{Monotonic, ThreadCpuClock},
    telemetry::metrics::Metrics,
};

/// A queue that was never empty while the server worked for this time is no burst: CoDel's interval (RFC 8289 §3.2).
const OVERLOAD_WINDOW: Duration = Duration::from_millis(100);
/// A task that has a permit is polled within microseconds. But its owner may not poll it: `net::http2` does not poll a response for
/// its next frame while the window of its stream is closed, which a client can close at any time. Others get the permit when two rounds at this interval
/// find it unused. [`reclaim_loop`] goes through the runtime's queue itself, so that a slow runtime is no reason.
const RECLAIM_INTERVAL: Duration = Duration::from_millis(20);
/// Work of a round, and work that has permits at a time, per thread. Responses that the runtime produces in one round leave with one
/// system call (see `net::write_coalescing`): with a single permit per thread, a search of 32 concurrent callers cost half as much
/// again, and with rounds of 0.2 ms each search of a stream a third more. It is also the longest slice.
const ROUND_TIME: Duration = Duration::from_micros(500);
const MAX_PERMITS_PER_THREAD: usize = 32;
/// CPU time of a rejection, with the request that the client sends instead: an estimate from the 10 to 30 µs that a call takes before it
/// waits, and its response.
const REJECTION_COST: Duration = Duration::from_micros(20);
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
    limits: PrincipalLimits,
    /// Asks [`dispatch_loop`] for the next round.
    dispatch: Arc<Notify>,
    clock: Monotonic,
    cpu: ThreadCpuClock,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    threads: usize,
    /// Permits of tasks that run, and of those in `unused`.
    permits_in_use: usize,
    /// Mean cost of a slice: an exponentially weighted mean, in which each counts for a sixteenth.
    mean_slice_ns: u64,
    /// Time of the slices of this round.
    round_ns: u64,
    /// True while the next round is due.
    is_dispatching: bool,
    queue: FairQueue<usize>,
    waiting: Slab<Waiting>,
    /// Number of tasks that have waited so far.
    entered: u64,
    /// Permits that tasks were granted and have not used.
    unused: Vec<Unused>,
}

/// A permit that a task was granted and has not used.
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
    decision: Option<Decision>,
}

#[derive(Clone, Copy, Debug)]
enum Decision {
    Granted { estimated_ns: u64 },
    Shed { retry_delay: Duration },
}

impl WorkQueue {
    /// Creates a queue for the threads of the current runtime.
    pub(crate) fn new(limits: PrincipalLimits, metrics: Arc<Metrics>) -> Self {
        let threads = Handle::current().metrics().num_workers();
        let clocks = (Monotonic::system(), ThreadCpuClock::system());
        let queue = Self::with_threads(threads, (limits, metrics), clocks);
        tokio::spawn(queue.dispatch_loop());
        tokio::spawn(reclaim_loop(Arc::downgrade(&queue.0)));
        queue
    }

    /// A queue for the tests of its users.
    #[cfg(test)]
    pub(crate) fn of_test() -> Self {
        let metrics = Arc::new(Metrics::new().unwrap());
        Self::new(PrincipalLimits::new(Default::default(), Arc::clone(&metrics)), metrics)
    }

    /// The number of slices so far.
    #[cfg(test)]
    pub(super) fn slices(&self) -> u64 {
        self.0.metrics.admission.slice_s.get_sample_count()
    }

    pub(super) fn with_threads(
        threads: usize,
        (limits, metrics): (PrincipalLimits, Arc<Metrics>),
        (clock, cpu): (Monotonic, ThreadCpuClock),
    ) -> Self {
        let state = State {
            threads,
            permits_in_use: 0,
            mean_slice_ns: 0,
            round_ns: 0,
            is_dispatching: false,
            queue: FairQueue::default(),
            waiting: Slab::new(),
            entered: 0,
            unused: Vec::with_capacity(threads),
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            flows: Flows::new(Arc::clone(&metrics), threads * 2),
            offloads: Arc::new(Semaphore::new(MAX_OFFLOADS)),
            limits,
            dispatch: Arc::default(),
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

    /// Hands all permits that are not in use to the next tasks, now or in the next round.
    fn grant(&self, state: &mut State, now: Instant, wakers: &mut Wakers) {
        if state.is_round_over() {
            return self.request_dispatch(state);
        }
        while state.has_permit()
            && let Some(granted) = self.next(state, now, wakers)
        {
            if let Some(waiting) = state.waiting.get_mut(granted) {
                wakers.take_from(waiting);
            }
        }
    }

    /// Asks for the next round if work waits for it.
    fn request_dispatch(&self, state: &mut State) {
        if !state.queue.is_empty() && !mem::replace(&mut state.is_dispatching, true) {
            self.0.dispatch.notify_one();
        }
    }

    /// Begins rounds when they are due. Ends with the queue.
    fn dispatch_loop(&self) -> impl Future<Output = ()> + use<> {
        let (shared, due) = (Arc::downgrade(&self.0), Arc::clone(&self.0.dispatch));
        async move {
            loop {
                due.notified().await;
                // tokio wakes a task that yields after it has looked for events, such as requests that have arrived.
                yield_now().await;
                // Behind the tasks that read these, their requests are in the runtime's queue by now: they come before this task.
                requeue().await;
                let Some(shared) = shared.upgrade() else { return };
                let queue = Self(shared);
                let mut wakers = Wakers::default();
                let now = queue.0.clock.now();
                let mut state = queue.state();
                (state.round_ns, state.is_dispatching) = (0, false);
                queue.grant(&mut state, now, &mut wakers);
                drop(state);
                wakers.wake();
            }
        }
    }

    /// Takes back permits that were not used since the last round, and charges their flows for it. The task waits again when it is
    /// polled.
    fn reclaim(&self, state: &mut State, now: Instant, wakers: &mut Wakers) {
        let late: Vec<usize> =
            state.unused.iter().filter(|unused| unused.is_late).map(|unused| unused.key).collect();
        state.unused.iter_mut().for_each(|unused| unused.is_late = true);
        for key in late {
            state.take_unused(key);
            let Some(waiting) = state.waiting.try_remove(key) else { continue };
            let flow = (waiting.flow.id, waiting.flow.share());
            match waiting.decision {
                Some(Decision::Granted { estimated_ns }) => state.queue.cancel(flow.0, estimated_ns),
                _ => state.queue.remove(flow.0, waiting.rank, |other| *other == key),
            }
            state.queue.charge(flow, nanos(RECLAIM_INTERVAL));
            state.permits_in_use -= 1;
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
            if waiting.is_new && is_overloaded && taken.may_reject {
                waiting.decision = Some(Decision::Shed { retry_delay: retry_delay(waited) });
                wakers.take_from(waiting);
                waiting.flow.metrics.record_shed();
                self.0.metrics.admission.shed.with_label_values(&[waiting.class.as_str()]).inc();
                let (flow, cost_ns) = ((taken.flow, waiting.flow.share()), nanos(REJECTION_COST));
                state.queue.reject(flow, taken.estimated_ns, cost_ns);
                state.round_ns = state.round_ns.saturating_add(cost_ns);
                if state.is_round_over() {
                    self.request_dispatch(state);
                    return None;
                }
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
    /// The number of permits: one for each thread, and more while slices are short.
    fn permits(&self) -> usize {
        let per_thread = nanos(ROUND_TIME).checked_div(self.mean_slice_ns).unwrap_or(1);
        self.threads * usize::try_from(per_thread).unwrap_or(1).clamp(1, MAX_PERMITS_PER_THREAD)
    }

    /// The work of a round on all threads.
    fn max_round_ns(&self) -> u64 {
        nanos(ROUND_TIME) * self.threads as u64
    }

    fn has_permit(&self) -> bool {
        self.permits_in_use < self.permits()
    }

    fn is_round_over(&self) -> bool {
        self.round_ns >= self.max_round_ns()
    }

    /// Returns whether work of a flow may begin at once: if no other waits, or if it would come next. The latter need not wait for the
    /// next round until such work has taken as long as a round: it waits for two to three passes through the runtime's queue less,
    /// which is long while others write large responses.
    fn may_begin(&self, flow: FlowId) -> bool {
        if self.queue.is_empty() {
            return !self.is_round_over() && self.has_permit();
        }
        self.queue.would_be_next(flow)
            && self.round_ns < 2 * self.max_round_ns()
            && self.permits_in_use < 2 * self.permits()
    }

    fn record_slice(&mut self, took: Duration) {
        let before_ns = if self.mean_slice_ns == 0 { nanos(took) } else { self.mean_slice_ns };
        self.round_ns = self.round_ns.saturating_add(nanos(took));
        self.mean_slice_ns = before_ns - before_ns / 16 + nanos(took) / 16;
    }

    /// The task uses its permit, or has it no more.
    fn take_unused(&mut self, key: usize) {
        self.unused.retain(|unused| unused.key != key);
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
    fn take_from(&mut self, waiting: &mut Waiting) {
        self.0.push(mem::replace(&mut waiting.waker, Waker::noop().clone()));
    }

    fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.dispatch.notify_one();
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
