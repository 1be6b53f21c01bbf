//! Recovery: reads the content of a directory and compares it with what was committed. Modifies no record;
//! only sled rewrites its own files when it opens them, so a base on a read-only file system is copied first.
//!
//! ```text
//! snapshot file ──┐                  as of a revision, in the format of the index; a cache
//! base            ──┴→ replay the journal → compare with the digest of the last commit
//! ```

use std::{
    fs::File,
    io::BufReader,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use nearby_index::{MerchantId, Revision, StoredMerchant};
use tempfile::TempDir;

use crate::{
    CompletedRequest, LogPosition, StateDigest, StoreError, StoreOptions, Watermarks,
    blocks::{BlockError, BlockReader, read_records},
    codec::{DIGEST_KEY, Entry, decode, deletion_key, merchant_key, request_keys},
    corruption::CorruptionLog,
    files::{FIRST_BASE, StoreFiles, base_name},
    fs::{copy_directory, disk_usage, io_error},
    journal::JournalHistory,
    lock::DirectoryLock,
    parallel,
    replay::{RecordSet, deletions_and_requests},
    sled::{self as base, Record},
    snapshot_file,
};

/// State of a store when it was opened.
#[derive(Debug, Default)]
pub struct RecoveredState {
    /// Merchants in the order of their ids.
    pub merchants: Vec<Arc<StoredMerchant>>,
    /// Retained deletions.
    pub deletions: Vec<(Revision, MerchantId)>,
    /// Retained completed requests.
    pub requests: Vec<Arc<CompletedRequest>>,
    /// Digest of the last commit.
    pub digest: StateDigest,
    /// Position in a replicated log, if the store has one.
    pub position: Option<LogPosition>,
    /// Source of most of the data.
    pub source: RecoverySource,
    /// Corruption found, if it was tolerated.
    pub corruption: Vec<String>,
}

impl RecoveredState {
    /// Computes the digest of the data found, regardless of what was committed.
    fn recount(&self) -> StateDigest {
        let mut digest = StateDigest { watermarks: self.digest.watermarks, ..StateDigest::default() };
        let mut last = digest.watermarks.last;
        for stored in &self.merchants {
            digest.add(&merchant_key(&stored.merchant.id), stored.revision);
            last = last.max(stored.revision);
        }
        for (revision, _) in &self.deletions {
            digest.add(&deletion_key(*revision), Revision::ZERO);
            last = last.max(*revision);
        }
        for request in &self.requests {
            let keys = request_keys(request.id, request.outcomes.len());
            keys.for_each(|key| digest.add(&key, Revision::ZERO));
        }
        digest.watermarks.last = last;
        digest
    }
}

/// The source from which a state was recovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecoverySource {
    /// The journal only.
    #[default]
    Journal,
    /// The snapshot file, and the journal after it.
    SnapshotFile,
    /// The base, and the journal after it.
    Base,
}

/// Preferred source of recovery; both hold the same data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecoverFrom {
    /// The snapshot file if it is valid, otherwise the base.
    Fastest,
    /// The base.
    Base,
}

/// Result of recovery.
pub(crate) struct Recovery {
    pub(crate) history: JournalHistory,
    pub(crate) state: RecoveredState,
    /// Digest of the snapshot file or base, before the journal was replayed.
    pub(crate) start: StateDigest,
}

