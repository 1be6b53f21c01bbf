mod append;
mod exact_copy;
mod leave;
mod random;

use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use nearby_index::{IndexWriter, StoredMerchant};

use super::*;
use crate::{
    RecoverySource, backup,
    conformance::{commit, delete, position, put},
    sled::tamper,
    verify,
};

type Merchants = BTreeMap<String, StoredMerchant>;

fn open(directory: &Path) -> (DurableStore, RecoveredState) {
    DurableStore::open(directory, &StoreOptions::DEFAULT).unwrap()
}

fn contents(state: &RecoveredState) -> Contents {
    let index = IndexWriter::load(state.merchants.iter().cloned(), state.digest.watermarks.last);
    Contents {
        snapshot: index.reader().snapshot(),
        deletions: state.deletions.clone(),
        requests: state.requests.clone(),
    }
}

/// Fails unless both states are equal, regardless of their source.
fn assert_same(found: &RecoveredState, expected: &RecoveredState) {
    assert!(is_same(found, expected), "{found:#?} instead of {expected:#?}");
}

fn is_same(found: &RecoveredState, expected: &RecoveredState) -> bool {
    let RecoveredState { merchants, deletions, requests, digest, position, source: _, corruption } = found;
    (merchants, deletions, requests) == (&expected.merchants, &expected.deletions, &expected.requests)
        && (digest, position, corruption) == (&expected.digest, &expected.position, &expected.corruption)
}

fn merchants_of(state: &RecoveredState) -> Merchants {
    let pair = |stored: &Arc<StoredMerchant>| (stored.merchant.id.to_string(), StoredMerchant::clone(stored));
    state.merchants.iter().map(pair).collect()
}

/// Creates a store of a few hundred merchants with a base, a snapshot file, and a journal after both.
fn fill(directory: &Path) -> Merchants {
    let mut model = Merchants::new();
    let (mut store, _) = open(directory);
    let puts: Vec<Change> = (1..=300).map(|n| put(&format!("m{n}"), n, &[b'x'; 200])).collect();
    commit(&mut store, &mut model, &puts);
    drop(store);
    let (mut store, state) = open(directory);
    store.compact(contents(&state)).unwrap();
    commit(&mut store, &mut model, &[put("m7", 301, b"new"), delete("m8", 302), put("zz", 303, b"")]);
    commit(&mut store, &mut model, &[put("m7", 304, b"newer")]);
    model
}

#[test]
fn passes_conformance_suite() {
    crate::conformance::run(|| {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Box::new(move || {
            let (store, state) = open(directory.path());
            (Box::new(store), state)
        })
    });
}

#[test]
fn snapshot_file_and_base_recover_the_same_state() {
    let directory = tempfile::tempdir().unwrap();
    let model = fill(directory.path());
    let (store, state) = open(directory.path());
    assert_eq!((state.source, merchants_of(&state)), (RecoverySource::SnapshotFile, model.clone()));
    drop(store);
    let image = directory.path().join("image");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&image).unwrap().permissions().mode() & 0o777, 0o600);
    }
    fs::remove_file(&image).unwrap();
    let (_store, state) = open(directory.path());
    assert_eq!((state.source, merchants_of(&state)), (RecoverySource::Base, model));
}

