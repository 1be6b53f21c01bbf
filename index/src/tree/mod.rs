//! The R-tree that searches traverse. Its leaves are packed pages; all nodes are immutable and shared between snapshots.
//!
//! ```text
//! Tree ── Node ── … ── Node ── Page ─┬─ Packed    up to 16 leaves of 16 points: boxes, and coordinates in one row per axis
//!                                    └─ Edits     removed points, and up to 32 added since packing
//! ```
//!
//! | module | content |
//! |---|---|
//! | [`bounding_boxes`] | bounds on the nearest and the farthest distance to a box, and why they hold |
//! | [`leaf_points`] | coordinates: four bytes per axis, exact |
//! | [`bitset`] | sets of points of a page |
//! | [`page`](Page) | a few hundred neighbours, packed once, with edits on top; repacked when there are too many edits |
//! | [`page_areas`] | the points of a page that have a service area, and bounds on it |
//! | `postings`, `bloom` | the points of a page with a term; the children of a node that may have one |
//! | `name_rows` | the points of a page whose names may match a text |
//! | [`node`](Node) | inner nodes: copies the path from the root to each edited page and shares everything else |
//! | `bulk_load` | groups neighbours: recursive halving along the longest side |
//!
//! **There is no separate delta and no background merge.** A change goes to the one page it belongs to. A page with more
//! than 32 added points, or a quarter of its packed points removed, is repacked on the spot, which takes about 30 µs,
//! amortised over the preceding changes. Writers therefore never wait for a merge, and a search examines at most 32 extra
//! points per visited page. Until it is repacked, a page still references old versions of up to a quarter of its merchants.
//!
//! Alternatives measured on 1 M merchants in 400 cities, 20 nearest within 5 km, as kiddo's time divided by ours; kiddo
//! 6.3 in the same run, interleaved (`cargo compare` measures the last line next to the rivals):
//!
//! | design | kiddo's time ÷ ours |
//! |---|---|
//! | several immutable rstar trees, merged as they accumulate (nodes of 32, best first) | 0.5 |
//! | pages of 1,024 in Hilbert order, boxes and points in `f64` or `f32` | 0.9 |
//! | the same with points as 4-byte offsets: 3 cache lines per leaf instead of 6 | 1.0 |
//! | pages by halving along the longest side: a search visits 1.4 pages instead of 3.4 | 1.2 |
//! | bounds tagged with their child index; minimum of sixteen at a time | 1.2 |
//! | pages of 256 and nodes of 32: fewer distant cache lines | 1.3 |
//! | leaves that are about to be scanned are prefetched together | 1.4 |
//! | the widest SIMD of the processor (AVX2), sorting keys instead of hits: the current design | 1.7 |
//!
//! The search is bound by memory latency, not arithmetic: it takes a third of the time when all data fits the cache.

mod attribute_columns;
pub(crate) mod bitset;
mod bloom;
pub(crate) mod bounding_boxes;
mod bulk_load;
pub(crate) mod leaf_points;
pub(crate) mod name_rows;
mod node;
pub(crate) mod page;
pub(crate) mod page_areas;
mod postings;

use std::{cmp::Ordering, fmt, sync::Arc};

use self::{
    bulk_load::{Located, sort_into_parts},
    node::{Edit, EditKind},
};
pub(crate) use self::{
    node::{Child, Node},
    page::Page,
};
use crate::{Ecef, NamesOf, StoredMerchant};

/// Merchants of a bulk-loaded page and children of a bulk-loaded node: seven eighths of the capacity, so that
/// the next few insertions do not split it.
const PAGE_FILL: usize = bitset::PAGE_SIZE / 8 * 7;
const NODE_FILL: usize = bounding_boxes::MAX_CHILDREN / 8 * 7;

/// A version of a merchant with its position.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) position: Ecef,
    pub(crate) stored: Arc<StoredMerchant>,
}

impl From<&Arc<StoredMerchant>> for Point {
    fn from(stored: &Arc<StoredMerchant>) -> Self {
        Self { position: Ecef::from(stored.merchant.position.to_wgs84()), stored: Arc::clone(stored) }
    }
}

impl Located for Point {
    fn position_m(&self) -> [f64; 3] {
        self.position.xyz_m()
    }

    fn tie_break(&self, other: &Self) -> Ordering {
        self.stored.merchant.id.cmp(&other.stored.merchant.id)
    }
}

/// All merchants at one revision, including hidden ones. Immutable and cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    root: Option<Arc<Node>>,
    /// The function that reads the names of merchants, if the tree indexes them.
    names: Option<NamesOf>,
}

/// Omits the content, which includes positions.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} visible)", self.visible_len())
    }
}

impl Tree {
    /// Bulk-loads a tree. With `names`, it indexes the names of the merchants.
    pub(crate) fn load(points: Vec<Point>, names: Option<NamesOf>) -> Self {
        if points.is_empty() {
            return Self { root: None, names };
        }
        let (mut height, mut capacity) = (1, PAGE_FILL * NODE_FILL);
        while capacity < points.len() {
            (height, capacity) = (height + 1, capacity * NODE_FILL);
        }
        let root = load_node(points, height, capacity / NODE_FILL, names);
        Self { root: Some(Arc::new(root)), names }
    }

    pub(crate) fn root(&self) -> Option<&Node> {
        self.root.as_deref()
    }

    /// Returns the number of visible merchants.
    pub(crate) fn visible_len(&self) -> usize {
        self.root().map_or(0, Node::visible_len)
    }

    /// Returns the tree without the points `removed`, which it contains, and with the points `added`.
    pub(crate) fn with_edits(&self, removed: &[Point], added: Vec<Point>) -> Self {
        let Some(root) = &self.root else { return Self::load(added, self.names) };
        let find = |point: &Point| {
            let found = root.find(point, 0);
            debug_assert!(found.is_some(), "removed points are in the tree");
            found.map(|(path, slot)| Edit { path, kind: EditKind::Remove(slot) })
        };
        let mut edits: Vec<Edit> = removed.iter().filter_map(find).collect();
        edits.extend(
            added
                .into_iter()
                .map(|point| Edit { path: root.choose_page(point.position), kind: EditKind::Add(point) }),
        );
        if edits.is_empty() {
            return self.clone();
        }
        edits.sort_by_key(|edit| edit.path);
        let mut roots = root.with_edits(0, &edits);
        while roots.len() > 1 {
            roots = Node::group(roots.into_iter().map(|node| Child::Node(node).into()).collect());
        }
        let mut root = roots.pop();
        // A root whose only child is a node adds a level without benefit.
        while let Some([Child::Node(only)]) = root.as_deref().map(Node::children) {
            root = Some(Arc::clone(only));
        }
        Self { root, names: self.names }
    }
}

/// Bulk-loads a node of a given height whose children hold up to `child_capacity` points each. Releases
/// points as soon as they are packed, so that a load never needs the memory of all points and of the whole
/// tree at once.
fn load_node(mut points: Vec<Point>, height: usize, child_capacity: usize, names: Option<NamesOf>) -> Node {
    let parts = points.len().div_ceil(child_capacity);
    let mut children: Vec<Child> = sort_into_parts(&mut points, parts)
        .into_iter()
        .rev()
        .map(|size| {
            let mut part = points.split_off(points.len() - size);
            points.shrink_to_fit();
            if height == 1 {
                Child::Page(Page::pack(&mut part, names))
            } else {
                Child::Node(Arc::new(load_node(part, height - 1, child_capacity / NODE_FILL, names)))
            }
        })
        .collect();
    children.reverse();
    Node::new(children.into_iter().map(Into::into))
}
