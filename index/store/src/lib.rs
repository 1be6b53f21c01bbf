//! # What survives
//!
//! The trait [`Store`], with two engines behind it: [`DurableStore`] on disk and [`MemoryStore`] for tests and trials.
//!
//! | module | what it is |
//! |---|---|
//! | [`durable`](DurableStore) | the engine on disk: a journal, and behind it a base and an image |
//! | `journal` | where a commit becomes durable |
//! | `sled` | the base: all records as of a revision; the only place that says `sled::` |
//! | `image` | a cache from which a start is fast |
//! | `checkpoint` | takes the journal into a new base and a new image |
//! | `examine`, `assemble` | what a directory holds, held against what was committed |
//! | [`tally`](Tally) | what there must be, in a few numbers |
//! | [`backup`] | a file that holds all of it, and back |
//! | `codec` | the bytes of a record; the only place that decides them |
//! | `blocks`, `records` | the form of images and backups |
//! | `disk`, `lock`, `parallel`, `faults` | files that survive; one process a directory; threads; what is wrong |
//! | [`memory`](MemoryStore) | an engine that forgets |
//! | `conformance` | one suite that every engine passes |
//!
//! What must always hold:
//! - **`Ok` from [`Store::commit`] means durable**: it survives the loss of power. A batch is there whole or not at all.
//! - **Fail closed**: after a sync that failed, nobody knows what is on disk. The engine takes no more until it is
//!   opened anew, and never tries a failed sync again. A full disk is no failure: what finds no room is refused whole.
//! - **Damage is an error, never an answer**: every record carries its version and a checksum over its id and content, and
//!   the whole must reproduce the tally of the last commit, so that no record is lost, stale or back from the dead unseen.

pub mod backup;
mod blocks;
mod checkpoint;
mod codec;
#[cfg(test)]
mod conformance;
mod contents;
mod corruption;
mod digest;
mod engine;
mod fs;
mod fuzz_targets;
mod journal;
mod lock;
mod memory;
mod parallel;
mod records;
mod recovery;
mod replay;
mod sled;
mod snapshot_file;
mod verify;

use std::{
    collections::BTreeSet,
    fmt::Display,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use nearby_index::{Change, Revision, StoredMerchant, UnixMicros};
use thiserror::Error;

use self::corruption::Faults;
pub use self::{
    contents::Content,
    digest::Tally,
    engine::DurableStore,
    fs::bytes_below,
    fuzz_targets::read_anything,
    memory::MemoryStore,
    recovery::{Loaded, Source},
    verify::{Verified, verify},
};

/// Keeps merchants across restarts. Sync: whoever calls owns a thread for it.
pub trait Store: Send {
    /// Makes a batch durable, in its order and all or none.
    ///
    /// # Errors
    /// [`StoreError::Full`] where there is no room: nothing was done, and it can be tried again. [`StoreError::Io`] where the
    /// disk fails: the batch may or may not be on disk then, and every later commit is refused with
    /// [`StoreError::ReadOnly`] until the store is opened anew.
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError>;

    /// What was committed last.
    fn tally(&self) -> Tally;

    /// Tells whether the store has failed, from any thread.
    fn condition(&self) -> Arc<Condition>;

    /// Whether the journal has become so long that a checkpoint should take it in.
    fn is_checkpoint_due(&mut self) -> bool;

    /// Begins to take what was committed into the base, beside commits that go on, unless that is under way. `content` is
    /// what there is after the last commit.
    fn checkpoint(&mut self, content: Content);

    /// Ends in good order, so that the next start is quick. `content` is what there is after the last commit.
    ///
    /// # Errors
    /// Where the image cannot be written, without which the next start takes longer; nothing is lost.
    fn close(self: Box<Self>, content: Content) -> Result<(), StoreError>;
}

/// Makes of a record what the index is to hold: fills in what is part of the profile, which only those can read who wrote
/// it. The same for the same record always.
pub type Restore<'a> = &'a (dyn Fn(StoredMerchant) -> StoredMerchant + Sync);

/// How a store is opened.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// See [`Restore`]. Called from several threads.
    pub restore: Restore<'a>,
    /// Hears how many records were read, of how many: 0 where that is not known.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Bytes that the journal may have before a checkpoint is due; up to four times as many where the base is large.
    pub journal_bytes: u64,
    /// Whether to open a store that is damaged, for what is sound in it. It takes no changes then.
    pub salvage: bool,
}

