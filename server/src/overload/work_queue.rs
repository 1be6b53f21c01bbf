//! Who works next: a fair queue in front of the threads of the runtime.
//!
//! Work is cut into slices of at most a millisecond: one poll of a call's future. A slice needs a [`WorkPermit`], and there is one
//! permit for each thread of the runtime, so that work waits here, in the order of the [`FairQueue`], and not in the queue of the
//! runtime, which knows no principals. Tasks that read and write connections need no permit; the runtime's queue contains only
//! those, and at most one slice for each thread.
//!
//! A permit is free, or one task *carries* it: a task that finds a free permit does not work at once, but goes to the end of the
//! runtime's queue with it, behind all requests that have arrived by then. When its turn comes, it hands the permit to the first
//! in the fair queue, which may be another task. At the end of a slice, the permit goes to the next in the same way.

use std::{
    cell::RefCell,
    future::poll_fn,
    mem,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use slab::Slab;
use tokio::{
    runtime::Handle,
    sync::{Semaphore, SemaphorePermit},
};

use super::{
    class::Class,
    fair_queue::{FairQueue, FlowId, Rank},
    flow::Flow,
    flows::Flows,
    slice,
};
use crate::{
    clock::{Monotonic, ThreadCpuClock},
    error::ServiceError,
    telemetry::metrics::Metrics,
};

/// A queue that was never empty while the server worked for this time is no burst: CoDel's interval (RFC 8289 §3.2).
const OVERLOAD_WINDOW: Duration = Duration::from_millis(100);
/// CPU time of a call outside its slices, which its principal is charged too: reading and writing HTTP/2. Three quarters of the 50 to 80
/// µs of a search on a connection of its own (`cargo loadtest cost`), and less on a busy connection.
const CALL_OVERHEAD: Duration = Duration::from_micros(20);
/// A task that resumes without a queue continues at once, if it has done so for less than this time: half a slice.
const MAX_DIRECT: Duration = Duration::from_micros(500);
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
    threads: u32,
    offloads: Semaphore,
    clock: Monotonic,
    cpu: ThreadCpuClock,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct State {
    free_permits: usize,
    queue: FairQueue<usize>,
    waiting: Slab<Waiting>,
}

/// A task that waits.
#[derive(Debug)]
struct Waiting {
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
        Self::with_threads(threads, metrics, (Monotonic::system(), ThreadCpuClock::system()))
    }

    pub(super) fn with_threads(
        threads: usize,
        metrics: Arc<Metrics>,
        (clock, cpu): (Monotonic, ThreadCpuClock),
    ) -> Self {
        let state = State { free_permits: threads, queue: FairQueue::default(), waiting: Slab::new() };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            flows: Flows::new(Arc::clone(&metrics), threads * 2),
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
            offloads: Semaphore::new(MAX_OFFLOADS),
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

    /// Hands a permit to the next task, or keeps it.
    fn pass_on(&self, mut state: MutexGuard<'_, State>, now: Instant) {
        let mut wakers = Wakers::default();
        match self.next(&mut state, now, &mut wakers) {
            Some(granted) => wakers.take_from(&mut state, granted),
            None => state.free_permits += 1,
        }
        drop(state);
        wakers.wake();
    }

    /// Decides on waiting tasks until one is granted a permit.
    fn next(&self, state: &mut State, now: Instant, wakers: &mut Wakers) -> Option<usize> {
        loop {
            let taken = state.queue.pop()?;
            let Some(waiting) = state.waiting.get_mut(taken.work) else { continue };
            let waited = now.saturating_duration_since(waiting.since);
            let max_wait = waiting.class.max_wait();
            // The wait alone does not decide: after a stall of the machine all requests have waited, but there is little work.
            let is_overloaded = taken.backlogged_for >= OVERLOAD_WINDOW * self.0.threads
                && taken.drain_time > max_wait * self.0.threads
                && waited > max_wait;
            waiting.flow.set_shedding(is_overloaded);
            if waiting.is_new && is_overloaded {
                waiting.decision = Some(Decision::Shed { retry_delay: retry_delay(waited) });
                wakers.0.push(mem::replace(&mut waiting.waker, Waker::noop().clone()));
                waiting.flow.metrics.record_shed();
                self.0.metrics.admission.shed.with_label_values(&[waiting.class.as_str()]).inc();
                state.queue.end(taken.flow, taken.estimated_ns, 0);
                continue;
            }
            self.0.metrics.admission.work_queue_wait_s.observe(waited.as_secs_f64());
            waiting.decision = Some(Decision::Granted { estimated_ns: taken.estimated_ns });
            return Some(taken.work);
        }
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

/// The work of one call.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    queue: WorkQueue,
    pub(crate) flow: Arc<Flow>,
    class: Class,
}

impl Work {
    /// A slot for work that has its own order, such as a task.
    pub(crate) fn slot(&self) -> WorkSlot {
        WorkSlot { work: self.clone(), key: None, direct: Duration::ZERO, running: None }
    }

    /// Adds a task to the queue. Returns its key, and whether it carries a permit.
    fn enter(
        &self,
        state: &mut State,
        (new_since, now): (Option<Instant>, Instant),
        waker: &Waker,
    ) -> (usize, bool) {
        let Self { flow, class, .. } = self;
        let rank = match (class, new_since) {
            (Class::Write, _) => Rank::Write,
            (Class::Search, _) => Rank::Search,
            (Class::Bulk, None) => Rank::StartedBulk,
            (Class::Bulk, Some(_)) => Rank::Bulk,
        };
        let carries_permit = state.free_permits > 0;
        state.free_permits -= usize::from(carries_permit);
        let key = state.waiting.insert(Waiting {
            flow: Arc::clone(flow),
            class: *class,
            rank,
            since: new_since.unwrap_or(now),
            is_new: new_since.is_some(),
            waker: waker.clone(),
            carries_permit,
            decision: None,
        });
        state.queue.push((flow.id, flow.share), rank, key);
        (key, carries_permit)
    }

    /// Waits until a long search may have a thread of its own: two for each thread of the runtime may serve one principal.
    ///
    /// # Errors
    /// Never: the semaphores are not closed.
    pub(crate) async fn acquire_thread(
        &self,
    ) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), ServiceError> {
        let closed = |_| ServiceError::Internal("the work queue is closed");
        let of_principal = self.flow.offloads.acquire().await.map_err(closed)?;
        Ok((of_principal, self.queue.0.offloads.acquire().await.map_err(closed)?))
    }

    /// Runs a job on the current thread, which may block. The job calls its argument now and then, which waits for the permit of the
    /// next slice.
    pub(crate) fn run_blocking<T>(&self, job: impl FnOnce(&dyn Fn()) -> T) -> T {
        let runtime = Handle::current();
        let slot = RefCell::new(self.slot());
        // Work that has started is not shed.
        let begin =
            |slot: &mut WorkSlot| drop(runtime.block_on(poll_fn(|context| slot.poll_begin(None, context))));
        begin(&mut slot.borrow_mut());
        let done = job(&|| {
            if slice::is_over() {
                let mut slot = slot.borrow_mut();
                slot.end();
                slot.direct = Duration::ZERO;
                begin(&mut slot);
            }
        });
        slot.borrow_mut().end();
        done
    }
}

/// The slot of one task in the queue.
#[derive(Debug)]
pub(crate) struct WorkSlot {
    work: Work,
    /// The key of the task while it waits.
    key: Option<usize>,
    /// Time for which it has worked without going through the queue.
    direct: Duration,
    /// What the slice that runs is charged.
    running: Option<Charge>,
}

impl WorkSlot {
    /// Waits for the permit of the next slice. `new_since` is the arrival of a request that may be shed, as it has not started.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`].
    pub(super) fn poll_permit(
        &mut self,
        new_since: Option<Instant>,
        context: &mut Context<'_>,
    ) -> Poll<Result<WorkPermit<'_>, ServiceError>> {
        self.poll_begin(new_since, context).map_ok(|()| WorkPermit(self))
    }

    /// Waits for a permit, and begins a slice with it.
    fn poll_begin(
        &mut self,
        new_since: Option<Instant>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ServiceError>> {
        let shared = &*self.work.queue.0;
        let now = shared.clock.now();
        let mut state = self.work.queue.state();
        let Some(key) = self.key else {
            let is_direct = new_since.is_none()
                && self.direct < MAX_DIRECT
                && state.free_permits > 0
                && state.queue.is_empty();
            if is_direct {
                state.free_permits -= 1;
                drop(state);
                self.begin(now, Charge::Direct);
                return Poll::Ready(Ok(()));
            }
            self.direct = Duration::ZERO;
            let (key, is_carrier) = self.work.enter(&mut state, (new_since, now), context.waker());
            drop(state);
            self.key = Some(key);
            if is_carrier {
                context.waker().wake_by_ref();
            }
            return Poll::Pending;
        };
        let mut wakers = Wakers::default();
        let mut permits = 0;
        if let Some(waiting) = state.waiting.get_mut(key)
            && mem::take(&mut waiting.carries_permit)
        {
            permits = 1;
        }
        let mut decision = state.waiting.get(key).and_then(|waiting| waiting.decision);
        if permits == 1 && decision.is_none() {
            match self.work.queue.next(&mut state, now, &mut wakers) {
                Some(granted) if granted != key => wakers.take_from(&mut state, granted),
                Some(_) => {}
                None => state.free_permits += 1,
            }
            permits = 0;
            decision = state.waiting.get(key).and_then(|waiting| waiting.decision);
        }
        match (decision, state.waiting.get_mut(key)) {
            (None, Some(waiting)) => {
                if !waiting.waker.will_wake(context.waker()) {
                    waiting.waker.clone_from(context.waker());
                }
            }
            _ => {
                self.key = None;
                drop(state.waiting.try_remove(key));
            }
        }
        // Another task has granted the permit to this one, which still carried its own.
        if permits == 1 {
            self.work.queue.pass_on(state, now);
        } else {
            drop(state);
        }
        wakers.wake();
        match decision {
            None => Poll::Pending,
            Some(Decision::Granted { estimated_ns }) => {
                let overhead = if new_since.is_some() { CALL_OVERHEAD } else { Duration::ZERO };
                self.begin(now, Charge::Estimated { estimated_ns, overhead });
                Poll::Ready(Ok(()))
            }
            Some(Decision::Shed { retry_delay }) => Poll::Ready(Err(ServiceError::Overloaded(retry_delay))),
        }
    }

    fn begin(&mut self, now: Instant, charge: Charge) {
        slice::begin(now, self.work.queue.0.cpu);
        self.running = Some(charge);
    }

    /// Ends the slice that runs, if any, and passes its permit on.
    fn end(&mut self) {
        let Some(charge) = self.running.take() else { return };
        let Work { queue, flow, .. } = &self.work;
        let now = queue.0.clock.now();
        let took = slice::end(now, queue.0.cpu);
        queue.0.metrics.admission.slice_s.observe(took.as_secs_f64());
        let mut state = queue.state();
        let charged = match charge {
            Charge::Estimated { estimated_ns, overhead } => {
                state.queue.end(flow.id, estimated_ns, nanos(took + overhead));
                took + overhead
            }
            Charge::Direct => {
                state.queue.charge((flow.id, flow.share), nanos(took));
                self.direct += took;
                took
            }
        };
        queue.pass_on(state, now);
        flow.metrics.add_cpu(charged);
    }
}

impl Drop for WorkSlot {
    fn drop(&mut self) {
        self.end();
        let Some(key) = self.key.take() else { return };
        let queue = &self.work.queue;
        let now = queue.0.clock.now();
        let mut state = queue.state();
        let Some(waiting) = state.waiting.try_remove(key) else { return };
        let mut permits = usize::from(waiting.carries_permit);
        match waiting.decision {
            None => state.queue.remove(waiting.flow.id, waiting.rank, |other| *other == key),
            Some(Decision::Granted { estimated_ns }) => {
                state.queue.end(waiting.flow.id, estimated_ns, 0);
                permits += 1;
            }
            Some(Decision::Shed { .. }) => {}
        }
        drop(state);
        for _ in 0..permits {
            queue.pass_on(queue.state(), now);
        }
    }
}

/// What the flow of a slice is charged at its end.
#[derive(Clone, Copy, Debug)]
enum Charge {
    /// It has been charged an estimate.
    Estimated { estimated_ns: u64, overhead: Duration },
    /// It has not been charged, as it did not wait.
    Direct,
}

/// The permit to work for one slice, until it is dropped.
#[derive(Debug)]
pub(crate) struct WorkPermit<'s>(&'s mut WorkSlot);

impl Drop for WorkPermit<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "work_queue_tests.rs"]
mod tests;
