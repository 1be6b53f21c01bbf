//! Runs short searches inline and re-runs long ones on a blocking thread.
//!
//! Most searches take some microseconds, less than handing them to another thread costs. A search that turns out to be long
//! must not hold a worker of the runtime, behind which other calls wait. It is stopped and run again from the start, rather
//! than continued: its state borrows from the worker's stack, and the first run is bounded to [`MAX_INLINE_CHECKS`], a
//! fraction of what a long search takes.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::middleware::deadline::Deadline;
use crate::{error::ServiceError, overload::work_queue::Work};

/// Calls of `should_continue` after which a search counts as long. There is one for about every two hundred merchants, and one more for
/// each 1.5 µs of comparing names, labels and areas of single merchants, so that this bounds the inline run to about a tenth of
/// a millisecond.
const MAX_INLINE_CHECKS: u32 = 64;
/// Vertices of an area that are projected and checked inline, which takes up to 2 µs each.
pub(crate) const MAX_INLINE_VERTICES: usize = 64;

/// Runs a job that calls `should_continue` now and then, and returns `None` once that is false. A job that turns out to be
/// long runs on a thread of its own, slice by slice with permits of the work queue.
///
/// # Errors
/// The job's own, and [`ServiceError::DeadlineExceeded`].
pub(crate) async fn run_or_offload<T: Send + 'static>(
    work: &Work,
    deadline: Deadline,
    job: impl Fn(&dyn Fn() -> bool) -> Result<Option<T>, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    if let Some(done) = try_inline(deadline, &job)? {
        return Ok(done);
    }
    on_thread(work, deadline, move |should_continue| job(should_continue)).await
}

/// Runs a job that is known to be long, though it has no place to stop, on a thread of its own.
///
/// # Errors
/// The job's own, and [`ServiceError::DeadlineExceeded`].
pub(crate) async fn offload<T: Send + 'static>(
    work: &Work,
    deadline: Deadline,
    job: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    on_thread(work, deadline, |_| job().map(Some)).await
}

async fn on_thread<T: Send + 'static>(
    work: &Work,
    deadline: Deadline,
    job: impl FnOnce(&dyn Fn() -> bool) -> Result<Option<T>, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let thread = work.acquire_thread().await?;
    if deadline.has_passed() {
        return Err(ServiceError::DeadlineExceeded);
    }
    let cancel = CancelFlag::default();
    let (is_cancelled, on_thread) = (Arc::clone(&cancel.0), work.clone());
    let job = move || {
        // Until the thread ends, whether or not the call is cancelled before.
        let _thread = thread;
        let is_wanted = || !is_cancelled.load(Ordering::Relaxed) && !deadline.has_passed();
        if !is_wanted() {
            return Ok(None);
        }
        on_thread.run_blocking(|yield_if_over| {
            job(&|| {
                if is_wanted() {
                    yield_if_over();
                }
                is_wanted()
            })
        })
    };
    let done = tokio::task::spawn_blocking(job).await;
    done.map_err(|_| ServiceError::Internal("a search panicked"))??.ok_or(ServiceError::DeadlineExceeded)
}

fn try_inline<T>(
    deadline: Deadline,
    job: &impl Fn(&dyn Fn() -> bool) -> Result<Option<T>, ServiceError>,
) -> Result<Option<T>, ServiceError> {
    let checks = Cell::new(0);
    job(&|| {
        checks.set(checks.get() + 1);
        checks.get() <= MAX_INLINE_CHECKS && !deadline.has_passed()
    })
}

/// Becomes true when it is dropped, as it is when the call is cancelled.
#[derive(Default)]
struct CancelFlag(Arc<AtomicBool>);

impl Drop for CancelFlag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroU32,
        sync::{atomic::AtomicU32, mpsc},
        time::Duration,
    };

    use super::*;
    use crate::overload::{class::Class, fair_queue::FlowId, work_queue::WorkQueue};

    fn work() -> Work {
        let queue = WorkQueue::of_test();
        queue.work_of((FlowId(1), NonZeroU32::MIN), Class::Search, &Default::default)
    }

    #[tokio::test]
    async fn short_searches_run_inline_and_long_ones_on_a_blocking_thread() {
        let here = std::thread::current().id();
        let job = |steps: u32| {
            move |should_continue: &dyn Fn() -> bool| {
                Ok((0..steps).all(|_| should_continue()).then(|| std::thread::current().id()))
            }
        };
        let work = work();
        let run = async |steps| run_or_offload(&work, Deadline::default(), job(steps)).await.unwrap();
        assert_eq!(run(MAX_INLINE_CHECKS).await, here);
        assert_ne!(run(MAX_INLINE_CHECKS + 1).await, here);
    }

    #[tokio::test]
    async fn a_cancelled_search_stops() {
        let (ended, has_ended) = mpsc::channel();
        let started = Arc::new(AtomicU32::new(0));
        let starts = Arc::clone(&started);
        let job = move |should_continue: &dyn Fn() -> bool| {
            starts.fetch_add(1, Ordering::SeqCst);
            while should_continue() {}
            ended.send(()).unwrap();
            Ok(None::<()>)
        };
        let work = work();
        let call = tokio::spawn(async move { run_or_offload(&work, Deadline::default(), job).await });
        has_ended.recv_timeout(Duration::ZERO).unwrap_err();
        while started.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        has_ended.recv().unwrap();
        call.abort();
        // Without the abort it would run indefinitely.
        tokio::task::spawn_blocking(move || has_ended.recv().unwrap()).await.unwrap();
    }
}
