//! Directory lock: one process per store, and none on a read-only file system, where no process can change it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::Path,
};

use crate::StoreError;

/// Locks a directory for this process until dropped. The operating system releases the lock when the process
/// ends for any reason; a remaining lock file has no meaning.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    /// `None` if the file system is read-only.
    file: Option<File>,
}

impl DirectoryLock {
    pub(crate) fn acquire(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("LOCK");
        let io = |action| {
            let path = path.clone();
            move |source| StoreError::Io { action, path, source }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if known { format!(" (process id {})", holder.trim()) } else { String::new() };
                return Err(StoreError::Locked { directory: directory.to_owned(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        // Only for the message above. Errors are ignored: on a full disk there is no space for the process
        // id.
        drop(file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())));
        Ok(Self { file: Some(file) })
    }

    /// As [`Self::acquire`], for a process that only reads: it needs no lock on a read-only file system. A server on the same
    /// machine cannot write there either, unless the file system is also mounted elsewhere; then the digest of the journal detects
    /// what changes in between.
    pub(crate) fn acquire_to_read(directory: &Path) -> Result<Self, StoreError> {
        match Self::acquire(directory) {
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                Ok(Self { file: None })
            }
            acquired_or_failed => acquired_or_failed,
        }
    }

    /// Returns whether the directory may be written to.
    pub(crate) fn is_writable(&self) -> bool {
        self.file.is_some()
    }
}

impl Drop for DirectoryLock {
    /// Closing the file is not enough: a child process that another thread is starting shares the open file until it calls
    /// `exec`, and the lock lasts until then.
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            drop(file.unlock());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_descriptor_in_a_child_process_does_not_prolong_the_lock() {
        let directory = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::acquire(directory.path()).unwrap();
        // Refers to the same open file, as the descriptor of a child does.
        let copy = lock.file.as_ref().unwrap().try_clone().unwrap();
        assert!(matches!(DirectoryLock::acquire(directory.path()), Err(StoreError::Locked { .. })));
        drop(lock);
        DirectoryLock::acquire(directory.path()).unwrap();
        drop(copy);
    }
}
