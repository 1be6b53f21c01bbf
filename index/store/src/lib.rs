//! # What survives
//!
//! The trait [`Store`], with two engines behind it: [`SledStore`] on disk and [`MemoryStore`] for tests and trials.
//!
//! | module | what it is |
//! |---|---|
//! | `codec` | the bytes of a record; the only place that decides them |
//! | [`sled`](SledStore) | the engine on disk; the only place that says `sled::` |
//! | `lock` | one process a directory |
//! | [`memory`](MemoryStore) | an engine that forgets |
//! | `conformance` | one suite that every engine passes |
//!
//! What must always hold:
//! - **`Ok` from [`Store::commit`] means durable**: it survives the loss of power. A batch is there whole or not at all.
//! - **Fail closed**: after a commit that failed, nobody knows what is on disk. The engine takes no more until it is
//!   opened anew, and never tries a failed sync again.
//! - **Damage is an error, never an answer**: every record carries its version and a checksum over its id and content.

mod codec;
#[cfg(test)]
mod conformance;
mod lock;
mod memory;
mod sled;

use std::{path::PathBuf, sync::Arc};

use nearby_index::{Change, MerchantId, Revision, StoredMerchant, UnixMicros};
use thiserror::Error;

pub use self::{memory::MemoryStore, sled::SledStore};

/// Keeps merchants across restarts. Sync: whoever calls owns a thread for it.
pub trait Store: Send {
    /// Hands all that it keeps to `visit`, each once, in no particular order, and says how far it has come.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a record is not what was written; [`StoreError::Io`] where it cannot be read.
    fn load(&mut self, visit: &mut dyn FnMut(Kept)) -> Result<Extent, StoreError>;

    /// Makes a batch durable, in its order and all or none.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the disk fails, [`StoreError::Corrupt`] where the engine does. The batch may or may not be on
    /// disk then, and every later commit is refused with [`StoreError::ReadOnly`] until the store is opened anew.
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError>;
}

/// What is made durable together. A deletion among the changes is kept as such until it is forgotten.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    /// The changes, at least one, with rising revisions above the last committed one.
    pub changes: &'a [Change],
    /// Requests that are done by these changes.
    pub done: &'a [Arc<DoneRequest>],
    /// What need not be kept any longer, and is gone before the rest is stored: a request may be forgotten and done anew.
    pub forget: &'a [Forget],
    /// The revision since which all deletions are kept.
    pub deletions_since: Revision,
}

/// Something that a store keeps.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are merchants, and none is kept as this")]
pub enum Kept {
    /// A merchant.
    Merchant(StoredMerchant),
    /// That a merchant was deleted.
    Deletion {
        /// Which one.
        id: MerchantId,
        /// By which change.
        revision: Revision,
    },
    /// That a request was done.
    Request(DoneRequest),
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
    #[error(
        "the data in {path} is damaged: {what}; restore it from an export or a copy, or move it away to start empty"
    )]
    Corrupt {
        /// The directory.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// An earlier commit failed.
    #[error("the store takes no more changes since a commit failed ({reason}); mend the disk and restart")]
    ReadOnly {
        /// How the earlier commit failed.
        reason: String,
    },
}
