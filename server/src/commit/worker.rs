//! The thread that owns the store and the index writer.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nearby_index::{IndexReader, IndexWriter, UnixMicros};
use nearby_store::{Batch, Content, Forget, Store};
use tokio::sync::{mpsc, oneshot};

use super::{
    BATCH_BYTES, BATCH_COMMANDS, Captured, Finish, Message, Results, Submission, Transaction, Work,
    idempotency::Done,
    transaction::{Decided, Draft},
};
use crate::{
    change_feed::Feed, clock::Clock, error::ServiceError, telemetry::metrics::Metrics,
    write_availability::Intake,
};

/// Longest wait for those who were answered by the last batch.
const MOST_LINGER: Duration = Duration::from_millis(2);
/// How often it is looked whether they have come.
const LOOK_EVERY: Duration = Duration::from_micros(100);

pub(super) struct Worker {
    pub(super) store: Box<dyn Store>,
    pub(super) index: IndexWriter,
    pub(super) reader: IndexReader,
    pub(super) feed: Feed,
    pub(super) done: Done,
    pub(super) intake: Intake,
    pub(super) finish: Finish,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
}

/// Submissions that are committed together.
#[derive(Default)]
struct Gathered {
    submissions: Vec<Submission>,
    commands: usize,
    bytes: usize,
}

impl Gathered {
    /// Takes a submission in, or gives it back where the batch would become too large.
    fn take(&mut self, submission: Submission) -> Option<Submission> {
        let (commands, bytes) = (self.commands + submission.commands, self.bytes + submission.bytes);
        if !self.submissions.is_empty() && (commands > BATCH_COMMANDS || bytes > BATCH_BYTES) {
            return Some(submission);
        }
        (self.commands, self.bytes) = (commands, bytes);
        self.submissions.push(submission);
        None
    }
}

/// Says that nothing is taken any more, however the thread ends.
struct Ends(Intake);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.fail();
    }
}

impl Worker {
    pub(super) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let _ends = Ends(self.intake.clone());
        // What the last batch had no room for, and how many it answered.
        let (mut held, mut answered) = (None, 0);
        loop {
            let mut gathered = Gathered::default();
            held = held.and_then(|held| gathered.take(held));
            if gathered.submissions.is_empty() {
                let idle_since = Instant::now();
                let Some(first) = messages.blocking_recv() else { break };
                if idle_since.elapsed() > MOST_LINGER {
                    // Whoever was answered last is not coming again soon.
                    answered = 0;
                }
                held = self.handle(first, &mut messages, &mut gathered);
            }
            if held.is_none() {
                held = self.gather(&mut messages, &mut gathered, answered);
            }
            answered = gathered.submissions.len();
            if answered > 0 {
                self.commit(gathered.submissions);
            }
            if self.store.is_checkpoint_due() {
                let content = self.content();
                self.store.checkpoint(content);
            }
        }
        let content = self.content();
        if let Err(error) = self.store.close(content) {
            tracing::warn!(%error, "the image is not written; nothing is lost, but the next start takes longer");
        }
    }

    /// Adds what waits, and what those send who were answered last if they come soon. Returns what there was no room for.
    fn gather(
        &self,
        messages: &mut mpsc::Receiver<Message>,
        gathered: &mut Gathered,
        answered: usize,
    ) -> Option<Submission> {
        let start = Instant::now();
        loop {
            while let Ok(message) = messages.try_recv() {
                let held = self.handle(message, messages, gathered);
                if held.is_some() {
                    return held;
                }
            }
            let all_are_here = gathered.submissions.len() >= answered;
            if all_are_here || messages.is_closed() || start.elapsed() >= MOST_LINGER {
                return None;
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn handle(
        &self,
        message: Message,
        messages: &mut mpsc::Receiver<Message>,
        gathered: &mut Gathered,
    ) -> Option<Submission> {
        match message {
            // What is in the queue is still taken out; nothing new gets in.
            Message::Stop => messages.close(),
            // As of the last commit: what is being gathered is not part of it.
            Message::Capture(reply) => {
                drop(reply.send(Captured { content: self.content(), tally: self.store.tally() }));
            }
            Message::Submit(submission) => return gathered.take(submission),
        }
        None
    }

    fn content(&self) -> Content {
        Content {
            snapshot: self.reader.snapshot(),
            deletions: self.feed.deletions(),
            requests: self.done.all(),
        }
    }

    fn commit(&mut self, batch: Vec<Submission>) {
        let now = (self.clock)();
        let mut draft = Draft::on(self.reader.snapshot(), &self.done, self.finish, now);
        let results: Vec<(oneshot::Sender<Results>, Results)> = batch
            .into_iter()
            .map(|Submission { work, reply, place, .. }| {
                drop(place);
                (reply, decide(&mut draft, work))
            })
            .collect();
        let decided = draft.into_decided();
        match self.make_durable(&decided, now) {
            Ok(()) => {
                self.index.apply(&decided.changes);
                self.feed.push(&decided.changes);
                results.into_iter().for_each(|(reply, results)| acknowledge(reply, results));
            }
            // What was refused may have been so because of a change that is lost with the rest.
            Err(refusal) => {
                for (reply, _) in results {
                    acknowledge(reply, Err(refusal.clone()));
                }
            }
        }
    }

    fn make_durable(&mut self, decided: &Decided, now: UnixMicros) -> Result<(), ServiceError> {
        let Decided { changes, replaces, done } = decided;
        if changes.is_empty() {
            return Ok(());
        }
        self.intake.check()?;
        let (deletions, deletions_since) = self.feed.to_forget(changes);
        let mut forget = self.done.to_forget(done, now);
        forget.extend(deletions.into_iter().map(Forget::Deletion));
        let batch = Batch { changes, replaces, done, forget: &forget, deletions_since };
        let start = Instant::now();
        self.store.commit(&batch).map_err(|error| self.intake.refuse(&error))?;
        self.metrics.commits.took_s.observe(start.elapsed().as_secs_f64());
        self.metrics.commits.commands.observe(f64::from(u32::try_from(changes.len()).unwrap_or(u32::MAX)));
        self.done.replace(&forget, done);
        Ok(())
    }
}

fn decide(draft: &mut Draft<'_>, work: Work) -> Results {
    match work {
        Work::Each(commands) => Ok(commands.into_iter().map(|command| draft.decide(command)).collect()),
        Work::Together(Transaction { commands, request, validate_only }) => {
            let decided = draft.decide_together(commands, request, validate_only)?;
            Ok(decided.into_iter().map(Ok).collect())
        }
    }
}

fn acknowledge(reply: oneshot::Sender<Results>, results: Results) {
    // A caller that went away is no reason to fail: what it asked for is done.
    drop(reply.send(results));
}
