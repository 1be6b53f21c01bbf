//! The commit thread of a single node.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use nearby_cluster::{
    identity::Sequence,
    local::LocalLog,
    log::{Answer, CommitLog, LogEvent, Monotonic, Proposal},
};
use nearby_store::OwnedBatch;
use tokio::sync::mpsc;

use super::{
    BackupContents, Message, Submission,
    batch::CommitBatch,
    close,
    local_copy::{DecidedBatch, LocalCopy, Replaced, revisions_of},
};
use crate::{
    clock::Clock, error::ServiceError, telemetry::metrics::Metrics, write_availability::WriteAvailability,
};

/// Longest wait for the callers of the last batch: two or three syncs of the disks here, after which the wait costs more
/// than the shared sync saves. `cargo durable puts` measures the result.
const MAX_LINGER: Duration = Duration::from_millis(2);
/// Interval between checks of the queue meanwhile.
const POLL_INTERVAL: Duration = Duration::from_micros(100);

/// Decides, and commits to the journal.
pub(super) struct Worker {
    pub(super) log: LocalLog,
    pub(super) copy: LocalCopy,
    pub(super) availability: WriteAvailability,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    /// Commits so far: the base of the next one.
    pub(super) commits: Sequence,
}

impl Worker {
    pub(super) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        // A submission that did not fit into the last batch, and the number of submissions of that batch.
        let (mut left_over, mut last_batch) = (None, 0);
        loop {
            let mut batch = CommitBatch::default();
            left_over = left_over.and_then(|submission| batch.add(submission));
            if batch.submissions.is_empty() {
                let idle_since = Instant::now();
                let Some(first) = messages.blocking_recv() else { break };
                if idle_since.elapsed() > MAX_LINGER {
                    // The callers of the last batch are not about to send another command.
                    last_batch = 0;
                }
                left_over = self.handle(first, &mut messages, &mut batch);
            }
            if left_over.is_none() {
                left_over = self.gather(&mut messages, &mut batch, last_batch);
            }
            last_batch = batch.submissions.len();
            if last_batch > 0 {
                self.commit(batch.submissions);
            }
            if self.log.store().is_checkpoint_due() {
                self.log.store().checkpoint(self.copy.contents());
            }
        }
        close(self.log.into_store(), self.copy.contents());
    }

    /// Adds the submissions that wait, and those that the callers of the last batch send soon. Returns one that does not fit.
    fn gather(
        &mut self,
        messages: &mut mpsc::Receiver<Message>,
        batch: &mut CommitBatch,
        last_batch: usize,
    ) -> Option<Submission> {
        let start = Instant::now();
        loop {
            while let Ok(message) = messages.try_recv() {
                let left_over = self.handle(message, messages, batch);
                if left_over.is_some() {
                    return left_over;
                }
            }
            let is_complete = batch.submissions.len() >= last_batch;
            if is_complete || messages.is_closed() || start.elapsed() >= MAX_LINGER {
                return None;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn handle(
        &mut self,
        message: Message,
        messages: &mut mpsc::Receiver<Message>,
        batch: &mut CommitBatch,
    ) -> Option<Submission> {
        match message {
            // The queue is still emptied; nothing new enters it.
            Message::Stop => messages.close(),
            // As of the last commit: the batch that is being gathered is not part of it.
            Message::BackupContents(reply) => {
                let (contents, digest) = (self.copy.contents(), self.log.store().digest());
                drop(reply.send(BackupContents { contents, digest, position: None }));
            }
            Message::Submit(submission) => return batch.add(submission),
            // The reply is dropped: there is no cluster.
            Message::Cluster(_) => {}
        }
        None
    }

    fn commit(&mut self, submissions: Vec<Submission>) {
        let mut replies = Vec::with_capacity(submissions.len());
        let works = submissions.into_iter().map(|Submission { work, reply, permits, .. }| {
            drop(permits);
            replies.push(reply);
            work
        });
        let DecidedBatch { batch, replaced, results } = self.copy.decide(works, (self.clock)());
        match self.make_durable(&batch, &replaced) {
            Ok(()) => {
                self.copy.apply(&batch, &replaced);
                // A send fails when the caller has gone away; its commands are committed all the same.
                replies.into_iter().zip(results).for_each(|(reply, results)| drop(reply.send(results)));
            }
            // A command may have failed because of another change of the batch, which is not acknowledged either: all get the same error.
            Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
        }
    }

    fn make_durable(&mut self, batch: &OwnedBatch, replaced: &Replaced) -> Result<(), ServiceError> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        self.availability.check()?;
        let start = Instant::now();
        let replaces = revisions_of(replaced);
        let proposal = Proposal {
            attempt: self.commits.next().0,
            base: self.commits,
            batch: &batch.as_batch(&replaces),
            // The journal encodes the batch itself.
            message: Bytes::new(),
        };
        self.log.propose(&proposal);
        match self.log.poll(Monotonic::ZERO) {
            Some(LogEvent::Answer { answer: Answer::Stored(sequence), .. }) => self.commits = sequence,
            _ => {
                let failure = self.log.take_failure();
                return Err(failure.map_or(ServiceError::ReadOnly, |error| self.availability.reject(&error)));
            }
        }
        self.metrics.commits.observe(start.elapsed(), batch.changes.len());
        Ok(())
    }
}