#[test]
fn positions_are_in_base_snapshot_file_and_journal() {
    let directory = tempfile::tempdir().unwrap();
    let image = directory.path().join("image");
    let commit_at = |changes: &[Change], replaces: &[Option<Revision>], sequence| {
        let (mut store, state) = open(directory.path());
        let batch = Batch {
            changes,
            replaces,
            completed: &[],
            forget: &[],
            deletions_since: state.digest.watermarks.deletions_since,
            position: Some(position(sequence)),
        };
        store.commit(&batch).unwrap();
    };
    let compact = || {
        let (mut store, state) = open(directory.path());
        store.compact(contents(&state)).unwrap();
    };
    let recovered = || {
        let state = open(directory.path()).1;
        (state.source, state.position.map(|position| position.sequence), state.digest.watermarks.last.0)
    };
    commit_at(&[put("a", 1, b"one")], &[None], 5);
    assert_eq!(recovered(), (RecoverySource::Journal, Some(5), 1));
    compact();
    assert_eq!(recovered(), (RecoverySource::SnapshotFile, Some(5), 1));
    commit_at(&[], &[], 6);
    commit_at(&[], &[], 7);
    assert_eq!(recovered(), (RecoverySource::SnapshotFile, Some(7), 1));
    fs::remove_file(&image).unwrap();
    assert_eq!(recovered(), (RecoverySource::Base, Some(7), 1));
    // A checkpoint keeps the base of a revision that has not changed, with its position: the journal has the newer one.
    compact();
    assert_eq!(recovered(), (RecoverySource::SnapshotFile, Some(7), 1));
    fs::remove_file(&image).unwrap();
    assert_eq!(recovered(), (RecoverySource::Base, Some(7), 1));
    commit_at(&[put("a", 2, b"two")], &[Some(Revision(1))], 8);
    compact();
    fs::remove_file(&image).unwrap();
    assert_eq!(recovered(), (RecoverySource::Base, Some(8), 2));
    assert_eq!(verify(directory.path(), &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());
}

#[test]
fn damaged_stale_or_foreign_snapshot_file_is_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let model = fill(directory.path());
    let path = directory.path().join("image");
    let intact = fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let (_store, state) = open(directory.path());
        assert_eq!((state.source, merchants_of(&state)), (RecoverySource::Base, model.clone()));
    };
    for at in (0..intact.len()).step_by(intact.len() / 60) {
        let mut flipped = intact.clone();
        flipped[at] ^= 4;
        check(&flipped);
        check(&intact[..at]);
    }
    // A release that derives fields differently.
    fs::write(&path, &intact).unwrap();
    let derive_fields =
        |stored: StoredMerchant| StoredMerchant { create_time: nearby_index::UnixMicros(99), ..stored };
    let options = StoreOptions { derive_fields: &derive_fields, ..StoreOptions::DEFAULT };
    let (_store, state) = DurableStore::open(directory.path(), &options).unwrap();
    assert_eq!(state.source, RecoverySource::Base);
}

#[test]
fn second_opener_is_refused_and_names_the_holder() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(directory.path());
    let error = DurableStore::open(directory.path(), &StoreOptions::DEFAULT).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }));
    let message = error.to_string();
    assert!(message.contains(&format!("process id {}", std::process::id())), "{message}");
    assert!(message.contains("--data-dir"), "{message}");
}

#[test]
fn growing_journal_is_checkpointed_during_commits() {
    let directory = tempfile::tempdir().unwrap();
    let options = StoreOptions { checkpoint_journal_bytes: 1 << 20, ..StoreOptions::DEFAULT };
    let (mut store, _) = DurableStore::open(directory.path(), &options).unwrap();
    let mut index = IndexWriter::load([], Revision::ZERO);
    let (mut model, mut checkpoints) = (Merchants::new(), 0);
    for round in 0..300_u64 {
        let changes: Vec<Change> = (1..=40)
            .map(|n| put(&format!("m{}", (round * 40 + n) % 997), round * 40 + n, &[b'y'; 300]))
            .collect();
        commit(&mut store, &mut model, &changes);
        index.apply(&changes);
        if store.is_checkpoint_due() {
            checkpoints += 1;
            let (deletions, requests) = (Vec::new(), Vec::new());
            store.checkpoint(Contents { snapshot: index.reader().snapshot(), deletions, requests });
        }
    }
    assert!(checkpoints > 1, "{checkpoints}");
    store.finish_checkpoint();
    assert!(store.journal.as_ref().unwrap().used() < 4 << 20);
    drop(store);
    let (_store, state) = open(directory.path());
    assert_eq!(merchants_of(&state), model);
    assert_eq!(StoreFiles::find(directory.path()).unwrap().older_bases, Vec::<std::path::PathBuf>::new());
    assert!(verify(directory.path(), &StoreOptions::DEFAULT).is_err(), "the store is open");
}

