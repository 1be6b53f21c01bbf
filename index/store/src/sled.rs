//! The base: all records as of one revision, in sled. The only place that says `sled::`.
//!
//! A base is written once, into a directory of its own, and read at starts; no record in it is ever changed by us. What sled
//! 0.34.7 does not do by itself, and what is done about it:
//! - It opens a file in which a bit was flipped as if it were whole, in an older state: in one of three flips, records were
//!   lost or back from the dead without a word. The tally beside the records tells.
//! - After a disk was full it takes nothing until it is opened anew; it grows with every change and slows down. Commits go to
//!   the journal, and a checkpoint that finds no room is thrown away and written again later.
//! - `flush` writes with `sync_file_range`, which does not reach the medium. All files are synced once they are written, and
//!   only then the base gets its name.
//! - Its background flusher only logs a failure and can stop silently. It is off.
//! - A page above a quarter of a segment goes to a blob file, which is never synced. A page holds at most 17 records, so
//!   segments of 4 MiB keep 17 of the largest records (33 KiB) inline with room to spare.
//! - A full disk during open can leave `snap.*.generating` behind, which makes every later open fail. Under our own
//!   lock no other process can be writing one, so it is removed before.
//! - It panics on some damage and some I/O errors. A panic in our thread becomes an error; one in a thread of sled's own
//!   cannot be caught.

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
    fs::{at, names, sync},
};

/// What is not in the index only has to bear being written or read once.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Records that are handed to sled at a time. It keeps all that a batch replaces until the batch is over, whole pages each
/// time: with 3,000 a million merchants took 4 GB and five times as long.
const BATCH_RECORDS: usize = 256;

/// Bytes after which it is waited until sled has written them.
const FLUSH_BYTES: usize = 8 * 1024 * 1024;

/// A key and its value.
pub(crate) type Record = (Vec<u8>, Vec<u8>);

/// Whether there is a base in a directory.
pub(crate) fn is_in(directory: &Path) -> bool {
    directory.join("db").is_file()
}

/// A base that is being written.
pub(crate) struct Writer {
    directory: PathBuf,
    database: sled::Db,
    batch: sled::Batch,
    records: usize,
    unflushed_bytes: usize,
}

impl Writer {
    /// Begins one in a directory that is not there yet.
    pub(crate) fn create(directory: &Path) -> Result<Self, StoreError> {
        let database = open_patiently(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            database,
            batch: sled::Batch::default(),
            records: 0,
            unflushed_bytes: 0,
        })
    }

    /// Adds a record; quickest in the order of their keys.
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
        guarded(|| {
            self.database.apply_batch(batch)?;
            if flush_now { self.database.flush().map(drop) } else { Ok(()) }
        })
        .map_err(|fault| fault.at(&self.directory))
    }

    /// Ends it. It is durable when this returns, but for its own name.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        self.apply()?;
        let Self { directory, database, .. } = self;
        guarded(|| database.flush().map(drop)).map_err(|fault| fault.at(&directory))?;
        close(database, &directory)?;
        sync_all(&directory)
    }
}

/// Takes a key and its value.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Hands all records of a base to `visit`, in the order of their keys, until it returns an error.
pub(crate) fn read(directory: &Path, visit: &mut Visit<'_>) -> Result<(), StoreError> {
    if !is_in(directory) {
        return Err(StoreError::corrupt(directory, "its file `db` is missing"));
    }
    remove_unfinished_snapshots(directory)?;
    let database = open_patiently(directory)?;
    let mut records = database.iter();
    while let Some((key, value)) =
        guarded(|| records.next().transpose()).map_err(|fault| fault.at(directory))?
    {
        visit(&key, &value)?;
    }
    drop(records);
    close(database, directory)?;
    // Whenever it opens a file, sled puts its end in order and writes a snapshot beside it.
    sync_all(directory)
}

fn sync_all(directory: &Path) -> Result<(), StoreError> {
    for name in names(directory)? {
        sync(&directory.join(name))?;
    }
    sync(directory)
}

fn close(database: sled::Db, directory: &Path) -> Result<(), StoreError> {
    let closed = guarded(|| {
        drop(database);
        Ok(())
    });
    closed.map_err(|fault| fault.at(directory))?;
    wait_until_released(directory)
}