impl Opening<'_> {
    /// Records as they are, and the usual for the rest.
    pub const PLAIN: Opening<'static> = Opening {
        restore: &|stored| stored,
        progress: &|_, _| {},
        journal_bytes: 256 * 1024 * 1024,
        salvage: false,
    };
}

/// Whether a store has failed. It never recovers but by being opened anew.
#[derive(Debug, Default)]
pub struct Condition {
    failure: OnceLock<String>,
}

impl Condition {
    /// Why it takes no more changes, if it does not.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    pub(crate) fn fail(&self, why: &dyn Display) {
        if self.failure.set(why.to_string()).is_ok() {
            tracing::error!(%why, "the store takes no more changes until it is opened anew");
        }
    }
}

/// Room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// What this process may still use.
    pub free_bytes: u64,
    /// How large it is.
    pub total_bytes: u64,
}

impl DiskSpace {
    /// Of the disk that a directory is on.
    ///
    /// # Errors
    /// Where the system does not say.
    pub fn of(directory: &Path) -> Result<Self, StoreError> {
        let stats = fs4::statvfs(directory).map_err(fs::at("look at", directory))?;
        Ok(Self { free_bytes: stats.available_space(), total_bytes: stats.total_space() })
    }
}

/// What is made durable together. A deletion among the changes is kept as such until it is forgotten.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The changes, at least one, with rising revisions above the last committed one.
    pub changes: &'a [Change],
    /// Of each change the revision of the version that it replaces or deletes, be it of the same batch; none where there was
    /// no such merchant.
    pub replaces: &'a [Option<Revision>],
    /// Requests that are done by these changes.
    pub done: &'a [Arc<DoneRequest>],
    /// What need not be kept any longer, and is gone before the rest is stored: a request may be forgotten and done anew.
    /// Each must be there.
    pub forget: &'a [Forget],
    /// The revision since which all deletions are kept.
    pub deletions_since: Revision,
}

impl Batch<'_> {
    /// The keys of the records that it forgets, each once.
    pub(crate) fn forgotten_keys(&self) -> BTreeSet<Vec<u8>> {
        self.forget.iter().flat_map(codec::keys_of).collect()
    }
}

/// How far a store has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The last committed revision.
    pub last: Revision,
    /// The revision since which all deletions are kept.
    pub deletions_since: Revision,
}

/// A caller's own number for a request, a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

/// A request that was done, kept so that its repetition is answered and not done again.
#[derive(Clone, Debug, PartialEq)]
pub struct DoneRequest {
    /// Its number.
    pub id: RequestId,
    /// Tells it from other requests that come with the same number.
    pub fingerprint: [u8; 16],
    /// When it was done.
    pub done: UnixMicros,
    /// What it came to, in its order: 1 to 1,000 changes.
    pub outcomes: Vec<Change>,
}

/// What need not be kept any longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// The deletion of this revision.
    Deletion(Revision),
    /// A request.
    Request {
        /// Its number.
        id: RequestId,
        /// How many outcomes it has.
        outcomes: usize,
    },
}

/// What went wrong, by what the operator can do about it.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process uses the directory.
    #[error(
        "{directory} is in use by another process{holder}; stop that process, or give this one another \
         directory with --data-dir"
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
        /// ` (process id N)` where it is known.
        holder: String,
    },
    /// There is no room. Nothing was done.
    #[error("no room on the disk to {action} {path}; free some")]
    Full {
        /// What was attempted.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The reason it gave.
        source: std::io::Error,
    },
    /// What was read is not what was written.
    #[error("the data in {path} is damaged: {what}")]
    Corrupt {
        /// The directory or file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// There is something already, a store or something else.
    #[error(
        "{path} is not empty; give a directory that is empty or not there, or move what is in it away first"
    )]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The store takes no changes.
    #[error("the store takes no more changes since it failed ({reason}); mend the disk and restart")]
    ReadOnly {
        /// How it failed.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn corrupt(path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.into() }
    }

    /// Whether the store cannot be trusted to write any more; not where there was merely no room, no file or no memory to be had,
    /// or it was told to stop.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        use std::io::ErrorKind;

        // ENFILE and EMFILE of Linux and its kin, which have no kind of their own.
        const TOO_MANY_FILES: [i32; 2] = [23, 24];
        match self {
            Self::Full { .. } => false,
            Self::Io { source, .. } => {
                let passes = [
                    ErrorKind::Interrupted,
                    ErrorKind::WouldBlock,
                    ErrorKind::OutOfMemory,
                    ErrorKind::TimedOut,
                ];
                let too_many = source.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code));
                !passes.contains(&source.kind()) && !too_many
            }
            _ => true,
        }
    }
}
