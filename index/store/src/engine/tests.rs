use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use nearby_index::{IndexWriter, StoredMerchant};

use super::*;
use crate::{
    Source, backup,
    conformance::{commit, delete, put},
    sled::tamper,
    verify,
};

type There = BTreeMap<String, StoredMerchant>;

fn open(directory: &Path) -> (DurableStore, Loaded) {
    DurableStore::open(directory, &Opening::PLAIN).unwrap()
}

fn content(loaded: &Loaded) -> Content {
    let index = IndexWriter::load(loaded.merchants.iter().cloned(), loaded.tally.extent.last);
    Content {
        snapshot: index.reader().snapshot(),
        deletions: loaded.deletions.clone(),
        requests: loaded.requests.clone(),
    }
}

fn there(loaded: &Loaded) -> There {
    let pair = |stored: &Arc<StoredMerchant>| (stored.merchant.id.to_string(), StoredMerchant::clone(stored));
    loaded.merchants.iter().map(pair).collect()
}

/// A store of a few hundred merchants, with a base, an image and a journal after both.
fn fill(directory: &Path) -> There {
    let mut model = There::new();
    let (mut store, _) = open(directory);
    let puts: Vec<Change> = (1..=300).map(|n| put(&format!("m{n}"), n, &[b'x'; 200])).collect();
    commit(&mut store, &mut model, &puts);
    drop(store);
    let (mut store, loaded) = open(directory);
    store.compact(content(&loaded)).unwrap();
    commit(&mut store, &mut model, &[put("m7", 301, b"new"), delete("m8", 302), put("zz", 303, b"")]);
    commit(&mut store, &mut model, &[put("m7", 304, b"newer")]);
    model
}

#[test]
fn conforms() {
    crate::conformance::run(|| {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Box::new(move || {
            let (store, loaded) = open(directory.path());
            (Box::new(store), loaded)
        })
    });
}

#[test]
fn image_base_and_journal_say_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let model = fill(directory.path());
    let (store, loaded) = open(directory.path());
    assert_eq!((loaded.source, there(&loaded)), (Source::Image, model.clone()));
    drop(store);
    fs::remove_file(directory.path().join("image")).unwrap();
    let (_store, loaded) = open(directory.path());
    assert_eq!((loaded.source, there(&loaded)), (Source::Base, model));
}

#[test]
fn an_image_that_is_damaged_stale_or_of_another_release_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let model = fill(directory.path());
    let path = directory.path().join("image");
    let sound = fs::read(&path).unwrap();
    let check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let (_store, loaded) = open(directory.path());
        assert_eq!((loaded.source, there(&loaded)), (Source::Base, model.clone()));
    };
    for at in (0..sound.len()).step_by(sound.len() / 60) {
        let mut flipped = sound.clone();
        flipped[at] ^= 4;
        check(&flipped);
        check(&sound[..at]);
    }
    // Whoever restores merchants otherwise than when the image was made.
    fs::write(&path, &sound).unwrap();
    let restore =
        |stored: StoredMerchant| StoredMerchant { create_time: nearby_index::UnixMicros(99), ..stored };
    let opening = Opening { restore: &restore, ..Opening::PLAIN };
    let (_store, loaded) = DurableStore::open(directory.path(), &opening).unwrap();
    assert_eq!(loaded.source, Source::Base);
}

#[test]
fn a_second_process_or_handle_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(directory.path());
    let refused = DurableStore::open(directory.path(), &Opening::PLAIN).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }));
    let said = refused.to_string();
    assert!(said.contains(&format!("process id {}", std::process::id())), "{said}");
    assert!(said.contains("--data-dir"), "{said}");
}