/// Recovers the state of a store.
pub(crate) fn recover(
    directory: &Path,
    files: &StoreFiles,
    from: RecoverFrom,
    options: &StoreOptions<'_>,
    (lock, log): (&DirectoryLock, &CorruptionLog),
) -> Result<Recovery, StoreError> {
    let corrupt = |what: &dyn std::fmt::Display| StoreError::corrupt(directory, what.to_string());
    let history = JournalHistory::read(&files.journal, log)?;
    let snapshot_file = (from == RecoverFrom::Fastest)
        .then(|| read_snapshot_file(&files.snapshot_file, &history, options))
        .flatten();
    if is_base_missing(files, &history, snapshot_file.is_some()) {
        tracing::warn!(
            "the base is missing; recovering from the snapshot file, and the next checkpoint will write a base"
        );
    }
    let (mut part, source) = match (snapshot_file, &files.base) {
        (Some(snapshot_file), _) => (snapshot_file, RecoverySource::SnapshotFile),
        (None, Some(base)) => {
            let copy = if lock.is_writable() { None } else { Some(copy_of(base, options.scratch)?) };
            let from = copy.as_ref().map_or(base.as_path(), TempDir::path);
            (read_base(base, from, (&history, options, log))?, RecoverySource::Base)
        }
        (None, None) => {
            // Creating a new store would destroy the data in the snapshot file.
            if history.last().is_none() && files.snapshot_file.is_file() {
                log.report(corrupt(&"base and journal are missing; only the snapshot file exists"))?;
            }
            (RecordSet::default(), RecoverySource::Journal)
        }
    };
    let start = part.digest;
    if history.last().is_some() && history.at(start.watermarks.last).is_none() {
        let what = format!("the journal does not reach back to revision {}", start.watermarks.last.0);
        log.report(corrupt(&what))?;
    }
    let replayed = part.replay(history.after(start.watermarks.last), options.derive_fields, log);
    replayed.map_err(|error| corrupt(&error))?;
    if let Some(last) = history.last()
        && last != part.digest
        && last.watermarks.last >= part.digest.watermarks.last
    {
        log.report(corrupt(&describe_mismatch(&part.digest, &last)))?;
    }
    let RecordSet { merchants, others, digest, metadata } = part;
    let position = metadata.position;
    let (deletions, requests) =
        deletions_and_requests(others, options.derive_fields, log).map_err(|error| corrupt(&error))?;
    let mut state =
        RecoveredState { merchants, deletions, requests, digest, position, source, corruption: Vec::new() };
    if log.has_findings() {
        state.digest = state.recount();
    }
    Ok(Recovery { history, state, start })
}

/// Returns whether a base should exist but does not, so that recovery relies on the snapshot file alone.
fn is_base_missing(files: &StoreFiles, history: &JournalHistory, has_snapshot_file: bool) -> bool {
    has_snapshot_file
        && files.base.is_none()
        && history.start().is_some_and(|start| start.watermarks.last > Revision::ZERO)
}

/// Describes the difference between the state found and the one committed.
pub(crate) fn describe_mismatch(found: &StateDigest, committed: &StateDigest) -> String {
    let (actual, expected) = (found.records, committed.records);
    if actual == expected {
        format!("{expected} records as committed, but some are not the latest version")
    } else {
        format!("found {actual} records, but {expected} were committed")
    }
}

/// Reads the snapshot file. Returns `None` if it is missing or invalid in any way.
fn read_snapshot_file(
    path: &Path,
    history: &JournalHistory,
    options: &StoreOptions<'_>,
) -> Option<RecordSet> {
    if !path.is_file() {
        return None;
    }
    match try_snapshot_file(path, history, options) {
        Ok(part) => Some(part),
        Err(reason) => {
            tracing::warn!(%reason, "ignoring the snapshot file; this start will be slower");
            None
        }
    }
}

fn try_snapshot_file(
    path: &Path,
    history: &JournalHistory,
    options: &StoreOptions<'_>,
) -> Result<RecordSet, BlockError> {
    let input = BufReader::new(File::open(path)?);
    let (mut reader, header, _) = BlockReader::new(input, &[snapshot_file::KIND])?;
    let invalid = |what: &str| BlockError::Io(std::io::Error::other(what.to_owned()));
    let is_known = history.at(header.digest.watermarks.last) == Some(header.digest);
    // In a damaged store whose journal ends earlier, the snapshot file may be the best data left.
    let is_beyond = history.last().is_none_or(|last| last.watermarks.last < header.digest.watermarks.last);
    if !(is_known || options.tolerates_damage() && is_beyond) {
        return Err(invalid("its revision is not in the journal"));
    }
    let counter = Counter::new(options, header.digest.records);
    let parts = parallel::in_order(
        |send| {
            while let Some(block) = reader.next()? {
                if !send(block) {
                    break;
                }
            }
            Ok(())
        },
        |block| {
            let block = block.checked()?;
            let (kind, rest) = block.split_first().ok_or_else(|| invalid("a block is empty"))?;
            let unreadable = |_| invalid("a block cannot be decoded");
            let part = if *kind == snapshot_file::MERCHANTS {
                let merchants = snapshot_file::read(rest, options.derive_fields).map_err(unreadable)?;
                // The derivation of fields may change with any release. One sample per block detects a
                // snapshot file of another release.
                let sample = merchants.first().map(|first| StoredMerchant::clone(first));
                if sample.is_some_and(|sample| (options.derive_fields)(sample.clone()) != sample) {
                    return Err(invalid("it was written by another release"));
                }
                RecordSet::of_merchants(merchants)
            } else {
                let records = read_records(rest).map_err(unreadable)?;
                RecordSet::of_records(records, options.derive_fields, &CorruptionLog::strict())
                    .map_err(unreadable)?
            };
            counter.add(part.digest.records);
            Ok(part)
        },
    )?;
    let mut part = RecordSet::concat(parts);
    if !part.digest.has_same_records_as(&header.digest) {
        return Err(invalid("its content does not match its header"));
    }
    part.digest.watermarks = header.digest.watermarks;
    Ok(part)
}

