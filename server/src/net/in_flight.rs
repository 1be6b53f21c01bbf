//! Counts requests in flight: from the first byte of the request to the last byte of the response.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::timeout};

/// The number of requests in flight, of the server or of one connection; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Counts>);

// Sequentially consistent throughout. A request writes a counter and then reads `waiters`; a waiter writes `waiters` and then
// reads the counters. Only one order of all four keeps both from missing the other.
#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    started: AtomicUsize,
    /// Callers of `wait_until_idle`. Requests send no notification while it is 0, since that takes a lock.
    waiters: AtomicUsize,
    changed: Notify,
}

impl Counts {
    fn notify(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }
}

/// One request in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlightGuard(Arc<Counts>);

impl InFlight {
    /// The number of requests in flight.
    pub(crate) fn count(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    /// The number of requests that have started so far.
    pub(crate) fn started(&self) -> usize {
        self.0.started.load(Ordering::SeqCst)
    }

    /// Counts one more request, until the guard is dropped.
    pub(crate) fn enter(&self) -> InFlightGuard {
        self.0.now.fetch_add(1, Ordering::SeqCst);
        self.0.started.fetch_add(1, Ordering::SeqCst);
        self.0.notify();
        InFlightGuard(Arc::clone(&self.0))
    }

    /// Waits until no request has been in flight for `period`.
    pub(crate) async fn wait_until_idle(&self, period: Duration) {
        let _waiter = Waiter::new(&self.0);
        loop {
            // Registered before the count is read: a change in between is not missed.
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if self.count() > 0 {
                changed.await;
            } else if timeout(period, changed).await.is_err() {
                return;
            }
        }
    }
}

struct Waiter<'c>(&'c Counts);

impl<'c> Waiter<'c> {
    fn new(counts: &'c Counts) -> Self {
        counts.waiters.fetch_add(1, Ordering::SeqCst);
        Self(counts)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        if self.0.now.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.notify();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn idle_means_that_no_request_was_in_flight_for_the_whole_period() {
        let in_flight = InFlight::default();
        let start = Instant::now();
        in_flight.wait_until_idle(SECOND).await;
        assert_eq!(start.elapsed(), SECOND);

        let first = in_flight.enter();
        let requests = in_flight.clone();
        tokio::spawn(async move {
            sleep(SECOND * 5).await;
            drop(first);
            // Starts and finishes within the period, which begins again.
            sleep(SECOND / 2).await;
            drop(requests.enter());
        });
        let start = Instant::now();
        in_flight.wait_until_idle(SECOND).await;
        assert_eq!(start.elapsed(), SECOND * 13 / 2);
        assert_eq!(in_flight.count(), 0);
    }
}
