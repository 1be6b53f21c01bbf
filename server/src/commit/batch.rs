//! The batch that the commit thread of a single node gathers.

use super::{BATCH_BYTES, BATCH_COMMANDS, Submission};

/// Submissions that are committed together.
#[derive(Default)]
pub(super) struct CommitBatch {
    pub(super) submissions: Vec<Submission>,
    commands: usize,
    bytes: usize,
}

impl CommitBatch {
    /// Adds a submission, or returns it when the batch would become too large.
    pub(super) fn add(&mut self, submission: Submission) -> Option<Submission> {
        let (commands, bytes) = (self.commands + submission.commands, self.bytes + submission.bytes);
        if !self.submissions.is_empty() && (commands > BATCH_COMMANDS || bytes > BATCH_BYTES) {
            return Some(submission);
        }
        (self.commands, self.bytes) = (commands, bytes);
        self.submissions.push(submission);
        None
    }
}
