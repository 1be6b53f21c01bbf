//! Files that are read again while the server runs, and reports of failures to read them.

use std::sync::atomic::{AtomicU32, Ordering};

/// Why a file is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// It is polled: it is loaded if it has changed, and failures that may pass are not reported.
    Poll,
    /// An operator asks for it (SIGHUP): it is loaded, and every failure is reported.
    Demand,
}

/// The number of consecutive failures to read a file.
#[derive(Debug, Default)]
pub(crate) struct ReadFailures(AtomicU32);

impl ReadFailures {
    /// Returns what was read. While the file is polled, reports the second failure in a row, and no further one until a read
    /// succeeds: a file that is being replaced may be absent for a moment.
    pub(crate) fn report_repeated<T, E>(
        &self,
        read: Result<T, E>,
        reload: Reload,
        report: impl FnOnce(E),
    ) -> Option<T> {
        match read {
            Ok(read) => {
                self.0.store(0, Ordering::Relaxed);
                Some(read)
            }
            Err(error) => {
                if self.0.fetch_add(1, Ordering::Relaxed) == 1 || reload == Reload::Demand {
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
            let read: Option<()> = failures.report_repeated(read, Reload::Poll, |()| reported = true);
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
        let mut reported = 0;
        for _ in 0..3 {
            let read: Option<()> = failures.report_repeated(Err(()), Reload::Demand, |()| reported += 1);
            assert!(read.is_none());
        }
        assert_eq!(reported, 3, "on demand, every failure is");
    }
}
