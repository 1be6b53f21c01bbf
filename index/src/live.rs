//! Where reads and writes meet: one [`IndexWriter`], many [`IndexReader`]s, and immutable [`Snapshot`]s between them.
//!
//! A reader loads the current snapshot without a lock and keeps it as long as it likes; the writer builds the next one
//! beside it, sharing what did not change, and puts it in place in one step.

use std::{ops::Bound, sync::Arc};

use arc_swap::ArcSwap;
use imbl::OrdMap;

use crate::{
    Change, Ecef, Hits, MerchantId, Query, Revision, StoredMerchant, Visibility,
    search::search,
    tree::{Forest, Point},
};

/// All merchants at one revision. Never changes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    revision: Revision,
    by_id: OrdMap<MerchantId, Arc<StoredMerchant>>,
    visible: usize,
    forest: Forest,
}

impl Snapshot {
    /// The last change that this snapshot holds.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How many merchants there are, hidden ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no merchant at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many merchants searches can find.
    #[must_use]
    pub fn visible_len(&self) -> usize {
        self.visible
    }

    /// One merchant, hidden or not.
    #[must_use]
    pub fn get(&self, id: &MerchantId) -> Option<&Arc<StoredMerchant>> {
        self.by_id.get(id)
    }

    /// The merchants after an id, in the order of their ids.
    pub fn list(&self, after: Option<&MerchantId>) -> impl Iterator<Item = &Arc<StoredMerchant>> {
        let from: (Bound<&MerchantId>, Bound<&MerchantId>) =
            (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.by_id.range::<_, MerchantId>(from).map(|(_, stored)| stored)
    }

    /// The nearest visible merchants. Cannot fail.
    #[must_use]
    pub fn search(&self, query: &Query) -> Hits {
        // Without replaced versions in the trees there is nothing to look up.
        if self.forest.len() == self.visible {
            search(&self.forest, |_| true, query)
        } else {
            search(&self.forest, |point| is_current(&self.by_id, point), query)
        }
    }

    fn apply(&mut self, changes: &[Change]) {
        let mut touched = Vec::with_capacity(changes.len());
        for change in changes {
            let before = match change {
                Change::Put(stored) => {
                    touched.push(stored);
                    self.by_id.insert(stored.merchant.id.clone(), Arc::clone(stored))
                }
                Change::Delete { id, .. } => self.by_id.remove(id),
            };
            self.visible += usize::from(matches!(change, Change::Put(stored) if is_visible(stored)));
            self.visible -= usize::from(before.is_some_and(|stored| is_visible(&stored)));
            self.revision = self.revision.max(change.revision());
        }
        let points = touched.into_iter().filter_map(point_of).collect();
        self.forest = self.forest.with(points, |point| is_current(&self.by_id, point));
        // Replaced versions cost memory and a look-up a hit: never let them be more than the current ones.
        if self.forest.len() > 2 * self.visible + MOST_STALE_FOR_FREE {
            self.forest = self.forest.compacted(|point| is_current(&self.by_id, point));
        }
    }
}

/// Replaced versions that are not worth a compaction by themselves.
const MOST_STALE_FOR_FREE: usize = 4_096;

fn is_visible(stored: &StoredMerchant) -> bool {
    stored.merchant.visibility == Visibility::Visible
}

/// The point that a search can find a version at, if it may be found.
fn point_of(stored: &Arc<StoredMerchant>) -> Option<Point> {
    is_visible(stored)
        .then(|| Point { place: Ecef::from(stored.merchant.position.to_wgs84()), stored: Arc::clone(stored) })
}

fn is_current(by_id: &OrdMap<MerchantId, Arc<StoredMerchant>>, point: &Point) -> bool {
    by_id.get(&point.stored.merchant.id).is_some_and(|current| Arc::ptr_eq(current, &point.stored))
}

/// Makes changes visible. There is exactly one: it cannot be cloned.
#[derive(Debug)]
pub struct IndexWriter {
    shared: Arc<ArcSwap<Snapshot>>,
}

impl IndexWriter {
    /// An index of these merchants at this revision, loaded in one go. Of two with one id the later stays.
    #[must_use]
    pub fn load(merchants: impl IntoIterator<Item = Arc<StoredMerchant>>, revision: Revision) -> Self {
        let by_id: OrdMap<_, _> =
            merchants.into_iter().map(|stored| (stored.merchant.id.clone(), stored)).collect();
        let forest = Forest::load(by_id.values().filter_map(point_of).collect());
        let snapshot = Snapshot { revision, visible: forest.len(), by_id, forest };
        Self { shared: Arc::new(ArcSwap::from_pointee(snapshot)) }
    }

    /// Makes a batch visible in one step, in its order. Searches that start after this returns see all of it.
    pub fn apply(&mut self, changes: &[Change]) {
        let mut next = Snapshot::clone(&self.shared.load());
        next.apply(changes);
        self.shared.store(Arc::new(next));
    }

    /// A reader of this index.
    #[must_use]
    pub fn reader(&self) -> IndexReader {
        IndexReader { shared: Arc::clone(&self.shared) }
    }
}

/// Reads the index. Cheap to clone; never waits for the writer.
#[derive(Clone, Debug)]
pub struct IndexReader {
    shared: Arc<ArcSwap<Snapshot>>,
}

impl IndexReader {
    /// The merchants as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.load_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AnyPosition, Merchant, Position, Profile, UnixMicros};

    fn stored(number: u64) -> Arc<StoredMerchant> {
        let latitude = 1e-4 * f64::from(u16::try_from(number).unwrap());
        Arc::new(StoredMerchant {
            merchant: Merchant {
                id: MerchantId::parse(&format!("m{number}")).unwrap(),
                position: AnyPosition::Wgs84(Position::new(latitude, 0.0).unwrap()),
                visibility: Visibility::Visible,
                profile: Profile::new(b"").unwrap(),
            },
            revision: Revision(1),
            create_time: UnixMicros(0),
            update_time: UnixMicros(0),
        })
    }

    /// A city that moves again and again: a merge drops the versions that were replaced.
    #[test]
    fn moves_do_not_pile_up() {
        let mut writer = IndexWriter::load((0..1_000).map(stored), Revision(1));
        for _ in 0..200 {
            let moved: Vec<Change> = (0..1_000).map(|number| Change::Put(stored(number))).collect();
            writer.apply(&moved);
        }
        let snapshot = writer.reader().snapshot();
        assert_eq!((snapshot.len(), snapshot.visible_len(), snapshot.forest.len()), (1_000, 1_000, 1_000));
    }

    /// A city that closes down leaves no pile of versions behind that a search would wade through.
    #[test]
    fn what_was_deleted_does_not_stay_in_the_trees() {
        let mut writer = IndexWriter::load((0..20_000).map(stored), Revision(1));
        for (revision, number) in (2..).zip(0..19_990) {
            let id = MerchantId::parse(&format!("m{number}")).unwrap();
            writer.apply(&[Change::Delete { id, revision: Revision(revision) }]);
        }
        let snapshot = writer.reader().snapshot();
        assert_eq!((snapshot.len(), snapshot.visible_len()), (10, 10));
        assert!(snapshot.forest.len() <= 20 + MOST_STALE_FOR_FREE, "{}", snapshot.forest.len());
    }
}
