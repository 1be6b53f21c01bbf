//! The commit thread: the only way a merchant changes.
//!
//! One thread owns the store and the index writer. It takes commands from a bounded queue, gathers those that wait into a
//! batch, decides each command in order, makes the batch durable, makes it visible, and only then acknowledges it (group
//! commit). An idle server commits a single command at once; a busy one shares each sync among all that wait.
//!
//! Under load it waits up to two milliseconds for the callers of the last batch, who are about to send their next command;
//! idle it does not wait.
//!
//! When the store fails, nothing of that batch is acknowledged, and every later command is rejected with the reason. While
//! the disk is full, commands are rejected until there is space. Searches go on.

mod batch;
mod idempotency;
mod in_flight;
mod limited_keys;
mod local_copy;
mod replicated;
mod store_replica;
mod transaction;
mod waiting;
mod worker;

use std::{io, sync::Arc, thread};

use nearby_cluster::{
    identity::Sequence,
    local::LocalLog,
    protocol::{HealError, ProposeError},
};
use nearby_index::{IndexWriter, Merchant, MerchantId, Revision};
use nearby_store::{CompletedRequest, Contents, LogPosition, RequestId, StateDigest, Store};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
};

pub use self::transaction::Committed;
use self::{
    local_copy::{LocalCopy, LocalParts},
    replicated::ReplicatedWorker,
    worker::Worker,
};
use crate::{
    change_feed::ChangeFeed,
    clock::Clock,
    cluster::ClusterParts,
    error::{LimitedResource, ServiceError},
    merchant_scope::MerchantScope,
    record::MerchantPatch,
    telemetry::metrics::Metrics,
    watch_registry::WatchRegistry,
    write_availability::WriteAvailability,
};

/// A change of one merchant.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all commands are puts")]
pub enum Command {
    /// Stores a merchant.
    Put {
        /// The merchant.
        merchant: Merchant,
        /// The required current state.
        expect: Expect,
    },
    /// Updates a merchant.
    Patch(MerchantPatch),
    /// Deletes a merchant, which must exist.
    Delete {
        /// The merchant.
        id: MerchantId,
        /// The version that it must have, if any.
        version: Option<Revision>,
    },
}

impl Command {
    /// About the number of bytes that it adds to a commit.
    fn bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 256;
        match self {
            Self::Put { merchant, .. } => merchant.profile.full_len() + OVERHEAD_BYTES,
            Self::Patch(patch) => patch.bytes() + OVERHEAD_BYTES,
            Self::Delete { .. } => OVERHEAD_BYTES,
        }
    }

    /// The merchant that it changes.
    #[must_use]
    pub fn id(&self) -> &MerchantId {
        match self {
            Self::Put { merchant, .. } => &merchant.id,
            Self::Patch(MerchantPatch { id, .. }) | Self::Delete { id, .. } => id,
        }
    }
}

/// The required current state of a merchant that is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Any.
    Anything,
    /// It does not exist.
    Absent,
}

/// Identifies a request, so that a repetition is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The request id that the client chose.
    pub id: RequestId,
    /// A hash of the request: another request must not reuse the id.
    pub fingerprint: [u8; 16],
}

/// Commands that are committed together or not at all.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The commands, in order: 1 to 1,000.
    pub commands: Vec<Command>,
    /// Identifies a repetition, which returns the first result and is not committed again.
    pub request: Option<RequestKey>,
    /// Options of all of them.
    pub options: WriteOptions,
}

/// Options of commands that are submitted together.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The merchants that the caller may change; `None` for all.
    pub scope: Option<Arc<MerchantScope>>,
    /// True to return the results without committing them.
    pub validate_only: bool,
}

/// Results of commands, in order; an error for all of them when none was committed for a common reason.
type Results = Result<Vec<Result<Committed, ServiceError>>, ServiceError>;

#[derive(Clone)]
enum Work {
    /// Each command on its own.
    Independent(Vec<Command>, WriteOptions),
    /// All commands or none.
    Transaction(Transaction),
}

struct Submission {
    work: Work,
    reply: oneshot::Sender<Results>,
    commands: usize,
    bytes: usize,
    /// Its permits for the queue, one per command.
    permits: OwnedSemaphorePermit,
}

/// Everything as of a commit.
#[derive(Debug)]
pub struct BackupContents {
    /// The merchants, deletions and completed requests.
    pub contents: Contents,
    /// Their digest.
    pub digest: StateDigest,
    /// Their position in the log of the cluster, if the server belongs to one.
    pub position: Option<LogPosition>,
}

enum Message {
    Submit(Submission),
    BackupContents(oneshot::Sender<BackupContents>),
    Cluster(ClusterOperation),
    Stop,
}

