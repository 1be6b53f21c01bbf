//! The engine on disk. The only place that says `sled::`.
//!
//! What sled 0.34.7 does not do by itself, and what is done about it here:
//! - `flush` writes with `sync_file_range`, which does not reach the medium. We hold a second descriptor on its file
//!   and `fdatasync` that after every flush.
//! - Its background flusher only logs a failure and can stop silently. It is off; every commit flushes.
//! - A page above a quarter of a segment goes to a blob file, which is never synced. A page holds at most 17 records, so
//!   segments of 4 MiB keep 17 of the largest records (33 KiB) inline with room to spare.
//! - A full disk during open can leave `snap.*.generating` behind, which makes every later open fail. Under our own
//!   lock no other process can be writing one, so it is removed before.
//! - It panics on some damage and some I/O errors. A panic in our thread becomes an error, and the engine fails closed; one
//!   in a thread of sled's own cannot be caught, and can leave a flush waiting until the process is stopped.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use nearby_index::{Change, Revision};

use crate::{
    Batch, DoneRequest, Extent, Kept, Store, StoreError,
    codec::{
        Entry, SINCE_KEY, STATE_KEY, decode, encode_deletion, encode_merchant, encode_request,
        encode_revision, keys_of, merchant_key,
    },
    lock::DirectoryLock,
};

/// Keeps merchants in a directory, which it holds for this process.
#[derive(Debug)]
pub struct SledStore {
    directory: PathBuf,
    // Declared, and so dropped, before the lock.
    database: sled::Db,
    /// Second descriptor on sled's file, to sync it by.
    file: File,
    failed: Option<String>,
    _lock: DirectoryLock,
}

impl SledStore {
    /// Opens a directory, or makes it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another process holds it, [`StoreError::Io`] where it cannot be made or read,
    /// [`StoreError::Corrupt`] where sled cannot make sense of what is in it.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        create_durably(directory)?;
        let lock = DirectoryLock::acquire(directory)?;
        let inner = directory.join("sled");
        remove_unfinished_snapshots(&inner)?;
        let config = sled::Config::new()
            .path(&inner)
            .cache_capacity(CACHE_BYTES)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(None);
        let database = open_patiently(&config).map_err(|fault| fault.at(&inner))?;
        sync_directory_and_files(&inner)?;
        sync(directory)?;
        let path = inner.join("db");
        let file = File::open(&path).map_err(at("open", &path))?;
        Ok(Self { directory: directory.to_owned(), database, file, failed: None, _lock: lock })
    }

    /// Whether a directory holds a store of this engine.
    #[must_use]
    pub fn is_in(directory: &Path) -> bool {
        directory.join("sled").join("db").is_file()
    }

    fn write(&self, batch: &Batch<'_>) -> Result<(), Fault> {
        let records = records_of(batch);
        guarded(|| {
            self.database.apply_batch(records)?;
            self.database.flush()
        })?;
        self.file.sync_data().map_err(Fault::Io)
    }

    fn corrupt(&self, what: impl ToString) -> StoreError {
        StoreError::Corrupt { path: self.directory.clone(), what: what.to_string() }
    }
}

/// Everything is in the index as well; sled's cache only has to bear writing.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;

impl Store for SledStore {
    fn load(&mut self, visit: &mut dyn FnMut(Kept)) -> Result<Extent, StoreError> {
        let (mut last, mut newest) = (Revision::ZERO, Revision::ZERO);
        let mut deletions_since = None;
        let mut request: Option<DoneRequest> = None;
        let mut entries = self.database.iter();
        while let Some((key, value)) =
            guarded(|| entries.next().transpose()).map_err(|fault| fault.at(&self.directory))?
        {
            match decode(&key, &value).map_err(|error| self.corrupt(error))? {
                Entry::State(revision) => last = revision,
                Entry::Since(revision) => deletions_since = Some(revision),
                Entry::Deletion { id, revision } => {
                    newest = newest.max(revision);
                    visit(Kept::Deletion { id, revision });
                }
                Entry::Merchant(stored) => {
                    newest = newest.max(stored.revision);
                    visit(Kept::Merchant(stored));
                }
                Entry::Outcome { of, count, number } => {
                    let gathered = gather(&mut request, of, number);
                    let gathered =
                        gathered.ok_or_else(|| self.corrupt("an outcome of a request is missing"))?;
                    if gathered.outcomes.len() == usize::from(count) {
                        request.take().into_iter().for_each(|whole| visit(Kept::Request(whole)));
                    }
                }
            }
        }
        if request.is_some() {
            return Err(self.corrupt("an outcome of a request is missing"));
        }
        if newest > last {
            return Err(self.corrupt("a record is newer than the last commit"));
        }
        // A store that never kept deletions knows of none up to now.
        Ok(Extent { last, deletions_since: deletions_since.unwrap_or(last) })
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if let Some(reason) = &self.failed {
            return Err(StoreError::ReadOnly { reason: reason.clone() });
        }
        self.write(batch).map_err(|fault| {
            let error = fault.at(&self.directory);
            self.failed = Some(error.to_string());
            error
        })
    }
}

