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

use std::path::PathBuf;

use nearby_index::{Change, Revision, StoredMerchant};
use thiserror::Error;

pub use self::{memory::MemoryStore, sled::SledStore};

/// Keeps merchants across restarts. Sync: whoever calls owns a thread for it.
pub trait Store: Send {
    /// Hands every merchant to `visit`, each once, in no particular order, and returns the last committed revision.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a record is not what was written; [`StoreError::Io`] where it cannot be read.
    fn load(&mut self, visit: &mut dyn FnMut(StoredMerchant)) -> Result<Revision, StoreError>;

    /// Makes a batch of changes durable, in its order and all or none. `changes` must not be empty and must carry
    /// rising revisions above the last committed one.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the disk fails, [`StoreError::Corrupt`] where the engine does. The batch may or may not be on
    /// disk then, and every later commit is refused with [`StoreError::ReadOnly`] until the store is opened anew.
    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError>;
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
