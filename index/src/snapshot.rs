//! Where reads and writes meet: one [`IndexWriter`], many [`IndexReader`]s, and immutable [`Snapshot`]s between them.
//!
//! A reader loads the current snapshot without a lock and keeps it as long as it likes; the writer builds the next one
//! beside it, sharing what did not change, and puts it in place in one step.

use std::{
    borrow::Borrow, cmp::Ordering, collections::HashSet, ops::Bound, panic::resume_unwind, sync::Arc, thread,
};

use arc_swap::ArcSwap;
use imbl::OrdSet;

use crate::{
    Change, Count, Hit, Hits, MerchantId, Query, Ranked, Revision, Steering, StoredMerchant,
    search::{count, for_each, search},
    tree::{Point, Tree},
};

/// All merchants at one revision. Never changes.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    revision: Revision,
    by_id: OrdSet<ById>,
    pub(crate) tree: Tree,
}

/// A version of a merchant, ordered and found by its id: half the memory of a map that repeats the id.
#[derive(Clone, Debug)]
struct ById(Arc<StoredMerchant>);

impl Borrow<MerchantId> for ById {
    fn borrow(&self) -> &MerchantId {
        &self.0.merchant.id
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.merchant.id.cmp(&other.0.merchant.id)
    }
}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for ById {}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
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

    /// How many merchants can be seen.
    #[must_use]
    pub fn visible_len(&self) -> usize {
        self.tree.visible_len()
    }

    /// One merchant, hidden or not.
    #[must_use]
    pub fn get(&self, id: &MerchantId) -> Option<&Arc<StoredMerchant>> {
        self.by_id.get(id).map(|ById(stored)| stored)
    }

    /// The merchants after an id, in the order of their ids.
    pub fn list(&self, after: Option<&MerchantId>) -> impl Iterator<Item = &Arc<StoredMerchant>> {
        let from: (Bound<&MerchantId>, Bound<&MerchantId>) =
            (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.by_id.range::<_, MerchantId>(from).map(|ById(stored)| stored)
    }

    /// The nearest merchants. Cannot fail.
    #[must_use]
    pub fn search(&self, query: &Query) -> Hits<'_> {
        let mut hits = Hits::default();
        self.search_into(query, Steering::default(), &mut hits);
        hits
    }

    /// The nearest merchants, steered by the caller, in the memory of an earlier answer. Cannot fail.
    pub fn search_into<'s>(&'s self, query: &Query, steering: Steering<'_>, hits: &mut Hits<'s>) {
        search(&self.tree, query, steering, hits);
    }

    /// Up to `limit` merchants in order, found as they are asked for.
    #[must_use]
    pub fn ranked<'q>(&self, query: Query, steering: Steering<'q>) -> Ranked<'q, '_> {
        Ranked::new(self, query, steering)
    }

    /// How many merchants a query finds, whatever its limit.
    #[must_use]
    pub fn count(&self, query: &Query, steering: Steering<'_>) -> Count {
        count(&self.tree, query, steering)
    }

    /// Shows every merchant that a query finds, whatever its limit, in no order. Returns whether that was all: not where
    /// the caller's steering ended it.
    pub fn for_each<'s>(&'s self, query: &Query, steering: Steering<'_>, show: impl FnMut(Hit<'s>)) -> bool {
        for_each(&self.tree, query, steering, show)
    }

    fn apply(&mut self, changes: &[Change]) {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for change in last_of_each(changes) {
            let before = match change {
                Change::Put(stored) => {
                    added.push(Point::from(stored));
                    self.by_id.insert(ById(Arc::clone(stored)))
                }
                Change::Delete { id, .. } => self.by_id.remove(id),
            };
            removed.extend(before.map(|ById(stored)| Point::from(&stored)));
        }
        self.tree = self.tree.edited(&removed, added);
        self.revision = changes.iter().map(Change::revision).fold(self.revision, Revision::max);
    }
}

/// Of the changes to one merchant only the last matters.
fn last_of_each(changes: &[Change]) -> Vec<&Change> {
    let mut seen = HashSet::with_capacity(changes.len());
    changes.iter().rev().filter(|change| seen.insert(change.id())).collect()
}

/// Makes changes visible. There is exactly one: it cannot be cloned.
#[derive(Debug)]
pub struct IndexWriter {
    shared: Arc<ArcSwap<Snapshot>>,
    /// Snapshots that readers may still hold. Whoever lets go of a snapshot last frees what only it had, which takes a
    /// while after a large batch: so that is the writer, never a reader.
    retired: Vec<Arc<Snapshot>>,
}

impl IndexWriter {
    /// An index of these merchants at this revision, loaded in one go. Of two with one id the later stays.
    #[must_use]
    pub fn load(merchants: impl IntoIterator<Item = Arc<StoredMerchant>>, revision: Revision) -> Self {
        let mut by_id: Vec<ById> = merchants.into_iter().map(ById).collect();
        by_id.sort();
        by_id.dedup_by(|later, earlier| {
            let is_same = later == earlier;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        // Side by side: a start waits for the longer of the two.
        let stored: Vec<_> = by_id.iter().map(|ById(stored)| Arc::clone(stored)).collect();
        let (by_id, tree) = thread::scope(|scope| {
            let tree = scope.spawn(move || Tree::load(stored.iter().map(Point::from).collect()));
            let by_id = by_id.into_iter().collect();
            (by_id, tree.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let snapshot = Snapshot { revision, by_id, tree };
        Self { shared: Arc::new(ArcSwap::from_pointee(snapshot)), retired: Vec::new() }
    }

    /// Makes a batch visible in one step, in its order. Searches that start after this returns see all of it.
    pub fn apply(&mut self, changes: &[Change]) {
        let mut next = Snapshot::clone(&self.shared.load());
        next.apply(changes);
        self.retired.push(self.shared.swap(Arc::new(next)));
        // A reader that is about to take a retired snapshot has been counted by the swap.
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
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
