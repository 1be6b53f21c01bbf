//! The slice of work that runs on the current thread, so that a long job knows when to yield.

use std::{
    cell::Cell,
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use crate::clock::ThreadCpuClock;

/// Longest time for which work holds a thread before it yields. Jobs check after each of their steps, which take up to as long again.
pub(super) const MAX_SLICE: Duration = Duration::from_micros(500);

/// Longest interval between readings of the thread's CPU time, and the slice from which it decides: reading it is a system call, of
/// which one in 200 µs costs a quarter of a per cent.
const CPU_INTERVAL: Duration = Duration::from_micros(200);

thread_local! {
    static STARTED_AT: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The last reading of this thread's CPU time, and when that was.
    static CPU: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
}

/// Begins a slice on this thread.
pub(super) fn begin(now: Instant, cpu: ThreadCpuClock) {
    STARTED_AT.set(Some(now));
    let is_due = CPU.get().is_none_or(|(at, _)| now.saturating_duration_since(at) > CPU_INTERVAL);
    if is_due {
        CPU.set(cpu.now().map(|used| (now, used)));
    }
}

/// Ends the slice on this thread. Returns what it has cost: its time, or if that is long the CPU time of the thread, to within
/// [`CPU_INTERVAL`]. A thread that had to wait for a processor has not worked.
pub(super) fn end(now: Instant, cpu: ThreadCpuClock) -> Duration {
    let took =
        STARTED_AT.take().map_or(Duration::ZERO, |started_at| now.saturating_duration_since(started_at));
    if took <= CPU_INTERVAL {
        return took;
    }
    let (Some((_, before)), Some(after)) = (CPU.get(), cpu.now()) else { return took };
    CPU.set(Some((now, after)));
    took.min(after.saturating_sub(before))
}

/// Returns whether the work on this thread must yield.
pub(super) fn is_over() -> bool {
    STARTED_AT.get().is_some_and(|started_at| started_at.elapsed() >= MAX_SLICE)
}

/// Yields to other work if the slice is over.
pub(crate) async fn yield_if_over() {
    if is_over() {
        requeue().await;
    }
}

/// Puts the current task at the end of the runtime's queue. tokio's `yield_now` waits longer, until the runtime has looked for events.
pub(super) async fn requeue() {
    let mut is_requeued = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_requeued, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