#[test]
fn a_journal_that_grows_is_taken_in_beside_commits_that_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let opening = Opening { journal_bytes: 1 << 20, ..Opening::PLAIN };
    let (mut store, _) = DurableStore::open(directory.path(), &opening).unwrap();
    let mut index = IndexWriter::load([], Revision::ZERO);
    let (mut model, mut checkpoints) = (There::new(), 0);
    for round in 0..300_u64 {
        let changes: Vec<Change> = (1..=40)
            .map(|n| put(&format!("m{}", (round * 40 + n) % 997), round * 40 + n, &[b'y'; 300]))
            .collect();
        commit(&mut store, &mut model, &changes);
        index.apply(&changes);
        if store.is_checkpoint_due() {
            checkpoints += 1;
            let (deletions, requests) = (Vec::new(), Vec::new());
            store.checkpoint(Content { snapshot: index.reader().snapshot(), deletions, requests });
        }
    }
    assert!(checkpoints > 1, "{checkpoints}");
    store.finish_checkpoint();
    assert!(store.journal.as_ref().unwrap().used() < 4 << 20);
    drop(store);
    let (_store, loaded) = open(directory.path());
    assert_eq!(there(&loaded), model);
    assert_eq!(Files::find(directory.path()).unwrap().older_bases, Vec::<std::path::PathBuf>::new());
    assert!(verify(directory.path(), &Opening::PLAIN).is_err(), "while it is open");
}

#[test]
fn a_commit_that_was_never_finished_is_not_there_and_what_follows_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut model = fill(directory.path());
    let path = directory.path().join("journal/00000000000000000002.journal");
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // As a torn write leaves it: the head of a frame, and some of the rest.
    let mut torn = bytes.clone();
    torn[end..end + 200].copy_from_slice(&bytes[4096..4296]);
    fs::write(&path, torn).unwrap();
    let (mut store, loaded) = open(directory.path());
    assert_eq!(there(&loaded), model);
    commit(&mut store, &mut model, &[put("after", 305, b"")]);
    drop(store);
    let (_store, loaded) = open(directory.path());
    assert_eq!(there(&loaded), model);
}

#[test]
fn what_was_acknowledged_and_is_gone_is_found_out() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    fs::remove_file(directory.path().join("image")).unwrap();
    let journal = directory.path().join("journal/00000000000000000002.journal");
    let sound = fs::read(&journal).unwrap();
    let end = sound.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let refused = |what: &str| {
        let error = DurableStore::open(directory.path(), &Opening::PLAIN).unwrap_err().to_string();
        assert!(error.contains("is damaged") && error.contains(what), "{error}");
        let found = verify(directory.path(), &Opening::PLAIN).unwrap();
        assert!(!found.faults.is_empty());
        let salvage = Opening { salvage: true, ..Opening::PLAIN };
        let (mut store, loaded) = DurableStore::open(directory.path(), &salvage).unwrap();
        assert!(!loaded.faults.is_empty() && loaded.merchants.len() >= 299);
        let batch =
            Batch { changes: &[], replaces: &[], done: &[], forget: &[], deletions_since: Revision(0) };
        assert!(matches!(store.commit(&batch), Err(StoreError::ReadOnly { .. })));
    };
    for at in [4096, 4100, end - 1, end - 40] {
        let mut flipped = sound.clone();
        flipped[at] ^= 1;
        fs::write(&journal, flipped).unwrap();
        refused("lacks commits that were acknowledged");
    }
    fs::write(&journal, &sound[..end]).unwrap();
    refused("not as long as it was made");
    fs::remove_file(&journal).unwrap();
    refused("missing");
    fs::write(&journal, &sound).unwrap();
    assert_eq!(verify(directory.path(), &Opening::PLAIN).unwrap().faults, Vec::<String>::new());

    // A base that holds less, or an older version, than was committed.
    let base = Files::find(directory.path()).unwrap().base.unwrap();
    let record = |revision| encode_merchant(&stored(&put("m5", revision, &[b'x'; 200])));
    tamper(&base, b"mm5", None);
    refused("where");
    tamper(&base, b"mm5", Some(&record(4)));
    refused("not the last of their kind");
    tamper(&base, b"mm5", Some(&record(5)));
    assert_eq!(verify(directory.path(), &Opening::PLAIN).unwrap().faults, Vec::<String>::new());
}

