//! The one way a merchant changes.
//!
//! One thread owns the store and the index writer. It takes commands from a bounded queue, gathers what waits into a
//! batch, decides each command in its order, makes the batch durable, makes it visible, and only then acknowledges. An
//! idle server commits a single command at once; a busy one shares each sync among all that wait.
//!
//! When the store fails, nothing of that batch is acknowledged and every later command is refused with the reason;
//! searches go on.

mod decide;

use std::{io, thread};

use nearby_index::{IndexReader, IndexWriter, Merchant, MerchantId, Revision};
use nearby_store::Store;
use tokio::sync::{mpsc, oneshot};

pub use self::decide::Committed;
use self::decide::Draft;
use crate::{clock::Clock, error::ServiceError};

/// What a caller wants changed.
#[derive(Clone, Debug)]
pub enum Command {
    /// The merchant shall be this.
    Put {
        /// What it shall be.
        merchant: Merchant,
        /// What it must be now.
        expect: Expect,
    },
    /// The merchant shall be gone. It must be there.
    Delete {
        /// Which one.
        id: MerchantId,
        /// The version it must have now, if that matters.
        version: Option<Revision>,
    },
}

/// What must be true of a merchant for a put to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// There is none.
    Absent,
    /// There is one, of this version.
    Version(Revision),
}

/// What became of the commands of one submission, in their order.
type Results = Vec<Result<Committed, ServiceError>>;

struct Submission {
    commands: Vec<Command>,
    reply: oneshot::Sender<Results>,
}

enum Message {
    Submit(Submission),
    Stop,
}

/// Hands commands to the committer.
#[derive(Clone, Debug)]
pub struct CommitterHandle {
    queue: mpsc::Sender<Message>,
}

/// The committer's thread, to stop and to wait for.
#[derive(Debug)]
pub struct CommitterThread {
    queue: mpsc::Sender<Message>,
    thread: thread::JoinHandle<()>,
}

impl CommitterThread {
    /// Finishes what waits, takes nothing more, closes the store and returns. Blocks.
    ///
    /// # Errors
    /// Where the thread had died.
    pub fn stop(self) -> thread::Result<()> {
        // Where it has ended already there is nothing to tell it.
        drop(self.queue.blocking_send(Message::Stop));
        self.thread.join()
    }
}

/// Submissions that may wait. Beyond it callers are told to slow down.
const QUEUE_LENGTH: usize = 1_024;
/// Commands that share one commit: enough to make the cost of a sync small, few enough to keep the wait short.
const BATCH_COMMANDS: usize = 512;

/// Starts the committer on a thread of its own. The receiver ends when it can commit no more: the store failed, or the
/// committer stopped.
///
/// # Errors
/// Where the system has no thread to give.
pub fn spawn(
    store: Box<dyn Store>,
    index: IndexWriter,
    clock: Clock,
) -> io::Result<(CommitterHandle, CommitterThread, oneshot::Receiver<()>)> {
    let (queue, messages) = mpsc::channel(QUEUE_LENGTH);
    let reader = index.reader();
    let (able, unable) = oneshot::channel();
    let committer = Committer { store, index, reader, clock, able: Some(able) };
    let thread =
        thread::Builder::new().name("committer".to_owned()).spawn(move || committer.run(messages))?;
    Ok((CommitterHandle { queue: queue.clone() }, CommitterThread { queue, thread }, unable))
}

impl CommitterHandle {
    /// Submits commands and waits until they are durable and visible, or refused, each on its own. Fails at once when
    /// too many submissions wait.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] when too many submissions wait, [`ServiceError::NotReady`] when the server stops.
    pub async fn submit(&self, commands: Vec<Command>) -> Result<Results, ServiceError> {
        let (reply, results) = oneshot::channel();
        self.queue.try_send(Message::Submit(Submission { commands, reply })).map_err(
            |error| match error {
                mpsc::error::TrySendError::Full(_) => ServiceError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => STOPPING,
            },
        )?;
        results.await.map_err(|_| STOPPING)
    }

    /// As [`Self::submit`], but waits for room in the queue: for imports, which slow down by themselves.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn submit_patiently(&self, commands: Vec<Command>) -> Result<Results, ServiceError> {
        let (reply, results) = oneshot::channel();
        self.queue.send(Message::Submit(Submission { commands, reply })).await.map_err(|_| STOPPING)?;
        results.await.map_err(|_| STOPPING)
    }
}

const STOPPING: ServiceError = ServiceError::NotReady("stopping");

struct Committer {
    store: Box<dyn Store>,
    index: IndexWriter,
    reader: IndexReader,
    clock: Clock,
    /// Dropped when the store has failed, which tells whoever holds the other end.
    able: Option<oneshot::Sender<()>>,
}

impl Committer {
    fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.blocking_recv() {
            let mut next = Some(first);
            let mut batch = Vec::new();
            let mut count = 0;
            while let Some(message) = next {
                match message {
                    // What is in the queue is still taken out; nothing new gets in.
                    Message::Stop => messages.close(),
                    Message::Submit(submission) => {
                        count += submission.commands.len();
                        batch.push(submission);
                    }
                }
                next = if count < BATCH_COMMANDS { messages.try_recv().ok() } else { None };
            }
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Submission>) {
        let mut draft = Draft::on(self.reader.snapshot(), (self.clock)());
        let decided: Vec<(oneshot::Sender<Results>, Results)> = batch
            .into_iter()
            .map(|Submission { commands, reply }| {
                (reply, commands.into_iter().map(|command| draft.decide(command)).collect())
            })
            .collect();
        let changes = draft.into_changes();
        let durable = if changes.is_empty() { Ok(()) } else { self.store.commit(&changes) };
        match durable {
            Ok(()) => {
                self.index.apply(&changes);
                decided.into_iter().for_each(|(reply, results)| acknowledge(reply, results));
            }
            Err(error) => {
                if self.able.take().is_some() {
                    tracing::error!(%error, "a commit failed; the store takes no more changes until a restart");
                }
                for (reply, results) in decided {
                    let refused = results.into_iter().map(|decided| decided.and(Err(ServiceError::ReadOnly)));
                    acknowledge(reply, refused.collect());
                }
            }
        }
    }
}

fn acknowledge(reply: oneshot::Sender<Results>, results: Results) {
    // A caller that went away is no reason to fail: what it asked for is done.
    drop(reply.send(results));
}

#[cfg(test)]
mod tests;
