//! Load shedding by queue delay: rejects requests that have waited too long for a thread of the runtime.
//!
//! While most requests of a window have waited for more than [`TARGET`], the server is overloaded, and every request that has
//! waited for more than its class allows is rejected, at a tenth of the cost of a response. A burst shorter than
//! [`OVERLOAD_WINDOW`] passes. Target and window are those of "Fail at Scale" (Maurer, ACM Queue 13(8), 2015). There the
//! shortest wait of an interval decides, as in CoDel; here the majority does, because tokio runs the newest task of a worker
//! first, so that some request has always waited for nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    class::Class,
    state::{OverloadState, QueueOverload},
};
use crate::telemetry::metrics::Metrics;

/// Longest wait of a search while the server is overloaded, and the wait that counts as late: twice the 5 ms of "Fail at
/// Scale", since a stall of a shared core by a few milliseconds is no overload.
const TARGET: Duration = Duration::from_millis(10);
/// Bulk work is rejected earlier than searches, and writes later. No measurement chose the two factors, 1/2 and 4: they only have
/// to keep the order of the classes.
const BULK_TARGET: Duration = Duration::from_millis(5);
const WRITE_TARGET: Duration = Duration::from_millis(40);
/// The time over which overload is detected, the 100 ms of "Fail at Scale".
const OVERLOAD_WINDOW: Duration = Duration::from_millis(100);
/// Late requests that a window needs: a client that sends one request after the other makes no queue, however slow the
/// machine is for other reasons.
const MIN_LATE: u64 = 10;
/// Overload ends when fewer than one in this number of requests had to be rejected in a window.
const REJECTED_SHARE: u64 = 50;

/// Measures queue delay and decides which requests to reject.
#[derive(Debug)]
pub(crate) struct QueueDelay {
    start: Instant,
    /// End of the current window, in microseconds since the start.
    window_end_us: AtomicU64,
    /// Requests of the current window: all, those that had waited for more than [`TARGET`], and those rejected.
    seen: AtomicU64,
    late: AtomicU64,
    rejected: AtomicU64,
    overload: QueueOverload,
    metrics: Arc<Metrics>,
}

impl QueueDelay {
    pub(crate) fn new(overload: &OverloadState, metrics: Arc<Metrics>) -> Self {
        Self {
            start: Instant::now(),
            window_end_us: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            late: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            overload: overload.for_queue(),
            metrics,
        }
    }

    /// Returns whether to admit a request that has waited for `waited`.
    pub(crate) fn admits(&self, class: Class, waited: Duration, now: Instant) -> bool {
        self.metrics.admission.scheduling_delay_s.observe(waited.as_secs_f64());
        self.seen.fetch_add(1, Ordering::Relaxed);
        if waited > TARGET {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
        self.end_window(now);
        let max_wait = match class {
            Class::Write => WRITE_TARGET,
            Class::Search => TARGET,
            Class::Bulk => BULK_TARGET,
        };
        let is_admitted = waited <= max_wait || !self.overload.is_on();
        if !is_admitted {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            self.metrics.admission.shed.with_label_values(&[class.as_str()]).inc();
        }
        is_admitted
    }

    /// Evaluates the window once it is over. Overload begins when most requests were late. From then on late requests are
    /// rejected and the others wait no longer, so it ends when hardly any had to be rejected.
    fn end_window(&self, now: Instant) {
        let now_us = micros(now.saturating_duration_since(self.start));
        let end_us = self.window_end_us.load(Ordering::Relaxed);
        let next_us = now_us + micros(OVERLOAD_WINDOW);
        if now_us < end_us
            || self
                .window_end_us
                .compare_exchange(end_us, next_us, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let [seen, late, rejected] =
            [&self.seen, &self.late, &self.rejected].map(|count| count.swap(0, Ordering::Relaxed));
        let was_on = self.overload.is_on();
        let is_on =
            if was_on { rejected * REJECTED_SHARE > seen } else { late * 2 > seen && late >= MIN_LATE };
        // A whole window without a request ends the overload.
        let is_on = is_on && now_us < end_us.saturating_add(micros(OVERLOAD_WINDOW));
        self.overload.set(is_on);
        if was_on != is_on {
            tracing::debug!(overloaded = is_on, seen, late, rejected, "queue delay");
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_delay() -> QueueDelay {
        QueueDelay::new(&OverloadState::default(), Arc::new(Metrics::new().unwrap()))
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// Sends requests within one window that have all waited for the same time. Returns the number of those admitted.
    fn window(delay: &QueueDelay, number: u32, requests: u32, class: Class, waited: Duration) -> u32 {
        let at = delay.start + OVERLOAD_WINDOW * number + MILLISECOND;
        (0..requests).map(|_| u32::from(delay.admits(class, waited, at))).sum()
    }

    #[test]
    fn a_burst_is_admitted_and_sustained_overload_is_shed() {
        let delay = queue_delay();
        assert_eq!(window(&delay, 0, 100, Class::Search, MILLISECOND), 100);
        assert_eq!(window(&delay, 1, 100, Class::Search, MILLISECOND * 50), 100, "a burst");
        // The window is over: most of its requests were late.
        assert_eq!(window(&delay, 2, 100, Class::Search, MILLISECOND * 50), 0, "overload");
        assert_eq!(window(&delay, 3, 100, Class::Search, MILLISECOND * 9), 100);
        assert_eq!(window(&delay, 4, 100, Class::Search, MILLISECOND * 50), 100, "the overload has ended");
    }

    #[test]
    fn bursts_with_pauses_are_admitted() {
        let delay = queue_delay();
        for number in (0..20).step_by(2) {
            assert_eq!(window(&delay, number, 100, Class::Bulk, MILLISECOND * 50), 100, "{number}");
        }
    }

    #[test]
    fn a_few_requests_on_a_slow_machine_are_admitted() {
        let delay = queue_delay();
        for number in 0..10 {
            assert_eq!(window(&delay, number, 5, Class::Bulk, MILLISECOND * 500), 5, "{number}");
        }
    }

    #[test]
    fn bulk_work_is_shed_first_and_writes_last() {
        let delay = queue_delay();
        window(&delay, 0, 1, Class::Search, MILLISECOND);
        window(&delay, 1, 100, Class::Search, MILLISECOND * 50);
        window(&delay, 2, 100, Class::Search, MILLISECOND * 50);
        for (class, waited, is_admitted) in [
            (Class::Bulk, 7, false),
            (Class::Search, 7, true),
            (Class::Search, 20, false),
            (Class::Write, 20, true),
            (Class::Write, 50, false),
        ] {
            let at = delay.start + OVERLOAD_WINDOW * 2 + MILLISECOND * 2;
            assert_eq!(delay.admits(class, MILLISECOND * waited, at), is_admitted, "{class:?} {waited}");
        }
    }

    #[test]
    fn overload_lasts_while_some_requests_are_late() {
        let delay = queue_delay();
        window(&delay, 0, 1, Class::Search, MILLISECOND);
        window(&delay, 1, 100, Class::Search, MILLISECOND * 50);
        for number in 2..10 {
            window(&delay, number, 80, Class::Search, MILLISECOND);
            assert_eq!(window(&delay, number, 20, Class::Search, MILLISECOND * 20), 0, "{number}");
        }
    }
}
