//! Positions that are removed when a node leaves its cluster.

use super::{
    random::{Random, open, random_batch},
    *,
};
use crate::{MemoryStore, conformance::of, fs::list_names};

/// Creates a store with a position in its base, its snapshot file and its journal.
fn member(directory: &Path) -> RecoveredState {
    let mut random = Random(5);
    let mut model = MemoryStore::default();
    for number in 0..20 {
        random_batch(&mut random, &model.loaded(), &mut |batch| {
            open(directory).0.commit(batch).unwrap();
            model.commit(batch).unwrap();
        });
        if number == 10 {
            let (mut store, state) = open(directory);
            store.compact(contents(&state)).unwrap();
        }
    }
    fs::create_dir(directory.join("cluster-log")).unwrap();
    let state = open(directory).1;
    assert_same(&state, &model.loaded());
    assert!(state.position.is_some() && !state.deletions.is_empty() && !state.requests.is_empty());
    state
}

fn remove_position(directory: &Path) -> Result<(), StoreError> {
    let (store, state) = open(directory);
    store.remove_position(&contents(&state))
}

#[test]
fn store_without_its_position_is_the_same_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let before = member(directory.path());
    remove_position(directory.path()).unwrap();
    let expected = RecoveredState { position: None, ..MemoryStore::with_state(&before).loaded() };
    assert_same(&open(directory.path()).1, &expected);
    assert_eq!(verify(directory.path(), &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());
    assert!(!directory.path().join("cluster-log").exists());

    // It has none after checkpoints and commits either, and takes another one.
    let mut model = MemoryStore::with_state(&expected);
    let changes = [put("single", expected.digest.watermarks.last.next().0, b"node")];
    let batch = Batch { replaces: &[None], ..of(&changes) };
    for _ in 0..2 {
        let (mut store, state) = open(directory.path());
        store.compact(contents(&state)).unwrap();
        drop(store);
        drop(fs::remove_file(directory.path().join("image")));
        assert_same(&open(directory.path()).1, &model.loaded());
        if model.digest() == expected.digest {
            open(directory.path()).0.commit(&batch).unwrap();
            model.commit(&batch).unwrap();
        }
    }
    open(directory.path()).0.commit(&Batch { position: Some(position(1)), ..of(&[]) }).unwrap();
    assert_eq!(open(directory.path()).1.position, Some(position(1)));
}

#[test]
fn empty_store_leaves_too() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).0.commit(&Batch { position: Some(position(0)), ..of(&[]) }).unwrap();
    remove_position(directory.path()).unwrap();
    let (mut store, state) = open(directory.path());
    assert_same(&state, &RecoveredState::default());
    commit(&mut store, &mut Merchants::new(), &[put("a", 1, b"one")]);
    drop(store);
    assert_eq!(open(directory.path()).1.merchants.len(), 1);
}

#[test]
fn appended_batches_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, state) = open(directory.path());
    let mut model = MemoryStore::with_state(&state);
    let changes = [put("a", 1, b"one")];
    let batch = Batch { replaces: &[None], position: Some(position(1)), ..of(&changes) };
    store.append(&batch).unwrap();
    model.commit(&batch).unwrap();
    store.remove_position(&contents(&model.loaded())).unwrap();
    let state = open(directory.path()).1;
    assert_same(&state, &RecoveredState { position: None, ..model.loaded() });
}

#[test]
fn content_of_another_state_and_failed_stores_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let before = member(directory.path());
    let (store, state) = open(directory.path());
    let others = Contents { deletions: Vec::new(), ..contents(&state) };
    assert!(matches!(store.remove_position(&others), Err(StoreError::Corrupt { .. })));
    assert_same(&open(directory.path()).1, &before);
    let (store, state) = open(directory.path());
    store.health.fail(&"a failed disk");
    assert!(matches!(store.remove_position(&contents(&state)), Err(StoreError::ReadOnly { .. })));
    assert_same(&open(directory.path()).1, &before);
    assert!(list_names(directory.path()).unwrap().iter().all(|name| !name.starts_with("replacement")));
}
