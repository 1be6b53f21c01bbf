//! The one way a merchant changes.
//!
//! One thread owns the store and the index writer. It takes commands from a bounded queue, gathers what waits into a
//! batch, decides each command in its order, makes the batch durable, makes it visible, and only then acknowledges. An
//! idle server commits a single command at once; a busy one shares each sync among all that wait.
//!
//! When the store fails, nothing of that batch is acknowledged and every later command is refused with the reason;
//! searches go on.

mod decide;
mod done;

use std::{fmt, io, sync::Arc, thread};

use nearby_index::{IndexReader, IndexWriter, Merchant, MerchantId, Revision, StoredMerchant, UnixMicros};
use nearby_store::{Batch, DoneRequest, Forget, RequestId, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

pub use self::decide::Committed;
use self::{
    decide::{Decided, Draft},
    done::Done,
};
use crate::{
    clock::Clock,
    error::{Quota, ServiceError},
    feed::Feed,
};

/// What a merchant comes to, given what it is now: decided by the committer, so that nobody else can come between.
pub type Edit = Box<dyn FnOnce(Option<&StoredMerchant>) -> Result<Merchant, ServiceError> + Send>;

/// Makes a version of a merchant, with what the commit decided put into its profile.
pub type Finish = fn(Merchant, Stamp) -> StoredMerchant;

/// What a commit decides about a version of a merchant.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The revision of the change that makes it.
    pub revision: Revision,
    /// The revision of the change that put the merchant where it is.
    pub placed: Revision,
    /// When the merchant was first stored.
    pub create_time: UnixMicros,
    /// When this version is made.
    pub update_time: UnixMicros,
}

/// What a caller wants changed.
#[expect(clippy::large_enum_variant, reason = "nearly all are puts")]
pub enum Command {
    /// The merchant shall be this.
    Put {
        /// What it shall be.
        merchant: Merchant,
        /// What it must be now.
        expect: Expect,
    },
    /// The merchant shall be what the edit makes of it.
    Edit {
        /// Which one; the edit cannot change it.
        id: MerchantId,
        /// What it shall be, given what it is.
        edit: Edit,
    },
    /// The merchant shall be gone. It must be there.
    Delete {
        /// Which one.
        id: MerchantId,
        /// The version it must have now, if that matters.
        version: Option<Revision>,
    },
}

impl Command {
    fn id(&self) -> &MerchantId {
        match self {
            Self::Put { merchant, .. } => &merchant.id,
            Self::Edit { id, .. } | Self::Delete { id, .. } => id,
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Put { .. } => "Put",
            Self::Edit { .. } => "Edit",
            Self::Delete { .. } => "Delete",
        };
        write!(f, "{kind}({:?})", self.id())
    }
}

/// What must be true of a merchant for a put to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// There is none.
    Absent,
}

/// How a request is known again when it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's number for it.
    pub id: RequestId,
    /// Tells it from other requests with the same number.
    pub fingerprint: [u8; 16],
}

/// Commands that are done together or not at all.
#[derive(Debug)]
pub struct Transaction {
    /// What shall change, in this order: 1 to 1,000 commands.
    pub commands: Vec<Command>,
    /// How a repetition is known, which is answered and not done again.
    pub request: Option<RequestKey>,
    /// Whether only to say what it would come to.
    pub validate_only: bool,
}

/// What became of commands, in their order; an error as a whole where none of them was done for a common reason.
type Results = Result<Vec<Result<Committed, ServiceError>>, ServiceError>;

enum Work {
    /// Each on its own.
    Each(Vec<Command>),
    /// All or none.
    Together(Transaction),
}

struct Submission {
    work: Work,
    reply: oneshot::Sender<Results>,
    /// Its place among the commands that may wait.
    place: OwnedSemaphorePermit,
}

enum Message {
    Submit(Submission),
    Stop,
}