/// Number of records decoded at a time.
const CHUNK: usize = 2_000;
/// Disk space that sled needs to open a base.
const ROOM_TO_OPEN_BYTES: u64 = 32 * 1024 * 1024;

/// Copies a base to a scratch directory, where sled can open it.
fn copy_of(base: &Path, scratch: Option<&Path>) -> Result<TempDir, StoreError> {
    let bytes = disk_usage(base) + ROOM_TO_OPEN_BYTES;
    let Some(scratch) = scratch else {
        return Err(StoreError::NeedsScratch { base: base.to_owned(), megabytes: bytes.div_ceil(1_000_000) });
    };
    if fs4::available_space(scratch).map_err(io_error("stat", scratch))? < bytes {
        return Err(StoreError::Full { action: "copy the base to", path: scratch.to_owned() });
    }
    let copy = tempfile::Builder::new()
        .prefix("nearby-base-")
        .tempdir_in(scratch)
        .map_err(io_error("create a directory in", scratch))?;
    copy_directory(base, copy.path())?;
    Ok(copy)
}

/// Reads a base from its own directory, or from a copy of it.
fn read_base(
    path: &Path,
    from: &Path,
    (history, options, log): (&JournalHistory, &StoreOptions<'_>, &CorruptionLog),
) -> Result<RecordSet, StoreError> {
    let corrupt = |what: &dyn std::fmt::Display| StoreError::corrupt(path, what.to_string());
    if fs4::available_space(from).map_err(io_error("stat", from))? < ROOM_TO_OPEN_BYTES {
        return Err(StoreError::Full { action: "open", path: from.to_owned() });
    }
    let counter = Counter::new(options, history.last().map_or(0, |last| last.records));
    let parts = parallel::in_order(
        |send| {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = base::read(from, &mut |key, value| {
                if key == DIGEST_KEY
                    && let Ok(Entry::Digest(digest)) = decode(key, value)
                {
                    counter.expect_at_least(digest.records);
                }
                chunk.push((key.to_vec(), value.to_vec()));
                if chunk.len() == CHUNK {
                    send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
                }
                Ok(())
            });
            send(chunk);
            read.or_else(|error| log.report(error))
        },
        |records: Vec<Record>| {
            let part = RecordSet::of_records(records, options.derive_fields, log)
                .map_err(|error| corrupt(&error))?;
            counter.add(part.digest.records);
            Ok(part)
        },
    )?;
    let mut part = RecordSet::concat(parts);
    let written = part.metadata.digest;
    let last = written.map(|digest| digest.watermarks.last).or(part.metadata.last).unwrap_or_default();
    // Old stores record no more than this; one that never kept deletions knows none up to now.
    part.digest.watermarks = written.map_or(
        Watermarks { last, deletions_since: part.metadata.deletions_since.unwrap_or(last) },
        |digest| digest.watermarks,
    );
    if path.file_name().is_some_and(|name| name != FIRST_BASE) {
        let named = path.file_name().is_some_and(|name| *name == *base_name(last));
        let known = history.at(last);
        match written {
            None => log.report(corrupt(&"its digest record is missing"))?,
            Some(_) if !named => log.report(corrupt(&"its name does not match its revision"))?,
            Some(_) if known.is_none() => log.report(corrupt(&"the journal that follows it is missing"))?,
            Some(_) => {}
        }
    }
    if let Some(committed) = written.or_else(|| history.at(last))
        && !part.digest.has_same_records_as(&committed)
    {
        log.report(corrupt(&describe_mismatch(&part.digest, &committed)))?;
    }
    if part.merchants.iter().any(|stored| stored.revision > last) {
        log.report(corrupt(&"a record is newer than the last commit"))?;
    }
    Ok(part)
}

/// Reports the progress of reading.
struct Counter<'a> {
    options: &'a StoreOptions<'a>,
    of: AtomicU64,
    done: AtomicU64,
}

impl<'a> Counter<'a> {
    fn new(options: &'a StoreOptions<'a>, of: u64) -> Self {
        Self { options, of: AtomicU64::new(of), done: AtomicU64::new(0) }
    }

    fn expect_at_least(&self, of: u64) {
        self.of.fetch_max(of, Ordering::Relaxed);
    }

    fn add(&self, records: u64) {
        let done = self.done.fetch_add(records, Ordering::Relaxed) + records;
        (self.options.progress)(done, self.of.load(Ordering::Relaxed));
    }
}
