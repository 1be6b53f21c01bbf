//! The thread that owns the store and the index writer.

use std::{
    cell::OnceCell,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nearby_index::{IndexReader, IndexWriter, Revision, UnixMicros};
use nearby_store::{Batch, Contents, Forget, Store};
use tokio::sync::{mpsc, oneshot};

use super::{
    BATCH_BYTES, BATCH_COMMANDS, BackupContents, Command, CommitParts, Message, Results, Submission,
    Transaction, Work, WriteOptions,
    idempotency::CompletedRequests,
    limited_keys::PendingReviews,
    transaction::{BatchBuilder, BatchContext, Committed, Decided},
};
use crate::{
    change_feed::ChangeFeed, clock::Clock, error::ServiceError, telemetry::metrics::Metrics,
    watch_registry::WatchRegistry, write_availability::WriteAvailability,
};

/// Longest wait for the callers of the last batch: two or three syncs of the disks here, after which the wait costs more
/// than the shared sync saves. `cargo durable puts` measures the result.
const MAX_LINGER: Duration = Duration::from_millis(2);
/// Interval between checks of the queue meanwhile.
const POLL_INTERVAL: Duration = Duration::from_micros(100);

pub(super) struct Worker {
    store: Box<dyn Store>,
    index: IndexWriter,
    reader: IndexReader,
    feed: ChangeFeed,
    watches: WatchRegistry,
    completed: CompletedRequests,
    availability: WriteAvailability,
    clock: Clock,
    metrics: Arc<Metrics>,
    review_changes: bool,
    /// Known from the first change by an API key that is limited by a label: it takes a pass over all merchants.
    pending: OnceCell<PendingReviews>,
}

/// Submissions that are committed together.
#[derive(Default)]
struct CommitBatch {
    submissions: Vec<Submission>,
    commands: usize,
    bytes: usize,
}

impl CommitBatch {
    /// Adds a submission, or returns it when the batch would become too large.
    fn add(&mut self, submission: Submission) -> Option<Submission> {
        let (commands, bytes) = (self.commands + submission.commands, self.bytes + submission.bytes);
        if !self.submissions.is_empty() && (commands > BATCH_COMMANDS || bytes > BATCH_BYTES) {
            return Some(submission);
        }
        (self.commands, self.bytes) = (commands, bytes);
        self.submissions.push(submission);
        None
    }
}

/// Sets the write availability to failed when the thread ends, for any reason.
struct FailOnExit(WriteAvailability);

impl Drop for FailOnExit {
    fn drop(&mut self) {
        self.0.fail();
    }
}

impl Worker {
    pub(super) fn new(parts: CommitParts) -> Self {
        let CommitParts {
            store,
            index,
            feed,
            watches,
            completed,
            availability,
            clock,
            metrics,
            review_changes,
        } = parts;
        Self {
            store,
            reader: index.reader(),
            index,
            feed,
            watches,
            completed: CompletedRequests::new(completed),
            availability,
            clock,
            metrics,
            review_changes,
            pending: OnceCell::new(),
        }
    }

    pub(super) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let _fail = FailOnExit(self.availability.clone());
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
            if self.store.is_checkpoint_due() {
                let contents = self.contents();
                self.store.checkpoint(contents);
            }
        }
        let contents = self.contents();
        if let Err(error) = self.store.close(contents) {
            tracing::warn!(%error, "cannot write the snapshot file; nothing is lost, but the next start takes longer");
        }
    }

    /// Adds the submissions that wait, and those that the callers of the last batch send soon. Returns one that does not fit.
    fn gather(
        &self,
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
        &self,
        message: Message,
        messages: &mut mpsc::Receiver<Message>,
        batch: &mut CommitBatch,
    ) -> Option<Submission> {
        match message {
            // The queue is still emptied; nothing new enters it.
            Message::Stop => messages.close(),
            // As of the last commit: the batch that is being gathered is not part of it.
            Message::BackupContents(reply) => {
                let contents = BackupContents { contents: self.contents(), digest: self.store.digest() };
                drop(reply.send(contents));
            }
            Message::Submit(submission) => return batch.add(submission),
        }
        None
    }

    fn contents(&self) -> Contents {
        Contents {
            snapshot: self.reader.snapshot(),
            deletions: self.feed.deletions(),
            requests: self.completed.all(),
        }
    }

    fn commit(&mut self, submissions: Vec<Submission>) {
        let now = (self.clock)();
        let mut builder = BatchBuilder::new(BatchContext {
            base: self.reader.snapshot(),
            completed_before: &self.completed,
            pending_before: &self.pending,
            review_changes: self.review_changes,
            now,
        });
        let results: Vec<(oneshot::Sender<Results>, Results)> = submissions
            .into_iter()
            .map(|Submission { work, reply, permits, .. }| {
                drop(permits);
                (reply, decide(&mut builder, work))
            })
            .collect();
        let decided = builder.into_decided();
        match self.make_durable(&decided, now) {
            Ok(()) => {
                self.index.apply(&decided.changes);
                if let Some(pending) = self.pending.get_mut() {
                    decided.changes.iter().for_each(|change| pending.apply(change));
                }
                self.feed.push(&decided.changes);
                let replaced = decided.replaced.iter().map(Option::as_deref);
                self.watches.notify(decided.changes.iter().zip(replaced));
                results.into_iter().for_each(|(reply, results)| acknowledge(reply, results));
            }
            // A command may have failed because of another change of the batch, which is not acknowledged either: all get the same error.
            Err(error) => {
                for (reply, _) in results {
                    acknowledge(reply, Err(error.clone()));
                }
            }
        }
    }

    fn make_durable(&mut self, decided: &Decided, now: UnixMicros) -> Result<(), ServiceError> {
        let Decided { changes, replaced, completed } = decided;
        if changes.is_empty() {
            return Ok(());
        }
        self.availability.check()?;
        let (deletions, deletions_since) = self.feed.to_forget(changes);
        let mut forget = self.completed.to_forget(completed, now);
        forget.extend(deletions.into_iter().map(Forget::Deletion));
        let replaces: Vec<Option<Revision>> =
            replaced.iter().map(|before| before.as_ref().map(|before| before.revision)).collect();
        let (replaces, forget) = (replaces.as_slice(), forget.as_slice());
        let batch = Batch { changes, replaces, completed, forget, deletions_since, position: None };
        let start = Instant::now();
        self.store.commit(&batch).map_err(|error| self.availability.reject(&error))?;
        self.metrics.commits.took_s.observe(start.elapsed().as_secs_f64());
        self.metrics.commits.commands.observe(f64::from(u32::try_from(changes.len()).unwrap_or(u32::MAX)));
        self.completed.replace(forget, completed);
        Ok(())
    }
}

fn decide(builder: &mut BatchBuilder<'_>, work: Work) -> Results {
    match work {
        Work::Independent(commands, options) => {
            Ok(commands.into_iter().map(|command| decide_one(builder, command, &options)).collect())
        }
        Work::Transaction(transaction) => {
            let decided = builder.decide_transaction(transaction)?;
            Ok(decided.into_iter().map(Ok).collect())
        }
    }
}

fn decide_one(
    builder: &mut BatchBuilder<'_>,
    command: Command,
    options: &WriteOptions,
) -> Result<Committed, ServiceError> {
    if !options.validate_only {
        return builder.decide(command, options.scope.as_deref());
    }
    let transaction = Transaction { commands: vec![command], request: None, options: options.clone() };
    let decided = builder.decide_transaction(transaction)?;
    decided.into_iter().next().ok_or(ServiceError::Internal("a command has no result"))
}

fn acknowledge(reply: oneshot::Sender<Results>, results: Results) {
    // Fails when the caller has gone away; its commands are committed all the same.
    drop(reply.send(results));
}
