//! What every engine must do. One suite for all of them.

use std::{collections::BTreeMap, sync::Arc};

use nearby_index::{
    AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms,
    UnixMicros, Visibility,
};

use crate::{Batch, DoneRequest, Extent, Forget, Kept, RequestId, Store};

/// Opens the same store again and again; each call comes after the one before was dropped.
pub(crate) type Open = Box<dyn Fn() -> Box<dyn Store>>;

/// Runs the suite; `fresh` makes an empty store to open.
pub(crate) fn run(fresh: impl Fn() -> Open) {
    an_empty_store_is_at_revision_zero(&fresh());
    what_is_committed_is_loaded(&fresh());
    the_last_change_of_a_batch_wins(&fresh());
    a_delete_of_nothing_still_counts(&fresh());
    deletions_and_requests_are_kept_until_they_are_forgotten(&fresh());
    histories_end_as_a_model_does(&fresh());
}

fn put(id: &str, revision: u64, profile: &[u8]) -> Change {
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
            hours: None,
            profile: Profile::new(profile).unwrap(),
        },
        revision: Revision(revision),
        placed: Revision(0),
        create_time: UnixMicros(17),
        update_time: UnixMicros(i64::try_from(revision).unwrap()),
    }))
}

fn delete(id: &str, revision: u64) -> Change {
    Change::Delete { id: MerchantId::parse(id).unwrap(), revision: Revision(revision) }
}

fn batch(changes: &[Change]) -> Batch<'_> {
    Batch { changes, done: &[], forget: &[], deletions_since: Revision::ZERO }
}

/// The last revision and the merchants.
fn content(store: &mut dyn Store) -> (Revision, BTreeMap<String, StoredMerchant>) {
    let mut all = BTreeMap::new();
    let extent = store
        .load(&mut |kept| {
            let Kept::Merchant(stored) = kept else { return };
            let before = all.insert(stored.merchant.id.to_string(), stored);
            assert_eq!(before, None, "each merchant is visited once");
        })
        .unwrap();
    (extent.last, all)
}

fn stored(change: &Change) -> StoredMerchant {
    match change {
        Change::Put(stored) => StoredMerchant::clone(stored),
        Change::Delete { .. } => unreachable!("the suite asks this of puts only"),
    }
}

fn an_empty_store_is_at_revision_zero(open: &Open) {
    assert_eq!(content(open().as_mut()), (Revision::ZERO, BTreeMap::new()));
}

fn what_is_committed_is_loaded(open: &Open) {
    let changes = [put("a", 1, b"one"), put("b", 2, b""), put("ü#  7", 3, &[0; 5_000])];
    open().commit(&batch(&changes)).unwrap();
    let (last, all) = content(open().as_mut());
    assert_eq!(last, Revision(3));
    let expected = changes.iter().map(|change| (change.id().to_string(), stored(change))).collect();
    assert_eq!(all, expected);
}

fn the_last_change_of_a_batch_wins(open: &Open) {
    open()
        .commit(&batch(&[put("a", 1, b"1"), put("a", 2, b"2"), put("b", 3, b"3"), delete("b", 4)]))
        .unwrap();
    let (last, all) = content(open().as_mut());
    assert_eq!(last, Revision(4));
    assert_eq!(all.into_values().collect::<Vec<_>>(), [stored(&put("a", 2, b"2"))]);
}

fn a_delete_of_nothing_still_counts(open: &Open) {
    open().commit(&batch(&[delete("nobody", 9)])).unwrap();
    assert_eq!(content(open().as_mut()), (Revision(9), BTreeMap::new()));
}

fn deletions_and_requests_are_kept_until_they_are_forgotten(open: &Open) {
    let others = |store: &mut dyn Store| {
        let mut others = Vec::new();
        let extent =
            store.load(&mut |kept| others.extend((!matches!(kept, Kept::Merchant(_))).then_some(kept)));
        (extent.unwrap(), others)
    };
    let outcomes = vec![put("a", 1, b"one"), delete("b", 2)];
    let request = |id: u8, outcomes: &[Change]| DoneRequest {
        id: RequestId([id; 16]),
        fingerprint: [id + 1; 16],
        done: UnixMicros(i64::from(id)),
        outcomes: outcomes.to_vec(),
    };
    let done = [Arc::new(request(1, &outcomes)), Arc::new(request(2, &outcomes[1..]))];
    open().commit(&Batch { done: &done, ..batch(&outcomes) }).unwrap();
    let (extent, kept) = others(open().as_mut());
    assert_eq!(extent, Extent { last: Revision(2), deletions_since: Revision::ZERO });
    let deletion =
        |id, revision| Kept::Deletion { id: MerchantId::parse(id).unwrap(), revision: Revision(revision) };
    let requests = || done.iter().map(|request| Kept::Request(DoneRequest::clone(request)));
    assert_eq!(kept, [deletion("b", 2)].into_iter().chain(requests()).collect::<Vec<_>>());

    let forget =
        [Forget::Deletion(Revision(2)), Forget::Request { id: RequestId([1; 16]), outcomes: outcomes.len() }];
    let changes = [delete("a", 3)];
    open().commit(&Batch { forget: &forget, deletions_since: Revision(2), ..batch(&changes) }).unwrap();
    let (extent, kept) = others(open().as_mut());
    assert_eq!(extent, Extent { last: Revision(3), deletions_since: Revision(2) });
    assert_eq!(kept, [deletion("a", 3)].into_iter().chain(requests().skip(1)).collect::<Vec<_>>());
}

/// Puts and deletes in batches over a few ids, with a reopening now and then.
fn histories_end_as_a_model_does(open: &Open) {
    let mut store = open();
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
            match &change {
                Change::Put(_) => model.insert(id, stored(&change)),
                Change::Delete { .. } => model.remove(&id),
            };
            changes.push(change);
        }
        store.commit(&batch(&changes)).unwrap();
        if random(10) == 0 {
            drop(store);
            store = open();
        }
        assert_eq!(content(store.as_mut()), (Revision(revision), model.clone()));
    }
}