#[test]
fn torn_commit_is_discarded_and_later_commits_survive() {
    let directory = tempfile::tempdir().unwrap();
    let mut model = fill(directory.path());
    let path = directory.path().join("journal/00000000000000000002.journal");
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // A torn write: the header of a frame and part of its payload.
    let mut torn = bytes.clone();
    torn[end..end + 200].copy_from_slice(&bytes[4096..4296]);
    fs::write(&path, torn).unwrap();
    let (mut store, state) = open(directory.path());
    assert_eq!(merchants_of(&state), model);
    commit(&mut store, &mut model, &[put("after", 305, b"")]);
    drop(store);
    let (_store, state) = open(directory.path());
    assert_eq!(merchants_of(&state), model);
}

#[test]
fn missing_acknowledged_data_is_detected() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    fs::remove_file(directory.path().join("image")).unwrap();
    let journal = directory.path().join("journal/00000000000000000002.journal");
    let intact = fs::read(&journal).unwrap();
    let end = intact.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let expect_damage = |what: &str| {
        let error = DurableStore::open(directory.path(), &StoreOptions::DEFAULT).unwrap_err().to_string();
        assert!(error.contains("is damaged") && error.contains(what), "{error}");
        let found = verify(directory.path(), &StoreOptions::DEFAULT).unwrap();
        assert!(!found.corruption.is_empty());
        let options = StoreOptions { mode: crate::OpenMode::DamagedReadOnly, ..StoreOptions::DEFAULT };
        let (mut store, state) = DurableStore::open(directory.path(), &options).unwrap();
        assert!(!state.corruption.is_empty() && state.merchants.len() >= 299);
        let batch = Batch {
            changes: &[],
            replaces: &[],
            completed: &[],
            forget: &[],
            deletions_since: Revision(0),
            position: None,
        };
        assert!(matches!(store.commit(&batch), Err(StoreError::ReadOnly { .. })));
    };
    for at in [4096, 4100, end - 1, end - 40] {
        let mut flipped = intact.clone();
        flipped[at] ^= 1;
        fs::write(&journal, flipped).unwrap();
        expect_damage("is missing acknowledged commits");
    }
    fs::write(&journal, &intact[..end]).unwrap();
    expect_damage("does not have its original length");
    fs::remove_file(&journal).unwrap();
    expect_damage("missing");
    fs::write(&journal, &intact).unwrap();
    assert_eq!(verify(directory.path(), &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());

    // A base with a missing record or an older version than committed.
    let base = StoreFiles::find(directory.path()).unwrap().base.unwrap();
    let record = |revision| encode_merchant(&stored(&put("m5", revision, &[b'x'; 200])));
    tamper(&base, b"mm5", None);
    expect_damage("but 300 were committed");
    tamper(&base, b"mm5", Some(&record(4)));
    expect_damage("not the latest version");
    tamper(&base, b"mm5", Some(&record(5)));
    assert_eq!(verify(directory.path(), &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());
}

fn stored(change: &Change) -> StoredMerchant {
    match change {
        Change::Put(stored) => StoredMerchant::clone(stored),
        Change::Delete { .. } => unreachable!("called for puts only"),
    }
}

#[test]
fn failed_sync_fails_the_commit_and_all_later_ones() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let (mut store, _) = open(directory.path());
    // A descriptor that cannot be synced, like a failing disk.
    store.journal.as_mut().unwrap().replace_file(fs::File::create("/dev/full").unwrap());
    let change = [put("a", 305, b"")];
    let batch = Batch {
        changes: &change,
        replaces: &[None],
        completed: &[],
        forget: &[],
        deletions_since: Revision::ZERO,
        position: None,
    };
    store.journal.as_mut().unwrap().replace_file(fs::File::create("/dev/null").unwrap());
    assert!(matches!(store.commit(&batch), Err(StoreError::Io { action: "sync", .. })));
    assert!(
        matches!(store.commit(&batch), Err(StoreError::ReadOnly { .. })),
        "a failed sync is never retried"
    );
    assert!(store.health().failure().unwrap().contains("sync"));
}

