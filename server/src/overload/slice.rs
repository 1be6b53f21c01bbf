//! The slice of work that runs on the current thread, so that a long job knows when to yield.

use std::{
    cell::Cell,
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

/// Longest time for which work holds a thread before it yields. Jobs check after each of their steps, which take up to as long again.
pub(super) const MAX_SLICE: Duration = Duration::from_micros(500);

thread_local! {
    static STARTED_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

pub(super) fn begin(now: Instant) {
    STARTED_AT.set(Some(now));
}

pub(super) fn end() {
    STARTED_AT.set(None);
}

/// Returns whether the work on this thread must yield.
pub(super) fn is_over() -> bool {
    STARTED_AT.get().is_some_and(|started_at| started_at.elapsed() >= MAX_SLICE)
}

/// Yields to other work if the slice is over.
pub(crate) async fn yield_if_over() {
    if !is_over() {
        return;
    }
    let mut has_yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
