//! Ordered parallel map: one thread reads, others process the items, and results keep the order of the input.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

/// Runs `read`, which sends items, concurrently with `work` on each item. Sending returns false once the
/// results are no longer needed.
///
/// # Errors
/// The error of `read`, or else the first error of `work`.
pub(crate) fn in_order<P: Send, R: Send, E: Send>(
    read: impl FnOnce(&mut dyn FnMut(P) -> bool) -> Result<(), E>,
    work: impl Fn(P) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (pieces, taken) = sync_channel::<(usize, P)>(2 * workers);
    let taken = Mutex::new(taken);
    let results = Mutex::new(Ok(Vec::new()));
    let panicked = Mutex::new(None);
    let work_on = |taken: &Mutex<Receiver<(usize, P)>>| {
        let next = || taken.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        while let Some((number, piece)) = next() {
            // After a panic the worker keeps draining the queue, so that the reader never blocks.
            let result = match catch_unwind(AssertUnwindSafe(|| work(piece))) {
                Ok(result) => result,
                Err(panic) => {
                    *panicked.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
                    continue;
                }
            };
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *results, result) {
                (Ok(done), Ok(result)) => done.push((number, result)),
                (Ok(_), Err(error)) => *results = Err(error),
                // Another worker failed: drain the queue.
                (Err(_), _) => {}
            }
        }
    };
    let read = thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work_on(&taken));
        }
        let mut number = 0;
        let read = read(&mut |piece| {
            number += 1;
            let failed = results.lock().unwrap_or_else(PoisonError::into_inner).is_err();
            !failed && pieces.send((number, piece)).is_ok()
        });
        // Closing the channel ends the workers.
        drop(pieces);
        read
    });
    if let Some(panic) = panicked.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
    read?;
    let mut results: Vec<(usize, R)> = results.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    results.sort_unstable_by_key(|(number, _)| *number);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_the_order_and_the_first_error_is_returned() {
        let read = |send: &mut dyn FnMut(u32) -> bool| {
            (0..1_000).all(send);
            Ok::<_, &str>(())
        };
        assert_eq!(in_order(read, |n| Ok(2 * n)), Ok((0..1_000).map(|n| 2 * n).collect()));
        assert_eq!(
            in_order(read, |n| if n == 500 { Err("five hundred") } else { Ok(n) }),
            Err("five hundred")
        );
        assert_eq!(in_order(|_: &mut dyn FnMut(u32) -> bool| Err("cannot read"), Ok), Err("cannot read"));
    }
}
