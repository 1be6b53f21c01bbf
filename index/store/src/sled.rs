//! The base: all records as of one revision, in a sled database. The only module that uses `sled`.
//!
//! A base is written once, into its own directory, and read at startup; its records are never modified.
//! Shortcomings of sled 0.34.7, and how this module handles them:
//! - It opens a file with a flipped bit as if it were intact, in an older state: one flip in three silently
//!   lost or resurrected records. The digest stored with the records detects this.
//! - After a full disk it accepts no writes until it is reopened, and its file grows and slows down with
//!   every change. Commits therefore go to the journal; a checkpoint without disk space is discarded and
//!   retried later.
//! - `flush` uses `sync_file_range`, which does not make data durable. All files are synced after
//!   writing, and only then is the base renamed to its final name.
//! - Its background flusher only logs errors and can stop silently. It is disabled.
//! - A page larger than a quarter of a segment goes to a blob file, which is never synced. A page holds at
//!   most 17 records, so segments of 4 MiB keep 17 of the largest records (33 KiB) inline with a margin.
//! - A full disk during open can leave `snap.*.generating` behind, which makes every later open fail. Under
//!   our own lock no other process can be writing one, so it is removed first.
//! - It panics on some corruption and some I/O errors. A panic on our thread becomes an error; one on sled's
//!   own threads cannot be caught.

use std::{
    fs::{self, File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::{
    StoreError,
    fs::{fsync, io_error, list_names},
};

/// Records are written or read only once, so a small cache suffices.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Records per sled batch. sled keeps the pages that a batch replaces until the batch is applied: with 3,000
/// records, a million merchants took 4 GB and five times as long.
const BATCH_RECORDS: usize = 256;

/// Bytes written between flushes.
const FLUSH_BYTES: usize = 8 * 1024 * 1024;

/// Key and value.
pub(crate) type Record = (Vec<u8>, Vec<u8>);

/// Returns whether a directory holds a base.
pub(crate) fn is_base(directory: &Path) -> bool {
    directory.join("db").is_file()
}

/// Writer of a base.
pub(crate) struct Writer {
    directory: PathBuf,
    database: sled::Db,
    batch: sled::Batch,
    records: usize,
    unflushed_bytes: usize,
}

impl Writer {
    /// Creates a base in a directory that does not exist yet.
    pub(crate) fn create(directory: &Path) -> Result<Self, StoreError> {
        let database = open_with_retry(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            database,
            batch: sled::Batch::default(),
            records: 0,
            unflushed_bytes: 0,
        })
    }

    /// Adds a record. Fastest in key order.
    pub(crate) fn add(&mut self, (key, value): Record) -> Result<(), StoreError> {
        self.records += 1;
        self.unflushed_bytes += key.len() + value.len();
        self.batch.insert(key, value);
        if self.records >= BATCH_RECORDS { self.apply() } else { Ok(()) }
    }

    fn apply(&mut self) -> Result<(), StoreError> {
        self.records = 0;
        let batch = std::mem::take(&mut self.batch);
        let flush_now = self.unflushed_bytes >= FLUSH_BYTES;
        if flush_now {
            self.unflushed_bytes = 0;
        }
        catch_panic(|| {
            self.database.apply_batch(batch)?;
            if flush_now { self.database.flush().map(drop) } else { Ok(()) }
        })
        .map_err(|error| error.at(&self.directory))
    }

    /// Completes the base. On return its content is durable, but not its name.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        self.apply()?;
        let Self { directory, database, .. } = self;
        catch_panic(|| database.flush().map(drop)).map_err(|error| error.at(&directory))?;
        close(database, &directory)?;
        sync_all(&directory)
    }
}

/// Callback that receives key and value.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Passes all records of a base to `visit` in key order, until it returns an error.
pub(crate) fn read(directory: &Path, visit: &mut Visit<'_>) -> Result<(), StoreError> {
    if !is_base(directory) {
        return Err(StoreError::corrupt(directory, "the file `db` is missing"));
    }
    remove_unfinished_snapshots(directory)?;
    let database = open_with_retry(directory)?;
    let mut records = database.iter();
    while let Some((key, value)) =
        catch_panic(|| records.next().transpose()).map_err(|error| error.at(directory))?
    {
        visit(&key, &value)?;
    }
    drop(records);
    close(database, directory)?;
    // When sled opens a database, it repairs the end of its log and writes a snapshot next to it.
    sync_all(directory)
}

fn sync_all(directory: &Path) -> Result<(), StoreError> {
    for name in list_names(directory)? {
        fsync(&directory.join(name))?;
    }
    fsync(directory)
}

