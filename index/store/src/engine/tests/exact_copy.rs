//! Backups of version 2, and the exact copies that they become.

use std::path::PathBuf;

use nearby_index::UnixMicros;

use super::{
    random::{Random, open, random_batch, show_seed},
    *,
};
use crate::{MemoryStore, backup::REVISIONS_SKIPPED, conformance::of};

const CREATED_AT: UnixMicros = UnixMicros(7);

/// Returns a backup of the store.
fn backup_of(store: &DurableStore, contents: &Contents) -> Vec<u8> {
    let mut bytes = Vec::new();
    backup::write(&mut bytes, contents, &store.digest(), store.position().as_ref(), CREATED_AT).unwrap();
    bytes
}

/// Writes a backup of the store at a path.
fn back_up(directory: &Path, to: &Path) -> RecoveredState {
    let (store, state) = open(directory);
    fs::write(to, backup_of(&store, &contents(&state))).unwrap();
    state
}

/// Applies random batches to all stores and to the model. Each store is compacted or reopened at other times.
fn apply_random(random: &mut Random, directories: &[&Path], model: &mut MemoryStore, count: usize) {
    for _ in 0..count {
        let state = model.loaded();
        random_batch(random, &state, &mut |batch| {
            for directory in directories {
                let (mut store, _) = open(directory);
                store.append(batch).unwrap();
            }
            model.commit(batch).unwrap();
        });
        let directory = directories[random.below(directories.len())];
        if random.percent(30) {
            let (mut store, state) = open(directory);
            store.compact(contents(&state)).unwrap();
        }
        if random.percent(30) {
            drop(fs::remove_file(directory.join("image")));
        }
    }
}

#[test]
fn exact_copy_equals_the_original_and_continues_identically() {
    for seed in 1..=3 {
        show_seed(seed);
        let directory = tempfile::tempdir().unwrap();
        let [original, copy, file] = ["original", "copy", "backup"].map(|name| directory.path().join(name));
        let mut random = Random(seed);
        let mut model = MemoryStore::default();
        apply_random(&mut random, &[&original], &mut model, 16);
        let state = back_up(&original, &file);
        assert_same(&state, &model.loaded());
        assert!(!state.deletions.is_empty() && !state.requests.is_empty());

        let (summary, at) = backup::restore_exact(&file, &copy).unwrap();
        assert_eq!(
            (summary.digest, summary.created_at, Some(at)),
            (state.digest, CREATED_AT, state.position)
        );
        assert_same(&open(&copy).1, &state);
        assert_eq!(verify(&copy, &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());

        apply_random(&mut random, &[&original, &copy], &mut model, 10);
        let backups = [&original, &copy].map(|directory| {
            assert_same(&open(directory).1, &model.loaded());
            back_up(directory, &file);
            fs::read(&file).unwrap()
        });
        assert!(backups[0] == backups[1], "backups of both have the same bytes");
    }
}

#[test]
fn empty_store_is_copied_with_its_position() {
    let directory = tempfile::tempdir().unwrap();
    let [original, copy, file] = ["original", "copy", "backup"].map(|name| directory.path().join(name));
    open(&original).0.commit(&Batch { position: Some(position(0)), ..of(&[]) }).unwrap();
    back_up(&original, &file);
    backup::restore_exact(&file, &copy).unwrap();
    let (mut store, state) = open(&copy);
    assert_eq!((state.position, state.digest), (Some(position(0)), StateDigest::default()));
    let changes = [put("a", 1, b"one")];
    store.commit(&Batch { replaces: &[None], position: Some(position(1)), ..of(&changes) }).unwrap();
    drop(store);
    let (mut store, state) = open(&copy);
    assert_eq!((state.position, merchants_of(&state).len()), (Some(position(1)), 1));
    store.compact(contents(&state)).unwrap();
    drop(store);
    assert_same(&open(&copy).1, &state);
}

/// Creates a store with a position. Returns its state and its backup.
fn filled(directory: &Path) -> (RecoveredState, PathBuf) {
    let (original, file) = (directory.join("original"), directory.join("backup"));
    fill(&original);
    open(&original).0.commit(&Batch { position: Some(position(9)), ..of(&[]) }).unwrap();
    (back_up(&original, &file), file)
}

#[test]
fn backup_with_a_position_is_restored_as_a_single_nodes_store() {
    let directory = tempfile::tempdir().unwrap();
    let (original, file) = filled(directory.path());
    let restored = directory.path().join("restored");
    let summary = backup::restore(&file, &restored).unwrap();
    assert_eq!(summary.digest, original.digest);
    let state = open(&restored).1;
    assert_eq!((merchants_of(&state), state.deletions.len()), (merchants_of(&original), 0));
    let last = Revision(original.digest.watermarks.last.0 + REVISIONS_SKIPPED);
    assert_eq!((state.position, state.digest.watermarks.last), (None, last));
}

#[test]
fn backup_without_a_position_is_no_exact_copy() {
    let directory = tempfile::tempdir().unwrap();
    let (file, copy) = (directory.path().join("backup"), directory.path().join("copy"));
    fill(&directory.path().join("original"));
    back_up(&directory.path().join("original"), &file);
    assert!(matches!(backup::restore_exact(&file, &copy), Err(StoreError::NoPosition { .. })));
    assert!(!copy.exists());
    backup::restore(&file, &copy).unwrap();
}

#[test]
fn damaged_backup_with_a_position_is_detected() {
    let directory = tempfile::tempdir().unwrap();
    let (_, file) = filled(directory.path());
    let bytes = fs::read(&file).unwrap();
    let found = verify(&file, &StoreOptions::DEFAULT).unwrap();
    assert_eq!((found.merchants, found.corruption), (300, Vec::new()));
    let nowhere = directory.path().join("nowhere");
    // Every byte of the header and the position, and some of the rest.
    for at in (0..160).chain((160..bytes.len()).step_by(bytes.len() / 30)) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 16;
        for damaged in [&flipped[..], &bytes[..at]] {
            fs::write(&file, damaged).unwrap();
            assert!(!verify(&file, &StoreOptions::DEFAULT).unwrap().corruption.is_empty(), "{at}");
            assert!(matches!(backup::restore_exact(&file, &nowhere), Err(StoreError::Corrupt { .. })));
            assert!(!DurableStore::exists(&nowhere));
        }
    }
}