/// An operation on a cluster. A single node drops it.
#[derive(Debug)]
pub enum ClusterOperation {
    /// Publishes again what the log has lost. The result is the number of messages.
    Heal(oneshot::Sender<Result<u64, HealError>>),
    /// Raises the format of the log.
    Upgrade {
        /// The format.
        format: u16,
        /// The result.
        reply: oneshot::Sender<Result<Sequence, UpgradeError>>,
    },
    /// Takes the contents as of a message.
    Capture {
        /// The position of the message.
        sequence: Sequence,
        /// True to commit nothing until the log is so long.
        advance: bool,
        /// Dropped if the message has passed.
        reply: oneshot::Sender<BackupContents>,
    },
}

/// The format of the log was not raised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// The protocol refuses.
    #[error("{0}")]
    Refused(ProposeError),
    /// The node accepts no changes.
    #[error("{0}")]
    Rejected(ServiceError),
    /// Another commit was stored first.
    #[error("another commit was stored first; retry")]
    Conflict,
}

/// Submits commands to the commit thread; clones share it.
#[derive(Clone, Debug)]
pub struct CommitHandle {
    queue: mpsc::Sender<Message>,
    /// Permits of commands that may wait.
    permits: Arc<Semaphore>,
}

/// The commit thread, to be stopped and joined.
#[derive(Debug)]
pub struct CommitThread {
    queue: mpsc::Sender<Message>,
    thread: thread::JoinHandle<()>,
}

impl CommitThread {
    /// Finishes the queue, accepts nothing more, and closes the store. Blocks.
    ///
    /// # Errors
    /// When the thread has panicked.
    pub fn stop(self) -> thread::Result<()> {
        // Fails when the thread has ended already.
        drop(self.queue.blocking_send(Message::Stop));
        self.thread.join()
    }
}

/// Submissions that may wait. Further ones fail with [`ServiceError::LimitReached`].
const QUEUE_SUBMISSIONS: usize = 1_024;
/// Commands that may wait: at 33 KiB each at most 540 MB.
const QUEUE_COMMANDS: usize = 16_384;
/// Commands and bytes of one commit. A sync takes about a millisecond here and writing a mebibyte about as long, so that
/// larger batches would gain little and delay their first command. The commands of a transaction are never split, even if
/// they are more. `cargo durable puts` measures the result; the two bounds were not varied.
const BATCH_COMMANDS: usize = 512;
const BATCH_BYTES: usize = 1024 * 1024;

/// Parts of the commit thread.
pub struct CommitParts {
    /// Makes changes durable.
    pub store: Box<dyn Store>,
    /// Makes changes visible.
    pub index: IndexWriter,
    /// Publishes changes to watchers.
    pub feed: ChangeFeed,
    /// The watches that the changes wake.
    pub watches: WatchRegistry,
    /// Completed requests, from the store.
    pub completed: Vec<Arc<CompletedRequest>>,
    /// State of the write availability, checked before each commit.
    pub availability: WriteAvailability,
    /// The time of changes.
    pub clock: Clock,
    /// Records the duration of commits.
    pub metrics: Arc<Metrics>,
    /// True if changes by API keys that are limited to merchants have to be reviewed.
    pub review_changes: bool,
    /// The replicated log, unless the server is a single node.
    pub cluster: Option<ClusterParts>,
}

/// Sets the write availability to failed when the thread ends, for any reason.
struct FailOnExit(WriteAvailability);

impl Drop for FailOnExit {
    fn drop(&mut self) {
        self.0.fail();
    }
}

/// Starts the commit thread.
///
/// # Errors
/// When the system cannot start a thread.
pub fn spawn(parts: CommitParts) -> io::Result<(CommitHandle, CommitThread)> {
    let (queue, messages) = mpsc::channel(QUEUE_SUBMISSIONS);
    let run = thread_of(parts);
    let thread = thread::Builder::new().name("commit".to_owned()).spawn(move || run(messages))?;
    let permits = Arc::new(Semaphore::new(QUEUE_COMMANDS));
    Ok((CommitHandle { queue: queue.clone(), permits }, CommitThread { queue, thread }))
}

type Run = Box<dyn FnOnce(mpsc::Receiver<Message>) + Send>;

/// The commit thread of a single node, or of a node of a cluster.
fn thread_of(parts: CommitParts) -> Run {
    let CommitParts { store, index, feed, watches, completed, availability, clock, metrics, .. } = parts;
    let local = LocalParts { index, feed, watches, completed, review_changes: parts.review_changes };
    let copy = LocalCopy::new(local);
    let fail_on_exit = FailOnExit(availability.clone());
    match parts.cluster {
        None => Box::new(move |messages| {
            let _fail = fail_on_exit;
            let (log, commits) = (LocalLog::new(store), Sequence::ZERO);
            Worker { log, copy, availability, clock, metrics, commits }.run(messages);
        }),
        Some(cluster) => {
            let runtime = Handle::current();
            Box::new(move |messages| {
                let _fail = fail_on_exit;
                let worker = ReplicatedWorker::new(cluster, (store, copy), (availability, clock, metrics));
                runtime.block_on(worker.run(messages));
            })
        }
    }
}

