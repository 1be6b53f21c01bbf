//! Checks a store or a backup and reports all corruption.

use std::path::Path;

use crate::{
    StateDigest, StoreError, StoreOptions, backup,
    codec::is_merchant,
    corruption::CorruptionLog,
    files::StoreFiles,
    fs::{check_directory, disk_usage, io_error},
    lock::DirectoryLock,
    recovery::{RecoverFrom, recover},
};

/// Result of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Digest of the state found.
    pub digest: StateDigest,
    /// Number of records that are merchants.
    pub merchants: u64,
    /// Size on disk in bytes.
    pub bytes: u64,
    /// Findings; empty if the data is intact.
    pub corruption: Vec<String>,
    /// `true` if the base was not read: on a read-only file system this requires [`StoreOptions::scratch`].
    pub skipped_base: bool,
}

/// Reads a store that no process uses, or a backup, completely. Modifies no record.
///
/// # Errors
/// If it cannot be read at all.
pub fn verify(path: &Path, options: &StoreOptions<'_>) -> Result<VerifyReport, StoreError> {
    if path.is_file() {
        return verify_backup(path);
    }
    check_directory(path)?;
    let files = StoreFiles::find(path)?;
    if let Some(what) = files.leftovers(path)? {
        let (digest, corruption) =
            (StateDigest::default(), vec![StoreError::corrupt(path, what).to_string()]);
        let bytes = disk_usage(path);
        return Ok(VerifyReport { digest, merchants: 0, bytes, corruption, skipped_base: false });
    }
    if !files.is_store() {
        let not_found = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no store");
        return Err(io_error("verify", path)(not_found));
    }
    let lock = DirectoryLock::acquire_to_read(path)?;
    // Listed again under the lock: only now can no other process change the files.
    let files = StoreFiles::find(path)?;
    let log = CorruptionLog::tolerant();
    // Reads the base, not the snapshot file, which is only a cache that every start checks completely.
    let skipped_base = files.base.is_some() && !lock.is_writable() && options.scratch.is_none();
    let from = if skipped_base { RecoverFrom::Fastest } else { RecoverFrom::Base };
    let state = recover(path, &files, from, options, (&lock, &log))?.state;
    Ok(VerifyReport {
        digest: state.digest,
        merchants: state.merchants.len() as u64,
        bytes: disk_usage(path),
        corruption: log.into_findings(),
        skipped_base,
    })
}

fn verify_backup(path: &Path) -> Result<VerifyReport, StoreError> {
    let log = CorruptionLog::tolerant();
    let mut merchants = 0;
    let read = backup::read(path, &log, &mut |_, (key, _)| {
        merchants += u64::from(is_merchant(&key));
        Ok(())
    });
    let digest = match read {
        Ok((summary, _)) => summary.digest,
        // A damaged header makes the rest unreadable, but is a finding like any other.
        Err(error @ StoreError::Corrupt { .. }) => {
            log.report(error)?;
            StateDigest::default()
        }
        Err(error) => return Err(error),
    };
    let corruption = log.into_findings();
    Ok(VerifyReport { digest, merchants, bytes: disk_usage(path), corruption, skipped_base: false })
}
