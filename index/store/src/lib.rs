//! # Durable store
//!
//! The trait [`Store`] and its two engines: [`DurableStore`] on disk, and [`MemoryStore`] for tests and trials.
//!
//! | module | content |
//! |---|---|
//! | [`engine`](DurableStore) | the on-disk engine: a write-ahead journal, a base, and a snapshot file |
//! | `journal` | the write-ahead journal, where a commit becomes durable |
//! | `sled` | the base: all records as of one revision; the only module that uses `sled` |
//! | `snapshot_file` | a cache of the index content that makes startup fast |
//! | `checkpoint` | moves the journal's content into a new base and a new snapshot file |
//! | `recovery`, `replay` | reads a directory at startup and compares it with what was committed |
//! | [`digest`](StateDigest) | a summary of the state that recovery must reproduce |
//! | [`backup`] | writes a store to one file, and restores it, also as an exact copy |
//! | `new_store` | creates a store as a whole, for backups that are restored |
//! | [`replacement`](replace_store) | replaces a store by another one |
//! | `codec` | the encoding of records; the only module that defines it |
//! | [`batch_codec`](OwnedBatch) | the encoding of batches in messages of a replicated log |
//! | `blocks` | the block format of snapshot files and backups |
//! | [`contents`](Contents) | the full content of a store in memory, as checkpoints and backups take it, and its hash |
//! | `verify`, `corruption` | checks a store or a backup and collects what is damaged |
//! | `files` | the names of the files of a store |
//! | `fs`, `lock`, `parallel` | durable file operations; one process per directory; parallel decoding |
//! | [`memory`](MemoryStore) | the engine that persists nothing |
//! | `conformance` | the test suite that every engine passes |
//! | `fuzz_targets` | entry points for fuzzers |
//!
//! Invariants:
//! - **`Ok` from [`Store::commit`] means durable**: the batch survives a power failure. A batch is applied atomically.
//!   Batches of [`Store::append`] become durable with [`Store::sync`]; a power failure before it leaves a prefix of them.
//! - **Fail-stop**: after a failed sync the state on disk is unknown. The engine refuses further commits until it is
//!   reopened and never retries the sync, since the kernel may have dropped the dirty pages. A full disk is not a failure:
//!   a commit without space is rejected as a whole.
//! - **Corruption is an error, never a wrong result**: every record carries a version and a checksum over its key and
//!   content, and recovery must reproduce the digest of the last commit, so that a lost, stale or resurrected record is
//!   detected.

pub mod backup;
mod batch_codec;
mod blocks;
mod checkpoint;
mod codec;
#[cfg(test)]
mod conformance;
mod contents;
mod corruption;
mod digest;
mod engine;
mod files;
mod fs;
mod fuzz_targets;
mod journal;
mod lock;
mod memory;
mod new_store;
mod parallel;
mod recovery;
mod replacement;
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

pub use self::{
    batch_codec::{
        BatchDecodeError, OwnedBatch, decode_batch, encode_batch, encoded_change_bytes, encoded_forget_bytes,
    },
    contents::{ContentHash, Contents},
    digest::{StateDigest, Watermarks},
    engine::DurableStore,
    fs::{check_directory, create_private, disk_usage, is_read_only},
    fuzz_targets::fuzz_decode,
    memory::MemoryStore,
    recovery::{RecoveredState, RecoverySource},
    replacement::{prepare_staging, replace_store},
    verify::{VerifyReport, verify},
};

/// Persistent storage of merchants. Blocking: callers dedicate a thread to it.
pub trait Store: Send {
    /// Makes a batch durable, atomically and in order.
    ///
    /// # Errors
    /// [`StoreError::Full`] if there is no disk space: nothing was written, and the batch can be retried.
    /// [`StoreError::Io`] if the disk fails: the batch may or may not be durable, and every later commit fails with
    /// [`StoreError::ReadOnly`] until the store is reopened.
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError>;

