//! Replaces a store by another one that was written into a directory below its own. The directory of a store may be a mount
//! point, which cannot be renamed, and holds files that stay, such as keys.
//!
//! ```text
//! replacement.unfinished   the new store is being written; the old one is in use
//! replacement.committed    the new store is complete; the files of the old one are being removed
//! replacement.cleared      they are removed; the files of the new one are being moved up
//! ```
//!
//! Each name replaces the one before by a rename. What a crash interrupts after the first rename is finished when the store
//! is opened; before it, the new store is removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    StateDigest, StoreError,
    codec::{Entry, decode},
    corruption::CorruptionLog,
    files::{CLEARED, COMMITTED, STAGING, StoreFiles, base_name, is_store_file},
    fs::{fsync, io_error, list_names, remove, rename_durably},
    journal::JournalHistory,
    lock::DirectoryLock,
    recovery::describe_mismatch,
    sled as base,
};

/// Returns the path of the directory for a store that will replace the one in `directory`, and removes what an earlier attempt
/// has left there. The store in `directory` may be open.
///
/// # Errors
/// If it cannot be removed.
pub fn prepare_staging(directory: &Path) -> Result<PathBuf, StoreError> {
    let staging = directory.join(STAGING);
    remove(&staging)?;
    Ok(staging)
}

/// Replaces the store in a directory, if any, by the one in the directory of [`prepare_staging`], and removes the log of a
/// cluster that belongs to the old store. Keeps all other files. The store must be closed. Does nothing if an earlier call for
/// the same new store was interrupted and is finished by this one.
///
/// # Errors
/// [`StoreError::Locked`] if the store is open, [`StoreError::Corrupt`] if the new store is incomplete, [`StoreError::Io`] if there is none. On error
/// the old store is in place, or the replacement will be finished by the next call or when the store is opened.
pub fn replace_store(directory: &Path) -> Result<(), StoreError> {
    let _lock = DirectoryLock::acquire(directory)?;
    let was_interrupted = finish(directory)?;
    let staging = directory.join(STAGING);
    if was_interrupted && !staging.exists() {
        return Ok(());
    }
    replace_locked(directory)
}

/// As [`replace_store`], for the holder of the lock.
pub(crate) fn replace_locked(directory: &Path) -> Result<(), StoreError> {
    replace_in_steps(directory, &mut || Ok(()))
}

/// Finishes a replacement that was interrupted, for the holder of the lock. Returns whether there was one.
pub(crate) fn finish(directory: &Path) -> Result<bool, StoreError> {
    finish_in_steps(directory, &mut || Ok(()))
}

/// Called after each step that changes a directory. An error ends the replacement there, as a crash does.
type AfterStep<'a> = dyn FnMut() -> Result<(), StoreError> + 'a;

fn replace_in_steps(directory: &Path, after_step: &mut AfterStep<'_>) -> Result<(), StoreError> {
    let staging = directory.join(STAGING);
    check(&staging)?;
    rename_durably(&staging, &directory.join(COMMITTED))?;
    after_step()?;
    finish_in_steps(directory, after_step).map(drop)
}

fn finish_in_steps(directory: &Path, after_step: &mut AfterStep<'_>) -> Result<bool, StoreError> {
    let (committed, cleared) = (directory.join(COMMITTED), directory.join(CLEARED));
    let was_committed = committed.is_dir();
    if was_committed {
        // The process that renamed it may have been killed before it synced the name.
        fsync(directory)?;
        for name in list_names(directory)?.iter().filter(|name| is_store_file(name)) {
            remove(&directory.join(name))?;
            after_step()?;
        }
        // A name that reappears later would be taken for one of the new store.
        fsync(directory)?;
        rename_durably(&committed, &cleared)?;
        after_step()?;
    }
    if !cleared.is_dir() {
        return Ok(was_committed);
    }
    fsync(directory)?;
    for name in list_names(&cleared)?.iter().filter(|name| is_store_file(name)) {
        let (from, to) = (cleared.join(name), directory.join(name));
        fs::rename(&from, &to).map_err(io_error("rename", &from))?;
        after_step()?;
    }
    // The new names first: a power failure must not leave a file without any.
    fsync(directory)?;
    fsync(&cleared)?;
    remove(&cleared)?;
    after_step()?;
    fsync(directory)?;
    tracing::info!(directory = %directory.display(), "replaced the store");
    Ok(true)
}

