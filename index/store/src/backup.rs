//! Backups: one file that holds all of a store as of one revision, with checksums, in the form of its records.
//!
//! A file of blocks, as `blocks` says; each holds records, as `records` says, in the order of their keys.

use std::{
    fs::File,
    io::{self, BufReader, Write},
    path::Path,
};

use nearby_index::{Revision, UnixMicros};

use crate::{
    Content, Extent, StoreError, Tally,
    blocks::{BlockError, BlockReader, BlockWriter, Head, Kind},
    codec::{Entry, TALLY_KEY, decode, encode_tally},
    corruption::Faults,
    fs::{UNFINISHED, at, create_durably, install, names, remove},
    journal::{History, Journal},
    lock::DirectoryLock,
    records::{read_records, write_record},
    recovery::{Files, base_name, differs},
    sled::{self as base, Record},
};

pub(crate) const KIND: Kind = Kind { magic: b"NEARBYBK", version: 1 };

/// How far a restored store is ahead of its backup. What came after the backup is lost, and its revisions must not come
/// again: an etag or a place in the feed of changes that somebody still has would mean something else.
pub const REVISIONS_SKIPPED: u64 = 1 << 32;

/// Writes a backup; the caller makes it durable.
///
/// # Errors
/// What `output` says.
pub fn write(output: impl Write, content: &Content, tally: &Tally, made: UnixMicros) -> io::Result<()> {
    let mut writer = BlockWriter::new(output, KIND, &Head { tally: *tally, made })?;
    for record in content.records() {
        writer.add(|block| write_record(block, &record))?;
    }
    writer.finish()?.flush()
}

/// What a backup says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it holds.
    pub tally: Tally,
    /// When it was made.
    pub made: UnixMicros,
}

/// Hands all records of a backup to `visit`, and checks that they are all.
pub(crate) fn read(
    path: &Path,
    faults: &Faults,
    visit: &mut dyn FnMut(Record) -> Result<(), StoreError>,
) -> Result<Summary, StoreError> {
    let corrupt = |error: BlockError| match error {
        BlockError::Io(error) => at("read", path)(error),
        error => StoreError::corrupt(path, error.to_string()),
    };
    let input = File::open(path).map_err(at("open", path))?;
    let (mut reader, head) = BlockReader::new(BufReader::new(input), KIND).map_err(corrupt)?;
    let mut tally = Tally { extent: head.tally.extent, ..Tally::default() };
    loop {
        let block = match reader.next().map_err(corrupt) {
            Ok(Some(block)) => block.checked().map_err(corrupt),
            Ok(None) => break,
            // Where the next one begins is not known.
            Err(error) => {
                faults.found(error)?;
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
                            faults.found(StoreError::corrupt(path, error.to_string()))?;
                            continue;
                        }
                    };
                    tally.add(&key, revision);
                    visit((key, value))?;
                }
            }
            Err(error) => faults.found(error)?,
        }
    }
    if tally != head.tally {
        faults.found(StoreError::corrupt(path, differs(&tally, &head.tally)))?;
    }
    Ok(Summary { tally: head.tally, made: head.made })
}

/// Makes a store of a backup, in a directory that holds none. Its revisions go on [`REVISIONS_SKIPPED`] after those of
/// the backup, and no deletion of before is known: who followed the changes starts anew.
///
/// # Errors
/// [`StoreError::Corrupt`] where the backup is not what was written, [`StoreError::Occupied`] where there is a store, and where
/// files cannot be written. There is no store then.
pub fn restore(backup: &Path, directory: &Path) -> Result<Summary, StoreError> {
    // Once to see that it is sound, before anything is made; and to know what will be there.
    let (mut kept, mut newest) = (Tally::default(), Revision::ZERO);
    let summary = read(backup, &Faults::refused(), &mut |(key, value)| {
        if let Some(revision) = kept_revision(&key, &value) {
            kept.add(&key, revision);
            newest = newest.max(revision);
        }
        Ok(())
    })?;
    if newest > summary.tally.extent.last {
        return Err(StoreError::corrupt(backup, "a record is newer than the backup"));
    }
    let last = Revision(summary.tally.extent.last.0.saturating_add(REVISIONS_SKIPPED));
    kept.extent = Extent { last, deletions_since: last };

    create_durably(directory)?;
    let _lock = DirectoryLock::acquire(directory)?;
    let files = Files::find(directory)?;
    if files.base.is_none()
        && History::read(&files.journal, &Faults::refused()).is_ok_and(|it| it.is_begun_only())
    {
        // All that an earlier restore came to before it was cut off.
        remove(&files.journal)?;
    }
    let is_ours = |name: &String| name == "LOCK" || name == "journal" || name.ends_with(UNFINISHED);
    if files.base.is_some() || files.journal.is_dir() || !names(directory)?.iter().all(is_ours) {
        return Err(StoreError::Occupied { path: directory.to_owned() });
    }
    let base = directory.join(base_name(last));
    let unfinished = base.with_extension(UNFINISHED);
    let made = write_base(backup, &unfinished, &kept)
        .and_then(|()| {
            let none = History::read(&files.journal, &Faults::refused())?;
            Journal::resume(&none, &kept, 0)?;
            install(&unfinished, &base)
        })
        .inspect_err(|_| {
            // The fault that is being reported comes first.
            drop(remove(&unfinished));
            drop(remove(&files.journal));
        });
    made.map(|()| summary)
}

/// The revision of a record that is restored; none of a deletion, which is not.
fn kept_revision(key: &[u8], value: &[u8]) -> Option<Revision> {
    match decode(key, value) {
        Ok(Entry::Merchant(stored)) => Some(stored.revision),
        Ok(Entry::Outcome { .. }) => Some(Revision::ZERO),
        _ => None,
    }
}

fn write_base(backup: &Path, directory: &Path, tally: &Tally) -> Result<(), StoreError> {
    remove(directory)?;
    let mut writer = base::Writer::create(directory)?;
    writer.add((TALLY_KEY.to_vec(), encode_tally(tally)))?;
    read(backup, &Faults::refused(), &mut |(key, value)| {
        if kept_revision(&key, &value).is_some() { writer.add((key, value)) } else { Ok(()) }
    })?;
    writer.finish()
}