    /// Appends a batch, atomically and in order, without making it durable: the next [`Self::sync`] or [`Self::commit`]
    /// does. A power failure before that may lose it, together with all batches after it, but no earlier one. For batches
    /// that are durable elsewhere, in a replicated log.
    ///
    /// # Errors
    /// As [`Self::commit`].
    fn append(&mut self, batch: &Batch<'_>) -> Result<(), StoreError>;

    /// Makes all appended batches durable. Does nothing if there are none.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the disk fails, as of [`Self::commit`]: a failed sync is final.
    fn sync(&mut self) -> Result<(), StoreError>;

    /// Returns the digest after the last commit or appended batch.
    fn digest(&self) -> StateDigest;

    /// Returns the position in a replicated log after the last commit or appended batch, if the store has one.
    fn position(&self) -> Option<LogPosition>;

    /// Returns a handle that reports, from any thread, whether the store has failed.
    fn health(&self) -> Arc<StoreHealth>;

    /// Returns whether the journal is long enough for a checkpoint.
    fn is_checkpoint_due(&mut self) -> bool;

    /// Starts a checkpoint of the committed state, concurrently with further commits, unless one is running. `contents` is
    /// the state after the last commit or appended batch; the latter becomes durable first.
    fn checkpoint(&mut self, contents: Contents);

    /// Shuts down cleanly, so that the next start is fast. Makes all appended batches durable. `contents` is the state
    /// after the last of them.
    ///
    /// # Errors
    /// If the sync fails, as of [`Self::sync`], or if the snapshot file cannot be written. In the latter case the next start
    /// takes longer; no data is lost.
    fn close(self: Box<Self>, contents: Contents) -> Result<(), StoreError>;
}

/// Completes a decoded record with the fields that are derived from its profile, whose format only its writer knows. Must
/// be deterministic.
pub type DeriveFields<'a> = &'a (dyn Fn(StoredMerchant) -> StoredMerchant + Sync);

/// Handling of damage when a store is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenMode {
    /// Read-write. Opening a damaged store fails.
    #[default]
    ReadWrite,
    /// Writes nothing, and works on a read-only file system. Opening a damaged store fails.
    ReadOnly,
    /// Tolerates damage: intact records are state, and a damaged store is read-only.
    DamagedReadOnly,
}

/// Options for opening a store.
#[derive(Clone, Copy)]
pub struct StoreOptions<'a> {
    /// See [`DeriveFields`]. Called from several threads.
    pub derive_fields: DeriveFields<'a>,
    /// Progress callback: records read, and their total, or 0 if it is unknown.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Journal size in bytes at which a checkpoint is due; up to four times as much if the base is large.
    pub checkpoint_journal_bytes: u64,
    /// Handling of a damaged store.
    pub mode: OpenMode,
    /// Directory for a copy of the base, which cannot be read in place on a read-only file system.
    pub scratch: Option<&'a Path>,
}

impl StoreOptions<'_> {
    /// Records as stored, no progress callback, checkpoints at 256 MiB, read-write.
    pub const DEFAULT: StoreOptions<'static> = StoreOptions {
        derive_fields: &|stored| stored,
        progress: &|_, _| {},
        checkpoint_journal_bytes: 256 * 1024 * 1024,
        mode: OpenMode::ReadWrite,
        scratch: None,
    };

    pub(crate) fn tolerates_damage(&self) -> bool {
        self.mode == OpenMode::DamagedReadOnly
    }
}

/// Records the first failure of a store. It is cleared only by reopening the store.
#[derive(Debug, Default)]
pub struct StoreHealth {
    failure: OnceLock<String>,
}

impl StoreHealth {
    /// Returns the reason why the store is read-only, if it is.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Marks a store that was opened to be read only, which is no failure.
    pub(crate) fn set_read_only(&self) {
        drop(self.failure.set("it was opened to be read only".to_owned()));
    }

    /// Records an error after which the store must no longer be written to.
    pub(crate) fn record(&self, error: &StoreError) {
        if error.is_failure() {
            self.fail(error);
        }
    }

