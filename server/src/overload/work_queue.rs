//! Turns for what takes long: as many at a time as there are processors, in the order in which they came.
//!
//! More at a time would only make each other slow, and short calls with them. What waits for its turn has not begun: where
//! the queue has been long for a while, so that it is no burst, whoever comes is refused at once, while that costs little.
//! What has begun is then done in time. (A queue that stands is told from a burst as in `CoDel`, RFC 8289.)

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::state::{Pressure, PressureOfQueue};
use crate::grpc::method::Class;
use crate::{error::ServiceError, telemetry::metrics::Metrics};

/// A queue is long where more than so many wait for each processor, and for more than so long: callers that wait for their
/// answers before they ask again make a queue too, and it does not grow.
const MANY: u64 = 16;
const LONG: Duration = Duration::from_millis(15);
/// What has been long for so long, and never empty, is no burst.
const BURST: Duration = Duration::from_millis(100);

/// The turns of one kind of work; shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Queue>);

#[derive(Debug)]
struct Queue {
    turns: Semaphore,
    processors: u64,
    waiting: AtomicU64,
    /// How long a turn takes: a mean in which the last dozen count most.
    turn_ns: AtomicU64,
    start: Instant,
    /// Since when the queue has been long, from the start; [`NEVER`] where it is not.
    long_since_ns: AtomicU64,
    pressure: PressureOfQueue,
    metrics: Arc<Metrics>,
}

const NEVER: u64 = u64::MAX;

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'q> {
    queue: &'q Queue,
    since: Instant,
    _permit: SemaphorePermit<'q>,
}

impl Turns {
    pub(crate) fn new(pressure: &Pressure, metrics: Arc<Metrics>) -> Self {
        Self::of(std::thread::available_parallelism().map_or(1, Into::into), pressure, metrics)
    }

    fn of(processors: usize, pressure: &Pressure, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Queue {
            turns: Semaphore::new(processors),
            processors: processors as u64,
            waiting: AtomicU64::new(0),
            turn_ns: AtomicU64::new(0),
            start: Instant::now(),
            long_since_ns: AtomicU64::new(NEVER),
            pressure: pressure.of_queue(),
            metrics,
        }))
    }

    /// Whether a call that comes now, and is to take a turn when its request has been read, is refused already.
    pub(crate) fn refuse(&self, class: Class) -> bool {
        let now = Instant::now();
        let is_refused = self.0.looks_long(now) && self.0.is_no_burst(now);
        if is_refused {
            self.0.count_refused(class);
        }
        is_refused
    }

    /// Waits for a turn. What is of no class has begun already, and is not refused.
    ///
    /// # Errors
    /// [`ServiceError::Busy`], where there is too much to do.
    pub(crate) async fn take(&self, class: Option<Class>) -> Result<Turn<'_>, ServiceError> {
        let queue = &*self.0;
        let came = Instant::now();
        let may_be_refused = class.filter(|_| queue.looks_long(came));
        if let Some(class) = may_be_refused.filter(|_| queue.is_no_burst(came)) {
            return Err(queue.count_refused(class));
        }
        let place = Place::new(queue);
        let permit = queue.turns.acquire().await;
        drop(place);
        let since = Instant::now();
        // It came with a flood, before that was known to be one, and too many others still wait.
        if let Some(class) = may_be_refused.filter(|_| queue.has_many() && queue.is_no_burst(since)) {
            return Err(queue.count_refused(class));
        }
        queue.metrics.door.turn_wait_s.observe(since.saturating_duration_since(came).as_secs_f64());
        // Nobody closes the semaphore.
        let permit = permit.map_err(|_| ServiceError::Internal("there are no turns any more"))?;
        Ok(Turn { queue, since, _permit: permit })
    }
}

impl Queue {
    /// Whether too many wait before one that comes now. Remembers since when, until nobody waits: calls come in clumps, so
    /// that a queue under a flood is short now and then.
    fn looks_long(&self, now: Instant) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let wait_ns = waiting.saturating_mul(self.turn_ns.load(Ordering::Relaxed)) / self.processors;
        let is_long = self.has_many() && wait_ns > nanos(LONG);
        if is_long {
            let _ = self.long_since_ns.compare_exchange(
                NEVER,
                self.since_start_ns(now),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        } else if waiting == 0 {
            self.long_since_ns.store(NEVER, Ordering::Relaxed);
            self.pressure.set(false);
        }
        is_long
    }

    fn has_many(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > MANY * self.processors
    }

    fn is_no_burst(&self, now: Instant) -> bool {
        let since_ns = self.long_since_ns.load(Ordering::Relaxed);
        let is_none = since_ns != NEVER && self.since_start_ns(now).saturating_sub(since_ns) >= nanos(BURST);
        if is_none {
            self.pressure.set(true);
        }
        is_none
    }

