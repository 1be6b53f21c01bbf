//! Record of all answers to writes, and of wrong answers to reads.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nearby_client::{ClientError, Code};

/// Meaning of an error for the write that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The write was not applied, and will not be: another one may be made.
    Refused,
    /// The write was not applied, for now: repeat it.
    Unavailable,
    /// The write may have been applied, or may be later: repeat it with the same request id.
    Unknown,
}

/// Errors after which a write is not applied, and may be repeated.
const UNAVAILABLE: [&str; 5] = ["NO_QUORUM", "CLUSTER_FAULT", "NOT_READY", "OVERLOADED", "DRAINING"];

/// Returns the meaning of an error.
pub(crate) fn answer_of(error: &ClientError) -> Answer {
    match (error.code(), error.reason()) {
        (Code::Unavailable, Some(reason)) if UNAVAILABLE.contains(&reason) => Answer::Unavailable,
        (Code::ResourceExhausted, Some(_)) => Answer::Unavailable,
        (Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled, _) => Answer::Unknown,
        // Without a reason it comes from the transport.
        (Code::Unknown | Code::Internal, None) => Answer::Unknown,
        _ => Answer::Refused,
    }
}

/// Returns the label of an error.
pub(crate) fn label(error: &ClientError) -> String {
    format!("{:?}/{}", error.code(), error.reason().unwrap_or("-"))
}

/// Maximum number of wrong answers that are described.
const MAX_DESCRIBED: usize = 50;

/// All answers to one load, shared by all writers and readers.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Record>);

/// The answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Times of acknowledgements, and the numbers of the nodes.
    pub(crate) acknowledged: Vec<(Instant, usize)>,
    /// Errors that are neither acknowledgements nor refusals, by label.
    pub(crate) errors: BTreeMap<String, u64>,
    /// Messages of errors that name the fault of a node.
    pub(crate) faults: BTreeSet<String>,
    /// Writes that were acknowledged after an attempt with an unknown outcome.
    pub(crate) resolved: u64,
    /// Reads that were compared with a write at another node.
    pub(crate) compared: u64,
    /// Reads of that kind that were answered UNAVAILABLE.
    pub(crate) too_late: u64,
    /// Answers that contradict an earlier one.
    pub(crate) wrong: Vec<String>,
    /// Number of such answers.
    pub(crate) wrong_count: u64,
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an acknowledgement.
    pub(crate) fn acknowledge(&self, node: usize, was_unknown: bool) {
        let mut record = self.lock();
        record.acknowledged.push((Instant::now(), node));
        record.resolved += u64::from(was_unknown);
    }

    /// Records an error after which the write is repeated.
    pub(crate) fn count_error(&self, error: &ClientError) {
        let mut record = self.lock();
        *record.errors.entry(label(error)).or_default() += 1;
        if error.reason() == Some("CLUSTER_FAULT") && record.faults.len() < MAX_DESCRIBED {
            record.faults.insert(error.to_string());
        }
    }

    /// Records a read of another node's write.
    pub(crate) fn count_read(&self, is_too_late: bool) {
        let mut record = self.lock();
        record.compared += u64::from(!is_too_late);
        record.too_late += u64::from(is_too_late);
    }

    /// Records a wrong answer.
    pub(crate) fn report(&self, description: String) {
        let mut record = self.lock();
        record.wrong_count += 1;
        if record.wrong.len() < MAX_DESCRIBED {
            record.wrong.push(description);
        }
    }

    /// Returns the number of acknowledgements.
    pub(crate) fn acknowledged(&self) -> usize {
        self.lock().acknowledged.len()
    }

    /// Returns the number of acknowledgements within a period.
    pub(crate) fn acknowledged_between(&self, from: Instant, to: Instant) -> usize {
        self.lock().acknowledged.iter().filter(|(at, _)| (from..=to).contains(at)).count()
    }

    /// Returns a copy of the record.
    pub(crate) fn snapshot(&self) -> Record {
        self.lock().clone()
    }
}

impl Record {
    /// Returns the longest time within a period in which nothing was acknowledged.
    pub(crate) fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        longest_gap(self.acknowledged.iter().map(|(at, _)| *at), from, to)
    }
}

fn longest_gap(times: impl Iterator<Item = Instant>, from: Instant, to: Instant) -> Duration {
    let mut times: Vec<Instant> = times.filter(|at| (from..=to).contains(at)).chain([from, to]).collect();
    times.sort_unstable();
    times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use tonic::Status;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    #[test]
    fn the_longest_gap_begins_and_ends_with_the_period() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let gap = |times: &[u64], from, to| {
            longest_gap(times.iter().map(|ms| at(*ms)), at(from), at(to)).as_millis()
        };
        assert_eq!(gap(&[10, 20, 300, 310], 0, 400), 280);
        assert_eq!(gap(&[300, 10, 310, 20], 0, 900), 590);
        assert_eq!(gap(&[500], 0, 510), 500);
        assert_eq!(gap(&[], 0, 70), 70);
        assert_eq!(gap(&[5, 1_000], 10, 60), 50, "acknowledgements outside of the period do not count");
    }

    #[test]
    fn errors_are_refusals_only_if_the_server_says_so() {
        let error = |code, reason: Option<&str>| {
            let details = reason.map(|reason| ErrorDetails::with_error_info(reason, "nearby", []));
            ClientError::from(Status::with_error_details(code, "", details.unwrap_or_default()))
        };
        for (code, reason, expected) in [
            (Code::Unavailable, Some("NO_QUORUM"), Answer::Unavailable),
            (Code::Unavailable, Some("OUTCOME_UNKNOWN"), Answer::Unknown),
            (Code::Unavailable, Some("STORE_READ_ONLY"), Answer::Unknown),
            (Code::Unavailable, None, Answer::Unknown),
            (Code::DeadlineExceeded, None, Answer::Unknown),
            (Code::Internal, None, Answer::Unknown),
            (Code::Internal, Some("INTERNAL"), Answer::Refused),
            (Code::ResourceExhausted, Some("TOO_MANY_WRITES"), Answer::Unavailable),
            (Code::Aborted, Some("ETAG_MISMATCH"), Answer::Refused),
            (Code::NotFound, Some("MERCHANT_NOT_FOUND"), Answer::Refused),
            (Code::AlreadyExists, Some("MERCHANT_EXISTS"), Answer::Refused),
        ] {
            assert_eq!(answer_of(&error(code, reason)), expected, "{code:?} {reason:?}");
        }
    }
}
