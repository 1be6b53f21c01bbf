//! Searches at work: as long as they are short they run where they are; when they turn out to be long they go on
//! elsewhere, so that other calls do not wait behind them, and stop when nobody waits for them any more.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{method::Class, middleware::deadline::Deadline};
use crate::error::ServiceError;
use crate::overload::work_queue::Turns;

/// How often a search may look up before it counts as long: about every two hundred merchants, so that this is about a
/// tenth of a millisecond.
const SHORT: u32 = 64;

/// Does a job that looks up now and then, to be told whether to go on; it gives `None` when it was told not to. Where it is
/// long it waits for its turn; of no class, it has begun already and is not refused.
///
/// # Errors
/// What the job fails with, [`ServiceError::DeadlineExceeded`], and [`ServiceError::Busy`].
pub(crate) async fn at_work<T: Send + 'static>(
    (turns, class): (&Turns, Option<Class>),
    deadline: Deadline,
    job: impl Fn(&dyn Fn() -> bool) -> Result<Option<T>, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    if let Some(done) = briefly(deadline, &job)? {
        return Ok(done);
    }
    let _turn = turns.take(class).await?;
    if deadline.has_passed() {
        return Err(ServiceError::DeadlineExceeded);
    }
    let wanted = Wanted::default();
    let is_wanted = Arc::clone(&wanted.0);
    let job = move || job(&|| is_wanted.load(Ordering::Relaxed) && !deadline.has_passed());
    let done = tokio::task::spawn_blocking(job).await;
    done.map_err(|_| ServiceError::Internal("a search ended early"))??.ok_or(ServiceError::DeadlineExceeded)
}

fn briefly<T>(
    deadline: Deadline,
    job: &impl Fn(&dyn Fn() -> bool) -> Result<Option<T>, ServiceError>,
) -> Result<Option<T>, ServiceError> {
    let looked_up = Cell::new(0);
    job(&|| {
        looked_up.set(looked_up.get() + 1);
        looked_up.get() <= SHORT && !deadline.has_passed()
    })
}

/// True until it is dropped, as when the call is cancelled.
struct Wanted(Arc<AtomicBool>);

impl Default for Wanted {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{atomic::AtomicU32, mpsc},
        time::Duration,
    };

    use super::*;
    use crate::{overload::state::Pressure, telemetry::metrics::Metrics};

    #[tokio::test]
    async fn a_short_job_stays_and_a_long_one_goes_elsewhere() {
        let here = std::thread::current().id();
        let job = |steps: u32| {
            move |goes_on: &dyn Fn() -> bool| {
                Ok((0..steps).all(|_| goes_on()).then(|| std::thread::current().id()))
            }
        };
        let turns = Turns::new(&Pressure::default(), Arc::new(Metrics::new().unwrap()));
        let done = async |steps| at_work((&turns, None), Deadline::default(), job(steps)).await.unwrap();
        assert_eq!(done(SHORT).await, here);
        assert_ne!(done(SHORT + 1).await, here);
    }

    #[tokio::test]
    async fn a_cancelled_job_stops() {
        let (ended, has_ended) = mpsc::channel();
        let begun = Arc::new(AtomicU32::new(0));
        let begins = Arc::clone(&begun);
        let job = move |goes_on: &dyn Fn() -> bool| {
            begins.fetch_add(1, Ordering::SeqCst);
            while goes_on() {}
            ended.send(()).unwrap();
            Ok(None::<()>)
        };
        let turns = Turns::new(&Pressure::default(), Arc::new(Metrics::new().unwrap()));
        let call = tokio::spawn(async move { at_work((&turns, None), Deadline::default(), job).await });
        has_ended.recv_timeout(Duration::ZERO).unwrap_err();
        while begun.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        has_ended.recv().unwrap();
        call.abort();
        // Without the abort it would never end.
        tokio::task::spawn_blocking(move || has_ended.recv().unwrap()).await.unwrap();
    }
}