/// Puts a record into a base that is written, or removes it: what no code of ours does.
#[cfg(test)]
pub(crate) fn tamper(directory: &Path, key: &[u8], value: Option<&[u8]>) {
    let database = open_patiently(directory).unwrap();
    match value {
        Some(value) => database.insert(key, value).unwrap(),
        None => database.remove(key).unwrap(),
    };
    close(database, directory).unwrap();
}

/// What sled or the system did not do.
#[derive(Debug)]
enum Fault {
    Io(io::Error),
    Sled(String),
}

impl Fault {
    fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Io(source) => at("use the base in", path)(source),
            Self::Sled(what) => StoreError::corrupt(path, what),
        }
    }
}

impl From<sled::Error> for Fault {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Io(error),
            other => Self::Sled(other.to_string()),
        }
    }
}

/// Opens sled's files. Its threads let go of a file a moment after the last handle was dropped, so that opening a
/// directory again in the same process finds it locked; under our own lock that is all it can be, and it passes.
fn open_patiently(directory: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(CACHE_BYTES)
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(None);
    for _ in 1..TRIES {
        match guarded(|| config.open()) {
            Err(Fault::Io(error)) if error.to_string().contains("could not acquire lock") => {
                thread::sleep(PAUSE)
            }
            opened_or_failed => return opened_or_failed.map_err(|fault| fault.at(directory)),
        }
    }
    guarded(|| config.open()).map_err(|fault| fault.at(directory))
}

/// A minute and a half in all: a slow disk is no failure.
const TRIES: usize = 18_000;
const PAUSE: Duration = Duration::from_millis(5);

/// Waits until sled's threads have let go of a directory: only then can it be synced as a whole and renamed.
fn wait_until_released(directory: &Path) -> Result<(), StoreError> {
    let path = directory.join("db");
    let file = File::open(&path).map_err(at("open", &path))?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(at("lock", &path)(error)),
        }
    }
    let held = io::Error::new(io::ErrorKind::TimedOut, "the engine did not let go of it");
    Err(at("close", &path)(held))
}

/// Runs a piece of sled; its panics become faults. After one the engine is not used again, so that no broken state can
/// be seen.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Fault::from),
        Err(_) => Err(Fault::Sled("sled panicked; the log has its words".to_owned())),
    }
}

fn remove_unfinished_snapshots(directory: &Path) -> Result<(), StoreError> {
    for name in names(directory)? {
        if name.starts_with("snap.") && name.ends_with(".generating") {
            let path = directory.join(&name);
            fs::remove_file(&path).map_err(at("remove", &path))?;
            tracing::warn!(file = name, "removed an unfinished snapshot that an earlier run left behind");
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
    fn what_is_written_is_read_in_the_order_of_keys() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("base");
        let records: Vec<Record> =
            (0..5_000u32).map(|n| (n.to_be_bytes().to_vec(), vec![n.to_be_bytes()[3]; 300])).collect();
        assert!(!is_in(&base));
        write(&base, records.iter().rev().cloned());
        assert!(is_in(&base));
        assert_eq!(all(&base), records);
        assert_eq!(all(&base), records, "and again");
    }

    #[test]
    fn an_unfinished_snapshot_does_not_stop_a_start() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), [(b"a".to_vec(), b"1".to_vec())].into_iter());
        let left_over = directory.path().join("snap.0000000000000000.generating");
        fs::write(&left_over, b"half").unwrap();
        assert_eq!((all(directory.path()).len(), left_over.exists()), (1, false));
    }

    /// A blob file is a record that no sync reaches.
    #[test]
    fn the_largest_records_never_become_blobs() {
        let directory = tempfile::tempdir().unwrap();
        let largest = |n: u32| (n.to_be_bytes().to_vec(), vec![b'x'; 33_000]);
        write(directory.path(), (0..400).map(|n| largest((n * 7_919) % 400)));
        assert_eq!(all(directory.path()).len(), 400);
        assert_eq!(fs::read_dir(directory.path().join("blobs")).unwrap().count(), 0);
    }
}