    /// Perhaps nobody comes any more who would see that nobody waits.
    fn ease_if_empty(&self) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.pressure.set(false);
        }
    }

    fn count_refused(&self, class: Class) -> ServiceError {
        self.metrics.door.shed.with_label_values(&[class.as_str()]).inc();
        ServiceError::Busy
    }

    fn since_start_ns(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Two that end at once may lose one of both: it is a mean.
        let (took, mean) = (nanos(self.since.elapsed()), self.queue.turn_ns.load(Ordering::Relaxed));
        let next = if mean == 0 { took } else { mean - mean / 16 + took / 16 };
        self.queue.turn_ns.store(next, Ordering::Relaxed);
        self.queue.ease_if_empty();
    }
}

/// A place in the queue, until it is dropped.
struct Place<'q>(&'q Queue);

impl<'q> Place<'q> {
    fn new(queue: &'q Queue) -> Self {
        queue.waiting.fetch_add(1, Ordering::Relaxed);
        Self(queue)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.ease_if_empty();
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures_util::poll;

    use super::*;

    type Taking<'t> = Pin<Box<dyn Future<Output = Result<Turn<'t>, ServiceError>> + 't>>;

    /// One processor, where a turn takes so long.
    fn turns(turn: Duration) -> Turns {
        let turns = Turns::of(1, &Pressure::default(), Arc::new(Metrics::new().unwrap()));
        turns.0.turn_ns.store(nanos(turn), Ordering::Relaxed);
        turns
    }

    /// So many come at once; who is refused at once is not among those who wait.
    async fn come(turns: &Turns, calls: usize, class: Option<Class>) -> Vec<Taking<'_>> {
        let mut waiting = Vec::new();
        for _ in 0..calls {
            let mut call: Taking<'_> = Box::pin(turns.take(class));
            if poll!(&mut call).is_pending() {
                waiting.push(call);
            }
        }
        waiting
    }

    fn refused(turns: &Turns) -> u64 {
        turns.0.metrics.door.shed.with_label_values(&["bulk"]).get()
    }

    const MILLISECOND: Duration = Duration::from_millis(1);
    const BULK: Option<Class> = Some(Class::Bulk);

    #[tokio::test]
    async fn a_burst_is_borne_in_its_order() {
        let turns = turns(MILLISECOND);
        let first = turns.take(BULK).await.unwrap();
        let waiting = come(&turns, 200, BULK).await;
        assert_eq!(waiting.len(), 200);
        drop(first);
        for call in waiting {
            drop(call.await.unwrap());
        }
        assert_eq!((refused(&turns), turns.0.waiting.load(Ordering::Relaxed)), (0, 0));
    }

    #[tokio::test]
    async fn a_flood_is_refused_and_what_has_begun_is_not() {
        let turns = turns(MILLISECOND);
        let first = turns.take(BULK).await.unwrap();
        let waiting = come(&turns, 200, BULK).await;
        tokio::time::sleep(BURST).await;
        assert!(come(&turns, 10, BULK).await.is_empty());
        assert!(turns.refuse(Class::Bulk));
        assert_eq!(refused(&turns), 11);
        let begun = come(&turns, 3, None).await;
        assert_eq!(begun.len(), 3);
        // Of the burst that turned out to be a flood those are refused that make the queue long.
        drop(first);
        let mut answered = 0;
        for call in waiting {
            answered += u64::from(call.await.is_ok());
        }
        // The first that came, and the last: nobody behind them waits too long. (The three that have begun wait too.)
        let expected = (MANY + 1) + (MANY - 3) + 1;
        assert_eq!((answered, refused(&turns)), (expected, 200 - expected + 11));
        assert!(turns.0.pressure.is_on());
        for call in begun {
            drop(call.await.unwrap());
        }
        // It is over, whether anybody comes or not.
        assert!(!turns.0.pressure.is_on());
        assert!(!turns.refuse(Class::Bulk));
        drop(turns.take(BULK).await.unwrap());
    }

    #[tokio::test]
    async fn a_queue_that_stands_but_is_short_refuses_nobody() {
        for (turn, calls) in [(Duration::from_secs(1), MANY), (MILLISECOND / 100, MANY * 5)] {
            let turns = turns(turn);
            let _first = turns.take(BULK).await.unwrap();
            let _waiting = come(&turns, usize::try_from(calls).unwrap(), BULK).await;
            tokio::time::sleep(BURST).await;
            assert_eq!(come(&turns, 1, BULK).await.len(), 1, "{turn:?}");
        }
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_queue() {
        let turns = turns(MILLISECOND);
        let _first = turns.take(BULK).await.unwrap();
        let waiting = come(&turns, 200, BULK).await;
        tokio::time::sleep(BURST).await;
        assert!(turns.refuse(Class::Bulk) && turns.0.pressure.is_on());
        drop(waiting);
        assert!(!turns.0.pressure.is_on());
        assert_eq!(come(&turns, 1, BULK).await.len(), 1);
    }
}