#[test]
fn interrupted_copies_are_repeated_and_other_stores_are_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let (original, file) = filled(directory.path());
    let empty = directory.path().join("empty.backup");
    let mut bytes = Vec::new();
    let no_records = contents(&RecoveredState::default());
    backup::write(&mut bytes, &no_records, &StateDigest::default(), Some(&position(0)), CREATED_AT).unwrap();
    fs::write(&empty, bytes).unwrap();
    for (file, expected) in [(&file, Some(&original)), (&empty, None)] {
        // Interrupted after the journal was written, before the base was renamed.
        let copy = tempfile::tempdir().unwrap();
        backup::restore_exact(file, copy.path()).unwrap();
        let base = StoreFiles::find(copy.path()).unwrap().base.unwrap();
        fs::rename(&base, base.with_extension("unfinished")).unwrap();
        backup::restore_exact(file, copy.path()).unwrap();
        let state = open(copy.path()).1;
        assert!(state.position.is_some());
        expected.inspect(|expected| assert_same(&state, expected));
        assert!(matches!(backup::restore_exact(file, copy.path()), Err(StoreError::Occupied { .. })));
    }
    let new = tempfile::tempdir().unwrap();
    drop(open(new.path()));
    assert!(matches!(backup::restore_exact(&file, new.path()), Err(StoreError::Occupied { .. })));
}

