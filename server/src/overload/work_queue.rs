//! A queue for long work: as many jobs at a time as there are cores, in order of arrival.
//!
//! More jobs at a time would only slow each other down, and short requests with them. Queued work has not started: while the
//! queue has been long for more than a burst, new work is rejected at once, which is cheap, and work that has started
//! completes in time. A standing queue is distinguished from a burst as in CoDel (RFC 8289).

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    class::{Admission, Class},
    state::{OverloadState, QueueOverload},
};
use crate::{clock::Monotonic, error::ServiceError, telemetry::metrics::Metrics};

/// The queue is long when more than this number of jobs wait per core, and the expected wait exceeds [`MAX_QUEUE_DELAY`].
/// Callers that wait for a response before they send the next request make a queue too, which does not grow.
const MAX_QUEUED_PER_CORE: u64 = 16;
/// Three times the 5 ms that CoDel allows: a job here takes milliseconds, where a packet takes microseconds.
const MAX_QUEUE_DELAY: Duration = Duration::from_millis(15);
/// A queue that has been long for this time, and never empty, is no burst: CoDel's interval (RFC 8289 §3.2).
const OVERLOAD_WINDOW: Duration = Duration::from_millis(100);

/// The queue of one kind of work; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct WorkQueue(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    permits: Semaphore,
    cores: u64,
    waiting: AtomicU64,
    /// Duration of a job: an exponentially weighted mean, in which each job counts for a sixteenth.
    job_ns: AtomicU64,
    clock: Monotonic,
    start: Instant,
    /// Time since which the queue has been long, in nanoseconds after the start; [`NEVER`] while it is not.
    long_since_ns: AtomicU64,
    overload: QueueOverload,
    metrics: Arc<Metrics>,
}

const NEVER: u64 = u64::MAX;

/// The permit to run one job, until it is dropped.
#[derive(Debug)]
pub(crate) struct WorkPermit<'q> {
    queue: &'q Queue,
    since: Instant,
    _permit: SemaphorePermit<'q>,
}

impl WorkQueue {
    pub(crate) fn new(overload: &OverloadState, metrics: Arc<Metrics>, clock: Monotonic) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        Self::with_cores(cores, overload, metrics, clock)
    }

    fn with_cores(cores: usize, overload: &OverloadState, metrics: Arc<Metrics>, clock: Monotonic) -> Self {
        let start = clock.now();
        Self(Arc::new(Queue {
            permits: Semaphore::new(cores),
            cores: cores as u64,
            waiting: AtomicU64::new(0),
            job_ns: AtomicU64::new(0),
            clock,
            start,
            long_since_ns: AtomicU64::new(NEVER),
            overload: overload.for_queue(),
            metrics,
        }))
    }

    /// Returns whether a request that would queue once it has been read is rejected already. Counts it if so.
    pub(crate) fn rejects(&self, class: Class) -> bool {
        let now = self.0.clock.now();
        let is_rejected = self.0.is_long(now) && self.0.is_standing(now);
        if is_rejected {
            self.0.count_shed(class);
        }
        is_rejected
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] while the queue stands, except for work that has started.
    pub(crate) async fn acquire(&self, admission: Admission) -> Result<WorkPermit<'_>, ServiceError> {
        let queue = &*self.0;
        let arrived = queue.clock.now();
        let rejectable = admission.rejectable().filter(|_| queue.is_long(arrived));
        if let Some(class) = rejectable.filter(|_| queue.is_standing(arrived)) {
            return Err(queue.count_shed(class));
        }
        let slot = QueueSlot::new(queue);
        let permit = queue.permits.acquire().await;
        drop(slot);
        let since = queue.clock.now();
        // It arrived before the queue was known to stand, and too many others still wait.
        if let Some(class) = rejectable.filter(|_| queue.has_many() && queue.is_standing(since)) {
            return Err(queue.count_shed(class));
        }
        let waited = since.saturating_duration_since(arrived);
        queue.metrics.admission.work_queue_wait_s.observe(waited.as_secs_f64());
        // The semaphore is never closed.
        let permit = permit.map_err(|_| ServiceError::Internal("the work queue is closed"))?;
        Ok(WorkPermit { queue, since, _permit: permit })
    }
}

impl Queue {
    /// Returns whether too much work waits in front of a new job. Remembers since when, until the queue is empty: requests arrive in
    /// clumps, so that the queue of an overloaded server is short now and then.
    fn is_long(&self, now: Instant) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let delay_ns = waiting.saturating_mul(self.job_ns.load(Ordering::Relaxed)) / self.cores;
        let is_long = self.has_many() && delay_ns > nanos(MAX_QUEUE_DELAY);
        if is_long {
            let _ = self.long_since_ns.compare_exchange(
                NEVER,
                self.since_start_ns(now),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        } else if waiting == 0 {
            self.long_since_ns.store(NEVER, Ordering::Relaxed);
            self.overload.set(false);
        }
        is_long
    }

    fn has_many(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > MAX_QUEUED_PER_CORE * self.cores
    }

    fn is_standing(&self, now: Instant) -> bool {
        let since_ns = self.long_since_ns.load(Ordering::Relaxed);
        let is_standing =
            since_ns != NEVER && self.since_start_ns(now).saturating_sub(since_ns) >= nanos(OVERLOAD_WINDOW);
        if is_standing {
            self.overload.set(true);
        }
        is_standing
    }

    /// Ends the overload when the queue is empty, since no further request may arrive that would.
    fn end_overload_if_empty(&self) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.overload.set(false);
        }
    }

    fn count_shed(&self, class: Class) -> ServiceError {
        self.metrics.admission.shed.with_label_values(&[class.as_str()]).inc();
        ServiceError::Overloaded
    }

    fn since_start_ns(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start))
    }
}