/// Hands commands to the committer.
#[derive(Clone, Debug)]
pub struct CommitterHandle {
    queue: mpsc::Sender<Message>,
    /// How many more commands may wait.
    room: Arc<Semaphore>,
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
/// Commands that may wait, of at most 33 KiB each.
const QUEUE_COMMANDS: usize = 16_384;
/// Commands that share one commit: enough to make the cost of a sync small, few enough to keep the wait short.
const BATCH_COMMANDS: usize = 512;

/// What a committer works on.
pub struct Parts {
    /// Where changes become durable.
    pub store: Box<dyn Store>,
    /// Where they become visible.
    pub index: IndexWriter,
    /// Where those hear of them who follow.
    pub feed: Feed,
    /// Requests that were done before.
    pub done: Vec<Arc<DoneRequest>>,
    /// Makes versions of merchants.
    pub finish: Finish,
    /// Tells when.
    pub clock: Clock,
}

/// Starts the committer on a thread of its own. The receiver ends when it can commit no more: the store failed, or the
/// committer stopped.
///
/// # Errors
/// Where the system has no thread to give.
pub fn spawn(parts: Parts) -> io::Result<(CommitterHandle, CommitterThread, oneshot::Receiver<()>)> {
    let (queue, messages) = mpsc::channel(QUEUE_LENGTH);
    let Parts { store, index, feed, done, finish, clock } = parts;
    let (reader, done) = (index.reader(), Done::new(done));
    let (able, unable) = oneshot::channel();
    let committer = Committer { store, index, reader, feed, done, finish, clock, able: Some(able) };
    let thread =
        thread::Builder::new().name("committer".to_owned()).spawn(move || committer.run(messages))?;
    let room = Arc::new(Semaphore::new(QUEUE_COMMANDS));
    Ok((CommitterHandle { queue: queue.clone(), room }, CommitterThread { queue, thread }, unable))
}

impl CommitterHandle {
    /// Submits commands that belong together and waits until they are durable and visible, or refused as a whole. Fails
    /// at once when too many submissions wait.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] when too many submissions wait, [`ServiceError::NotReady`] when the server stops,
    /// and why the first command that could not be done could not.
    pub async fn submit(&self, transaction: Transaction) -> Result<Vec<Committed>, ServiceError> {
        let (reply, results) = oneshot::channel();
        let place = Arc::clone(&self.room).try_acquire_many_owned(places(&transaction.commands));
        let place = place.map_err(|_| ServiceError::Overloaded(Quota::Writes))?;
        let message = Message::Submit(Submission { work: Work::Together(transaction), reply, place });
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ServiceError::Overloaded(Quota::Writes),
            mpsc::error::TrySendError::Closed(_) => STOPPING,
        })?;
        results.await.map_err(|_| STOPPING)??.into_iter().collect()
    }

    /// Submits commands, each on its own, and waits for room in the queue: for imports, which slow down by themselves.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn submit_each(&self, commands: Vec<Command>) -> Results {
        let (reply, results) = oneshot::channel();
        let place = Arc::clone(&self.room).acquire_many_owned(places(&commands)).await;
        let place = place.map_err(|_| STOPPING)?;
        let message = Message::Submit(Submission { work: Work::Each(commands), reply, place });
        self.queue.send(message).await.map_err(|_| STOPPING)?;
        results.await.map_err(|_| STOPPING)?
    }
}

fn places(commands: &[Command]) -> u32 {
    u32::try_from(commands.len()).unwrap_or(u32::MAX)
}

const STOPPING: ServiceError = ServiceError::NotReady("stopping");

struct Committer {
    store: Box<dyn Store>,
    index: IndexWriter,
    reader: IndexReader,
    feed: Feed,
    done: Done,
    finish: Finish,
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
                        count += match &submission.work {
                            Work::Each(commands) | Work::Together(Transaction { commands, .. }) => {
                                commands.len()
                            }
                        };
                        batch.push(submission);
                    }
                }
                next = if count < BATCH_COMMANDS { messages.try_recv().ok() } else { None };
            }
            self.commit(batch);
        }
    }

    fn commit(&mut self, batch: Vec<Submission>) {
        let now = (self.clock)();
        let mut draft = Draft::on(self.reader.snapshot(), &self.done, self.finish, now);
        let results: Vec<(oneshot::Sender<Results>, Results)> = batch
            .into_iter()
            .map(|Submission { work, reply, place }| {
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
            Err(error) => {
                if self.able.take().is_some() {
                    tracing::error!(%error, "a commit failed; the store takes no more changes until a restart");
                }
                // What was refused may have been so because of a change that is lost with the rest.
                for (reply, _) in results {
                    acknowledge(reply, Err(ServiceError::ReadOnly));
                }
            }
        }
    }

    fn make_durable(&mut self, decided: &Decided, now: UnixMicros) -> Result<(), StoreError> {
        let Decided { changes, done } = decided;
        if changes.is_empty() {
            return Ok(());
        }
        let (deletions, deletions_since) = self.feed.to_forget(changes);
        let mut forget = self.done.to_forget(done, now);
        forget.extend(deletions.into_iter().map(Forget::Deletion));
        self.store.commit(&Batch { changes, done, forget: &forget, deletions_since })?;
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

#[cfg(test)]
mod tests;
