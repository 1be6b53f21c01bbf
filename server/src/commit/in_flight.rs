//! The callers of a commit in flight, and their answers.

use nearby_cluster::{identity::Sequence, log::Monotonic};
use tokio::sync::oneshot;

use super::{Results, Submission, UpgradeError};
use crate::error::ServiceError;

/// The replies of a commit in flight: its ticket in the protocol.
pub(super) enum InFlight {
    /// Submissions, with their results if the commit is stored.
    Batch(BatchInFlight),
    /// A change of the format.
    Upgrade(oneshot::Sender<Result<Sequence, UpgradeError>>),
    /// A commit without a caller, or whose callers have been answered.
    Unattended,
}

/// Submissions of a commit in flight.
pub(super) struct BatchInFlight {
    pub(super) submissions: Vec<(Submission, Results)>,
    pub(super) changes: usize,
    pub(super) began: Monotonic,
}

impl InFlight {
    pub(super) fn began(&self) -> Option<Monotonic> {
        match self {
            Self::Batch(batch) => Some(batch.began),
            Self::Upgrade(_) | Self::Unattended => None,
        }
    }
}

pub(super) fn submissions_of(batch: Vec<(Submission, Results)>) -> Vec<Submission> {
    batch.into_iter().map(|(submission, _)| submission).collect()
}

/// Answers the callers of a commit whose outcome they will not learn here.
pub(super) fn give_up(ticket: InFlight) {
    if let InFlight::Batch(BatchInFlight { submissions, .. }) = ticket {
        answer(submissions, &ServiceError::OutcomeUnknown);
    }
}

pub(super) fn acknowledge(batch: Vec<(Submission, Results)>) {
    // Fails when the caller has gone away; its commands are committed all the same.
    batch.into_iter().for_each(|(submission, results)| drop(submission.reply.send(results)));
}

pub(super) fn answer(batch: Vec<(Submission, Results)>, error: &ServiceError) {
    batch.into_iter().for_each(|(submission, _)| drop(submission.reply.send(Err(error.clone()))));
}
