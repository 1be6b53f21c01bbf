//! The index as readers and the writer share it: one [`IndexWriter`], any number of [`IndexReader`]s, and
//! immutable [`Snapshot`]s.
//!
//! A reader loads the current snapshot without locking and may hold it indefinitely. The writer builds the
//! next snapshot from it, sharing all unchanged nodes, and publishes it with one atomic swap.

use std::{
    borrow::Borrow, cmp::Ordering, collections::HashSet, ops::Bound, panic::resume_unwind, sync::Arc, thread,
};

use arc_swap::ArcSwap;
use imbl::OrdSet;

use crate::{
    Change, Count, Hit, Hits, MerchantId, NamesOf, Query, Revision, SearchControl, SearchIter,
    StoredMerchant,
    search::{count, for_each, search},
    tree::{Node, Point, Tree},
};

/// All merchants at one revision. Immutable.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    revision: Revision,
    by_id: OrdSet<ById>,
    tree: Tree,
}

/// A version of a merchant, ordered and looked up by its id. Uses half the memory of a map with separate
/// keys.
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
    /// Returns the revision of the last change in this snapshot.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Returns the number of merchants, including hidden ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns whether the snapshot holds no merchant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Returns the number of visible merchants.
    #[must_use]
    pub fn visible_len(&self) -> usize {
        self.tree.visible_len()
    }

    /// Returns whether the validity of a visible merchant is limited, so that results depend on the time.
    #[must_use]
    pub fn has_limited_validity(&self) -> bool {
        self.tree.root().is_some_and(Node::has_limited)
    }

    /// Returns a merchant by id, visible or hidden.
    #[must_use]
    pub fn get(&self, id: &MerchantId) -> Option<&Arc<StoredMerchant>> {
        self.by_id.get(id).map(|ById(stored)| stored)
    }

    /// Returns the merchants after an id, in the order of their ids.
    pub fn list(&self, after: Option<&MerchantId>) -> impl Iterator<Item = &Arc<StoredMerchant>> {
        let from: (Bound<&MerchantId>, Bound<&MerchantId>) =
            (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        self.by_id.range::<_, MerchantId>(from).map(|ById(stored)| stored)
    }

    /// Returns the nearest merchants. Infallible.
    #[must_use]
    pub fn search(&self, query: &Query) -> Hits<'_> {
        let mut hits = Hits::default();
        self.search_into(query, SearchControl::default(), &mut hits);
        hits
    }

    /// Searches for the nearest merchants with caller-supplied callbacks, reusing the memory of earlier
    /// results. Infallible.
    pub fn search_into<'s>(&'s self, query: &Query, control: SearchControl<'_>, hits: &mut Hits<'s>) {
        search(&self.tree, query, control, hits);
    }

    /// Returns an iterator over up to `limit` merchants in result order, which searches on demand.
    #[must_use]
    pub fn search_iter<'q>(&self, query: Query, control: SearchControl<'q>) -> SearchIter<'q, '_> {
        SearchIter::new(&self.tree, query, control)
    }

    /// Counts the merchants that match a query, ignoring its limit.
    #[must_use]
    pub fn count(&self, query: &Query, control: SearchControl<'_>) -> Count {
        count(&self.tree, query, control)
    }

    /// Calls `show` for every merchant that matches a query, ignoring its limit, in no particular order.
    /// Returns false if `control` stopped it early.
    pub fn for_each<'s>(
        &'s self,
        query: &Query,
        control: SearchControl<'_>,
        show: impl FnMut(Hit<'s>),
    ) -> bool {
        for_each(&self.tree, query, control, show)
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
        self.tree = self.tree.with_edits(&removed, added);
        self.revision = changes.iter().map(Change::revision).fold(self.revision, Revision::max);
    }
}

/// Returns the last change to each merchant; earlier ones have no effect.
fn last_of_each(changes: &[Change]) -> Vec<&Change> {
    let mut seen = HashSet::with_capacity(changes.len());
    changes.iter().rev().filter(|change| seen.insert(change.id())).collect()
}

/// Publishes changes. Not `Clone`: an index has exactly one writer.
#[derive(Debug)]
pub struct IndexWriter {
    shared: Arc<ArcSwap<Snapshot>>,
    /// Replaced snapshots that readers may still hold. The last owner of a snapshot frees what only it
    /// referenced, which takes a while after a large batch. Holding them here makes the writer that owner,
    /// never a reader.
    retired: Vec<Arc<Snapshot>>,
}

impl IndexWriter {
    /// Creates an index of these merchants at this revision by bulk loading. If an id occurs more than once,
    /// the last occurrence wins. A search by text reads the names of all merchants that it reaches.
    #[must_use]
    pub fn load(merchants: impl IntoIterator<Item = Arc<StoredMerchant>>, revision: Revision) -> Self {
        Self::load_tree(merchants, revision, None)
    }

    /// Creates an index that also indexes the names that `names` passes on, for searches by text.
    #[must_use]
    pub fn load_with_names(
        merchants: impl IntoIterator<Item = Arc<StoredMerchant>>,
        revision: Revision,
        names: NamesOf,
    ) -> Self {
        Self::load_tree(merchants, revision, Some(names))
    }

    fn load_tree(
        merchants: impl IntoIterator<Item = Arc<StoredMerchant>>,
        revision: Revision,
        names: Option<NamesOf>,
    ) -> Self {
        let mut by_id: Vec<ById> = merchants.into_iter().map(ById).collect();
        by_id.sort();
        by_id.dedup_by(|later, earlier| {
            let is_same = later == earlier;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        // The two structures are built in parallel: startup waits only for the slower one.
        let stored: Vec<_> = by_id.iter().map(|ById(stored)| Arc::clone(stored)).collect();
        let (by_id, tree) = thread::scope(|scope| {
            let tree = scope.spawn(move || Tree::load(stored.iter().map(Point::from).collect(), names));
            let by_id = by_id.into_iter().collect();
            (by_id, tree.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let snapshot = Snapshot { revision, by_id, tree };
        Self { shared: Arc::new(ArcSwap::from_pointee(snapshot)), retired: Vec::new() }
    }

    /// Applies a batch atomically, in order. Searches that start after this returns see all of it.
    pub fn apply(&mut self, changes: &[Change]) {
        let mut next = Snapshot::clone(&self.shared.load());
        next.apply(changes);
        self.retired.push(self.shared.swap(Arc::new(next)));
        // `swap` has already counted a reader that was about to take a retired snapshot.
        self.retired.retain(|snapshot| Arc::strong_count(snapshot) > 1);
    }

    /// Returns a reader of this index.
    #[must_use]
    pub fn reader(&self) -> IndexReader {
        IndexReader { shared: Arc::clone(&self.shared) }
    }
}

/// A read handle of the index. Cheap to clone; never waits for the writer.
#[derive(Clone, Debug)]
pub struct IndexReader {
    shared: Arc<ArcSwap<Snapshot>>,
}

impl IndexReader {
    /// Returns the current snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.load_full()
    }
}