impl Drop for WorkPermit<'_> {
    fn drop(&mut self) {
        // Two jobs that end at once may lose one of their updates, which a mean tolerates.
        let took_ns = nanos(self.queue.clock.now().saturating_duration_since(self.since));
        let mean_ns = self.queue.job_ns.load(Ordering::Relaxed);
        let next_ns = if mean_ns == 0 { took_ns } else { mean_ns - mean_ns / 16 + took_ns / 16 };
        self.queue.job_ns.store(next_ns, Ordering::Relaxed);
        self.queue.end_overload_if_empty();
    }
}

/// A slot in the queue, until it is dropped.
struct QueueSlot<'q>(&'q Queue);

impl<'q> QueueSlot<'q> {
    fn new(queue: &'q Queue) -> Self {
        queue.waiting.fetch_add(1, Ordering::Relaxed);
        Self(queue)
    }
}

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.end_overload_if_empty();
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::poll;

    use super::*;
    use crate::clock::ManualClock;

    type Acquiring<'t> = Pin<Box<dyn Future<Output = Result<WorkPermit<'t>, ServiceError>> + 't>>;

    /// A queue of one core, in which a job takes `job` so far.
    fn queue(job: Duration) -> (WorkQueue, ManualClock) {
        let clock = ManualClock::default();
        let metrics = Arc::new(Metrics::new().unwrap());
        let queue = WorkQueue::with_cores(1, &OverloadState::default(), metrics, clock.monotonic());
        queue.0.job_ns.store(nanos(job), Ordering::Relaxed);
        (queue, clock)
    }

    /// Requests that arrive at once. Returns those that wait; the others are rejected.
    async fn arrive(queue: &WorkQueue, requests: usize, admission: Admission) -> Vec<Acquiring<'_>> {
        let mut waiting = Vec::new();
        for _ in 0..requests {
            let mut request: Acquiring<'_> = Box::pin(queue.acquire(admission));
            if poll!(&mut request).is_pending() {
                waiting.push(request);
            }
        }
        waiting
    }

    fn shed(queue: &WorkQueue) -> u64 {
        queue.0.metrics.admission.shed.with_label_values(&["bulk"]).get()
    }

    const MILLISECOND: Duration = Duration::from_millis(1);
    const BULK: Admission = Admission::Rejectable(Class::Bulk);

    #[tokio::test]
    async fn a_burst_is_served_in_order() {
        let (queue, _) = queue(MILLISECOND);
        let first = queue.acquire(BULK).await.unwrap();
        let waiting = arrive(&queue, 200, BULK).await;
        assert_eq!(waiting.len(), 200);
        drop(first);
        for request in waiting {
            drop(request.await.unwrap());
        }
        assert_eq!((shed(&queue), queue.0.waiting.load(Ordering::Relaxed)), (0, 0));
    }

    #[tokio::test]
    async fn a_standing_queue_rejects_new_work_but_not_started_work() {
        let (queue, clock) = queue(MILLISECOND);
        let first = queue.acquire(BULK).await.unwrap();
        let waiting = arrive(&queue, 200, BULK).await;
        clock.advance(OVERLOAD_WINDOW);
        assert!(arrive(&queue, 10, BULK).await.is_empty());
        assert!(queue.rejects(Class::Bulk));
        assert_eq!(shed(&queue), 11);
        let started = arrive(&queue, 3, Admission::Started).await;
        assert_eq!(started.len(), 3);
        // Of the requests that waited, those are rejected that make the queue long.
        drop(first);
        let mut served = 0;
        for request in waiting {
            served += u64::from(request.await.is_ok());
        }
        // The first ones arrived before the queue was long, and behind the last ones nothing waits too long. (The three that
        // have started wait too.)
        let expected = (MAX_QUEUED_PER_CORE + 1) + (MAX_QUEUED_PER_CORE - 3) + 1;
        assert_eq!((served, shed(&queue)), (expected, 200 - expected + 11));
        assert!(queue.0.overload.is_on());
        for request in started {
            drop(request.await.unwrap());
        }
        // The overload ends whether or not another request arrives.
        assert!(!queue.0.overload.is_on());
        assert!(!queue.rejects(Class::Bulk));
        drop(queue.acquire(BULK).await.unwrap());
    }

    #[tokio::test]
    async fn a_standing_queue_that_is_short_rejects_nothing() {
        for (job, requests) in
            [(Duration::from_secs(1), MAX_QUEUED_PER_CORE), (MILLISECOND / 100, MAX_QUEUED_PER_CORE * 5)]
        {
            let (queue, clock) = queue(job);
            let _first = queue.acquire(BULK).await.unwrap();
            let _waiting = arrive(&queue, usize::try_from(requests).unwrap(), BULK).await;
            clock.advance(OVERLOAD_WINDOW);
            assert_eq!(arrive(&queue, 1, BULK).await.len(), 1, "{job:?}");
        }
    }

    #[tokio::test]
    async fn cancelled_requests_leave_the_queue() {
        let (queue, clock) = queue(MILLISECOND);
        let _first = queue.acquire(BULK).await.unwrap();
        let waiting = arrive(&queue, 200, BULK).await;
        clock.advance(OVERLOAD_WINDOW);
        assert!(queue.rejects(Class::Bulk) && queue.0.overload.is_on());
        drop(waiting);
        assert!(!queue.0.overload.is_on());
        assert_eq!(arrive(&queue, 1, BULK).await.len(), 1);
    }
}
