//! The one way a merchant changes.
//!
//! One thread owns the store and the index writer. It takes commands from a bounded queue, gathers what waits into a
//! batch, decides each command in its order, makes the batch durable, makes it visible, and only then acknowledges. An
//! idle server commits a single command at once; a busy one shares each sync among all that wait.
//!
//! Under load it waits up to two milliseconds for those whom the last batch answered and who come again; idle it waits for
//! nobody.
//!
//! When the store fails, nothing of that batch is acknowledged and every later command is refused with the reason; where
//! it has no room, commands are refused until there is. Searches go on.

mod idempotency;
mod transaction;
mod worker;

use std::{fmt, io, sync::Arc, thread};

use nearby_index::{IndexWriter, Merchant, MerchantId, Revision, StoredMerchant, UnixMicros};
use nearby_store::{Content, DoneRequest, RequestId, Store, Tally};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

pub use self::transaction::Committed;
use self::{idempotency::Done, worker::Worker};
use crate::{
    change_feed::Feed,
    clock::Clock,
    error::{Quota, ServiceError},
    telemetry::metrics::Metrics,
    write_availability::Intake,
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
    /// About how many bytes it comes to in a commit.
    fn bytes(&self) -> usize {
        const BESIDE_BYTES: usize = 256;
        match self {
            Self::Put { merchant, .. } => merchant.profile.full_len() + BESIDE_BYTES,
            // Most merchants have less.
            Self::Edit { .. } => 1_024,
            Self::Delete { .. } => BESIDE_BYTES,
        }
    }

    /// The merchant that it is about.
    #[must_use]
    pub fn id(&self) -> &MerchantId {
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
    commands: usize,
    bytes: usize,
    /// Its place among the commands that may wait.
    place: OwnedSemaphorePermit,
}

/// All that there is after some commit.
#[derive(Debug)]
pub struct Captured {
    /// The merchants, and what is kept beside them.
    pub content: Content,
    /// What was committed.
    pub tally: Tally,
}

enum Message {
    Submit(Submission),
    Capture(oneshot::Sender<Captured>),
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
/// Commands that share one commit, and about how many bytes: enough to make the cost of a sync small, few enough to keep
/// the wait short. Commands that belong together are not parted, be they more.
const BATCH_COMMANDS: usize = 512;
const BATCH_BYTES: usize = 1024 * 1024;

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
    /// Whether changes are taken at all.
    pub intake: Intake,
    /// Makes versions of merchants.
    pub finish: Finish,
    /// Tells when.
    pub clock: Clock,
    /// Hears how long commits take.
    pub metrics: Arc<Metrics>,
}

/// Starts the committer on a thread of its own.
///
/// # Errors
/// Where the system has no thread to give.
pub fn spawn(parts: Parts) -> io::Result<(CommitterHandle, CommitterThread)> {
    let (queue, messages) = mpsc::channel(QUEUE_LENGTH);
    let Parts { store, index, feed, done, intake, finish, clock, metrics } = parts;
    let (reader, done) = (index.reader(), Done::new(done));
    let worker = Worker { store, index, reader, feed, done, intake, finish, clock, metrics };
    let thread = thread::Builder::new().name("committer".to_owned()).spawn(move || worker.run(messages))?;
    let room = Arc::new(Semaphore::new(QUEUE_COMMANDS));
    Ok((CommitterHandle { queue: queue.clone(), room }, CommitterThread { queue, thread }))
}

impl CommitterHandle {
    /// Submits commands that belong together and waits until they are durable and visible, or refused as a whole. Fails
    /// at once when too many submissions wait.
    ///
    /// # Errors
    /// [`ServiceError::Overloaded`] when too many submissions wait, [`ServiceError::NotReady`] when the server stops,
    /// [`ServiceError::DiskFull`] or [`ServiceError::ReadOnly`] when the store takes nothing, and why the first command that
    /// could not be done could not.
    pub async fn submit(&self, transaction: Transaction) -> Result<Vec<Committed>, ServiceError> {
        let (reply, results) = oneshot::channel();
        let place = Arc::clone(&self.room).try_acquire_many_owned(places(&transaction.commands));
        let place = place.map_err(|_| ServiceError::Overloaded(Quota::Writes))?;
        let message = Message::Submit(Submission::new(Work::Together(transaction), reply, place));
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ServiceError::Overloaded(Quota::Writes),
            mpsc::error::TrySendError::Closed(_) => STOPPING,
        })?;
        results.await.map_err(|_| STOPPING)??.into_iter().collect()
    }

    /// Submits commands, each on its own, and waits for room in the queue: for imports, which slow down by themselves.
    /// They are done in the order in which they are submitted, whenever their results are asked for.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn submit_each(&self, commands: Vec<Command>) -> Result<Submitted, ServiceError> {
        let mut waiting = Vec::new();
        for part in parted(commands) {
            let (reply, results) = oneshot::channel();
            let place = Arc::clone(&self.room).acquire_many_owned(places(&part)).await;
            let place = place.map_err(|_| STOPPING)?;
            let message = Message::Submit(Submission::new(Work::Each(part), reply, place));
            self.queue.send(message).await.map_err(|_| STOPPING)?;
            waiting.push(results);
        }
        Ok(Submitted { waiting })
    }

    /// How many commands wait to become durable.
    #[must_use]
    pub fn waiting(&self) -> usize {
        QUEUE_COMMANDS.saturating_sub(self.room.available_permits())
    }

    /// All that there is after the last commit.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn capture(&self) -> Result<Captured, ServiceError> {
        let (reply, captured) = oneshot::channel();
        self.queue.send(Message::Capture(reply)).await.map_err(|_| STOPPING)?;
        captured.await.map_err(|_| STOPPING)
    }
}

/// Commands that were submitted, each on its own.
#[derive(Debug)]
pub struct Submitted {
    waiting: Vec<oneshot::Receiver<Results>>,
}

impl Submitted {
    /// What became of them, once they are durable and visible.
    ///
    /// # Errors
    /// Where some were refused for a common reason, others before them may be done. [`ServiceError::NotReady`] when the
    /// server stops, and as of a transaction when the store takes nothing.
    pub async fn results(self) -> Results {
        let mut all = Vec::new();
        for results in self.waiting {
            all.append(&mut results.await.map_err(|_| STOPPING)??);
        }
        Ok(all)
    }
}

impl Submission {
    fn new(work: Work, reply: oneshot::Sender<Results>, place: OwnedSemaphorePermit) -> Self {
        let commands = match &work {
            Work::Each(commands) | Work::Together(Transaction { commands, .. }) => commands,
        };
        let (count, bytes) = (commands.len(), commands.iter().map(Command::bytes).sum());
        Self { work, reply, commands: count, bytes, place }
    }
}

/// Commands that are each on their own, in parts that fit into a batch.
fn parted(commands: Vec<Command>) -> Vec<Vec<Command>> {
    let mut parts: Vec<Vec<Command>> = Vec::new();
    let mut bytes = 0;
    for command in commands {
        bytes += command.bytes();
        match parts.last_mut() {
            Some(part) if part.len() < BATCH_COMMANDS && bytes <= BATCH_BYTES => part.push(command),
            _ => {
                bytes = command.bytes();
                parts.push(vec![command]);
            }
        }
    }
    parts
}

fn places(commands: &[Command]) -> u32 {
    u32::try_from(commands.len()).unwrap_or(u32::MAX)
}

const STOPPING: ServiceError = ServiceError::NotReady("stopping");

#[cfg(test)]
mod tests;
