//! Backups: one file with all records of a store as of one revision, checksummed. A file of blocks (see
//! `blocks`), each a sequence of records in key order.

use std::{
    fs::File,
    io::{self, BufReader, Write},
    path::Path,
};

use nearby_index::{Revision, UnixMicros};

use crate::{
    Contents, StateDigest, StoreError, Watermarks,
    blocks::{BlockError, BlockReader, BlockWriter, FileHeader, FileKind, read_records, write_record},
    codec::{DIGEST_KEY, Entry, decode, encode_digest},
    corruption::CorruptionLog,
    fs::{TEMP_EXTENSION, create_dir_durably, io_error, list_names, remove, rename_durably},
    journal::{Journal, JournalHistory},
    lock::DirectoryLock,
    recovery::{StoreFiles, base_name, describe_mismatch},
    sled::{self as base, Record},
};

pub(crate) const KIND: FileKind = FileKind { magic: b"NEARBYBK", version: 1 };

/// Number of revisions that a restored store skips. Changes made after the backup are lost, and their
/// revisions must not be reused: an etag or change-feed position that a client still holds would refer to
/// something else.
pub const REVISIONS_SKIPPED: u64 = 1 << 32;

/// Writes a backup. The caller makes it durable.
///
/// # Errors
/// If writing to `output` fails.
pub fn write(
    output: impl Write,
    contents: &Contents,
    digest: &StateDigest,
    created_at: UnixMicros,
) -> io::Result<()> {
    let mut writer = BlockWriter::new(output, KIND, &FileHeader { digest: *digest, created_at })?;
    for record in contents.records() {
        writer.add(|block| write_record(block, &record))?;
    }
    writer.finish()?.flush()
}

/// Header of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Digest of the content.
    pub digest: StateDigest,
    /// Time of creation.
    pub created_at: UnixMicros,
}

/// Passes all records of a backup to `visit` and checks the digest.
pub(crate) fn read(
    path: &Path,
    log: &CorruptionLog,
    visit: &mut dyn FnMut(Record) -> Result<(), StoreError>,
) -> Result<Summary, StoreError> {
    let corrupt = |error: BlockError| match error {
        BlockError::Io(error) => io_error("read", path)(error),
        error => StoreError::corrupt(path, error.to_string()),
    };
    let input = File::open(path).map_err(io_error("open", path))?;
    let (mut reader, header) = BlockReader::new(BufReader::new(input), KIND).map_err(corrupt)?;
    let mut digest = StateDigest { watermarks: header.digest.watermarks, ..StateDigest::default() };
    loop {
        let block = match reader.next().map_err(corrupt) {
            Ok(Some(block)) => block.checked().map_err(corrupt),
            Ok(None) => break,
            // The start of the next block is unknown.
            Err(error) => {
                log.report(error)?;
                break;
            }
        };
        let read = |block: Vec<u8>| {
            read_records(&block).map_err(|error| StoreError::corrupt(path, error.to_string()))
        };
        match block.and_then(read) {
            Ok(records) => {
                for (key, value) in records {
                    let revision = match decode(&key, &value) {
                        Ok(Entry::Merchant(stored)) => stored.revision,
                        Ok(_) => Revision::ZERO,
                        Err(error) => {
                            log.report(StoreError::corrupt(path, error.to_string()))?;
                            continue;
                        }
                    };
                    digest.add(&key, revision);
                    visit((key, value))?;
                }
            }
            Err(error) => log.report(error)?,
        }
    }
    if digest != header.digest {
        log.report(StoreError::corrupt(path, describe_mismatch(&digest, &header.digest)))?;
    }
    Ok(Summary { digest: header.digest, created_at: header.created_at })
}

/// Creates a store from a backup in a directory that holds none. Its revisions continue [`REVISIONS_SKIPPED`]
/// after those of the backup. Deletions are not restored: subscribers of the change feed must resynchronise.
///
/// # Errors
/// [`StoreError::Corrupt`] if the backup is damaged, [`StoreError::Occupied`] if the directory is not empty,
/// and I/O errors. On error no store is created.
pub fn restore(backup: &Path, directory: &Path) -> Result<Summary, StoreError> {
    // The first pass checks the backup before anything is written, and computes the digest of the restored
    // store.
    let (mut restored, mut newest) = (StateDigest::default(), Revision::ZERO);
    let summary = read(backup, &CorruptionLog::strict(), &mut |(key, value)| {
        if let Some(revision) = restorable_revision(&key, &value) {
            restored.add(&key, revision);
            newest = newest.max(revision);
        }
        Ok(())
    })?;
    if newest > summary.digest.watermarks.last {
        return Err(StoreError::corrupt(backup, "a record is newer than the backup"));
    }
    let last = Revision(summary.digest.watermarks.last.0.saturating_add(REVISIONS_SKIPPED));
    restored.watermarks = Watermarks { last, deletions_since: last };

    create_dir_durably(directory)?;
    let _lock = DirectoryLock::acquire(directory)?;
    let files = StoreFiles::find(directory)?;
    if files.base.is_none()
        && JournalHistory::read(&files.journal, &CorruptionLog::strict())
            .is_ok_and(|it| it.is_empty_after_start())
    {
        // Left by an earlier restore that was interrupted.
        remove(&files.journal)?;
    }
    let is_ours = |name: &String| name == "LOCK" || name == "journal" || name.ends_with(TEMP_EXTENSION);
    if files.base.is_some() || files.journal.is_dir() || !list_names(directory)?.iter().all(is_ours) {
        return Err(StoreError::Occupied { path: directory.to_owned() });
    }
    let base = directory.join(base_name(last));
    let temporary = base.with_extension(TEMP_EXTENSION);
    let written = write_base(backup, &temporary, &restored)
        .and_then(|()| {
            let empty = JournalHistory::read(&files.journal, &CorruptionLog::strict())?;
            Journal::resume(&empty, &restored, 0)?;
            rename_durably(&temporary, &base)
        })
        .inspect_err(|_| {
            // Ignore cleanup errors: the original error is the one to report.
            drop(remove(&temporary));
            drop(remove(&files.journal));
        });
    written.map(|()| summary)
}

/// Returns the revision of a record that is restored; `None` for records that are not, such as deletions.
fn restorable_revision(key: &[u8], value: &[u8]) -> Option<Revision> {
    match decode(key, value) {
        Ok(Entry::Merchant(stored)) => Some(stored.revision),
        Ok(Entry::Outcome { .. }) => Some(Revision::ZERO),
        _ => None,
    }
}

fn write_base(backup: &Path, directory: &Path, digest: &StateDigest) -> Result<(), StoreError> {
    remove(directory)?;
    let mut writer = base::Writer::create(directory)?;
    writer.add((DIGEST_KEY.to_vec(), encode_digest(digest)))?;
    read(backup, &CorruptionLog::strict(), &mut |(key, value)| {
        if restorable_revision(&key, &value).is_some() { writer.add((key, value)) } else { Ok(()) }
    })?;
    writer.finish()
}