/// Puts the next outcome to those before it; `None` where it does not follow them.
fn gather(request: &mut Option<DoneRequest>, next: DoneRequest, number: u16) -> Option<&DoneRequest> {
    match request {
        None if number == 0 => Some(request.insert(next)),
        Some(begun) if begun.id == next.id && begun.outcomes.len() == usize::from(number) => {
            begun.outcomes.extend(next.outcomes);
            Some(begun)
        }
        _ => None,
    }
}

/// What a batch writes and removes.
fn records_of(batch: &Batch<'_>) -> sled::Batch {
    let mut records = sled::Batch::default();
    let mut last = Revision::ZERO;
    // First: of two operations on one key the later counts.
    batch.forget.iter().flat_map(keys_of).for_each(|key| records.remove(key));
    for change in batch.changes {
        match change {
            Change::Put(stored) => {
                records.insert(merchant_key(&stored.merchant.id), encode_merchant(stored));
            }
            Change::Delete { id, revision } => {
                records.remove(merchant_key(id));
                let (key, value) = encode_deletion(id, *revision);
                records.insert(key, value);
            }
        }
        last = change.revision();
    }
    for (key, value) in batch.done.iter().flat_map(|request| encode_request(request)) {
        records.insert(key, value);
    }
    records.insert(STATE_KEY, encode_revision(STATE_KEY, last));
    records.insert(SINCE_KEY, encode_revision(SINCE_KEY, batch.deletions_since));
    records
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
            Self::Io(source) => StoreError::Io { action: "use the store in", path: path.to_owned(), source },
            Self::Sled(what) => StoreError::Corrupt { path: path.to_owned(), what },
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

/// Opens sled's files. Its threads let go of the file a moment after the last handle was dropped, so that opening a
/// directory again in the same process finds it locked; under our own lock that is all it can be, and it passes.
fn open_patiently(config: &sled::Config) -> Result<sled::Db, Fault> {
    const TRIES: usize = 500;
    const PAUSE: Duration = Duration::from_millis(10);

    for _ in 1..TRIES {
        match guarded(|| config.open()) {
            Err(Fault::Io(error)) if error.to_string().contains("could not acquire lock") => {
                thread::sleep(PAUSE)
            }
            opened_or_failed => return opened_or_failed,
        }
    }
    guarded(|| config.open())
}

/// Runs a piece of sled; its panics become faults. After one the engine is not used again, so that no broken state can
/// be seen.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Fault::from),
        Err(_) => Err(Fault::Sled("sled panicked; the log has its words".to_owned())),
    }
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Io { action, path: path.to_owned(), source }
}

/// Makes a directory and those above it that are not there, and syncs the entries of what it made.
fn create_durably(directory: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(directory).map_err(at("create", directory))?;
    for made in missing {
        let parent = made.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn remove_unfinished_snapshots(inner: &Path) -> Result<(), StoreError> {
    let entries = match fs::read_dir(inner) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at("read", inner)(error)),
    };
    for entry in entries {
        let path = entry.map_err(at("read", inner))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path).map_err(at("remove", &path))?;
            tracing::warn!(file = name, "removed an unfinished snapshot that an earlier run left behind");
        }
    }
    Ok(())
}