fn close(database: sled::Db, directory: &Path) -> Result<(), StoreError> {
    let closed = catch_panic(|| {
        drop(database);
        Ok(())
    });
    closed.map_err(|error| error.at(directory))?;
    wait_until_released(directory)
}

/// Modifies a record of a finished base, which production code never does.
#[cfg(test)]
pub(crate) fn tamper(directory: &Path, key: &[u8], value: Option<&[u8]>) {
    let database = open_with_retry(directory).unwrap();
    match value {
        Some(value) => database.insert(key, value).unwrap(),
        None => database.remove(key).unwrap(),
    };
    close(database, directory).unwrap();
}

/// Errors of sled or the operating system.
#[derive(Debug)]
enum SledError {
    Io(io::Error),
    Sled(String),
}

impl SledError {
    fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Io(source) => io_error("use the base in", path)(source),
            Self::Sled(what) => StoreError::corrupt(path, what),
        }
    }
}

impl From<sled::Error> for SledError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Io(error),
            other => Self::Sled(other.to_string()),
        }
    }
}

/// Opens a sled database. sled's threads release the file lock shortly after the last handle is dropped, so
/// reopening in the same process may find it locked. Under our own lock this is the only possible holder, and
/// waiting resolves it.
fn open_with_retry(directory: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None);
    for _ in 1..TRIES {
        match catch_panic(|| config.open()) {
            Err(SledError::Io(error)) if error.to_string().contains("could not acquire lock") => {
                thread::sleep(PAUSE)
            }
            opened_or_failed => return opened_or_failed.map_err(|error| error.at(directory)),
        }
    }
    catch_panic(|| config.open()).map_err(|error| error.at(directory))
}

/// 90 seconds in total, since a slow disk is not a failure.
const TRIES: usize = 18_000;
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until sled's threads have released the database: only then can it be synced as a whole and renamed.
fn wait_until_released(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join("db");
    let file = File::open(&path).map_err(io_error("open", &path))?;
    for _ in 0..TRIES {
        match file.try_lock() {
            // Not by closing the file: see `DirectoryLock`.
            Ok(()) => return file.unlock().map_err(io_error("unlock", &path)),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
        }
    }
    let held = io::Error::new(io::ErrorKind::TimedOut, "sled did not release the file");
    Err(io_error("close", &path)(held))
}

/// Runs sled code and converts panics to errors. The database is not used after a panic, so a broken state
/// cannot be observed.
fn catch_panic<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, SledError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(SledError::from),
        Err(_) => Err(SledError::Sled("sled panicked; see the log for its message".to_owned())),
    }
}

fn remove_unfinished_snapshots(directory: &Path) -> Result<(), StoreError> {
    for name in list_names(directory)? {
        if name.starts_with("snap.") && name.ends_with(".generating") {
            let path = directory.join(&name);
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
            tracing::warn!(file = name, "removed incomplete sled snapshot of an earlier run");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, records: impl Iterator<Item = Record>) {
        let mut writer = Writer::create(directory).unwrap();
        records.for_each(|record| writer.add(record).unwrap());
        writer.finish().unwrap();
    }

    fn all(directory: &Path) -> Vec<Record> {
        let mut records = Vec::new();
        read(directory, &mut |key, value| {
            records.push((key.to_vec(), value.to_vec()));
            Ok(())
        })
        .unwrap();
        records
    }

    #[test]
    fn written_records_are_read_in_key_order() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("base");
        let records: Vec<Record> =
            (0..5_000u32).map(|n| (n.to_be_bytes().to_vec(), vec![n.to_be_bytes()[3]; 300])).collect();
        assert!(!is_base(&base));
        write(&base, records.iter().rev().cloned());
        assert!(is_base(&base));
        assert_eq!(all(&base), records);
        assert_eq!(all(&base), records, "a second read returns the same");
    }

    #[test]
    fn incomplete_sled_snapshot_is_removed_on_open() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), [(b"a".to_vec(), b"1".to_vec())].into_iter());
        let left_over = directory.path().join("snap.0000000000000000.generating");
        fs::write(&left_over, b"half").unwrap();
        assert_eq!((all(directory.path()).len(), left_over.exists()), (1, false));
    }

    /// Blob files are never synced.
    #[test]
    fn largest_records_stay_inline() {
        let directory = tempfile::tempdir().unwrap();
        let largest = |n: u32| (n.to_be_bytes().to_vec(), vec![b'x'; 33_000]);
        write(directory.path(), (0..400).map(|n| largest((n * 7_919) % 400)));
        assert_eq!(all(directory.path()).len(), 400);
        assert_eq!(fs::read_dir(directory.path().join("blobs")).unwrap().count(), 0);
    }
}
