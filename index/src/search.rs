//! The hot path: best first through the trees, exact to the bit of the order.
//!
//! A queue holds nodes by the nearest they could offer and points by their distance. What leaves it is final: nothing
//! that is still inside can come before. At equal distance a node goes first, since it may hold a point that wins the
//! tie by its id; among points the id decides. So results leave in rank order, and the walk ends at the limit or at
//! the radius without having touched what lies beyond.

use std::{cmp::Ordering, collections::BinaryHeap, sync::Arc};

use crate::{
    Ecef, Hit, Hits, Meters, Query, StoredMerchant,
    query::Cursor,
    tree::{Child, Forest, Node, Point},
};

/// Answers a query from a forest. `is_current` says which versions the snapshot sees.
pub(crate) fn search(forest: &Forest, is_current: impl Fn(&Point) -> bool, query: &Query) -> Hits {
    let mut walk = Walk { query, queue: BinaryHeap::new() };
    for tree in forest.trees() {
        walk.add_node(tree.root());
    }
    let limit = query.limit.get();
    let mut found = Hits { hits: Vec::with_capacity(limit.min(64)), more: false };
    while let Some(Candidate { distance, what }) = walk.queue.pop() {
        match what {
            What::Node(node) => walk.open(node),
            What::Point(point) if !is_current(point) => {}
            What::Point(_) if found.hits.len() == limit => {
                found.more = true;
                break;
            }
            What::Point(point) => found.hits.push(Hit { merchant: Arc::clone(&point.stored), distance }),
        }
    }
    found
}

/// A search under way.
struct Walk<'a> {
    query: &'a Query,
    queue: BinaryHeap<Candidate<'a>>,
}

impl<'a> Walk<'a> {
    fn open(&mut self, node: Node<'a>) {
        for child in node.children() {
            match child {
                Child::Node(node) => self.add_node(node),
                Child::Point(point) => self.add_point(point),
            }
        }
    }

    fn add_node(&mut self, node: Node<'a>) {
        let origin = self.query.origin;
        let distance = node.nearest(origin);
        if distance > self.query.radius.meters() || self.is_all_before(node, origin) {
            return;
        }
        self.queue.push(Candidate { distance, what: What::Node(node) });
    }

    /// Whether earlier pages have shown all that lies in a node.
    fn is_all_before(&self, node: Node<'a>, origin: Ecef) -> bool {
        self.query.after.as_ref().is_some_and(|after| node.farthest(origin) < after.distance)
    }

    fn add_point(&mut self, point: &'a Point) {
        let distance = self.query.origin.distance(point.place);
        if distance > self.query.radius.meters() || self.is_before(distance, &point.stored) {
            return;
        }
        self.queue.push(Candidate { distance, what: What::Point(point) });
    }

    /// Whether an earlier page has shown a point.
    fn is_before(&self, distance: Meters, stored: &StoredMerchant) -> bool {
        let Some(Cursor { distance: shown, id }) = &self.query.after else { return false };
        (distance, &stored.merchant.id) <= (*shown, id)
    }
}

struct Candidate<'a> {
    distance: Meters,
    what: What<'a>,
}

enum What<'a> {
    Node(Node<'a>),
    Point(&'a Point),
}

/// The greatest leaves a [`BinaryHeap`] first, so that nearer is greater here.
impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance.cmp(&self.distance).then_with(|| match (&self.what, &other.what) {
            (What::Node(_), What::Node(_)) => Ordering::Equal,
            (What::Node(_), What::Point(_)) => Ordering::Greater,
            (What::Point(_), What::Node(_)) => Ordering::Less,
            (What::Point(a), What::Point(b)) => b.stored.merchant.id.cmp(&a.stored.merchant.id),
        })
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Eq for Candidate<'_> {}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