/// sled syncs neither its configuration file nor the directory entries of what it creates.
fn sync_directory_and_files(inner: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(inner).map_err(at("read", inner))? {
        sync(&entry.map_err(at("read", inner))?.path())?;
    }
    sync(inner)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at("sync", path))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nearby_index::{
        AnyPosition, Merchant, MerchantId, Position, Profile, StoredMerchant, Terms, UnixMicros, Visibility,
    };

    use super::*;

    fn big(id: usize, revision: u64) -> Change {
        Change::Put(Arc::new(StoredMerchant {
            merchant: Merchant {
                id: MerchantId::parse(&format!("{id:06}")).unwrap(),
                position: AnyPosition::Wgs84(Position::new(60.0, 25.0).unwrap()),
                visibility: Visibility::Visible,
                terms: Terms::default(),
                hours: None,
                profile: Profile::new(&vec![b'x'; Profile::MAX_BYTES]).unwrap(),
            },
            revision: Revision(revision),
            placed: Revision(0),
            create_time: UnixMicros(0),
            update_time: UnixMicros(0),
        }))
    }

    fn batch(changes: &[Change]) -> Batch<'_> {
        Batch { changes, done: &[], forget: &[], deletions_since: Revision::ZERO }
    }

    #[test]
    fn conforms() {
        crate::conformance::run(|| {
            let directory = Arc::new(tempfile::tempdir().unwrap());
            Box::new(move || Box::new(SledStore::open(directory.path()).unwrap()))
        });
    }

    #[test]
    fn a_second_process_or_handle_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let _first = SledStore::open(directory.path()).unwrap();
        let refused = SledStore::open(directory.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Locked { .. }));
        let said = refused.to_string();
        assert!(said.contains(&format!("process id {}", std::process::id())), "{said}");
        assert!(said.contains("--data-dir"), "{said}");
    }

    #[test]
    fn an_unfinished_snapshot_does_not_stop_a_start() {
        let directory = tempfile::tempdir().unwrap();
        SledStore::open(directory.path()).unwrap().commit(&batch(&[big(1, 1)])).unwrap();
        let left_over = directory.path().join("sled/snap.0000000000000000.generating");
        fs::write(&left_over, b"half").unwrap();
        let mut count = 0;
        SledStore::open(directory.path()).unwrap().load(&mut |_| count += 1).unwrap();
        assert_eq!((count, left_over.exists()), (1, false));
    }

    /// A blob file is a record that no sync reaches.
    #[test]
    fn the_largest_records_never_become_blobs() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        let scattered: Vec<usize> = (0..400).map(|n| (n * 7_919) % 400).collect();
        for (n, ids) in scattered.chunks(40).enumerate() {
            let changes: Vec<Change> =
                ids.iter().enumerate().map(|(i, id)| big(*id, (n * 40 + i + 1) as u64)).collect();
            store.commit(&batch(&changes)).unwrap();
        }
        drop(store);
        let mut count = 0;
        SledStore::open(directory.path()).unwrap().load(&mut |_| count += 1).unwrap();
        assert_eq!(count, 400);
        assert_eq!(fs::read_dir(directory.path().join("sled/blobs")).unwrap().count(), 0);
    }

    #[test]
    fn damage_is_an_error_and_not_an_answer() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        store.commit(&batch(&[big(1, 1)])).unwrap();
        store.database.insert(b"m000002", b"\x01nonsense").unwrap();
        let error = store.load(&mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("checksum"), "{error}");
    }

    /// As when the state record of an older file is put beside newer merchants.
    #[test]
    fn a_record_from_after_the_last_commit_is_damage() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        store.commit(&batch(&[big(1, 1), big(2, 2)])).unwrap();
        store.database.insert(STATE_KEY, encode_revision(STATE_KEY, Revision(1))).unwrap();
        let error = store.load(&mut |_| ()).unwrap_err().to_string();
        assert!(error.contains("newer than the last commit"), "{error}");
    }

    #[test]
    fn a_failed_sync_is_a_failed_commit_and_the_last_one() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        store.commit(&batch(&[big(1, 1)])).unwrap();
        // A descriptor that cannot be synced: what a disk does when it fails.
        store.file = File::open("/dev/null").unwrap();
        assert!(
            matches!(store.commit(&batch(&[big(2, 2)])), Err(StoreError::Io { .. })),
            "the sync is part of the commit"
        );
        assert!(
            matches!(store.commit(&batch(&[big(3, 3)])), Err(StoreError::ReadOnly { .. })),
            "and is never tried again"
        );
    }

    /// Release 0.1 kept no deletions: nobody can resume from before its last commit.
    #[test]
    fn a_store_of_release_0_1_opens() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        store.commit(&batch(&[big(1, 1), big(2, 2)])).unwrap();
        store.database.remove(SINCE_KEY).unwrap();
        let mut count = 0;
        let extent = store.load(&mut |_| count += 1).unwrap();
        assert_eq!((count, extent), (2, Extent { last: Revision(2), deletions_since: Revision(2) }));
    }

    #[test]
    fn a_request_without_one_of_its_outcomes_is_damage() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = SledStore::open(directory.path()).unwrap();
        let outcomes = vec![big(1, 1), big(2, 2), big(3, 3)];
        let changes = outcomes.clone();
        let id = crate::RequestId([5; 16]);
        let request = Arc::new(DoneRequest { id, fingerprint: [0; 16], done: UnixMicros(0), outcomes });
        store.commit(&Batch { done: &[request], ..batch(&changes) }).unwrap();
        store.load(&mut |_| ()).unwrap();
        for number in [0, 1, 2] {
            let key = [b"q".as_slice(), &id.0, &[0, number]].concat();
            let record = store.database.remove(&key).unwrap().unwrap();
            let error = store.load(&mut |_| ()).unwrap_err().to_string();
            assert!(error.contains("outcome"), "{number}: {error}");
            store.database.insert(key, record).unwrap();
        }
    }
}
