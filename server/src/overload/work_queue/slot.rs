//! The work of a call, and the slots of its tasks in the queue.

use std::{
    cell::RefCell,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::OwnedSemaphorePermit};

use super::{Decision, State, Waiting, WorkQueue, nanos};
use crate::{
    error::ServiceError,
    overload::{
        class::Class, fair_queue::Rank, flow::Flow, principal_limits::Held, resource::Resource, slice,
    },
};

/// CPU time of a call outside its slices, which its principal is charged too: reading and writing HTTP/2. Three quarters of the 50 to 80
/// µs of a search on a connection of its own (`cargo loadtest cost`), and less on a busy connection.
const CALL_OVERHEAD: Duration = Duration::from_micros(20);

/// The work of one call.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(super) queue: WorkQueue,
    pub(crate) flow: Arc<Flow>,
    pub(super) class: Class,
}

/// The key of a task that waits, and its number.
type Key = (usize, u64);

impl Work {
    /// A slot for work that has its own order, such as a task.
    pub(crate) fn slot(&self) -> WorkSlot {
        WorkSlot { work: self.clone(), key: None, running: None }
    }

    /// Adds a task to the queue.
    fn enter(&self, state: &mut State, (new_since, now): (Option<Instant>, Instant), waker: &Waker) -> Key {
        let Self { queue, flow, class } = self;
        let rank = match (class, new_since) {
            (Class::Write, _) => Rank::Write,
            (Class::Search, _) => Rank::Search,
            (Class::Bulk, None) => Rank::StartedBulk,
            (Class::Bulk, Some(_)) => Rank::Bulk,
        };
        state.entered += 1;
        let number = state.entered;
        let key = state.waiting.insert(Waiting {
            number,
            flow: Arc::clone(flow),
            class: *class,
            rank,
            since: new_since.unwrap_or(now),
            is_new: new_since.is_some(),
            waker: waker.clone(),
            decision: None,
        });
        state.queue.push((flow.id, flow.share()), rank, key);
        // Else the slice that ends next passes its permit on.
        if state.has_permit() {
            queue.request_dispatch(state);
        }
        (key, number)
    }

    /// Takes one unit of a resource for the principal of the call.
    ///
    /// # Errors
    /// [`ServiceError::LimitReached`] and [`ServiceError::PrincipalLimitReached`].
    pub(crate) fn acquire(&self, resource: Resource) -> Result<Held, ServiceError> {
        self.queue.0.limits.acquire(resource, &self.flow)
    }

    /// Waits until a long search may have a thread of its own: two for each thread of the runtime may serve one principal.
    ///
    /// # Errors
    /// Never: the semaphores are not closed.
    pub(crate) async fn acquire_thread(
        &self,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), ServiceError> {
        let closed = |_| ServiceError::Internal("the work queue is closed");
        let of_principal = Arc::clone(&self.flow.offloads).acquire_owned().await.map_err(closed)?;
        Ok((of_principal, Arc::clone(&self.queue.0.offloads).acquire_owned().await.map_err(closed)?))
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
    key: Option<Key>,
    /// The charge of the slice that runs.
    running: Option<Running>,
}

/// A slice that runs.
#[derive(Clone, Copy, Debug)]
struct Running {
    charge: Charge,
    /// The cost of the call outside its slices, with the first one.
    overhead: Duration,
}

/// The charge of a slice at its end.
#[derive(Clone, Copy, Debug)]
enum Charge {
    /// It has been charged an estimate.
    Estimated { estimated_ns: u64 },
    /// It has not been charged, as it did not wait.
    Direct,
}

impl WorkSlot {
    /// Waits for the permit of the next slice. `new_since` is the arrival of a request that may be shed, as it has not started.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`].
    pub(in crate::overload) fn poll_permit(
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
        let Self { work, key, .. } = self;
        let queue = &work.queue;
        let now = queue.0.clock.now();
        let mut state = queue.state();
        let polled = match *key {
            Some((at, number)) if state.waiting.get(at).is_some_and(|waiting| waiting.number == number) => {
                let polled = poll_decision(&mut state, at, context);
                if polled.is_ready() {
                    *key = None;
                }
                polled
            }
            // Also if a permit was reclaimed: the task waits again.
            _ if state.may_begin(work.flow.id) => {
                state.permits_in_use += 1;
                *key = None;
                Poll::Ready(None)
            }
            _ => {
                *key = Some(work.enter(&mut state, (new_since, now), context.waker()));
                Poll::Pending
            }
        };
        drop(state);
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => {
                if let Some(since) = new_since {
                    let waited = now.saturating_duration_since(since);
                    queue.0.metrics.admission.work_queue_wait_s.observe(waited.as_secs_f64());
                }
                self.begin((new_since, now), Charge::Direct);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Some(Decision::Granted { estimated_ns })) => {
                self.begin((new_since, now), Charge::Estimated { estimated_ns });
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Some(Decision::Shed { retry_delay })) => {
                Poll::Ready(Err(ServiceError::Overloaded(retry_delay)))
            }
        }
    }

    fn begin(&mut self, (new_since, now): (Option<Instant>, Instant), charge: Charge) {
        let overhead = if new_since.is_some() { CALL_OVERHEAD } else { Duration::ZERO };
        slice::begin(now, self.work.queue.0.cpu);
        self.running = Some(Running { charge, overhead });
    }

    /// Ends the slice that runs, if any, and passes its permit on.
    fn end(&mut self) {
        let Some(Running { charge, overhead }) = self.running.take() else { return };
        let Work { queue, flow, .. } = &self.work;
        let now = queue.0.clock.now();
        let took = slice::end(now, queue.0.cpu);
        queue.0.metrics.admission.slice_s.observe(took.as_secs_f64());
        let mut state = queue.state();
        state.record_slice(took);
        let charged = took + overhead;
        match charge {
            Charge::Estimated { estimated_ns } => state.queue.end(flow.id, estimated_ns, nanos(charged)),
            Charge::Direct => state.queue.charge((flow.id, flow.share()), nanos(charged)),
        }
        queue.pass_on(state, 1, now);
        flow.metrics.add_cpu(charged);
    }
}

/// Looks for the decision on a task that waits.
fn poll_decision(state: &mut State, key: usize, context: &mut Context<'_>) -> Poll<Option<Decision>> {
    if let Some(waiting) = state.waiting.get_mut(key)
        && waiting.decision.is_none()
    {
        if !waiting.waker.will_wake(context.waker()) {
            waiting.waker.clone_from(context.waker());
        }
        return Poll::Pending;
    }
    state.take_unused(key);
    Poll::Ready(state.waiting.try_remove(key).and_then(|waiting| waiting.decision))
}

impl Drop for WorkSlot {
    fn drop(&mut self) {
        self.end();
        let Some((key, number)) = self.key.take() else { return };
        let queue = &self.work.queue;
        let now = queue.0.clock.now();
        let mut state = queue.state();
        if state.waiting.get(key).is_none_or(|waiting| waiting.number != number) {
            return;
        }
        state.take_unused(key);
        let Some(waiting) = state.waiting.try_remove(key) else { return };
        match waiting.decision {
            None => state.queue.remove(waiting.flow.id, waiting.rank, |other| *other == key),
            Some(Decision::Granted { estimated_ns }) => {
                state.queue.cancel(waiting.flow.id, estimated_ns);
                queue.pass_on(state, 1, now);
            }
            Some(Decision::Shed { .. }) => {}
        }
    }
}

/// The permit to work for one slice, until it is dropped.
#[derive(Debug)]
pub(crate) struct WorkPermit<'s>(&'s mut WorkSlot);

impl Drop for WorkPermit<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
