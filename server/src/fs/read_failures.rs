//! Files that are read again while the server runs, and reports of failures to use them.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
};

/// Why a file is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// It is polled: it is loaded if it has changed, and failures that may pass are not reported.
    Poll,
    /// An operator asks for it (SIGHUP): it is loaded, and every failure is reported.
    Demand,
}

/// Failures to read a file since its last read, and whether its content is in use.
#[derive(Debug, Default)]
pub(crate) struct ReadFailures(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Consecutive failures to read it.
    count: u32,
    /// The failure that was last reported.
    reported: Option<String>,
    /// It was read, but its content cannot be used.
    is_unusable: bool,
}

impl ReadFailures {
    /// Returns what was read. While the file is polled, reports the second failure in a row, and a further one only if its cause
    /// is another: a file that is being replaced may be absent for a moment.
    pub(crate) fn report_repeated<T, E: Display>(
        &self,
        read: Result<T, E>,
        reload: Reload,
        report: impl FnOnce(E),
    ) -> Option<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(read) => {
                *state = State { is_unusable: state.is_unusable, ..State::default() };
                Some(read)
            }
            Err(error) => {
                state.count = state.count.saturating_add(1);
                let reason = Some(error.to_string());
                if reload == Reload::Demand || (state.count > 1 && state.reported != reason) {
                    state.reported = reason;
                    drop(state);
                    report(error);
                }
                None
            }
        }
    }

    /// Notes whether the content that was read last is in use.
    pub(crate) fn set_usable(&self, is_usable: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_unusable = !is_usable;
    }

    /// Returns whether an earlier content is in use because the file cannot be read or used.
    pub(crate) fn is_failing(&self) -> bool {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.count > 1 || state.is_unusable
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> u32 {
        self.0.lock().unwrap().count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_failure_in_a_row_is_reported_once_and_so_is_another_cause() {
        let failures = ReadFailures::default();
        let reported = |read| {
            let mut reported = false;
            let read: Option<()> = failures.report_repeated(read, Reload::Poll, |_| reported = true);
            (read.is_some(), reported)
        };
        let (one, two) = (Err("missing"), Err("a FIFO"));
        let outcomes = [one, Ok(()), one, one, one, two, two, Ok(()), two, two].map(reported);
        assert_eq!(
            outcomes.map(|(is_read, _)| is_read),
            [false, true, false, false, false, false, false, true, false, false]
        );
        assert_eq!(
            outcomes.map(|(_, reported)| reported),
            [false, false, false, true, false, true, false, false, false, true]
        );
        assert!(failures.is_failing());
        let mut reported = 0;
        for _ in 0..3 {
            let read: Option<()> = failures.report_repeated(one, Reload::Demand, |_| reported += 1);
            assert!(read.is_none());
        }
        assert_eq!(reported, 3, "on demand, every failure is");
        failures.report_repeated(Ok::<_, String>(()), Reload::Poll, |_| ());
        assert!(!failures.is_failing());
        failures.set_usable(false);
        failures.report_repeated(Ok::<_, String>(()), Reload::Poll, |_| ());
        assert!(failures.is_failing(), "the same content is read again");
        failures.set_usable(true);
        assert!(!failures.is_failing());
    }
}
