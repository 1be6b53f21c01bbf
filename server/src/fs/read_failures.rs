//! Reports repeated failures to read a file that is polled.

use std::sync::atomic::{AtomicU32, Ordering};

/// The number of consecutive failures to read a file.
#[derive(Debug, Default)]
pub(crate) struct ReadFailures(AtomicU32);

impl ReadFailures {
    /// Returns what was read. Reports the second failure in a row, and no further one until a read succeeds: a file that is
    /// being replaced may be absent for a moment.
    pub(crate) fn report_repeated<T, E>(&self, read: Result<T, E>, report: impl FnOnce(E)) -> Option<T> {
        match read {
            Ok(read) => {
                self.0.store(0, Ordering::Relaxed);
                Some(read)
            }
            Err(error) => {
                if self.0.fetch_add(1, Ordering::Relaxed) == 1 {
                    report(error);
                }
                None
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_failure_in_a_row_is_reported_once() {
        let failures = ReadFailures::default();
        let reported = |read| {
            let mut reported = false;
            let read: Option<()> = failures.report_repeated(read, |()| reported = true);
            (read.is_some(), reported)
        };
        let outcomes = [Err(()), Ok(()), Err(()), Err(()), Err(()), Ok(()), Err(()), Err(())].map(reported);
        assert_eq!(
            outcomes.map(|(is_read, _)| is_read),
            [false, true, false, false, false, true, false, false]
        );
        assert_eq!(
            outcomes.map(|(_, reported)| reported),
            [false, false, false, true, false, false, false, true]
        );
    }
}
