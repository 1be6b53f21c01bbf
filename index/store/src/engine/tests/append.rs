//! Appended batches: they become durable with a sync, and a power failure leaves a prefix.

use std::{ops::Range, path::PathBuf};

use super::{
    random::{OPTIONS, Random, open, random_batch, show_seed},
    *,
};
use crate::{MemoryStore, conformance::of};

const SECTOR: usize = 512;
/// Offset of the mark in a segment, and of the first commit.
const MARK: Range<usize> = 512..528;
const FRAMES_AT: usize = 4096;
fn segment(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("journal/{number:020}.journal"))
}

/// Appends batches after a few synced ones. Returns the states after each batch with the offset at which it ends, the number of
/// synced ones, and the segment before the unsynced ones and after.
#[expect(clippy::type_complexity, reason = "used by two tests")]
fn appended(
    seed: u64,
    unsynced: usize,
) -> (tempfile::TempDir, Vec<(RecoveredState, usize)>, usize, [Vec<u8>; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random(seed);
    let mut model = MemoryStore::default();
    let (mut store, state) = open(directory.path());
    let path = segment(directory.path(), 1);
    let mut states = vec![(state, FRAMES_AT)];
    let mut durable = Vec::new();
    let synced = 5;
    for number in 1..=synced + unsynced {
        random_batch(&mut random, &model.loaded(), &mut |batch| {
            store.append(batch).unwrap();
            model.commit(batch).unwrap();
        });
        let used = usize::try_from(store.journal.as_ref().unwrap().used()).unwrap();
        states.push((model.loaded(), FRAMES_AT + used));
        if number == synced {
            store.sync().unwrap();
            durable = fs::read(&path).unwrap();
        }
    }
    let all = fs::read(&path).unwrap();
    (directory, states, synced, [durable, all])
}

/// Checks that a store opens with the longest prefix that its segment contains, and takes another batch.
fn check_prefix(
    directory: &Path,
    image: &[u8],
    all: &[u8],
    states: &[(RecoveredState, usize)],
    synced: usize,
) {
    let path = segment(directory, 1);
    fs::write(&path, image).unwrap();
    let is_left = |end: usize| image[FRAMES_AT..end] == all[FRAMES_AT..end];
    let expected = states.iter().rposition(|(_, end)| is_left(*end)).unwrap();
    assert!(expected >= synced);
    let (mut store, state) = open(directory);
    assert_same(&state, &states[expected].0);
    let last = state.digest.watermarks.last.next();
    let changes = [put("later", last.0, b"later")];
    store.commit(&Batch { replaces: &[None], position: Some(position(99)), ..of(&changes) }).unwrap();
    let digest = store.digest();
    drop(store);
    let state = open(directory).1;
    assert_eq!((state.digest, state.position), (digest, Some(position(99))));
}

#[test]
fn any_subset_of_unsynced_commits_leaves_the_prefix_before_the_first_missing_one() {
    for seed in 1..=3 {
        show_seed(seed);
        let unsynced = 6;
        let (directory, states, synced, [durable, all]) = appended(seed, unsynced);
        let ends: Vec<usize> = states.iter().map(|(_, end)| *end).collect();
        for subset in 0..1 << unsynced {
            let mut image = durable.clone();
            for n in (0..unsynced).filter(|n| subset >> n & 1 == 1) {
                let frame = ends[synced + n]..ends[synced + n + 1];
                image[frame.clone()].copy_from_slice(&all[frame]);
            }
            check_prefix(directory.path(), &image, &all, &states, synced);
        }
    }
}

#[test]
fn any_subset_of_unsynced_sectors_leaves_a_prefix_with_all_that_was_synced() {
    for seed in 1..=150 {
        show_seed(seed);
        let (directory, states, synced, [durable, all]) = appended(seed, 12);
        let mut random = Random(seed ^ 0xD15C);
        let mut image = durable.clone();
        // Few are lost, so that long prefixes occur, or most.
        let lost_percent = [1, 10, 60][random.below(3)];
        let sectors = all.chunks(SECTOR).enumerate();
        for (number, sector) in sectors.filter(|_| !random.percent(lost_percent)) {
            image[number * SECTOR..][..sector.len()].copy_from_slice(sector);
        }
        // The mark is not synced. A power failure leaves an older one, or none.
        if random.percent(30) {
            image[MARK].fill(0);
        }
        check_prefix(directory.path(), &image, &all, &states, synced);
    }
}

/// A later commit may be intact where an earlier one is missing. Another of the same length in place of the missing one would
/// lead to it.
#[test]
fn commits_behind_a_missing_one_never_reappear() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = open(directory.path());
    let changes = [put("a", 1, b"first"), put("b", 2, b"second"), put("a", 1, b"other")];
    let append = |store: &mut DurableStore, change: &Change| {
        store.append(&Batch { replaces: &[None], ..of(std::slice::from_ref(change)) }).unwrap();
        FRAMES_AT + usize::try_from(store.journal.as_ref().unwrap().used()).unwrap()
    };
    let end = append(&mut store, &changes[0]);
    append(&mut store, &changes[1]);
    drop(store);
    let path = segment(directory.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[FRAMES_AT..end].fill(0);
    fs::write(&path, bytes).unwrap();
    let (mut store, state) = open(directory.path());
    assert_eq!(state.digest, StateDigest::default());
    assert_eq!(append(&mut store, &changes[2]), end);
    drop(store);
    let merchants = merchants_of(&open(directory.path()).1);
    assert_eq!(merchants.into_values().collect::<Vec<_>>(), [stored(&changes[2])]);
}

#[test]
fn damage_at_or_below_the_last_sync_is_an_error() {
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 1..=8 {
        show_seed(seed);
        let (directory, states, synced, [durable, all]) = appended(seed, 3);
        let path = segment(directory.path(), 1);
        kinds.insert(durable[MARK][4]);
        let end = states[synced].1;
        for at in (FRAMES_AT..end).step_by((end - FRAMES_AT) / 40).chain([end - 1]) {
            let mut flipped = all.clone();
            flipped[at] ^= 1;
            fs::write(&path, flipped).unwrap();
            let error = DurableStore::open(directory.path(), &OPTIONS).unwrap_err().to_string();
            assert!(error.contains("is missing acknowledged commits"), "{at} of {end}: {error}");
        }
        let mut flipped = all;
        flipped[end] ^= 1;
        fs::write(&path, flipped).unwrap();
        // The first that is not synced.
        assert_same(&open(directory.path()).1, &states[synced].0);
    }
    assert_eq!(Vec::from_iter(kinds), [1, 3], "marks of a revision and of an offset");
}

#[test]
fn damage_to_the_last_position_of_an_earlier_segment_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = open(directory.path());
    let move_to = |store: &mut DurableStore, sequence| {
        store.append(&Batch { position: Some(position(sequence)), ..of(&[]) }).unwrap();
    };
    commit(&mut store, &mut Merchants::new(), &[put("a", 1, b"one")]);
    move_to(&mut store, 1);
    store.journal.as_mut().unwrap().roll().unwrap();
    move_to(&mut store, 2);
    drop(store);
    assert_eq!(open(directory.path()).1.position, Some(position(2)));
    let path = segment(directory.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 80] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = DurableStore::open(directory.path(), &OPTIONS).unwrap_err().to_string();
    assert!(error.contains("is missing acknowledged commits"), "{error}");
}