    pub(crate) fn fail(&self, reason: &dyn Display) {
        if self.failure.set(reason.to_string()).is_ok() {
            tracing::error!(%reason, "store is read-only until it is reopened");
        }
    }
}

/// Capacity of a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    /// Space available to this process.
    pub free_bytes: u64,
    /// Total size.
    pub total_bytes: u64,
}

impl DiskSpace {
    /// Returns the capacity of the file system that contains a directory.
    ///
    /// # Errors
    /// If the operating system does not report it.
    pub fn of(directory: &Path) -> Result<Self, StoreError> {
        let stats = fs4::statvfs(directory).map_err(fs::io_error("stat", directory))?;
        Ok(Self { free_bytes: stats.available_space(), total_bytes: stats.total_space() })
    }
}

/// A unit of durability. A deletion among the changes leaves a tombstone until it is forgotten.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// Changes, with ascending revisions above the last committed one; at least one, unless only the
    /// position in a log moves.
    pub changes: &'a [Change],
    /// For each change, the revision of the version that it replaces or deletes, which may be in the same batch; `None` if
    /// there was no such merchant.
    pub replaces: &'a [Option<Revision>],
    /// Requests that these changes complete.
    pub completed: &'a [Arc<CompletedRequest>],
    /// Records to remove. Applied before the rest, so a request may be forgotten and completed again. Each must exist.
    pub forget: &'a [Forget],
    /// Revision since which all deletions are kept.
    pub deletions_since: Revision,
    /// Position in the replicated log after this batch. `None` leaves it as it is: a single node has none.
    pub position: Option<LogPosition>,
}

/// Position of a store in the replicated log that its batches come from. It becomes durable together with the batch, so that
/// no batch is applied twice and none is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// Id of the cluster.
    pub cluster: [u8; 16],
    /// Sequence of the last message that was applied.
    pub sequence: u64,
    /// Hash of that message.
    pub hash: u128,
    /// Time of the last commit that counted.
    pub time: UnixMicros,
    /// Format of the messages that follow.
    pub format: u16,
}

impl Batch<'_> {
    /// Returns the distinct keys of the records to remove.
    pub(crate) fn forgotten_keys(&self) -> BTreeSet<Vec<u8>> {
        self.forget.iter().flat_map(codec::keys_of).collect()
    }

    /// Returns the digest after this batch, given the one before.
    #[must_use]
    pub fn apply_to(&self, mut digest: StateDigest) -> StateDigest {
        self.forgotten_keys().iter().for_each(|key| digest.remove(key, Revision::ZERO));
        for (change, replaces) in self.changes.iter().zip(self.replaces) {
            let key = codec::merchant_key(change.id());
            if let Some(replaced) = replaces {
                digest.remove(&key, *replaced);
            }
            match change {
                Change::Put(stored) => digest.add(&key, stored.revision),
                Change::Delete { revision, .. } => {
                    digest.add(&codec::deletion_key(*revision), Revision::ZERO);
                }
            }
            digest.watermarks.last = change.revision();
        }
        for request in self.completed {
            let keys = codec::request_keys(request.id, request.outcomes.len());
            keys.for_each(|key| digest.add(&key, Revision::ZERO));
        }
        digest.watermarks.deletions_since = self.deletions_since;
        digest
    }
}

/// Client-chosen id of a request, a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

/// A completed request, kept so that a repetition returns the same result instead of being applied twice.
#[derive(Clone, Debug, PartialEq)]
pub struct CompletedRequest {
    /// Id of the request.
    pub id: RequestId,
    /// Distinguishes it from other requests with the same id.
    pub fingerprint: [u8; 16],
    /// Time of completion.
    pub completed_at: UnixMicros,
    /// Resulting changes in order: 1 to 1,000.
    pub outcomes: Vec<Change>,
}

