//! The tree that a search walks: an R-tree whose leaves are packed pages, never changed and shared between snapshots.
//!
//! ```text
//! Tree ── Node ── … ── Node ── Page ─┬─ Packed    up to 16 leaves of 16 points, boxes and coordinates in rows of one axis
//!                                    └─ Edits     which of those are gone, and up to 32 that came since
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`bounding_boxes`] | bounds of how near and how far what lies below can be, and why they hold |
//! | [`leaf_points`] | coordinates: four bytes an axis, exact |
//! | [`page`](Page) | a few hundred neighbours, packed once; edits on top; packed anew when there are too many |
//! | `postings`, `summary` | which points of a page have a term; which children of a node may |
//! | [`node`](Node) | copies the way from the root to each edited page and shares everything else |
//! | `pack` | puts neighbours together: halves along the longest side |
//!
//! **There is no separate delta, and nothing is folded in the background.** A change goes to the one page it belongs to; a
//! page with more than 32 new points, or a quarter of its old ones gone, is packed anew on the spot, which takes some 30 µs
//! and is paid for by the changes before. So no writer waits for a fold, no fold needs more than one page twice, and a
//! search looks at 32 points more than it must, in the pages that it visits, at the worst. Until then a page still holds
//! the old versions of up to a quarter of its merchants.
//!
//! What was tried, on 1 M merchants in 400 cities, 20 nearest within 5 km; kiddo is 6.3 in the same run, taking turns
//! (`cargo compare` times the last line beside the rivals):
//!
//! | way | kiddo's time over its |
//! |---|---|
//! | several immutable rstar trees, merged as they gather (nodes of 32, best first) | 0.5 |
//! | pages of 1,024 in the order of a Hilbert curve, boxes and points in `f64` or `f32` | 0.9 |
//! | the same with points as offsets of 4 bytes: 3 cache lines a leaf instead of 6 | 1.0 |
//! | pages by halving along the longest side: a search visits 1.4 pages instead of 3.4 | 1.2 |
//! | bounds that carry the number of their child; the least of sixteen at a time | 1.2 |
//! | pages of 256 and nodes of 32: fewer cache lines that are far apart | 1.3 |
//! | leaves that will be looked at are fetched together | 1.4 |
//! | as wide as the processor allows (AVX2), ordering keys instead of hits: what is here | 1.7 |
//!
//! What takes the time is memory, not arithmetic: the same search takes a third of it where all fits the processor's cache.

pub(crate) mod bitset;
mod bloom;
pub(crate) mod bounding_boxes;
mod bulk_load;
pub(crate) mod leaf_points;
mod node;
pub(crate) mod page;
mod postings;

use std::{cmp::Ordering, fmt, sync::Arc};

use self::{
    bulk_load::{Placed, into_parts},
    node::{Edit, What},
};
pub(crate) use self::{
    node::{Child, Node},
    page::Page,
};
use crate::{Ecef, StoredMerchant};

/// Merchants in a page that is packed in bulk, and children in a node: seven eighths of what fits, so that the next few
/// that come do not split it at once.
const PAGE_LOAD: usize = bitset::PAGE / 8 * 7;
const NODE_LOAD: usize = bounding_boxes::FAN / 8 * 7;

/// A version of a merchant at its place.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) place: Ecef,
    pub(crate) stored: Arc<StoredMerchant>,
}

impl From<&Arc<StoredMerchant>> for Point {
    fn from(stored: &Arc<StoredMerchant>) -> Self {
        Self { place: Ecef::from(stored.merchant.position.to_wgs84()), stored: Arc::clone(stored) }
    }
}

impl Placed for Point {
    fn at_m(&self) -> [f64; 3] {
        self.place.xyz_m()
    }

    fn on_one_place(&self, other: &Self) -> Ordering {
        self.stored.merchant.id.cmp(&other.stored.merchant.id)
    }
}

/// All merchants at one revision, hidden ones too. Never changes; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    root: Option<Arc<Node>>,
}

/// Shows nothing of where anybody is.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} visible)", self.visible_len())
    }
}

impl Tree {
    /// A tree of these points, packed in bulk.
    pub(crate) fn load(points: Vec<Point>) -> Self {
        if points.is_empty() {
            return Self::default();
        }
        let (mut height, mut capacity) = (1, PAGE_LOAD * NODE_LOAD);
        while capacity < points.len() {
            (height, capacity) = (height + 1, capacity * NODE_LOAD);
        }
        Self { root: Some(Arc::new(load_node(points, height, capacity / NODE_LOAD))) }
    }

    pub(crate) fn root(&self) -> Option<&Node> {
        self.root.as_deref()
    }

    /// Merchants that can be seen.
    pub(crate) fn visible_len(&self) -> usize {
        self.root().map_or(0, Node::visible_len)
    }

    /// The tree without some points, which are in it, and with others.
    pub(crate) fn edited(&self, removed: &[Point], added: Vec<Point>) -> Self {
        let Some(root) = &self.root else { return Self::load(added) };
        let find = |point: &Point| {
            let found = root.find(point, 0);
            debug_assert!(found.is_some(), "only what is there can be removed");
            found.map(|(path, slot)| Edit { path, what: What::Remove(slot) })
        };
        let mut edits: Vec<Edit> = removed.iter().filter_map(find).collect();
        edits.extend(
            added.into_iter().map(|point| Edit { path: root.choose(point.place), what: What::Add(point) }),
        );
        if edits.is_empty() {
            return self.clone();
        }
        edits.sort_by_key(|edit| edit.path);
        let mut roots = root.edited(0, &edits);
        while roots.len() > 1 {
            roots = Node::group(roots.into_iter().map(|node| Child::Node(node).into()).collect());
        }
        let mut root = roots.pop();
        // A root with one node below it is a floor without a use.
        while let Some([Child::Node(only)]) = root.as_deref().map(Node::children) {
            root = Some(Arc::clone(only));
        }
        Self { root }
    }
}

/// Packs points into a node of a height, whose children hold so many points each. Lets go of points as soon as they
/// are packed: a load never needs the memory of all points and of the whole tree at once.
fn load_node(mut points: Vec<Point>, height: usize, child_capacity: usize) -> Node {
    let parts = points.len().div_ceil(child_capacity);
    let mut children: Vec<Child> = into_parts(&mut points, parts)
        .into_iter()
        .rev()
        .map(|size| {
            let mut part = points.split_off(points.len() - size);
            points.shrink_to_fit();
            if height == 1 {
                Child::Page(Page::pack(&mut part))
            } else {
                Child::Node(Arc::new(load_node(part, height - 1, child_capacity / NODE_LOAD)))
            }
        })
        .collect();
    children.reverse();
    Node::new(children.into_iter().map(Into::into))
}