/// Replaces the current segment by a file that can be written but not synced.
fn fail_syncs(store: &mut DurableStore) {
    store.journal.as_mut().unwrap().replace_file(fs::File::create("/dev/null").unwrap());
}

/// Opens a filled store whose syncs fail, and appends a batch to it.
fn with_unsynced_batch(directory: &Path) -> (DurableStore, Contents) {
    fill(directory);
    let (mut store, state) = open(directory);
    fail_syncs(&mut store);
    store.append(&Batch { position: Some(position(1)), ..of(&[]) }).unwrap();
    (store, contents(&state))
}

fn is_sync_error(result: &Result<(), StoreError>) -> bool {
    matches!(result, Err(StoreError::Io { action: "sync", .. }))
}

#[test]
fn failed_sync_of_appended_batches_is_final() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = with_unsynced_batch(directory.path());
    assert!(is_sync_error(&store.sync()));
    assert!(store.health().failure().unwrap().contains("sync"));
    let batch = Batch { position: Some(position(2)), ..of(&[]) };
    assert!(matches!(store.sync(), Err(StoreError::ReadOnly { .. })), "it is never retried");
    assert!(matches!(store.append(&batch), Err(StoreError::ReadOnly { .. })));
    assert!(matches!(store.commit(&batch), Err(StoreError::ReadOnly { .. })));
}

