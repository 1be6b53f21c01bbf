//! The id of a history of revisions.
//!
//! A revision means something only in the history that assigned it: another server, or a store restored from a backup, assigns the
//! same number to another change. Page tokens and the change feed therefore carry the id of their history.

use std::{fmt, fs, io, path::Path, str::FromStr};

use crate::fs::atomic_write::{Readers, replace_file};

/// A random id: the revisions of two servers have the same meaning only if their ids are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryId(u128);

impl HistoryId {
    /// Name of its file in a data directory.
    pub(crate) const FILE: &str = "history-id";

    /// Creates the id of a new history.
    ///
    /// # Errors
    /// When the system has no random source.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(u128::from_le_bytes(bytes)))
    }

    /// Returns the id of the history of a cluster.
    pub(crate) fn of_cluster(id: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(id))
    }

    /// Returns the id of the history in a data directory.
    ///
    /// The file holds the id and the inode of the directory. A copy of the directory has another inode: it is the beginning of a new
    /// history, as both may continue from the same revision, and gets a new id. A directory that is moved within its file system
    /// keeps it. A backup does not contain the file, so a restored store has a new id, too. Without `may_write`, a missing id is not
    /// stored. The caller must hold the lock of the data directory.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(super) fn load_or_create(data_dir: &Path, may_write: bool) -> io::Result<Self> {
        let file = data_dir.join(Self::FILE);
        let inode = inode(data_dir)?;
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let known =
            text.split_once(' ').and_then(|(id, directory)| Some((id.parse().ok()?, directory.trim())));
        if let Some((id, directory)) = known
            && directory == inode
        {
            return Ok(id);
        }
        let id = Self::random()?;
        let written = match may_write {
            true => replace_file(&file, format!("{id} {inode}\n").as_bytes(), Readers::Owner),
            false => Ok(()),
        };
        match written {
            // Searches are served without space on the disk, and so with an id of this process.
            Err(error) if is_full(&error) => {
                tracing::warn!(%error, "cannot store the history id; page tokens are valid until the next start");
            }
            other => other?,
        }
        if !text.is_empty() {
            tracing::info!(
                "the data directory is a copy: page tokens and revisions of the original are not valid here"
            );
        }
        Ok(id)
    }

    pub(super) fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl fmt::Display for HistoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for HistoryId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
}

/// Returns an identification of a directory that a copy does not share: its inode, and the time of its creation where the file system
/// has one, since the roots of two volumes may have the same inode.
#[cfg(unix)]
fn inode(directory: &Path) -> io::Result<String> {
    let metadata = fs::metadata(directory)?;
    let created = metadata.created().ok();
    let created = created.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let created_ns = created.map_or(0, |since| since.as_nanos());
    Ok(format!("{}-{created_ns}", std::os::unix::fs::MetadataExt::ino(&metadata)))
}

#[cfg(not(unix))]
fn inode(directory: &Path) -> io::Result<String> {
    Ok(directory.canonicalize()?.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_survives_restarts_and_moves_and_not_copies() {
        let parent = tempfile::tempdir().unwrap();
        let (data, moved, copy) =
            (parent.path().join("data"), parent.path().join("moved"), parent.path().join("copy"));
        fs::create_dir(&data).unwrap();
        let first = HistoryId::load_or_create(&data, true).unwrap();
        assert_eq!(HistoryId::load_or_create(&data, true).unwrap(), first);
        fs::rename(&data, &moved).unwrap();
        assert_eq!(HistoryId::load_or_create(&moved, true).unwrap(), first);

        fs::create_dir(&copy).unwrap();
        fs::copy(moved.join(HistoryId::FILE), copy.join(HistoryId::FILE)).unwrap();
        let second = HistoryId::load_or_create(&copy, true).unwrap();
        assert_ne!(second, first);
        assert_eq!(HistoryId::load_or_create(&copy, true).unwrap(), second);
        assert_eq!(HistoryId::load_or_create(&moved, true).unwrap(), first);
    }

    #[test]
    fn a_directory_that_must_not_be_written_gets_an_id_of_this_process() {
        let data = tempfile::tempdir().unwrap();
        let first = HistoryId::load_or_create(data.path(), false).unwrap();
        assert_ne!(HistoryId::load_or_create(data.path(), false).unwrap(), first);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_text_of_an_id_has_a_fixed_length() {
        assert_eq!(HistoryId(7).to_string(), format!("{}7", "0".repeat(31)));
        assert_eq!(HistoryId(7).to_string().parse(), Ok(HistoryId(7)));
    }
}
