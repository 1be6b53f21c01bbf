//! Locks that serialize commands which change the same file.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Time between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// A lock. Dropping it releases the lock even if a child process that is being started shares the open file.
#[derive(Debug)]
pub(crate) struct FileLock(File);

impl Drop for FileLock {
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}

/// Locks a file, which is created if it is missing, until the result is dropped. Waits at most `max_wait`.
///
/// A user who can open the file can lock it, even for reading. It is therefore private, and so is one that exists once it has been
/// opened here.
///
/// # Errors
/// When the file belongs to another user who can lock it, is no regular file, or stays locked.
pub(crate) fn lock(path: &Path, max_wait: Duration) -> io::Result<FileLock> {
    let mut options = File::options();
    // Not truncated, and no link is followed: in a directory where others may write, it could lead to any file of this user.
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW).open(path).map_err(|error| {
        let reason = format!("cannot open the lock file {}: {error}", path.display());
        io::Error::new(error.kind(), reason)
    })?;
    let metadata = file.metadata()?;
    let refused = |reason: &str| io::Error::other(format!("the lock file {} {reason}", path.display()));
    if !metadata.is_file() {
        return Err(refused("is not a regular file; remove it"));
    }
    if metadata.mode() & 0o077 != 0 && file.set_permissions(fs::Permissions::from_mode(0o600)).is_err() {
        return Err(refused("belongs to another user and can be locked by others; remove it"));
    }
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FileLock(file)),
            Err(TryLockError::WouldBlock) if start.elapsed() < max_wait => thread::sleep(RETRY_DELAY),
            Err(TryLockError::WouldBlock) => {
                return Err(refused("is locked by another process; retry once that has ended"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_lock_is_private_and_waiting_for_it_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.lock");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let held = lock(&path, Duration::ZERO).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let error = lock(&path, Duration::from_millis(50)).unwrap_err().to_string();
        assert!(error.contains("keys.lock") && error.contains("locked by another process"), "{error}");
        drop(held);
        lock(&path, Duration::ZERO).unwrap();

        let (target, link) = (directory.path().join("precious"), directory.path().join("link.lock"));
        fs::write(&target, "content").unwrap();
        symlink(&target, &link).unwrap();
        let error = lock(&link, Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("link.lock"), "{error}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "content");
        let created = directory.path().join("new.lock");
        lock(&created, Duration::ZERO).unwrap();
        assert_eq!(fs::metadata(created).unwrap().mode() & 0o777, 0o600);
    }
}