#[test]
fn sync_without_appended_batches_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = open(directory.path());
    fail_syncs(&mut store);
    store.sync().unwrap();
    assert_eq!(store.health().failure(), None);
}

#[test]
fn failed_commit_moves_neither_digest_nor_position() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = with_unsynced_batch(directory.path());
    let before = (store.digest(), store.position());
    let changes = [put("a", 305, b"")];
    let batch = Batch { replaces: &[None], position: Some(position(2)), ..of(&changes) };
    assert!(is_sync_error(&store.commit(&batch)));
    assert_eq!((store.digest(), store.position()), before);
}

#[test]
fn new_segments_checkpoints_and_stops_sync_appended_batches_first() {
    let segments = |directory: &Path| fs::read_dir(directory.join("journal")).unwrap().count();
    let directories = [0; 4].map(|_| tempfile::tempdir().unwrap());
    let [full, checkpoint, compact, close] = &directories;

    let (mut store, _) = with_unsynced_batch(full.path());
    let before = segments(full.path());
    let changes: Vec<Change> = (305..345).map(|n| put(&format!("n{n}"), n, &[b'n'; 30_000])).collect();
    let replaces = vec![None; changes.len()];
    let mut next = of(&changes);
    next.replaces = &replaces;
    let failed = (0..40).map(|_| store.append(&next)).find(Result::is_err).unwrap();
    assert!(is_sync_error(&failed), "{failed:?}");
    assert_eq!(segments(full.path()), before);

    let (mut store, contents) = with_unsynced_batch(checkpoint.path());
    let before = segments(checkpoint.path());
    store.checkpoint(contents);
    assert!(store.health().failure().unwrap().contains("sync"));
    assert_eq!((segments(checkpoint.path()), store.running.is_some()), (before, false));

    let (mut store, contents) = with_unsynced_batch(compact.path());
    assert!(is_sync_error(&store.compact(contents)));
    assert!(store.health().failure().unwrap().contains("sync"));
    assert_eq!(segments(compact.path()), before);

    let (store, contents) = with_unsynced_batch(close.path());
    assert!(is_sync_error(&Box::new(store).close(contents)));
}

/// Files that a power failure leaves, as far as they are known to be durable.
type Image = BTreeMap<PathBuf, Vec<u8>>;

fn read_all(directory: &Path, image: &mut Image) {
    for name in crate::fs::list_names(directory).unwrap() {
        let path = directory.join(name);
        if path.is_dir() {
            read_all(&path, image);
        } else {
            image.insert(path.clone(), fs::read(path).unwrap());
        }
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "journal")
}

fn newest_segment(directory: &Path) -> PathBuf {
    let names = crate::fs::list_names(&directory.join("journal")).unwrap();
    directory.join("journal").join(names.last().unwrap())
}

/// Marks the files as durable, except for the marks of segments, which are never synced.
fn sync_image(directory: &Path, durable: &mut Image) {
    let mut now = Image::new();
    read_all(directory, &mut now);
    for (path, bytes) in now.iter_mut().filter(|(path, _)| is_segment(path)) {
        match durable.get(path) {
            Some(before) => bytes[MARK].copy_from_slice(&before[MARK]),
            None => bytes[MARK].fill(0),
        }
    }
    *durable = now;
}

