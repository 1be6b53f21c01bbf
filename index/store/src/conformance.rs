//! The conformance suite: behaviour that every engine must have.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use nearby_index::{
    AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms,
    UnixMicros, Visibility,
};

use crate::{
    Batch, CompletedRequest, Forget, LogPosition, RecoveredState, RequestId, StateDigest, Store, Watermarks,
};

/// Opens the same store repeatedly; the previous handle is dropped before each call.
pub(crate) type Open = Box<dyn Fn() -> (Box<dyn Store>, RecoveredState)>;

/// Runs the suite. `fresh` creates an empty store and returns a function that opens it.
pub(crate) fn run(fresh: impl Fn() -> Open) {
    empty_store_is_at_revision_zero(&fresh());
    committed_changes_are_recovered(&fresh());
    last_change_of_a_batch_wins(&fresh());
    delete_of_absent_merchant_advances_the_revision(&fresh());
    deletions_and_requests_are_kept_until_forgotten(&fresh());
    positions_move_with_their_commits(&fresh());
    empty_store_takes_a_position_before_the_first_message(&fresh());
    appended_batches_are_visible_at_once_and_survive_a_reopen(&fresh());
    random_histories_match_the_model(&fresh());
}

pub(crate) fn put(id: &str, revision: u64, profile: &[u8]) -> Change {
    let position = Position::new(48.85, 2.35).unwrap();
    Change::Put(Arc::new(StoredMerchant {
        merchant: Merchant {
            id: MerchantId::parse(id).unwrap(),
            position: if revision.is_multiple_of(2) {
                AnyPosition::Bd09(Position::new(39.9, 116.4).unwrap())
            } else {
                AnyPosition::Wgs84(position)
            },
            visibility: if revision.is_multiple_of(3) { Visibility::Hidden } else { Visibility::Visible },
            terms: Terms::default(),
            details: None,
            profile: Profile::new(profile).unwrap(),
        },
        revision: Revision(revision),
        position_revision: Revision(0),
        create_time: UnixMicros(17),
        update_time: UnixMicros(i64::try_from(revision).unwrap()),
    }))
}

pub(crate) fn delete(id: &str, revision: u64) -> Change {
    Change::Delete { id: MerchantId::parse(id).unwrap(), revision: Revision(revision) }
}

/// Commits changes, deriving `replaces` from the current state.
pub(crate) fn commit(
    store: &mut dyn Store,
    state: &mut BTreeMap<String, StoredMerchant>,
    changes: &[Change],
) {
    let mut versions: HashMap<&MerchantId, Revision> = HashMap::new();
    let mut replaces = Vec::new();
    for change in changes {
        let before = state.get(change.id().as_str()).map(|stored| stored.revision);
        replaces.push(versions.get(change.id()).copied().or(before));
        match change {
            Change::Put(stored) => {
                versions.insert(change.id(), stored.revision);
                state.insert(change.id().to_string(), StoredMerchant::clone(stored));
            }
            Change::Delete { .. } => {
                versions.remove(change.id());
                state.remove(change.id().as_str());
            }
        }
    }
    let batch = Batch { replaces: &replaces, ..of(changes) };
    store.commit(&batch).unwrap();
}

pub(crate) fn of(changes: &[Change]) -> Batch<'_> {
    Batch {
        changes,
        replaces: &[],
        completed: &[],
        forget: &[],
        deletions_since: Revision::ZERO,
        position: None,
    }
}

/// Checks the state for consistency. Returns the last revision and the merchants.
fn contents(state: RecoveredState) -> (Revision, BTreeMap<String, StoredMerchant>) {
    assert!(state.merchants.is_sorted_by_key(|stored| stored.merchant.id.clone()));
    let all: BTreeMap<_, _> = state
        .merchants
        .iter()
        .map(|stored| (stored.merchant.id.to_string(), StoredMerchant::clone(stored)))
        .collect();
    assert_eq!(all.len(), state.merchants.len(), "each merchant is present once");
    let records = all.len() + state.deletions.len();
    let outcomes: usize = state.requests.iter().map(|request| request.outcomes.len()).sum();
    assert_eq!(state.digest.records, (records + outcomes) as u64);
    (state.digest.watermarks.last, all)
}

fn stored(change: &Change) -> StoredMerchant {
    match change {
        Change::Put(stored) => StoredMerchant::clone(stored),
        Change::Delete { .. } => unreachable!("called for puts only"),
    }
}

fn empty_store_is_at_revision_zero(open: &Open) {
    assert_eq!(contents(open().1), (Revision::ZERO, BTreeMap::new()));
}

fn committed_changes_are_recovered(open: &Open) {
    let changes = [put("a", 1, b"one"), put("b", 2, b""), put("ü#  7", 3, &[0; 5_000])];
    commit(open().0.as_mut(), &mut BTreeMap::new(), &changes);
    let (last, all) = contents(open().1);
    assert_eq!(last, Revision(3));
    let expected = changes.iter().map(|change| (change.id().to_string(), stored(change))).collect();
    assert_eq!(all, expected);
}

fn last_change_of_a_batch_wins(open: &Open) {
    let changes = [put("a", 1, b"1"), put("a", 2, b"2"), put("b", 3, b"3"), delete("b", 4)];
    commit(open().0.as_mut(), &mut BTreeMap::new(), &changes);
    let (last, all) = contents(open().1);
    assert_eq!(last, Revision(4));
    assert_eq!(all.into_values().collect::<Vec<_>>(), [stored(&put("a", 2, b"2"))]);
}