/// Checks that a directory holds a complete store, of which the journal has no commit yet. Reads the whole base.
fn check(staging: &Path) -> Result<(), StoreError> {
    let corrupt = |what: &str| StoreError::corrupt(staging, what);
    if !staging.is_dir() {
        let missing = io::Error::new(io::ErrorKind::NotFound, "there is no store");
        return Err(io_error("replace the store by", staging)(missing));
    }
    let _lock = DirectoryLock::acquire(staging)?;
    let files = StoreFiles::find(staging)?;
    let history = JournalHistory::read(&files.journal, &CorruptionLog::strict())?;
    let start = history.start().filter(|_| history.has_no_commits());
    let start = start.ok_or_else(|| corrupt("the journal is missing or contains commits"))?;
    let base = files.base.filter(|base| base.ends_with(base_name(start.watermarks.last)));
    let base = base.ok_or_else(|| corrupt("the base is missing"))?;
    let (mut found, mut written) =
        (StateDigest { watermarks: start.watermarks, ..StateDigest::default() }, None);
    base::read(&base, &mut |key, value| {
        match decode(key, value).map_err(|error| corrupt(&error.to_string()))? {
            Entry::Digest(digest) => written = Some(digest),
            Entry::Log(_) | Entry::State(_) | Entry::Since(_) => {}
            entry => found.add(key, entry.version()),
        }
        Ok(())
    })?;
    if written != Some(start) || found != start {
        return Err(corrupt(&describe_mismatch(&found, &start)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use nearby_index::{IndexWriter, UnixMicros};

    use super::*;
    use crate::{
        Batch, Contents, DurableStore, OpenMode, RecoveredState, Store, StoreOptions, backup,
        conformance::{of, position, put},
        fs::copy_directory,
        verify,
    };

    /// The commit, four files of the old store, the next name, two files of the new store, the empty directory.
    const STEPS: usize = 1 + 4 + 1 + 2 + 1;
    const KEPT: [&str; 3] = ["page-token.key", "api-keys", "history-id"];

    /// Short segments, which are copied quickly.
    const OPTIONS: StoreOptions<'static> =
        StoreOptions { checkpoint_journal_bytes: 1 << 18, ..StoreOptions::DEFAULT };

    fn open(directory: &Path) -> (DurableStore, RecoveredState) {
        DurableStore::open(directory, &OPTIONS).unwrap()
    }

    fn contents(state: &RecoveredState) -> Contents {
        let index = IndexWriter::load(state.merchants.iter().cloned(), state.digest.watermarks.last);
        let (deletions, requests) = (state.deletions.clone(), state.requests.clone());
        Contents { snapshot: index.reader().snapshot(), deletions, requests }
    }

    /// Creates a store with a base, a snapshot file, a journal, the log of a cluster, and files that stay.
    fn fill(directory: &Path, name: &str, merchants: u64) -> RecoveredState {
        let (mut store, _) = open(directory);
        for revision in 1..=merchants {
            let changes = [put(&format!("{name}{revision}"), revision, name.as_bytes())];
            let batch = Batch { replaces: &[None], position: Some(position(revision)), ..of(&changes) };
            store.append(&batch).unwrap();
            if revision == merchants / 2 {
                drop(store);
                let (mut again, state) = open(directory);
                again.compact(contents(&state)).unwrap();
                store = again;
            }
        }
        drop(store);
        fs::create_dir_all(directory.join("cluster-log")).unwrap();
        fs::write(directory.join("cluster-log/1.log"), b"messages").unwrap();
        KEPT.iter().for_each(|name| fs::write(directory.join(name), name).unwrap());
        open(directory).1
    }

    /// A store with another one in its staging directory, and the states of both.
    struct Fixture {
        directory: tempfile::TempDir,
        old: Arc<RecoveredState>,
        new: Arc<RecoveredState>,
    }

    impl Fixture {
        fn new() -> Self {
            static ORIGINAL: LazyLock<Fixture> = LazyLock::new(Fixture::create);

            let directory = tempfile::tempdir().unwrap();
            copy_directory(ORIGINAL.path(), directory.path()).unwrap();
            Self { directory, old: Arc::clone(&ORIGINAL.old), new: Arc::clone(&ORIGINAL.new) }
        }

        fn create() -> Self {
            let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let old = fill(directory.path(), "old", 20);
            let new = fill(other.path(), "new", 30);
            let file = other.path().join("backup");
            let mut bytes = Vec::new();
            let at = new.position.as_ref();
            backup::write(&mut bytes, &contents(&new), &new.digest, at, UnixMicros(0)).unwrap();
            fs::write(&file, bytes).unwrap();
            backup::restore_exact(&file, &prepare_staging(directory.path()).unwrap()).unwrap();
            Self { directory, old: Arc::new(old), new: Arc::new(new) }
        }

        fn path(&self) -> &Path {
            self.directory.path()
        }

        /// Fails unless the directory holds this state, the files that stay, and no remainder of the replacement.
        fn check(&self, expected: &RecoveredState, has_cluster_log: bool) {
            let (_store, state) = open(self.path());
            assert_eq!(state.merchants, expected.merchants);
            assert_eq!((state.digest, state.position), (expected.digest, expected.position));
            for name in KEPT {
                assert_eq!(fs::read(self.path().join(name)).unwrap(), name.as_bytes());
            }
            let names = list_names(self.path()).unwrap();
            assert!(!names.iter().any(|name| name.starts_with("replacement")), "{names:?}");
            assert_eq!(names.iter().any(|name| name == "cluster-log"), has_cluster_log, "{names:?}");
        }

        /// Runs a part of the replacement that is interrupted after some steps. Returns whether it ended before.
        fn interrupt(
            &self,
            steps: usize,
            run: fn(&Path, &mut AfterStep<'_>) -> Result<(), StoreError>,
        ) -> bool {
            let mut left = steps;
            run(self.path(), &mut || {
                left -= 1;
                if left == 0 {
                    return Err(io_error("interrupt", self.path())(io::ErrorKind::Interrupted.into()));
                }
                Ok(())
            })
            .is_ok()
        }
    }

    #[test]
    fn store_is_replaced_and_other_files_stay() {
        let fixture = Fixture::new();
        let open_store = open_with_staging(&fixture);
        assert!(matches!(replace_store(fixture.path()), Err(StoreError::Locked { .. })));
        drop(open_store);
        // Opening it has removed what was staged.
        assert!(matches!(replace_store(fixture.path()), Err(StoreError::Io { .. })));
        fixture.check(&fixture.old, true);

        let fixture = Fixture::new();
        replace_store(fixture.path()).unwrap();
        fixture.check(&fixture.new, false);
        let found = verify(fixture.path(), &OPTIONS).unwrap();
        assert_eq!(found.corruption, Vec::<String>::new());
    }

    fn open_with_staging(fixture: &Fixture) -> DurableStore {
        assert!(fixture.path().join(STAGING).is_dir());
        open(fixture.path()).0
    }

    #[test]
    fn replacement_is_finished_wherever_it_is_interrupted() {
        let mut interruptions = 0;
        for steps in 1.. {
            let fixture = Fixture::new();
            if fixture.interrupt(steps, replace_in_steps) {
                break;
            }
            interruptions += 1;
            check_unopenable_to_read(fixture.path());
            // The end of the journal of the old store may be gone, or all of it.
            if steps == 2 {
                drop(fs::remove_dir_all(fixture.path().join("journal")));
            }
            fixture.check(&fixture.new, false);
            fixture.check(&fixture.new, false);
        }
        assert_eq!(interruptions, STEPS);
    }

    fn check_unopenable_to_read(directory: &Path) {
        let is_pending = [COMMITTED, CLEARED].iter().any(|name| directory.join(name).exists());
        let options = StoreOptions { mode: OpenMode::ReadOnly, ..OPTIONS };
        let opened = DurableStore::open(directory, &options).map(drop);
        let found = verify(directory, &OPTIONS).unwrap();
        assert!(DurableStore::exists(directory));
        if is_pending {
            assert!(opened.unwrap_err().to_string().contains("was interrupted"));
            assert_eq!(found.corruption.len(), 1, "{found:?}");
        } else {
            opened.unwrap();
            assert_eq!(found.corruption, Vec::<String>::new());
        }
    }

    #[test]
    fn replacement_is_finished_after_repeated_interruptions() {
        for first in 1..=STEPS {
            for second in 1..=STEPS {
                let fixture = Fixture::new();
                assert!(!fixture.interrupt(first, replace_in_steps));
                let is_finished =
                    fixture.interrupt(second, |path, after| finish_in_steps(path, after).map(drop));
                assert_eq!(is_finished, first + second > STEPS, "{first}, {second}");
                if second % 2 == 0 {
                    replace_store(fixture.path()).unwrap_or_else(|error| {
                        // Nothing is left to finish, and nothing is staged.
                        assert!(is_finished || first + second == STEPS, "{first}, {second}: {error}");
                    });
                }
                fixture.check(&fixture.new, false);
            }
        }
    }

    #[test]
    fn incomplete_staging_directory_replaces_nothing() {
        let damage: [fn(&Path); 5] = [
            |staging| fs::remove_dir_all(staging.join("journal")).unwrap(),
            |staging| fs::remove_file(staging.join("journal/00000000000000000001.journal")).unwrap(),
            |staging| {
                let base = StoreFiles::find(staging).unwrap().base.unwrap();
                fs::rename(&base, base.with_extension("unfinished")).unwrap();
            },
            |staging| {
                let base = StoreFiles::find(staging).unwrap().base.unwrap();
                base::tamper(&base, b"mnew3", None);
            },
            |staging| fs::remove_dir_all(staging).unwrap(),
        ];
        for (number, damage) in damage.into_iter().enumerate() {
            let fixture = Fixture::new();
            damage(&fixture.path().join(STAGING));
            let error = replace_store(fixture.path()).unwrap_err();
            let is_expected = matches!(error, StoreError::Corrupt { .. } | StoreError::Io { .. });
            assert!(is_expected, "{number}: {error}");
            fixture.check(&fixture.old, true);
        }
    }

    #[test]
    fn empty_directory_takes_a_replacement() {
        let fixture = Fixture::new();
        for name in list_names(fixture.path()).unwrap().iter().filter(|name| is_store_file(name)) {
            remove(&fixture.path().join(name)).unwrap();
        }
        replace_store(fixture.path()).unwrap();
        fixture.check(&fixture.new, false);
    }
}