/// Loses random sectors of what is not durable, and the snapshot file in part of the cases.
fn lose_power(directory: &Path, durable: &Image, random: &mut Random) {
    let mut now = Image::new();
    read_all(directory, &mut now);
    let lost_percent = [0, 5, 50, 100][random.below(4)];
    for (path, bytes) in now.iter().filter(|(path, _)| is_segment(path)) {
        let Some(before) = durable.get(path) else { continue };
        let mut left = bytes.clone();
        for at in (0..left.len()).step_by(SECTOR) {
            let sector = at..left.len().min(at + SECTOR);
            if random.percent(lost_percent) {
                left[sector.clone()].copy_from_slice(&before[sector]);
            }
        }
        fs::write(path, left).unwrap();
    }
    if random.percent(20) {
        drop(fs::remove_file(directory.join("image")));
    }
}

/// Runs random appends, syncs, commits, checkpoints, stops and power failures. Returns the numbers of power failures and of
/// batches that they lost.
fn run_history(seed: u64) -> (usize, usize) {
    let directory = tempfile::tempdir().unwrap();
    let open = || open(directory.path());
    let mut random = Random(seed);
    let (mut store, state) = open();
    // The states after each batch since the last sync, the first of which is durable.
    let mut states = vec![state];
    let mut durable = Image::new();
    sync_image(directory.path(), &mut durable);
    let (mut failures, mut lost) = (0, 0);
    for _ in 0..60 {
        let last = states.last().unwrap();
        let mut is_synced = true;
        match random.below(100) {
            0..60 => {
                let is_append = random.percent(80);
                let mut model = MemoryStore::with_state(last);
                let segment_before = newest_segment(directory.path());
                random_batch(&mut random, last, &mut |batch| {
                    if is_append {
                        store.append(batch).unwrap()
                    } else {
                        store.commit(batch).unwrap()
                    }
                    model.commit(batch).unwrap();
                });
                let segment = newest_segment(directory.path());
                if segment != segment_before && is_append {
                    // All before it is durable.
                    sync_image(directory.path(), &mut durable);
                    durable.get_mut(&segment).unwrap()[FRAMES_AT..].fill(0);
                    states.drain(..states.len() - 1);
                }
                states.push(model.loaded());
                is_synced = !is_append;
            }
            60..70 => store.sync().unwrap(),
            70..76 => {
                store.checkpoint(contents(last));
                store.finish_checkpoint();
            }
            76..80 => store.compact(contents(last)).unwrap(),
            80..84 => {
                Box::new(store).close(contents(last)).unwrap();
                store = open().0;
            }
            84..88 => {
                drop(store);
                store = open().0;
            }
            _ => {
                drop(store);
                failures += 1;
                lose_power(directory.path(), &durable, &mut random);
                let mut before = Image::new();
                read_all(directory.path(), &mut before);
                let state;
                (store, state) = open();
                if random.percent(40) {
                    // Power fails again during the start.
                    drop(store);
                    lose_power(directory.path(), &before, &mut random);
                    let again;
                    (store, again) = open();
                    assert_same(&again, &state);
                }
                let left = states.iter().position(|known| is_same(&state, known));
                let left =
                    left.unwrap_or_else(|| panic!("no prefix: {:?}, {:?}", state.digest, state.position));
                lost += states.len() - 1 - left;
                states.truncate(left + 1);
            }
        }
        assert_eq!(store.position(), states.last().unwrap().position);
        if is_synced {
            states.drain(..states.len() - 1);
            sync_image(directory.path(), &mut durable);
        }
    }
    drop(store);
    let found = verify(directory.path(), &OPTIONS).unwrap();
    assert_eq!((found.digest, found.corruption), (states.last().unwrap().digest, Vec::new()));
    (failures, lost)
}

#[test]
fn every_power_failure_in_a_random_history_leaves_a_prefix() {
    let (mut failures, mut lost) = (0, 0);
    for seed in 1..=30 {
        show_seed(seed);
        let counts = run_history(seed);
        failures += counts.0;
        lost += counts.1;
    }
    assert!(failures > 150 && lost > 80, "{failures} power failures lost {lost} batches");
}