fn delete_of_absent_merchant_advances_the_revision(open: &Open) {
    commit(open().0.as_mut(), &mut BTreeMap::new(), &[delete("absent", 9)]);
    assert_eq!(contents(open().1), (Revision(9), BTreeMap::new()));
}

fn deletions_and_requests_are_kept_until_forgotten(open: &Open) {
    let outcomes = vec![put("a", 1, b"one"), delete("b", 2)];
    let request = |id: u8, outcomes: &[Change]| CompletedRequest {
        id: RequestId([id; 16]),
        fingerprint: [id + 1; 16],
        completed_at: UnixMicros(i64::from(id)),
        outcomes: outcomes.to_vec(),
    };
    let done = [Arc::new(request(1, &outcomes)), Arc::new(request(2, &outcomes[1..]))];
    open().0.commit(&Batch { replaces: &[None, None], completed: &done, ..of(&outcomes) }).unwrap();
    let state = open().1;
    assert_eq!(state.digest.watermarks, Watermarks { last: Revision(2), deletions_since: Revision::ZERO });
    let deletion = |id, revision| (Revision(revision), MerchantId::parse(id).unwrap());
    assert_eq!((state.deletions, state.requests), (vec![deletion("b", 2)], done.to_vec()));

    let forget =
        [Forget::Deletion(Revision(2)), Forget::Request { id: RequestId([1; 16]), outcomes: outcomes.len() }];
    let changes = [delete("a", 3)];
    let replaces = [Some(Revision(1))];
    let batch = Batch { replaces: &replaces, forget: &forget, deletions_since: Revision(2), ..of(&changes) };
    open().0.commit(&batch).unwrap();
    let state = open().1;
    assert_eq!(state.digest.watermarks, Watermarks { last: Revision(3), deletions_since: Revision(2) });
    assert_eq!((state.deletions, state.requests), (vec![deletion("a", 3)], done[1..].to_vec()));
}

pub(crate) fn position(sequence: u64) -> LogPosition {
    let hash = u128::from(sequence) << 100;
    LogPosition { cluster: [7; 16], sequence, hash, time: UnixMicros(17), format: 1 }
}

fn positions_move_with_their_commits(open: &Open) {
    assert_eq!(open().1.position, None);
    let changes = [put("a", 1, b"one")];
    let batch = Batch { replaces: &[None], position: Some(position(5)), ..of(&changes) };
    open().0.commit(&batch).unwrap();
    let state = open().1;
    assert_eq!(state.position, Some(position(5)));
    // A message that does not count changes nothing but the position, which is no record of the state.
    open().0.commit(&Batch { position: Some(position(6)), ..of(&[]) }).unwrap();
    let moved = open().1;
    assert_eq!((moved.position, moved.digest), (Some(position(6)), state.digest));
    let changes = [put("a", 2, b"two")];
    open().0.commit(&Batch { replaces: &[Some(Revision(1))], ..of(&changes) }).unwrap();
    let (store, state) = open();
    assert_eq!((state.position, store.position()), (Some(position(6)), Some(position(6))));
    assert_eq!(contents(state).0, Revision(2));
}

fn empty_store_takes_a_position_before_the_first_message(open: &Open) {
    open().0.commit(&Batch { position: Some(position(0)), ..of(&[]) }).unwrap();
    let (mut store, state) = open();
    assert_eq!((state.position, state.digest), (Some(position(0)), StateDigest::default()));
    let changes = [put("a", 1, b"one")];
    store.commit(&Batch { replaces: &[None], position: Some(position(1)), ..of(&changes) }).unwrap();
    drop(store);
    let state = open().1;
    assert_eq!(state.position, Some(position(1)));
    assert_eq!(contents(state).0, Revision(1));
}

fn appended_batches_are_visible_at_once_and_survive_a_reopen(open: &Open) {
    let (mut store, _) = open();
    store.sync().unwrap();
    for revision in 1..=3 {
        let changes = [put("a", revision, b"appended")];
        let replaces = [Revision(revision - 1)].map(|before| (revision > 1).then_some(before));
        let batch = Batch { replaces: &replaces, position: Some(position(revision)), ..of(&changes) };
        let digest = batch.apply_to(store.digest());
        store.append(&batch).unwrap();
        assert_eq!((store.digest(), store.position()), (digest, Some(position(revision))));
    }
    store.append(&Batch { position: Some(position(4)), ..of(&[]) }).unwrap();
    store.sync().unwrap();
    store.append(&Batch { position: Some(position(5)), ..of(&[]) }).unwrap();
    drop(store);
    let (mut store, state) = open();
    assert_eq!(state.position, Some(position(5)));
    assert_eq!(contents(state).0, Revision(3));
    commit(store.as_mut(), &mut BTreeMap::new(), &[put("b", 4, b"committed")]);
    drop(store);
    assert_eq!(contents(open().1).0, Revision(4));
}

/// Random puts and deletes in batches over a few ids, with occasional reopening.
fn random_histories_match_the_model(open: &Open) {
    let (mut store, _) = open();
    let mut model = BTreeMap::new();
    let mut revision = 0;
    let mut seed: u64 = 42;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..60 {
        let mut changes = Vec::new();
        for _ in 0..=random(20) {
            revision += 1;
            let id = format!("m{}", random(25));
            let change =
                if random(4) == 0 { delete(&id, revision) } else { put(&id, revision, id.as_bytes()) };
            changes.push(change);
        }
        commit(store.as_mut(), &mut model, &changes);
        if random(4) == 0 {
            drop(store);
            let state;
            (store, state) = open();
            assert_eq!(contents(state), (Revision(revision), model.clone()));
        }
    }
}
