//! Submissions that wait to be decided, at a node of a cluster.

use std::collections::VecDeque;

use super::{BATCH_BYTES, BATCH_COMMANDS, Submission, Transaction, Work};
use crate::error::ServiceError;

/// Submissions in the order in which they are decided.
#[derive(Default)]
pub(super) struct Waiting {
    submissions: VecDeque<Submission>,
    commands: usize,
    bytes: usize,
    /// Limits of the next batch, as fractions of the usual ones: a batch was larger than expected when it was decided.
    divisor: usize,
}

impl Waiting {
    /// Returns whether there is enough for two batches: more submissions stay in the queue, which is bounded.
    pub(super) fn is_full(&self) -> bool {
        self.commands >= 2 * BATCH_COMMANDS || self.bytes >= 2 * BATCH_BYTES
    }

    pub(super) fn push(&mut self, submission: Submission) {
        (self.commands, self.bytes) = (self.commands + submission.commands, self.bytes + submission.bytes);
        self.submissions.push_back(submission);
    }

    /// Returns whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.submissions.is_empty()
    }

    /// Puts submissions back that have to be decided again, before all others.
    pub(super) fn put_back(&mut self, submissions: Vec<Submission>) {
        for submission in submissions.into_iter().rev() {
            (self.commands, self.bytes) =
                (self.commands + submission.commands, self.bytes + submission.bytes);
            self.submissions.push_front(submission);
        }
    }

    /// Puts back a batch that was too large when it was decided, so that the next one is smaller.
    pub(super) fn split(&mut self, submissions: Vec<Submission>) {
        self.divisor = 2 * self.divisor.max(1);
        self.put_back(submissions);
    }

    /// Removes a batch: at least one submission, if one waits. Drops those whose callers have gone away.
    pub(super) fn take_batch(&mut self) -> Vec<Submission> {
        let divisor = self.divisor.max(1);
        let (mut commands, mut bytes) = (0, 0);
        let mut batch = Vec::new();
        while let Some(next) = self.submissions.front() {
            (commands, bytes) = (commands + next.commands, bytes + next.bytes);
            let is_too_large = commands > BATCH_COMMANDS / divisor || bytes > BATCH_BYTES / divisor;
            if is_too_large && !batch.is_empty() {
                break;
            }
            let Some(next) = self.submissions.pop_front() else { break };
            (self.commands, self.bytes) = (self.commands - next.commands, self.bytes - next.bytes);
            if next.reply.is_closed() {
                (commands, bytes) = (commands - next.commands, bytes - next.bytes);
            } else {
                batch.push(next);
            }
        }
        batch
    }

    /// Lets the next batch be larger: one was not too large.
    pub(super) fn relax(&mut self) {
        self.divisor /= 2;
    }

    /// Rejects all submissions.
    pub(super) fn reject(&mut self, error: &ServiceError) {
        for submission in self.submissions.drain(..) {
            drop(submission.reply.send(Err(error.clone())));
        }
        (self.commands, self.bytes) = (0, 0);
    }
}

impl Submission {
    /// Returns whether it changes nothing, whatever its result.
    pub(super) fn is_trial(&self) -> bool {
        match &self.work {
            Work::Independent(_, options) | Work::Transaction(Transaction { options, .. }) => {
                options.validate_only
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nearby_index::MerchantId;
    use tokio::sync::{Semaphore, oneshot};

    use super::{
        super::{Command, Results, WriteOptions},
        *,
    };

    fn submission(commands: u32) -> (Submission, oneshot::Receiver<Results>) {
        let (reply, results) = oneshot::channel();
        let permits = Arc::new(Semaphore::new(1_000)).try_acquire_many_owned(commands).unwrap();
        let delete = || Command::Delete { id: MerchantId::parse("a").unwrap(), version: None };
        let work = Work::Independent((0..commands).map(|_| delete()).collect(), WriteOptions::default());
        (Submission::new(work, reply, permits), results)
    }

    fn sizes(batch: &[Submission]) -> Vec<usize> {
        batch.iter().map(|submission| submission.commands).collect()
    }

    #[test]
    fn batches_are_bounded_and_shrink_when_one_was_too_large() {
        let mut waiting = Waiting::default();
        let mut receivers = Vec::new();
        for commands in [300, 200, 100, 500, 600, 1] {
            let (submission, results) = submission(commands);
            waiting.push(submission);
            receivers.push(results);
        }
        assert!(waiting.is_full());
        let batch = waiting.take_batch();
        assert_eq!(sizes(&batch), [300, 200]);
        waiting.split(batch);
        let batch = waiting.take_batch();
        assert_eq!(sizes(&batch), [300], "at least one, whatever its size");
        waiting.relax();
        assert_eq!(sizes(&waiting.take_batch()), [200, 100]);
        drop(receivers.remove(3));
        assert_eq!(sizes(&waiting.take_batch()), [600], "its caller has gone away");
        waiting.put_back(batch);
        assert_eq!(sizes(&waiting.take_batch()), [300, 1]);
        assert!(waiting.take_batch().is_empty());
        assert_eq!((waiting.commands, waiting.bytes), (0, 0));
    }

    #[test]
    fn all_submissions_are_rejected_with_the_same_error() {
        let mut waiting = Waiting::default();
        let (first, mut results) = submission(1);
        waiting.push(first);
        waiting.reject(&ServiceError::NoQuorum("test"));
        assert_eq!(results.try_recv().unwrap().unwrap_err(), ServiceError::NoQuorum("test"));
        assert!(!waiting.is_full() && waiting.submissions.is_empty());
    }
}
