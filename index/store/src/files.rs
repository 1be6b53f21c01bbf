//! Names of the files in the directory of a store.

use std::path::{Path, PathBuf};

use nearby_index::Revision;

use crate::{
    StoreError,
    fs::{TEMP_EXTENSION, list_names},
    sled as base,
};

/// Paths of a store's files.
pub(crate) struct StoreFiles {
    pub(crate) journal: PathBuf,
    pub(crate) snapshot_file: PathBuf,
    /// The newest base.
    pub(crate) base: Option<PathBuf>,
    /// Bases that it replaces.
    pub(crate) older_bases: Vec<PathBuf>,
}

/// Directory of the records in stores from before the journal existed.
pub(crate) const FIRST_BASE: &str = "sled";
const JOURNAL: &str = "journal";
const SNAPSHOT_FILE: &str = "image";
/// Directory with the last messages of a replicated log, which follow the state of the store.
const CLUSTER_LOG: &str = "cluster-log";

/// Directory of a store that may replace that of the directory above. Like any temporary file it is removed when a store is
/// opened, unless it was renamed to the next name.
pub(crate) const STAGING: &str = "replacement.unfinished";
/// Its name once it replaces the store.
pub(crate) const COMMITTED: &str = "replacement.committed";
/// Its name once the files that it replaces are removed.
pub(crate) const CLEARED: &str = "replacement.cleared";

/// Returns whether a file belongs to a store. Other files in its directory, such as keys, do not depend on its state.
pub(crate) fn is_store_file(name: &str) -> bool {
    [FIRST_BASE, JOURNAL, SNAPSHOT_FILE, CLUSTER_LOG].contains(&name) || is_current_base(name)
}

fn is_current_base(name: &str) -> bool {
    name.strip_prefix("base-").is_some_and(|revision| revision.parse::<u64>().is_ok())
}

/// Returns the directory name of the base of a revision.
pub(crate) fn base_name(revision: Revision) -> String {
    format!("base-{:020}", revision.0)
}

impl StoreFiles {
    pub(crate) fn find(directory: &Path) -> Result<Self, StoreError> {
        let names = list_names(directory)?;
        let is_current = |name: &&String| is_current_base(name);
        let first = names.iter().filter(|name| *name == FIRST_BASE && base::is_base(&directory.join(name)));
        let mut bases: Vec<PathBuf> =
            first.chain(names.iter().filter(is_current)).map(|name| directory.join(name)).collect();
        let base = bases.pop();
        let (journal, snapshot_file) = (directory.join(JOURNAL), directory.join(SNAPSHOT_FILE));
        Ok(Self { journal, snapshot_file, base, older_bases: bases })
    }

    /// Describes the remainder of a store whose other files are missing, if that is what the directory holds.
    /// Creating a new store in its place would destroy it.
    pub(crate) fn leftovers(&self, directory: &Path) -> Result<Option<&'static str>, StoreError> {
        let names = list_names(directory)?;
        if names.iter().any(|name| name == COMMITTED || name == CLEARED) {
            return Ok(Some(
                "its replacement by another store was interrupted; start the server to finish it",
            ));
        }
        if self.is_store() {
            return Ok(None);
        }
        let temporary = |name: &String| name.starts_with("base-") && name.ends_with(TEMP_EXTENSION);
        Ok(if names.iter().any(|name| name == SNAPSHOT_FILE) {
            Some("base and journal are missing; only the snapshot file exists")
        } else if names.iter().any(temporary) {
            Some("an interrupted restore left it incomplete; restore again")
        } else {
            None
        })
    }

    /// Returns whether the directory holds a store.
    pub(crate) fn is_store(&self) -> bool {
        self.base.is_some() || self.journal.is_dir()
    }
}