/// Closes the store at the end of the commit thread.
fn close(store: Box<dyn Store>, contents: Contents) {
    if let Err(error) = store.close(contents) {
        tracing::warn!(%error, "cannot write the snapshot file; nothing is lost, but the next start takes longer");
    }
}

impl CommitHandle {
    /// Submits a transaction and waits until it is durable and visible, or rejected as a whole. Fails at once when too many
    /// submissions wait.
    ///
    /// # Errors
    /// [`ServiceError::LimitReached`] when too many submissions wait, [`ServiceError::NotReady`] when the server stops,
    /// [`ServiceError::DiskFull`] or [`ServiceError::ReadOnly`] when the store accepts nothing, or the error of the first
    /// command that failed.
    pub async fn submit(&self, transaction: Transaction) -> Result<Vec<Committed>, ServiceError> {
        let (reply, results) = oneshot::channel();
        let permits = Arc::clone(&self.permits).try_acquire_many_owned(permits_for(&transaction.commands));
        let permits = permits.map_err(|_| ServiceError::LimitReached(LimitedResource::Writes))?;
        let message = Message::Submit(Submission::new(Work::Transaction(transaction), reply, permits));
        self.queue.try_send(message).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ServiceError::LimitReached(LimitedResource::Writes),
            mpsc::error::TrySendError::Closed(_) => STOPPING,
        })?;
        results.await.map_err(|_| STOPPING)??.into_iter().collect()
    }

    /// Submits independent commands and waits for space in the queue, which slows down an import. They are committed in the
    /// order in which they are submitted, whenever their results are awaited.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn submit_each(
        &self,
        commands: Vec<Command>,
        options: &WriteOptions,
    ) -> Result<Submitted, ServiceError> {
        let mut waiting = Vec::new();
        for part in into_batches(commands) {
            let (reply, results) = oneshot::channel();
            let permits = Arc::clone(&self.permits).acquire_many_owned(permits_for(&part)).await;
            let permits = permits.map_err(|_| STOPPING)?;
            let message =
                Message::Submit(Submission::new(Work::Independent(part, options.clone()), reply, permits));
            self.queue.send(message).await.map_err(|_| STOPPING)?;
            waiting.push(results);
        }
        Ok(Submitted { waiting })
    }

    /// Starts an operation on the cluster.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn operate(&self, operation: ClusterOperation) -> Result<(), ServiceError> {
        self.queue.send(Message::Cluster(operation)).await.map_err(|_| STOPPING)
    }

    /// The number of commands that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        QUEUE_COMMANDS.saturating_sub(self.permits.available_permits())
    }

    /// Everything as of the last commit.
    ///
    /// # Errors
    /// [`ServiceError::NotReady`] when the server stops.
    pub async fn backup_contents(&self) -> Result<BackupContents, ServiceError> {
        let (reply, contents) = oneshot::channel();
        self.queue.send(Message::BackupContents(reply)).await.map_err(|_| STOPPING)?;
        contents.await.map_err(|_| STOPPING)
    }
}

/// Independent commands that were submitted.
#[derive(Debug)]
pub struct Submitted {
    waiting: Vec<oneshot::Receiver<Results>>,
}

impl Submitted {
    /// Their results, once they are durable and visible.
    ///
    /// # Errors
    /// As of a transaction. When some were rejected for a common reason, earlier ones may have been committed.
    pub async fn results(self) -> Results {
        let mut all = Vec::new();
        for results in self.waiting {
            all.append(&mut results.await.map_err(|_| STOPPING)??);
        }
        Ok(all)
    }
}

impl Submission {
    fn new(work: Work, reply: oneshot::Sender<Results>, permits: OwnedSemaphorePermit) -> Self {
        let commands = match &work {
            Work::Independent(commands, _) | Work::Transaction(Transaction { commands, .. }) => commands,
        };
        let (count, bytes) = (commands.len(), commands.iter().map(Command::bytes).sum());
        Self { work, reply, commands: count, bytes, permits }
    }
}

/// Splits independent commands into parts that fit into a batch.
fn into_batches(commands: Vec<Command>) -> Vec<Vec<Command>> {
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

fn permits_for(commands: &[Command]) -> u32 {
    u32::try_from(commands.len()).unwrap_or(u32::MAX)
}

const STOPPING: ServiceError = ServiceError::NotReady("stopping");

#[cfg(test)]
mod cluster_tests;
#[cfg(test)]
pub(crate) mod tests;
