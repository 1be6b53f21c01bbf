//! Creates a store as a whole: a base, and a journal that continues it.

use std::path::Path;

use nearby_index::Revision;

use crate::{
    StateDigest, StoreError,
    corruption::CorruptionLog,
    files::{StoreFiles, base_name},
    fs::{TEMP_EXTENSION, create_dir_durably, list_names, remove, rename_durably},
    journal::{Journal, JournalHistory},
    lock::DirectoryLock,
};

/// Creates a store in a directory that holds none. `write_base` writes a base with the given digest at a path.
///
/// # Errors
/// [`StoreError::Occupied`] if the directory is not empty, and those of writing. On error no store is created.
pub(crate) fn create(
    directory: &Path,
    digest: &StateDigest,
    write_base: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    create_dir_durably(directory)?;
    let _lock = DirectoryLock::acquire(directory)?;
    let files = StoreFiles::find(directory)?;
    if files.base.is_none() && is_interrupted(&files, directory)? {
        remove(&files.journal)?;
    }
    let is_ours = |name: &String| name == "LOCK" || name == "journal" || name.ends_with(TEMP_EXTENSION);
    if files.base.is_some() || files.journal.is_dir() || !list_names(directory)?.iter().all(is_ours) {
        return Err(StoreError::Occupied { path: directory.to_owned() });
    }
    let base = directory.join(base_name(digest.watermarks.last));
    let temporary = base.with_extension(TEMP_EXTENSION);
    remove(&temporary)?;
    let written = write_base(&temporary).and_then(|()| {
        let empty = JournalHistory::read(&files.journal, &CorruptionLog::strict())?;
        Journal::resume(&empty, digest, 0)?;
        rename_durably(&temporary, &base)
    });
    written.inspect_err(|_| {
        // Ignore cleanup errors: the original error is the one to report.
        drop(remove(&temporary));
        drop(remove(&files.journal));
    })
}

/// Returns whether an earlier creation was interrupted: there is a journal without commits that continues a base, which is
/// missing.
fn is_interrupted(files: &StoreFiles, directory: &Path) -> Result<bool, StoreError> {
    let is_base = |name: &String| name.starts_with("base-") && name.ends_with(TEMP_EXTENSION);
    let has_unfinished_base = list_names(directory)?.iter().any(is_base);
    let is_continuation = |history: &JournalHistory| {
        history.start().is_some_and(|start| start.watermarks.last > Revision::ZERO)
    };
    Ok(JournalHistory::read(&files.journal, &CorruptionLog::strict()).is_ok_and(|history| {
        // At revision zero the journal is also that of a new store.
        history.has_no_commits() && (has_unfinished_base || is_continuation(&history))
    }))
}