/// A record to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// The tombstone of the deletion at this revision.
    Deletion(Revision),
    /// A completed request.
    Request {
        /// Id of the request.
        id: RequestId,
        /// Number of its outcomes.
        outcomes: usize,
    },
}

/// Errors of the store, by what the operator can do about them.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process uses the directory.
    #[error(
        "{directory} is in use by another process{holder}; stop that process, or set another directory with \
         --data-dir"
    )]
    Locked {
        /// The directory.
        directory: PathBuf,
        /// ` (process id N)` if it is known.
        holder: String,
    },
    /// The disk is full. Nothing was written.
    #[error("cannot {action} {path}: disk full; free some space")]
    Full {
        /// The operation attempted.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
    },
    /// An operating system error.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// The operation attempted.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The data read is not what was written.
    #[error("data in {path} is damaged: {what}")]
    Corrupt {
        /// The directory or file.
        path: PathBuf,
        /// The finding.
        what: String,
    },
    /// The target directory already contains a store or something else.
    #[error("{path} is not empty; use an empty or new directory, or move its content away")]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The directory, or one above it, is a file or a symbolic link that leads nowhere.
    #[error("cannot use {path} as a directory: {found}")]
    NotADirectory {
        /// The directory.
        path: PathBuf,
        /// The obstacle and the remedy.
        found: String,
    },
    /// The records can only be read from a copy of the base.
    #[error(
        "the file system of {base} is read-only, and its records can be read only from a copy: set --scratch to a directory on another \
         file system, with {megabytes} MB of free space"
    )]
    NeedsScratch {
        /// The base.
        base: PathBuf,
        /// Space that the copy needs.
        megabytes: u64,
    },
    /// A backup is of a single node, and the operation needs that of a member of a cluster.
    #[error("the backup {path} has no position in a replicated log; make one on a node of the cluster")]
    NoPosition {
        /// The backup.
        path: PathBuf,
    },
    /// The store is read-only.
    #[error("store is read-only: {reason}; restart it on a disk that works and is writable")]
    ReadOnly {
        /// The failure.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn corrupt(path: &Path, what: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.into() }
    }

    /// Returns whether the store must no longer be written to. False for transient conditions: lack of disk space, file
    /// descriptors or memory, and interruption by shutdown. A failed sync is never transient, whatever its error: a timeout of
    /// the device is reported as ETIMEDOUT, and the kernel may have dropped the dirty pages.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        use std::io::ErrorKind;

        // ENFILE and EMFILE on Linux and other Unix systems; std has no `ErrorKind` for them.
        const TOO_MANY_FILES: [i32; 2] = [23, 24];
        match self {
            Self::Full { .. } => false,
            Self::Io { action, source, .. } => {
                let transient = [
                    ErrorKind::Interrupted,
                    ErrorKind::WouldBlock,
                    ErrorKind::OutOfMemory,
                    ErrorKind::TimedOut,
                ];
                let too_many = source.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code));
                let is_transient = *action != fs::SYNC && transient.contains(&source.kind());
                !is_transient && !too_many
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn every_failed_sync_is_a_failure_and_exhausted_resources_are_not() {
        let is_failure = |action, source: io::Error| {
            StoreError::Io { action, path: PathBuf::from("journal"), source }.is_failure()
        };
        let transient = ["write", "open"].map(|action| {
            [io::ErrorKind::TimedOut, io::ErrorKind::OutOfMemory, io::ErrorKind::Interrupted]
                .map(|kind| is_failure(action, kind.into()))
        });
        assert_eq!(transient, [[false; 3]; 2]);
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::OutOfMemory, io::ErrorKind::Interrupted] {
            assert!(is_failure("sync", kind.into()), "{kind}");
        }
        assert!(is_failure("write", io::Error::from_raw_os_error(5)), "EIO");
        assert!(!is_failure("open", io::Error::from_raw_os_error(24)), "EMFILE");
        // Opening a directory to sync it may fail so, before anything was to be synced.
        assert!(!is_failure("sync", io::Error::from_raw_os_error(24)), "EMFILE");
    }
}