#[test]
fn restored_backup_has_the_same_merchants_and_new_revisions() {
    let directory = tempfile::tempdir().unwrap();
    let model = fill(directory.path());
    let (store, state) = open(directory.path());
    let mut bytes = Vec::new();
    backup::write(&mut bytes, &contents(&state), &store.digest(), None, nearby_index::UnixMicros(7)).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("a.backup");
    fs::write(&file, &bytes).unwrap();
    let found = verify(&file, &StoreOptions::DEFAULT).unwrap();
    assert_eq!((found.merchants, found.corruption), (model.len() as u64, Vec::new()));

    let restored = outside.path().join("restored");
    let summary = backup::restore(&file, &restored).unwrap();
    assert_eq!((summary.digest, summary.created_at), (store.digest(), nearby_index::UnixMicros(7)));
    let (_store, state) = open(&restored);
    assert_eq!((merchants_of(&state), state.deletions.len()), (model, 0));
    let last = Revision(304 + backup::REVISIONS_SKIPPED);
    assert_eq!(state.digest.watermarks, crate::Watermarks { last, deletions_since: last });
    assert!(matches!(backup::restore(&file, &restored), Err(StoreError::Locked { .. })));
    drop(_store);
    assert!(matches!(backup::restore(&file, &restored), Err(StoreError::Occupied { .. })));

    for at in (0..bytes.len()).step_by(bytes.len() / 50) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 16;
        for damaged in [&flipped[..], &bytes[..at]] {
            fs::write(&file, damaged).unwrap();
            assert!(!verify(&file, &StoreOptions::DEFAULT).unwrap().corruption.is_empty(), "{at}");
            let nowhere = outside.path().join("nowhere");
            assert!(matches!(backup::restore(&file, &nowhere), Err(StoreError::Corrupt { .. })));
            assert!(!DurableStore::exists(&nowhere));
        }
    }
}

#[test]
fn lone_snapshot_file_is_not_overwritten_by_an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    fs::remove_dir_all(StoreFiles::find(directory.path()).unwrap().base.unwrap()).unwrap();
    for segment in fs::read_dir(directory.path().join("journal")).unwrap() {
        fs::remove_file(segment.unwrap().path()).unwrap();
    }
    let error = DurableStore::open(directory.path(), &StoreOptions::DEFAULT).unwrap_err().to_string();
    assert!(error.contains("only the snapshot file exists"), "{error}");
}

#[test]
fn progress_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let calls = AtomicUsize::new(0);
    let progress = |done, of| {
        assert!(done <= of && of == 300);
        calls.fetch_add(1, Ordering::Relaxed);
    };
    DurableStore::open(directory.path(), &StoreOptions { progress: &progress, ..StoreOptions::DEFAULT })
        .unwrap();
    assert!(calls.into_inner() > 0);
}

/// Name, size, modification time, inode and content of every file, except the lock.
#[cfg(unix)]
fn files(directory: &Path) -> Vec<(String, u64, i64, u64, Vec<u8>)> {
    use std::os::unix::fs::MetadataExt;
    let mut all = Vec::new();
    for name in crate::fs::list_names(directory).unwrap() {
        let path = directory.join(&name);
        let metadata = fs::metadata(&path).unwrap();
        if metadata.is_dir() {
            all.extend(files(&path));
        } else if name != "LOCK" {
            let content = fs::read(&path).unwrap();
            all.push((
                path.display().to_string(),
                metadata.len(),
                metadata.mtime_nsec(),
                metadata.ino(),
                content,
            ));
        }
    }
    all
}

#[test]
#[cfg(unix)]
fn a_store_that_is_opened_to_be_read_is_not_changed_and_takes_no_changes() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    // Left by a run that was interrupted: the next server removes it, a reader does not.
    fs::write(directory.path().join("image.unfinished"), b"half").unwrap();
    let before = files(directory.path());
    let options = StoreOptions { mode: crate::OpenMode::ReadOnly, ..StoreOptions::DEFAULT };
    let (mut store, state) = DurableStore::open(directory.path(), &options).unwrap();
    assert_eq!(state.source, RecoverySource::SnapshotFile);
    assert!(state.merchants.len() >= 299);
    let batch = Batch {
        changes: &[],
        replaces: &[],
        completed: &[],
        forget: &[],
        deletions_since: Revision(0),
        position: None,
    };
    assert!(matches!(store.commit(&batch), Err(StoreError::ReadOnly { .. })));
    let index = IndexWriter::load(state.merchants, state.digest.watermarks.last);
    let contents =
        Contents { snapshot: index.reader().snapshot(), deletions: Vec::new(), requests: Vec::new() };
    Box::new(store).close(contents).unwrap();
    assert_eq!(files(directory.path()), before);
}
