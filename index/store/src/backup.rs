//! Backups: one file with all records of a store as of one revision, checksummed. A file of blocks (see
//! `blocks`), each a sequence of records in key order. In version 2 the first record is the position of the store in a
//! replicated log. Version 1 has none.

use std::{
    fs::File,
    io::{self, BufReader, Write},
    path::Path,
};

use nearby_index::{Revision, StoredMerchant, UnixMicros};

use crate::{
    Contents, LogPosition, StateDigest, StoreError, Watermarks,
    blocks::{BlockError, BlockReader, BlockWriter, FileHeader, FileKind, read_records, write_record},
    codec::{DIGEST_KEY, Entry, decode, encode_digest, encode_position},
    corruption::CorruptionLog,
    fs::io_error,
    new_store,
    recovery::describe_mismatch,
    sled::{self as base, Record},
};

const WITHOUT_POSITION: FileKind = FileKind { magic: b"NEARBYBK", version: 1 };
const WITH_POSITION: FileKind = FileKind { version: 2, ..WITHOUT_POSITION };

/// Number of revisions that a restored store skips. Changes made after the backup are lost, and their
/// revisions must not be reused: an etag or change-feed position that a client still holds would refer to
/// something else.
pub const REVISIONS_SKIPPED: u64 = 1 << 32;

/// Writes a backup, of version 2 if the store has a position in a replicated log. The caller makes it durable.
///
/// # Errors
/// If writing to `output` fails.
pub fn write(
    output: impl Write,
    contents: &Contents,
    digest: &StateDigest,
    position: Option<&LogPosition>,
    created_at: UnixMicros,
) -> io::Result<()> {
    let kind = if position.is_some() { WITH_POSITION } else { WITHOUT_POSITION };
    let mut writer = BlockWriter::new(output, kind, &FileHeader { digest: *digest, created_at })?;
    for record in position.map(encode_position).into_iter().chain(contents.records()) {
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

/// Callback that receives a decoded record and its encoding.
type Visit<'a> = dyn FnMut(&Entry, Record) -> Result<(), StoreError> + 'a;

/// Passes all records of a backup, except for its position, to `visit`, and checks the digest.
pub(crate) fn read(
    path: &Path,
    log: &CorruptionLog,
    visit: &mut Visit<'_>,
) -> Result<(Summary, Option<LogPosition>), StoreError> {
    let corrupt = |error: BlockError| match error {
        BlockError::Io(error) => io_error("read", path)(error),
        error => StoreError::corrupt(path, error.to_string()),
    };
    let input = File::open(path).map_err(io_error("open", path))?;
    let kinds = [WITHOUT_POSITION, WITH_POSITION];
    let (mut reader, header, kind) = BlockReader::new(BufReader::new(input), &kinds).map_err(corrupt)?;
    let mut digest = StateDigest { watermarks: header.digest.watermarks, ..StateDigest::default() };
    let mut position = None;
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
                    match decode(&key, &value) {
                        Ok(Entry::Log(found)) => position = Some(found),
                        Ok(entry) => {
                            digest.add(&key, entry.version());
                            visit(&entry, (key, value))?;
                        }
                        Err(error) => log.report(StoreError::corrupt(path, error.to_string()))?,
                    }
                }
            }
            Err(error) => log.report(error)?,
        }
    }
    if digest != header.digest {
        log.report(StoreError::corrupt(path, describe_mismatch(&digest, &header.digest)))?;
    }
    if position.is_some() != (kind == WITH_POSITION) {
        log.report(StoreError::corrupt(path, "its version does not match its position in a replicated log"))?;
    }
    Ok((Summary { digest: header.digest, created_at: header.created_at }, position))
}

/// Creates a single node's store from a backup in a directory that holds none. Its revisions continue
/// [`REVISIONS_SKIPPED`] after those of the backup. Neither deletions nor a position in a replicated log are restored:
/// subscribers of the change feed must resynchronise.
///
/// # Errors
/// [`StoreError::Corrupt`] if the backup is damaged, [`StoreError::Occupied`] if the directory is not empty,
/// and I/O errors. On error no store is created.
pub fn restore(backup: &Path, directory: &Path) -> Result<Summary, StoreError> {
    // The first pass checks the backup before anything is written, and computes the digest of the restored
    // store.
    let mut restored = StateDigest::default();
    let (summary, _) = check(backup, &mut |entry, (key, _)| {
        if is_restorable(entry) {
            restored.add(&key, entry.version());
        }
        Ok(())
    })?;
    let last = Revision(summary.digest.watermarks.last.0.saturating_add(REVISIONS_SKIPPED));
    restored.watermarks = Watermarks { last, deletions_since: last };
    new_store::create(directory, &restored, |base| {
        write_base(backup, base, (&restored, None), is_restorable)
    })?;
    Ok(summary)
}

/// Creates an exact copy of a store from a backup of version 2, in a directory that holds none: with the same records, among
/// them deletions and completed requests, and the same watermarks, digest and position. Both continue identically if the same
/// batches follow. Also returns the position.
///
/// # Errors
/// As [`restore`], and [`StoreError::NoPosition`] if the backup is of version 1.
pub fn restore_exact(backup: &Path, directory: &Path) -> Result<(Summary, LogPosition), StoreError> {
    let (summary, position) = check(backup, &mut |_, _| Ok(()))?;
    let position = position.ok_or_else(|| StoreError::NoPosition { path: backup.to_owned() })?;
    new_store::create(directory, &summary.digest, |base| {
        write_base(backup, base, (&summary.digest, Some(&position)), |_| true)
    })?;
    Ok((summary, position))
}

/// Reads an intact backup, none of whose records is newer than the backup itself.
fn check(backup: &Path, visit: &mut Visit<'_>) -> Result<(Summary, Option<LogPosition>), StoreError> {
    let mut newest = Revision::ZERO;
    let found = read(backup, &CorruptionLog::strict(), &mut |entry, record| {
        if let Entry::Merchant(StoredMerchant { revision, .. }) | Entry::Deletion { revision, .. } = entry {
            newest = newest.max(*revision);
        }
        visit(entry, record)
    })?;
    if newest > found.0.digest.watermarks.last {
        return Err(StoreError::corrupt(backup, "a record is newer than the backup"));
    }
    Ok(found)
}

/// Returns whether [`restore`] restores a record; it leaves out deletions.
fn is_restorable(entry: &Entry) -> bool {
    matches!(entry, Entry::Merchant(_) | Entry::Outcome { .. })
}

fn write_base(
    backup: &Path,
    directory: &Path,
    (digest, position): (&StateDigest, Option<&LogPosition>),
    is_restored: impl Fn(&Entry) -> bool,
) -> Result<(), StoreError> {
    let mut writer = base::Writer::create(directory)?;
    if let Some(position) = position {
        writer.add(encode_position(position))?;
    }
    writer.add((DIGEST_KEY.to_vec(), encode_digest(digest)))?;
    read(backup, &CorruptionLog::strict(), &mut |entry, record| {
        if is_restored(entry) { writer.add(record) } else { Ok(()) }
    })?;
    writer.finish()
}
