//! Publication of snapshots by the writer to readers, under many thread interleavings (shuttle).

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use nearby_index::*;
use shuttle::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const MERCHANTS: u64 = 3;
const BATCHES: u64 = 4;

/// Creates a batch that moves all merchants to a position of its own, with revisions of that batch.
fn batch(number: u64) -> Vec<Change> {
    let latitude = 1e-3 * f64::from(u32::try_from(number).unwrap());
    (0..MERCHANTS)
        .map(|merchant| {
            Change::Put(std::sync::Arc::new(StoredMerchant {
                merchant: Merchant {
                    id: MerchantId::parse(&format!("m{merchant}")).unwrap(),
                    position: AnyPosition::Wgs84(Position::new(latitude, 0.0).unwrap()),
                    visibility: Visibility::Visible,
                    terms: Terms::default(),
                    details: None,
                    profile: Profile::new(b"").unwrap(),
                },
                revision: Revision(number * MERCHANTS + merchant),
                position_revision: Revision(0),
                create_time: UnixMicros(0),
                update_time: UnixMicros(0),
            }))
        })
        .collect()
}

/// Asserts that a snapshot contains exactly one batch.
fn assert_one_batch(snapshot: &Snapshot) {
    let origin = Ecef::from(Position::<Wgs84>::new(0.0, 0.0).unwrap());
    let query = Query::nearest(origin, Radius::DEFAULT, Limit::new(10).unwrap());
    let hits = snapshot.search(&query);
    assert_eq!(hits.as_slice().len() as u64, MERCHANTS);
    for hit in hits.as_slice() {
        assert_eq!(hit.merchant.revision.0 / MERCHANTS, snapshot.revision().0 / MERCHANTS);
        assert_eq!(hit.distance, hits.as_slice()[0].distance);
        let by_id = snapshot.get(&hit.merchant.merchant.id).unwrap();
        assert!(std::sync::Arc::ptr_eq(by_id, hit.merchant));
    }
}

fn readers_and_a_writer() {
    let mut writer = IndexWriter::load([], Revision::ZERO);
    writer.apply(&batch(1));
    let acknowledged = Arc::new(AtomicU64::new(1));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, acknowledged) = (writer.reader(), Arc::clone(&acknowledged));
            thread::spawn(move || {
                let mut last = Revision::ZERO;
                for _ in 0..3 {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let snapshot = reader.snapshot();
                    assert!(snapshot.revision().0 / MERCHANTS >= before, "acknowledged changes are visible");
                    assert!(snapshot.revision() >= last, "revisions never decrease");
                    last = snapshot.revision();
                    assert_one_batch(&snapshot);
                    thread::yield_now();
                    // A snapshot held for a while does not change.
                    assert_eq!(snapshot.revision(), last);
                    assert_one_batch(&snapshot);
                    assert!(
                        std::sync::Arc::strong_count(&snapshot) > 1,
                        "a reader is never the last to let go"
                    );
                }
            })
        })
        .collect();
    for number in 2..=BATCHES {
        writer.apply(&batch(number));
        acknowledged.store(number, Ordering::SeqCst);
        thread::yield_now();
    }
    for reader in readers {
        reader.join().unwrap();
    }
    // Without readers, the next batch frees all retired snapshots.
    writer.apply(&batch(BATCHES + 1));
    let (reader, old) = (writer.reader(), std::sync::Arc::downgrade(&writer.reader().snapshot()));
    writer.apply(&batch(BATCHES + 2));
    assert!(old.upgrade().is_none(), "an unreferenced snapshot is freed");
    assert_one_batch(&reader.snapshot());
}

#[test]
fn no_interleaving_shows_a_partial_batch() {
    shuttle::check_random(readers_and_a_writer, 2_000);
    shuttle::check_pct(readers_and_a_writer, 2_000, 3);
}