fn stored(change: &Change) -> StoredMerchant {
    match change {
        Change::Put(stored) => StoredMerchant::clone(stored),
        Change::Delete { .. } => unreachable!("asked of puts only"),
    }
}

#[test]
fn a_failed_sync_is_a_failed_commit_and_the_last_one() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let (mut store, _) = open(directory.path());
    // A descriptor that cannot be synced: what a disk does when it fails.
    store.journal.as_mut().unwrap().break_file(fs::File::create("/dev/full").unwrap());
    let change = [put("a", 305, b"")];
    let batch = Batch {
        changes: &change,
        replaces: &[None],
        done: &[],
        forget: &[],
        deletions_since: Revision::ZERO,
    };
    store.journal.as_mut().unwrap().break_file(fs::File::create("/dev/null").unwrap());
    assert!(matches!(store.commit(&batch), Err(StoreError::Io { action: "sync", .. })));
    assert!(matches!(store.commit(&batch), Err(StoreError::ReadOnly { .. })), "and is never tried again");
    assert!(store.condition().failure().unwrap().contains("sync"));
}

#[test]
fn a_backup_becomes_a_store_with_the_same_merchants_and_revisions_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let model = fill(directory.path());
    let (store, loaded) = open(directory.path());
    let mut bytes = Vec::new();
    backup::write(&mut bytes, &content(&loaded), &store.tally(), nearby_index::UnixMicros(7)).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("a.backup");
    fs::write(&file, &bytes).unwrap();
    let found = verify(&file, &Opening::PLAIN).unwrap();
    assert_eq!((found.merchants, found.faults), (model.len() as u64, Vec::new()));

    let restored = outside.path().join("restored");
    let summary = backup::restore(&file, &restored).unwrap();
    assert_eq!((summary.tally, summary.made), (store.tally(), nearby_index::UnixMicros(7)));
    let (_store, loaded) = open(&restored);
    assert_eq!((there(&loaded), loaded.deletions.len()), (model, 0));
    let last = Revision(304 + backup::REVISIONS_SKIPPED);
    assert_eq!(loaded.tally.extent, crate::Extent { last, deletions_since: last });
    assert!(matches!(backup::restore(&file, &restored), Err(StoreError::Locked { .. })));
    drop(_store);
    assert!(matches!(backup::restore(&file, &restored), Err(StoreError::Occupied { .. })));

    for at in (0..bytes.len()).step_by(bytes.len() / 50) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 16;
        for damaged in [&flipped[..], &bytes[..at]] {
            fs::write(&file, damaged).unwrap();
            assert!(!verify(&file, &Opening::PLAIN).unwrap().faults.is_empty(), "{at}");
            let nowhere = outside.path().join("nowhere");
            assert!(matches!(backup::restore(&file, &nowhere), Err(StoreError::Corrupt { .. })));
            assert!(!DurableStore::is_in(&nowhere));
        }
    }
}

#[test]
fn an_image_is_not_buried_under_an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    fs::remove_dir_all(Files::find(directory.path()).unwrap().base.unwrap()).unwrap();
    for segment in fs::read_dir(directory.path().join("journal")).unwrap() {
        fs::remove_file(segment.unwrap().path()).unwrap();
    }
    let error = DurableStore::open(directory.path(), &Opening::PLAIN).unwrap_err().to_string();
    assert!(error.contains("only the image is there"), "{error}");
}

#[test]
fn progress_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path());
    let told = AtomicUsize::new(0);
    let progress = |done, of| {
        assert!(done <= of && of == 300);
        told.fetch_add(1, Ordering::Relaxed);
    };
    DurableStore::open(directory.path(), &Opening { progress: &progress, ..Opening::PLAIN }).unwrap();
    assert!(told.into_inner() > 0);
}