/// On-disk format: every later version must read both.
#[test]
fn backup_encodings_are_stable() {
    const WITHOUT_POSITION: &str = "4e4541524259424bc28d025601000000020000000000000000000000000000000200000000000000f21b16bc746a962ac51ba8d01d707c590700000000000000570000009b91c9e909000600000064000000000000000202cc3980446202003a0000006d6102ce0483d001000000000000000000000000000000110000000000000001000000000000000101cdcccccccc6c4840cdcccccccccc02406f6e6500000000adcf14c5";
    const WITH_POSITION: &str = "4e4541524259424bcde65dbf02000000020000000000000000000000000000000200000000000000f21b16bc746a962ac51ba8d01d707c59070000000000000098000000169f1d20040037000000006c6f6702d16680c2070707070707070707070707070707070900000000000000000000000000000000000000900000001100000000000000010009000600000064000000000000000202cc3980446202003a0000006d6102ce0483d001000000000000000000000000000000110000000000000001000000000000000101cdcccccccc6c4840cdcccccccccc02406f6e6500000000adcf14c5";
    let (mut store, mut model) = (MemoryStore::default(), Merchants::new());
    commit(&mut store, &mut model, &[put("a", 1, b"one"), delete("b", 2)]);
    let state = store.loaded();
    let written = [None, Some(&position(9))].map(|position| {
        let mut bytes = Vec::new();
        backup::write(&mut bytes, &contents(&state), &state.digest, position, CREATED_AT).unwrap();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    assert_eq!(written, [WITHOUT_POSITION, WITH_POSITION]);
}

#[test]
fn content_hash_depends_on_the_content_only() {
    show_seed(11);
    let directories = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, other] = [0, 1].map(|n| directories[n].path());
    let (mut random, mut model) = (Random(11), MemoryStore::default());
    let source_and_hash = |directory: &Path| {
        let state = open(directory).1;
        (state.source, contents(&state).hash())
    };
    for _ in 0..4 {
        apply_random(&mut random, &[one, other], &mut model, 4);
        let expected = contents(&model.loaded()).hash();
        assert_eq!(expected.records, model.loaded().digest.records);
        assert_eq!([one, other].map(|directory| source_and_hash(directory).1), [expected; 2]);
    }
    // From the base, the snapshot file, and the journal alone.
    let state = model.loaded();
    let expected = contents(&state).hash();
    let (mut store, _) = open(one);
    store.compact(contents(&state)).unwrap();
    drop(store);
    assert_eq!(source_and_hash(one), (RecoverySource::SnapshotFile, expected));
    fs::remove_file(one.join("image")).unwrap();
    assert_eq!(source_and_hash(one), (RecoverySource::Base, expected));
    // Another position is not another content.
    let mut moved = model.clone();
    moved.commit(&Batch { position: Some(position(99)), ..of(&[]) }).unwrap();
    assert_eq!(contents(&moved.loaded()).hash(), expected);
}

#[test]
fn content_hash_covers_every_record() {
    let mut model = MemoryStore::default();
    let mut random = Random(3);
    for _ in 0..20 {
        let state = model.loaded();
        random_batch(&mut random, &state, &mut |batch| model.commit(batch).unwrap());
    }
    let state = model.loaded();
    let mut hashes = vec![contents(&state).hash().hash];
    for n in 0..state.merchants.len() {
        let mut merchants = state.merchants.clone();
        let mut changed = StoredMerchant::clone(&merchants[n]);
        changed.update_time = UnixMicros(changed.update_time.0 ^ 1);
        merchants[n] = Arc::new(changed);
        hashes.push(contents(&RecoveredState { merchants, ..copy_of(&state) }).hash().hash);
    }
    for n in 0..state.deletions.len() {
        let mut deletions = state.deletions.clone();
        deletions[n].0.0 ^= 1 << 40;
        hashes.push(contents(&RecoveredState { deletions, ..copy_of(&state) }).hash().hash);
    }
    for n in 0..state.requests.len() {
        let mut requests = state.requests.clone();
        requests.remove(n);
        hashes.push(contents(&RecoveredState { requests, ..copy_of(&state) }).hash().hash);
    }
    let count = 1 + state.merchants.len() + state.deletions.len() + state.requests.len();
    assert!(count > 15 && hashes.len() == count, "{count}");
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

fn copy_of(state: &RecoveredState) -> RecoveredState {
    MemoryStore::with_state(state).loaded()
}

/// Nodes of different releases compare it while the encoding of records is the same.
#[test]
fn content_hash_is_stable() {
    let (mut store, mut model) = (MemoryStore::default(), Merchants::new());
    commit(&mut store, &mut model, &[put("a", 1, b"one"), delete("b", 2)]);
    let found = contents(&store.loaded()).hash();
    assert_eq!(
        (format!("{:032x}", found.hash).as_str(), found.records),
        ("b8ff6059bad816204dcaa10e6b9e2107", 2)
    );
}
